"""The picture of a machine as SVG 1.1: five columns from NUMA node to user, rows below each other. Pure.

Neither scripts nor links nor anything to fetch; every text is escaped, so that no name can become markup.
"""

import html
from collections.abc import Iterator

import attrs

from sriov_core.cli.probepicture import Box, Kind, Picture

_FILL = {Kind.NUMA: "#e8eaf6", Kind.CARD: "#eceff1", Kind.PF: "#e3f2fd", Kind.VFS: "#e8f5e9", Kind.USER: "#fff8e1"}
# All in pixels; monospaced letters of size 12 and of the caption's size 14, in bold, are about that wide.
_TITLE_LETTER = 8.6
_LETTER, _LINE, _PAD, _GAP, _BETWEEN, _MARGIN, _TOP = 7.3, 16, 8, 10, 48, 16, 44


@attrs.frozen(kw_only=True)
class _Placed:
    """A box with its place; ``parent`` is the place of the one it hangs on."""

    box: Box
    y: int
    parent: "_Placed | None" = None

    @property
    def height(self) -> int:
        return len(self.box.lines) * _LINE + 2 * _PAD


def svg(picture: Picture) -> str:
    """The text of an .svg file, ending with a newline."""
    placed: list[_Placed] = []
    bottom = _TOP
    for box in picture.boxes:
        bottom = _place(box, bottom, None, placed) + _GAP
    widths = _widths(placed)
    lefts = _lefts(widths)
    ends = (lefts[kind] + widths[kind] for kind in Kind if widths[kind])
    width = max(round(len(picture.caption) * _TITLE_LETTER) + _MARGIN, *ends, 0) + _MARGIN
    height = bottom + _MARGIN
    caption = html.escape(picture.caption)
    size = f'width="{width}" height="{height}"'
    view = f'viewBox="0 0 {width} {height}" font-family="monospace" font-size="12"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {view}>',
        f"<title>{caption}</title>",
        f'<rect {size} fill="#ffffff"/>',
        f'<text x="{_MARGIN}" y="28" font-size="14" font-weight="bold" xml:space="preserve">{caption}</text>',
        *(_edge(one, one.parent, lefts, widths) for one in placed if one.parent),
    ]
    for one in placed:
        lines += _drawn(one, lefts[one.box.kind], widths[one.box.kind])
    return "\n".join([*lines, "</svg>", ""])


def _place(box: Box, y: int, parent: _Placed | None, placed: list[_Placed]) -> int:
    """Add the box at that height and everything below it; returns where they end."""
    own = _Placed(box=box, y=y, parent=parent)
    placed.append(own)
    end = y
    for number, below in enumerate(box.below):
        end = _place(below, end + (_GAP if number else 0), own, placed)
    return max(end, y + own.height)


def _widths(placed: list[_Placed]) -> dict[Kind, int]:
    """How wide each column is; 0 for one without boxes."""
    letters = dict.fromkeys(Kind, 0)
    for one in placed:
        letters[one.box.kind] = max(letters[one.box.kind], *map(len, one.box.lines))
    return {kind: round(count * _LETTER) + 2 * _PAD if count else 0 for kind, count in letters.items()}


def _lefts(widths: dict[Kind, int]) -> dict[Kind, int]:
    """Where each column begins; an empty one takes no room."""
    lefts: dict[Kind, int] = {}
    x = _MARGIN
    for kind in Kind:
        lefts[kind] = x
        x += widths[kind] + _BETWEEN if widths[kind] else 0
    return lefts


def _edge(one: _Placed, parent: _Placed, lefts: dict[Kind, int], widths: dict[Kind, int]) -> str:
    x1, x2 = lefts[parent.box.kind] + widths[parent.box.kind], lefts[one.box.kind]
    y1, y2, middle = parent.y + _PAD + _LINE // 2, one.y + _PAD + _LINE // 2, (x1 + x2) // 2
    path = f"M{x1} {y1} C{middle} {y1} {middle} {y2} {x2} {y2}"
    return f'<path d="{path}" fill="none" stroke="#90a4ae"/>'


def _drawn(one: _Placed, x: int, width: int) -> Iterator[str]:
    border = 'stroke="#c62828" stroke-width="2"' if one.box.grave else 'stroke="#546e7a"'
    yield (
        f'<rect x="{x}" y="{one.y}" width="{width}" height="{one.height}" rx="4" '
        f'fill="{_FILL[one.box.kind]}" {border}/>'
    )
    for number, line in enumerate(one.box.lines):
        weight = "" if number else ' font-weight="bold"'
        y = one.y + _PAD + number * _LINE + 12
        yield f'<text x="{x + _PAD}" y="{y}"{weight} xml:space="preserve">{html.escape(line)}</text>'
