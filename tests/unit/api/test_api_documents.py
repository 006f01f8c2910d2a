"""Files to wire values: what is read, and what each mistake is answered with, word for word."""

import json
from pathlib import Path
from typing import Any

import msgspec
import msgspec.inspect
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sriov_core.api import shape
from sriov_core.api.documents import parse, read
from sriov_core.api.nodepolicy import NodePolicy
from sriov_core.api.nodestate import NodeState
from sriov_core.api.yamlvalues import load
from sriov_core.errors import SpecError

MANIFESTS = Path(__file__).parents[2] / "vectors" / "manifests"
STARTS = 'A document starts with "apiVersion: sriovnetwork.openshift.io/v1" and "kind: SriovNetworkNodePolicy"'
HEAD = "apiVersion: sriovnetwork.openshift.io/v1\nkind: SriovNetworkNodePolicy\nmetadata: {name: p}\n"
GOOD: dict[str, Any] = {
    "resourceName": "r",
    "nodeSelector": {},
    "nicSelector": {"pfNames": ["ens1f0"]},
    "numVfs": 4,
}


def refusal(text: str) -> str:
    with pytest.raises(SpecError) as raised:
        read(text, "f.yaml")
    return str(raised.value)


def policy_text(**spec: str) -> str:
    """A policy with some fields written in YAML as given."""
    fields = {name: json.dumps(value) for name, value in GOOD.items()} | spec
    return f"{HEAD}spec:\n" + "".join(f"  {name}: {value}\n" for name, value in fields.items() if value)


FILES = [
    pytest.param("", f"f.yaml: the file is empty. {STARTS}", id="empty"),
    pytest.param("# a remark\n---\n---\n", f"f.yaml: the file is empty. {STARTS}", id="remarks-only"),
    pytest.param("- a\n", f"f.yaml, document 1: found a list, wanted a mapping. {STARTS}", id="list"),
    pytest.param(
        "apiVersion: v1\nkind: List\nitems: []\n", f"f.yaml: the List holds no objects. {STARTS}", id="empty-list"
    ),
    pytest.param("hello", f"f.yaml, document 1: found the text 'hello', wanted a mapping. {STARTS}", id="word"),
    pytest.param("42", f"f.yaml, document 1: found the integer 42, wanted a mapping. {STARTS}", id="number"),
    pytest.param(
        f"{policy_text()}---\n[1]\n",
        f"f.yaml, document 2: found a list, wanted a mapping. {STARTS}",
        id="second-document",
    ),
    pytest.param(
        "a: [1\nb: 2\n",
        "f.yaml, document 1, line 2, column 2: no YAML (did not find expected ',' or ']', while parsing a flow "
        "sequence). Correct the YAML there; indentation is by blanks, never by tabs",
        id="syntax",
    ),
    pytest.param(
        "a: 1\n\tb: 2\n",
        "f.yaml, document 1, line 2, column 1: no YAML (found a tab character that violates indentation, while "
        "scanning a plain scalar). Correct the YAML there; indentation is by blanks, never by tabs",
        id="tab",
    ),
    pytest.param(
        "a: \x01",
        "f.yaml, document 1: no YAML (control characters are not allowed at character 4). "
        "Correct the YAML there; indentation is by blanks, never by tabs",
        id="control-character",
    ),
    pytest.param(
        "a: 1\na: 2\n",
        "f.yaml, document 1, line 2, column 1: the field a is given twice. Remove one of them",
        id="field-twice",
    ),
    pytest.param(
        '{"a": 1, "a": 2}', "f.yaml, document 1: the field a is given twice. Remove one of them", id="json-twice"
    ),
    pytest.param(
        "? [a]\n: b\n",
        "f.yaml, document 1, line 1, column 5: a list or mapping is used as a field name. Use a word",
        id="list-as-field-name",
    ),
    pytest.param(
        "a: &x [*x]",
        "f.yaml, document 1, line 1, column 8: the alias *x stands for nothing. Define it above with &",
        id="alias-of-itself",
    ),
    pytest.param(
        "a: &x 1\nb: &x [*x]\n",
        "f.yaml, document 1, line 2, column 8: the alias *x stands for nothing. Define it above with &",
        id="alias-of-itself-under-a-used-name",
    ),
    pytest.param(
        "a: &x 1\n---\nb: *x\n",
        "f.yaml, document 2, line 3, column 4: the alias *x stands for nothing. Define it above with &",
        id="alias-of-another-document",
    ),
    pytest.param(
        "<<: [1]\n",
        "f.yaml, document 1, line 2, column 1: << is given something that is no mapping. Give it a mapping's alias",
        id="merge-of-no-mapping",
    ),
    pytest.param("apiVersion: v1\n", f"f.yaml, document 1: kind: the field is missing. {STARTS}", id="without-kind"),
    pytest.param(
        "apiVersion: v1\nKind: x\n",
        "f.yaml, document 1: kind: the field is missing. The field Kind is not it: write kind",
        id="kind-in-another-case",
    ),
    pytest.param(
        "apiVersion: 1\nkind: Pod\n",
        f"f.yaml, document 1: apiVersion: found the integer 1, wanted text. {STARTS}",
        id="version-is-a-number",
    ),
    pytest.param(
        HEAD.replace("/v1", "/v2"),
        "f.yaml, document 1: apiVersion: found 'sriovnetwork.openshift.io/v2', wanted sriovnetwork.openshift.io/v1 for "
        "a SriovNetworkNodePolicy. Correct it",
        id="another-version",
    ),
    pytest.param(
        "apiVersion: sriovnetwork.openshift.io/v1\nkind: SriovNetworkNodePolicie\n",
        "f.yaml, document 1: kind: 'SriovNetworkNodePolicie' is no kind of sriovnetwork.openshift.io/v1. "
        "Did you mean SriovNetworkNodePolicy?",
        id="misspelled-kind",
    ),
    pytest.param(
        "apiVersion: v1\nkind: List\nitems: {}\n",
        "f.yaml, document 1: items: found a mapping, wanted a list. List the objects there",
        id="list-without-a-list",
    ),
]


