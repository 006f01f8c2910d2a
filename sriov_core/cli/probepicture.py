"""What is in the picture of a machine: boxes that hang on boxes, NUMA node, card, PF, VFs and their users. Pure.

VFs of a PF that are alike (kernel driver, vDPA, used or not) share a box, so that a thousand VFs stay readable.
"""

import enum
from collections.abc import Iterable, Iterator

import attrs

from sriov_core.cli.probeview import Report
from sriov_core.cli.screen import printable
from sriov_core.model.address import Address
from sriov_core.model.observed import Function, Nic, Vf
from sriov_core.planning.disruption import spans
from sriov_core.planning.render import counted
from sriov_core.plugin.diagnosis import Severity

_LONGEST_LINE = 44
_MOST_USERS = 4
_GRAVE = (Severity.FAIL, Severity.WARN)


class Kind(enum.StrEnum):
    """What a box stands for, in the order of the columns."""

    NUMA = "numa"
    CARD = "card"
    PF = "pf"
    VFS = "vfs"
    USER = "user"


def _line(text: str) -> str:
    shown = printable(text)
    return shown if len(shown) <= _LONGEST_LINE else f"{shown[: _LONGEST_LINE - 1]}\N{HORIZONTAL ELLIPSIS}"


def _lines(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(map(_line, texts))


@attrs.frozen(kw_only=True)
class Box:
    """A box: its lines, printable and cut to a bound, and what hangs on it. ``grave`` says that something is wrong."""

    kind: Kind
    lines: tuple[str, ...] = attrs.field(converter=_lines)
    below: "tuple[Box, ...]" = ()
    grave: bool = False


@attrs.frozen(kw_only=True)
class Picture:
    """The whole picture: a caption, and a box for each NUMA node."""

    caption: str
    boxes: tuple[Box, ...]


def picture(report: Report, only: Nic | None = None) -> Picture:
    """The picture of a look; ``only`` narrows it to one NIC. The same look gives the same picture."""
    node = report.snapshot.node
    parts = sorted(_parts(report, only), key=lambda part: (part[0] is None, part[0] or 0, part[1]))
    numas = dict.fromkeys(numa for numa, _, _ in parts)
    boxes = tuple(_numa(numa, [(address, box) for at, address, box in parts if at == numa]) for numa in numas)
    return Picture(caption=_line(f"{node.hostname or 'this machine'}, Linux {node.kernel or '?'}"), boxes=boxes)


def _parts(report: Report, only: Nic | None) -> Iterator[tuple[int | None, Address, Box]]:
    for nic in (only,) if only else report.snapshot.nics:
        yield nic.numa_node, nic.address, _pf(nic, report)
    if only:
        return
    for entry in report.snapshot.unmanaged:
        yield None, entry.function.address, _unserved(entry.function, entry.reason)
    for address, text in report.snapshot.failures.items():
        yield None, address, Box(kind=Kind.PF, lines=(str(address), f"could not be looked at: {text}"), grave=True)


def _numa(numa: int | None, parts: list[tuple[Address, Box]]) -> Box:
    cards = dict.fromkeys(_slot(address) for address, _ in parts)
    below = tuple(
        Box(kind=Kind.CARD, lines=(f"card {card}",), below=tuple(box for at, box in parts if _slot(at) == card))
        for card in cards
    )
    return Box(kind=Kind.NUMA, lines=("no NUMA node told" if numa is None else f"NUMA node {numa}",), below=below)


def _slot(address: Address) -> str:
    """The address without the function's number: what the functions of a card share."""
    return str(address).rpartition(".")[0] or str(address)


def _pf(nic: Nic, report: Report) -> Box:
    codes = sorted({found.code for found in report.findings if found.nic == nic.address and found.severity in _GRAVE})
    title = f"{nic.name}  {nic.address}" if nic.name else str(nic.address)
    lines = (
        title,
        report.models.get(nic.address) or f"{nic.vendor}:{nic.device}",
        f"driver {nic.kernel_driver or 'none'}, eswitch {nic.effective_mode}",
        _count(nic),
        *(f"used: {use.detail}" for use in nic.uses[:_MOST_USERS]),
        *((f"see {', '.join(codes)}",) if codes else ()),
    )
    return Box(kind=Kind.PF, lines=lines, below=tuple(_groups(nic)), grave=bool(codes))


def _count(nic: Nic) -> str:
    link = {True: "link up", False: "link down", None: "link unknown" if nic.name else "no netdev"}[nic.link_up]
    if nic.link_up and nic.carrier is False:
        link = "no carrier"
    return f"{counted(nic.num_vfs, 'VF')} of {nic.total_vfs}, {link}" if nic.total_vfs else f"no SR-IOV, {link}"


def _unserved(function: Function, reason: str) -> Box:
    ids = f"{function.vendor}:{function.device}"
    driver = f"driver {function.kernel_driver or 'none'}"
    return Box(kind=Kind.PF, lines=(str(function.address), ids, driver, f"served by nobody: {reason}"), grave=True)


def _groups(nic: Nic) -> Iterator[Box]:
    alike: dict[tuple[str, str, bool], list[Vf]] = {}
    for vf in nic.vfs:
        driver = "no kernel driver" if vf.kernel_driver is None else f"driver {vf.kernel_driver}"
        alike.setdefault((driver, vf.vdpa_type or "", bool(vf.used_by)), []).append(vf)
    for (driver, vdpa, used), vfs in alike.items():
        lines = [spans([vf.index for vf in vfs]), f"{driver}{f', vDPA {vdpa}' if vdpa else ''}"]
        if len(vfs) == 1:
            lines += [" ".join(filter(None, (str(vfs[0].address or ""), vfs[0].name)))]
        below = (_users(vf.used_by for vf in vfs if vf.used_by),) if used else ()
        yield Box(kind=Kind.VFS, lines=tuple(filter(None, lines)), below=below, grave=vfs[0].kernel_driver is None)


def _users(users: Iterable[str]) -> Box:
    names = list(dict.fromkeys(users))
    left = len(names) - _MOST_USERS
    more = (f"and {left} more",) if left > 0 else ()
    return Box(kind=Kind.USER, lines=(*names[:_MOST_USERS], *more))
