"""Run the engine once on this machine, in one process, as the agent does; used to kill it at will and to time it.

Usage: converge.py WISH.json [--die-after N] [--journal PATH]. WISH.json is a list of NicSpec fields. With
``--die-after N`` the process gets SIGKILL when N steps are done. Prints one JSON object.
"""

import argparse
import json
import os
import signal
import threading
import time

import msgspec

from sriov_core.engine.converge import Engine
from sriov_core.engine.execute import Event, Moment
from sriov_core.engine.journal import DEFAULT_PATH, Journal
from sriov_core.host.linux import LinuxHost
from sriov_core.model.address import Address
from sriov_core.model.desired import NicSpec, NodeSpec
from sriov_core.plugin import loading, registry


def wish(path: str) -> NodeSpec:
    with open(path, encoding="utf-8") as file:
        entries = json.load(file)
    decode = {Address: Address.parse}
    nics = msgspec.convert(entries, tuple[NicSpec, ...], dec_hook=lambda kind, value: decode[kind](value))
    return NodeSpec(nics=nics)


class Death:
    """Counts done steps and ends the process without a word at the given one."""

    def __init__(self, after: int | None) -> None:
        self.after = after
        self.done = 0
        self.lock = threading.Lock()

    def __call__(self, event: Event) -> None:
        if event.moment is not Moment.DONE:
            return
        with self.lock:
            self.done += 1
            if self.done == self.after:
                os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("wish")
    parser.add_argument("--die-after", type=int)
    parser.add_argument("--journal", default=DEFAULT_PATH)
    options = parser.parse_args()
    catalogue = loading.load()
    engine = Engine(
        host=LinuxHost(),
        catalogue=catalogue,
        drivers=registry.drivers(catalogue),
        journal=Journal(options.journal),
    )
    death = Death(options.die_after)
    began = time.monotonic()
    result = engine.converge(wish(options.wish), release=True, approve=lambda _: None, on_event=death)
    report = {
        "converged": result.converged,
        "steps": death.done,
        "planned": [planned.step.describe() for planned in result.first.steps],
        "failures": [failure.error for failure in result.failures],
        "problems": [str(problem) for problem in result.last.plan.all_problems],
        "seconds": time.monotonic() - began,
    }
    print(json.dumps(report), flush=True)


if __name__ == "__main__":
    main()
