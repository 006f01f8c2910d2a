"""What an object says as the API server stores it, beyond what its type takes up. Nothing here does I/O.

It may not fit its kind, as after a definition became stricter; and it may have fields that its kind does not have.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from sriov_core.admission.reading import document_of
from sriov_core.api.conditions import ACCEPTED, Condition, merged
from sriov_core.api.fault import Fault

Object = dict[str, Any]

UNKNOWN_FIELDS = "UnknownFields"
"""The reason of the condition Accepted when it is False."""

_MOST_TOLD = 10


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
    """
    kept = [one for one in current if found is not None or one.type != ACCEPTED]
    return merged(kept, (*wanted, *(() if found is None else (found,))), now)


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
