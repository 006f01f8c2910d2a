"""`inject`: pods and networks in files, patched pods or patches on the standard output."""

import json
from typing import Any

import pytest
import yaml
from cli_runs import Cli, Files

from sriov_core.api import documents

POD = """
apiVersion: v1
kind: Pod
metadata:
  name: p
  annotations: {k8s.v1.cni.cncf.io/networks: "a", example.com/version: "1e3"}
spec:
  containers:
  - {name: c0, image: app, resources: {limits: {cpu: 0.5}}}
  volumes:
  - {name: s, secret: {secretName: s, defaultMode: 0644}}
"""
NETWORK = """
apiVersion: k8s.cni.cncf.io/v1
kind: NetworkAttachmentDefinition
metadata:
  name: a
  annotations: {k8s.v1.cni.cncf.io/resourceName: intel.com/fast}
spec: {config: "{}"}
"""
CONFIG_MAP = """
apiVersion: v1
kind: ConfigMap
metadata: {name: nri-control-switches, namespace: sriov-network-operator}
data:
  config.json: '{"features": {"enableHonorExistingResources": true}}'
"""
BOTH = f"{POD}---{NETWORK}"


def pod(text: str) -> Any:
    (found,) = yaml.safe_load_all(text)
    return found


def test_the_pod_is_printed_as_it_would_be_admitted(cli: Cli, files: Files) -> None:
    ran = cli("inject", "-f", files.write(POD, "pod.yaml"), "-f", files.write(NETWORK, "nads.yaml"))
    assert (ran.code, ran.err) == (0, "")
    assert list(pod(ran.out)) == ["apiVersion", "kind", "metadata", "spec"]
    assert pod(ran.out)["spec"] == {
        "containers": [
            {
                "name": "c0",
                "image": "app",
                "resources": {
                    "limits": {"cpu": 0.5, "intel.com/fast": "1"},
                    "requests": {"intel.com/fast": "1"},
                },
                "volumeMounts": [{"name": "podnetinfo", "readOnly": True, "mountPath": "/etc/podnetinfo"}],
            }
        ],
        "volumes": [
            {"name": "s", "secret": {"secretName": "s", "defaultMode": 0o644}},
            {
                "name": "podnetinfo",
                "downwardAPI": {"items": [{"path": "annotations", "fieldRef": {"fieldPath": "metadata.annotations"}}]},
            },
        ],
    }


def test_text_that_some_reader_takes_for_a_number_stays_in_quotes(cli: Cli, files: Files) -> None:
    out = cli("inject", "-f", files.write(BOTH)).out
    assert 'example.com/version: "1e3"' in out
    (read,) = documents.read(out, "out")
    assert type(read.raw["metadata"]["annotations"]["example.com/version"]) is str


def test_json_has_the_same_pod(cli: Cli, files: Files) -> None:
    path = files.write(BOTH)
    assert cli("inject", "-f", path, "-o", "json").data == pod(cli("inject", "-f", path, "-o", "yaml").out)


def test_the_patch_is_printed_in_both_forms(cli: Cli, files: Files) -> None:
    path = files.write(BOTH)
    patch = cli("inject", "-f", path, "--patch", "-o", "json").data
    assert patch[:2] == [
        {"op": "add", "path": "/spec/containers/0/resources/requests", "value": {}},
        {"op": "add", "path": "/spec/containers/0/resources/requests/intel.com~1fast", "value": "1"},
    ]
    assert pod(cli("inject", "-f", path, "--patch").out) == patch


def test_a_pod_without_networks_has_an_empty_patch(cli: Cli, files: Files) -> None:
    bare = files.write('{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}}')
    ran = cli("inject", "-f", bare, "--patch", "-o", "json")
    assert (ran.code, ran.data) == (0, [])
    assert pod(cli("inject", "-f", bare).out) == {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}}


def test_the_standard_input_is_read(cli: Cli) -> None:
    assert pod(cli("inject", "-f", "-", stdin=BOTH).out)["spec"]["containers"][0]["volumeMounts"]


def test_input_that_is_no_text_is_said_to_be_none(cli: Cli) -> None:
    ran = cli("inject", "-f", "-", stdin=b"\xff")
    assert (ran.code, ran.errors) == (1, ["standard input is no text (byte 0 is not UTF-8)"])


def test_several_pods_are_patched_in_order(cli: Cli, files: Files) -> None:
    path = files.write(f"{POD}---{POD.replace('name: p', 'name: q')}---{NETWORK}")
    assert [one["metadata"]["name"] for one in yaml.safe_load_all(cli("inject", "-f", path).out)] == ["p", "q"]
    listed = cli("inject", "-f", path, "-o", "json")
    assert (listed.data["apiVersion"], listed.data["kind"]) == ("v1", "List")
    assert [document.name for document in documents.read(listed.out, "out")] == ["p", "q"]
    patches = cli("inject", "-f", path, "--patch", "-o", "json").data
    assert len(patches) == 2
    assert patches[0] == patches[1] != []


@pytest.mark.parametrize(
    ("places", "words", "code"),
    [
        pytest.param(("", ""), (), 0, id="both-in-default"),
        pytest.param(("", ""), ("--namespace", "ns1"), 0, id="both-in-the-given-one"),
        pytest.param(("", "default"), (), 0, id="default-is-default"),
        pytest.param(("", "ns1"), ("--namespace", "ns1"), 0, id="the-given-one-is-the-pods"),
        pytest.param(("ns2", "ns2"), ("--namespace", "ns1"), 0, id="their-own-beats-the-given-one"),
        pytest.param(("ns2", ""), ("--namespace", "ns1"), 1, id="another-namespace"),
    ],
)
def test_a_network_is_looked_for_in_the_pods_namespace(
    cli: Cli, files: Files, places: tuple[str, str], words: tuple[str, ...], code: int
) -> None:
    placed = [
        text.replace("metadata:\n", f"metadata:\n  namespace: {place}\n" if place else "metadata:\n")
        for text, place in zip((POD, NETWORK), places, strict=True)
    ]
    assert cli("inject", "-f", files.write("---".join(placed)), *words).code == code


