"""The code blocks and headings of the project's documents."""

import re
from collections.abc import Iterator
from pathlib import Path

import attrs

_FENCE = re.compile(r"^(?P<fence>```+)(?P<info>[^\n`]*)\n(?P<text>.*?)^(?P=fence)$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#+ (?P<text>.+?)\s*$", re.MULTILINE)


@attrs.frozen
class Block:
    """A fenced block: its language, the words after it, its text and the line where it opens."""

    language: str
    words: tuple[str, ...]
    text: str
    line: int

    @property
    def file(self) -> str | None:
        """The file that the block is the content of (``file=NAME``)."""
        return next((word.removeprefix("file=") for word in self.words if word.startswith("file=")), None)


def blocks(path: Path) -> Iterator[Block]:
    """Every fenced block, in order."""
    text = path.read_text()
    for match in _FENCE.finditer(text):
        language, *words = match["info"].split() or [""]
        yield Block(language, tuple(words), match["text"], text.count("\n", 0, match.start()) + 1)


def headings(path: Path) -> list[str]:
    """The text of each heading, without the marks of code; what stands in a fenced block is none."""
    return [match["text"].strip("`") for match in _HEADING.finditer(_FENCE.sub("", path.read_text()))]
