"""What is done at once, what waits and for what: on plans that the planner made of simulated machines."""

import attrs
import pytest
from agent_machines import CATALOGUE, DRIVERS, OTHER, PF, interface, used, world

from sriov_core.agent.decide import (
    alone,
    disputed,
    in_cluster,
    is_set_for_reboot,
    judged,
    needs,
    offer,
    part,
    touches_offered,
)
from sriov_core.agent.handshake import Answer, Need, Request, Seen, Terms
from sriov_core.agent.wish import SeenNodeState, of_node_state
from sriov_core.engine.converge import Engine
from sriov_core.engine.journal import Journal, Memory
from sriov_core.kube.lean import LeanMeta
from sriov_core.model.plan import Cost, Plan, Reboot
from sriov_core.model.record import RebootRecord

REST = Seen(request=Request.IDLE, answer=Answer.IDLE)
DRAINED = Seen(request=Request.DRAIN, answer=Answer.COMPLETE)
FULLY = Seen(request=Request.REBOOT, answer=Answer.COMPLETE)


def spec_of(*interfaces, **system):
    whole = {"interfaces": list(interfaces), **({"system": system} if system else {})}
    return of_node_state(SeenNodeState(metadata=LeanMeta(name="n", generation=2), spec=whole)).spec


def machine(*interfaces, in_pod: bool = False, **node):
    """An engine of a machine that has these VFs already."""
    host = world(**node)
    engine = Engine(host=host, catalogue=CATALOGUE, drivers=DRIVERS, journal=Journal(path=None))
    engine.converge(spec_of(*interfaces), release=True, approve=lambda _: None)
    if in_pod:
        used(host)
    return engine


def looked(engine, *interfaces, **system):
    return engine.look(spec_of(*interfaces, **system), release=True)


HAS = interface(vfs=2)
PLANS = {
    "as-wished": (machine(HAS), [HAS], {}, Need.NONE, 0),
    "from-nothing": (machine(), [HAS], {}, Need.NONE, 0),
    "vfs-that-nobody-uses": (machine(HAS), [interface(vfs=4)], {}, Need.NONE, 0),
    "vfs-in-a-pod": (machine(HAS, in_pod=True), [interface(vfs=4)], {}, Need.DRAIN, 1),
    "a-mode-at-once": (machine(), [], {"rdmaMode": "exclusive"}, Need.NONE, 0),
    "a-mode-at-boot": (machine(other_net_namespaces=1), [], {"rdmaMode": "exclusive"}, Need.REBOOT, 1),
    "both": (
        machine(HAS, in_pod=True, other_net_namespaces=1),
        [interface(vfs=4), interface(OTHER)],
        {"rdmaMode": "exclusive"},
        Need.REBOOT,
        2,
    ),
}


@pytest.mark.parametrize("row", PLANS.values(), ids=PLANS)
def test_what_a_plan_needs_and_what_of_it_is_cheap(row):
    engine, interfaces, system, need, waiting = row
    plan = looked(engine, *interfaces, **system).plan
    cheap = part(plan, Cost.VF_LOSS)
    assert needs(plan) is need
    assert all(planned.cost <= Cost.VF_LOSS for planned in cheap.steps)
    left = {planned.step for planned in plan.steps} - {planned.step for planned in cheap.steps}
    whose = {getattr(step, "nic", "node") for step in left}
    assert len(whose) == waiting, whose
    assert part(plan, Cost.REBOOT) == plan


def test_what_takes_effect_with_a_reboot_only_is_not_prepared_before_the_drain():
    plan = looked(machine(other_net_namespaces=1), rdmaMode="exclusive").plan
    assert plan.steps
    assert plan.reboots
    for most in (Cost.VF_LOSS, Cost.DRAIN):
        assert part(plan, most).steps == ()


GRANTS = {
    "at-rest": (REST, Cost.VF_LOSS, "drain", Request.DRAIN),
    "drained": (DRAINED, Cost.DRAIN, "", None),
    "fully-drained": (FULLY, Cost.REBOOT, "", None),
}


@pytest.mark.parametrize("row", GRANTS.values(), ids=GRANTS)
def test_the_answer_says_how_much_may_be_done(row):
    seen, most, waiting, request = row
    plan = looked(machine(HAS, in_pod=True), interface(vfs=4)).plan
    decision = in_cluster(plan, Memory(), seen, Terms(), written=None)
    assert (decision.most, decision.waiting, decision.talk.request) == (most, waiting, request)
    assert not decision.reboot


def test_why_it_waits_names_the_step_and_who_would_lose():
    plan = looked(machine(HAS, in_pod=True), interface(vfs=4)).plan
    decision = in_cluster(plan, Memory(), REST, Terms(), written=None)
    assert f"{PF}: VFs 2 -> 0 costs drain (vf0 is used by" in decision.why
    assert decision.why.endswith("waits for the drain that it asks for")
    assert alone(plan, Memory(), Cost.VF_LOSS).why.endswith("waits for somebody to allow it (--max-cost drain)")


