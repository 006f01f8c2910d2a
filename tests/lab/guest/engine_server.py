"""Run the engine as the agent does, again and again, without paying for Python's imports each time.

Each request is a process of its own, forked from this one: killing it is killing the agent. A request is one line of
JSON written to the FIFO ``/tmp/engine.in``: {"wish": [NicSpec fields], "die_after": N or null, "die_in": N or null,
"late_s": seconds}. The answer, read from ``/tmp/engine.out``, is one line of JSON: {"rc": exit code or -signal,
"report": ...}.
"""

import json
import os
import signal
import sys
import threading
import time
import traceback
from typing import Any

import msgspec
import pyroute2  # noqa: F401  # imported here once, not in every child

from sriov_core.engine.converge import Engine
from sriov_core.engine.execute import Event, Moment
from sriov_core.engine.journal import Journal
from sriov_core.host.linux import LinuxHost
from sriov_core.model.address import Address
from sriov_core.model.desired import NicSpec, NodeSpec, VfGroup
from sriov_core.model.observed import EswitchMode
from sriov_core.plugin import loading, registry

REQUESTS, ANSWERS, REPORT = "/tmp/engine.in", "/tmp/engine.out", "/tmp/engine.report"


class Death:
    """Counts steps and ends the process without a word: after one, or while one is being done."""

    def __init__(self, after: int | None, within: int | None, late_s: float) -> None:
        self.after = after
        self.within = within
        self.late_s = late_s
        self.begun = 0
        self.done = 0
        self.lock = threading.Lock()

    def __call__(self, event: Event) -> None:
        with self.lock:
            self.begun += event.moment is Moment.STARTED
            self.done += event.moment is Moment.DONE
            if event.moment is Moment.DONE and self.done == self.after:
                _die()
            if event.moment is Moment.STARTED and self.begun == self.within:
                threading.Timer(self.late_s, _die).start()


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def spec_of(wish: list[dict[str, Any]]) -> NodeSpec:
    return NodeSpec(nics=tuple(_nic(dict(entry)) for entry in wish))


def _nic(entry: dict[str, Any]) -> NicSpec:
    groups = msgspec.convert(entry.pop("groups", []), tuple[VfGroup, ...])
    mode = EswitchMode(entry.pop("eswitch_mode", EswitchMode.LEGACY))
    return NicSpec(address=Address.parse(entry.pop("address")), groups=groups, eswitch_mode=mode, **entry)


def converge(request: dict[str, Any]) -> dict[str, Any]:
    catalogue = loading.load()
    engine = Engine(host=LinuxHost(), catalogue=catalogue, drivers=registry.drivers(catalogue), journal=Journal())
    death = Death(request["die_after"], request["die_in"], request["late_s"])
    began = time.monotonic()
    result = engine.converge(spec_of(request["wish"]), release=True, approve=lambda _: None, on_event=death)
    return {
        "converged": result.converged,
        "steps": death.done,
        "failures": [failure.error for failure in result.failures],
        "problems": [str(problem) for problem in result.last.plan.all_problems],
        "seconds": time.monotonic() - began,
    }


def child(request: dict[str, Any]) -> None:
    try:
        report: Any = converge(request)
    except BaseException:  # noqa: BLE001  # whatever it was, the test must be told
        report = traceback.format_exc()
    with open(REPORT, "w", encoding="utf-8") as file:
        json.dump(report, file)
    os._exit(0)


def serve() -> None:
    for path in (REQUESTS, ANSWERS):
        os.mkfifo(path)
    while True:
        with open(REQUESTS, encoding="utf-8") as requests:
            request = json.loads(requests.readline())
        with open(REPORT, "w", encoding="utf-8") as file:
            file.write("null")
        pid = os.fork()
        if pid == 0:
            child(request)
        _, status = os.waitpid(pid, 0)
        with open(REPORT, encoding="utf-8") as file:
            report = json.load(file)
        with open(ANSWERS, "w", encoding="utf-8") as answers:
            json.dump({"rc": os.waitstatus_to_exitcode(status), "report": report}, answers)


if __name__ == "__main__":
    sys.exit(serve())
