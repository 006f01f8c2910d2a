"""Reads the names that policies use: ``ens1f0``, ``ens1f0#0-3``, and VF ranges ``0-3``. Nothing here does I/O."""

import re

import attrs

from sriov_core.api.fault import shown
from sriov_core.errors import SpecError

PRIMARY_NAME_LONGEST = 15
"""Bytes in a device name (IFNAMSIZ - 1, include/uapi/linux/if.h)."""
ALT_NAME_LONGEST = 127
"""Bytes in an alternative name (ALTIFNAMSIZ - 1, include/uapi/linux/if.h)."""

_INDEX = re.compile(r"[0-9]{1,5}")


class Malformed(SpecError):
    """A name or range that cannot be read; the parts of its text are for whoever knows the field."""

    def __init__(self, text: str, remedy: str) -> None:
        super().__init__(f"{text}. {remedy}")
        self.text = text
        self.remedy = remedy


@attrs.frozen
class Range:
    """VFs ``first`` to ``last``, both included."""

    first: int
    last: int


@attrs.frozen
class PfName:
    """An entry of pfNames; ``vfs`` is None when the whole PF is meant."""

    name: str
    vfs: Range | None = None


def parse_pf_name(entry: str, num_vfs: int) -> PfName:
    """Read one entry of pfNames. Raises Malformed, also when the range goes beyond ``num_vfs``."""
    name, hash_sign, rest = entry.partition("#")
    check_name(name, entry)
    if not hash_sign:
        return PfName(name)
    if "#" in rest:
        raise Malformed(f"{shown(entry)} has more than one '#'", "Write one entry for each range")
    if not rest:
        raise Malformed(f"{shown(entry)} has no range after the '#'", "Add one such as 0-3, or drop the '#'")
    try:
        vfs = parse_range(rest)
    except Malformed as err:
        raise Malformed(f"{shown(entry)}: {err.text}", err.remedy) from err
    if vfs.last >= num_vfs:
        text = f"{shown(entry)}: the range ends at VF {vfs.last}, and numVfs {num_vfs} gives {_vfs(num_vfs)}"
        raise Malformed(text, "Raise numVfs or shorten the range")
    return PfName(name, vfs)


def parse_range(text: str) -> Range:
    """Read ``first-last``. Raises Malformed."""
    first, dash, last = text.partition("-")
    if not dash:
        remedy = (
            f"Write {text}-{text} for that one VF" if _INDEX.fullmatch(text) else "Write it as first-last, as in 0-3"
        )
        raise Malformed(f"the range {shown(text)} has no '-'", remedy)
    for bound in (first, last):
        if not _INDEX.fullmatch(bound):
            text = f"the range {shown(text)} has {shown(bound)} where the index of a VF belongs"
            raise Malformed(text, "Write it as first-last, as in 0-3")
    found = Range(int(first), int(last))
    if found.first > found.last:
        raise Malformed(f"the range {shown(text)} ends before it starts", f"Write {found.last}-{found.first}")
    return found


def name_of(entry: str) -> str:
    """The name in an entry of pfNames, well-formed or not."""
    return entry.partition("#")[0]


def is_name(name: str) -> bool:
    """True for what the kernel accepts as the name of a device."""
    try:
        check_name(name, name)
    except Malformed:
        return False
    return True


def check_name(name: str, entry: str) -> None:
    """Raise Malformed for what the kernel accepts as no device name (dev_valid_name in net/core/dev.c)."""
    if not name:
        raise Malformed(f"{shown(entry)} has no name", "Write the PF's name, as `ip link` shows it")
    if "/" in name or name in {".", ".."}:
        raise Malformed(f"{shown(entry)} is a path, not a name", "Write the PF's name, as `ip link` shows it")
    if ":" in name:
        raise Malformed(f"{shown(entry)} has a ':', which no name has", "Write a PCI address in rootDevices")
    if not name.isprintable() or any(character.isspace() for character in name):
        text = f"{shown(entry)} has a blank or control character in the name"
        raise Malformed(text, "Write the PF's name, as `ip link` shows it")
    if (size := len(name.encode(errors="replace"))) > ALT_NAME_LONGEST:
        text = f"{shown(entry)} has {size} bytes; a name has at most {PRIMARY_NAME_LONGEST}"
        raise Malformed(f"{text}, an alternative name {ALT_NAME_LONGEST}", "Write the PF's name, as `ip link` shows it")


def _vfs(num_vfs: int) -> str:
    return f"VFs 0 to {num_vfs - 1}" if num_vfs else "none"
