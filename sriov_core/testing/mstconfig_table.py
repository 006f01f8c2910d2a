"""What mstconfig prints: the opening of a device and its tables, in both layouts that releases of mstflint have.

Sources: mlxconfig/mlxcfg_ui.cpp of mstflint (printOpening, printConfHeader, printSingleParam). Columns of 16
characters are those of the older releases; columns of 20 and the mark ``RO`` came with 4.2x.
"""

from collections.abc import Collection, Iterator, Mapping

import attrs

from sriov_core.testing.facts import CardFacts, TableLayout

DIFFERS = "The '*' shows parameters with next value different from default/current value."
READ_ONLY = "\nThe 'RO' shows parameters which are for read only and cannot be changed"


@attrs.frozen(kw_only=True)
class _Layout:
    title: int
    name: int
    value: int
    default_at: int
    alone_at: int
    marks: bool


_LAYOUTS: Mapping[TableLayout, _Layout] = {
    "narrow": _Layout(title=16, name=36, value=16, default_at=36, alone_at=38, marks=False),
    "wide": _Layout(title=20, name=44, value=20, default_at=44, alone_at=46, marks=True),
}


def opening(card: CardFacts, device: str, number: int, table: TableLayout) -> str:
    """The lines about a device, before its table."""
    width = _LAYOUTS[table].title
    rows = (("Device type:", card.type), ("Name:", card.name), ("Description:", card.description), ("Device:", device))
    lines = [f"\nDevice #{number}:", "----------", "", *(f"{title:{width}}{text:{width}}" for title, text in rows)]
    return "\n".join((*lines, "", ""))


def queried(names: Collection[str], card: CardFacts, table: TableLayout, *, verbose: bool) -> str:
    """The table of a query; ``verbose`` (-e) shows the default and the current values too."""
    layout = _LAYOUTS[table]
    columns = [values(card, "next")]
    header = f"{'Configurations:':{layout.title}}{'Next Boot':>{layout.alone_at}}"
    if verbose:
        columns = [values(card, "default"), values(card, "current"), values(card, "next")]
        heads = f"{'Default':>{layout.default_at}}{'Current':>{layout.value}}{'Next Boot':>18}"
        header = f"{'Configurations:':{layout.title}}{heads}"
    lines = [header]
    differs = False
    for name in names:
        shown = [column[name] for column in columns]
        mark = "*" if len(set(shown)) > 1 and shown[-1] != "N/A" and set(shown) != {shown[-1]} else " "
        differs |= mark == "*"
        lines.append(_row(layout, name, shown, mark, read_only=name in card.read_only))
    lines += [DIFFERS] if differs else []
    lines += [READ_ONLY] if layout.marks and any(name in card.read_only for name in names) else []
    return "\n".join((*lines, ""))


def changed(new: Mapping[str, str], card: CardFacts, table: TableLayout) -> str:
    """The table that a set shows before it asks."""
    layout, found = _LAYOUTS[table], values(card, "next")
    header = f"{'Configurations:':{layout.title}}{'Next Boot':>{layout.alone_at}}       New"
    rows = (_row(layout, name, [found[name], value], " ", read_only=False) for name, value in new.items())
    return "\n".join((header, *rows, ""))


def values(card: CardFacts, column: str) -> dict[str, str]:
    """A column of the card's table; what it leaves out is as in the column before it."""
    found = dict(card.default)
    if column != "default":
        found |= card.current
    return found | card.next if column == "next" else found


def _row(layout: _Layout, name: str, shown: Collection[str], mark: str, *, read_only: bool) -> str:
    marks = f"{mark}{'RO' if read_only and layout.marks else '  '}"
    lead = f"{marks:{8 if layout.marks else 9}}"
    return f"{lead}{name:{layout.name}}{''.join(_cells(layout, shown))}"


def _cells(layout: _Layout, shown: Collection[str]) -> Iterator[str]:
    gap = ""
    for text in shown:
        cell = f"{text:{layout.value}}"
        yield f"{gap}{cell}"
        # Narrow columns are parted only where a value overflows; wide ones always.
        gap = " " if len(cell) > layout.value or layout.marks else ""
