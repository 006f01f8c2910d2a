"""Carry out a plan: the node's steps, then the NICs in parallel, each NIC's in order, then what needs them ready."""

import enum
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import attrs

from sriov_core.engine.perform import perform
from sriov_core.errors import SriovError, StalePlan
from sriov_core.host.ports import Host
from sriov_core.model.address import Address
from sriov_core.model.nodesteps import LoadModule, SetBridge, SetModuleParameter, WriteFile
from sriov_core.model.plan import Cost, NicPlan, Plan, PlannedStep
from sriov_core.model.step import Step
from sriov_core.model.steps import VDPA_MODULES, BindDriver, SetAutoprobe, SetEswitchMode, SetNumVfs, SetVdpa

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

Stopped = Callable[[], bool]
"""True once nothing more shall be begun. The step under way ends, and autoprobe is put back."""


def execute(
    plan: Plan,
    host: Host,
    on_event: OnEvent = lambda _: None,
    *,
    stopped: Stopped = lambda: False,
    parallel: int = MAX_PARALLEL_NICS,
) -> tuple[Failure, ...]:
    """Do the steps of a plan, on so many NICs at a time; returns what failed, in the order of the plan.

    A failed step ends its own NIC's work only. ``on_event`` is called from several threads.
    """
    failures, undone = _do_node(plan, host, on_event, stopped)
    ready = [nic for nic in plan.nics if nic.steps and not _needs(nic, undone)]
    if ready:
        with ThreadPoolExecutor(max_workers=min(parallel, len(ready)), thread_name_prefix="nic") as pool:
            outcomes = pool.map(lambda nic: _do_nic(nic, host, on_event, stopped), ready)
            failures += [failure for outcome in outcomes for failure in outcome]
    lost = {failure.nic for failure in failures}.union(nic.nic for nic in plan.nics if nic.steps and nic not in ready)
    # A bridge that was there gets its uplink back whatever became of that; a new one waits for a NIC that is ready.
    after = [planned for planned in plan.after if not _is_new_on(planned.step, lost)]
    failures += [failure for planned in after if (failure := _do(planned, host, on_event, None))]
    return tuple(failures)


def _do_node(plan: Plan, host: Host, on_event: OnEvent, stopped: Stopped) -> tuple[list[Failure], list[Step]]:
    """The failures, and the steps not done: after one that failed only those are that stand by themselves."""
    failures: list[Failure] = []
    undone: list[Step] = []
    for planned in plan.node:
        if stopped():
            failures.append(_not_begun(planned, None))
            undone.append(planned.step)
        elif failures and not isinstance(planned.step, LoadModule | WriteFile):
            undone.append(planned.step)
        elif failure := _do(planned, host, on_event, None):
            failures.append(failure)
            undone.append(planned.step)
    return failures, undone


def _is_new_on(step: Step, nics: set[Address | None]) -> bool:
    if not isinstance(step, SetBridge) or step.was or step.bridge is None or step.bridge.uplink is None:
        return False
    return step.bridge.uplink.nic in nics


def _do_nic(nic: NicPlan, host: Host, on_event: OnEvent, stopped: Stopped) -> tuple[Failure, ...]:
    for position, planned in enumerate(nic.steps):
        failure = _not_begun(planned, nic.nic) if stopped() else _do(planned, host, on_event, nic.nic)
        if failure:
            undone = _restore_autoprobe(nic, position, host, on_event)
            return (failure, undone) if undone else (failure,)
    return ()


def _not_begun(planned: PlannedStep, nic: Address | None) -> Failure:
    return Failure(
        step=planned.step, error="it was not begun, because the work was ended on request", stale=True, nic=nic
    )


def _do(planned: PlannedStep, host: Host, on_event: OnEvent, nic: Address | None) -> Failure | None:
    step = planned.step
    on_event(Event(moment=Moment.STARTED, step=step))
    began = time.monotonic()
    try:
        _must_cost_no_more(planned, host)
        perform(step, host)
    except SriovError as err:
        on_event(Event(moment=Moment.FAILED, step=step, seconds=time.monotonic() - began, error=str(err)))
        if step.optional:
            return None
        return Failure(step=step, error=str(err), stale=isinstance(err, StalePlan), nic=nic)
    on_event(Event(moment=Moment.DONE, step=step, seconds=time.monotonic() - began))
    return None


def _must_cost_no_more(planned: PlannedStep, host: Host) -> None:
    """StalePlan when somebody uses by now what nobody used when the plan was agreed to."""
    step = planned.step
    if planned.cost is not Cost.VF_LOSS or not isinstance(step, SetNumVfs | SetEswitchMode | BindDriver):
        return
    for index, address in host.vf_addresses(step.nic).items():
        lost = not isinstance(step, BindDriver) or step.vf == index
        if lost and (user := host.vf_user(address)):
            raise StalePlan(f"{step.describe()}: vf{index} is used by {user} by now; the NIC is looked at again")


def _restore_autoprobe(nic: NicPlan, done: int, host: Host, on_event: OnEvent) -> Failure | None:
    """Autoprobe is ours only for the length of a plan: a plan that ends early leaves it as at its end, too."""
    switches = [planned.step for planned in nic.steps if isinstance(planned.step, SetAutoprobe)]
    if not switches:
        return None
    passed = [planned.step for planned in nic.steps[:done] if isinstance(planned.step, SetAutoprobe)]
    now, meant = passed[-1].enabled if passed else switches[0].was, switches[-1].enabled
    if now == meant:
        return None
    return _do(PlannedStep(step=SetAutoprobe(nic=nic.nic, was=now, enabled=meant)), host, on_event, nic.nic)


def _needs(nic: NicPlan, undone: Sequence[Step]) -> bool:
    """True when the NIC's steps would fail without one of these: a module, or its mode."""
    modules = {step.module for step in undone if isinstance(step, LoadModule | SetModuleParameter)}
    return not modules.isdisjoint(_modules(nic))


def _modules(nic: NicPlan) -> set[str]:
    steps = [planned.step for planned in nic.steps]
    drivers = {step.kernel_driver for step in steps if isinstance(step, BindDriver) and step.kernel_driver}
    vdpa = {VDPA_MODULES[step.vdpa_type] for step in steps if isinstance(step, SetVdpa) and step.vdpa_type}
    # noiommu mode is a parameter of vfio, below vfio_pci.
    return vdpa | {driver.replace("-", "_") for driver in drivers} | ({"vfio"} if "vfio-pci" in drivers else set())
