"""A table as a value: what a screen draws and a program reads as a list of objects. No I/O."""

from typing import Any

import attrs

Cell = str | int
LONGEST = 60
"""How much people see of a sentence in a cell; findings and `explain` have all of it."""
NONE = "-"
"""What a cell without content holds."""


@attrs.frozen(kw_only=True)
class Grid:
    """Rows below column titles; a cell is one line.

    ``title`` stands above, ``empty`` in the place of no rows. People see ``longest`` characters of a cell at most, when
    that is not 0; programs get all of it.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...] = ()
    empty: str = "none"
    longest: int = 0

    def shown(self) -> tuple[tuple[str, ...], ...]:
        """The rows as people see them."""
        return tuple(tuple(self._cell(cell) for cell in row) for row in self.rows)

    def data(self) -> list[dict[str, Any]]:
        """A mapping for each row; keys are the titles in lower case with ``_`` for blanks, null is no content."""
        keys = [title.lower().replace(" ", "_") for title in self.columns]
        return [dict(zip(keys, (None if cell == NONE else cell for cell in row), strict=True)) for row in self.rows]

    def _cell(self, cell: Cell) -> str:
        return shortened(str(cell), self.longest) if self.longest else str(cell)


def shortened(text: str, longest: int) -> str:
    """One line of at most that many characters."""
    line = " ".join(text.split())
    return line if len(line) <= longest else f"{line[: longest - 3]}..."
