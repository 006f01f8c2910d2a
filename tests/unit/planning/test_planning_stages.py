"""What each phase of a boot takes of a plan: the PFs before the network, all else after it, and nothing unasked for."""

import attrs
import pytest
from planning_values import OTHER, PF, group, lines, look, nic, planned, spec, vfio, vfs

from sriov_core.model.bridges import Bridge
from sriov_core.model.nodesteps import (
    LoadModule,
    RestartService,
    SetBridge,
    SetKernelArgument,
    SetOvsOption,
    SetRdmaMode,
    WriteFile,
)
from sriov_core.model.observed import EswitchMode
from sriov_core.model.plan import Cost, NicPlan, Plan, PlannedStep, Reboot
from sriov_core.model.steps import DetachUplink, SetEswitchMode
from sriov_core.planning.rdma import OPTIONS_PATH
from sriov_core.planning.stages import Stage, share


def steps_of(plan: Plan, stage: Stage, most: Cost = Cost.VF_LOSS) -> list[str]:
    return lines(share(plan, stage, most).plan)


def mlx5(**facts: object):
    return nic(kernel_driver="mlx5_core", eswitch_mode=EswitchMode.LEGACY, **facts)


MIXED = spec(vfio(0, 0), group(1, 1, mtu=9000))
SWITCHDEV = spec(vfio(0, 0), group(1, 1), eswitch_mode=EswitchMode.SWITCHDEV)

BEFORE_NETWORK = {
    "a-fresh-pf": (
        look(nic(link_up=False)),
        MIXED,
        ["link down -> up", "MTU 1500 -> 9000", "driver autoprobe on -> off", "VFs 0 -> 2"],
    ),
    "vfs-without-driver-are-left-for-later": (look(nic(mtu=9000, vfs=vfs(None, None))), MIXED, []),
    "autoprobe-alone-is-left-for-later": (
        look(nic(mtu=9000, autoprobe=False, vfs=vfs("vfio-pci", None))),
        MIXED,
        [],
    ),
    "another-count": (
        look(nic(mtu=9000, vfs=vfs("iavf"))),
        MIXED,
        ["VFs 1 -> 0", "driver autoprobe on -> off", "VFs 0 -> 2"],
    ),
    "vfs-come-before-the-mode": (
        look(mlx5(), owner="generic"),
        SWITCHDEV,
        ["driver autoprobe on -> off", "VFs 0 -> 2", "eswitch legacy -> switchdev"],
    ),
    "bound-vfs-are-in-the-way-of-the-mode": (
        look(mlx5(vfs=vfs("vfio-pci", "mlx5_core")), owner="generic"),
        SWITCHDEV,
        ["vf0: kernel driver vfio-pci -> none", "vf1: kernel driver mlx5_core -> none", "eswitch legacy -> switchdev"],
    ),
}


@pytest.mark.parametrize(("seen", "wish", "expected"), BEFORE_NETWORK.values(), ids=BEFORE_NETWORK)
def test_before_the_network_only_the_pf_is_set_up(seen, wish, expected):
    plan = planned(seen, wish)
    found = share(plan, Stage.PRE, Cost.VF_LOSS)
    assert [line.strip() for line in lines(found.plan.nics[0])] == expected
    assert found.left == ()


@pytest.mark.parametrize(("seen", "wish", "_expected"), BEFORE_NETWORK.values(), ids=BEFORE_NETWORK)
def test_after_the_network_the_whole_plan_is_done(seen, wish, _expected):
    plan = planned(seen, wish)
    assert share(plan, Stage.POST, Cost.VF_LOSS).plan == plan


def with_node(*steps, cost: Cost = Cost.NONE, **facts) -> Plan:
    return Plan(node=tuple(PlannedStep(step=step, cost=cost, why="they say") for step in steps), **facts)


RULE, MODE = WriteFile(path="/etc/udev/rules.d/10.rules", content="x"), SetRdmaMode(was="shared", mode="exclusive")
BRIDGE = SetBridge(name="br0", was=None, bridge=Bridge(name="br0"))
OFFLOAD = (SetOvsOption(key="hw-offload", value="true"), RestartService(service="ovs-vswitchd"))


def test_before_the_network_come_the_rules_for_its_devices_and_nothing_that_needs_open_vswitch():
    plan = with_node(LoadModule(module="vfio_pci"), RULE, MODE, *OFFLOAD, after=(PlannedStep(step=BRIDGE),))
    assert [entry.step for entry in share(plan, Stage.PRE, Cost.VF_LOSS).plan.steps] == [RULE, MODE]


