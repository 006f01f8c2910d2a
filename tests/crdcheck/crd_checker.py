"""Build crdcheck, the API server's own judgement of definitions and objects as a program, and ask it.

The program is built once for its sources into the user's cache, beside its final place, and renamed at the end.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess  # noqa: TID251  # the compiler and the program itself
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
SOURCES = sorted([*HERE.glob("*.go"), HERE / "go.mod", HERE / "go.sum"])
# Pure Go without a C compiler, no other toolchain than the one that is there, and no look at the repository around.
BUILD = {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOWORK": "off", "GOFLAGS": "-mod=readonly -trimpath"}


class CannotBuild(Exception):
    """There is no program to ask, and why."""


def program() -> Path:
    """The program for the sources as they are now; built if it is not there, which takes one to three minutes."""
    digest = hashlib.sha256(b"".join(source.name.encode() + source.read_bytes() for source in SOURCES))
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sriov-core" / "crdcheck"
    path = cache / digest.hexdigest()[:16]
    with _only_one(cache):
        if not path.exists():
            _build(path)
            _forget_others(path)
    return path


def ask(definitions: Sequence[Any], requests: Sequence[Any]) -> dict[str, Any]:
    """What the server says of the definitions, and of each request; see main.go for both forms."""
    question = json.dumps({"definitions": list(definitions), "requests": list(requests)})
    done = subprocess.run([program()], input=question, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    reply: dict[str, Any] = json.loads(done.stdout)
    return reply


def _build(path: Path) -> None:
    go = shutil.which("go")
    if not go:
        raise CannotBuild("no Go is on PATH: `make crdcheck` brings its own, see tests/crdcheck/README.md")
    with tempfile.TemporaryDirectory(prefix="building-", dir=path.parent) as folder:
        made = Path(folder) / "crdcheck"
        argv = [go, "build", "-buildvcs=false", "-ldflags=-s -w", "-o", str(made), "."]
        environment = {**os.environ, **BUILD}
        done = subprocess.run(
            argv, cwd=HERE, env=environment, capture_output=True, text=True, timeout=1200, check=False
        )
        if done.returncode != 0:
            raise CannotBuild(f"go build failed:\n{done.stderr}")
        made.rename(path)


def _forget_others(path: Path) -> None:
    for other in path.parent.iterdir():
        if other.name not in (path.name, "lock"):
            shutil.rmtree(other) if other.is_dir() else other.unlink()


@contextmanager
def _only_one(cache: Path) -> Iterator[None]:
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # released by the kernel when this process ends, however it ends
        yield