def test_the_config_map_switches_features(cli: Cli, files: Files) -> None:
    held = BOTH.replace("cpu: 0.5", 'intel.com/fast: "2"')
    limits = {
        name: pod(cli("inject", "-f", files.write(text)).out)["spec"]["containers"][0]["resources"]["limits"]
        for name, text in (("without", held), ("with", f"{held}---{CONFIG_MAP}"))
    }
    assert limits == {"without": {"intel.com/fast": "2"}, "with": {"intel.com/fast": "3"}}


def test_a_denied_pod_is_an_error_and_nothing_is_printed(cli: Cli, files: Files) -> None:
    second = POD.replace('networks: "a"', 'networks: "a,b"')
    path = files.write(f"{BOTH}---{second}")
    ran = cli("inject", "-f", path)
    assert (ran.code, ran.out) == (1, "")
    why = "could not find network attachment definition 'default/b': "
    where = "metadata.annotations[k8s.v1.cni.cncf.io/networks], entry 2 names it. Create it, or correct the name"
    assert ran.errors == [f"{path}, document 3, Pod p: denied: {why}{where}"]


def test_warnings_and_mistakes_of_the_config_map_are_notes(cli: Cli, files: Files) -> None:
    held = BOTH.replace("cpu: 0.5", 'intel.com/fast: "2"')
    path = files.write(f"{held}---{CONFIG_MAP.replace('true', '1')}---\napiVersion: v1\nkind: Secret\n")
    text = cli("inject", "-f", path)
    where = [line.partition(": ")[2].partition(": ")[0] for line in text.err.splitlines()]
    assert where == [f"{path}, document 3", f"{path}, document 4", f"{path}, document 1, Pod p"]
    assert "found the integer 1, wanted true or false. Write true or false, unquoted" in text.err
    assert "Secret is not read here; Pods, NetworkAttachmentDefinitions and the ConfigMap nri-control" in text.err
    assert "the networks need 1 of intel.com/fast, which is not added" in text.err
    notes = [json.loads(line)["note"] for line in cli("inject", "-f", path, "-o", "json").err.splitlines()]
    assert [f"note: {note}" for note in notes] == text.err.splitlines()


@pytest.mark.parametrize(
    ("text", "error"),
    [
        pytest.param(NETWORK, "no Pod (found: NetworkAttachmentDefinition). Give one", id="no-pod"),
        pytest.param(
            f"{BOTH}---{NETWORK}", "document 3: a second NetworkAttachmentDefinition a in default", id="twice"
        ),
        pytest.param(
            f"{BOTH}---{CONFIG_MAP}---{CONFIG_MAP}",
            "document 4: a second ConfigMap nri-control-switches",
            id="switches",
        ),
        pytest.param(BOTH.replace("  name: a\n", ""), "document 2: metadata.name: the network has no name", id="name"),
        pytest.param(
            BOTH.replace("name: a\n", "name: a\n  namespace: 5\n"), "metadata.namespace: found the", id="five"
        ),
        pytest.param(BOTH.replace("0.5", ".inf"), "document 1: '.inf' is no number that JSON can hold", id="infinite"),
        pytest.param(BOTH.replace("0.5", "1e999"), "document 1: '1e999' is no number that JSON can", id="too-large"),
        pytest.param(
            json.dumps({"apiVersion": "v1", "kind": "Pod", "x": json.loads("[" * 200 + "]" * 200)}),
            "document 1: lists and mappings are nested deeper than 100",
            id="deep",
        ),
    ],
)
def test_input_that_cannot_be_used_is_an_error_with_its_place(cli: Cli, files: Files, text: str, error: str) -> None:
    ran = cli("inject", "-f", files.write(text))
    assert (ran.code, ran.out, len(ran.errors)) == (1, "", 1)
    assert error in ran.errors[0]


def test_a_file_given_twice_is_an_error(cli: Cli, files: Files) -> None:
    path = files.write(BOTH)
    assert cli("inject", "-f", path, "-f", path).errors == [f"-f {path} is given twice"]


@pytest.mark.parametrize(
    ("word", "number"),
    [
        pytest.param("0644", 420, id="octal"),
        pytest.param("0o17", 15, id="octal-with-o"),
        pytest.param("-0x1F", -31, id="hex"),
        pytest.param("0b11", 3, id="binary"),
        pytest.param("1_000", 1000, id="underscores"),
        pytest.param("089", 89, id="leading-zero-and-no-octal"),
        pytest.param("10e3", 10000.0, id="power"),
        pytest.param("+1.25", 1.25, id="fraction"),
        pytest.param("12345678901234567890", 12345678901234567890, id="long"),
    ],
)
def test_unquoted_numbers_are_read_as_the_kubernetes_tools_read_them(
    cli: Cli, files: Files, word: str, number: float
) -> None:
    ran = cli("inject", "-f", files.write(BOTH.replace("0.5", word)), "-o", "json")
    assert ran.data["spec"]["containers"][0]["resources"]["limits"]["cpu"] == number
