"""What the agent does next, from what is wished, what a fresh look planned and what is granted. Pure.

Cheap steps come first and by themselves: what interrupts at most a link, or takes VFs that nobody uses. The rest waits
for a drain, and what takes effect with a reboot only is not even prepared before that.
"""

from collections.abc import Iterable, Mapping, Sequence

import attrs

from sriov_core.agent.handshake import Need, Request, Seen, Talk, Terms, talk
from sriov_core.agent.seams import Waiting
from sriov_core.engine.journal import Memory
from sriov_core.model.address import Address
from sriov_core.model.desired import NodeSpec
from sriov_core.model.nodesteps import SetBridge
from sriov_core.model.observed import Snapshot
from sriov_core.model.plan import Cost, NicPlan, Plan, PlannedStep, Problem
from sriov_core.model.step import Step
from sriov_core.model.steps import BindDriver, ReloadDevlink, SetEswitchMode, SetNumVfs, SetVdpa
from sriov_core.planning.stages import Stage, share

CHEAP = Cost.VF_LOSS
"""The most that is done without asking: VFs that nobody uses may go."""

_OF_ALL_VFS = (SetNumVfs, SetEswitchMode, ReloadDevlink)
_MOST = {Need.NONE: CHEAP, Need.DRAIN: Cost.DRAIN, Need.REBOOT: Cost.REBOOT}


@attrs.frozen(kw_only=True)
class Decision:
    """What to write, and how much may be done now.

    ``most`` is the highest cost that may be done. ``reboot`` has the machine reboot, once nothing is left to do before.
    ``waiting`` and ``why`` tell what else is missing.
    """

    talk: Talk = attrs.field(factory=Talk)
    most: Cost = CHEAP
    reboot: bool = False
    waiting: Waiting = ""
    why: str = ""


def disputed(spec: NodeSpec, snapshot: Snapshot) -> tuple[Problem, ...]:
    """A problem for each NIC that the wish gives to another plugin than serves it here: it is not touched."""
    return tuple(
        Problem(
            code="other-plugin",
            nic=wish.address,
            text=f"plugin {wish.plugin} is wished for, and here {owner.plugin} serves it ({owner.reason})",
            remedy="Give node and control plane the same plugins, or pin one by the annotation pinned-plugins",
        )
        for wish in spec.nics
        if wish.plugin and (owner := snapshot.owners.get(wish.address)) and owner.plugin != wish.plugin
    )


def judged(plan: Plan, snapshot: Snapshot, problems: Sequence[Problem], assigned: Mapping[Address, str]) -> Plan:
    """The plan without the NICs that the problems are about, and with what the kubelet says of who has VFs.

    ``assigned`` maps VFs to pods. The kernel tells of most of them; of one that is just being started it does not.
    """
    barred = {problem.nic for problem in problems}
    nics = tuple(
        _barred(nic, problems) if nic.nic in barred else _with_pods(nic, snapshot, assigned) for nic in plan.nics
    )
    lost = {reboot for nic in plan.nics if nic.nic in barred for reboot in nic.reboots}
    wanted = {reboot for nic in nics for reboot in nic.reboots}
    return attrs.evolve(
        plan,
        nics=nics,
        after=tuple(planned for planned in plan.after if _uplink(planned.step) not in barred),
        reboots=tuple(reboot for reboot in plan.reboots if reboot not in lost or reboot in wanted),
    )


def part(plan: Plan, most: Cost) -> Plan:
    """What may be done of a plan, NIC by NIC; at the highest cost all of it, with what is prepared for a reboot."""
    return plan if most is Cost.REBOOT else share(plan, Stage.POST, most).plan


def needs(plan: Plan) -> Need:
    """What must come before the plan can be done as a whole."""
    if plan.reboots:
        return Need.REBOOT
    return Need.DRAIN if len(part(plan, CHEAP).steps) < len(plan.steps) else Need.NONE


def is_set_for_reboot(plan: Plan, memory: Memory) -> bool:
    """True when everything is set for a reboot that the plan needs, and this boot is the one that has to end."""
    set_now = {entry.requirement for entry in memory.reboots if entry.boot_id == memory.boot_id}
    return any(reboot.requirement in set_now for reboot in plan.reboots)


