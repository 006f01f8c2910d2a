"""What an API server makes of our definitions, and of objects under them, asked of its own code."""

import copy
from pathlib import Path
from typing import Any

import msgspec.inspect
import pytest
from crd_checker import ask

from sriov_core.api import documents, shape
from sriov_core.api.crd import definitions
from sriov_core.api.kinds import KINDS

MANIFESTS = Path(__file__).parents[1] / "vectors" / "manifests"
TIME = "2026-11-21T10:00:00Z"
LEAST: dict[str, dict[str, Any]] = {
    "SriovNetworkNodePolicy": {
        "resourceName": "r",
        "nodeSelector": {},
        "nicSelector": {"vendor": "8086"},
        "numVfs": 4,
    },
    "SriovNetworkNodeState": {},
    "SriovNetwork": {"resourceName": "r"},
    "SriovIBNetwork": {"resourceName": "r"},
    "OVSNetwork": {"resourceName": "r"},
    "SriovNetworkPoolConfig": {},
    "SriovOperatorConfig": {},
}
SWITCHDEV = {"eSwitchMode": "switchdev"}


def thing(kind: str, spec: dict[str, Any], **parts: Any) -> dict[str, Any]:
    """An object with the least spec of its kind and these fields."""
    metadata = {"name": "x", "namespace": "n"}
    head = {"apiVersion": "sriovnetwork.openshift.io/v1", "kind": kind, "metadata": metadata}
    return {**head, "spec": {**copy.deepcopy(LEAST[kind]), **spec}, **parts}


