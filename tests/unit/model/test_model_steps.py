"""A step says what the NIC is like after it, and changes nothing else about it."""

import json

import attrs
import pytest

from sriov_core.model.address import Address, VfRef
from sriov_core.model.bridges import Bridge, Uplink
from sriov_core.model.codec import to_builtins
from sriov_core.model.desired import VdpaType
from sriov_core.model.nodesteps import (
    LoadModule,
    RestartService,
    SetBridge,
    SetKernelArgument,
    SetModuleParameter,
    SetOvsOption,
    SetRdmaMode,
    WriteFile,
)
from sriov_core.model.observed import UNKNOWN, EswitchMode, Nic, Setting, Vf
from sriov_core.model.plan import Cost, PlannedStep
from sriov_core.model.steps import (
    DEFAULT_DRIVER,
    KINDS,
    BindDriver,
    DetachUplink,
    ReloadDevlink,
    ResetFirmware,
    SetAutoprobe,
    SetDevlinkParameter,
    SetEswitchMode,
    SetFeature,
    SetFirmware,
    SetLink,
    SetMtu,
    SetNumVfs,
    SetVdpa,
    SetVfGuid,
    SetVfMac,
    vf_of,
)

PF = Address("0000:3b:00.0")
TWO = (Vf(index=0, kernel_driver="iavf", name="v0", mtu=1500), Vf(index=1, kernel_driver="vfio-pci"))
NIC = Nic(address=PF, vendor="8086", device="158b", mtu=1500, link_up=False, num_vfs=2, vfs=TWO)
NONE = attrs.evolve(NIC, num_vfs=0, vfs=())


def fresh(driver):
    return tuple(Vf(index=index, kernel_driver=driver) for index in range(2))


