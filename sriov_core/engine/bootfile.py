"""The boot file: the wish for this node as the two phases of a boot read it, in the wire form of a node state's spec.

    {"format": 1, "written_by": "sriov-core 0.1.0", "generation": "sha256:...", "spec": {"interfaces": [...], ...}}

``generation`` is the SHA-256 of the spec's JSON without blanks and with sorted keys: it names the wish, and shows a
file that was damaged. Whatever the file names counts as named by the wish.
"""

import hashlib
from typing import Any

import attrs
import msgspec

from sriov_core import __version__
from sriov_core.api import documents
from sriov_core.api.nodestate import NodeState
from sriov_core.api.wire import API_VERSION
from sriov_core.errors import HostError, SpecError
from sriov_core.model.desired import NodeSpec
from sriov_core.policy.nodestate import from_spec, to_spec

FORMAT = 1
WRITTEN_BY = f"sriov-core {__version__}"
_BESIDE_NICS = ("rdma_mode", "bridges", "restore_rdma_mode")
_REMEDY = "Write it anew with `sriov-core install-units -f FILE`"


@attrs.frozen(kw_only=True)
class BootFile:
    """What a boot file holds."""

    spec: NodeSpec
    generation: str
    written_by: str


class _Content(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    format: int
    written_by: str
    generation: str
    spec: dict[str, Any]


def encode(spec: NodeSpec) -> str:
    """The text of the boot file for a wish; the same wish gives the same text. SpecError when it cannot hold it."""
    wish = msgspec.to_builtins(from_spec(spec))
    kept = _spec(wish, "the wish")
    lost = [name for name in _BESIDE_NICS if getattr(kept, name) != getattr(spec, name)]
    if lost:
        remedy = "Install a wish without that"
        raise SpecError(f"a boot file cannot hold all of this wish: {', '.join(lost)} would be lost. {remedy}")
    content = _Content(format=FORMAT, written_by=WRITTEN_BY, generation=_generation(wish), spec=wish)
    return msgspec.json.format(msgspec.json.encode(content), indent=2).decode() + "\n"


def read(path: str) -> BootFile:
    """The boot file at a path. HostError when it cannot be read, SpecError when it is not as `encode` writes it."""
    try:
        with open(path, "rb") as file:
            data = file.read(documents.LARGEST_BYTES + 1)
    except FileNotFoundError as err:
        raise HostError(f"there is no boot file {path}. {_REMEDY}") from err
    except OSError as err:
        raise HostError(f"cannot read the boot file {path}: {err.strerror}. {_REMEDY}") from err
    return decode(data, path)


def decode(data: bytes, path: str) -> BootFile:
    """The boot file in these bytes; ``path`` is what messages call it. SpecError for any that is not whole."""
    content = _content(data, path)
    found = _generation(content.spec)
    if content.generation != found:
        text = "its spec is not the one that it was written with: somebody changed it, or it is damaged"
        raise SpecError(f"the boot file {path} is not whole: {text}. {_REMEDY}")
    try:
        return BootFile(spec=_spec(content.spec, path), generation=found, written_by=content.written_by)
    except SpecError as err:
        raise SpecError(f"{err}\nthe boot file {path} holds no wish that can be read. {_REMEDY}") from err


def _content(data: bytes, path: str) -> _Content:
    try:
        version = msgspec.json.decode(data, type=dict[str, Any]).get("format")
        if version == FORMAT:
            return msgspec.json.decode(data, type=_Content)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as err:
        raise SpecError(f"the boot file {path} is damaged: {err}. {_REMEDY}") from err
    text = f"its format is {version!r}, this {WRITTEN_BY} reads {FORMAT}"
    raise SpecError(f"the boot file {path} is of another version: {text}. {_REMEDY}")


def _spec(wish: dict[str, Any], path: str) -> NodeSpec:
    """The wish, read as strictly as a manifest: a field that nobody knows is an error."""
    state = {"apiVersion": API_VERSION, "kind": "SriovNetworkNodeState", "metadata": {"name": path}, "spec": wish}
    (document,) = documents.read(msgspec.json.encode(state).decode(), path)
    if not isinstance(document.body, NodeState):
        raise SpecError(f"{path}: the spec is no node state's")
    return to_spec(document.body)


def _generation(wish: dict[str, Any]) -> str:
    return f"sha256:{hashlib.sha256(msgspec.json.encode(wish, order='sorted')).hexdigest()}"
