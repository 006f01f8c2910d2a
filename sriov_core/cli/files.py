"""``-f``: the documents in the files that the user named; ``-`` is the standard input."""

from collections.abc import Callable, Sequence

from sriov_core.api import documents
from sriov_core.api.documents import Document
from sriov_core.cli.simulation import read_text
from sriov_core.errors import SpecError

Reader = Callable[[str, str], tuple[Document, ...]]


def documents_in(files: Sequence[str], reader: Reader = documents.read) -> tuple[Document, ...]:
    """Every document of every file, in order; SpecError or HostError with a line for each mistake.

    ``reader`` is `documents.read`, which raises for faults, or `documents.parse`, which leaves them in the documents.
    """
    if len(set(files)) < len(files):
        twice = next(name for name in files if files.count(name) > 1)
        raise SpecError(f"-f {twice} is given twice")
    return tuple(
        document for name in files for document in reader(read_text(name), "standard input" if name == "-" else name)
    )