def in_cluster(
    plan: Plan, memory: Memory, seen: Seen, terms: Terms, *, written: Request | None, failed: bool = False
) -> Decision:
    """The next step where somebody drains the node."""
    spoken = talk(seen, needs(plan), terms, written=written, keep=failed)
    return _decided(plan, memory, spoken, _MOST[spoken.granted])


def alone(plan: Plan, memory: Memory, most: Cost) -> Decision:
    """The next step on a node that nobody drains; ``most`` is what its owner allows."""
    waits = f"for somebody to allow it (--max-cost {plan.cost})"
    return _decided(plan, memory, Talk(waits=waits if needs(plan) else ""), most)


def _decided(plan: Plan, memory: Memory, spoken: Talk, most: Cost) -> Decision:
    left = [planned for planned in plan.steps if planned not in part(plan, most).steps]
    if not left and not plan.reboots:
        return Decision(talk=spoken, most=most)
    if most is Cost.REBOOT:
        is_set, why = is_set_for_reboot(plan, memory), _reason(plan, left)
        return Decision(talk=spoken, most=most, reboot=is_set, waiting="reboot", why=why)
    waiting: Waiting = "reboot" if plan.reboots else "drain"
    return Decision(talk=spoken, most=most, waiting=waiting, why=f"{_reason(plan, left)}; waits {spoken.waits}")


def _reason(plan: Plan, left: Iterable[PlannedStep]) -> str:
    for reboot in plan.reboots:
        return f"a reboot is needed: {reboot.reason}"
    for planned in left:
        if planned.cost > CHEAP:
            return f"{planned.step.describe()} costs {planned.cost} ({planned.why})"
    return "more is to be done"


def touches_offered(plan: Plan, snapshot: Snapshot, spec: NodeSpec, offered: str | None) -> bool:
    """True when steps of the plan change VFs that the device plugin offers, or make such: it must look anew.

    ``offered`` is the `offer` of before; while it is None, nobody knows, and any VF may be offered.
    """
    names = {nic.address for nic in spec.nics if any(group.resource_name for group in nic.groups)}
    for nic in plan.nics:
        seen = snapshot.nic(nic.nic)
        is_offered = nic.nic in names or offered is None or f"{nic.nic} " in offered
        if is_offered and seen and any(_changes_vfs(planned.step) for planned in nic.steps):
            return True
    return False


def offer(spec: NodeSpec) -> str:
    """What the device plugin offers of this wish, as a text that differs when that does; one line a group of VFs."""
    lines = (
        f"{nic.address} {group.resource_name} {group.vf_range} {group.device_type} {group.is_rdma} {group.vdpa_type}"
        for nic in spec.nics
        for group in nic.groups
        if group.resource_name
    )
    return "\n".join(sorted(lines))


def _changes_vfs(step: Step) -> bool:
    return isinstance(step, (*_OF_ALL_VFS, BindDriver, SetVdpa))


def _barred(nic: NicPlan, problems: Iterable[Problem]) -> NicPlan:
    own = tuple(problem for problem in problems if problem.nic == nic.nic)
    return attrs.evolve(nic, steps=(), later=(), reboots=(), problems=(*nic.problems, *own))


def _uplink(step: Step) -> Address | None:
    bridge = step.bridge if isinstance(step, SetBridge) else None
    return bridge.uplink.nic if bridge and bridge.uplink else None


def _with_pods(nic: NicPlan, snapshot: Snapshot, assigned: Mapping[Address, str]) -> NicPlan:
    seen = snapshot.nic(nic.nic)
    holders = (
        {vf.index: assigned[vf.address] for vf in seen.vfs if vf.address and vf.address in assigned} if seen else {}
    )
    if not holders:
        return nic
    return attrs.evolve(nic, steps=tuple(_priced(planned, holders) for planned in nic.steps))


def _priced(planned: PlannedStep, holders: Mapping[int, str]) -> PlannedStep:
    step = planned.step
    lost = holders if isinstance(step, _OF_ALL_VFS) else {}
    if isinstance(step, BindDriver | SetVdpa) and step.vf in holders:
        lost = {step.vf: holders[step.vf]}
    if planned.cost is not Cost.VF_LOSS or not lost:
        return planned
    why = "; ".join(f"vf{index} is assigned to pod {pod}" for index, pod in sorted(lost.items()))
    return attrs.evolve(planned, cost=Cost.DRAIN, why=why)