def answers(*requests: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ask(definitions(), requests)["answers"]
    return found


def created(kind: str, spec: dict[str, Any], **parts: Any) -> dict[str, Any]:
    return answers({"object": thing(kind, spec, **parts)})[0]


def rule_messages(value: Any) -> list[str]:
    """The messages of all rules in a schema."""
    if isinstance(value, list | tuple):
        return [message for item in value for message in rule_messages(item)]
    if not isinstance(value, dict):
        return []
    own = [rule["message"] for rule in value.get("x-kubernetes-validations", [])]
    return own + [message for item in value.values() for message in rule_messages(item)]


def test_the_server_takes_all_seven_definitions() -> None:
    said = ask(definitions(), [])["definitions"]
    assert said == [{"name": kind.resource, "errors": []} for kind in KINDS]


def test_the_server_refuses_a_definition_that_is_wrong() -> None:
    wrong = copy.deepcopy(definitions()[0])
    spec = wrong["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    spec["x-kubernetes-validations"][0]["rule"] = "self.nothing == 1"
    (error,) = ask([wrong], [])["definitions"][0]["errors"]
    assert "undefined field 'nothing'" in error


# The kind, a spec that a rule refuses, a fragment of its message, and a spec beside it that is fine.
RULES = {
    "empty-selector": (
        ("SriovNetworkNodePolicy", {"nicSelector": {}}, "the selector is empty", {"nicSelector": {"pfNames": ["a"]}})
    ),
    "two-ways-to-select": (
        "SriovNetworkNodePolicy",
        {"nicSelector": {"netFilter": "aws/NetworkID:a", "vendor": "8086"}},
        "netFilter cannot be combined",
        {"nicSelector": {"netFilter": "aws/NetworkID:a", "vendor": ""}},
    ),
    "vfio-and-rdma": (
        "SriovNetworkNodePolicy",
        {"deviceType": "vfio-pci", "isRdma": True},
        "deviceType vfio-pci takes the VF from the RDMA driver",
        {"deviceType": "vfio-pci", "isRdma": False},
    ),
    "infiniband-and-switchdev": (
        "SriovNetworkNodePolicy",
        {"linkType": "IB", **SWITCHDEV},
        "eSwitchMode switchdev needs linkType eth",
        {"linkType": "ETH", **SWITCHDEV},
    ),
    "vdpa-and-vfio": (
        "SriovNetworkNodePolicy",
        {"vdpaType": "vhost", "deviceType": "vfio-pci", **SWITCHDEV},
        "vdpaType needs deviceType netdevice",
        {"vdpaType": "vhost", **SWITCHDEV},
    ),
    "vdpa-and-legacy": (
        "SriovNetworkNodePolicy",
        {"vdpaType": "virtio"},
        "vdpaType needs eSwitchMode switchdev",
        {"vdpaType": "virtio", **SWITCHDEV},
    ),
    "bridge-and-legacy": (
        "SriovNetworkNodePolicy",
        {"bridge": {"ovs": {}}},
        "bridge needs eSwitchMode switchdev",
        {"bridge": {}},
    ),
    "bridge-and-somebody-else": (
        "SriovNetworkNodePolicy",
        {"bridge": {"ovs": {}}, "externallyManaged": True, **SWITCHDEV},
        "an externally managed PF cannot be attached",
        {"bridge": {"ovs": {}}, "externallyManaged": False, **SWITCHDEV},
    ),
    "rates": (
        "SriovNetwork",
        {"minTxRate": 101, "maxTxRate": 100},
        "minTxRate is above maxTxRate",
        {"minTxRate": 101, "maxTxRate": 0},
    ),
    "priority-without-tag": (
        "SriovNetwork",
        {"vlanQoS": 1},
        "vlanQoS needs a vlan",
        {"vlanQoS": 1, "vlan": 1},
    ),
    "provider-tag-without-tag": (
        "SriovNetwork",
        {"vlanProto": "802.1AD", "vlan": 0},
        "vlanProto 802.1ad needs a vlan",
        {"vlanProto": "802.1Q", "vlan": 0},
    ),
    "trunk-backwards": (
        "OVSNetwork",
        {"trunk": [{"id": 1}, {"minID": 3, "maxID": 2}]},
        "minID is above maxID",
        {"trunk": [{"id": 1}, {"minID": 3, "maxID": 3}]},
    ),
    "two-sorts-of-pool": (
        "SriovNetworkPoolConfig",
        {"ovsHardwareOffloadConfig": {"name": "a"}, "nodeSelector": {}},
        "cannot be combined with maxUnavailable and nodeSelector",
        {"ovsHardwareOffloadConfig": {"name": ""}, "nodeSelector": {}, "maxUnavailable": "30%"},
    ),
}


@pytest.mark.parametrize(("kind", "wrong", "message", "fine"), RULES.values(), ids=RULES)
def test_a_rule_refuses_its_case_and_no_more(
    kind: str, wrong: dict[str, Any], message: str, fine: dict[str, Any]
) -> None:
    refused, taken = answers({"object": thing(kind, wrong)}, {"object": thing(kind, fine)})
    assert len(refused["errors"]) == 1
    assert message in refused["errors"][0]
    assert taken["errors"] == []


def test_every_rule_has_its_case() -> None:
    cases = [message for _, _, message, _ in RULES.values()]
    assert [message for message in rule_messages(definitions()) if not any(case in message for case in cases)] == []


KEPT = {
    "a-misspelled-selector": ("SriovNetworkNodePolicy", {"nicSelector": {"vendor": "8086", "pfName": ["a"]}}),
    "a-field-of-the-spec": ("SriovNetworkNodePolicy", {"numVFs": 4, "bridge": {"ovn": {}}}),
    "in-an-item": ("OVSNetwork", {"trunk": [{"ID": 3}]}),
    "in-a-label-selector": ("SriovNetworkPoolConfig", {"nodeSelector": {"matchLabel": {"a": "b"}}}),
    "in-a-node-state": ("SriovNetworkNodeState", {"interfaces": [{"pciAddress": "a", "vfGroups": [{"vfs": 1}]}]}),
    "of-a-network": ("SriovIBNetwork", {"vlan": 3}),
    "of-the-config": ("SriovOperatorConfig", {"useCdi": True}),
}


@pytest.mark.parametrize(("kind", "spec"), KEPT.values(), ids=KEPT)
def test_an_unknown_field_of_a_spec_is_kept(kind: str, spec: dict[str, Any]) -> None:
    answer = created(kind, spec)
    assert (answer["errors"], answer["pruned"]) == ([], [])
    assert answer["object"]["spec"].items() >= spec.items()


def test_an_unknown_field_elsewhere_is_dropped() -> None:
    old = thing("SriovNetworkNodeState", {})
    status = {"interfaces": [{"pciAddress": "a", "speed": 1}], "extra": 1}
    answer = answers({"object": {**old, "status": status, "more": 1}, "old": old, "status": True})[0]
    assert sorted(answer["pruned"]) == ["more", "status.extra", "status.interfaces[0].speed"]
    assert answer["object"]["status"] == {"interfaces": [{"pciAddress": "a"}]}


FILLED = {
    "device-type": ("SriovNetworkNodePolicy", {}, {"deviceType": "netdevice"}),
    "null-device-type": ("SriovNetworkNodePolicy", {"deviceType": None}, {"deviceType": "netdevice"}),
    "log-level": ("SriovNetwork", {}, {"logLevel": "info"}),
    "empty-log-level": ("SriovNetwork", {"logLevel": ""}, {"logLevel": ""}),
    "null-rate": ("SriovNetwork", {"minTxRate": None, "maxTxRate": 0}, {"logLevel": "info", "maxTxRate": 0}),
    "nothing": ("SriovOperatorConfig", {}, {}),
}


@pytest.mark.parametrize(("kind", "spec", "added"), FILLED.values(), ids=FILLED)
def test_defaults_are_filled_in_and_nulls_are_dropped(kind: str, spec: dict[str, Any], added: dict[str, Any]) -> None:
    answer = created(kind, spec)
    assert answer["errors"] == []
    assert answer["object"]["spec"] == {**LEAST[kind], **added}


def manifests() -> list[Any]:
    """The examples of our kinds, as they are written."""
    found = [one for path in sorted(MANIFESTS.glob("*.yaml")) for one in documents.parse(path.read_text(), path.name)]
    return [pytest.param(one.raw, id=one.source) for one in found if one.kind in LEAST]


MISSPELLED = "readme-policy.yaml"


@pytest.mark.parametrize("manifest", [one for one in manifests() if one.id != MISSPELLED])
def test_manifests_are_taken_with_nothing_lost(manifest: dict[str, Any]) -> None:
    create, report = answers(
        {"object": manifest}, {"object": manifest, "old": {**manifest, "status": {}}, "status": True}
    )
    assert (create["errors"], report["errors"], create["pruned"], report["pruned"]) == ([], [], [], [])
    assert create["object"]["spec"].items() >= manifest["spec"].items()
    assert report["object"].get("status") == manifest.get("status")


def test_the_misspelling_that_guides_spread_is_refused_and_still_there_for_a_better_message() -> None:
    (manifest,) = [one.values[0] for one in manifests() if one.id == MISSPELLED]
    answer = answers({"object": manifest})[0]
    assert ["the selector is empty" in error for error in answer["errors"]] == [True]
    assert answer["object"]["spec"]["nicSelector"] == {"pfName": ["ens1f0"]}


STORED = thing("SriovNetwork", {"minTxRate": 2, "maxTxRate": 1, "logLevel": "info"})


@pytest.mark.parametrize(
    ("change", "taken"),
    [
        pytest.param({"metadata": {"name": "x", "namespace": "n", "finalizers": ["a/b"]}}, True, id="metadata"),
        pytest.param({"spec": {**STORED["spec"], "vlan": 3}}, False, id="another-field-of-the-same-part"),
        pytest.param({"spec": {**STORED["spec"], "minTxRate": 1}}, True, id="the-correction"),
    ],
)
def test_a_stored_object_that_breaks_a_rule_can_be_changed_elsewhere(change: dict[str, Any], *, taken: bool) -> None:
    assert answers({"object": {**STORED, **change}, "old": STORED})[0]["accepted"] == taken


def test_a_stored_object_that_breaks_a_rule_and_has_an_unknown_field_must_be_corrected_first() -> None:
    stored = {**STORED, "spec": {**STORED["spec"], "speed": 1}}
    changed = {**stored, "metadata": {**stored["metadata"], "labels": {"a": "b"}}}
    corrected = {**stored, "spec": {**stored["spec"], "minTxRate": 1}}
    said = answers({"object": changed, "old": stored}, {"object": corrected, "old": stored})
    assert [one["accepted"] for one in said] == [False, True]


def test_the_status_of_a_stored_object_that_breaks_a_rule_can_be_written() -> None:
    status = {"conditions": [condition()]}
    answer = answers({"object": {**STORED, "status": status}, "old": STORED, "status": True})[0]
    assert answer["errors"] == []
    assert answer["object"]["status"] == status


def test_an_object_without_a_spec_can_lose_its_finalizer() -> None:
    stored = thing("SriovNetwork", {})
    del stored["spec"]
    held = {**stored, "metadata": {**stored["metadata"], "finalizers": ["a/b"]}}
    assert answers({"object": stored, "old": held})[0]["errors"] == []


def condition(**fields: Any) -> dict[str, Any]:
    least = {"type": "Ready", "status": "True", "reason": "Fine", "message": "", "lastTransitionTime": TIME}
    return {key: value for key, value in {**least, **fields}.items() if value is not None}


CONDITIONS = {
    "good": ([condition(), condition(type="example.com/Other", status="Unknown", observedGeneration=3)], ""),
    "twice": ([condition(), condition(status="False")], "Duplicate value"),
    "no-message": ([condition(message=None)], "Required value"),
    "no-time": ([condition(lastTransitionTime=None)], "Required value"),
    "bad-time": ([condition(lastTransitionTime="yesterday")], "must be of type date-time"),
    "bad-status": ([condition(status="true")], "Unsupported value"),
    "empty-reason": ([condition(reason="")], "should be at least 1 chars long"),
    "reason-of-two-words": ([condition(reason="Not found")], "should match"),
    "bad-type": ([condition(type="-")], "should match"),
}


@pytest.mark.parametrize(("conditions", "error"), CONDITIONS.values(), ids=CONDITIONS)
def test_conditions_are_those_of_kubernetes(conditions: list[Any], error: str) -> None:
    requests = []
    for kind in LEAST:
        old = thing(kind, {})
        requests.append({"object": {**old, "status": {"conditions": conditions}}, "old": old, "status": True})
    for answer in answers(*requests):
        assert answer["accepted"] == (not error)
        assert error in " ".join(answer["errors"])


def test_a_report_is_not_judged_and_a_wish_is() -> None:
    bridges = {"ovs": [{"name": "b", "bridge": {"failMode": "unheard-of"}}]}
    old = thing("SriovNetworkNodeState", {})
    reported = answers({"object": {**old, "status": {"bridges": bridges}}, "old": old, "status": True})[0]
    wished = created("SriovNetworkNodeState", {"bridges": bridges})
    assert reported["errors"] == []
    assert ["failMode: Unsupported value" in error for error in wished["errors"]] == [True]


PROBES: tuple[Any, ...] = (
    *("word", "8", 0, 1, -1, 2, 8, 99, 100, 4094, 4095, 4096, 1.5, True, [], ["a"], [1], {}, {"a": "b"}, {"a": True}),
    *([{}], {"a": {}}, [[]], {"ovs": {}}, {"ovs": []}, [{"pciAddress": "a", "numVfs": -1}], [{"id": 5000}]),
)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_the_server_and_our_own_check_agree_on_every_field(kind: Any) -> None:
    spec_shape = {field.encode_name: field.type for field in msgspec.inspect.type_info(kind.body).fields}["spec"]
    fields = next(part for part in (spec_shape, getattr(spec_shape, "type", None)) if hasattr(part, "fields")).fields
    specs = [{**LEAST[kind.name], field.encode_name: probe} for field in fields for probe in PROBES]
    said = answers(*({"object": thing(kind.name, spec)} for spec in specs))
    rules = rule_messages(definitions())
    for spec, answer in zip(specs, said, strict=True):
        refused = [error for error in answer["errors"] if not any(rule in error for rule in rules)]
        assert bool(refused) == bool(list(shape.faults(spec, spec_shape))), (spec, refused)
