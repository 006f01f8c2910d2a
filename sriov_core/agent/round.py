"""One pass of the agent: look, decide, do what may be done, look again, and say how the node stands."""

import logging
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

import attrs

from sriov_core.agent import decide
from sriov_core.agent.attempts import Attempts
from sriov_core.agent.bootunits import BootUnits
from sriov_core.agent.decide import Decision
from sriov_core.agent.handshake import Need, Request, Talk, talk
from sriov_core.agent.offering import Offering
from sriov_core.agent.progress import NODE, Progress
from sriov_core.agent.publish import seen_of
from sriov_core.agent.rebooting import Rebooting, reasons
from sriov_core.agent.seams import Outcome
from sriov_core.agent.sources import Order, Source
from sriov_core.agent.standing import Standing, Trouble, of_problem
from sriov_core.agent.switches import Switches
from sriov_core.agent.voice import Voice
from sriov_core.agent.wish import Wish
from sriov_core.engine.converge import Engine
from sriov_core.engine.execute import MAX_PARALLEL_NICS, Failure
from sriov_core.engine.ours import Look
from sriov_core.errors import SriovError, StalePlan
from sriov_core.model.address import Address
from sriov_core.model.desired import NodeSpec
from sriov_core.model.observed import Snapshot
from sriov_core.model.plan import Cost, Plan

SAFETY_NET_S = 30.0
NOT_READY_S = 1.0
"""How often it is looked whether the cluster was read: an empty list rings no bell."""
HELD_S = 5.0
"""How long a first report may take to be answered before it is looked again, and how often that is while it is refused:
an answer rings no bell."""
NO_CONFIG_S = 10.0
"""For so long the configuration may be missing before that is a failure: it and the node state come separately."""

_log = logging.getLogger("sriov_core.agent")


@attrs.frozen(kw_only=True)
class Case:
    """What one pass works on; ``plan`` is what the last look left to do, after all objections."""

    order: Order
    wish: Wish
    switches: Switches
    spec: NodeSpec
    look: Look
    plan: Plan
    troubles: tuple[Trouble, ...]

    @property
    def boot_id(self) -> str:
        """The boot that was looked at."""
        return self.look.snapshot.node.boot_id


