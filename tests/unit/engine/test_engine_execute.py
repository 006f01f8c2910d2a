"""Carrying out a plan: in order, in parallel, with every failure named and autoprobe never left behind."""

import errno
import itertools
import threading

import attrs
import pytest
from engine_machines import FRESH, OTHER, PF, WISHED, Doing, engine, failing, spec, state, wish, world

from sriov_core.engine.execute import Moment, execute
from sriov_core.engine.perform import perform
from sriov_core.errors import StalePlan, StepFailed
from sriov_core.model.bridges import Bridge, Uplink
from sriov_core.model.nodesteps import LoadModule, SetBridge, SetKernelArgument, WriteFile
from sriov_core.model.plan import Cost, NicPlan, Plan, PlannedStep
from sriov_core.model.steps import BindDriver, ResetFirmware, SetAutoprobe, SetLink, SetNumVfs, SetVfMac, Step
from sriov_core.testing.facts import OvsFacts

BOTH = spec(wish(), wish(OTHER))


def plan_for(host, wishes=BOTH) -> Plan:
    return engine(host).look(wishes, release=False).plan


def test_a_plan_is_carried_out_on_every_nic():
    host = world()
    assert execute(plan_for(host), host) == ()
    assert (state(host), state(host, OTHER)) == (WISHED, WISHED)


STEPS = [planned.step for planned in plan_for(world(), spec(wish())).steps]


@pytest.mark.parametrize("position", range(len(STEPS)), ids=[step.describe() for step in STEPS])
def test_a_step_that_fails_is_named_and_leaves_autoprobe_and_the_other_nic_alone(position):
    host = world()
    step = STEPS[position]
    count = 0

    def is_it(verb) -> bool:
        nonlocal count
        about = verb.target == PF or str(verb.target).startswith("0000:01:")
        count += about
        return about and count == position + 1

    failures = execute(plan_for(host), failing(host, is_it, errno.EIO))
    assert [(failure.step, failure.nic, failure.stale) for failure in failures] == [(step, PF, False)]
    assert "EIO" in failures[0].error
    assert state(host)["autoprobe"] is True
    assert state(host, OTHER) == WISHED


def switching(*states: bool, then: Step) -> tuple[PlannedStep, ...]:
    """Steps that switch autoprobe through these states, with one after each switch."""
    steps = []
    for was, enabled in itertools.pairwise(states):
        steps += [SetAutoprobe(nic=PF, was=was, enabled=enabled), then]
    return tuple(PlannedStep(step=step) for step in steps)


BEFORE = {
    "on-and-to-be-on": (True, (True, False, True), True),
    "off-and-to-be-off": (False, (False, True, False), False),
    "left-off-by-a-crash-and-to-be-on": (False, (False, True), True),
}


@pytest.mark.parametrize(("before", "states", "end"), BEFORE.values(), ids=BEFORE)
def test_a_plan_that_ends_early_leaves_autoprobe_as_at_its_end(before, states, end):
    host = world()
    host.set_autoprobe(PF, enabled=before)
    hopeless = SetVfMac(nic=PF, vf=0, was=None, mac="02:00:00:00:00:01")
    plan = Plan(nics=(NicPlan(nic=PF, steps=switching(*states, then=hopeless)),))
    failures = execute(plan, host)
    assert failures[0].step == hopeless
    assert state(host)["autoprobe"] is end


def test_an_autoprobe_that_cannot_be_put_back_is_told_as_well():
    host = world()
    calls = []

    def set_autoprobe(pf, *, enabled):
        calls.append(enabled)
        if enabled:
            raise StepFailed("EIO")
        host.set_autoprobe(pf, enabled=enabled)

    plan = plan_for(host, spec(wish()))
    failures = execute(plan, Doing(host, set_autoprobe=set_autoprobe))
    assert [failure.step.describe() for failure in failures] == ["0000:01:00.0: driver autoprobe off -> on"] * 2


