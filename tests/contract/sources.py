"""The project's files as the contract tests read them: what git knows or would add, and Python as a syntax tree."""

import ast
import subprocess  # noqa: TID251  # git knows which files are the project's
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PRODUCT = ("sriov_core", "sriov_plugins", "operator/sriov_operator")


@cache
def tracked() -> tuple[Path, ...]:
    """Every file of the project, below ROOT; what .gitignore names is none."""
    # A clone that belongs to another user (a container, CI) is still ours to read.
    git = ("git", "-C", str(ROOT), "-c", "safe.directory=*")
    argv = [*git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60).stdout
    paths = (ROOT / name for name in sorted(set(listed.split("\0"))) if name)
    return tuple(path for path in paths if path.is_file())


def python_files(*folders: str) -> Iterator[Path]:
    """The Python files of the project, all of them or those below the folders."""
    for path in tracked():
        if path.suffix == ".py" and (not folders or any(path.is_relative_to(ROOT / folder) for folder in folders)):
            yield path


def parsed(path: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(path.read_text(), filename=str(path))


def shown(path: Path) -> str:
    """The path as a person names it."""
    return str(path.relative_to(ROOT))