@pytest.mark.parametrize(("text", "expected"), FILES)
def test_a_file_that_cannot_be_read_is_refused_in_words(text: str, expected: str) -> None:
    assert refusal(text) == expected


FIELDS = [
    pytest.param({"numVfs": '"4"'}, "spec.numVfs: found the text '4', wanted an integer. Write it without quotes",
                 id="quoted-number"),
    pytest.param({"numVfs": "four"}, "spec.numVfs: found the text 'four', wanted an integer. "
                 "Write a whole number in decimal digits", id="number-in-words"),
    pytest.param({"numVfs": "010"}, "spec.numVfs: found the unquoted number 010, wanted an integer. "
                 "Write a whole number in decimal digits", id="octal-number"),
    pytest.param({"numVfs": "4.0"}, "spec.numVfs: found the unquoted number 4.0, wanted an integer. "
                 "Write a whole number in decimal digits", id="fraction"),
    pytest.param({"numVfs": "true"}, "spec.numVfs: found true, wanted an integer. "
                 "Write a whole number in decimal digits", id="truth-as-number"),
    pytest.param({"numVfs": "-1"}, "spec.numVfs: found -1, wanted 0 or more. Write a number within that range",
                 id="negative-count"),
    pytest.param({"numVfs": "null"}, "spec.numVfs: found nothing, wanted an integer. "
                 "Write a whole number in decimal digits", id="nothing"),
    pytest.param({"numVfs": ""}, "spec.numVfs: the field is missing. It is required: add it", id="count-missing"),
    pytest.param({"nicSelector": ""}, "spec.nicSelector: the field is missing. It is required: add it",
                 id="selector-missing"),
    pytest.param({"priority": "100"}, "spec.priority: found 100, wanted 0 to 99. Write a number within that range",
                 id="priority"),
    pytest.param({"mtu": "0"}, "spec.mtu: found 0, wanted 1 or more. Write a number within that range", id="mtu"),
    pytest.param({"deviceType": "vfio"}, "spec.deviceType: found 'vfio', wanted one of netdevice, vfio-pci. "
                 "Write one of them", id="device-type"),
    pytest.param({"eSwitchMode": "on"}, "spec.eSwitchMode: found true, wanted text. YAML reads true, false, yes, no, "
                 "on and off as truth values: put the word in quotes", id="eswitch-mode-on"),
    pytest.param({"eSwitchMode": "switch"}, "spec.eSwitchMode: found 'switch', wanted one of legacy, switchdev. "
                 "Write one of them", id="eswitch-mode"),
    pytest.param({"linkType": "Eth"}, "spec.linkType: found 'Eth', wanted one of ETH, IB, eth, ib. Write one of them",
                 id="link-type"),
    pytest.param({"vdpaType": "vdpa"}, "spec.vdpaType: found 'vdpa', wanted one of vhost, virtio. Write one of them",
                 id="vdpa-type"),
    pytest.param({"isRdma": '"yes"'}, "spec.isRdma: found the text 'yes', wanted true or false. "
                 "Write true or false, unquoted", id="truth-in-quotes"),
    pytest.param({"nodeSelector": "{feature: true}"}, "spec.nodeSelector[feature]: found true, wanted text. YAML reads "
                 "true, false, yes, no, on and off as truth values: put the word in quotes", id="label-true"),
    pytest.param({"nodeSelector": "[a]"}, "spec.nodeSelector: found a list, wanted a mapping. "
                 "Write `field: value` lines below it", id="labels-as-list"),
    pytest.param({"nicSelector": "{deviceID: 1583}"}, "spec.nicSelector.deviceID: found the integer 1583, wanted text. "
                 'Put it in quotes: "1583"', id="device-id-as-number"),
    pytest.param({"nicSelector": "{deviceID: 0158}"}, "spec.nicSelector.deviceID: found the unquoted number 0158, "
                 'wanted text. Put it in quotes: "0158"', id="device-id-with-leading-zero"),
    pytest.param({"nicSelector": "{deviceID: 0x1583}"}, "spec.nicSelector.deviceID: found the unquoted number 0x1583, "
                 'wanted text. Put it in quotes: "0x1583"', id="device-id-in-hex"),
    pytest.param({"nicSelector": "{deviceID: 10e9}"}, "spec.nicSelector.deviceID: found the unquoted number 10e9, "
                 'wanted text. Put it in quotes: "10e9"', id="device-id-like-a-power"),
    pytest.param({"nicSelector": "{pfNames: ens1f0}"}, "spec.nicSelector.pfNames: found the text 'ens1f0', wanted a "
                 'list. Write it as a list: ["ens1f0"]', id="name-instead-of-list"),
    pytest.param({"nicSelector": "{pfNames: {a: b}}"}, "spec.nicSelector.pfNames: found a mapping, wanted a list. "
                 "Write a list, or leave the field out", id="mapping-instead-of-list"),
    pytest.param({"nicSelector": "{pfNames: [null]}"}, "spec.nicSelector.pfNames[0]: found nothing, wanted text. "
                 "Write a text, or leave the field out", id="nothing-in-a-list"),
    pytest.param({"nicSelector": "{pfName: [ens1f0]}"}, "spec.nicSelector.pfName: unknown field. Did you mean pfNames?",
                 id="misspelled-field"),
    pytest.param({"nicSelector": "{colour: red}"}, "spec.nicSelector.colour: unknown field. "
                 "Allowed here: deviceID, netFilter, pfNames, rootDevices, vendor", id="unknown-field"),
    pytest.param({"numvfs": "4"}, "spec.numvfs: unknown field. Did you mean numVfs?", id="field-in-another-case"),
    pytest.param({"bridge": "{ovs: {bridge: {failMode: x}}}"}, "spec.bridge.ovs.bridge.failMode: found 'x', wanted one "
                 "of secure, standalone. Write one of them", id="deep-in-the-bridge"),
]  # fmt: skip


