"""The file of a support bundle: an index and what was collected, in one archive. The same parts give the same bytes."""

import gzip
import io
import json
import os
import tarfile
from collections.abc import Mapping

import attrs
import click

from sriov_core import __version__
from sriov_core.errors import HostError

FOLDER = "sriov-core-support"
FORMAT = 1
LARGEST = 4_000_000
"""The most letters of one part; of a text the end is kept, data are left out whole."""
_MODE = 0o600


@attrs.frozen(kw_only=True)
class Bundle:
    """What was collected: file name to text, and file name to the reason for which there is none."""

    parts: Mapping[str, str] = attrs.field(factory=dict)
    missing: Mapping[str, str] = attrs.field(factory=dict)

    @property
    def index(self) -> str:
        """What is in the bundle, what is not and why: the text of ``index.json``."""
        content = {
            "format": FORMAT,
            "written_by": f"sriov-core {__version__}",
            "files": {name: len(self.parts[name].encode(errors="replace")) for name in sorted(self.parts)},
            "missing": dict(sorted(self.missing.items())),
            "read_with": f"sriov-core probe --host {FOLDER}.tar.gz",
        }
        return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def packed(bundle: Bundle) -> bytes:
    """The bytes of the .tar.gz; owners, times and order say nothing about the machine it was made on."""
    texts = {**bundle.parts, "index.json": bundle.index}
    archive = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=archive, mode="wb", filename="", mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for name in sorted(texts):
            data = texts[name].encode(errors="replace")
            entry = tarfile.TarInfo(f"{FOLDER}/{name}")
            entry.size, entry.mode = len(data), _MODE
            tar.addfile(entry, io.BytesIO(data))
    return archive.getvalue()


def write(path: str, data: bytes) -> None:
    """Write a new file that only its owner may read, ``-`` for the standard output; HostError says why not."""
    if path == "-":
        click.echo(data, nl=False)
        return
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _MODE), "wb") as file:
            file.write(data)
    except FileExistsError as err:
        raise HostError(f"{path} is there already, and is not overwritten. Name another file with --output") from err
    except OSError as err:
        raise HostError(f"cannot write {path}: {err.strerror}. Name another place with --output") from err
