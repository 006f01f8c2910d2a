"""Options, binding and identities beside counts and modes; most of all what a release puts back, and when."""

import pytest
from generic_nics import LEGACY, SWITCHDEV, codes, lines, nic, nic_plan, release, vf, wish

from sriov_core.model.desired import NO_GUID, Baseline, DeviceType, VdpaType, VfGroup
from sriov_core.model.observed import LinkType
from sriov_core.planning.difference import differences

GUID = "02:00:00:00:00:00:01:00"
RDMA = VfGroup(first=0, last=1, is_rdma=True)
PLAIN = VfGroup(first=0, last=1)
VFIO = VfGroup(first=0, last=1, device_type=DeviceType.VFIO_PCI)
MAC = "02:00:00:00:01:00"
UNBOUND, BOUND = "vf0: kernel driver its_vf_driver -> none", "vf0: kernel driver none -> default"
REBOUND = [UNBOUND, f"vf0: admin MAC none -> {MAC}", BOUND]


def offload(on: bool | None) -> dict[str, object]:
    return {"features": {} if on is None else {"hw-tc-offload": on}}


@pytest.mark.parametrize(
    ("found", "wished", "expected"),
    [
        pytest.param(nic("x1_net", 1, SWITCHDEV, **offload(False)), wish(1, SWITCHDEV), True, id="off-for-switchdev"),
        pytest.param(nic("x1_net", 1, SWITCHDEV, **offload(True)), wish(1, SWITCHDEV), False, id="on-already"),
        pytest.param(nic("x1_net", 1, SWITCHDEV, **offload(None)), wish(1, SWITCHDEV), False, id="not-to-be-switched"),
        pytest.param(nic("x1_net", 1, LEGACY, **offload(False)), wish(1), False, id="nobody-needs-it-in-legacy"),
        pytest.param(
            nic("x1_net", 1, SWITCHDEV, **offload(False)),
            wish(1, SWITCHDEV, externally_managed=True),
            False,
            id="externally-managed",
        ),
    ],
)
def test_switchdev_has_its_flows_offloaded(found, wished, expected):
    assert ("hw-tc-offload off -> on" in lines(found, wished)) == expected


def test_flows_are_offloaded_before_the_mode_changes():
    planned = lines(nic("ice", **offload(False)), wish(1, SWITCHDEV))
    assert planned[:2] == ["hw-tc-offload off -> on", "eswitch legacy -> switchdev"]


BEFORE = Baseline(link_up=False, features={"hw-tc-offload": False}, parameters={"flow_steering_mode": "dmfs"})
CHANGED = {"features": {"hw-tc-offload": True}, "parameters": {"flow_steering_mode": "smfs"}}


def test_a_release_puts_back_last_what_needs_legacy_mode_and_no_vfs():
    assert lines(nic("ice", 2, SWITCHDEV, **CHANGED), release(BEFORE)) == [
        "VFs 2 -> 0",
        "eswitch switchdev -> legacy",
        "hw-tc-offload on -> off",
        "flow_steering_mode smfs -> dmfs",
        "link up -> down",
    ]


def test_a_release_with_vfs_left_takes_the_link_down_when_they_are_there():
    before = Baseline(num_vfs=1, link_up=False, mtu=1400, parameters={"flow_steering_mode": "dmfs"})
    planned = lines(nic("bnxt_en", 3, LEGACY, **CHANGED), release(before))
    assert planned[0] == "MTU 1500 -> 1400"
    assert (
        planned.index("VFs 0 -> 1")
        < planned.index("flow_steering_mode smfs -> dmfs")
        < planned.index("link up -> down")
    )
    assert planned[-1] == "link up -> down"


@pytest.mark.parametrize(
    "found",
    [
        pytest.param(nic("ice", link_up=False), id="nothing-was-changed"),
        pytest.param(
            nic("ice", link_up=False, features={"hw-tc-offload": False}, parameters={"flow_steering_mode": "dmfs"}),
            id="all-as-before",
        ),
    ],
)
def test_a_release_of_what_is_as_before_does_nothing(found):
    assert lines(found, release(BEFORE)) == []


def test_a_release_leaves_alone_what_the_nic_no_longer_shows():
    assert lines(nic("ice", features={}, parameters={}), release(BEFORE)) == ["link up -> down"]