@pytest.mark.parametrize(("spec", "expected"), FIELDS)
def test_a_field_that_is_wrong_is_refused_in_words(spec: dict[str, str], expected: str) -> None:
    assert refusal(policy_text(**spec)) == f"f.yaml, document 1: {expected}"


def test_every_mistake_of_every_document_is_reported() -> None:
    text = policy_text(numVfs="x", mtu="0", foo="1") + "---\n" + policy_text(priority="-1")
    assert [line.partition(": ")[0::2] for line in refusal(text).splitlines()] == [
        ("f.yaml, document 1", ("spec.foo: unknown field. Allowed here: bridge, deviceType, eSwitchMode, "
         "excludeTopology, externallyManaged, isRdma, linkType, mtu, needVhostNet, nicSelector, nodeSelector, numVfs, "
         "priority, resourceName, vdpaType")),
        ("f.yaml, document 1", ("spec.numVfs: found the text 'x', wanted an integer. "
         "Write a whole number in decimal digits")),
        ("f.yaml, document 1", "spec.mtu: found 0, wanted 1 or more. Write a number within that range"),
        ("f.yaml, document 2", "spec.priority: found -1, wanted 0 to 99. Write a number within that range"),
    ]  # fmt: skip


def test_a_flood_of_mistakes_is_cut_short() -> None:
    text = policy_text() + "".join(f"  x{index}: 1\n" for index in range(150))
    found = refusal(text).splitlines()
    assert len(found) == 101
    assert found[-1] == "f.yaml: and 50 more mistakes"


