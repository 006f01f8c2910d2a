"""Objects as they come in a request, read like those of a file. Nothing here does I/O."""

import json
from typing import Any

import attrs

from sriov_core.api import documents
from sriov_core.api.documents import Document
from sriov_core.api.fault import Fault
from sriov_core.errors import SpecError

_SOURCE = "request"
_NONE = Document(source=_SOURCE, number=1)


def document_of(raw: Any) -> Document:
    """The object as a document, with every mistake as a fault; it never raises."""
    faults = unreadable(raw)
    if faults:
        return attrs.evolve(_NONE, faults=faults)
    try:
        found = documents.parse(json.dumps(raw, ensure_ascii=False), _SOURCE)
    except SpecError as err:
        return attrs.evolve(_NONE, faults=(Fault("", str(err).splitlines()[0], "Correct the object"),))
    if len(found) != 1 or found[0].path:
        return attrs.evolve(_NONE, faults=(Fault("kind", "found a List", "Give one object"),))
    return found[0]


def unreadable(raw: Any) -> tuple[Fault, ...]:
    """Why a value cannot be the content of an object at all; empty when it can."""
    try:
        json.dumps(raw, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return (Fault("", "half of a surrogate pair is no character", "Write the character itself, in UTF-8"),)
    except RecursionError:
        return (Fault("", "lists and mappings are nested too deep", "Flatten the object"),)
    except (TypeError, ValueError) as err:
        return (Fault("", f"it is no JSON: {err}", "Write it as YAML or JSON"),)
    return ()