@pytest.mark.parametrize(
    ("found", "group", "expected"),
    [
        pytest.param(vf(0, guid=NO_GUID), RDMA, REBOUND, id="rdma-without-a-guid"),
        pytest.param(vf(0, guid=GUID), RDMA, [], id="rdma-with-one"),
        pytest.param(vf(0, guid=None), RDMA, [], id="no-rdma-device-here"),
        pytest.param(vf(0, guid=NO_GUID), PLAIN, [], id="nobody-needs-one"),
        pytest.param(vf(0, guid=NO_GUID, admin_mac=MAC), RDMA, [], id="told-an-address-in-vain"),
        pytest.param(vf(0, None, admin_mac=MAC), RDMA, [BOUND], id="unbound-and-told-before-a-crash"),
        pytest.param(vf(0, None), RDMA, REBOUND[1:], id="unbound-before-a-crash"),
    ],
)
def test_a_vf_that_found_no_guid_is_bound_anew(found, group, expected):
    start = nic("mlx5_core", 2, vfs=(found, vf(1, guid=GUID)))
    assert lines(start, wish(2, LEGACY, group)) == expected


def test_a_vf_in_the_wrong_place_is_not_bound_twice():
    start = nic("mlx5_core", 1, vfs=(vf(0, "vfio-pci", guid=NO_GUID, admin_mac="02:00:00:00:01:00"),))
    assert lines(start, wish(1, LEGACY, VfGroup(first=0, last=0, is_rdma=True))) == [
        "vf0: kernel driver vfio-pci -> default"
    ]


def test_binding_anew_needs_autoprobe_for_the_moment():
    start = nic("mlx5_core", 1, vfs=(vf(0, guid=NO_GUID),), autoprobe=False)
    assert lines(start, wish(1, LEGACY, VfGroup(first=0, last=0, is_rdma=True))) == [
        *REBOUND[:2],
        "driver autoprobe off -> on",
        BOUND,
        "driver autoprobe on -> off",
    ]


NO_MAC = "00:00:00:00:00:00"


@pytest.mark.parametrize(
    ("facts", "found", "group", "expected"),
    [
        pytest.param({"name": None}, vf(0, guid=NO_GUID), RDMA, "its netdev is not here", id="no-netdev-of-the-pf"),
        pytest.param({"mac": None}, vf(0, guid=NO_GUID, mac=None), RDMA, "no address to derive", id="no-address"),
        pytest.param({"mac": None}, vf(0, guid=NO_GUID, mac=NO_MAC), RDMA, "no address to derive", id="zeros"),
        pytest.param({"mac": None}, vf(0, guid=NO_GUID), RDMA, "", id="an-address-of-its-own"),
        pytest.param({"name": None}, vf(0, guid=NO_GUID), PLAIN, "", id="nobody-needs-one"),
        pytest.param({"name": None}, vf(0, guid=NO_GUID, admin_mac=MAC), RDMA, "", id="told-before"),
        pytest.param({"name": None}, vf(0, None), RDMA, "", id="not-bound-yet"),
    ],
)
def test_where_nobody_can_be_told_a_vf_without_a_guid_is_a_problem_and_no_work(facts, found, group, expected):
    start = nic("mlx5_core", 2, vfs=(found, vf(1, guid=GUID)), **facts)
    problems = nic_plan(start, wish(2, LEGACY, group)).problems
    assert [problem.code for problem in problems] == (["no-guid"] if expected else [])
    assert all(expected in problem.text and problem.nic == start.address and problem.remedy for problem in problems)


@pytest.mark.parametrize(
    ("found", "before", "expected"),
    [
        pytest.param({"link_type": LinkType.IB}, {"link_type": LinkType.IB}, ["MTU 1500 -> 1400"], id="as-then"),
        pytest.param({"link_type": LinkType.IB}, {"link_type": LinkType.ETH}, [], id="another-link-type"),
        pytest.param({"link_type": LinkType.IB}, {}, ["MTU 1500 -> 1400"], id="nobody-noted-it"),
        pytest.param({}, {"link_type": LinkType.ETH}, ["MTU 1500 -> 1400"], id="nobody-can-tell-now"),
        pytest.param({"max_mtu": 1400}, {}, ["MTU 1500 -> 1400"], id="just-within-bounds"),
        pytest.param({"max_mtu": 1399}, {}, [], id="above-what-it-takes"),
        pytest.param({"min_mtu": 1401}, {}, [], id="below-what-it-takes"),
    ],
)
def test_a_release_puts_back_only_an_mtu_that_the_nic_can_have(found, before, expected):
    assert lines(nic("igb", **found), release(Baseline(mtu=1400, **before))) == expected


