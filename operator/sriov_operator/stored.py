"""What can be read of an object that does not fit its kind; a definition that becomes stricter leaves such. No I/O."""

from collections.abc import Iterator
from typing import Any

import msgspec

from sriov_core.admission.reading import document_of
from sriov_core.api.conditions import Condition
from sriov_core.api.fault import Fault

Object = dict[str, Any]


def mistakes(stored: Object) -> tuple[Fault, ...]:
    """What is wrong with an object of this project as the API server stores it; empty when it fits its kind."""
    return document_of(stored).faults


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
