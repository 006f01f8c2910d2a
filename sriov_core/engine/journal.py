"""What must survive a crash or a reboot: whose the NICs are, what they were like before, what was under way.

One file, replaced as a whole (write, fsync, rename, fsync of the folder), so that it is never half written.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from typing import Any

import attrs
import msgspec

from sriov_core.errors import JournalError
from sriov_core.host.ownfiles import replace
from sriov_core.model.address import Address
from sriov_core.model.bridges import Bridge, Uplink
from sriov_core.model.codec import to_builtins
from sriov_core.model.record import NicRecord, RebootRecord, Records

FORMAT = 1
DEFAULT_PATH = "/var/lib/sriov-core/journal.json"


@attrs.frozen(kw_only=True)
class Memory(Records):
    """Everything the journal holds: what is ours, and where the work stands.

    ``under_way`` lists the steps of a plan that was begun and not yet ended. ``taken_over`` are the addresses where
    another operator's record was read: it is read once, so that what was given back since does not come back.
    ``rebooting`` is the boot that was told to end. ``offered`` names what the device plugin was last started for,
    None as long as nobody noted it. ``boot_units`` says that the units of the boot were installed by an agent.
    """

    reboots: tuple[RebootRecord, ...] = ()
    under_way: tuple[str, ...] = ()
    taken_over: tuple[str, ...] = ()
    boot_id: str = ""
    rebooting: str = ""
    offered: str | None = None
    boot_units: bool = False


@attrs.define
class Journal:
    """The journal of one machine. Without a path it lives in memory only, as for a simulated host."""

    path: str | None = DEFAULT_PATH
    _volatile: Memory = attrs.field(factory=Memory, init=False)

    @property
    def exists(self) -> bool:
        """Whether anything was ever written to it that is still there."""
        return self._volatile != Memory() if self.path is None else os.path.exists(self.path)

    def read(self) -> Memory:
        """What is remembered; an empty memory where there is no file. JournalError for a file that is not ours."""
        if self.path is None:
            return self._volatile
        try:
            with open(self.path, "rb") as file:
                return _decode(file.read(), self.path)
        except FileNotFoundError:
            return Memory()
        except OSError as err:
            raise JournalError(f"cannot read the journal {self.path}: {err.strerror}. {_HELP}") from err
        except (msgspec.MsgspecError, ValueError) as err:
            raise JournalError(f"the journal {self.path} is damaged: {err}. {_DAMAGED}") from err

    def write(self, memory: Memory) -> None:
        """Replace what is remembered; when this returns, it is on disk."""
        if self.path is None:
            self._volatile = memory
            return
        folder = os.path.dirname(self.path)
        try:
            os.makedirs(folder, mode=0o755, exist_ok=True)
            replace(self.path, msgspec.json.format(_encode(memory), indent=1).decode())
        except OSError as err:
            raise JournalError(f"cannot write the journal {self.path}: {err.strerror}. {_HELP}") from err

    @contextlib.contextmanager
    def exclusive(self) -> Iterator[None]:
        """Hold the machine for one change: two processes never work on it at once. JournalError when it is taken."""
        if self.path is None:
            yield
            return
        folder = os.path.dirname(self.path)
        try:
            os.makedirs(folder, mode=0o755, exist_ok=True)
            lock = os.open(f"{self.path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as err:
            raise JournalError(f"cannot lock {self.path}.lock: {err.strerror}. {_HELP}") from err
        try:
            _take(lock, self.path)
            yield
        finally:
            os.close(lock)


_COPY = {"path", "content"}
"""What `sriov-core support-bundle` writes of a journal."""
_HELP = "Run as root, or name another place with --journal"
_DAMAGED = "Nothing is changed while it is; move it away to start without memory (baselines are lost then)"


def _take(lock: int, path: str) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as err:
        holder = os.pread(lock, 32, 0).decode(errors="replace").strip() or "unknown"
        text = f"another sriov-core (pid {holder}) is changing this machine ({path}.lock)"
        raise JournalError(f"{text}. Wait for it, or end it") from err
    os.ftruncate(lock, 0)
    os.pwrite(lock, str(os.getpid()).encode(), 0)


def _encode(memory: Memory) -> bytes:
    return msgspec.json.encode({"format": FORMAT, **to_builtins(memory)})


def _decode(data: bytes, path: str) -> Memory:
    content = msgspec.json.decode(data, type=dict[str, Any])
    found = content.pop("format", None)
    if found is None and set(content) == _COPY:
        raise JournalError(
            f"{path} is the redacted copy of a journal, out of a support bundle, and cannot be used as one. "
            "Name the journal itself, on its own machine"
        )
    if found != FORMAT:
        raise ValueError(f"its format is {found}, this sriov-core writes {FORMAT}")
    records = msgspec.convert(content.pop("nics", {}), dict[str, dict[str, Any]])
    bridges = msgspec.convert(content.pop("bridges", []), list[dict[str, Any]])
    memory = msgspec.convert(content, Memory)
    nics = {record.address: record for record in map(_record, records.values())}
    return attrs.evolve(memory, nics=nics, bridges=tuple(map(_bridge, bridges)))


def _record(stored: dict[str, Any]) -> NicRecord:
    """A record of the file; its address is stored as text, which msgspec does not turn into an attrs value."""
    address = Address.parse(str(stored.get("address")))
    return attrs.evolve(msgspec.convert({**stored, "address": _fields(address)}, NicRecord), address=address)


def _bridge(stored: dict[str, Any]) -> Bridge:
    uplink = stored.get("uplink")
    if not isinstance(uplink, dict):
        return msgspec.convert(stored, Bridge)
    nic = Address.parse(str(uplink.get("nic")))
    row = msgspec.convert({**uplink, "nic": _fields(nic)}, Uplink)
    return attrs.evolve(msgspec.convert({**stored, "uplink": None}, Bridge), uplink=attrs.evolve(row, nic=nic))


def _fields(address: Address) -> dict[str, str]:
    return {"name": address.name, "bus": address.bus}
