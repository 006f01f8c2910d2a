"""When a node state asks for work: what is wished of a NIC against what is reported of it."""

from typing import Any

import msgspec
import pytest

from sriov_core.api.nodestate import NodeState
from sriov_core.model.address import Address
from sriov_core.model.desired import NicSpec, VfGroup
from sriov_core.model.observed import LinkType, Nic, Vf
from sriov_core.planning.difference import differences
from sriov_core.policy.nodereport import to_nics
from sriov_core.policy.nodestate import to_spec

PF = "0000:3b:00.0"


def vf(index: int, driver: str = "iavf", **report: Any) -> dict[str, Any]:
    """A VF as it is reported, without a driver when that is empty."""
    return {"pciAddress": f"0000:3b:02.{index}", "vfID": index, "driver": driver, **report}


def group(vf_range: str, device_type: str = "netdevice", **wish: Any) -> dict[str, Any]:
    return {"vfRange": vf_range, "deviceType": device_type, "resourceName": "fast", **wish}


def needs(wish: dict[str, Any], report: dict[str, Any]) -> list[str]:
    """What is not as wished, in short words; nothing when there is no work."""
    body = {
        "metadata": {"name": "node1"},
        "spec": {"interfaces": [{"pciAddress": PF, **wish}]},
        "status": {"interfaces": [{"pciAddress": PF, "linkAdminState": "up", **report}]},
    }
    state = msgspec.convert(body, NodeState)
    (wished,), (found,) = to_spec(state).nics, to_nics(state)
    return [f"{str(one.subject).removeprefix(PF).strip()} {one.what}".strip() for one in differences(found, wished)]


def two(*vfs: dict[str, Any], **report: Any) -> dict[str, Any]:
    """A NIC that is reported with two VFs under their default driver, or with these."""
    return {"numVfs": 2, "Vfs": vfs or (vf(0), vf(1)), **report}


BOTH = {"numVfs": 2, "vfGroups": (group("0-1"),)}
ALIKE = {
    "no-vfs-wished-and-none-there": ({}, {}),
    "one-vf-wished-and-one-there": ({"numVfs": 1}, {"numVfs": 1}),
    "netdevices-wished-and-there": (BOTH, two()),
    "another-netdevice-driver": (BOTH, two(vf(0, "mlx5_core"), vf(1, "mlx5_core"))),
    "vfio-wished-and-there": (
        {"numVfs": 2, "vfGroups": (group("0-1", "vfio-pci"),)},
        two(*map(vf, (0, 1), ["vfio-pci"] * 2)),
    ),
    "modes-both-left-out": (BOTH, two(eSwitchMode="")),
    "mode-left-out-of-the-wish": (BOTH, two(eSwitchMode="legacy")),
    "mode-left-out-of-the-report": ({**BOTH, "eSwitchMode": "legacy"}, two()),
    "switchdev-wished-and-there": ({**BOTH, "eSwitchMode": "switchdev"}, two(eSwitchMode="switchdev")),
    "mtu-as-wished": ({**BOTH, "mtu": 9000}, two(mtu=9000)),
    "larger-mtu-than-wished": ({**BOTH, "mtu": 1500}, two(mtu=9000)),
    "no-mtu-wished": (BOTH, two(mtu=9000)),
    "mtu-of-vfs-as-wished": (
        {"numVfs": 2, "vfGroups": (group("0-1", mtu=9000),)},
        two(vf(0, mtu=9000), vf(1, mtu=9000), mtu=9000),
    ),
    "mtu-of-vfs-not-reported": ({"numVfs": 2, "vfGroups": (group("0-1", mtu=9000),)}, two(mtu=9000)),
    "mtu-of-vfs-not-wished": (BOTH, two(vf(0, mtu=9000), vf(1, mtu=1400), mtu=9000)),
    "mtu-of-a-vf-for-userspace": (
        {"numVfs": 1, "vfGroups": (group("0-0", "vfio-pci", mtu=9000),)},
        {"numVfs": 1, "Vfs": (vf(0, "vfio-pci", mtu=1500),), "mtu": 9000},
    ),
    "device-type-left-out-and-any-kernel-driver": ({"numVfs": 2, "vfGroups": (group("0-1", ""),)}, two()),
    "first-of-two-groups-decides": (
        {"numVfs": 2, "vfGroups": (group("0-1"), group("1-1", "vfio-pci"))},
        two(),
    ),
    "vfs-in-no-group-under-their-default-driver": ({"numVfs": 2, "vfGroups": (group("1-1"),)}, two()),
    "rdma-with-a-guid": (
        {"numVfs": 1, "linkType": "IB", "vfGroups": (group("0-0", isRdma=True),)},
        {"numVfs": 1, "linkType": "IB", "Vfs": (vf(0, "mlx5_core", guid="0011:2233:4455:6677"),)},
    ),
}


