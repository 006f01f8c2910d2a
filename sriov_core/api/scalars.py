"""What a plain (unquoted) YAML word stands for, read as the Kubernetes tools read it."""

import math
import re
from typing import Any

from sriov_core.api.fault import shown
from sriov_core.errors import SpecError

_DECIMAL = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_NUMBER_LIKE = re.compile(
    r"[-+]?(0[xX][0-9a-fA-F_]+|0[oO]?[0-7_]+|0[bB][01_]+|[0-9][0-9_]*(\.[0-9_]*)?([eE][-+]?[0-9]+)?|\.[0-9_]+)"
    r"|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
)
_NOTHING = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"})
_FALSE = frozenset({"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"})


class NumberLike(str):
    """A plain word that YAML readers take for a number other than a short decimal integer, as it stands in the file.

    Readers disagree about these (``0158``, ``0x1583``, ``10e9``), so they are neither numbers nor text here.
    """

    __slots__ = ()


def plain(word: str) -> Any:
    """The value of an unquoted word. Addresses such as 0000:19:00.0 are text: base 60 is gone from YAML."""
    if word in _NOTHING:
        return None
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    if _DECIMAL.fullmatch(word):
        return int(word)
    return NumberLike(word) if _NUMBER_LIKE.fullmatch(word) else word


def number(word: NumberLike) -> int | float:
    """The number as YAML 1.1 has it, which the Kubernetes tools read: 0644 is octal.

    Raises SpecError for one that JSON cannot hold.
    """
    digits = word.replace("_", "").lower().lstrip("+-")
    try:
        if digits[:2] in ("0x", "0o", "0b"):
            size: int | float = int(digits, 0)
        elif digits.isdigit():
            size = int(digits, 8 if digits.startswith("0") and not set(digits) & {"8", "9"} else 10)
        else:
            size = float(digits)
    except ValueError:
        size = math.inf
    if not math.isfinite(size):
        raise SpecError(f"{shown(str(word))} is no number that JSON can hold. Put it in quotes if it is text")
    return -size if word.startswith("-") else size
