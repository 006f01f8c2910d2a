"""Fetch and unpack Debian packages with apt state of our own: nothing on this machine is installed or changed.

The mirror is the one this machine is configured for; only the backports suite is added, in a private list of sources.
"""

import os
import re
import shutil
import subprocess  # noqa: TID251  # the packages' tools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

SUITE = "bookworm"
BACKPORTS = "bookworm-backports"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


class LabError(Exception):
    """The lab cannot be built or driven; the text says what was tried, what came of it and what to do."""


def call(argv: Sequence[str], *, timeout_s: float, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    """Run a program to its end and return its standard output; anything else than success is a LabError."""
    try:
        done = subprocess.run(
            argv,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as err:
        raise LabError(f"{argv[0]} did not run: {err}") from err
    if done.returncode:
        raise LabError(f"{' '.join(argv)} failed with {done.returncode}:\n{(done.stdout + done.stderr)[-3000:]}")
    return done.stdout


@dataclass(frozen=True)
class Apt:
    """apt with its own sources, lists and package database below `state`; downloads are kept in `store`.

    The package database is empty, so a resolved set is complete: it runs without any library of this machine.
    """

    state: Path
    store: Path

    def resolve(self, wanted: Iterable[str]) -> dict[str, str]:
        """The packages, name to version, that `wanted` needs; an entry of `wanted` may say its suite: name/suite."""
        text = self._apt("install", "--simulate", "--no-install-recommends", *wanted)
        return dict(re.findall(r"^Inst (\S+) \((\S+) ", text, re.MULTILINE))

    def fetch(self, packages: dict[str, str]) -> list[Path]:
        """The .deb files of `packages`, taken from the store or the mirror; apt checks the signatures and sums."""
        self.store.mkdir(parents=True, exist_ok=True)
        missing = [f"{name}={version}" for name, version in packages.items() if not self._stored(name, version)]
        if missing:
            incoming = self.state / "incoming"
            shutil.rmtree(incoming, ignore_errors=True)
            incoming.mkdir()
            self._apt("download", *missing, cwd=incoming)
            for deb in incoming.iterdir():
                deb.replace(self.store / deb.name)
        found = [self._stored(name, version) for name, version in packages.items()]
        if not all(found):
            raise LabError(f"apt-get download did not leave all of {' '.join(missing)} in {self.store}")
        return [deb for deb in found if deb]

    def _stored(self, name: str, version: str) -> Path | None:
        pattern = f"{name}_{version.replace(':', '%3a')}_*.deb"
        return next(iter(self.store.glob(pattern)), None)

    def update(self) -> None:
        """Learn the machine's mirror and fetch the lists of its release and of the backports."""
        for part in ("lists/partial", "cache/archives/partial"):
            (self.state / part).mkdir(parents=True, exist_ok=True)
        (self.state / "status").touch()
        self._apt("update", sources=None)
        shown = self._apt("indextargets", "--format", "$(REPO_URI) $(RELEASE)", "Created-By: Packages", sources=None)
        mirrors = [uri for uri, _, suite in (line.partition(" ") for line in shown.splitlines()) if suite == SUITE]
        if not mirrors:
            raise LabError(
                f"this machine's apt sources have no {SUITE}: {shown!r}; the lab is made of Debian 12's packages"
            )
        lines = [f"deb [signed-by={KEYRING}] {mirrors[0]} {suite} main\n" for suite in (SUITE, BACKPORTS)]
        (self.state / "sources.list").write_text("".join(lines))
        self._apt("update")

    def _apt(self, *arguments: str, sources: str | None = "sources.list", cwd: Path | None = None) -> str:
        options = {
            "Dir::State::lists": self.state / "lists",
            "Dir::State::status": self.state / "status",
            "Dir::Cache": self.state / "cache",
            "APT::Sandbox::User": "root" if os.geteuid() == 0 else "",
            "APT::Default-Release": SUITE,
            "APT::Install-Recommends": "false",
            "Acquire::Retries": "3",
            "Dir::Etc::preferencesparts": "/dev/null",
            "Dir::Etc::preferences": "/dev/null",
        }
        if sources:
            options |= {"Dir::Etc::sourcelist": self.state / sources, "Dir::Etc::sourceparts": "/dev/null"}
        else:
            del options["APT::Default-Release"]
        flags = [part for key, value in options.items() for part in ("-o", f"{key}={value}")]
        return call(["apt-get", "-q", *flags, *arguments], timeout_s=900, cwd=cwd, env={**os.environ, "LC_ALL": "C"})


def unpack(debs: Iterable[Path], root: Path) -> None:
    """Unpack packages below `root`, which has the merged /usr of a Debian 12; no maintainer script runs."""
    for name in ("bin", "sbin", "lib", "lib64"):
        (root / "usr" / name).mkdir(parents=True, exist_ok=True)
        if not (root / name).is_symlink():
            (root / name).symlink_to(f"usr/{name}")
    for deb in debs:
        with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(deb)], stdout=subprocess.PIPE) as reader:
            tar = ["tar", "-x", "--keep-directory-symlink", "--no-same-owner", "-C", str(root)]
            rc = subprocess.run(tar, stdin=reader.stdout, timeout=300, check=False).returncode
        if rc or reader.returncode:
            raise LabError(f"{deb} could not be unpacked below {root}")


@dataclass(frozen=True)
class Root:
    """Programs unpacked below `path`, run on this machine with their own loader and libraries."""

    path: Path

    def argv(self, program: str, *arguments: str, argv0: str | None = None) -> list[str]:
        loader = self.path / "lib64/ld-linux-x86-64.so.2"
        libraries = ":".join(str(self.path / part) for part in ("usr/lib/x86_64-linux-gnu", "usr/lib"))
        name = ["--argv0", argv0] if argv0 else []
        return [str(loader), "--library-path", libraries, *name, str(self.path / program), *arguments]

    def call(self, program: str, *arguments: str, argv0: str | None = None, timeout_s: float = 300) -> str:
        return call(self.argv(program, *arguments, argv0=argv0), timeout_s=timeout_s)