PROJECTED = {
    "link": (SetLink(nic=PF, was=False, up=True), NIC, {"link_up": True}, "link down -> up"),
    "mtu": (SetMtu(nic=PF, was=1500, mtu=9000), NIC, {"mtu": 9000}, "MTU 1500 -> 9000"),
    "mtu-of-a-vf": (
        SetMtu(nic=PF, vf=0, was=UNKNOWN, mtu=9000),
        NIC,
        {"vfs": (attrs.evolve(TWO[0], mtu=9000), TWO[1])},
        "vf0: MTU ? -> 9000",
    ),
    "mode": (
        SetEswitchMode(nic=PF, was=EswitchMode.LEGACY, mode=EswitchMode.SWITCHDEV),
        NIC,
        {"eswitch_mode": EswitchMode.SWITCHDEV},
        "eswitch legacy -> switchdev",
    ),
    "autoprobe": (
        SetAutoprobe(nic=PF, was=True, enabled=False),
        NIC,
        {"autoprobe": False},
        "driver autoprobe on -> off",
    ),
    "vfs-made-with-autoprobe": (
        SetNumVfs(nic=PF, was=0, count=2),
        NONE,
        {"num_vfs": 2, "vfs": fresh(UNKNOWN)},
        "VFs 0 -> 2",
    ),
    "vfs-made-without-autoprobe": (
        SetNumVfs(nic=PF, was=0, count=2),
        attrs.evolve(NONE, autoprobe=False),
        {"num_vfs": 2, "vfs": fresh(None)},
        "VFs 0 -> 2",
    ),
    "vfs-away": (SetNumVfs(nic=PF, was=2, count=0), NIC, {"num_vfs": 0, "vfs": ()}, "VFs 2 -> 0"),
    "mac": (
        SetVfMac(nic=PF, vf=1, was=None, mac="02:00:00:00:00:01"),
        NIC,
        {"vfs": (TWO[0], attrs.evolve(TWO[1], admin_mac="02:00:00:00:00:01"))},
        "vf1: admin MAC none -> 02:00:00:00:00:01",
    ),
    "to-userspace": (
        BindDriver(nic=PF, vf=0, was="iavf", kernel_driver="vfio-pci"),
        NIC,
        {"vfs": (Vf(index=0, kernel_driver="vfio-pci"), TWO[1])},
        "vf0: kernel driver iavf -> vfio-pci",
    ),
    "to-the-default": (
        BindDriver(nic=PF, vf=1, was="vfio-pci", kernel_driver=DEFAULT_DRIVER),
        NIC,
        {"vfs": (TWO[0], Vf(index=1, kernel_driver=DEFAULT_DRIVER, mtu=UNKNOWN))},
        "vf1: kernel driver vfio-pci -> default",
    ),
    "to-none": (
        BindDriver(nic=PF, vf=0, was="iavf", kernel_driver=None),
        NIC,
        {"vfs": (Vf(index=0), TWO[1])},
        "vf0: kernel driver iavf -> none",
    ),
    "offload": (
        SetFeature(nic=PF, feature="hw-tc-offload", was=False, on=True),
        attrs.evolve(NIC, features={"hw-tc-offload": False, "rx-vlan-filter": True}),
        {"features": {"hw-tc-offload": True, "rx-vlan-filter": True}},
        "hw-tc-offload off -> on",
    ),
    "parameter": (
        SetDevlinkParameter(nic=PF, parameter="flow_steering_mode", was="dmfs", value="smfs"),
        attrs.evolve(NIC, parameters={"flow_steering_mode": "dmfs"}),
        {"parameters": {"flow_steering_mode": "smfs"}},
        "flow_steering_mode dmfs -> smfs",
    ),
    "reload": (
        ReloadDevlink(nic=PF),
        attrs.evolve(NIC, link_up=True),
        {"num_vfs": 0, "vfs": (), "link_up": False, "mtu": UNKNOWN},
        "reload its kernel driver",
    ),
    "firmware": (
        SetFirmware(nic=PF, was={"NUM_OF_VFS": "0"}, settings={"NUM_OF_VFS": "8", "SRIOV_EN": "True"}, argv=("tool",)),
        attrs.evolve(NIC, settings={"NUM_OF_VFS": Setting(current="0", next="0")}),
        {"settings": {"NUM_OF_VFS": Setting(current="0", next="8"), "SRIOV_EN": Setting(current="True", next="True")}},
        "firmware NUM_OF_VFS 0 -> 8, SRIOV_EN none -> True",
    ),
    "firmware-reset": (ResetFirmware(nic=PF, argv=("tool",)), NIC, {}, "reset the firmware"),
    "uplink": (DetachUplink(nic=PF, bridge="br-1"), NIC, {}, "detach from bridge br-1"),
    "guid": (
        SetVfGuid(nic=PF, vf=1, was=None, guid="02:00:00:00:00:00:00:01"),
        NIC,
        {"vfs": (TWO[0], attrs.evolve(TWO[1], admin_guid="02:00:00:00:00:00:00:01"))},
        "vf1: admin GUID none -> 02:00:00:00:00:00:00:01",
    ),
    "vdpa": (
        SetVdpa(nic=PF, vf=0, was=None, vdpa_type=VdpaType.VHOST),
        NIC,
        {"vfs": (attrs.evolve(TWO[0], vdpa_type="vhost"), TWO[1])},
        "vf0: vDPA none -> vhost",
    ),
    "a-vf-loses-its-vdpa-device-with-its-driver": (
        BindDriver(nic=PF, vf=0, was="iavf", kernel_driver="vfio-pci"),
        attrs.evolve(NIC, vfs=(attrs.evolve(TWO[0], vdpa_type="virtio", guid="02:00:00:00:00:00:00:01"), TWO[1])),
        {"vfs": (Vf(index=0, kernel_driver="vfio-pci"), TWO[1])},
        "vf0: kernel driver iavf -> vfio-pci",
    ),
    "module": (LoadModule(module="vfio_pci"), NIC, {}, "node: load module vfio_pci"),
    "argument": (
        SetKernelArgument(argument="iommu=pt"),
        NIC,
        {},
        "node: kernel argument iommu=pt for the next boot",
    ),
    "module-parameter": (
        SetModuleParameter(module="vfio", parameter="enable_unsafe_noiommu_mode", value="Y"),
        NIC,
        {},
        "node: parameter enable_unsafe_noiommu_mode of module vfio = Y",
    ),
    "rdma": (SetRdmaMode(was=None, mode="exclusive"), NIC, {}, "node: RDMA namespaces none -> exclusive"),
    "bridge": (
        SetBridge(name="br-1", was=Bridge(name="br-1"), bridge=Bridge(name="br-1", uplink=Uplink(nic=PF, name="ens1"))),
        NIC,
        {},
        "node: bridge br-1: without uplink -> uplink ens1",
    ),
    "bridge-away": (
        SetBridge(name="br-1", was=Bridge(name="br-1"), bridge=None),
        NIC,
        {},
        "node: bridge br-1: without uplink -> none",
    ),
    "ovs-option": (
        SetOvsOption(key="hw-offload", value="true"),
        NIC,
        {},
        "node: Open vSwitch other_config:hw-offload = true",
    ),
    "service": (RestartService(service="ovs-vswitchd"), NIC, {}, "node: restart ovs-vswitchd"),
    "file": (WriteFile(path="/etc/x", content="a"), NIC, {}, "node: write /etc/x"),
    "file-away": (WriteFile(path="/etc/x", content=None), NIC, {}, "node: remove /etc/x"),
}


