"""The wire types write what Go writes: zero scalars left out, structs always there."""

import msgspec
import pytest

from sriov_core.api.bridge import BridgeWish, OvsInterface, OvsWish
from sriov_core.api.nodepolicy import NicSelector, NodePolicy, PolicySpec
from sriov_core.api.nodestate import InterfaceReport, InterfaceWish, NodeState, VfReport
from sriov_core.api.wire import ObjectMeta


def written(value: object) -> object:
    return msgspec.json.decode(msgspec.json.encode(value))


def test_an_empty_node_state_still_has_its_structs() -> None:
    assert written(NodeState(metadata=ObjectMeta(name="node1"))) == {
        "apiVersion": "sriovnetwork.openshift.io/v1",
        "kind": "SriovNetworkNodeState",
        "metadata": {"name": "node1"},
        "spec": {"bridges": {}, "system": {}},
        "status": {"bridges": {}, "system": {}},
    }


def test_required_fields_of_a_policy_are_written_even_when_zero() -> None:
    spec = PolicySpec(resource_name="", node_selector={}, nic_selector=NicSelector(), num_vfs=0)
    assert written(NodePolicy(metadata=ObjectMeta(name="p"), spec=spec)) == {
        "apiVersion": "sriovnetwork.openshift.io/v1",
        "kind": "SriovNetworkNodePolicy",
        "metadata": {"name": "p"},
        "spec": {"resourceName": "", "nodeSelector": {}, "nicSelector": {}, "numVfs": 0, "bridge": {}},
        "status": {},
    }


def test_fields_are_spelled_as_the_custom_resources_spell_them() -> None:
    vf = VfReport(pci_address="a", vf_id=0, device_id="154c", vlan=7, representor_name="r")
    report = InterfaceReport(
        pci_address="b",
        device_id="1583",
        vfs=(vf,),
        total_vfs=64,
        alt_names=("x",),
        eswitch_mode="legacy",
        num_vfs=1,
        link_admin_state="up",
    )
    assert written(report) == {
        "pciAddress": "b",
        "deviceID": "1583",
        "Vfs": [{"pciAddress": "a", "vfID": 0, "deviceID": "154c", "Vlan": 7, "representorName": "r"}],
        "totalvfs": 64,
        "altNames": ["x"],
        "eSwitchMode": "legacy",
        "numVfs": 1,
        "linkAdminState": "up",
    }


def test_a_policy_spells_its_fields_as_the_custom_resource_does() -> None:
    spec = PolicySpec(
        resource_name="r",
        node_selector={"a": "b"},
        nic_selector=NicSelector(vendor="v", device_id="d", root_devices=("x",), pf_names=("y",), net_filter="z"),
        num_vfs=1,
        priority=1,
        mtu=1,
        device_type="vfio-pci",
        is_rdma=True,
        need_vhost_net=True,
        link_type="eth",
        eswitch_mode="legacy",
        vdpa_type="virtio",
        exclude_topology=True,
        externally_managed=True,
        bridge=BridgeWish(ovs=OvsWish()),
    )
    found = msgspec.to_builtins(spec)
    assert set(found) == {
        "resourceName", "nodeSelector", "nicSelector", "numVfs", "priority", "mtu", "deviceType", "isRdma",
        "needVhostNet", "linkType", "eSwitchMode", "vdpaType", "excludeTopology", "externallyManaged", "bridge",
    }  # fmt: skip
    assert set(found["nicSelector"]) == {"vendor", "deviceID", "rootDevices", "pfNames", "netFilter"}
    assert found["bridge"] == {"ovs": {"bridge": {}, "uplink": {"interface": {}}}}


def test_a_pointer_is_written_when_it_is_zero_and_left_out_when_it_is_none() -> None:
    assert written(OvsInterface(mtu_request=0)) == {"mtuRequest": 0}
    assert written(OvsInterface()) == {}


@pytest.mark.parametrize("member", ["numVfs", "mtu", "name", "externallyManaged", "vfGroups", "plugin"])
def test_a_wish_at_its_default_is_not_written(member: str) -> None:
    assert member not in msgspec.to_builtins(InterfaceWish(pci_address="a"))
