"""Carry out a plan: the node's steps first, then the NICs in parallel, each NIC's steps in order."""

import enum
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import attrs

from sriov_core.engine.perform import perform
from sriov_core.errors import SriovError, StalePlan
from sriov_core.host.ports import Host
from sriov_core.model.address import Address
from sriov_core.model.plan import NicPlan, Plan, PlannedStep
from sriov_core.model.steps import BindDriver, LoadModule, SetAutoprobe, Step

MAX_PARALLEL_NICS = 16


class Moment(enum.StrEnum):
    """Where in a step's life an `Event` lies."""

    STARTED = "started"
    DONE = "done"
    FAILED = "failed"


@attrs.frozen(kw_only=True)
class Event:
    """Progress, told while it happens; ``seconds`` is how long a done step took."""

    moment: Moment
    step: Step
    seconds: float = 0.0
    error: str = ""


@attrs.frozen(kw_only=True)
class Failure:
    """A step that was refused. ``stale`` means that the world had moved and planning again is the cure."""

    step: Step
    error: str
    stale: bool = False
    nic: Address | None = None


OnEvent = Callable[[Event], None]


def execute(plan: Plan, host: Host, on_event: OnEvent = lambda _: None) -> tuple[Failure, ...]:
    """Do the steps of a plan; returns what failed, in the order of the plan.

    A failed step ends its own NIC's work only. ``on_event`` is called from several threads.
    """
    failures = [failure for planned in plan.node if (failure := _do(planned.step, host, on_event, None))]
    lost_modules = {failure.step.module for failure in failures if isinstance(failure.step, LoadModule)}
    ready = [nic for nic in plan.nics if nic.steps and not _needs(nic, lost_modules)]
    if ready:
        with ThreadPoolExecutor(max_workers=min(MAX_PARALLEL_NICS, len(ready)), thread_name_prefix="nic") as pool:
            outcomes = pool.map(lambda nic: _do_nic(nic, host, on_event), ready)
            failures += [failure for outcome in outcomes for failure in outcome]
    return tuple(failures)


def _do_nic(nic: NicPlan, host: Host, on_event: OnEvent) -> tuple[Failure, ...]:
    for position, planned in enumerate(nic.steps):
        failure = _do(planned.step, host, on_event, nic.nic)
        if failure:
            undone = _restore_autoprobe(nic.steps[:position], host, on_event, nic.nic)
            return (failure, undone) if undone else (failure,)
    return ()


def _do(step: Step, host: Host, on_event: OnEvent, nic: Address | None) -> Failure | None:
    on_event(Event(moment=Moment.STARTED, step=step))
    began = time.monotonic()
    try:
        perform(step, host)
    except SriovError as err:
        on_event(Event(moment=Moment.FAILED, step=step, seconds=time.monotonic() - began, error=str(err)))
        return Failure(step=step, error=str(err), stale=isinstance(err, StalePlan), nic=nic)
    on_event(Event(moment=Moment.DONE, step=step, seconds=time.monotonic() - began))
    return None


def _restore_autoprobe(done: Sequence[PlannedStep], host: Host, on_event: OnEvent, nic: Address) -> Failure | None:
    """Autoprobe is ours only for the length of a plan: it goes back even when the plan ends early."""
    switched = [planned.step for planned in done if isinstance(planned.step, SetAutoprobe)]
    if not switched or switched[0].was == switched[-1].enabled:
        return None
    back = SetAutoprobe(nic=nic, was=switched[-1].enabled, enabled=switched[0].was)
    return _do(back, host, on_event, nic)


def _needs(nic: NicPlan, modules: set[str]) -> bool:
    drivers = {planned.step.kernel_driver for planned in nic.steps if isinstance(planned.step, BindDriver)}
    return any(driver and driver.replace("-", "_") in modules for driver in drivers)
