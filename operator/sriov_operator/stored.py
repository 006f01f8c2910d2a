"""What an object says as the API server stores it, beyond what its type takes up. Nothing here does I/O.

It may not fit its kind, as after a definition became stricter; and it may have fields that its kind does not have.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec
import msgspec.inspect

from sriov_core.admission.reading import document_of
from sriov_core.api import shape
from sriov_core.api.conditions import ACCEPTED, Condition, merged
from sriov_core.api.fault import Fault
from sriov_core.api.poolconfig import PoolConfig, PoolConfigSpec

Object = dict[str, Any]

UNKNOWN_FIELDS = "UnknownFields"
"""The reason of the condition Accepted when it is False."""
READY = "Ready"
SEE_ACCEPTED = f": see {ACCEPTED}"
"""The end of a message of Ready that has told of such fields."""

_MOST_TOLD = 10
_MOST_NAMED = 3
_POOL_SPEC = msgspec.inspect.type_info(PoolConfigSpec)
_FIELD = re.compile(r"; (spec\.\S+): unknown field\b")


class ReadPoolSpec(PoolConfigSpec, frozen=True, kw_only=True, rename="camel"):
    """The spec of a pool, and ``unknown``, the paths of fields in it that nobody reads."""

    unknown: tuple[str, ...] = ()


class ReadPool(PoolConfig, frozen=True, kw_only=True, rename="camel"):
    """A pool as the caches hold it: what its spec says has to be known before any node of it is drained."""

    spec: Any = msgspec.field(default_factory=dict)

    def __post_init__(self) -> None:
        if isinstance(self.spec, PoolConfigSpec):
            return
        read = msgspec.convert(self.spec, PoolConfigSpec)
        paths = tuple(fault.path for fault in shape.unknown(self.spec, _POOL_SPEC, "spec"))
        fields = {field: getattr(read, field) for field in PoolConfigSpec.__struct_fields__}
        msgspec.structs.force_setattr(self, "spec", ReadPoolSpec(**fields, unknown=paths))


def unknown_of(pool: PoolConfig) -> tuple[str, ...]:
    """The paths of fields in its spec that nobody reads; empty where that is not known, too."""
    return pool.spec.unknown if isinstance(pool.spec, ReadPoolSpec) else ()


def mistakes(stored: Object) -> tuple[Fault, ...]:
    """What is wrong with an object of this project as the API server stores it; empty when it fits its kind."""
    return document_of(stored).faults


def acceptance(stored: Object) -> Condition | None:
    """The condition Accepted of an object of this project: fields of its spec that nobody acts on; None without any."""
    unknown = [fault for fault in document_of(stored).unknown if fault.path.split(".")[0] == "spec"]
    if not unknown:
        return None
    more = [f"and {len(unknown) - _MOST_TOLD} more"] if len(unknown) > _MOST_TOLD else []
    message = "; ".join(("nobody acts on these", *map(str, unknown[:_MOST_TOLD]), *more))
    generation = part(stored, "metadata").get("generation")
    return Condition(
        type=ACCEPTED,
        status="False",
        reason=UNKNOWN_FIELDS,
        message=message,
        observed_generation=generation if isinstance(generation, int) else 0,
    )


def accepted(conditions: Iterable[Condition]) -> Condition | None:
    """The condition Accepted among those of an object; None without it."""
    return next((one for one in conditions if one.type == ACCEPTED), None)


def joined(
    current: Iterable[Condition], wanted: Iterable[Condition], found: Condition | None, now: str
) -> tuple[Condition, ...]:
    """`merged`, with the condition Accepted as it was ``found`` to be: gone with None.

    A cache has no field that its type does not know. The answer to any write has: whoever writes a status keeps what
    that says of Accepted (`accepted`), looks at the answer (`acceptance`), and writes once more where that differs.
    With ``found``, Ready says so, too: a column of ``kubectl get`` that is True is all that many people look at.
    """
    if found is not None:
        wanted = [_with_remark(one, found) if one.type == READY else one for one in wanted]
    kept = [one for one in current if found is not None or one.type != ACCEPTED]
    return merged(kept, (*wanted, *(() if found is None else (found,))), now)


def unread(paths: Sequence[str]) -> str:
    """What there is to say of fields of a spec that its kind does not have: the first few of them."""
    more = " and others" if len(paths) > _MOST_NAMED else ""
    named = ", ".join(paths[:_MOST_NAMED])
    return f"{named}{more} {'is no field' if len(paths) == 1 else 'are no fields'} that anybody reads"


def _with_remark(ready: Condition, found: Condition) -> Condition:
    if ready.message.endswith(SEE_ACCEPTED):
        return ready
    paths = _FIELD.findall(found.message)
    between = ", but " if ready.status == "True" else "; "
    told = unread(paths) if paths else "it has fields that nobody reads"
    return msgspec.structs.replace(ready, message=f"{ready.message}{between}{told}{SEE_ACCEPTED}")


def conditions(stored: Object) -> tuple[Condition, ...]:
    """Those conditions in its status that are conditions."""
    return tuple(_conditions(part(stored, "status").get("conditions")))


def part(stored: Object, name: str) -> Object:
    """A mapping in the object; empty where there is none."""
    found = stored.get(name)
    return found if isinstance(found, dict) else {}


def _conditions(listed: Any) -> Iterator[Condition]:
    for one in listed if isinstance(listed, list) else ():
        try:
            yield msgspec.convert(one, Condition)
        except msgspec.ValidationError:
            continue