def test_text_of_a_file_cannot_steer_the_terminal() -> None:
    text = (
        '{"apiVersion": "sriovnetwork.openshift.io/v1", "kind": "SriovNetworkNodePolicy", "\\u001b[2J": "\\u001b[1J"}'
    )
    assert all(line.isprintable() for line in refusal(text).splitlines())


def test_unknown_fields_are_warnings_on_the_wire_and_are_kept() -> None:
    document = read(policy_text(futureField="1"), "api", strict=False)[0]
    assert isinstance(document.body, NodePolicy)
    assert document.raw["spec"]["futureField"] == 1
    assert len(document.warnings) == 1
    assert document.warnings[0].startswith("api, document 1: spec.futureField: unknown field. ")


def test_other_mistakes_stay_mistakes_on_the_wire() -> None:
    with pytest.raises(SpecError, match=r"spec\.numVfs: found the text 'x'"):
        read(policy_text(numVfs="x"), "api", strict=False)


@pytest.mark.parametrize("text", ['{"kind": "\\ud800"}', 'kind: "\\ud800"', '{"a": {"\\uDFFF": 1}}'])
def test_half_a_character_is_refused(text: str) -> None:
    with pytest.raises(SpecError, match=r"f\.yaml, document 1"):
        parse(text, "f.yaml")


def test_both_halves_of_a_character_are_read() -> None:
    assert parse('{"kind": "\\ud83d\\ude00"}', "f.yaml")[0].raw == {"kind": "\U0001f600"}


def test_several_documents_and_lists_are_read_in_order() -> None:
    item = json.dumps({"apiVersion": "sriovnetwork.openshift.io/v1", "kind": "SriovNetworkNodePolicy",
                       "metadata": {"name": "q"}, "spec": GOOD})  # fmt: skip
    text = f"{policy_text()}---\n---\napiVersion: v1\nkind: List\nitems:\n- {item}\n- {item}\n"
    assert [(entry.where, entry.name) for entry in read(text, "f.yaml")] == [
        ("f.yaml, document 1", "p"),
        ("f.yaml, document 3, items[0]", "q"),
        ("f.yaml, document 3, items[1]", "q"),
    ]


def test_a_mistake_in_a_list_is_found_by_its_place() -> None:
    text = "apiVersion: v1\nkind: List\nitems: [1]\n"
    assert refusal(text) == f"f.yaml, document 1, items[0]: found the integer 1, wanted a mapping. {STARTS}"


def test_a_list_of_the_group_is_a_list() -> None:
    text = "apiVersion: sriovnetwork.openshift.io/v1\nkind: SriovNetworkNodeStateList\nmetadata: {}\nitems:\n"
    item = "- {apiVersion: sriovnetwork.openshift.io/v1, kind: SriovNetworkNodeState, metadata: {name: n}}\n"
    assert isinstance(read(text + item, "f")[0].body, NodeState)


@pytest.mark.parametrize(
    ("kind", "version"),
    [
        ("NetworkAttachmentDefinition", "k8s.cni.cncf.io/v1"),
        ("Pod", "v1"),
    ],
)
def test_another_kind_is_left_alone_and_named(kind: str, version: str) -> None:
    text = f"apiVersion: {version}\nkind: {kind}\nmetadata: {{name: x}}\nspec: {{any: thing}}\n"
    document = read(text, "f.yaml")[0]
    assert document.body is None
    assert document.raw["spec"] == {"any": "thing"}
    assert document.unread("policies") == f"f.yaml, document 1: {kind} x is not read here; policies are"


