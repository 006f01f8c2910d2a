"""A virtual machine with a real kernel and two SR-IOV NICs, driven by the tests.

`python tests/lab/vm.py --shell` gives a shell in it, `python tests/lab/vm.py COMMAND` runs one command in it.
"""

import argparse
import base64
import signal
import socket
import subprocess  # noqa: TID251  # QEMU
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import build
import machine
import scratch
import snapshot
from channel import GREETING, Channel, GuestGone
from debian import LabError

BOOT_TIMEOUT_S = 180
COMMAND_TIMEOUT_S = 60
HOST = "10.0.2.2"
"""This machine's loopback, as a guest with an uplink knows it (QEMU's user network, docs/system/devices/net.rst)."""
UPLINK_UP = (
    "modprobe virtio_net && udevadm settle && name=$(ls /sys/bus/virtio/drivers/virtio_net/virtio*/net) && "
    "ip link set $name up && ip address add 10.0.2.15/24 dev $name"
)
ANSWER_SLACK_S = 20  # what an answer may take beyond the time that the command itself was given


class GuestTimeout(LabError):
    """A command in the guest did not end in the time it was given; it was killed."""


class GuestFailure(LabError):
    """A command in the guest ended with another exit code than 0, though success was asked for."""


@dataclass(frozen=True)
class Result:
    """How a command in the guest ended. `rc` is negative for a signal, as in `subprocess`."""

    rc: int
    out: str
    err: str


