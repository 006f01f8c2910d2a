"""Runs commands as cold processes and says what each took; a script, started without site-packages.

The kernel counts towards a process's peak of memory what its parent had when it started it, so the parent that
measures must be smaller than anything it measures. JSON in on stdin, JSON out on stdout.
"""

import json
import os
import sys
import time


def cold(argv: list[str], environment: dict[str, str]) -> tuple[float, float]:
    """Seconds from start to end and peak resident memory in MB (2**20 bytes) of one run."""
    quiet = [(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0), (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    began = time.perf_counter()
    pid = os.posix_spawn(argv[0], argv, environment, file_actions=quiet)
    _, status, usage = os.wait4(pid, 0)
    wall_s = time.perf_counter() - began
    code = os.waitstatus_to_exitcode(status)
    if code not in (0, 2):  # 2 says that there is something to tell, and is no failure
        sys.exit(f"{' '.join(argv)} ended with {code}")
    return wall_s, usage.ru_maxrss / 1024


def main() -> None:
    """Run each command in turns, so that a busy moment of the machine meets all of them.

    A first round, which is not counted, compiles what Python compiles and fills the page cache.
    """
    asked = json.load(sys.stdin)
    runs: dict[str, list[tuple[float, float]]] = {name: [] for name in asked["commands"]}
    for round_number in range(asked["repeats"] + 1):
        for name, argv in asked["commands"].items():
            run = cold(argv, asked["environment"])
            if round_number:
                runs[name].append(run)
    json.dump(runs, sys.stdout)


if __name__ == "__main__":
    main()
