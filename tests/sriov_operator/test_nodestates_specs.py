"""What is written into a node state, and when nothing is."""

from typing import Any

import jsonpatch
import msgspec
import pytest
from some_nodestates import NAMESPACE, state

from sriov_core.api import keys
from sriov_core.api.nodestate import NodeStateSpec
from sriov_operator.nodestates.specs import Change, change, creation, doomed_owners, operations, same

OWNER = {"kind": "SriovOperatorConfig", "name": "default", "uid": "config-1"}
GROUP = {"resourceName": "r", "deviceType": "netdevice", "vfRange": "0-3", "policyName": "p"}
NIC = {"pciAddress": "0000:86:00.0", "name": "ens803f0", "numVfs": 4, "linkType": "ETH", "vfGroups": [GROUP]}
OTHER = {"pciAddress": "0000:86:00.1", "numVfs": 2}
RENDERED = {"annotations": {keys.RENDERED: "true"}}


def spec(*nics: dict[str, Any], **parts: Any) -> NodeStateSpec:
    return msgspec.convert({"interfaces": list(nics), **parts}, NodeStateSpec)


EMPTY = spec()
SAME = {
    "equal": (spec(NIC), spec(NIC), True),
    "order-of-nics": (spec(NIC, OTHER), spec(OTHER, NIC), True),
    "upper-case-of-the-link": (spec(NIC), spec({**NIC, "linkType": "eth"}), True),
    "legacy-in-words": (spec(NIC), spec({**NIC, "eSwitchMode": "legacy"}), True),
    "device-type-not-given": (spec(NIC), spec({**NIC, "vfGroups": [{**GROUP, "deviceType": ""}]}), True),
    "other-count": (spec(NIC), spec({**NIC, "numVfs": 5}), False),
    "other-mode": (spec(NIC), spec({**NIC, "eSwitchMode": "switchdev"}), False),
    "other-plugin": (spec(NIC), spec({**NIC, "plugin": "intel"}), False),
    "other-device-type": (spec(NIC), spec({**NIC, "vfGroups": [{**GROUP, "deviceType": "vfio-pci"}]}), False),
    "other-rdma-mode": (spec(system={"rdmaMode": "shared"}), spec(), False),
    "other-bridge": (spec(bridges={"ovs": [{"name": "b"}]}), spec(), False),
}


@pytest.mark.parametrize(("one", "other", "equal"), SAME.values(), ids=SAME.keys())
def test_two_wishes_that_say_the_same_are_no_difference(one, other, equal):
    assert same(one, other) is equal
    assert same(other, one) is equal


CHANGES = {
    "as-it-is": (state(spec={"interfaces": [NIC]}), spec(NIC), Change()),
    "another-wish": (state(), spec(NIC), Change(spec=spec(NIC), annotations={keys.RENDERED: "true"})),
    "another-wish-again": (state(metadata=RENDERED), spec(NIC), Change(spec=spec(NIC))),
    "first-wish-is-empty": (
        state(metadata={"generation": 1}),
        EMPTY,
        Change(annotations={keys.RENDERED: "true"}),
    ),
    "first-wish-is-empty-and-marked": (state(metadata={"generation": 1, **RENDERED}), EMPTY, Change()),
    "empty-since-long": (state(), EMPTY, Change()),
    "nothing-reported": (state(metadata={"generation": 1}), None, Change()),
    "it-came-back": (
        state(metadata={"annotations": {keys.KEEP_STATE_UNTIL: "2026-01-01T00:00:00Z"}}),
        None,
        Change(annotations={keys.KEEP_STATE_UNTIL: None}),
    ),
    "belongs-to-the-configuration": (state(metadata={"ownerReferences": [OWNER]}), None, Change()),
    "belongs-to-a-former-one": (
        state(metadata={"ownerReferences": [{**OWNER, "uid": "config-0"}]}),
        None,
        Change(owners=(0,)),
    ),
    "belongs-to-somebody-else": (
        state(metadata={"ownerReferences": [{"kind": "Rack", "name": "default", "uid": "1"}]}),
        None,
        Change(),
    ),
}


