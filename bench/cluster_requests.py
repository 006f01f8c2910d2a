"""Who asked the API server for what, by its own audit log."""

import os
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import attrs
import msgspec

WRITES = frozenset({"create", "update", "patch", "delete"})
_LOOK_S = 0.1
_LONGEST_LINE = 1 << 16


class _Object(msgspec.Struct, rename="camel"):
    resource: str = ""
    subresource: str = ""


class _Line(msgspec.Struct, rename="camel"):
    stage: str
    verb: str
    user_agent: str = ""
    object_ref: _Object = msgspec.field(default_factory=_Object)


@attrs.frozen
class Request:
    """One request. ``resource`` is ``plural`` or ``plural/subresource``."""

    verb: str
    resource: str


@attrs.frozen
class Audit:
    """The requests of one program, found by how its user agent begins; the renewal of its Lease is left out."""

    log: Path
    agent: str

    def now(self) -> int:
        """A moment, for `since`: the end of the last whole line."""
        with self.log.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            begin = max(size - _LONGEST_LINE, 0)
            file.seek(begin)
            return begin + file.read(size - begin).rfind(b"\n") + 1

    def since(self, moment: int) -> list[Request]:
        """The requests after a moment, in the order of their ends. A watch counts when it begins."""
        with self.log.open("rb") as file:
            file.seek(moment)
            whole, _, _ = file.read().rpartition(b"\n")  # the last line may be half written
        return list(found(whole.splitlines(), self.agent))

    def quiet(self, seconds: float, within_s: float) -> None:
        """Wait until nothing was asked for in so many seconds. SystemExit when that does not come."""
        end = time.monotonic() + within_s
        moment, calm = self.now(), time.monotonic()
        while time.monotonic() - calm < seconds:
            if time.monotonic() > end:
                raise SystemExit(f"{self.agent} is not quiet after {within_s} s: {told(self.since(moment))}")
            time.sleep(_LOOK_S)
            size = self.now()
            if self.since(moment):
                moment, calm = size, time.monotonic()


def found(lines: Iterable[bytes], agent: str) -> Iterable[Request]:
    """The requests of lines of an audit log (audit.k8s.io/v1, without the stage RequestReceived)."""
    decoder = msgspec.json.Decoder(_Line)
    for line in lines:
        if agent.encode() not in line:
            continue
        one = decoder.decode(line)
        about = one.object_ref
        counts = one.stage == ("ResponseStarted" if one.verb == "watch" else "ResponseComplete")
        if counts and one.user_agent.startswith(agent) and about.resource != "leases":
            yield Request(one.verb, "/".join(filter(None, (about.resource, about.subresource))))


def count(requests: Iterable[Request], resource: str = "", verbs: frozenset[str] = WRITES) -> int:
    """How many have one of the verbs, of one resource (with its subresources, unless it is one itself) or of all."""
    return sum(one.verb in verbs and resource in ("", one.resource, one.resource.partition("/")[0]) for one in requests)


def told(requests: Iterable[Request]) -> str:
    """How many of each kind, most first."""
    counted = Counter(f"{one.verb} {one.resource}" for one in requests)
    return ", ".join(f"{number} x {kind}" for kind, number in counted.most_common()) or "none"
