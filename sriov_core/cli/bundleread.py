"""Reads the machine out of a support bundle that somebody sent. Nothing is unpacked, and nothing in it is believed.

The archive may be foreign, damaged or made to do harm: what is decompressed is bounded, members are looked for by name
only, and no name in it becomes a path.
"""

import gzip
import io
import json
import tarfile
import zlib
from collections.abc import Mapping

from sriov_core.cli.bundlefile import FOLDER
from sriov_core.errors import SpecError

LARGEST_BYTES = 100_000_000
"""Of the whole bundle, decompressed; one has fifteen parts of four million letters at the most, and mostly some KB."""
_MOST_MEMBERS = 1000
_MAGIC = b"\x1f\x8b"
"""How a gzip file begins (RFC 1952, section 2.3.1)."""
_WANTED = "--host takes the file that `support-bundle` wrote, as it is"
_CAPTURE, _INDEX = f"{FOLDER}/capture.json", f"{FOLDER}/index.json"
_DAMAGE = (tarfile.TarError, OSError, EOFError, ValueError, zlib.error, RecursionError)
"""What gzip and tarfile raise for bytes that are not what they seem; headers within headers end a recursion."""


def is_compressed(data: bytes) -> bool:
    """Whether these bytes may be a bundle: no text begins like this."""
    return data.startswith(_MAGIC)


def capture_in(data: bytes, called: str) -> str:
    """The text of the bundle's capture; SpecError, with the file as ``called``, for any other archive."""
    try:
        parts = _members(_decompressed(data))
        capture = parts[_CAPTURE].decode() if _CAPTURE in parts else None
        why = _reason(parts.get(_INDEX))
    except _DAMAGE as err:
        raise SpecError(f"{called} is compressed and no sound archive: {err or type(err).__name__}. {_WANTED}") from err
    if capture is not None:
        return capture
    if why is None:
        raise SpecError(f"{called} is an archive and no support bundle: {_CAPTURE} is not in it. {_WANTED}")
    raise SpecError(f"{called} is a support bundle without a capture: {why}. Look into its probe.json")


def _decompressed(data: bytes) -> bytes:
    with gzip.GzipFile(fileobj=io.BytesIO(data)) as compressed:
        archive = compressed.read(LARGEST_BYTES + 1)
    if len(archive) > LARGEST_BYTES:
        raise OSError(f"it unpacks to more than {LARGEST_BYTES // 1_000_000} MB")
    return archive


def _members(archive: bytes) -> Mapping[str, bytes]:
    """The capture and the index, those that are there as plain files; the first of a name counts.

    Only headers of one block are looked at, as we write them: what tarfile makes of extended ones has no bounds.
    """
    found: dict[str, bytes] = {}
    at = seen = 0
    while len(found) < 2 and any(header := archive[at : at + tarfile.BLOCKSIZE]):
        member = tarfile.TarInfo.frombuf(header, "utf-8", "surrogateescape")
        at, seen = at + tarfile.BLOCKSIZE, seen + 1
        if member.size < 0 or at + member.size > len(archive):
            raise tarfile.ReadError("it ends in the middle of a file")
        if seen > _MOST_MEMBERS:
            raise tarfile.ReadError(f"it has more than {_MOST_MEMBERS} files")
        if member.name in (_CAPTURE, _INDEX) and member.type in (tarfile.REGTYPE, tarfile.AREGTYPE):
            found.setdefault(member.name, archive[at : at + member.size])
        at += -(-member.size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE
    return found


def _reason(index: bytes | None) -> str | None:
    """Why the bundle's own index says that there is no capture; None when it is no such index."""
    content = json.loads(index) if index is not None else None
    missing = content.get("missing") if isinstance(content, dict) else None
    reason = missing.get("capture.json") if isinstance(missing, dict) else None
    return reason if isinstance(reason, str) else None
