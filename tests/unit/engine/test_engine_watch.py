"""Drift is healed when the bell rings, what cannot be healed is told, and the end is prompt."""

import errno
import threading
import time

import attrs
import pytest
from engine_machines import PF, WISHED, Doing, agreed, converge, engine, failing, idle, spec, state, world

from sriov_core.engine.journal import Journal
from sriov_core.engine.watch import Watch
from sriov_core.errors import HostError, JournalError, SriovError


class Bell:
    """Acts happen one at each wait; after the last, the watch is told to stop. Each act is a change."""

    def __init__(self, *acts) -> None:
        self.stop = threading.Event()
        self.waits: list[float] = []
        self._acts = list(acts)

    def wait(self, timeout_s: float) -> bool:
        self.waits.append(timeout_s)
        if not self._acts:
            self.stop.set()
            return False
        act = self._acts.pop(0)
        return act() is not False


class Told:
    """What the watch says."""

    def __init__(self) -> None:
        self.healed = []
        self.errors = []

    def watch(self, host, bell, **facts) -> Watch:
        given = {
            "engine": engine(host),
            "spec": spec(),
            "changes": bell,
            "stop": bell.stop,
            "approve": agreed,
            "on_event": idle,
            "on_healed": self.healed.append,
            "on_error": self.errors.append,
            "back_off_s": 0.0,
        }
        return Watch(**{**given, **facts})


def nothing() -> None:
    """A change that is no drift."""


def quiet() -> bool:
    """No change in the time waited for."""
    return False


@pytest.fixture
def host():
    made = world()
    assert converge(made, spec()).converged
    return made


DRIFTS = {
    "vfs-gone": lambda host: host.zero_behind_our_back(PF),
    "link-down": lambda host: host.set_link(PF, up=False),
    "mtu-lowered": lambda host: host.set_mtu(PF, 1500),
    "vf-unbound": lambda host: host.unbind(host.vf_addresses(PF)[0]),
    "vf-under-another-driver": lambda host: host.bind_default(host.vf_addresses(PF)[0]),
}


@pytest.mark.parametrize("drift", DRIFTS.values(), ids=DRIFTS)
def test_drift_is_healed(host, drift):
    told = Told()
    bell = Bell(lambda: drift(host), nothing)
    told.watch(host, bell).run()
    assert state(host) == WISHED
    assert [(healed.result.converged, healed.seconds < 1) for healed in told.healed] == [(True, True)]
    assert told.errors == []


def test_what_happened_before_the_bell_was_hung_is_healed_at_once(host):
    told, bell = Told(), Bell()
    host.zero_behind_our_back(PF)
    told.watch(host, bell).run()
    assert (state(host), len(told.healed)) == (WISHED, 1)


def test_an_error_is_told_and_does_not_end_it(host):
    told, refusals = Told(), [HostError("not now")]

    def node():
        if refusals and len(told.healed) == 0 and not host.vf_addresses(PF):
            raise refusals.pop()
        return host.node()

    bell = Bell(lambda: host.zero_behind_our_back(PF), nothing)
    told.watch(Doing(host, node=node), bell).run()
    assert [str(error) for error in told.errors] == ["not now"]
    assert (state(host), len(told.healed)) == (WISHED, 1)


def test_a_plan_that_is_refused_is_told_each_time_and_nothing_is_done(host):
    def refuse(plan):
        raise SriovError("too dear")

    told = Told()
    bell = Bell(lambda: host.zero_behind_our_back(PF), nothing)
    told.watch(host, bell, approve=refuse).run()
    assert [str(error) for error in told.errors] == ["too dear"] * 2
    assert state(host)["vfs"] == []


def test_a_journal_that_is_taken_is_told(host, tmp_path):
    told, journal = Told(), Journal(path=str(tmp_path / "journal.json"))
    with journal.exclusive():
        told.watch(host, Bell(), engine=engine(host, journal)).run()
    assert [type(error) for error in told.errors] == [JournalError]


def test_a_step_that_fails_is_told_with_the_result(host):
    told = Told()
    bell = Bell(lambda: host.zero_behind_our_back(PF))
    told.watch(failing(host, lambda verb: verb.name == "set_num_vfs", errno.EIO), bell).run()
    assert [len(healed.result.failures) for healed in told.healed] == [1]


class Pauses(threading.Event):
    """A stop flag that notes how long it is waited for, and does not wait."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[float] = []

    def wait(self, timeout=None):
        self.asked.append(timeout)
        return self.is_set()


BROKEN = {
    "a-refusal": lambda host: failing(host, lambda verb: verb.name == "set_num_vfs", errno.EIO),
    "a-verb-without-effect": lambda host: Doing(host, set_mtu=idle),
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_our_own_attempts_that_ring_the_bell_do_not_keep_it_busy(host, broken):
    def drift() -> None:
        host.zero_behind_our_back(PF)
        host.set_mtu(PF, 1500)

    told, bell = Told(), Bell(drift, nothing, nothing)
    bell.stop = Pauses()
    told.watch(broken(host), bell, back_off_s=5.0).run()
    assert bell.stop.asked == [5.0] * 3


def test_after_a_time_without_changes_it_looks_all_the_same(host):
    told, looks = Told(), []

    def node():
        looks.append(1)
        return host.node()

    class Silence(Bell):
        def wait(self, timeout_s: float) -> bool:
            if len(looks) > 2:
                self.stop.set()
            time.sleep(min(timeout_s, 0.02))
            return False

    bell = Silence()
    told.watch(Doing(host, node=node), bell, safety_net_s=0.05).run()
    assert len(looks) == 3


def test_stop_is_seen_within_a_second_however_rare_the_looks_are(host):
    bell = Bell(quiet, quiet)
    Told().watch(host, bell, safety_net_s=3600.0).run()
    assert len(bell.waits) == 3
    assert max(bell.waits) <= 1


def test_a_watch_that_is_stopped_before_it_began_touches_nothing(host):
    bell, told = Bell(), Told()
    host.zero_behind_our_back(PF)
    bell.stop.set()
    told.watch(host, bell).run()
    assert (state(host)["vfs"], told.healed, bell.waits) == ([], [], [])


def test_stop_ends_a_pause_after_an_error(host):
    told, bell = Told(), Bell()

    def failing_node():
        threading.Timer(0.05, bell.stop.set).start()
        raise HostError("not now")

    began = time.monotonic()
    told.watch(Doing(host, node=failing_node), bell, back_off_s=60.0).run()
    assert time.monotonic() - began < 30
    assert len(told.errors) == 1


def test_what_nobody_wishes_for_is_given_back_when_asked_to(host):
    told, journal = Told(), Journal(path=None)
    working = engine(host, journal)
    assert converge(working, spec()).converged
    nothing_wished = attrs.evolve(spec(), nics=())
    told.watch(host, Bell(), engine=working, spec=nothing_wished, release=True).run()
    assert (len(state(host)["vfs"]), journal.read().nics) == (4, {}), "it had four VFs when it was first seen"