def test_a_pf_in_a_bridge_is_changed_together_with_the_bridge():
    steps = (
        DetachUplink(nic=PF, bridge="br0"),
        SetEswitchMode(nic=PF, was=EswitchMode.LEGACY, mode=EswitchMode.SWITCHDEV),
    )
    plan = Plan(
        nics=(NicPlan(nic=PF, steps=tuple(PlannedStep(step=step) for step in steps)),),
        after=(PlannedStep(step=BRIDGE),),
    )
    assert share(plan, Stage.PRE, Cost.VF_LOSS).plan.steps == ()
    assert [entry.step for entry in share(plan, Stage.POST, Cost.VF_LOSS).plan.steps] == [*steps, BRIDGE]


@pytest.mark.parametrize("stage", Stage)
def test_what_needs_a_reboot_is_not_prepared(stage):
    reboot = Reboot(requirement="r", reason="firmware")
    waiting = NicPlan(nic=PF, reboots=(reboot,), steps=(PlannedStep(step=MODE),), later=(PlannedStep(step=MODE),))
    plan = with_node(SetKernelArgument(argument="iommu=pt"), cost=Cost.REBOOT, nics=(waiting,), reboots=(reboot,))
    found = share(plan, stage, Cost.DRAIN)
    assert (found.plan.steps, found.plan.reboots, found.left) == ((), (), ())


def test_a_nic_whose_vfs_somebody_uses_is_left_alone_and_the_others_are_not():
    used = tuple(attrs.evolve(vf, used_by="network namespace pod") for vf in vfs("iavf", "iavf"))
    plan = planned(look(nic(vfs=used), nic(OTHER, name="ens2")), spec(group(0, 3)), spec(group(0, 0), address=OTHER))
    found = share(plan, Stage.POST, Cost.VF_LOSS)
    assert {entry.nic: bool(entry.steps) for entry in found.plan.nics} == {PF: False, OTHER: True}
    users = "vf0 is used by network namespace pod; vf1 is used by network namespace pod"
    why = f"because it costs drain ({users}) and at most vf-loss is allowed"
    assert found.left == (f"{PF}: VFs 2 -> 0: left alone, {why}. Allow it with --max-cost drain",)
    assert share(plan, Stage.POST, Cost.DRAIN).plan == plan


def test_a_vf_that_somebody_uses_does_not_keep_its_pf_from_being_set_up():
    used = (attrs.evolve(vfs("iavf")[0], used_by="network namespace pod"),)
    plan = planned(nic(vfs=used, link_up=False), spec(vfio(0, 0)))
    assert steps_of(plan, Stage.PRE) == ["link down -> up"]
    assert steps_of(plan, Stage.POST) == []


def test_an_option_of_open_vswitch_is_set_only_with_the_restart_that_it_takes():
    plan = with_node(RULE, *OFFLOAD, cost=Cost.DRAIN)
    plan = attrs.evolve(plan, node=(PlannedStep(step=RULE), *plan.node[1:]))
    assert [entry.step for entry in share(plan, Stage.POST, Cost.VF_LOSS).plan.node] == [RULE]
    assert [entry.step for entry in share(plan, Stage.POST, Cost.DRAIN).plan.node] == [RULE, *OFFLOAD]


def test_a_bridge_that_costs_too_much_is_left_alone_and_the_others_are_not():
    costly = PlannedStep(step=SetBridge(name="br1", was=Bridge(name="br1"), bridge=None), cost=Cost.DRAIN, why="flows")
    plan = Plan(after=(PlannedStep(step=BRIDGE), costly))
    found = share(plan, Stage.POST, Cost.VF_LOSS)
    assert ([entry.step for entry in found.plan.after], len(found.left)) == ([BRIDGE], 1)
    assert "node: bridge br1: without uplink -> none: left alone, because it costs drain (flows)" in found.left[0]


def test_a_pf_is_not_detached_where_nobody_would_attach_it_again():
    costly = PlannedStep(step=SetBridge(name="br1", was=None, bridge=Bridge(name="br1")), cost=Cost.DRAIN, why="flows")
    detach = PlannedStep(step=DetachUplink(nic=PF, bridge="br1"), cost=Cost.LINK_FLAP)
    plan = Plan(nics=(NicPlan(nic=PF, steps=(detach,)),), after=(costly,))
    assert share(plan, Stage.POST, Cost.VF_LOSS).plan.steps == ()
    assert share(plan, Stage.POST, Cost.DRAIN).plan.steps == (detach, costly)


def test_what_springs_the_rdma_mode_at_a_later_boot_is_left_out():
    option = PlannedStep(step=WriteFile(path=OPTIONS_PATH, content="x"))
    waiting = Plan(node=(option,), reboots=(Reboot(requirement="rdma-mode-exclusive", reason="x"),))
    for stage in Stage:
        assert share(waiting, stage, Cost.DRAIN).plan.node == ()
        assert share(Plan(node=(option,)), stage, Cost.DRAIN).plan.node == (option,)
