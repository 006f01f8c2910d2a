"""What the driver adds to the base's steps: the steering of flows before switchdev, GUIDs before a VF is bound."""

import pytest
from mellanox_values import IPOIB, P1, ib, port, vfs, wish

from sriov_core.model.desired import NO_GUID, Baseline, DeviceType, VfGroup
from sriov_core.model.observed import EswitchMode
from sriov_core.plugin import Phase
from sriov_core.plugin.registry import drivers
from sriov_core.testing.workbench import catalogue_of
from sriov_plugins import mellanox
from sriov_plugins.generic.steps import derived_mac
from sriov_plugins.mellanox.guids import derived

DRIVER = drivers(catalogue_of(mellanox))["mellanox"]
SWITCHDEV = {"eswitch_mode": EswitchMode.SWITCHDEV}
DMFS = {"parameters": {"flow_steering_mode": "dmfs"}}
SMFS = {"parameters": {"flow_steering_mode": "smfs"}}


def lines(phase: Phase, nic, spec) -> list[str]:
    return [step.describe().removeprefix(f"{P1}: ").removeprefix(f"{P1} ") for step in DRIVER.steps(phase, nic, spec)]


TO_SMFS = "flow_steering_mode dmfs -> smfs"
TO_SWITCHDEV = "eswitch legacy -> switchdev"


@pytest.mark.parametrize(
    ("nic", "spec", "expected"),
    [
        pytest.param(port(**DMFS), wish(**SWITCHDEV), [TO_SMFS, TO_SWITCHDEV], id="before-the-mode"),
        pytest.param(port(**SMFS), wish(**SWITCHDEV), [TO_SWITCHDEV], id="by-software-already"),
        pytest.param(port(), wish(**SWITCHDEV), [TO_SWITCHDEV], id="no-such-parameter"),
        pytest.param(
            port(parameters={"flow_steering_mode": "hmfs"}),
            wish(**SWITCHDEV),
            [TO_SWITCHDEV],
            id="by-hardware-on-purpose",
        ),
        pytest.param(port(device="1015", **DMFS), wish(**SWITCHDEV), [TO_SWITCHDEV], id="a-connectx-4-lx"),
        pytest.param(port(**SWITCHDEV, **DMFS), wish(**SWITCHDEV), [], id="in-switchdev-it-cannot-change"),
        pytest.param(
            port(**SWITCHDEV, **SMFS),
            wish(),
            ["eswitch switchdev -> legacy"],
            id="on-the-way-back-nothing-changes",
        ),
        pytest.param(
            port(vfs=vfs(1), **DMFS),
            wish(1, **SWITCHDEV),
            ["vf0: kernel driver mlx5_core -> none", TO_SMFS, TO_SWITCHDEV],
            id="after-the-vfs-are-unbound",
        ),
        pytest.param(port(**DMFS), wish(externally_managed=True, **SWITCHDEV), [], id="somebody-elses"),
    ],
)
def test_flows_are_steered_by_software_in_switchdev(nic, spec, expected):
    assert lines(Phase.ESWITCH, nic, spec) == expected


def test_the_steering_is_set_where_the_last_vfs_go_on_the_way_to_switchdev():
    steps = lines(Phase.NUM_VFS, port(vfs=vfs(1, None), **DMFS), wish(**SWITCHDEV))
    assert steps == ["VFs 1 -> 0", TO_SMFS, TO_SWITCHDEV]


@pytest.mark.parametrize(
    ("found", "before", "expected"),
    [
        pytest.param("smfs", "dmfs", ["flow_steering_mode smfs -> dmfs", TO_SWITCHDEV], id="by-the-device-before"),
        pytest.param("dmfs", "smfs", [TO_SMFS, TO_SWITCHDEV], id="by-software-before"),
        pytest.param("dmfs", None, [TO_SWITCHDEV], id="nobody-knows"),
    ],
)
def test_a_release_into_switchdev_steers_as_before(found, before, expected):
    baseline = Baseline(eswitch_mode=EswitchMode.SWITCHDEV, parameters={"flow_steering_mode": before} if before else {})
    nic = port(parameters={"flow_steering_mode": found})
    assert lines(Phase.ESWITCH, nic, wish(restore=baseline, **SWITCHDEV)) == expected


def derived_line(index: int, was: str = "none") -> str:
    return f"vf{index}: admin GUID {was} -> {derived(IPOIB, index)}"


UNBIND = "vf0: kernel driver mlx5_core -> none"
OWN = "02:00:00:00:00:00:00:77"
POOL = {"facts": {"guids": "02:00:00:00:00:00:00:01 02:00:00:00:00:00:00:02"}}