@pytest.mark.parametrize(("wish", "report"), ALIKE.values(), ids=ALIKE)
def test_there_is_no_work(wish: dict[str, Any], report: dict[str, Any]) -> None:
    assert needs(wish, report) == []


DIFFERENT = {
    "one-vf-wished-and-none-there": ({"numVfs": 1}, {}, ["number of VFs"]),
    "none-wished-and-one-there": ({}, {"numVfs": 1, "Vfs": (vf(0),)}, ["number of VFs"]),
    "fewer-wished-than-there": ({"numVfs": 1}, two(), ["number of VFs"]),
    "switchdev-wished-of-none-reported": ({**BOTH, "eSwitchMode": "switchdev"}, two(), ["eswitch mode"]),
    "switchdev-wished-of-legacy": (
        {**BOTH, "eSwitchMode": "switchdev"},
        two(eSwitchMode="legacy"),
        ["eswitch mode"],
    ),
    "no-mode-wished-of-switchdev": (BOTH, two(eSwitchMode="switchdev"), ["eswitch mode"]),
    "smaller-mtu-than-wished": ({**BOTH, "mtu": 9000}, two(mtu=1500), ["MTU"]),
    "link-down": (BOTH, two(linkAdminState="down"), ["link"]),
    "vf-in-a-group-without-driver": (BOTH, two(vf(0, ""), vf(1)), ["vf0 kernel driver"]),
    "vf-for-userspace-without-driver": (
        {"numVfs": 2, "vfGroups": (group("0-0", "vfio-pci"), group("1-1"))},
        two(vf(0, ""), vf(1)),
        ["vf0 kernel driver"],
    ),
    "vf-under-another-userspace-driver": (
        {"numVfs": 2, "vfGroups": [group("0-0", "vfio-pci"), group("1-1")]},
        two(vf(0, "uio_pci_generic"), vf(1)),
        ["vf0 kernel driver"],
    ),
    "vf-for-userspace-under-its-default-driver": (
        {"numVfs": 2, "vfGroups": (group("1-1", "vfio-pci"),)},
        two(),
        ["vf1 kernel driver"],
    ),
    "netdevice-under-vfio-pci": (BOTH, two(vf(0), vf(1, "vfio-pci")), ["vf1 kernel driver"]),
    "netdevice-under-igb-uio": (BOTH, two(vf(0, "igb_uio"), vf(1)), ["vf0 kernel driver"]),
    "netdevice-under-uio-pci-generic": (BOTH, two(vf(0, "uio_pci_generic"), vf(1)), ["vf0 kernel driver"]),
    "smaller-mtu-of-a-vf": (
        {"numVfs": 2, "vfGroups": (group("0-1", mtu=9000),)},
        two(vf(0, mtu=9000), vf(1, mtu=1500), mtu=9000),
        ["vf1 MTU"],
    ),
    "larger-mtu-of-a-vf": (
        {"numVfs": 2, "vfGroups": (group("0-1", mtu=1500),)},
        two(vf(0, mtu=1500), vf(1, mtu=9000), mtu=9000),
        ["vf1 MTU"],
    ),
    "another-kind-of-vdpa": (
        {"numVfs": 1, "eSwitchMode": "switchdev", "vfGroups": [group("0-0", vdpaType="vhost")]},
        {"numVfs": 1, "eSwitchMode": "switchdev", "Vfs": [vf(0, "mlx5_core", vdpaType="virtio")]},
        ["vf0 vDPA"],
    ),
    "rdma-with-a-guid-of-zeros": (
        {"numVfs": 1, "vfGroups": [group("0-0", isRdma=True)]},
        {"numVfs": 1, "linkType": "ETH", "Vfs": [vf(0, "mlx5_core", guid="00:00:00:00:00:00:00:00")]},
        ["vf0 node GUID"],
    ),
    "several": (
        {"numVfs": 3, "mtu": 9000, "vfGroups": (group("0-1"),)},
        two(vf(0), vf(1, "vfio-pci"), mtu=1500),
        ["number of VFs", "MTU", "vf1 kernel driver"],
    ),
}


@pytest.mark.parametrize(("wish", "report", "work"), DIFFERENT.values(), ids=DIFFERENT)
def test_there_is_work(wish: dict[str, Any], report: dict[str, Any], work: list[str]) -> None:
    assert needs(wish, report) == work


