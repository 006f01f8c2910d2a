"""Guards for the whole suite: tests of values touch no machine, and where CI counts on every test, none is skipped."""

import os
import shutil
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from weakref import WeakSet

import pytest
from hypothesis import settings

TESTS = Path(__file__).parent
GUARDED = (TESTS / "unit", TESTS / "drivers")
"""What works on values only. The other folders lay out trees, start processes or open sockets of their own."""

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CHANGES = {
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.mkdir",
    "os.symlink",
    "os.link",
    "os.chmod",
    "os.chown",
    "os.truncate",
}
_NETWORK = {"socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo"}
_WATCHED = frozenset({"open", "os.listdir", "os.scandir"} | _CHANGES | _NETWORK)

settings.register_profile("dev", deadline=None)
settings.register_profile("ci", deadline=None, database=None, derandomize=True, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") == "true" else "dev"))


class TouchedTheMachine(BaseException):
    """A test of values went to the machine it runs on. No ``except Exception`` may hide it."""


class Guard:
    """Watches what this process opens and changes while it is on; below the folders ``writable`` all is fine."""

    def __init__(self, writable: tuple[str, ...]) -> None:
        self.on = False
        self.others: WeakSet[threading.Thread] = WeakSet()
        """Threads that another test has left behind: what they do is none of this one's."""
        self._writable = tuple(os.path.join(os.path.realpath(folder), "") for folder in writable)

    def watch(self, event: str, arguments: tuple[object, ...]) -> None:
        # Most events are none of these; and what asks for the thread raises none of these itself.
        if not self.on or event not in _WATCHED or threading.current_thread() in self.others:
            return
        if event in _NETWORK:
            raise TouchedTheMachine(f"{event}{arguments!r}: a test of values needs no network")
        writes = event in _CHANGES or (event == "open" and bool(int(arguments[2] or 0) & _WRITING))  # type: ignore[call-overload]
        both, link = event in ("os.rename", "os.link"), event == "os.symlink"  # where a link points is no access
        paths = arguments[:2] if both else arguments[1:2] if link else arguments[:1]
        for path in paths:
            self._judge(event, path, writes=writes)

    def _judge(self, event: str, path: object, *, writes: bool) -> None:
        if not isinstance(path, str | bytes | os.PathLike):
            return  # an open file descriptor, judged when it was opened
        name = os.path.abspath(os.fsdecode(path))
        if name == "/sys" or name.startswith("/sys/"):
            raise TouchedTheMachine(f"{event} {name}: this is the /sys of the machine that the test runs on")
        allowed = name == os.devnull or "__pycache__" in name or os.path.join(name, "").startswith(self._writable)
        if writes and not allowed:
            raise TouchedTheMachine(f"{event} {name}: a test writes below tmp_path only")


@pytest.fixture(scope="session")
def guard(tmp_path_factory: pytest.TempPathFactory) -> Guard:
    """The one guard of this process: an audit hook stays for ever, so it is put in once and asked each time."""
    hypothesis_writes = os.environ.get("HYPOTHESIS_STORAGE_DIRECTORY", ".hypothesis")
    guard = Guard((str(tmp_path_factory.getbasetemp()), hypothesis_writes))
    sys.addaudithook(guard.watch)
    return guard


@pytest.fixture(autouse=True)
def tests_of_values_touch_no_machine(request: pytest.FixtureRequest, guard: Guard) -> Iterator[None]:
    """Switch the guard on for the folders that work on values."""
    guard.others = WeakSet(_left_behind())
    guard.on = any(request.path.is_relative_to(folder) for folder in GUARDED)
    yield
    guard.on = False


def _left_behind() -> Iterator[threading.Thread]:
    """The threads beside this one.

    A thread that `threading` did not start gets a dummy there, which stays behind it and stands for whichever such
    thread has its ident next.
    """
    for one in threading.enumerate():
        if one is not threading.current_thread() and not isinstance(one, threading._DummyThread):
            yield one


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what needs a program that this machine has not."""
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))
    for name, package in (mark.args for mark in item.iter_markers("program")):
        if shutil.which(name, path=path) is None:
            pytest.skip(f"{name} is missing (Debian: {package})")


class NothingIsSkipped:
    """Collects what was skipped; where CI counts on every test, a skipped one fails the run with its reason."""

    def __init__(self) -> None:
        self.skipped: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped and not hasattr(report, "wasxfail"):
            self.skipped.append(f"{report.nodeid}: {_reason(report)}")

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.skipped:
            self.skipped.append(f"{report.nodeid}: {_reason(report)}")

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.skipped and session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.skipped:
            terminalreporter.section("skipped, and with CI=true nothing may be", red=True)
            terminalreporter.write("".join(f"{line}\n" for line in self.skipped))


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    found = report.longrepr
    return str(found[2]) if isinstance(found, tuple) else str(found)


def pytest_configure(config: pytest.Config) -> None:
    # Processes of pytest-xdist report to the one that started them, which judges.
    if os.environ.get("CI") == "true" and not hasattr(config, "workerinput"):
        config.pluginmanager.register(NothingIsSkipped())
