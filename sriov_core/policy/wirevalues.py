"""Reads single values of a node state: addresses and words, with their faults. Nothing here does I/O."""

import enum
from collections.abc import Iterable, Iterator
from typing import TypeVar

from sriov_core.api.fault import Fault, shown
from sriov_core.api.nodestate import NodeState
from sriov_core.errors import SpecError
from sriov_core.model.address import Address

Word = TypeVar("Word", bound=enum.StrEnum)


def refuse(state: NodeState, faults: Iterable[Fault]) -> None:
    """Raise SpecError with a line for each fault of a node state, if there are any."""
    lines = [f"node state {state.metadata.name}: {fault}" for fault in faults]
    if lines:
        raise SpecError("\n".join(lines))


def address_faults(text: str, path: str) -> Iterator[Fault]:
    """The fault of a text that is no device address."""
    try:
        Address.parse(text)
    except ValueError:
        yield Fault(path, f"{shown(text)} is no PCI address", "Write it as in 0000:3b:00.0")


def repeated_addresses(texts: Iterable[str], path: str) -> Iterator[Fault]:
    """The faults of addresses, given as texts of a list at ``path``, that stand there more than once."""
    first: dict[str, int] = {}
    for position, text in enumerate(texts):
        earlier = first.setdefault(text.strip().lower(), position)
        if earlier != position:
            yield Fault(
                f"{path}[{position}].pciAddress",
                f"{shown(text)} is given in {path}[{earlier}] too",
                "Remove one of them",
            )


def word_faults(text: str, words: type[enum.StrEnum], path: str) -> Iterator[Fault]:
    """The fault of a text that is none of the words, in whatever case; empty stands for "not given"."""
    if text and word(text, words) is None:
        yield Fault(path, f"found {shown(text)}, wanted one of {', '.join(words)}", "Write one of them")


def word(text: str, words: type[Word]) -> Word | None:
    """The word that the text is, in whatever case; None for an empty text and for one that is none of them."""
    return next((member for member in words if member.value.casefold() == text.casefold()), None)