def test_a_module_that_cannot_be_loaded_stops_only_the_nics_that_need_it():
    host = world(modules=[], missing_modules=["vfio_pci"])
    failures = execute(plan_for(host, spec(wish(), wish(OTHER, vfio=0))), host)
    assert [failure.step for failure in failures] == [LoadModule(module="vfio_pci")]
    assert failures[0].nic is None
    assert state(host) == FRESH
    assert state(host, OTHER)["vfs"] == ["igbvf", "igbvf"]


def test_a_udev_rule_that_cannot_be_written_stops_no_nic():
    host = world(network_managers=["NetworkManager"])
    failures = execute(plan_for(host), failing(host, lambda verb: verb.name == "write_file", errno.ENOSPC))
    assert [type(failure.step) for failure in failures] == [WriteFile, WriteFile]
    assert (state(host), state(host, OTHER)) == (WISHED, WISHED)


def test_a_nic_that_is_blocked_does_not_hold_up_the_others():
    host, released = world(), threading.Event()

    def set_num_vfs(pf, count):
        if pf == PF:
            assert released.wait(60), "the other NIC never got done"
        host.set_num_vfs(pf, count)

    done = []

    def told(event):
        done.append((event.moment, event.step))
        if event.moment is Moment.DONE and event.step == last:
            released.set()

    plan = plan_for(host)
    last = plan.nics[1].steps[-1].step
    assert execute(plan, Doing(host, set_num_vfs=set_num_vfs), told) == ()
    assert state(host) == WISHED


def test_each_nics_steps_are_told_in_order_with_how_they_ended():
    host, told = world(), []
    plan = plan_for(host)
    execute(
        plan, failing(host, lambda verb: verb.target == PF and verb.name == "set_num_vfs", errno.EBUSY), told.append
    )
    mine = [(event.moment, event.step) for event in told if getattr(event.step, "nic", None) == OTHER]
    expected = [(moment, planned.step) for planned in plan.nics[1].steps for moment in (Moment.STARTED, Moment.DONE)]
    assert mine == expected
    failed = [event for event in told if event.moment is Moment.FAILED]
    assert [type(event.step) for event in failed] == [SetNumVfs]
    assert "EBUSY" in failed[0].error


def test_vfs_that_somebody_else_made_meanwhile_make_the_plan_stale():
    host = world()
    plan = plan_for(host, spec(wish()))
    host.set_num_vfs(PF, 1)
    failures = execute(plan, host)
    assert [failure.stale for failure in failures] == [True]
    assert "the NIC has 1 VFs by now; it is looked at again" in failures[0].error
    assert state(host)["autoprobe"] is True


def test_a_vf_that_is_gone_makes_the_plan_stale():
    host = world()
    step = BindDriver(nic=PF, vf=3, was=None, kernel_driver="vfio-pci")
    with pytest.raises(StalePlan, match=r"vf3 is gone; the NIC has 0 VFs by now and is looked at again"):
        perform(step, host)


LOSES = {
    "taking-vfs-away": wish(netdevs=3),
    "binding-it-anew": wish(vfio=3, netdevs=1),
}


@pytest.mark.parametrize("changed", LOSES.values(), ids=LOSES)
def test_a_vf_that_is_used_since_the_plan_was_agreed_to_is_not_taken(changed):
    host = world()
    execute(plan_for(host, spec(wish())), host)
    plan = plan_for(host, spec(changed))
    assert plan.cost is Cost.VF_LOSS
    host.move_to_namespace(host.vf_addresses(PF)[2], "pod")
    before = state(host)
    failures = execute(plan, host)
    assert [failure.stale for failure in failures] == [True]
    assert "vf2 is used by network namespace pod by now" in failures[0].error
    assert state(host) == before


