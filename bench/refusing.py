"""How long it takes to refuse texts that are built to exhaust whoever reads them."""

import time
from collections.abc import Iterator

from bench.figure import Figure
from sriov_core.api import documents
from sriov_core.errors import SpecError

LIMIT_S = 1.0


def figures() -> Iterator[Figure]:
    """A figure for each text; the floor is finding one byte in it, which takes a look at all of them."""
    for name, text in _texts():
        value = _seconds_to_refuse(name, text)
        began = time.perf_counter()
        text.find("\0")
        floor = time.perf_counter() - began
        detail = f"{name}, {len(text)} characters, refused with a message; the floor is searching the text"
        yield Figure(name=f"refuse-{name}", value=value, unit="s", limit=LIMIT_S, floor=floor, detail=detail)


def _seconds_to_refuse(name: str, text: str) -> float:
    began = time.perf_counter()
    try:
        documents.parse(text, name)
    except SpecError:
        return time.perf_counter() - began
    raise SystemExit(f"{name} was not refused")


def _texts() -> Iterator[tuple[str, str]]:
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]" for level in range(1, 9)]
    yield "aliases", "\n".join(levels)
    yield "deep-lists", "a: " + "[" * 9_000_000
    yield "deep-mappings", "{a: " * 2_000_000
    yield "deep-json", '{"a":' * 1_900_000
    yield "too-large", "a: b\n" * 4_000_000
