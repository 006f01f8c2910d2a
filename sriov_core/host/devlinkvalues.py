"""The values of devlink parameters: the kernel's bytes and the text that a plan shows. Nothing here does I/O.

Source: include/uapi/linux/devlink.h (enum devlink_var_attr_type, which are netlink's own numbers) and
net/devlink/param.c: a flag is an attribute that is there or not; the type of a value is told beside it.
"""

import errno
import struct
from typing import Any

import attrs

_NUMBERS = {1: struct.Struct("=B"), 2: struct.Struct("=H"), 3: struct.Struct("=I"), 4: struct.Struct("=Q")}
_STRING, _FLAG = 5, 6
_FLAGS = {"true": True, "false": False}


@attrs.frozen(kw_only=True)
class Parameter:
    """A parameter as the kernel tells it: its type, and the first configuration mode that it has a value in.

    ``value`` is None for a type that is not known here.
    """

    name: str
    kind: int
    mode: int
    value: str | None


def parameter(answer: Any) -> Parameter | None:
    """The parameter in an answer to DEVLINK_CMD_PARAM_GET; None when it has no value in any configuration mode."""
    told = answer.get_attr("DEVLINK_ATTR_PARAM")
    values = told.get_attr("DEVLINK_ATTR_PARAM_VALUES_LIST") if told else None
    first = values.get_attr("DEVLINK_ATTR_PARAM_VALUE") if values else None
    if first is None:
        return None
    kind = told.get_attr("DEVLINK_ATTR_PARAM_TYPE")
    return Parameter(
        name=told.get_attr("DEVLINK_ATTR_PARAM_NAME"),
        kind=kind,
        mode=first.get_attr("DEVLINK_ATTR_PARAM_VALUE_CMODE"),
        value=as_text(kind, first.get_attr("DEVLINK_ATTR_PARAM_VALUE_DATA")),
    )


def as_text(kind: int, data: bytes | None) -> str | None:
    """The text of a value; None for a type that is not known here, or data that does not fit it."""
    if kind == _FLAG:
        return "false" if data is None else "true"
    if data is None:
        return None
    if kind == _STRING:
        return data.split(b"\0", 1)[0].decode(errors="replace")
    number = _NUMBERS.get(kind)
    return str(number.unpack(data)[0]) if number and len(data) == number.size else None


def as_bytes(found: Parameter, value: str) -> bytes | None:
    """The bytes of a text for a parameter, None for a flag that shall be off. OSError with EINVAL for another text."""
    if found.kind == _FLAG and value in _FLAGS:
        return b"" if _FLAGS[value] else None
    if found.kind == _STRING:
        return value.encode() + b"\0"
    number = _NUMBERS.get(found.kind)
    if number and value.isascii() and value.isdigit() and int(value) < 1 << 8 * number.size:
        return number.pack(int(value))
    raise OSError(errno.EINVAL, f"the parameter takes {_description(found)}")


def _description(found: Parameter) -> str:
    if found.kind == _FLAG:
        return "true or false"
    if number := _NUMBERS.get(found.kind):
        return f"a number from 0 to {(1 << 8 * number.size) - 1}"
    return f"values of a type that is not known here ({found.kind})"