@pytest.mark.parametrize(
    ("nic", "spec", "expected"),
    [
        pytest.param(ib(vfs=vfs(2, None)), wish(2), [derived_line(0), derived_line(1)], id="derived"),
        pytest.param(
            ib(vfs=vfs(2, None), **POOL),
            wish(2),
            ["vf0: admin GUID none -> 02:00:00:00:00:00:00:01", "vf1: admin GUID none -> 02:00:00:00:00:00:00:02"],
            id="from-the-pool",
        ),
        pytest.param(
            ib(vfs=vfs(1, None, admin_guid=OWN), **POOL),
            wish(1),
            [f"vf0: admin GUID {OWN} -> 02:00:00:00:00:00:00:01"],
            id="the-pool-has-the-last-word",
        ),
        pytest.param(ib(vfs=vfs(1, None, admin_guid=OWN)), wish(1), [], id="given-by-somebody-else"),
        pytest.param(ib(vfs=vfs(1, guid=OWN)), wish(1), [], id="bound-and-named-it-is-left-alone"),
        pytest.param(ib(vfs=vfs(1, guid=OWN), **POOL), wish(1), [], id="bound-and-named-even-if-the-pool-differs"),
        pytest.param(ib(vfs=vfs(1, guid=NO_GUID)), wish(1), [UNBIND, derived_line(0)], id="bound-without-a-guid"),
        pytest.param(
            ib(vfs=vfs(1, guid=NO_GUID, admin_guid=NO_GUID)), wish(1), [UNBIND, derived_line(0, NO_GUID)], id="zero"
        ),
        pytest.param(ib(vfs=vfs(1, guid=NO_GUID, admin_guid=OWN)), wish(1), [], id="told-in-vain"),
        pytest.param(ib(vfs=vfs(1, guid=NO_GUID, admin_guid=OWN), **POOL), wish(1), [], id="told-in-vain-with-a-pool"),
        pytest.param(
            ib(vfs=vfs(1)),
            wish(1, groups=(VfGroup(first=0, last=0, device_type=DeviceType.VFIO_PCI),)),
            [derived_line(0)],
            id="on-its-way-to-a-guest",
        ),
        pytest.param(ib(vfs=vfs(3, None)), wish(1), [derived_line(0)], id="those-that-are-wished-for"),
        pytest.param(ib(vfs=vfs(1, None), mac=None), wish(1), [], id="a-pf-without-a-guid"),
        pytest.param(ib(vfs=vfs(1, None), name=None), wish(1), [], id="a-pf-without-a-netdev"),
    ],
)
def test_vfs_on_infiniband_get_guids_and_no_macs(nic, spec, expected):
    assert lines(Phase.VF_IDENTITY, nic, spec) == expected


RDMA = {"groups": (VfGroup(first=0, last=0, is_rdma=True),)}
MAC = "02:00:00:00:00:11"
TOLD, DERIVED = "vf0: admin MAC none -> ", derived_mac(port(), 0)


@pytest.mark.parametrize(
    ("vf", "spec", "expected"),
    [
        pytest.param({"guid": NO_GUID, "mac": MAC}, wish(1, **RDMA), [UNBIND, f"{TOLD}{MAC}"], id="zero-guid"),
        pytest.param({"guid": NO_GUID, "mac": MAC}, wish(1), [], id="nobody-wants-rdma"),
        pytest.param({"guid": OWN, "mac": MAC}, wish(1, **RDMA), [], id="named"),
        pytest.param({"guid": NO_GUID, "mac": MAC, "admin_mac": MAC}, wish(1, **RDMA), [], id="told-already"),
        pytest.param({"guid": NO_GUID}, wish(1, **RDMA), [UNBIND, f"{TOLD}{DERIVED}"], id="no-netdev-in-sight"),
    ],
)
def test_on_ethernet_a_guid_comes_from_the_mac_that_the_pf_was_told(vf, spec, expected):
    assert lines(Phase.VF_IDENTITY, port(vfs=vfs(1, **vf)), spec) == expected


def test_a_vf_on_ethernet_that_is_about_to_be_bound_has_its_mac_from_the_base_once():
    nic = port(vfs=vfs(1, None, guid=NO_GUID, mac=MAC))
    assert lines(Phase.VF_IDENTITY, nic, wish(1, **RDMA)) == [f"vf0: admin MAC none -> {MAC}"]


def test_the_driver_claims_no_vf_inside_a_virtual_machine():
    (match,) = mellanox.describe().matches
    assert (match.vendor, match.pci_class, match.platform) == ("15b3", "02", "baremetal")


def test_every_model_has_a_device_of_its_own():
    devices = [device for model in mellanox.describe().models for device in model.devices]
    assert len(devices) == len(set(devices)) == 12
    assert all(device.startswith("15b3:") for device in devices)