@pytest.mark.parametrize(("step", "before", "changes", "line"), PROJECTED.values(), ids=PROJECTED)
def test_a_step_projects_and_prints(step, before, changes, line):
    assert step.project(before) == attrs.evolve(before, **changes)
    assert step.describe().removeprefix(str(PF)).lstrip(": ") == line


@pytest.mark.parametrize(("step", "before", "changes", "line"), PROJECTED.values(), ids=PROJECTED)
def test_a_step_survives_json_with_its_kind_and_its_line(step, before, changes, line):
    data = to_builtins(step)
    assert json.loads(json.dumps(data)) == data
    assert data["kind"] == step.kind
    assert data["summary"] == step.describe()


def test_every_kind_of_step_is_known_by_its_name_and_tried_here():
    assert {type(step) for step, *_ in PROJECTED.values()} == set(KINDS.values())
    assert all(name == kind.kind for name, kind in KINDS.items())


@pytest.mark.parametrize("index", [2, -1])
def test_a_step_for_a_vf_that_is_not_there_is_no_step(index):
    with pytest.raises(LookupError, match=f"0000:3b:00.0 has no vf{index}"):
        BindDriver(nic=PF, vf=index, was=None, kernel_driver=None).project(NIC)


def test_a_vf_that_was_not_seen_is_not_taken_for_another():
    gap = attrs.evolve(NIC, vfs=(TWO[1],))
    with pytest.raises(LookupError, match="has no vf1"):
        gap.vf(1)


def test_a_step_knows_its_vf():
    assert vf_of(SetMtu(nic=PF, vf=0, was=1500, mtu=9000)) == VfRef(PF, 0)
    assert vf_of(SetMtu(nic=PF, was=1500, mtu=9000)) is None
    assert vf_of(LoadModule(module="x")) is None


def test_values_become_what_the_kernel_prints():
    data = to_builtins(PlannedStep(step=SetMtu(nic=PF, was=UNKNOWN, mtu=9000), cost=Cost.LINK_FLAP, why="x"))
    assert (data["cost"], data["step"]["was"], data["step"]["nic"]) == ("link-flap", "unknown", "0000:3b:00.0")
    assert to_builtins({PF: frozenset({"b", "a"}), "mode": EswitchMode.LEGACY}) == {
        "0000:3b:00.0": ["a", "b"],
        "mode": "legacy",
    }
