"""Builds the images from their Containerfiles with buildah, which needs no daemon, and keeps what it knows in a cache.

No registry of images is asked: the base of the build stages is made of Debian's packages with mmdebstrap. Both programs
are Debian's packages. Needs root and the mirrors of Debian and Python that this machine uses.
"""

import json
import os
import shutil
import ssl
import subprocess  # noqa: TID251  # the builder is a program
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs

ROOT = Path(__file__).resolve().parent.parent.parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sriov-core" / "images"
SUITE = "bookworm"
BASE = f"localhost/debian:{SUITE}"
PROGRAMS = ("buildah", "mmdebstrap", "unshare", "chroot")
BUILD_S = 600
STEP_S = 120
MOST_STEPS = 300
"""Steps of builds in the storage, the images of earlier trees among them. The first build of both has some fifty, one
after a change of the project a dozen, of a few megabytes."""
REVISION = "0123456789abcdef"
_AUTHORITIES = "/run/authorities.crt"


class CannotBuild(Exception):
    """There is no way to images on this machine, or a build failed; the text has its last words."""


@attrs.frozen(kw_only=True)
class Image:
    """An image, and where its files are as long as the tests last."""

    name: str
    root: Path
    config: dict[str, Any]

    @property
    def prefix(self) -> Path:
        """Where its Python is."""
        return self.root / ("usr" if self.name == "operator" else "opt/sriov-core")

    @property
    def packages(self) -> Path:
        """Where Python's packages are."""
        return self.prefix / "lib/python3/dist-packages"


def obstacle() -> str:
    """What keeps this machine from building; empty when nothing does."""
    if os.geteuid() != 0:
        return "root is needed"
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    return f"not installed: {', '.join(missing)}. On Debian: apt install buildah mmdebstrap" if missing else ""


@contextmanager
def built(name: str, run_folder: Path) -> Iterator[Image]:
    """The image as the tree describes it now, mounted; CannotBuild when a step failed."""
    buildah = Buildah(CACHE / "storage", run_folder)
    buildah.make_base()
    buildah.build(name)
    container = buildah.call("from", "--pull-never", tag(name)).strip()
    try:
        root = Path(buildah.call("mount", container).strip())
        yield Image(name=name, root=root, config=buildah.config(name))
    finally:
        buildah.call("rm", container)


def tag(name: str) -> str:
    """How the storage knows the image."""
    return f"localhost/sriov-{name}"


@attrs.frozen
class Buildah:
    """buildah with a storage of its own, so that nothing else on the machine is seen or changed."""

    storage: Path
    run_folder: Path

    def call(self, *arguments: str, timeout_s: float = STEP_S) -> str:
        """Its standard output; CannotBuild with its last words when it failed."""
        own = ["--root", str(self.storage), "--runroot", str(self.run_folder), "--storage-driver", "overlay"]
        return call(["buildah", *own, *arguments], timeout_s)

    def make_base(self) -> None:
        """A Debian as small as it gets with apt, where none is in the storage; what is too much there goes before."""
        if len(self.call("images", "--all", "--quiet").split()) > MOST_STEPS:
            self.call("rmi", "--all", "--force")
        if BASE in self.call("images", "--format", "{{.Name}}:{{.Tag}}").split():
            return
        self.storage.mkdir(parents=True, exist_ok=True)
        # A mirror may be a snapshot, whose lists have run out.
        lasting = ["--aptopt=Acquire::Check-Valid-Until false", "--aptopt=Acquire::Check-Date false"]
        # A build that breaks off is thrown away, so nothing has to wait for the disk.
        hasty = ["--mode=root", "--format=directory", "--dpkgopt=force-unsafe-io"]
        container = self.call("from", "scratch").strip()
        try:
            root = self.call("mount", container).strip()
            call(["mmdebstrap", "--quiet", "--variant=minbase", *hasty, *lasting, SUITE, root], BUILD_S)
            self.call("commit", "--quiet", container, BASE)
        finally:
            self.call("rm", container)

    def build(self, name: str) -> None:
        """Build the image; steps whose inputs have not changed are taken from the storage."""
        folder = f"images/{name}"
        given = {
            "BASE": BASE,
            "VERSION": "1.2.3",
            "REVISION": REVISION,
            # The machine's own authorities: its way to Python's packages may lead through somebody it trusts.
            "PIP_CERT": _AUTHORITIES,
        }
        self.call(
            *("build", "--isolation=chroot", "--network=host", "--layers", "--pull-never", "--quiet"),
            *("--file", f"{folder}/Containerfile", "--ignorefile", f"{folder}/Containerfile.dockerignore"),
            *(part for key, value in given.items() for part in ("--build-arg", f"{key}={value}")),
            *(
                "--volume",
                f"{ssl.get_default_verify_paths().cafile or '/etc/ssl/certs/ca-certificates.crt'}:{_AUTHORITIES}:ro",
            ),
            *("--tag", tag(name), str(ROOT)),
            timeout_s=BUILD_S,
        )

    def config(self, name: str) -> dict[str, Any]:
        """What the image says of itself: its user, command, environment and labels."""
        inspected = json.loads(self.call("inspect", "--type", "image", tag(name)))
        config: dict[str, Any] = inspected["OCIv1"]["config"]
        return config


def call(argv: Sequence[str], timeout_s: float) -> str:
    """Run a program to its end in the root of the project; CannotBuild for anything but success."""
    try:
        done = subprocess.run(
            argv, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout_s, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as err:
        raise CannotBuild(f"{argv[0]} did not run: {err}") from err
    if done.returncode:
        raise CannotBuild(f"{' '.join(argv)} failed with {done.returncode}:\n{(done.stdout + done.stderr)[-3000:]}")
    return done.stdout