NOT_BY_THE_INCUMBENT = {
    # One yardstick says what is planned and when it is done. A VF that has left its group would stay under its old
    # driver for ever, because nothing else asks for work.
    "vf-in-no-group-under-a-userspace-driver": (
        {"numVfs": 3, "vfGroups": (group("1-2"),)},
        {"numVfs": 3, "Vfs": (vf(0, "vfio-pci"), vf(1), vf(2))},
        ["vf0 kernel driver"],
    ),
    "vf-in-no-group-without-driver": (
        {"numVfs": 2, "vfGroups": (group("1-1"),)},
        two(vf(0, ""), vf(1)),
        ["vf0 kernel driver"],
    ),
    # With no type the incumbent accepts every driver, and makes netdevices when something else makes it work.
    "device-type-left-out-and-a-userspace-driver": (
        {"numVfs": 2, "vfGroups": (group("0-1", ""),)},
        two(vf(0, "vfio-pci"), vf(1)),
        ["vf0 kernel driver"],
    ),
    # A VF cannot send more than its PF does.
    "mtu-of-a-group-above-that-of-the-pf": (
        {"numVfs": 2, "vfGroups": (group("0-1", mtu=9000),)},
        two(vf(0, mtu=9000), vf(1, mtu=9000), mtu=1500),
        ["MTU"],
    ),
}


@pytest.mark.parametrize(("wish", "report", "work"), NOT_BY_THE_INCUMBENT.values(), ids=NOT_BY_THE_INCUMBENT)
def test_there_is_work_where_the_incumbent_sees_none(
    wish: dict[str, Any], report: dict[str, Any], work: list[str]
) -> None:
    assert needs(wish, report) == work


ONLY_BY_THE_INCUMBENT = {
    # Nobody uses a PF without VFs, and a link that somebody took down stays as it is.
    "link-down-without-vfs": ({}, {"linkAdminState": "down"}),
    # What somebody else manages is refused when it does not fit, and is never work.
    "externally-managed-link-down": ({**BOTH, "externallyManaged": True}, two(linkAdminState="down")),
    "externally-managed-with-a-smaller-mtu": ({**BOTH, "externallyManaged": True, "mtu": 9000}, two(mtu=1500)),
    "externally-managed-with-more-vfs-than-wished": (
        {"numVfs": 1, "externallyManaged": True, "vfGroups": (group("0-0"),)},
        two(),
    ),
    # The incumbent sets the MAC addresses of its VFs anew at every pass, so such a node is never done.
    "externally-managed-and-as-wished": ({**BOTH, "externallyManaged": True}, two()),
    # No kernel reports a GUID of that form, so the incumbent's rule holds in its tests only.
    "rdma-with-the-guid-of-none": (
        {"numVfs": 1, "vfGroups": [group("0-0", isRdma=True)]},
        {"numVfs": 1, "linkType": "ETH", "Vfs": [vf(0, "mlx5_core", guid="0000:0000:0000:0000")]},
    ),
}


@pytest.mark.parametrize(("wish", "report"), ONLY_BY_THE_INCUMBENT.values(), ids=ONLY_BY_THE_INCUMBENT)
def test_there_is_no_work_where_the_incumbent_sees_some(wish: dict[str, Any], report: dict[str, Any]) -> None:
    assert needs(wish, report) == []


ZERO = "00:00:00:00:00:00:00:00"
TOLD = {
    "ethernet-told-none": (LinkType.ETH, {}, ["node GUID"]),
    "ethernet-told-a-mac": (LinkType.ETH, {"admin_mac": "02:00:00:00:00:01"}, []),
    "infiniband-told-none": (LinkType.IB, {}, ["node GUID"]),
    "infiniband-told-zeros": (LinkType.IB, {"admin_guid": ZERO}, ["node GUID"]),
    "infiniband-told-one": (LinkType.IB, {"admin_guid": "02:00:00:00:00:00:00:01"}, []),
    "infiniband-told-a-mac-only": (LinkType.IB, {"admin_mac": "02:00:00:00:00:01"}, ["node GUID"]),
    "under-a-userspace-driver": (LinkType.ETH, {"kernel_driver": "vfio-pci"}, ["kernel driver"]),
    "without-a-driver": (LinkType.ETH, {"kernel_driver": None}, ["kernel driver"]),
}


@pytest.mark.parametrize(("link_type", "facts", "work"), TOLD.values(), ids=TOLD)
def test_a_guid_of_zeros_is_work_only_while_nobody_told_an_identity(link_type, facts, work):
    seen = Vf(**{"index": 0, "kernel_driver": "mlx5_core", "guid": ZERO, **facts})
    address = Address(PF)
    found = Nic(address=address, vendor="15b3", device="1017", num_vfs=1, vfs=(seen,), link_type=link_type)
    wish = NicSpec(address=address, num_vfs=1, groups=(VfGroup(first=0, last=0, is_rdma=True),))
    assert [one.what for one in differences(found, wish)] == work


def test_vfs_of_an_externally_managed_nic_are_work_all_the_same() -> None:
    wish = {**BOTH, "externallyManaged": True}
    assert needs(wish, two(vf(0, ""), vf(1, "vfio-pci"))) == ["vf0 kernel driver", "vf1 kernel driver"]
