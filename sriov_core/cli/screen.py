"""What a verb says and where: text, tables and colour on a terminal, plain lines in a pipe, JSON or YAML on request."""

import enum
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import attrs
import click


class Format(enum.StrEnum):
    """The values of ``-o``."""

    TEXT = "text"
    JSON = "json"
    YAML = "yaml"


class Tone(enum.StrEnum):
    """How a line is meant; colour is chosen from it and never carries meaning alone."""

    PLAIN = ""
    STRONG = "bold"
    FAIL = "bold red"
    WARN = "yellow"
    ADVICE = "cyan"
    UNKNOWN = "magenta"
    GOOD = "green"


@attrs.frozen
class Line:
    """One line of text."""

    text: str = ""
    tone: Tone = Tone.PLAIN


@attrs.frozen
class Table:
    """Rows below column titles; a cell is one line."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


Block = Line | Table


@attrs.define
class Session:
    """One run of the program: how its results are to be shown, known as soon as the options are parsed."""

    format: Format = Format.TEXT
    no_color: bool = False

    @property
    def is_text(self) -> bool:
        """True when people read the output."""
        return self.format is Format.TEXT

    @property
    def is_rich(self) -> bool:
        """True when the output goes to a terminal that may get tables and colour."""
        return self.is_text and not self.no_color and sys.stdout.isatty()

    def show(self, text: Callable[[], Iterable[Block]], data: Callable[[], Any]) -> None:
        """Print a result in the asked format; only what is asked for is computed."""
        if self.format is Format.JSON:
            click.echo(json.dumps(data(), indent=2, ensure_ascii=False))
        elif self.format is Format.YAML:
            import yaml  # noqa: PLC0415  # slow to import

            click.echo(yaml.safe_dump(data(), sort_keys=False, allow_unicode=True), nl=False)
        elif self.is_rich:
            _print_rich(text())
        else:
            click.echo("\n".join(plain(text())))

    def say(self, *blocks: Block) -> None:
        """Print something for people; programs that asked for JSON or YAML do not get it."""
        if self.is_text:
            self.show(lambda: blocks, dict)

    def data_line(self, data: Any) -> None:
        """Print one JSON object on one line, as a stream of events does; only with ``-o json``."""
        if self.format is Format.JSON:
            click.echo(json.dumps(data, ensure_ascii=False))

    def note(self, text: str) -> None:
        """Tell something on the standard error that is no error."""
        if self.is_text:
            click.echo(f"note: {printable(text)}", err=True)
        else:
            click.echo(json.dumps({"note": text}, ensure_ascii=False), err=True)

    def error(self, text: str) -> None:
        """Tell an error on the standard error: a line for each mistake, or one JSON object."""
        if self.is_text:
            for line in text.splitlines():
                click.echo(f"error: {printable(line)}", err=True)
        else:
            click.echo(json.dumps({"error": text}, ensure_ascii=False), err=True)


def plain(blocks: Iterable[Block]) -> Iterator[str]:
    """The blocks as lines without colour, tables as aligned columns."""
    for block in blocks:
        if isinstance(block, Line):
            yield printable(block.text)
        else:
            yield from _aligned((block.columns, *block.rows))


def printable(text: str) -> str:
    """The text without characters that steer a terminal: names and errors come from files and devices."""
    return text if text.isprintable() else "".join(char if char.isprintable() else "?" for char in text)


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    shown = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    for row in shown:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _print_rich(blocks: Iterable[Block]) -> None:
    from rich import box, console, table, text  # noqa: PLC0415  # slow to import, for terminals only

    screen = console.Console(highlight=False)
    for block in blocks:
        if isinstance(block, Line):
            screen.print(text.Text(printable(block.text), style=block.tone.value), soft_wrap=True)
        elif max(map(len, _aligned((block.columns, *block.rows)))) + 2 * len(block.columns) > screen.width:
            screen.print("\n".join(stacked(block)), soft_wrap=True, markup=False)
        else:
            grid = table.Table(*block.columns, box=box.SIMPLE_HEAD, padding=(0, 2, 0, 0), header_style="bold")
            for row in block.rows:
                grid.add_row(*(text.Text(printable(cell)) for cell in row))
            screen.print(grid)


def stacked(table: Table) -> Iterator[str]:
    """A table that is too wide for the screen: a paragraph for each row, cells without content left out."""
    width = max(map(len, table.columns))
    for row in table.rows:
        yield printable(row[0])
        for column, cell in zip(table.columns[1:], row[1:], strict=True):
            if cell not in ("", "-"):
                yield f"  {column.lower().ljust(width)}  {printable(cell)}"