@attrs.define(kw_only=True)
class Round:
    """The agent's work on one machine. Used by one thread.

    ``most`` is what a node may be made to cost that nobody drains. ``stopped`` ends the work after the step under way.
    ``patience_s`` is how long the configuration may be missing before it is reported.
    """

    engine: Engine
    source: Source
    voice: Voice
    offering: Offering
    stopped: Callable[[], bool]
    most: Cost = Cost.VF_LOSS
    boot: BootUnits | None = None
    on_switches: Callable[[Switches], None] = lambda _: None
    attempts: Attempts = attrs.field(factory=Attempts)
    patience_s: float = NO_CONFIG_S
    _pins: Mapping[Address, str] = attrs.field(init=False)
    _rebooting: Rebooting = attrs.field(factory=Rebooting)
    _failures: tuple[Failure, ...] = ()
    _settled: str = ""
    _last: Standing | None = None
    _stale: int = 0
    _broken: Trouble | None = None  # what kept the last attempt from being made; told until there is another one
    _unconfigured_since: float | None = None

    @_pins.default
    def _pinned_before(self) -> Mapping[Address, str]:
        return self.engine.pins

    def run(self) -> float:
        """One pass; answers after how many seconds to come back, if nothing rings before. Never raises a SriovError."""
        began = time.monotonic()
        outcome: Outcome = "failed"
        try:
            outcome, wait_s = self._pass()
            self._stale = 0
        except StalePlan as err:
            self.voice.book.say("stale", f"the machine moved meanwhile and is looked at again: {err}")
            outcome, wait_s, self._stale = "waiting", self.attempts.failed() if self._stale else 0.0, self._stale + 1
        except SriovError as err:
            wait_s = self.failed(err)
        self.voice.meter.passed(outcome, time.monotonic() - began)
        return wait_s

    def failed(self, err: Exception) -> float:
        """The pass could not be made: say why, with what can be seen of the machine; answers when to try again."""
        trouble = Trouble(type(err).__name__ if isinstance(err, SriovError) else "InternalError", str(err))
        order, self._broken = self.source.order(), trouble
        try:
            seen = self.engine.snapshot()
            last = self._last or Standing(snapshot=seen)
            troubles, generation = tuple(dict.fromkeys((*last.troubles, trouble))), _generation(order)
            self._told(order, attrs.evolve(last, snapshot=seen, troubles=troubles, generation=generation, doing={}))
        except Exception:  # noqa: BLE001  # whatever broke the pass may break this as well
            self.voice.say_blind(trouble, order.state)
        return self.attempts.failed()

    def _pass(self) -> tuple[Outcome, float]:
        order = self.source.order()
        if not order.ready:
            self.voice.book.say("order", order.why)
            return "waiting", NOT_READY_S
        if order.switches is None:
            return self._unconfigured(order)
        self._unconfigured_since = None
        self.on_switches(order.switches)
        snapshot, wish = self._first_look(order, order.switches)
        if self._rebooting.is_under_way(self.engine, snapshot.node.boot_id):
            why = "the machine is rebooting; nothing more is done in this boot"
            overdue, generation = self._rebooting.overdue(), _generation(order)
            standing = Standing(snapshot=snapshot, waiting="reboot", why=why, troubles=overdue, generation=generation)
            return self._told(order, standing)
        if wish is None and order.state is None:
            self.voice.sees(snapshot)
            return "waiting", SAFETY_NET_S
        if wish is None or wish.error:
            troubles = (Trouble("WishNotUnderstood", wish.error),) if wish else ()
            standing = Standing(snapshot=snapshot, troubles=troubles, generation=_generation(order))
            return self._told(order, standing, _without_need(order, order.switches))
        return self._work(self._case(order, order.switches, wish, snapshot))

    def _unconfigured(self, order: Order) -> tuple[Outcome, float]:
        """Nothing may be touched: the log tells at once, and the node state when it stays like that."""
        snapshot = self.engine.snapshot()
        self.voice.book.say("order", order.why, level=logging.WARNING)
        if order.state is None:
            self.voice.sees(snapshot)
            return "waiting", SAFETY_NET_S
        now = time.monotonic()
        self._unconfigured_since = self._unconfigured_since or now
        left = self._unconfigured_since + self.patience_s - now
        if left > 0:
            return "waiting", left
        trouble = Trouble("NoConfig", order.why)
        return self._told(order, Standing(snapshot=snapshot, troubles=(trouble,), generation=_generation(order)))

    def _first_look(self, order: Order, on: Switches) -> tuple[Snapshot, Wish | None]:
        self.engine = attrs.evolve(self.engine, parallel=MAX_PARALLEL_NICS if on.parallel else 1)
        snapshot = self.engine.snapshot()
        wish = self.source.wish(order, snapshot)
        if wish is None:
            self.voice.book.say("order", order.why)
        else:
            self.voice.book.forget("order")
            self.voice.book.takes(wish)
        pins = {**self._pins, **(wish.pins if wish else {})}
        if pins != self.engine.pins:
            self.engine = attrs.evolve(self.engine, pins=pins)
            snapshot = self.engine.snapshot()
        return snapshot, wish

    def _case(self, order: Order, on: Switches, wish: Wish, snapshot: Snapshot) -> Case:
        spec = wish.spec.resetting_firmware() if on.reset_firmware else wish.spec
        if not on.bridges:  # those that were made while the feature was on stay as they are
            spec = attrs.evolve(spec, bridges=self.engine.journal.read().bridges)
        look = self.engine.look(spec, release=wish.release, snapshot=snapshot)
        troubles = tuple(map(of_problem, wish.problems))
        if self.boot and wish.says_something and self._may_begin(order):
            troubles = (*troubles, *self.boot.keep(spec))
        return Case(
            order=order, wish=wish, switches=on, spec=spec, look=look, plan=self._judged(look, spec), troubles=troubles
        )

    def _judged(self, look: Look, spec: NodeSpec) -> Plan:
        problems = decide.disputed(spec, look.snapshot)
        return decide.judged(look.plan, look.snapshot, problems, self.voice.assigned())

    def _work(self, case: Case) -> tuple[Outcome, float]:
        decision = self._decided(case)
        answer = seen_of(case.order.state).answer if case.order.state else None
        self.attempts.about((case.wish.version, decision.most, answer))
        self._failures = tuple(failure for failure in self._failures if _is_left(failure, case.plan))
        self.voice.book.plans(case.plan, drift=self._settled == case.wish.version)
        is_due = _is_due(case, decision)
        if (is_due or decision.reboot or self.boot) and not self._may_begin(case.order):
            return "waiting", self._introduced(case, decision)
        if self._broken and not is_due and not decision.reboot:
            self._broken = None
            decision = self._decided(case)
        if is_due and not self.attempts.rest_s:
            case = self._act(case, decision)
            decision = self._decided(case)
        if self.stopped():
            return "waiting", 0.0
        self._last = standing = self._settle(case, decision)
        # A NIC whose steps fail holds up nobody: it is tried again after the reboot.
        if decision.reboot and not (self._broken and self.attempts.rest_s):
            self._say(case.order, attrs.evolve(standing, why=f"rebooting: {reasons(case.plan)}"), Talk())
            self.voice.rebooting(reasons(case.plan))
            self._rebooting.start(self.engine, case.boot_id, reasons(case.plan))
            _log.warning("the machine was told to reboot; nothing more is done in this boot")
            return "waiting", 0.0
        outcome, wait_s = self._told(case.order, standing, decision.talk)
        return outcome, self.attempts.rest_s or wait_s

    def _decided(self, case: Case) -> Decision:
        memory = attrs.evolve(self.engine.journal.read(), boot_id=case.boot_id)
        if case.order.state is None:
            return decide.alone(case.plan, memory, self.most)
        seen = seen_of(case.order.state)
        written, failed = self.voice.publisher.written, bool(self._failures or self._broken)
        return decide.in_cluster(case.plan, memory, seen, case.switches.terms, written=written, failed=failed)

    def _may_begin(self, order: Order) -> bool:
        """Whether the cluster has taken a word of this process or was away for it: else it may be another node's."""
        return order.state is None or self.voice.publisher.may_begin(0.0)

    def _introduced(self, case: Case, decision: Decision) -> float:
        """Say the first word of this process, before its first work; answers when to look afresh."""
        doing = decide.part(case.plan, decision.most)
        said = Progress(doing, self.voice.meter, lambda _: None, self.voice.book).said()
        self._say(case.order, self._standing(case, decision, doing=said), _asking(decision.talk))
        return 0.0 if self.voice.publisher.may_begin(HELD_S) else HELD_S

    def _act(self, case: Case, decision: Decision) -> Case:
        """Do what may be done. What was prepared for is checked again before the first write of each plan."""
        most, block, seen = decision.most, case.switches.block_plugin, case.look.snapshot
        doing, asking = decide.part(case.plan, most), _asking(decision.talk)

        def tell(said: Mapping[Address, str]) -> None:
            with suppress(Exception):  # called from the midst of the work, which what is said of it must not stop
                self._say(case.order, self._standing(case, decision, doing=said), asking)

        progress = Progress(doing, self.voice.meter, tell, self.voice.book)
        if not self._failures and not self._broken:  # the report of an attempt that is repeated stays as it was
            tell(progress.said())
        prepared = self.offering.prepare(doing, seen, case.spec, block=block)
        self._broken = None
        problems, assigned = decide.disputed(case.spec, seen), self.voice.assigned()

        def only(plan: Plan) -> Plan:
            return decide.part(decide.judged(plan, seen, problems, assigned), most)

        def approve(plan: Plan) -> None:
            if not prepared and self.offering.is_touched(plan, seen, case.spec):
                raise StalePlan("VFs that the device plugin offers have to be changed now, and were not to be before")

        result = self.engine.converge(
            case.spec, release=case.wish.release, approve=approve, on_event=progress, only=only, stopped=self.stopped
        )
        self._failures = tuple(failure for failure in result.failures if not failure.stale)
        progress.end(result.failures)
        if doing.steps and self._settled == case.wish.version:
            self.voice.meter.healed(len(doing.steps))
        after = attrs.evolve(case, look=result.last, plan=self._judged(result.last, case.spec))
        if self._failures or decide.part(after.plan, most).steps:
            self.attempts.failed()
        return after

    def _settle(self, case: Case, decision: Decision) -> Standing:
        """How the node stands. When all is done that can be done now, the device plugin goes on with it."""
        standing = self._standing(case, decision)
        is_left = decide.part(case.plan, decision.most).steps and not decision.reboot
        if self._failures or self._broken or is_left:
            return standing
        self.attempts.succeeded()
        if standing.is_done:
            self._settled = case.wish.version
        if not case.wish.says_something:
            return standing
        troubles = self.offering.settle(case.spec, block=case.switches.block_plugin)
        return attrs.evolve(standing, troubles=(*standing.troubles, *troubles))

    def _standing(self, case: Case, decision: Decision, *, doing: Mapping[Address, str] | None = None) -> Standing:
        return Standing(
            snapshot=case.look.snapshot,
            spec=case.spec,
            memory=case.look.memory,
            plan=case.plan,
            failures=self._failures,
            troubles=(*case.troubles, self._broken) if self._broken else case.troubles,
            doing=doing or {},
            waiting=decision.waiting,
            why=decision.why,
            generation=_generation(case.order),
            boot=self.boot.standing(case.boot_id) if self.boot else None,
        )

    def _told(self, order: Order, standing: Standing, spoken: Talk | None = None) -> tuple[Outcome, float]:
        self._say(order, standing, spoken or Talk())
        if standing.all_troubles:
            return "failed", SAFETY_NET_S
        return "ok" if standing.is_done else "waiting", SAFETY_NET_S

    def _say(self, order: Order, standing: Standing, spoken: Talk) -> None:
        self.voice.say(standing, spoken, self.engine.host, order.state)


def _is_due(case: Case, decision: Decision) -> bool:
    """Whether there is something to do: steps, or what is set for a reboot and not noted yet."""
    unnoted = decision.most is Cost.REBOOT and bool(case.plan.reboots) and not decision.reboot
    return bool(decide.part(case.plan, decision.most).steps) or unnoted


def _is_left(failure: Failure, plan: Plan) -> bool:
    """Whether there is still work where a step failed; where there is none, the failure is over."""
    if failure.nic is NODE:
        return bool(plan.node or plan.after)
    return any(nic.nic == failure.nic and nic.steps for nic in plan.nics)


def _asking(spoken: Talk) -> Talk:
    """What is said before the work: a drain is given up only after it."""
    return attrs.evolve(spoken, request=None) if spoken.request is Request.IDLE else spoken


def _without_need(order: Order, on: Switches) -> Talk:
    """Where nobody knows what is wished, the node need not stay drained."""
    return talk(seen_of(order.state), Need.NONE, on.terms) if order.state else Talk()


def _generation(order: Order) -> int:
    return order.state.metadata.generation if order.state else 0