def test_metadata_as_a_server_writes_it_is_read() -> None:
    metadata = (
        "{name: p, namespace: ns, uid: u, resourceVersion: '5', creationTimestamp: null, labels: {a: b}, "
        "managedFields: [{manager: m, fieldsV1: {'f:spec': {}}}], ownerReferences: [{uid: x, controller: true}]}"
    )
    text = policy_text().replace("{name: p}", metadata) + "status: {}\n"
    body = read(text, "f")[0].body
    assert isinstance(body, NodePolicy)
    assert body.metadata.owner_references == ({"uid": "x", "controller": True},)


@pytest.mark.parametrize("manifest", sorted(path.name for path in MANIFESTS.iterdir()))
def test_every_example_is_read_but_the_misspelled_one(manifest: str) -> None:
    text = (MANIFESTS / manifest).read_text()
    if manifest == "readme-policy.yaml":
        with pytest.raises(SpecError) as raised:
            read(text, manifest)
        assert str(raised.value) == (
            "readme-policy.yaml, document 1: spec.nicSelector.pfName: unknown field. Did you mean pfNames?"
        )
    else:
        assert len(read(text, manifest)) == 1


def test_json_and_yaml_give_the_same() -> None:
    value = load(policy_text())[0]
    assert read(json.dumps(value), "f")[0].body == read(policy_text(), "f")[0].body
    assert read("\ufeff" + json.dumps(value), "f")[0].body == read(policy_text(), "f")[0].body


@pytest.mark.parametrize("manifest", sorted(path.name for path in MANIFESTS.iterdir() if "readme" not in path.name))
def test_every_example_gives_the_same_in_json(manifest: str) -> None:
    text = (MANIFESTS / manifest).read_text()
    (document,) = read(text, manifest)
    assert document.raw
    assert read(json.dumps(document.raw), manifest) == (document,)


DOCUMENTS = [policy_text().replace("{name: p}", f"{{name: {name}}}") for name in ("a", "b", "c")]
COUNTS = [
    pytest.param(DOCUMENTS, [(1, "a"), (2, "b"), (3, "c")], id="three"),
    pytest.param(["", *DOCUMENTS[1:]], [(2, "b"), (3, "c")], id="empty-first"),
    pytest.param(["# left out\n", *DOCUMENTS[1:]], [(2, "b"), (3, "c")], id="a-remark-first"),
    pytest.param([*DOCUMENTS[:2], ""], [(1, "a"), (2, "b")], id="empty-last"),
]


@pytest.mark.parametrize(("parts", "expected"), COUNTS)
def test_each_document_of_a_file_is_an_object_but_for_empty_ones(
    parts: list[str], expected: list[tuple[int, str]]
) -> None:
    found = read("---\n" + "---\n".join(parts), "f.yaml")
    assert [(document.number, document.name) for document in found] == expected
    assert {type(document.body) for document in found} == {NodePolicy}


def test_flow_yaml_that_looks_like_json_is_read() -> None:
    assert load("{a: b}") == [{"a": "b"}]
    assert read("{apiVersion: v1, kind: Pod}", "f")[0].kind == "Pod"


SCALARS = (
    st.none() | st.booleans() | st.integers(-3, 120) | st.sampled_from(["", "eth", "legacy", "vfio-pci", "virtio", "4"])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["a", "ovs"]), inner, max_size=2),
)
SPECS = st.dictionaries(
    st.sampled_from([field.encode_name for field in msgspec.structs.fields(NodePolicy.__annotations__["spec"])]),
    VALUES,
    max_size=3,
)


@given(SPECS)
def test_the_walker_refuses_exactly_what_the_decoder_refuses(changes: dict[str, Any]) -> None:
    value = {"apiVersion": "x", "kind": "y", "metadata": {"name": "p"}, "spec": {**GOOD, **changes}}
    found = list(shape.faults(value, msgspec.inspect.type_info(NodePolicy)))
    try:
        msgspec.convert(value, NodePolicy)
    except msgspec.ValidationError:
        assert found, "the decoder refuses what the walker lets pass"
    else:
        assert found == []


@given(st.text(st.characters(), max_size=60))
def test_any_text_is_read_or_refused_with_its_source(text: str) -> None:
    try:
        read(text, "f.yaml")
    except SpecError as err:
        message = str(err)
    else:
        message = "f.yaml"
    assert message.startswith("f.yaml")
