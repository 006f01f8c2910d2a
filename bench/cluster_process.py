"""A process that is measured while it runs: its CPU time, its memory, and what it tells."""

import os
import re
import signal
import subprocess  # noqa: TID251  # the processes that are measured
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import attrs

T = TypeVar("T")

_ENDS_WITHIN_S = 40.0
_TICKS_S = os.sysconf("SC_CLK_TCK")


@attrs.frozen(kw_only=True)
class Size:
    """Memory in MB (2**20 bytes): resident, its share of what others have too, and the most that was ever resident."""

    rss_mb: float
    pss_mb: float
    peak_mb: float


@attrs.define
class Daemon:
    """A process of ours, killed at the latest when this one ends."""

    name: str
    log: Path
    _process: "subprocess.Popen[bytes]"

    @property
    def pid(self) -> int:
        """The process. SystemExit when it has ended: what should be measured is not there."""
        if self._process.poll() is not None:
            raise SystemExit(f"{self.name} ended with {self._process.returncode}:\n{self._end_of_log()}")
        return self._process.pid

    def cpu_s(self) -> float:
        """CPU seconds so far, of all its threads; counted in steps of 10 ms."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS_S

    def size(self) -> Size:
        """Its memory now."""
        now = _amounts(Path(f"/proc/{self.pid}/status").read_text())
        share = _amounts(Path(f"/proc/{self.pid}/smaps_rollup").read_text())
        return Size(rss_mb=now["VmRSS"], pss_mb=share["Pss"], peak_mb=now["VmHWM"])

    def told(self, pattern: str, seconds: float) -> "re.Match[str]":
        """Wait for a line of its log."""
        return self.until(lambda: re.search(pattern, self.log.read_text(errors="replace")), seconds)

    def until(self, what: Callable[[], T | None], seconds: float) -> T:
        """What it gives, once that is something. SystemExit with the end of the log when it does not come."""
        end = time.monotonic() + seconds
        while not (found := what()):
            if time.monotonic() > end:
                raise SystemExit(f"{self.name} is not that far after {seconds} s:\n{self._end_of_log()}")
            if self.pid:
                time.sleep(0.05)
        return found

    def send(self, how: signal.Signals) -> None:
        """Send it a signal."""
        os.kill(self.pid, how)

    def _end_of_log(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-20:])


@contextmanager
def running(name: str, argv: Sequence[str], environment: Mapping[str, str], log: Path) -> Iterator[Daemon]:
    """A process for as long as the block lasts, with that environment and PATH and nothing else of this one's."""
    with log.open("wb") as told:
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "--", *argv],
            env={"PATH": os.environ.get("PATH", os.defpath), **environment},
            stdin=subprocess.DEVNULL,
            stdout=told,
            stderr=told,
            start_new_session=True,
        )
    try:
        yield Daemon(name, log, process)
    finally:
        process.terminate()
        try:
            process.wait(_ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            print(f"{name} did not end within {_ENDS_WITHIN_S} s and is killed", file=sys.stderr)
            process.kill()
            process.wait(_ENDS_WITHIN_S)


def _amounts(text: str) -> dict[str, float]:
    """The lines ``Name:  12 kB`` in MB."""
    return {name: int(number) / 1024 for name, number in re.findall(r"^(\w+):\s+(\d+) kB$", text, re.MULTILINE)}
