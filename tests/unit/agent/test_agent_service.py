"""The agent as an object with threads: rings, stops, ends when a thread dies, and works from a file alone."""

import logging
import threading
import time

import pytest
from agent_machines import CATALOGUE, DRIVERS, OTHER, PF, drivers_of, used, world

from sriov_core.agent.assembly import Setting, file_agent
from sriov_core.agent.attempts import Attempts
from sriov_core.agent.service import Agent
from sriov_core.engine.converge import Engine
from sriov_core.engine.journal import Journal
from sriov_core.errors import HostError
from sriov_core.model.plan import Cost
from sriov_core.testing.faults import Crash

PATIENCE_S = 30.0
STATE = """
apiVersion: sriovnetwork.openshift.io/v1
kind: SriovNetworkNodeState
metadata: {name: worker}
spec: {interfaces: [{pciAddress: "%s", numVfs: %d}]}
"""


def until(what) -> None:
    end = time.monotonic() + PATIENCE_S
    while not what():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.fixture
def wish(tmp_path):
    path = tmp_path / "wish.yaml"
    path.write_text(STATE % (PF, 2))
    return path


def agent_of(host, path, **facts):
    engine = Engine(host=host, catalogue=CATALOGUE, drivers=DRIVERS, journal=Journal(path=None))
    impatient = Attempts(first_s=0.01, longest_s=0.05)
    setting = Setting(engine=engine, attempts=lambda: impatient, **facts)
    return file_agent(str(path), setting, look_each_s=0.01)


@pytest.fixture
def run(wish):
    agents = []

    def begin(host, **facts) -> Agent:
        agent = agent_of(host, wish, **facts)
        agents.append(agent)
        agent.start()
        return agent

    yield begin
    for agent in agents:
        agent.stop()
        assert agent.join(PATIENCE_S)


def test_the_wish_in_a_file_is_done_and_followed(run, wish):
    host = world()
    agent = run(host)
    until(lambda: drivers_of(host) == ["igbvf"] * 2)
    wish.write_text(STATE % (PF, 5))
    until(lambda: drivers_of(host) == ["igbvf"] * 5)
    assert agent.broken is None


def test_a_mistyped_address_in_the_file_gives_no_good_nic_back_and_others_are_served(run, wish, caplog):
    host = world()
    run(host)
    until(lambda: drivers_of(host) == ["igbvf"] * 2)
    wish.write_text((STATE % ("0000:99:00.0", 2)).replace("]", f', {{pciAddress: "{OTHER}", numVfs: 3}}]'))
    until(lambda: len(drivers_of(host, OTHER)) == 3)
    until(lambda: "nothing is given back while the wish names what is not here: 0000:99:00.0" in caplog.text)
    assert len(drivers_of(host)) == 2
    wish.write_text(STATE % (OTHER, 3))
    until(lambda: drivers_of(host) == [])


def test_a_file_with_mistakes_or_none_changes_nothing_and_is_told(run, wish, caplog):
    host = world()
    run(host)
    until(lambda: len(drivers_of(host)) == 2)
    wish.write_text("spec: [")
    until(lambda: "Failed" in caplog.text)
    wish.unlink()
    until(lambda: "there is no file" in caplog.text)
    wish.write_bytes(b"\xff\xfe")
    until(lambda: "is no text" in caplog.text)
    assert len(drivers_of(host)) == 2
    wish.write_text(STATE % (PF, 3))
    until(lambda: len(drivers_of(host)) == 3)


def test_what_costs_more_than_the_owner_allows_is_left_and_told(run, wish, caplog):
    caplog.set_level(logging.INFO)
    host = world()
    run(host)
    until(lambda: len(drivers_of(host)) == 2)
    used(host)
    wish.write_text(STATE % (PF, 4))
    until(lambda: "waits for somebody to allow it (--max-cost drain)" in caplog.text)
    assert len(drivers_of(host)) == 2


def test_with_the_owners_leave_it_is_done(run, wish):
    host = world()
    run(host, most=Cost.DRAIN)
    until(lambda: len(drivers_of(host)) == 2)
    used(host)
    wish.write_text(STATE % (PF, 4))
    until(lambda: len(drivers_of(host)) == 4)


class Bell:
    """The kernel's notifications, rung by the test; it may be broken, too."""

    def __init__(self) -> None:
        self.rung = threading.Event()
        self.error: Exception | None = None

    def wait(self, timeout_s: float) -> bool:
        if self.error:
            error, self.error = self.error, None
            raise error
        if not self.rung.wait(timeout_s):
            return False
        self.rung.clear()
        return True


def test_a_change_in_the_kernel_is_noticed_at_once(run):
    host, bell = world(), Bell()
    run(host, changes=bell)
    until(lambda: len(drivers_of(host)) == 2)
    host.zero_behind_our_back(PF)
    bell.error = HostError("no buffer space")
    bell.rung.set()
    until(lambda: len(drivers_of(host)) == 2)


def test_when_a_thread_dies_the_agent_ends_and_says_why(run):
    host = world()
    host.crash(bool)
    agent = run(host)
    assert agent.stopping.wait(PATIENCE_S)
    assert agent.join(PATIENCE_S)
    assert isinstance(agent.broken, Crash)


def test_a_bug_in_one_pass_is_told_and_the_next_pass_goes_on(wish, caplog):
    class Buggy:
        def __init__(self, host) -> None:
            self.host, self.left = host, 2

        def __getattr__(self, name):
            if name == "node" and self.left:
                self.left -= 1
                raise ZeroDivisionError("a bug")
            return getattr(self.host, name)

    host = world()
    agent = agent_of(Buggy(host), wish)
    agent.start()
    try:
        until(lambda: len(drivers_of(host)) == 2)
    finally:
        agent.stop()
        assert agent.join(PATIENCE_S)
    assert agent.broken is None
    assert "internal error: ZeroDivisionError: a bug. Report it" in caplog.text
    assert "Traceback" not in caplog.text


def test_many_agents_live_in_one_process(wish):
    before = threading.enumerate()
    hosts = [world() for _ in range(60)]
    agents = [agent_of(host, wish) for host in hosts]
    for agent in agents:
        agent.start()
    try:
        until(lambda: all(len(drivers_of(host)) == 2 for host in hosts))
    finally:
        for agent in agents:
            agent.stop()
    assert all(agent.join(PATIENCE_S) for agent in agents)
    left = [thread for thread in threading.enumerate() if thread not in before]
    assert not [thread for thread in left if thread.name.startswith(("agent", "wish-file"))]


def test_what_fails_is_tried_again_ever_later_and_at_once_when_something_else_is_wished():
    now = [0.0]
    attempts = Attempts(clock=lambda: now[0])
    attempts.about("a")
    assert [attempts.failed() for _ in range(6)] == [5.0, 10.0, 20.0, 40.0, 60.0, 60.0]
    assert attempts.rest_s == 60.0
    now[0] = 59.0
    assert attempts.rest_s == 1.0
    attempts.about("a")
    assert attempts.rest_s == 1.0
    attempts.about("b")
    assert (attempts.rest_s, attempts.failed()) == (0.0, 5.0)
    attempts.succeeded()
    assert attempts.rest_s == 0.0
