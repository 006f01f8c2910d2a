"""The programs of a Kubernetes control plane for tests: found where they are, built once into the cache where not.

In this order: the folder that KUBEBUILDER_ASSETS names, PATH, the cache, a build of ./apiserver by the Go that is on
PATH, and at last Kubernetes 1.20.2 of Debian's source package (servers_debian.py). A build is made beside its final
place and renamed at the end, so one that was killed leaves nothing that a later one could take for whole.
"""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess  # noqa: TID251  # the compiler, and the programs asked for their version
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import attrs
import servers_debian
from servers_debian import CannotRun

SOURCES = Path(__file__).resolve().parent / "apiserver"
PACKAGES = {"kube-apiserver": ".", "kube-controller-manager": "./cmd/kube-controller-manager"}
BUILD_S = 2400
# Pure Go without a C compiler, no other toolchain than the one that is there, and no look at the repository around.
BUILD = {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOWORK": "off", "GOFLAGS": "-mod=readonly -trimpath"}
ETCD = "etcd"


@attrs.frozen(kw_only=True)
class Binaries:
    """The programs, and the version of Kubernetes: ``1.36.3``."""

    kube_apiserver: Path
    etcd: Path
    kube_controller_manager: Path | None
    version: str
    lacking: str = ""
    """Why it is not the version that apiserver/go.mod names, when it is built here."""

    def at_least(self, major: int, minor: int) -> bool:
        """True for this version of Kubernetes and later ones."""
        found = [int(part) for part in self.version.split(".")[:2]]
        return found >= [major, minor]


def binaries(environment: Mapping[str, str] = os.environ) -> Binaries:
    """The programs; a first build takes minutes. CannotRun says what is missing when they cannot be had."""
    places = Places(environment)
    apiserver, manager, lacking = _kubernetes(places)
    version = version_of(apiserver)
    etcd = _etcd(places)
    return Binaries(
        kube_apiserver=apiserver, etcd=etcd, kube_controller_manager=manager, version=version, lacking=lacking
    )


@attrs.frozen
class Places:
    """Where an environment says that programs are."""

    environment: Mapping[str, str]

    @property
    def assets(self) -> Path | None:
        """The folder of programs that somebody else built."""
        named = self.environment.get("KUBEBUILDER_ASSETS")
        return Path(named) if named else None

    @property
    def cache(self) -> Path:
        """Where those are kept that are built here."""
        named = self.environment.get("XDG_CACHE_HOME")
        return (Path(named) if named else Path.home() / ".cache") / "sriov-core" / "cluster"

    def on_path(self, name: str) -> Path | None:
        """The program of this name."""
        found = shutil.which(name, path=self.environment.get("PATH", os.defpath))
        return Path(found) if found else None


def version_of(program: Path) -> str:
    """What a program of Kubernetes says with ``--version``: ``1.36.3``."""
    said = run([str(program), "--version"], timeout_s=60)
    found = re.search(r"Kubernetes v(\d+\.\d+\S*)", said)
    if not found:
        raise CannotRun(f"{program} --version says {said!r}, which names no version of Kubernetes")
    return found[1]


@contextmanager
def only_one(lock: Path) -> Iterator[None]:
    """One process at a time; the others wait."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)  # released by the kernel when this process ends, however it ends
        yield


def run(argv: list[str], *, timeout_s: float, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> str:
    """What a program prints; anything else than success is CannotRun."""
    try:
        done = subprocess.run(argv, cwd=cwd, env=env, capture_output=True, text=True, timeout=timeout_s, check=False)
    except (OSError, subprocess.TimeoutExpired) as err:
        raise CannotRun(f"{argv[0]} did not run: {err}") from err
    if done.returncode != 0:
        raise CannotRun(f"{' '.join(argv)} failed with {done.returncode}:\n{(done.stdout + done.stderr)[-3000:]}")
    return done.stdout


def _kubernetes(places: Places) -> tuple[Path, Path | None, str]:
    if places.assets:
        apiserver = places.assets / "kube-apiserver"
        if not os.access(apiserver, os.X_OK):
            raise CannotRun(f"KUBEBUILDER_ASSETS names {places.assets}, which holds no kube-apiserver: unset it")
    else:
        found = places.on_path("kube-apiserver")
        if not found:
            return _built(places)
        apiserver = found
    manager = apiserver.with_name("kube-controller-manager")
    return apiserver, manager if os.access(manager, os.X_OK) else None, ""


def _built(places: Places) -> tuple[Path, Path | None, str]:
    """Both programs out of the cache, and why they are not the newest ones."""
    name = _sources_name()
    lacking = "" if (places.cache / name).is_dir() else _what_go_lacks(places)
    if not lacking:
        folder = kept(places.cache / name, partial(_build_with_go, places))
    else:
        try:
            folder = kept(places.cache / servers_debian.NAME, partial(servers_debian.build, work=places.cache))
        except CannotRun as err:
            raise CannotRun(f"no kube-apiserver is on PATH, and none can be built: {lacking}; {err}") from None
    return folder / "kube-apiserver", folder / "kube-controller-manager", lacking


def kept(folder: Path, build: Callable[[Path], None]) -> Path:
    """The folder of the cache, made whole by `build`, which fills an empty one, when it is not there."""
    cache = folder.parent
    with only_one(cache / "lock"):
        if not folder.is_dir():
            for left in cache.glob("building-*"):  # by a build that was killed, as nobody else holds the lock
                shutil.rmtree(left, ignore_errors=True)
            draft = Path(tempfile.mkdtemp(prefix="building-", dir=cache))
            try:
                build(draft)
                draft.chmod(0o755)
                draft.rename(folder)
            finally:
                shutil.rmtree(draft, ignore_errors=True)
        os.utime(folder)  # used now
        _forget_unused(cache)
    return folder


def _forget_unused(cache: Path) -> None:
    """Remove the programs that no run asked for in a month; other work trees may need another version."""
    for folder in cache.glob("*-[0-9]*"):
        if time.time() - folder.stat().st_mtime > 30 * 86400:
            shutil.rmtree(folder, ignore_errors=True)


def _what_go_lacks(places: Places) -> str:
    """Why the Go on PATH cannot build the sources; empty when it can."""
    go = places.on_path("go")
    if not go:
        return "no Go is on PATH (tests/cluster/apiserver/go.mod says which version is needed)"
    try:
        run([str(go), "list", "-m"], timeout_s=60, cwd=SOURCES, env={**places.environment, **BUILD})
    except CannotRun as err:
        return str(err)
    return ""


def _sources_name() -> str:
    """The folder's name for the sources as they are now."""
    digest = hashlib.sha256(repr((sorted(BUILD.items()), sorted(PACKAGES.items()))).encode())
    for source in sorted([*SOURCES.rglob("*.go"), SOURCES / "go.mod", SOURCES / "go.sum"]):
        digest.update(str(source.relative_to(SOURCES)).encode() + source.read_bytes())
    return f"kubernetes-{_required_version()}-{digest.hexdigest()[:12]}"


def _required_version() -> str:
    found = re.search(r"^\s*k8s\.io/kubernetes v(\S+)$", (SOURCES / "go.mod").read_text(), re.MULTILINE)
    assert found, "go.mod requires no k8s.io/kubernetes"
    return found[1]


def _build_with_go(places: Places, folder: Path) -> None:
    version = _required_version()
    major, minor = version.split(".")[:2]
    says = {"gitVersion": f"v{version}", "gitMajor": major, "gitMinor": minor, "gitTreeState": "clean"}
    stamps = " ".join(f"-X k8s.io/component-base/version.{name}={value}" for name, value in says.items())
    for name, package in PACKAGES.items():
        argv = [
            str(places.on_path("go")),
            "build",
            "-buildvcs=false",
            f"-ldflags=-s -w {stamps}",
            "-o",
            str(folder / name),
            package,
        ]
        run(argv, timeout_s=BUILD_S, cwd=SOURCES, env={**places.environment, **BUILD})


def _etcd(places: Places) -> Path:
    for place in (places.assets / ETCD if places.assets else None, places.on_path(ETCD)):
        if place and os.access(place, os.X_OK):
            return place
    folder = kept(places.cache / servers_debian.ETCD_NAME, partial(servers_debian.unpack_etcd, work=places.cache))
    return folder / "usr/bin/etcd"
