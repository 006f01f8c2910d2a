"""The guest's end of the control channel: JSON lines on a virtio-serial port, one answer for each request.

A job's output goes to files, not pipes, so a job ends when its first process ends, whatever it left in the background.
"""

import base64
import json
import os
import signal
import subprocess  # noqa: TID251  # starting processes is what it is for
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

PORT = "/dev/virtio-ports/lab"
FOLDER = "/run/lab"
Answer = dict[str, Any]


class Job:
    """A process with a session of its own, so that all that it started can be ended with it."""

    def __init__(self, number: int, request: Answer) -> None:
        self.out = f"{FOLDER}/job-{number}.out"
        self.err = f"{FOLDER}/job-{number}.err"
        with open(self.out, "wb") as out, open(self.err, "wb") as err:
            self.process = subprocess.Popen(
                request["argv"],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                cwd=request.get("cwd") or "/root",
                env={**os.environ, **request.get("env", {})},
                start_new_session=True,
            )

    def wait(self, timeout_s: float) -> int | None:
        try:
            return self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return None

    def kill(self, number: int) -> None:
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            return

    def report(self) -> Answer:
        return {"rc": self.process.poll(), "out": read(self.out), "err": read(self.err)}

    def forget(self) -> None:
        os.unlink(self.out)
        os.unlink(self.err)


def read(path: str) -> str:
    with open(path, "rb") as file:
        return base64.b64encode(file.read()).decode()


class Agent:
    """Answers requests, each in a thread of its own, so that a slow one holds up no other."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.jobs: dict[int, Job] = {}
        self.writing = threading.Lock()

    def send(self, answer: Answer) -> None:
        data = json.dumps(answer).encode() + b"\n"
        with self.writing:
            while data:
                data = data[os.write(self.port, data) :]

    def serve(self) -> None:
        pending = b""
        while True:
            read_now = os.read(self.port, 1 << 20)
            if not read_now:
                time.sleep(0.05)
            *lines, pending = (pending + read_now).split(b"\n")
            for line in lines:
                threading.Thread(target=self.answer, args=(json.loads(line),), daemon=True).start()

    def answer(self, request: Answer) -> None:
        try:
            verb: Callable[[Answer], Answer] = getattr(self, "do_" + request["do"])
            result = verb(request)
        except (OSError, LookupError, ValueError, TypeError, AttributeError, subprocess.SubprocessError) as err:
            result = {"failed": f"{type(err).__name__}: {err}"}
        self.send({"id": request["id"], **result})

    def do_run(self, request: Answer) -> Answer:
        job = Job(request["id"], request)
        timed_out = job.wait(request["timeout_s"]) is None
        if timed_out:
            job.kill(signal.SIGKILL)
            job.wait(2)  # a process that hangs in the kernel does not die; the answer must go out all the same
        report = {**job.report(), "timed_out": timed_out}
        job.forget()
        return report

    def do_start(self, request: Answer) -> Answer:
        self.jobs[request["id"]] = job = Job(request["id"], request)
        return {"job": request["id"], "pid": job.process.pid}

    def do_wait(self, request: Answer) -> Answer:
        job = self.jobs[request["job"]]
        timed_out = job.wait(request["timeout_s"]) is None
        return {**job.report(), "timed_out": timed_out}

    def do_kill(self, request: Answer) -> Answer:
        self.jobs[request["job"]].kill(request["signal"])
        return {}

    def do_kill_all(self, request: Answer) -> Answer:
        for job in self.jobs.values():
            job.kill(signal.SIGKILL)
        left = [job.process.pid for job in self.jobs.values() if job.wait(request["timeout_s"]) is None]
        self.jobs.clear()
        return {"left": left}

    def do_get(self, request: Answer) -> Answer:
        return {"data": read(request["path"])}

    def do_put(self, request: Answer) -> Answer:
        os.makedirs(os.path.dirname(request["path"]), exist_ok=True)
        with open(request["path"], "wb") as file:
            file.write(base64.b64decode(request["data"]))
            file.flush()
            os.fsync(file.fileno())
            os.fchmod(file.fileno(), request["mode"])
        return {}


def await_path(path: str, timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while not os.path.exists(path):
        if time.monotonic() > deadline:
            sys.exit(f"lab agent: {path} did not appear in {timeout_s} s")
        time.sleep(0.05)


def main() -> None:
    await_path(f"{FOLDER}/ready", 120)
    await_path(PORT, 10)
    agent = Agent(os.open(PORT, os.O_RDWR))
    agent.send({"id": 0, "ready": True})
    agent.serve()


if __name__ == "__main__":
    main()