@pytest.mark.parametrize(
    ("link_type", "expected"),
    [
        pytest.param(LinkType.ETH, ["vf0: MTU 1500 -> 9000"], id="as-then"),
        pytest.param(LinkType.IB, [], id="another-link-type"),
    ],
)
def test_mtus_of_vfs_come_back_with_their_link_type_only(base_steps, link_type, expected):
    groups = (VfGroup(first=0, last=0, mtu=9000),)
    before = Baseline(num_vfs=1, link_type=LinkType.ETH, groups=groups)
    start = nic("mlx5_core", 1, link_type=link_type, vfs=(vf(0, mtu=1500),), max_mtu=9978)
    spec = release(before)
    assert base_steps("set_vf_options", start, spec) == expected
    assert [found.what for found in differences(start, spec)] == ["MTU"] * len(expected)


def test_a_release_is_not_refused_for_an_mtu_that_it_leaves_alone():
    groups = (VfGroup(first=0, last=0, mtu=9000),)
    before = Baseline(num_vfs=1, link_type=LinkType.ETH, groups=groups)
    start = nic("mlx5_core", 1, link_type=LinkType.ETH, vfs=(vf(0, mtu=1500),), max_mtu=4092)
    assert lines(start, release(before)) == []


def vdpa(kind: VdpaType | None) -> VfGroup:
    return VfGroup(first=0, last=0, vdpa_type=kind)


@pytest.mark.parametrize(
    ("found", "groups", "expected"),
    [
        pytest.param(vf(0), [vdpa(VdpaType.VHOST)], ["vf0: vDPA none -> vhost"], id="wanted"),
        pytest.param(vf(0, vdpa_type="vhost"), [vdpa(VdpaType.VHOST)], [], id="there"),
        pytest.param(vf(0, vdpa_type="virtio"), [vdpa(VdpaType.VHOST)], ["vf0: vDPA virtio -> vhost"], id="another"),
        pytest.param(vf(0, vdpa_type="virtio"), [vdpa(None)], ["vf0: vDPA virtio -> none"], id="not-wanted"),
        pytest.param(vf(0, vdpa_type="virtio"), [], [], id="ungrouped-is-nobodys-business"),
    ],
)
def test_a_vdpa_device_comes_and_goes_with_the_group(base_steps, found, groups, expected):
    start = nic("mlx5_core", 1, SWITCHDEV, vfs=(found,))
    assert base_steps("set_vf_options", start, wish(1, SWITCHDEV, *groups)) == expected


def test_a_vdpa_device_comes_after_the_driver_it_stands_on(base_steps):
    start = nic("mlx5_core", 1, SWITCHDEV, vfs=(vf(0, "vfio-pci", vdpa_type=None),))
    spec = wish(1, SWITCHDEV, vdpa(VdpaType.VIRTIO))
    assert base_steps("bind_driver", start, spec) == ["vf0: kernel driver vfio-pci -> default"]
    assert base_steps("set_vf_options", start, spec) == ["vf0: vDPA none -> virtio"]


def test_vdpa_in_legacy_mode_is_refused():
    assert "vdpa-without-switchdev" in codes(nic("mlx5_core"), wish(1, LEGACY, vdpa(VdpaType.VHOST)))


@pytest.mark.parametrize(
    ("link_type", "given"),
    [pytest.param(LinkType.ETH, 1, id="ethernet"), pytest.param(LinkType.IB, 0, id="infiniband")],
)
def test_vfs_on_infiniband_get_no_mac(base_steps, link_type, given):
    start = nic("mlx5_core", 1, link_type=link_type, vfs=(vf(0, None),))
    assert len(base_steps("set_vf_identity", start, wish(1))) == given


def test_vfs_for_userspace_are_bound_before_any_default_driver():
    groups = (VfGroup(first=0, last=0), VfGroup(first=1, last=1, device_type=DeviceType.VFIO_PCI))
    planned = [line for line in lines(nic("igb", 0, None), wish(2, LEGACY, *groups)) if "kernel driver" in line]
    assert planned == ["vf1: kernel driver none -> vfio-pci", "vf0: kernel driver none -> default"]