REBOOT = Plan(reboots=(Reboot(requirement="r", reason="because"),))


def fuse(boot: str) -> Memory:
    return Memory(reboots=(RebootRecord(requirement="r", reason="because", boot_id=boot),), boot_id="now")


FUSES = {
    "everything-is-set": (fuse("now"), FULLY, True),
    "nothing-is-set": (Memory(boot_id="now"), FULLY, False),
    "set-in-an-earlier-boot": (fuse("then"), FULLY, False),
    "set-and-not-drained": (fuse("now"), REST, False),
    "set-and-drained-in-part": (fuse("now"), DRAINED, False),
}


@pytest.mark.parametrize("row", FUSES.values(), ids=FUSES)
def test_the_machine_reboots_only_when_all_is_set_in_this_boot_and_the_node_is_empty(row):
    memory, seen, expected = row
    assert in_cluster(REBOOT, memory, seen, Terms(), written=None).reboot is expected
    assert is_set_for_reboot(REBOOT, memory) is (memory == fuse("now"))


def test_why_the_machine_reboots_is_told_while_that_is_prepared():
    decision = in_cluster(REBOOT, Memory(), REST, Terms(disabled=True), written=None)
    assert (decision.reboot, decision.waiting) == (False, "reboot")
    assert decision.why == "a reboot is needed: because"


def test_without_draining_it_reboots_as_soon_as_all_is_set():
    assert in_cluster(REBOOT, fuse("now"), REST, Terms(disabled=True), written=None).reboot


def test_a_nic_that_was_given_to_another_plugin_has_a_problem_and_no_steps():
    engine = machine()
    wish = interface(plugin="mellanox")
    look = looked(engine, wish, interface(OTHER))
    problems = disputed(spec_of(wish, interface(OTHER)), look.snapshot)
    plan = judged(look.plan, look.snapshot, problems, {})
    barred, other = plan.nics
    assert (barred.nic, barred.steps, [problem.code for problem in barred.problems]) == (PF, (), ["other-plugin"])
    assert other.steps


def test_the_reboot_of_a_nic_in_dispute_is_not_asked_for():
    nic = attrs.evolve(looked(machine(), HAS).plan.nics[0], reboots=REBOOT.reboots)
    plan = Plan(nics=(nic,), reboots=REBOOT.reboots)
    engine = machine()
    snapshot = looked(engine).snapshot
    problems = disputed(spec_of(interface(plugin="mellanox")), snapshot)
    assert judged(plan, snapshot, problems, {}).reboots == ()
    assert judged(plan, snapshot, (), {}).reboots == REBOOT.reboots


def test_a_step_that_takes_a_vf_of_a_pod_costs_a_drain_and_another_does_not():
    engine = machine(HAS)
    look = looked(engine, interface(vfs=4))
    first, second = (vf.address for vf in look.snapshot.nic(PF).vfs)
    plan = judged(look.plan, look.snapshot, (), {first: "ns/one", second: "ns/two"})
    costly = [planned for planned in plan.steps if planned.cost is Cost.DRAIN]
    assert [planned.why for planned in costly] == ["vf0 is assigned to pod ns/one; vf1 is assigned to pod ns/two"]
    other = engine.host.vf_addresses(OTHER)
    assert judged(look.plan, look.snapshot, (), dict.fromkeys(other.values(), "x")) == look.plan


OFFERED = {
    "made": (machine(), [HAS], "", True),
    "changed": (machine(HAS), [interface(vfs=4)], "", True),
    "as-it-is": (machine(HAS), [HAS], "", False),
    "the-pf-only": (machine(HAS), [interface(mtu=9000)], "", False),
    "of-nobody": (machine(), [{"pciAddress": str(PF), "numVfs": 2}], "", False),
    "given-up": (machine(HAS), [], f"{PF} fast 0-1", True),
    "given-up-and-never-offered": (machine(HAS), [], f"{OTHER} fast 0-1", False),
    "given-up-and-nobody-knows": (machine(HAS), [], None, True),
    "given-up-after-a-crash": (machine(HAS), [], f"?\n{PF} fast 0-1", True),
}


@pytest.mark.parametrize("row", OFFERED.values(), ids=OFFERED)
def test_whether_a_plan_touches_what_the_device_plugin_offers(row):
    engine, interfaces, offered, expected = row
    look = looked(engine, *interfaces)
    assert touches_offered(look.plan, look.snapshot, spec_of(*interfaces), offered) is expected


def test_an_offer_differs_when_the_device_plugin_would_see_something_else():
    renamed = interface()
    renamed["vfGroups"][0]["resourceName"] = "slow"
    offers = [offer(spec_of(one)) for one in (HAS, renamed, interface(vfs=3), interface(device_type="vfio-pci"))]
    assert len(set(offers)) == 4
    assert offer(spec_of(interface(mtu=9000))) == offers[0]
    assert offer(spec_of({"pciAddress": str(PF), "numVfs": 2})) == ""
