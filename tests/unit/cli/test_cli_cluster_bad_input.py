"""Bad input of the verbs that read a cluster's objects: a message for people and exit code 1, never a traceback."""

import json
from typing import Any

import pytest
import yaml
from cli_runs import Cli, Files, Ran, policy_text
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

GROUP = "apiVersion: sriovnetwork.openshift.io/v1"
VERBS = ["render", "validate", "inject"]
KINDS = [
    "SriovNetworkNodePolicy",
    "SriovNetworkNodeState",
    "SriovNetwork",
    "SriovIBNetwork",
    "OVSNetwork",
    "SriovNetworkPoolConfig",
    "SriovOperatorConfig",
]


def network(**spec: Any) -> str:
    fields = {"resourceName": "fast", **spec}
    return json.dumps(
        {
            "apiVersion": "sriovnetwork.openshift.io/v1",
            "kind": "SriovNetwork",
            "metadata": {"name": "net", "namespace": "apps"},
            "spec": fields,
        }
    )


def aliases() -> str:
    """Nine levels of nine aliases: 400 million values in 500 bytes."""
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]" for level in range(1, 9)]
    return "\n".join(levels)


TEXTS: dict[str, tuple[str | bytes, str]] = {
    "more-than-10-mb": (f"{GROUP}\nkind: SriovNetwork\n# {'x' * 11_000_000}", "at most 10 MB are read"),
    "more-than-50-mb": (b"#" * 51_000_000, "more than 50 MB"),
    "deep-lists": ("a: " + "[" * 5_000, "nested deeper than 100"),
    "deep-mappings": ("{a: " * 5_000, "nested deeper than 100"),
    "deep-json": ('{"a":' * 100_000, "nested"),
    "exploding-aliases": (aliases(), "the aliases (*) stand for more than 10000 values"),
    "not-utf-8": (b"kind: \xff\xfe", "is no text (byte 6 is not UTF-8)"),
    "a-key-twice": (f"{GROUP}\nkind: SriovNetwork\nkind: SriovNetwork\n", "the field kind is given twice"),
    "a-key-twice-in-json": ('{"kind": "SriovNetwork", "kind": "SriovNetwork"}', "the field kind is given twice"),
    "no-yaml": ("kind: [", "no YAML"),
    "empty": ("", "the file is empty"),
    "control-characters": ("kind: \x00\x01", "no YAML"),
}


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(("text", "said"), TEXTS.values(), ids=TEXTS.keys())
def test_a_text_that_cannot_be_read_is_refused(cli: Cli, files: Files, verb: str, text: str | bytes, said: str) -> None:
    ran = cli(verb, "-f", files.write(text))
    assert (ran.code, ran.out) == (1, "")
    assert said in ran.err
    assert ran.err.startswith("error: ")
    assert "internal error" not in ran.err


@pytest.mark.parametrize("verb", VERBS)
def test_a_document_that_is_no_object_is_refused(cli: Cli, files: Files, verb: str) -> None:
    ran = cli(verb, "-f", files.write("just a word"))
    assert ran.code == 1
    assert "found the text 'just a word', wanted a mapping" in ran.out + ran.err


JSON_TEXTS = {
    "no-colon": ('{"type" 1}', "line 1, column 9"),
    "second-line": ('{\n  "type": "a",\n}', "line 3, column 1"),
    "open-string": ('{"type": "a', "line 1, column 10"),
    "a-list": ("[1]", ""),
    "a-key-twice": ('{"a": 1, "a": 2}', "the key 'a' is given twice"),
    "not-a-number": ('{"a": NaN}', ""),
    "deep": ('{"a":' * 10_000, ""),
}


@pytest.mark.parametrize("verb", ["render", "validate"])
@pytest.mark.parametrize("field", ["ipam", "capabilities", "metaPlugins"])
@pytest.mark.parametrize(("text", "said"), JSON_TEXTS.values(), ids=JSON_TEXTS.keys())
def test_json_in_a_network_is_refused_with_field_and_position(
    cli: Cli, verb: str, field: str, text: str, said: str
) -> None:
    ran = cli(verb, "-f", "-", stdin=network(**{field: text}))
    assert ran.code == 1
    told = ran.err if verb == "render" else ran.out
    assert f"spec.{field}" in told
    assert said in told


