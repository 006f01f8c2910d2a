"""What commands take as cold processes: the medians of several runs."""

import json
import statistics
import subprocess  # noqa: TID251  # cold processes are what is measured
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import attrs

_STOPWATCH = Path(__file__).parent / "stopwatch.py"
_DEADLINE_S = 300


@attrs.frozen(kw_only=True)
class Run:
    """Seconds from start to end, their least, and the peak of resident memory in MB (2**20 bytes)."""

    wall_s: float
    best_s: float
    peak_mb: float


def side_by_side(commands: Mapping[str, Sequence[str]], environment: Mapping[str, str], repeats: int) -> dict[str, Run]:
    """The medians for each command, all run in turns; `bench.stopwatch` says how."""
    asked = json.dumps({"commands": commands, "environment": environment, "repeats": repeats})
    argv = [sys.executable, "-I", "-S", str(_STOPWATCH)]
    done = subprocess.run(argv, input=asked, stdout=subprocess.PIPE, text=True, timeout=_DEADLINE_S, check=False)
    if done.returncode:
        raise SystemExit("a command that was to be measured failed")
    return {name: _median(runs) for name, runs in json.loads(done.stdout).items()}


def _median(runs: Sequence[tuple[float, float]]) -> Run:
    walls, peaks = zip(*runs, strict=True)
    return Run(wall_s=statistics.median(walls), best_s=min(walls), peak_mb=statistics.median(peaks))
