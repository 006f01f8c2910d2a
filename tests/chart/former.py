"""The chart that people have installed before this one: the last of the history that is not as the present one."""

import io
import os
import subprocess  # noqa: TID251  # git
import tarfile
import warnings
from pathlib import Path

import attrs
import pytest
from helm import CHART

ROOT = CHART.parent.parent
PLACE = str(CHART.relative_to(ROOT))
GIT_S = 60


@attrs.frozen
class Former:
    """Where it is unpacked, and which commit it is of; none when the present one stands for it."""

    chart: Path
    commit: str


def former(into: Path, repository: Path = ROOT) -> Former:
    """That of HEAD when the present one differs from it, else the one that the last change of the chart replaced.

    A clone without history, or no clone, has neither: then the present one stands for it, which is told by a warning,
    and is a failure under CI=true.
    """
    commit = _commit(repository)
    if not commit:
        said = f"the history has no other {PLACE}, so that an upgrade is tried from the present chart to itself only"
        if os.environ.get("CI") == "true":
            pytest.fail(f"{said}. Clone with the whole history", pytrace=False)
        warnings.warn(said, stacklevel=2)
        return Former(CHART, "")
    packed = _git(repository, "archive", commit, PLACE)
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as opened:
        opened.extraction_filter = getattr(tarfile, "data_filter", None)  # since Python 3.11.4
        opened.extractall(into)
    return Former(into / PLACE, commit)


def _commit(repository: Path) -> str:
    """Empty when there is none, or none of git's."""
    status = _git(repository, "status", "--porcelain", "--", PLACE)
    if status.returncode:
        return ""
    if status.stdout:
        return _text(repository, "rev-parse", "HEAD")
    changed = _text(repository, "log", "-1", "--format=%H", "--", PLACE)
    there = _git(repository, "cat-file", "-e", f"{changed}^:{PLACE}/Chart.yaml")
    return "" if there.returncode else _text(repository, "rev-parse", f"{changed}^")


def _text(repository: Path, *arguments: str) -> str:
    return _git(repository, *arguments).stdout.decode().strip()


def _git(repository: Path, *arguments: str) -> "subprocess.CompletedProcess[bytes]":
    """Whoever the clone belongs to, as in the check of a commit."""
    argv = ["git", "-c", "safe.directory=*", "-C", str(repository), *arguments]
    try:
        return subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=GIT_S, check=False)
    except FileNotFoundError:
        return subprocess.CompletedProcess(argv, 127, b"", b"")