@dataclass(frozen=True)
class Job:
    """A process in the guest's background. Killing it kills all that it started."""

    vm: "Vm"
    number: int
    pid: int

    def poll(self) -> Result | None:
        """How it ended, or None while it runs."""
        return self._look(0)

    def wait(self, timeout_s: float = COMMAND_TIMEOUT_S) -> Result:
        """How it ended; GuestTimeout, with the job still running, if it does not end in that time."""
        result = self._look(timeout_s)
        if result is None:
            raise GuestTimeout(
                f"process {self.pid} in the guest still runs after {timeout_s} s; so far: {self.output()}"
            )
        return result

    def output(self) -> Result:
        """What it printed so far; rc is 0 while it runs."""
        return _result(self._answer(0))

    def await_output(self, text: str, timeout_s: float = COMMAND_TIMEOUT_S) -> Result:
        """Wait until its standard output contains `text`; what it printed so far."""
        deadline = time.monotonic() + timeout_s
        while True:
            answer = self._answer(0)
            result = _result(answer)
            if text in result.out:
                return result
            if not answer["timed_out"]:
                raise GuestFailure(f"process {self.pid} in the guest ended without printing {text!r}: {result}")
            if time.monotonic() > deadline:
                raise GuestTimeout(f"process {self.pid} in the guest did not print {text!r} in {timeout_s} s: {result}")
            time.sleep(0.05)

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Send a signal to it and to all that it started."""
        self.vm.ask(ANSWER_SLACK_S, do="kill", job=self.number, signal=int(number))

    def _look(self, timeout_s: float) -> Result | None:
        answer = self._answer(timeout_s)
        return None if answer["timed_out"] else _result(answer)

    def _answer(self, timeout_s: float) -> dict[str, object]:
        return self.vm.ask(timeout_s + ANSWER_SLACK_S, do="wait", job=self.number, timeout_s=timeout_s)


class Vm:
    """One guest. Use it as a context manager: it is booted on entry and gone, with its disk, on exit.

    Its disk keeps /var/lib/sriov-core, /etc/sriov-core, /etc/sriov-operator, /etc/udev/rules.d, /etc/modules-load.d,
    /etc/modprobe.d, /etc/default/grub.d, /etc/NetworkManager/conf.d and /persist over `power_cut` and `boot`.
    All else of the guest is new at each boot. The project is the one of the moment the Vm was made.
    With `uplink` it reaches what listens on this machine's loopback, by the address HOST.
    """

    def __init__(self, image: build.Image | None = None, *, memory: str = "2G", uplink: bool = False) -> None:
        self.image = image or build.ensure()
        self.memory = memory
        self.uplink = uplink
        self._scratch = scratch.Folder()
        self.folder = self._scratch.path
        self.boots = 0
        self.boot_s = 0.0
        self._channel: Channel | None = None
        self._qemu: subprocess.Popen[bytes] | None = None
        try:
            machine.make_disk(self.image, self.folder / "disk.raw")
            snapshot.write_initrd(self.image, self.folder / "initrd.cpio", work=self.folder / "snapshot")
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        try:
            self.boot()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, err: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def boot(self) -> None:
        """Switch the guest on and wait until udev has settled and commands can be run."""
        if self._qemu:
            raise LabError("the guest is on already")
        began = time.monotonic()
        self.boots += 1
        ours, theirs = socket.socketpair()
        with theirs, self._qemu_log.open("ab") as log:
            self._qemu = subprocess.Popen(
                self._argv(theirs.fileno()),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[theirs.fileno()],
                env=machine.environment(self.image),
                start_new_session=True,  # a Ctrl-C at the terminal is for the tests, which then end the guest
            )
        self._channel = Channel(ours)
        try:
            self._channel.await_answer(GREETING, BOOT_TIMEOUT_S, what="boot")
        except LabError as err:
            self.power_cut()
            raise LabError(f"the guest did not boot: {err}\n{self.diagnosis()}") from err
        if self.uplink:
            self.sh(UPLINK_UP)
        self.boot_s = time.monotonic() - began

    def power_cut(self) -> None:
        """Take the guest's power: QEMU is killed where it stands; what was not fsynced is lost."""
        if self._qemu:
            self._qemu.kill()
            self._qemu.wait(30)
            self._qemu = None
        if self._channel:
            self._channel.close()
            self._channel = None

    def close(self) -> None:
        """End the guest and remove its disk."""
        self.power_cut()
        self._scratch.close()

    def run(
        self,
        command: str | Sequence[str],
        timeout_s: float = COMMAND_TIMEOUT_S,
        *,
        check: bool = False,
        env: dict[str, str] | None = None,
        cwd: str | None = None,
    ) -> Result:
        """Run a program (a sequence) or a shell command (a string) in the guest as root, to its end.

        A program whose group of processes hangs is killed at the deadline: GuestTimeout. What it leaves in
        the background runs on. With `check`, an exit code other than 0 is a GuestFailure that shows what was printed.
        """
        request = {"argv": _argv(command), "env": env or {}, "cwd": cwd}
        answer = self.ask(timeout_s + ANSWER_SLACK_S, do="run", timeout_s=timeout_s, **request)
        result = _result(answer)
        if answer["timed_out"]:
            raise GuestTimeout(f"{command!r} did not end within {timeout_s} s and was killed; it had printed: {result}")
        if check and result.rc:
            raise GuestFailure(f"{command!r} ended with {result.rc} in the guest:\n{result.out}{result.err}")
        return result

    def sh(self, command: str, timeout_s: float = COMMAND_TIMEOUT_S) -> str:
        """What a shell command prints, without the last newline; GuestFailure if it fails."""
        return self.run(command, timeout_s, check=True).out.rstrip("\n")

    def spawn(self, command: str | Sequence[str], *, env: dict[str, str] | None = None, cwd: str | None = None) -> Job:
        """Start a program or a shell command in the guest's background."""
        answer = self.ask(ANSWER_SLACK_S, do="start", argv=_argv(command), env=env or {}, cwd=cwd)
        return Job(vm=self, number=int(str(answer["job"])), pid=int(str(answer["pid"])))

    def put(self, path: str, content: str | bytes | Path, *, mode: int = 0o644) -> None:
        """Write a file in the guest, fsynced; content given as a Path is a file of this machine."""
        data = content.read_bytes() if isinstance(content, Path) else content
        encoded = base64.b64encode(data.encode() if isinstance(data, str) else data).decode()
        self.ask(COMMAND_TIMEOUT_S, do="put", path=path, data=encoded, mode=mode)

    def get(self, path: str) -> bytes:
        """The content of a file in the guest."""
        return base64.b64decode(str(self.ask(COMMAND_TIMEOUT_S, do="get", path=path)["data"]))

    def reset_nics(self) -> None:
        """Give both NICs the state of a fresh boot and remove what an earlier test left, with plain shell alone."""
        left = self.ask(60, do="kill_all", timeout_s=5)["left"]
        if left:
            raise LabError(f"processes {left} in the guest do not die")
        self.run(["sh", "/opt/reset.sh"], timeout_s=120, check=True)

    def ask(self, deadline_s: float, /, **request: object) -> dict[str, object]:
        """Send one request to the guest's agent and return its answer."""
        if not self._channel:
            raise GuestGone("the guest is off")
        return self._channel.ask(deadline_s, **request)

    @property
    def pid(self) -> int:
        """The process of QEMU."""
        if not self._qemu:
            raise GuestGone("the guest is off")
        return self._qemu.pid

    @property
    def console(self) -> Path:
        """What the guest's kernel and init printed since the last boot."""
        return self.folder / f"console-{self.boots}.log"

    def diagnosis(self) -> str:
        """The ends of the guest's console and of QEMU's own messages."""
        logs = (log for log in (self.console, self._qemu_log) if log.exists())
        return "\n".join(f"--- {log.name}\n{log.read_text(errors='replace')[-4000:]}" for log in logs)

    def shell(self) -> int:
        """Boot with the console on this terminal and a shell on it; `exit` ends the guest."""
        self.boots += 1
        print("a shell in the lab's guest; `exit` ends it, Ctrl-A X kills it", flush=True)
        return subprocess.run(self._argv(None), env=machine.environment(self.image), check=False).returncode

    @property
    def _qemu_log(self) -> Path:
        return self.folder / "qemu.log"

    def _argv(self, channel_fd: int | None) -> list[str]:
        files = machine.Files(initrd=self.folder / "initrd.cpio", disk=self.folder / "disk.raw", console=self.console)
        return machine.argv(self.image, files, memory=self.memory, channel_fd=channel_fd, uplink=self.uplink)


def _argv(command: str | Sequence[str]) -> list[str]:
    return ["bash", "-c", command] if isinstance(command, str) else list(command)


def _result(answer: dict[str, object]) -> Result:
    out, err = (base64.b64decode(str(answer[key])).decode(errors="replace") for key in ("out", "err"))
    return Result(rc=int(str(answer["rc"] or 0)), out=out, err=err)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shell", action="store_true", help="a shell in the guest, on this terminal")
    parser.add_argument("command", nargs="*", help="a command to run in the guest")
    options = parser.parse_args()
    try:
        vm = Vm()
        if options.shell:
            try:
                return vm.shell()
            finally:
                vm.close()
        with vm:
            print(f"lab: booted in {vm.boot_s:.1f} s", file=sys.stderr)
            result = vm.run(" ".join(options.command) or "uname -a", timeout_s=600)
    except LabError as err:
        print(err, file=sys.stderr)
        return 1
    sys.stdout.write(result.out)
    sys.stderr.write(result.err)
    return result.rc


if __name__ == "__main__":
    sys.exit(main())