@pytest.mark.parametrize(("found", "wish", "wanted"), CHANGES.values(), ids=CHANGES.keys())
def test_what_changes_in_the_state_of_a_served_node(found, wish, wanted):
    assert change(found, wish, owner="config-1") == wanted
    assert bool(wanted) == (wanted != Change())


def test_while_the_configuration_goes_every_reference_to_it_is_doomed():
    found = state(metadata={"ownerReferences": [OWNER, {"kind": "Rack"}, {**OWNER, "uid": "config-0"}]})
    assert doomed_owners(found, "") == (0, 2)


def patched(document: dict[str, Any], wanted: Change) -> dict[str, Any]:
    """The document after the patch that was made for the state as it is there."""
    found = msgspec.convert(document, type(state()))
    sent = msgspec.json.decode(msgspec.json.encode(operations(found, wanted)))
    result: dict[str, Any] = jsonpatch.apply_patch(document, sent)
    return result


def document(**metadata: Any) -> dict[str, Any]:
    known = {"name": "n1", "namespace": NAMESPACE, "uid": "u", "resourceVersion": "7", "generation": 3}
    return {"metadata": {**known, **metadata}, "spec": {"interfaces": [OTHER], "unknown": 1}}


def test_the_wish_is_replaced_whole_and_what_others_wrote_stays():
    before = document(annotations={keys.DESIRED_STATE: "Idle"})
    after = patched(before, Change(spec=spec(NIC), annotations={keys.RENDERED: "true"}))
    assert after["spec"] == {"interfaces": [NIC], "bridges": {}, "system": {}}
    assert after["metadata"]["annotations"] == {keys.DESIRED_STATE: "Idle", keys.RENDERED: "true"}


def test_the_first_annotation_is_added_only_to_what_was_seen():
    after = patched(document(), Change(annotations={keys.RENDERED: "true"}))
    assert after["metadata"]["annotations"] == {keys.RENDERED: "true"}
    found = msgspec.convert(document(), type(state()))
    other = {**document(resourceVersion="8", annotations={keys.DESIRED_STATE: "Idle"})}
    with pytest.raises(jsonpatch.JsonPatchTestFailed):
        jsonpatch.apply_patch(other, operations(found, Change(annotations={keys.RENDERED: "true"})))


def test_annotations_and_owners_are_removed():
    owners = [{**OWNER, "uid": "0"}, {"kind": "Rack", "uid": "1"}, {**OWNER, "uid": "2"}]
    before = document(annotations={keys.KEEP_STATE_UNTIL: "x", "a": "b"}, ownerReferences=owners)
    after = patched(before, Change(annotations={keys.KEEP_STATE_UNTIL: None}, owners=(0, 2)))
    assert after["metadata"]["annotations"] == {"a": "b"}
    assert after["metadata"]["ownerReferences"] == [owners[1]]


def test_another_object_of_the_same_name_is_not_patched():
    found = msgspec.convert(document(), type(state()))
    with pytest.raises(jsonpatch.JsonPatchTestFailed):
        jsonpatch.apply_patch(document(uid="other"), operations(found, Change(spec=spec(NIC))))


def test_a_wish_that_another_process_wrote_meanwhile_is_not_taken_back():
    found = msgspec.convert(document(), type(state()))
    with pytest.raises(jsonpatch.JsonPatchTestFailed):
        jsonpatch.apply_patch(document(generation=4), operations(found, Change(spec=spec(NIC))))


def test_a_new_node_state_belongs_to_nobody():
    made = creation("n1", NAMESPACE, spec(system={"rdmaMode": "exclusive"}))
    assert made["metadata"] == {"name": "n1", "namespace": NAMESPACE}
    assert made["spec"] == {"bridges": {}, "system": {"rdmaMode": "exclusive"}}
    assert made["kind"] == "SriovNetworkNodeState"
