"""What a boot does of a plan: before the network the PFs, after it all the rest, nothing that needs a reboot. Pure."""

import enum
from collections.abc import Sequence, Set

import attrs

from sriov_core.model.nodesteps import RestartService, SetBridge, SetOvsOption, SetRdmaMode, WriteFile
from sriov_core.model.plan import Cost, NicPlan, Plan, PlannedStep
from sriov_core.model.step import Step
from sriov_core.model.steps import (
    BindDriver,
    DetachUplink,
    ReloadDevlink,
    SetAutoprobe,
    SetEswitchMode,
    SetNumVfs,
    SetVdpa,
    vf_of,
)
from sriov_core.planning.rdma import OPTIONS_PATHS, REQUIREMENT


class Stage(enum.StrEnum):
    """The two phases of a boot: before anything configures the network, and after."""

    PRE = "pre"
    POST = "post"


@attrs.frozen(kw_only=True)
class Share:
    """What a stage does of a plan. ``left`` are sentences on what it does not do because somebody would lose by it.

    The plan has no reboots: they are not prepared here, so nobody may remember them as prepared.
    """

    plan: Plan
    left: tuple[str, ...] = ()


def share(plan: Plan, stage: Stage, most: Cost) -> Share:
    """The share of a stage. A NIC of which some step costs more than ``most`` is left alone as a whole.

    Whatever takes effect with a reboot only (kernel arguments, firmware) is left out: done here, the next reboot
    that comes for another reason would spring it on the node.
    """
    after, left_after = ((), ()) if stage is Stage.PRE else _each(plan.after, most)
    left_bridges = [planned.step for planned in plan.after if planned not in after]
    costly = {step.name for step in left_bridges if isinstance(step, SetBridge)}
    nics = [_nic(entry, stage, most, costly) for entry in plan.nics]
    node, left_of_node = _node(plan, stage, most)
    return Share(
        plan=attrs.evolve(plan, node=node, nics=tuple(nic for nic, _ in nics), after=after, reboots=()),
        left=(*left_of_node, *(line for _, left in nics for line in left), *left_after),
    )


_Steps = tuple[PlannedStep, ...]
_Lines = tuple[str, ...]


def _nic(entry: NicPlan, stage: Stage, most: Cost, costly: Set[str]) -> tuple[NicPlan, _Lines]:
    steps = () if entry.reboots else entry.steps
    if any(isinstance(planned.step, DetachUplink) and planned.step.bridge in costly for planned in steps):
        steps = ()  # nobody would attach it again
    if stage is Stage.PRE:
        steps = _before_network(steps)
    steps, left = _together(steps, most)
    return attrs.evolve(entry, steps=steps, later=(), reboots=()), left


def _each(steps: _Steps, most: Cost) -> tuple[_Steps, _Lines]:
    shares = [_together((planned,), most) for planned in steps]
    return tuple(planned for done, _ in shares for planned in done), tuple(line for _, left in shares for line in left)


def _node(plan: Plan, stage: Stage, most: Cost) -> tuple[_Steps, _Lines]:
    steps = plan.node
    if any(reboot.requirement.startswith(REQUIREMENT) for reboot in plan.reboots):
        steps = tuple(planned for planned in steps if getattr(planned.step, "path", None) not in OPTIONS_PATHS)
    if stage is Stage.PRE:
        return tuple(planned for planned in steps if isinstance(planned.step, WriteFile | SetRdmaMode)), ()
    now = [planned for planned in steps if planned.cost < Cost.REBOOT]
    # An option of Open vSwitch without the restart that makes it hold would never be asked for again.
    switch = tuple(planned for planned in now if isinstance(planned.step, SetOvsOption | RestartService))
    others = tuple(planned for planned in now if planned not in switch)
    switch, left = _together(switch, most)
    return (*others, *switch), left


def _together(steps: _Steps, most: Cost) -> tuple[_Steps, _Lines]:
    """All of the steps, or none and a sentence on the first one that costs too much."""
    costly = next((planned for planned in steps if planned.cost > most), None)
    if costly is None:
        return steps, ()
    text = f"{costly.step.describe()}: left alone, because it costs {costly.cost} ({costly.why}) and at most {most}"
    return (), (f"{text} is allowed. Allow it with --max-cost {costly.cost}",)


def _before_network(steps: Sequence[PlannedStep]) -> _Steps:
    """The PF's own steps, and those that keep VFs out of the way of them.

    Autoprobe stays off behind them, so that a VF for userspace sees no other driver before it gets its own: loading
    a kernel driver binds every VF that has none (drivers/pci/pci-driver.c: pci_device_can_probe).
    """
    if any(isinstance(planned.step, DetachUplink) for planned in steps):
        return ()  # a PF in a bridge belongs to the running network; it is changed together with its bridge
    turns = [at for at, planned in enumerate(steps) if isinstance(planned.step, _TURNS)]
    last = turns[-1] if turns else 0
    return tuple(
        planned
        for at, planned in enumerate(steps)
        if _is_of_pf(planned.step) or (at < last and _clears_the_way(planned.step))
    )


_TURNS = (SetNumVfs, SetEswitchMode, ReloadDevlink)
"""What some kernel drivers refuse while VFs are bound."""


def _is_of_pf(step: Step) -> bool:
    return vf_of(step) is None and not isinstance(step, SetAutoprobe)


def _clears_the_way(step: Step) -> bool:
    match step:
        case BindDriver(kernel_driver=None) | SetVdpa(vdpa_type=None) | SetAutoprobe(enabled=False):
            return True
        case _:
            return False
