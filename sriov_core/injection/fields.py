"""Parts of objects that nobody has checked: each is what it must be, or is refused. Nothing here does I/O."""

import json
from collections.abc import Mapping
from typing import Any

from sriov_core.api.fault import Fault
from sriov_core.api.shape import described
from sriov_core.errors import SpecError


class Refused(SpecError):
    """What was found there is not what it must be; ``fault`` says it in parts."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(str(fault))
        self.fault = fault


def refusal(path: str, text: str, remedy: str) -> Refused:
    """A fault as the error that ends the reading."""
    return Refused(Fault(path, text, remedy))


def mapping(value: Any, path: str) -> Mapping[str, Any]:
    """A mapping; nothing (null, or a field left out) is an empty one. Refused for anything else."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise refusal(path, f"found {described(value)}, wanted a mapping", "Write `field: value` lines below it")
    return value


def entries(value: Any, path: str) -> list[Any]:
    """A list; nothing is an empty one. Refused for anything else."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise refusal(path, f"found {described(value)}, wanted a list", "Write a list, or leave the field out")
    return value


def text(value: Any, path: str) -> str:
    """A text; nothing is an empty one, as the API server stores it. Refused for anything else."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise refusal(path, f"found {described(value)}, wanted text", "Put it in quotes")
    return value


def parsed(text: str, path: str) -> Any:
    """The value of JSON text; Refused with line and column when it is none."""
    try:
        return json.loads(text)
    except RecursionError:
        raise refusal(path, "lists and mappings are nested too deep", "Flatten the value") from None
    except ValueError as err:
        raise refusal(path, f"this is no JSON: {err}", "Correct it there") from err
