"""One phase of a boot: wait for the NICs of the wish, do this phase's share of the plan, write down how it ended."""

import contextlib
from collections.abc import Callable, Iterator, Sequence

import attrs

from sriov_core.engine import bootresult
from sriov_core.engine.bootfile import BootFile
from sriov_core.engine.bootresult import BootResult, Outcome
from sriov_core.engine.converge import Approve, Engine, Result
from sriov_core.engine.execute import OnEvent
from sriov_core.errors import HostError, SriovError
from sriov_core.model.desired import USERSPACE_DRIVERS, NicSpec, NodeSpec
from sriov_core.model.plan import Cost, Plan
from sriov_core.planning.render import distinct_problems
from sriov_core.planning.stages import Share, Stage, share
from sriov_core.plugin.reader import HostReader, Link

WAIT_S = 60.0

Until = Callable[[Callable[[], bool], float], bool]
"""Waits until something is so, at most that many seconds; says whether it is (`host.waiting.until`)."""

HasFinished = Callable[[Link], bool]
"""Whether a netdev has got its lasting name."""


@attrs.frozen(kw_only=True)
class Boot:
    """A phase on a machine. ``results`` is the path of the result file.

    What a NIC lacks is told and stops no other NIC: a node must not lose its network for one card. No plan is refused
    as a whole; steps that cost more than ``most`` are left out, and those that need a reboot always are.
    """

    engine: Engine
    stage: Stage
    results: str
    until: Until
    has_finished: HasFinished = lambda _: True
    most: Cost = Cost.VF_LOSS
    approve: Approve = lambda _: None
    on_event: OnEvent = lambda _: None

    def run(self, given: BootFile | SriovError) -> BootResult:
        """Do the phase with a boot file, or do nothing where there is none that could be read; the result is on disk.

        HostError when the result cannot be written; the work is done before.
        """
        boot_id = self._boot_id()
        before = None if self.stage is Stage.PRE else bootresult.read(self.results, boot_id)
        begun = BootResult(
            phase=self.stage,
            outcome=Outcome.IN_PROGRESS,
            words=() if self.stage is Stage.PRE else _of_pre(before),
            boot_id=boot_id,
            generation=given.generation if isinstance(given, BootFile) else "",
        )
        with contextlib.suppress(HostError):  # written again at the end, and that is told
            bootresult.write(self.results, begun)
        if isinstance(given, SriovError):
            ended = self._failed(begun, str(given))
        else:
            waited = before is not None and before.generation == given.generation and not _is_cut_off(before)
            ended = self._attempt(begun, given.spec, waited=waited)
        bootresult.write(self.results, ended)
        return ended

    def _attempt(self, begun: BootResult, wish: NodeSpec, *, waited: bool) -> BootResult:
        spec = wish_of(wish, self.stage)
        # What pre waited for in vain is not waited for again; the PFs of others were none of its business.
        awaited = tuple(nic for nic in spec.nics if nic.externally_managed or not waited)
        try:
            missing = self._wait(awaited)
            return self._carry_out(begun, spec, missing)
        except SriovError as err:
            return self._failed(begun, str(err))

    def _wait(self, nics: Sequence[NicSpec]) -> tuple[NicSpec, ...]:
        """The NICs that did not come."""
        host = self.engine.host
        self.until(lambda: not unready(host, nics, self.has_finished), WAIT_S)
        return unready(host, nics, self.has_finished)

    def _carry_out(self, begun: BootResult, spec: NodeSpec, missing: Sequence[NicSpec]) -> BootResult:
        result = self.engine.converge(
            spec, release=False, approve=self.approve, on_event=self.on_event, only=lambda plan: self._share(plan).plan
        )
        faults = tuple(_faults(result, self._share(result.last.plan), self.stage))
        if faults and missing:
            faults = (f"waited {WAIT_S:g} s in vain for {', '.join(map(_called, missing))}", *faults)
        reboots = result.last.plan.reboots
        lines = (*faults, *(f"a reboot is needed, and not begun from here: {reboot.reason}" for reboot in reboots))
        return attrs.evolve(
            begun,
            outcome=Outcome.FAILED if faults else Outcome.REBOOT_NEEDED if reboots else Outcome.SUCCEEDED,
            words=(*begun.words, *self._words(lines)),
            reboots=tuple(reboot.reason for reboot in reboots),
        )

    def _share(self, plan: Plan) -> Share:
        return share(plan, self.stage, self.most)

    def _failed(self, begun: BootResult, text: str) -> BootResult:
        return attrs.evolve(begun, outcome=Outcome.FAILED, words=(*begun.words, *self._words(text.splitlines())))

    def _words(self, lines: Sequence[str]) -> tuple[str, ...]:
        return tuple(f"{self.stage}: {line}" for line in lines)

    def _boot_id(self) -> str:
        try:
            return self.engine.host.node().boot_id
        except HostError:
            return ""  # whoever looks at the machine after this meets the same error, and tells it


def _of_pre(before: BootResult | None) -> tuple[str, ...]:
    """What post passes on of pre: its words, or that it did not run or end in this boot."""
    if before is None:
        return (f"{Stage.PRE}: there is no result of it in this boot",)
    kept = tuple(line for line in before.words if line.startswith(f"{Stage.PRE}: "))
    return (*kept, f"{Stage.PRE}: it did not come to its end") if _is_cut_off(before) else kept


def _is_cut_off(before: BootResult) -> bool:
    return before.phase is Stage.PRE and before.outcome is Outcome.IN_PROGRESS


def wish_of(spec: NodeSpec, stage: Stage) -> NodeSpec:
    """What a phase has to do with: before the network neither bridges nor the PFs that others are about to set up."""
    if stage is Stage.POST:
        return spec
    return attrs.evolve(spec, nics=tuple(nic for nic in spec.nics if not nic.externally_managed), bridges=())


def unready(host: HostReader, wishes: Sequence[NicSpec], has_finished: HasFinished) -> tuple[NicSpec, ...]:
    """The NICs that are not here yet: no device, no kernel driver, no netdev, or one that is not named yet."""
    return tuple(wish for wish in wishes if not _is_ready(host, wish, has_finished))


def _is_ready(host: HostReader, wish: NicSpec, has_finished: HasFinished) -> bool:
    try:
        function = host.function(wish.address)
        if function is None or function.kernel_driver is None:
            return False
        links = host.links(wish.address)
    except HostError:
        return False  # it may be on its way; the look after the wait tells what is the matter
    return function.kernel_driver in USERSPACE_DRIVERS or (bool(links) and all(map(has_finished, links)))


def _faults(result: Result, left: Share, stage: Stage) -> Iterator[str]:
    """A sentence for everything that keeps this phase from its end; nothing when what it read back is as wished.

    What concerns the node as a whole is judged after the network: before it, Open vSwitch for one does not run.
    """
    last = result.last.plan
    refused = distinct_problems(attrs.evolve(last, problems=()) if stage is Stage.PRE else last)
    for failure in result.failures:
        if not failure.stale:
            yield f"step {failure.step.describe()!r} failed: {failure.error}"
    yield from map(str, refused)
    yield from left.left
    if left.plan.steps and all(failure.stale for failure in result.failures):
        yield f"not as wished although no step failed: {left.plan.steps[0].step.describe()} is still to be done"


def _called(wish: NicSpec) -> str:
    return f"{wish.address} ({wish.name})" if wish.name else str(wish.address)
