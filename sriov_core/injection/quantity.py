"""Amounts as Kubernetes writes them: ``2``, ``500m``, ``1Gi``, ``2e3``. Nothing here does I/O."""

import re
from fractions import Fraction
from typing import Any

from sriov_core.api.shape import described
from sriov_core.injection.fields import refusal

_FORM = re.compile(
    r"([+-]?(?:[0-9]{1,40}(?:\.[0-9]{0,40})?|\.[0-9]{1,40}))"
    r"(?:[eE]([+-]?[0-9]{1,2})|([KMGTPE]i)|([numkMGTPE]))?"
)
_DECIMAL_POWERS = {"n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY_POWERS = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}


def amount(value: Any, path: str) -> Fraction:
    """The exact amount; Refused, with ``path``, for what is none.

    The forms are those of resource.Quantity (apimachinery): a decimal number with a power of ten or a suffix.
    """
    is_number = isinstance(value, (str, int, float)) and not isinstance(value, bool)
    found = _FORM.fullmatch(str(value)) if is_number else None
    if found is None:
        raise refusal(path, f"found {described(value)}, wanted an amount", "Write a number such as 2, 500m or 1Gi")
    number, power, binary, decimal = found.groups()
    if binary:
        return Fraction(number) * (1 << _BINARY_POWERS[binary])
    exponent = int(power) if power else _DECIMAL_POWERS.get(decimal or "", 0)
    scale = Fraction(10 ** abs(exponent))
    return Fraction(number) * scale if exponent >= 0 else Fraction(number) / scale
