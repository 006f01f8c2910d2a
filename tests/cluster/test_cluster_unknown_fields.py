"""Fields that a kind does not have: the API server warns whoever writes them, without any webhook."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from kube_clients import until
from servers import Server
from serving_processes import User, applied

from sriov_core.api.wire import GROUP
from sriov_operator.deployment import names, unknownwarning

HOME = "unknown-fields"
NO_SUCH_FIELD = "no such field, and no effect: "
BRIDGE = {"ovs": {"uplink": {"interface": {"type": "dpdk"}}}}
NIC = {"vendor": "8086", "pfNames": ["a"]}
POLICY = {"resourceName": "fast", "numVfs": 1, "nicSelector": NIC, "nodeSelector": {"a": "b"}, "priority": 3}
GOOD: dict[str, dict[str, Any]] = {
    "SriovNetworkNodePolicy": {**POLICY, "eSwitchMode": "switchdev", "bridge": BRIDGE},
    "SriovNetworkPoolConfig": {"maxUnavailable": 1, "nodeSelector": {"matchLabels": {"any": "thing"}}},
    "SriovOperatorConfig": {"useCDI": True, "featureGates": {"any": True}},
    "SriovNetwork": {"resourceName": "fast", "vlanQoS": 1, "vlan": 2},
    "SriovIBNetwork": {"resourceName": "fast", "linkState": "auto"},
    "OVSNetwork": {"resourceName": "fast", "trunk": [{"minID": 1, "maxID": 2}]},
}


@pytest.fixture(scope="module")
def user(server: Server, recent: object) -> Iterator[User]:
    server.admin.create_namespace(HOME)
    found = User(server)

    def warned(kind: str) -> bool:
        return NO_SUCH_FIELD in found.create(thing(kind, {**GOOD[kind], "typo": 1}), dry_run=True).warnings

    with applied(server, unknownwarning.manifests()):
        # All of them, by their words: what another test has just taken away warns for a moment, too.
        until(lambda: all(map(warned, GOOD)))
        yield found
    server.admin.remove_namespace(HOME)


def thing(kind: str, spec: dict[str, Any]) -> dict[str, Any]:
    head = {"apiVersion": f"{GROUP}/v1", "kind": kind, "metadata": {"name": "some", "namespace": HOME}}
    return {**head, "spec": spec}


@pytest.mark.parametrize("kind", GOOD)
def test_a_misspelled_field_is_taken_with_a_warning(user: User, kind: str) -> None:
    reply = user.create(thing(kind, {**GOOD[kind], "prioritty": 1, "nodeSelectr": {}}), dry_run=True)
    assert reply.status == 201
    assert f"{kind} {HOME}/some: {NO_SUCH_FIELD}" in reply.warnings
    assert set(re.findall(r"spec\.\w+", reply.warnings)) == {"spec.prioritty", "spec.nodeSelectr"}
    assert f"`kubectl explain {kind.lower()}.spec --recursive` has the names of all fields" in reply.warnings


@pytest.mark.parametrize(
    ("kind", "spec", "told"),
    [
        pytest.param("SriovNetworkNodePolicy", {"nicSelector": {**NIC, "vender": "1"}}, "nicSelector.vender", id="nic"),
        pytest.param(
            "SriovNetworkNodePolicy",
            {"eSwitchMode": "switchdev", "bridge": {"ovs": {"uplink": {"interfaces": {}}}}},
            "bridge.ovs.uplink.interfaces",
            id="bridge",
        ),
        pytest.param(
            "SriovNetworkPoolConfig", {"nodeSelector": {"matchLabel": {}}}, "nodeSelector.matchLabel", id="pool"
        ),
    ],
)
def test_fields_of_mappings_below_are_looked_at(user: User, kind: str, spec: dict[str, Any], told: str) -> None:
    reply = user.create(thing(kind, {**GOOD[kind], **spec}), dry_run=True)
    assert (reply.status, f"no effect: spec.{told}. " in reply.warnings) == (201, True)


@pytest.mark.parametrize("kind", GOOD)
def test_what_the_kinds_have_is_not_warned_of(user: User, kind: str) -> None:
    reply = user.create(thing(kind, GOOD[kind]), dry_run=True)
    assert (reply.status, "no such field" in reply.warnings) == (201, False)


def test_a_change_is_warned_of_and_a_spec_that_is_left_out_is_none(user: User) -> None:
    document = thing("SriovNetworkPoolConfig", {})
    del document["spec"]
    assert "no such field" not in user.create(document).warnings
    reply = user.change(document, {"spec": {"maxUnavaliable": 1}})
    assert (reply.status, "spec.maxUnavaliable" in reply.warnings) == (200, True)
    assert user.delete(document).warnings == ""


def test_the_policy_only_warns() -> None:
    policy, binding = unknownwarning.manifests()
    assert policy["metadata"]["name"] == binding["spec"]["policyName"] == names.UNKNOWN_FIELDS
    assert binding["spec"]["validationActions"] == ["Warn", "Audit"]
