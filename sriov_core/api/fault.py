"""What is wrong with one field of a document: where, what was found and wanted, what to do. Nothing here does I/O."""

from typing import Any

import attrs

_LONGEST = 60


@attrs.frozen
class Fault:
    """One mistake: ``path`` is the field (empty for the whole document), ``text`` says found and wanted."""

    path: str
    text: str
    remedy: str

    def __str__(self) -> str:
        where = f"{self.path}: " if self.path else ""
        return f"{where}{self.text}. {self.remedy}"


def join(prefix: str, path: str) -> str:
    """Two parts of a field path as one: ``spec`` and ``numVfs`` give ``spec.numVfs``."""
    return f"{prefix}.{path}" if prefix and path else prefix or path


def shown(value: Any) -> str:
    """A value for a message: short, quoted when it is text, and without characters that steer a terminal."""
    text = repr(str(value)) if isinstance(value, str) else str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def legible(word: str) -> str:
    """A name as it is; shortened or quoted when it is too long or could steer a terminal."""
    return word if word.isprintable() and len(word) <= _LONGEST else shown(word)
