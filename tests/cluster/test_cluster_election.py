"""Elections by a Lease at a real API server: one leads, whatever happens to it, to the server, or to a clock."""

import datetime as dt
import itertools
import threading
import time

import pytest
from kube_clients import PATIENCE_S, Gate, admin, client_at, in_thread, until

from sriov_core.kube.election import Election, Timing
from sriov_core.kube.failures import NotFound
from sriov_core.kube.lease import micro_time
from sriov_core.kube.resource import LEASES

TIMING = Timing(lease_s=15, renew_s=10, retry_s=0.05)
DAY = dt.timedelta(days=1)


class Clock:
    """Monotonic seconds that pass only when the test says so: a slow machine makes nobody lose."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def client(server):
    return admin(server)


@pytest.fixture
def candidate(client, namespace, clock):
    def make(identity, client=client, clock=clock, timing=TIMING):
        return Election(client, namespace=namespace, name="l", identity=identity, timing=timing, clock=clock)

    return make


@pytest.fixture
def stop():
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def spec(client, namespace):
    """What the Lease says now."""
    return lambda: client.get(LEASES, "l", namespace)["spec"]


class Held:
    """A leader that renews in a thread of its own; ``kept`` is what `hold` answered at its end."""

    def __init__(self, election):
        self.stop, self.kept = threading.Event(), None
        self._thread = threading.Thread(target=self._hold, args=(election,), daemon=True)
        self._thread.start()

    def _hold(self, election):
        self.kept = election.hold(self.stop)

    def end(self):
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()
        return self.kept


@pytest.fixture
def leads(candidate, stop):
    """A leader that renews until the test ends, or says otherwise."""
    all_of_them = []

    def make(identity, **options):
        election = candidate(identity, **options)
        assert election.acquire(stop)
        all_of_them.append(Held(election))
        return all_of_them[-1]

    yield make
    for held in all_of_them:
        held.stop.set()
        held.end()


class Waiting:
    """A candidate that stands for election in a thread of its own; it observes its own client, to count its looks."""

    def __init__(self, stand):
        self.stop, self.won, self._looks = threading.Event(), None, 0
        self._thread = threading.Thread(target=self._acquire, args=(stand(self),), daemon=True)
        self._thread.start()

    def _acquire(self, election):
        self.won = election.acquire(self.stop)

    def requested(self, verb, resource, status, seconds):
        self._looks += 1

    def looks_twice(self):
        """Wait until it has seen what there is now."""
        before = self._looks
        until(lambda: self._looks >= before + 2)

    def end(self):
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()
        return self.won


@pytest.fixture
def waits(server, candidate):
    all_of_them = []

    def make(identity, **options):
        all_of_them.append(Waiting(lambda it: candidate(identity, client=admin(server, observer=it), **options)))
        return all_of_them[-1]

    yield make
    for waiting in all_of_them:
        waiting.stop.set()
        waiting.end()


def test_of_many_that_try_at_once_one_wins(candidate, stop, spec):
    elections = [candidate(f"c{number}") for number in range(6)]
    won = []

    def stand(election, number):
        if election.acquire(stop):
            won.append(number)
            stop.set()

    threads = [
        threading.Thread(target=stand, args=(election, number), daemon=True)
        for number, election in enumerate(elections)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert len(won) == 1
    assert spec()["holderIdentity"] == f"c{won[0]}"


def test_the_lease_says_who_and_since_when(leads, spec):
    leads("a")
    first = spec()
    assert (first["holderIdentity"], first["leaseDurationSeconds"], first["leaseTransitions"]) == ("a", 15, 0)
    renewed = until(lambda: (now := spec())["renewTime"] > first["renewTime"] and now)
    assert renewed["acquireTime"] == first["acquireTime"]


def test_who_ends_gives_it_back_and_the_next_takes_it_at_once(leads, waits, spec):
    leader = leads("a")
    waiting = waits("b")
    leader.stop.set()
    assert leader.end() is True
    assert waiting.end() is True
    assert (spec()["holderIdentity"], spec()["leaseTransitions"]) == ("b", 1)


def test_a_lease_that_was_given_back_names_nobody(leads, spec):
    leader = leads("a")
    leader.stop.set()
    leader.end()
    assert "holderIdentity" not in spec()
    assert spec()["leaseDurationSeconds"] == 1


def test_who_falls_silent_is_followed_after_the_lease(candidate, waits, clock, spec):
    assert candidate("killed").acquire(threading.Event())
    waiting = waits("b")
    waiting.looks_twice()
    clock.now += TIMING.lease_s - 1
    waiting.looks_twice()
    assert spec()["holderIdentity"] == "killed"
    clock.now += 2
    assert waiting.end() is True
    assert (spec()["holderIdentity"], spec()["leaseTransitions"]) == ("b", 1)


def test_who_renews_is_not_followed_however_late_it_is(leads, waits, clock, spec):
    own = Clock()
    leads("a", clock=own)
    waiting = waits("b")
    for _ in range(5):
        renewed = spec()["renewTime"]
        until(lambda renewed=renewed: spec()["renewTime"] != renewed)
        waiting.looks_twice()
        clock.now += TIMING.lease_s - 1
    assert spec()["holderIdentity"] == "a"


@pytest.mark.parametrize(
    "skew",
    [pytest.param(DAY, id="a-day-ahead"), pytest.param(-DAY, id="a-day-behind"), pytest.param(-400 * DAY, id="a-year")],
)
def test_a_wrong_clock_neither_keeps_nor_loses_a_lease(client, namespace, waits, clock, skew):
    moment = micro_time(dt.datetime.now(dt.UTC) + skew)
    held = {"holderIdentity": "skewed", "leaseDurationSeconds": 15, "acquireTime": moment, "renewTime": moment}
    document = {"apiVersion": LEASES.api_version, "kind": LEASES.kind, "metadata": {"name": "l"}, "spec": held}
    client.create(LEASES, document, namespace)
    waiting = waits("b")
    waiting.looks_twice()
    assert waiting.won is None
    clock.now += TIMING.lease_s
    assert waiting.end() is True


def test_who_cannot_renew_in_time_has_lost(server, leads, clock, namespace):
    gate = Gate(server.url)
    own = client_at(server.kubeconfig("cut-off", ["system:masters"], url=gate.url))
    leader = leads("a", client=own)
    gate.shut()
    clock.now += TIMING.renew_s - 1
    assert leader.kept is None
    clock.now += 2
    assert leader.end() is False


def test_a_leader_whose_server_hangs_ends_before_another_leads(server, client, namespace, stop):
    """By the real clock: the hanging way takes connections and answers nothing; the other one is well."""
    timing = Timing(lease_s=8, renew_s=2, retry_s=0.2)  # between the two, a thread that noted its end may stand still
    gate = Gate(server.url)
    own = client_at(server.kubeconfig("hanging", ["system:masters"], url=gate.url))
    leader, follower = (
        Election(way, namespace=namespace, name="l", identity=name, timing=timing)
        for way, name in ((own, "leader"), (client, "follower"))
    )
    assert leader.acquire(stop)
    ended, taken = [], []
    with (
        in_thread(lambda: (leader.hold(stop), ended.append(time.monotonic()))),
        in_thread(lambda: (follower.acquire(stop), taken.append(time.monotonic()))),
    ):
        gate.freeze()
    gate.shut()
    assert not leader.is_overdue
    assert ended[0] < taken[0]


def test_who_is_cut_off_for_a_moment_goes_on(server, leads, clock, spec):
    gate = Gate(server.url)
    own = client_at(server.kubeconfig("cut-off", ["system:masters"], url=gate.url))
    leader = leads("a", client=own)
    for _ in range(3):
        gate.shut()
        clock.now += TIMING.renew_s - 1
        gate.open()
        # The first one may have been begun before, and of the last one the answer may still be cut off.
        for _ in range(3):
            renewed = spec()["renewTime"]
            until(lambda renewed=renewed: spec()["renewTime"] != renewed)
    assert leader.kept is None
    gate.shut()


def test_a_lease_that_another_took_is_lost(leads, client, namespace):
    leader = leads("a")
    client.merge_patch(LEASES, "l", {"spec": {"holderIdentity": "thief"}}, namespace)
    assert leader.end() is False


def test_a_lease_that_was_deleted_is_lost(leads, client, namespace):
    leader = leads("a")
    client.delete(LEASES, "l", namespace)
    assert leader.end() is False
    with pytest.raises(NotFound):
        client.get(LEASES, "l", namespace)


def test_a_storm_of_conflicts_takes_no_lease_away(leads, client, namespace, spec):
    leader = leads("a")
    for number in range(200):
        client.merge_patch(LEASES, "l", {"metadata": {"annotations": {"storm": str(number)}}}, namespace)
    renewed = spec()["renewTime"]
    until(lambda: spec()["renewTime"] != renewed)
    assert leader.kept is None
    assert client.get(LEASES, "l", namespace)["metadata"]["annotations"] == {"storm": "199"}


def test_nobody_waits_longer_than_until_the_stop(leads, waits):
    leads("a")
    waiting = waits("b")
    waiting.stop.set()
    assert waiting.end() is False


def test_whoever_never_won_holds_nothing(candidate, stop):
    assert candidate("a").hold(stop) is False


def test_through_a_kill_of_the_server_there_are_never_two(server, client, namespace, spec):
    """By the real clock: each notes when it began and ended to lead, and no two of these overlap."""
    timing = Timing(lease_s=8, renew_s=2, retry_s=0.2)
    end, stopped, terms, lock = threading.Event(), [], [], threading.Lock()

    def run(identity):
        election = Election(admin(server), namespace=namespace, name="l", identity=identity, timing=timing)
        while election.acquire(end):
            began = time.monotonic()
            # Who gives it back may be followed before `hold` has returned; it has led until it was stopped.
            ended = stopped[0] if election.hold(end) else time.monotonic()
            with lock:
                terms.append((began, ended, identity))

    with in_thread(lambda: run("a")), in_thread(lambda: run("b")):
        until(lambda: holder(client, namespace))
        server.kill()
        until(lambda: terms)
        server.restart()
        renewed = spec()["renewTime"]
        until(lambda: spec()["renewTime"] != renewed)
        stopped.append(time.monotonic())
        end.set()
    assert len(terms) > 1
    ordered = sorted(terms)
    assert all(earlier[1] <= later[0] for earlier, later in itertools.pairwise(ordered))


def holder(client, namespace):
    try:
        return client.get(LEASES, "l", namespace)["spec"].get("holderIdentity")
    except NotFound:
        return None
