"""Entries of the device plugin's pfNames and rootDevices, ``ens1f0#0-3,6``: reading and joining.

The plugin looks at the first entry of a PF only, so several of them are joined into one. Nothing here does I/O.
"""

import re
from collections.abc import Iterable

import attrs

from sriov_core.api.fault import shown
from sriov_core.policy.ranges import Malformed, Range

_PART = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?")


@attrs.frozen
class PfItem:
    """A PF by name or address, and which of its VFs; ``vfs`` None takes them all and the PF itself."""

    pf: str
    vfs: tuple[Range, ...] | None = None

    def takes(self, index: int) -> bool:
        """True for the index of a VF that is meant; -1 stands for the PF itself."""
        return self.vfs is None or any(vfs.first <= index <= vfs.last for vfs in self.vfs)

    def __str__(self) -> str:
        return self.pf if self.vfs is None else f"{self.pf}#{','.join(f'{one.first}-{one.last}' for one in self.vfs)}"


def parse_item(text: str) -> PfItem:
    """Read one entry. Raises Malformed for what the plugin skips with a line in its log."""
    name, hash_sign, rest = text.partition("#")
    if not name:
        raise Malformed(f"{shown(text)} names no PF", "Write the PF's name or address before the '#'")
    if not hash_sign:
        return PfItem(name)
    ranges = []
    for part in rest.split(","):
        found = _PART.fullmatch(part)
        if not found:
            raise Malformed(f"{shown(text)} has {shown(part)} where VFs belong", "Write them as in 0-3,6")
        vfs = Range(int(found[1]), int(found[2] or found[1]))
        if vfs.first > vfs.last:
            raise Malformed(f"{shown(text)}: {part} ends before it starts", f"Write {vfs.last}-{vfs.first}")
        ranges.append(vfs)
    return PfItem(name, tuple(ranges))


def joined_ranges(ranges: Iterable[Range]) -> tuple[Range, ...]:
    """The same VFs in rising order, those that touch or overlap as one range."""
    joined: list[Range] = []
    for vfs in sorted(ranges, key=lambda vfs: (vfs.first, vfs.last)):
        if joined and vfs.first <= joined[-1].last + 1:
            joined[-1] = Range(joined[-1].first, max(joined[-1].last, vfs.last))
        else:
            joined.append(vfs)
    return tuple(joined)


def joined_items(entries: Iterable[str]) -> tuple[str, ...]:
    """The entries sorted, with one for each PF: the union of its ranges, or no range when one entry has none.

    Names that differ in case only are one PF, as for the plugin. An entry that cannot be read stays as it is.
    """
    found: dict[str, PfItem] = {}
    malformed: set[str] = set()
    for entry in sorted(set(entries)):
        try:
            item = parse_item(entry)
        except Malformed:
            malformed.add(entry)
            continue
        other = found.get(item.pf.casefold(), PfItem(item.pf, ()))
        whole = item.vfs is None or other.vfs is None
        vfs = None if whole else joined_ranges((*(other.vfs or ()), *(item.vfs or ())))
        found[item.pf.casefold()] = PfItem(other.pf, vfs)
    return tuple(sorted((*map(str, found.values()), *malformed)))