def test_a_step_whose_cost_was_agreed_to_is_done_though_somebody_is_in_the_way():
    host = world()
    execute(plan_for(host, spec(wish())), host)
    host.move_to_namespace(host.vf_addresses(PF)[2], "pod")
    plan = plan_for(host, spec(wish(netdevs=3)))
    assert plan.cost is Cost.DRAIN
    assert execute(plan, host) == ()
    assert len(state(host)["vfs"]) == 5


def test_a_kernel_argument_and_a_file_are_set_once():
    host = world()
    for _ in range(2):
        perform(SetKernelArgument(argument="iommu=pt"), host)
        perform(WriteFile(path="/etc/x", content="a"), host)
    assert host.tree().node.next_cmdline == ["iommu=pt"]
    assert host.tree().node.files == {"/etc/x": "a"}
    perform(WriteFile(path="/etc/x", content=None), host)
    assert host.tree().node.files == {}


def test_a_vf_can_be_left_without_a_driver():
    host = world()
    execute(plan_for(host, spec(wish())), host)
    perform(BindDriver(nic=PF, vf=0, was="vfio-pci", kernel_driver=None), host)
    assert state(host)["vfs"][0] is None


@attrs.frozen(kw_only=True)
class Unheard(Step):
    kind = "unheard"

    def describe(self):
        return "something unheard of"


def test_a_kind_of_step_that_nobody_knows_is_refused_in_words():
    with pytest.raises(StepFailed, match="this version of sriov-core cannot do Unheard"):
        perform(Unheard(), world())


def test_an_empty_plan_does_nothing():
    host = world()
    before = host.tree()
    assert execute(Plan(), host) == ()
    assert host.tree() == before


def test_a_step_that_may_fail_is_told_and_ends_nothing():
    host = world()
    reset, down = ResetFirmware(nic=PF, argv=("x1tool", "reset")), SetLink(nic=PF, was=False, up=True)
    plan = Plan(nics=(NicPlan(nic=PF, steps=(PlannedStep(step=reset), PlannedStep(step=down))),))
    told = []
    assert execute(plan, host, told.append) == ()
    assert [(event.step.kind, event.moment) for event in told if event.moment is not Moment.STARTED] == [
        ("reset-firmware", Moment.FAILED),
        ("set-link", Moment.DONE),
    ]
    assert state(host)["up"] is True


def bridge(was=None) -> SetBridge:
    made = Bridge(name="br-1", uplink=Uplink(nic=PF, name="eth0"))
    return SetBridge(name="br-1", was=Bridge(name="br-1") if was else None, bridge=made)


AFTER = {
    "new-and-its-nic-is-ready": (bridge(), OTHER, True),
    "new-and-its-nic-failed": (bridge(), PF, False),
    "there-before-and-its-nic-failed": (bridge(was=True), PF, True),
}


@pytest.mark.parametrize(("step", "failed", "done"), AFTER.values(), ids=AFTER)
def test_a_bridge_is_made_where_its_nic_is_ready_and_repaired_in_any_case(step, failed, done):
    host = world(ovs=OvsFacts(service="ovs-vswitchd.service"))
    plan = attrs.evolve(plan_for(host), after=(PlannedStep(step=step),))
    failures = execute(plan, failing(host, lambda verb: verb.target == failed, errno.EIO))
    assert [failure.nic for failure in failures] == [failed]
    assert bool(host.open_vswitch([step.bridge]).bridges) is done


def test_after_a_failed_step_of_the_node_only_what_stands_by_itself_is_done():
    host = world()
    steps = [WriteFile(path="/etc/x", content="x"), SetKernelArgument(argument="quiet"), LoadModule(module="dummy")]
    plan = Plan(node=tuple(PlannedStep(step=step) for step in steps))
    failures = execute(plan, failing(host, lambda verb: verb.name == "write_file", errno.EROFS))
    assert [failure.step for failure in failures] == steps[:1]
    assert ("dummy" in host.node().modules, host.tree().node.next_cmdline) == (True, [])