@pytest.mark.parametrize(
    "word", ["it's", "two\nlines", "  blanks  ", 'a "quote"', "\u00e9\U0001f600", "{{.X}}", "${X}"]
)
def test_any_text_within_the_json_of_a_network_comes_through(cli: Cli, files: Files, word: str) -> None:
    ipam, chained = json.dumps({"type": word}), json.dumps({"type": "tuning", "x": {word: [word]}})
    ran = cli("render", "-f", files.write(network(ipam=ipam, capabilities='{"ips": true}', metaPlugins=chained)))
    assert (ran.code, ran.err) == (0, "")
    (found,) = yaml.safe_load_all(ran.out)
    plugins = json.loads(found["spec"]["config"])["plugins"]
    assert plugins[0]["ipam"] == {"type": word}
    assert plugins[1] == {"type": "tuning", "x": {word: [word]}}


SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
)
FIELDS = st.sampled_from(
    [
        *("resourceName", "numVfs", "nicSelector", "nodeSelector", "priority", "mtu", "deviceType", "bridge", "ipam"),
        *("metaPlugins", "capabilities", "vlan", "trunk", "maxUnavailable", "rdmaMode", "featureGates", "interfaces"),
        *("system", "bridges", "networkNamespace", "disableDrain", "eSwitchMode", "vdpaType", "unknown"),
    ]
)


def judged(ran: Ran) -> None:
    """Whatever was read, it was answered."""
    assert ran.code in {0, 1}
    assert "internal error" not in ran.err
    assert "Traceback" not in ran.err + ran.out


@pytest.mark.parametrize("verb", VERBS)
@given(kind=st.sampled_from(KINDS), spec=st.dictionaries(FIELDS, VALUES, max_size=5) | VALUES, metadata=VALUES)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_wrong_types_everywhere_are_answered(cli: Cli, verb: str, kind: str, spec: Any, metadata: Any) -> None:
    value = {"apiVersion": "sriovnetwork.openshift.io/v1", "kind": kind, "spec": spec, "status": spec}
    good = {"name": "x", "labels": metadata, "annotations": metadata}
    for own in (metadata, good, {"name": "x"}):
        judged(cli(verb, "-f", "-", stdin=json.dumps({**value, "metadata": own})))


@pytest.mark.parametrize("verb", VERBS)
@given(text=st.text(max_size=80) | st.binary(max_size=80))
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_is_answered(cli: Cli, verb: str, text: str | bytes) -> None:
    ran = cli(verb, "-f", "-", stdin=text.encode(errors="surrogatepass") if isinstance(text, str) else text)
    judged(ran)


@given(
    fields=st.dictionaries(st.sampled_from(["metadata", "spec", "status", "data"]), VALUES, max_size=4),
    kind=st.sampled_from(["Node", "ConfigMap", "Pod", "NetworkAttachmentDefinition", "Namespace"]),
)
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_objects_of_other_groups_are_answered_whatever_they_hold(cli: Cli, kind: str, fields: dict[str, Any]) -> None:
    version = "k8s.cni.cncf.io/v1" if kind == "NetworkAttachmentDefinition" else "v1"
    for verb in VERBS:
        judged(cli(verb, "-f", "-", stdin=json.dumps({"apiVersion": version, "kind": kind, **fields})))


@pytest.mark.parametrize("verb", VERBS)
def test_a_good_file_beside_a_bad_one_does_not_hide_it(cli: Cli, files: Files, verb: str) -> None:
    ran = cli(verb, "-f", files.write(policy_text(), "good.yaml"), "-f", files.write("kind: [", "bad.yaml"))
    assert ran.code == 1
    assert "bad.yaml" in ran.err
