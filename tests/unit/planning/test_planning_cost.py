"""What each step costs and why, as said before anything is done."""

import pytest
from planning_values import PF, group, nic, planned, spec, vf, vfio, vfs

from sriov_core.model.nodesteps import LoadModule, SetKernelArgument, WriteFile
from sriov_core.model.observed import UNKNOWN, EswitchMode, Use
from sriov_core.model.plan import Cost, Plan, PlannedStep, Reboot
from sriov_core.model.steps import BindDriver, SetAutoprobe, SetEswitchMode, SetLink, SetMtu, SetNumVfs, SetVfMac
from sriov_core.planning.disruption import priced, priced_on_node, spans

POD = vf(1, name=None, mtu=None, used_by="network namespace pod")
NETDEVS, USED = nic(vfs=vfs("iavf", "iavf")), nic(vfs=(vf(0), POD))
LOST, TOLD = "vf0-vf1 in use by nobody known", "vf1 is used by network namespace pod"
RESTART = "most kernel drivers restart the queues for a new MTU"
AWAY = SetNumVfs(nic=PF, was=2, count=0)
BIND = BindDriver(nic=PF, vf=1, was="iavf", kernel_driver="vfio-pci")
MODE = SetEswitchMode(nic=PF, was=EswitchMode.LEGACY, mode=EswitchMode.SWITCHDEV)

ITSELF = BindDriver(nic=PF, vf=0, was="iavf", kernel_driver="vfio-pci")
ROUTE = (Use(kind="default-route", detail="the default route"),)


def guest_nic(**facts):
    """What a virtual machine was given: a VF that stands for itself."""
    return nic(vfs=(vf(0, address=PF),), platform="virtual", **facts)


COSTS = {
    "vfs-where-none-are": (SetNumVfs(nic=PF, was=0, count=2), nic(), Cost.NONE, ""),
    "vfs-away-that-nobody-uses": (AWAY, NETDEVS, Cost.VF_LOSS, LOST),
    "vfs-away-that-a-pod-uses": (AWAY, USED, Cost.DRAIN, TOLD),
    "binding-a-fresh-vf": (BIND, nic(vfs=vfs("iavf", None)), Cost.NONE, ""),
    "binding-a-vf-not-yet-bound": (BIND, nic(vfs=vfs("iavf", UNKNOWN)), Cost.NONE, ""),
    "binding-a-free-vf": (BIND, NETDEVS, Cost.VF_LOSS, "vf1 in use by nobody known"),
    "binding-a-used-vf": (BIND, USED, Cost.DRAIN, TOLD),
    "binding-a-guest-s-nic-that-nobody-uses": (ITSELF, guest_nic(), Cost.VF_LOSS, "vf0 in use by nobody known"),
    "binding-a-guest-s-nic-that-it-depends-on": (ITSELF, guest_nic(uses=ROUTE), Cost.DRAIN, "the default route"),
    "a-mode-without-vfs": (MODE, nic(), Cost.LINK_FLAP, "the PF's netdev is set up anew"),
    "a-mode-with-free-vfs": (MODE, NETDEVS, Cost.VF_LOSS, LOST),
    "a-mode-with-used-vfs": (MODE, USED, Cost.DRAIN, TOLD),
    "mtu-while-up": (SetMtu(nic=PF, was=1500, mtu=9000), nic(), Cost.LINK_FLAP, RESTART),
    "mtu-while-down": (SetMtu(nic=PF, was=1500, mtu=9000), nic(link_up=False), Cost.NONE, ""),
    "mtu-of-a-netdev": (
        SetMtu(nic=PF, vf=1, was=1500, mtu=9000),
        NETDEVS,
        Cost.LINK_FLAP,
        "vf1 restarts its queues for a new MTU",
    ),
    "mtu-of-a-vf-just-bound": (SetMtu(nic=PF, vf=0, was=None, mtu=9000), nic(vfs=vfs("default")), Cost.NONE, ""),
    "link-up": (SetLink(nic=PF, was=False, up=True), nic(link_up=False), Cost.NONE, ""),
    "link-down": (SetLink(nic=PF, was=True, up=False), nic(), Cost.LINK_FLAP, "the PF goes down"),
    "autoprobe": (SetAutoprobe(nic=PF, was=True, enabled=False), NETDEVS, Cost.NONE, ""),
    "mac": (SetVfMac(nic=PF, vf=0, was=None, mac="02::"), NETDEVS, Cost.NONE, ""),
}


@pytest.mark.parametrize(("step", "seen", "cost", "why"), COSTS.values(), ids=COSTS)
def test_a_step_costs(step, seen, cost, why):
    assert priced(step, seen) == PlannedStep(step=step, cost=cost, why=why)


ON_THE_NODE = {
    "kernel-argument": (SetKernelArgument(argument="iommu=pt"), Cost.REBOOT),
    "module": (LoadModule(module="vfio_pci"), Cost.NONE),
    "file": (WriteFile(path="/x", content=None), Cost.NONE),
}


@pytest.mark.parametrize(("step", "cost"), ON_THE_NODE.values(), ids=ON_THE_NODE)
def test_a_step_of_the_node_costs(step, cost):
    assert priced_on_node(step).cost is cost
    assert bool(priced_on_node(step).why) is (cost is not Cost.NONE)


PLANS = {
    "nothing": (nic(), spec(), Cost.NONE),
    "growing-from-none": (nic(), spec(group(0, 3), vfio(4, 7)), Cost.NONE),
    "a-link-that-is-down-is-set-up-without-a-drain": (
        nic(vfs=(vf(0, used_by="a pod"),), link_up=False),
        spec(group(0, 0)),
        Cost.NONE,
    ),
    "changing-a-free-vf-beside-a-used-one": (USED, spec(vfio(0, 0), group(1, 1)), Cost.VF_LOSS),
    "resizing-under-a-used-one": (USED, spec(num_vfs=3), Cost.DRAIN),
    "jumbo-frames": (nic(), spec(mtu=9000), Cost.LINK_FLAP),
}


@pytest.mark.parametrize(("seen", "wish", "cost"), PLANS.values(), ids=PLANS)
def test_a_plan_costs_as_much_as_its_dearest_step(seen, wish, cost):
    found = planned(seen, wish)
    assert (found.cost, found.nics[0].cost) == (cost, cost)


def test_a_plan_with_a_reboot_costs_a_reboot():
    assert Plan(reboots=(Reboot(requirement="x", reason="y"),)).cost is Cost.REBOOT


def test_indices_are_written_as_people_write_them():
    assert spans([4, 0, 1, 2, 6]) == "vf0-vf2, vf4, vf6"
