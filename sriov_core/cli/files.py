"""``-f``: the documents in the files that the user named; ``-`` is the standard input."""

from collections.abc import Callable, Sequence

import attrs

from sriov_core.admission.mutation import mutated
from sriov_core.admission.reading import document_of, unreadable
from sriov_core.api import documents
from sriov_core.api.documents import Document
from sriov_core.api.nodepolicy import NodePolicy
from sriov_core.cli.simulation import read_text
from sriov_core.errors import SpecError

Reader = Callable[[str, str], tuple[Document, ...]]


def documents_in(files: Sequence[str], reader: Reader = documents.read) -> tuple[Document, ...]:
    """Every document of every file, in order; SpecError or HostError with a line for each mistake.

    ``reader`` is `documents.read`, which raises for faults, or `documents.parse`, which leaves them in the documents.
    Policies are as a cluster stores them: one that was not in a cluster yet has what admission adds to it.
    """
    if len(set(files)) < len(files):
        twice = next(name for name in files if files.count(name) > 1)
        raise SpecError(f"-f {twice} is given twice")
    return tuple(
        _as_stored(document)
        for name in files
        for document in reader(read_text(name), "standard input" if name == "-" else name)
    )


def _as_stored(document: Document) -> Document:
    body = document.body
    if not isinstance(body, NodePolicy) or body.metadata.uid or unreadable(document.raw):
        return document
    raw = mutated(document.raw)
    return attrs.evolve(document, raw=raw, body=document_of(raw).body)
