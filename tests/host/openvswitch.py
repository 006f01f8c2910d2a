"""A real Open vSwitch for a test: Debian's ovsdb-server and ovs-vswitchd with files and netdevs of their own.

The programs are unpacked from Debian's packages below a cache, where they run with their own libraries: nothing on this
machine is installed or started by a package. ovs-vswitchd runs in a network namespace of its own, with the datapath
in user space (``datapath_type`` netdev): the kernel's may not be there.
"""

import fcntl
import hashlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess  # noqa: TID251  # the servers under test
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parent.parent / "lab"))

from debian import Apt, Root, call, unpack

OPENVSWITCH = ("openvswitch-common", "openvswitch-switch")
LIBRARIES = ("libbpf1", "libcap-ng0", "libnuma1", "libssl3", "libunbound8", "libxdp1")
"""What the programs are linked with. The packages' other dependencies serve their scripts, which do not run here."""

WAIT_S = 20


def programs() -> Root:
    """The unpacked programs; fetched when they are not there. LabError when they cannot be had."""
    default = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    cache = default / "sriov-core" / "openvswitch"
    digest = hashlib.sha256(repr((OPENVSWITCH, LIBRARIES)).encode()).hexdigest()[:12]
    path = cache / digest
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one fetches, the tests of other processes wait
        if not path.exists():
            draft = cache / f"{digest}.draft"
            shutil.rmtree(draft, ignore_errors=True)
            apt = Apt(state=cache / "apt", store=cache / "debs")
            apt.update()
            needed = apt.resolve(LIBRARIES)
            versions = apt.resolve(OPENVSWITCH)
            unpack(apt.fetch(needed | {name: versions[name] for name in OPENVSWITCH}), draft)
            draft.rename(path)
    return Root(path)


class Switch:
    """ovsdb-server and ovs-vswitchd below ``root``, whose /run/openvswitch holds the socket."""

    def __init__(self, root: Path, software: Root) -> None:
        self.root = root
        self._software = software
        self._folder = root / "run/openvswitch"
        self._folder.mkdir(parents=True)
        self._environment = {
            **os.environ,
            **dict.fromkeys(("OVS_RUNDIR", "OVS_LOGDIR", "OVS_DBDIR", "OVS_SYSCONFDIR"), str(self._folder)),
            "OVS_PKGDATADIR": str(software.path / "usr/share/openvswitch"),
        }
        self.socket = self._folder / "db.sock"
        self.port = _free_port()
        self.server: subprocess.Popen[bytes] | None = None
        self.switch: subprocess.Popen[bytes] | None = None

    def start_server(self, schema: Path | None = None) -> None:
        """Start ovsdb-server and wait until it listens; with Open vSwitch's schema its one root row is made."""
        database = self._folder / "conf.db"
        if not database.exists():
            default = self._software.path / "usr/share/openvswitch/vswitch.ovsschema"
            self._call("usr/bin/ovsdb-tool", "create", str(database), str(schema or default))
        listening = [f"--remote={remote}" for remote in (f"punix:{self.socket}", f"ptcp:{self.port}:127.0.0.1")]
        self.server = self._start(
            self._software.argv("usr/sbin/ovsdb-server", *listening, "--unixctl=none", str(database)), "ovsdb-server"
        )
        self._wait_until_it_listens()
        if schema is None:
            self.vsctl("--no-wait", "init")

    def start_switch(self, *links: str) -> None:
        """Start ovs-vswitchd beside these netdevs and wait until it is through with what the database holds."""
        pairs = [f"ip link add {name} type veth peer name w-{name}" for name in links]
        program = self._software.argv("usr/lib/openvswitch-switch/ovs-vswitchd", self.remote, "--disable-system")
        script = " && ".join(["ip link set lo up", *pairs, 'exec "$@"'])
        self.switch = self._start(
            ["unshare", "--net", "sh", "-ec", script, "sh", *program, "--unixctl=none"], "ovs-vswitchd"
        )
        self.vsctl("set", "Open_vSwitch", ".", "external_ids:seen=true")

    def stop(self) -> None:
        for process in (self.switch, self.server):
            if process and process.poll() is None:
                process.send_signal(signal.SIGCONT)  # one that a test stopped
                process.kill()
                process.wait(WAIT_S)

    @property
    def tcp(self) -> str:
        """The same server on loopback."""
        return f"tcp:127.0.0.1:{self.port}"

    @property
    def remote(self) -> str:
        return f"unix:{self.socket}"

    def vsctl(self, *arguments: str) -> str:
        """Run ovs-vsctl; it waits for ovs-vswitchd, and fails when that left an error."""
        return self._call("usr/bin/ovs-vsctl", f"--db={self.remote}", f"--timeout={WAIT_S}", *arguments)

    def ip(self, *arguments: str) -> str:
        """Run ip in the namespace of ovs-vswitchd."""
        assert self.switch
        return call(["nsenter", "-t", str(self.switch.pid), "--net", "ip", *arguments], timeout_s=WAIT_S)

    def rows(self, table: str) -> dict[str, dict[str, Any]]:
        """All rows of a table by their name (the root row by an empty one), as ovsdb-client prints them."""
        text = self._call("usr/bin/ovsdb-client", "--format=json", "dump", self.remote, "Open_vSwitch", table)
        printed = json.loads(text)
        rows = [dict(zip(printed["headings"], map(_plain, row), strict=True)) for row in printed["data"]]
        return {row.get("name", ""): row for row in rows}

    def pause_server(self) -> None:
        """The server takes connections, as the kernel does that for it, and says nothing."""
        assert self.server
        self.server.send_signal(signal.SIGSTOP)

    def kill_server(self) -> None:
        assert self.server
        self.server.kill()
        self.server.wait(WAIT_S)

    def forget_bridges(self) -> None:
        """An empty database, and ovs-vswitchd is through with it."""
        self.vsctl("clear", "Open_vSwitch", ".", "bridges", "--", "clear", "Open_vSwitch", ".", "other_config")

    def _wait_until_it_listens(self) -> None:
        assert self.server
        end = time.monotonic() + WAIT_S
        while not self._takes_connections():
            said = (self._folder / "ovsdb-server.log").read_text()
            assert self.server.poll() is None, f"ovsdb-server ended: {said}"
            assert time.monotonic() < end, f"ovsdb-server does not listen: {said}"
            time.sleep(0.005)

    def _takes_connections(self) -> bool:
        with socket.socket(socket.AF_UNIX) as line:
            return line.connect_ex(str(self.socket)) == 0

    def _call(self, program: str, *arguments: str) -> str:
        return call(self._software.argv(program, *arguments), timeout_s=2 * WAIT_S, env=self._environment)

    def _start(self, argv: Sequence[str], name: str) -> subprocess.Popen[bytes]:
        with (self._folder / f"{name}.log").open("wb") as log:
            return subprocess.Popen(
                argv, env=self._environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )


@contextmanager
def switch(root: Path, software: Root) -> Iterator[Switch]:
    """A Switch whose processes end with the block."""
    made = Switch(root, software)
    try:
        yield made
    finally:
        made.stop()


def _free_port() -> int:
    """One below those that connections get by themselves, so that none has it when the server comes to it."""
    while True:
        port = random.randrange(20000, 32000)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port


def _plain(value: Any) -> Any:
    """A cell in Python's terms: sets as lists, maps as dicts, references as uuids."""
    match value:
        case ["uuid", uuid]:
            return uuid
        case ["set", members]:
            return [_plain(member) for member in members]
        case ["map", pairs]:
            return dict(pairs)
        case _:
            return value
