"""Build what the lab boots: QEMU, a kernel and a root file system, all from Debian's packages, below a cache.

Run it as `python tests/lab/build.py`; it prints the folder of the image. Nothing on this machine is installed or
changed, no root is needed. An image is named by the hash of what it is made of, is built beside its final place and
renamed at the end, so a build that was killed leaves nothing that a later one could take for whole.
"""

import errno
import fcntl
import hashlib
import itertools
import json
import lzma
import os
import platform
import re
import shutil
import struct
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cpio
import simulators
from debian import BACKPORTS, Apt, LabError, Root, call, unpack

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent.parent
OWN_FILES = ("build.py", "cpio.py", "debian.py", "simulators.py", "guest/init", "guest/agent.py", "guest/reset.sh")

QEMU = tuple(f"{name}/{BACKPORTS}" for name in ("qemu-system-x86", "qemu-system-common", "qemu-system-data", "seabios"))
TOOLS = (*QEMU, "e2fsprogs", "kmod", "zstd", "libc-bin", "util-linux", "coreutils")
KERNEL = f"linux-image-amd64/{BACKPORTS}"
GUEST = (
    *("base-files", "base-passwd", "bash", "coreutils", "dash", "findutils", "grep", "hostname", "libc-bin", "sed"),
    *("python3", "udev", "kmod", "iproute2", "iputils-ping", "pciutils", "procps", "psmisc", "util-linux", "mount"),
    *("e2fsprogs", "ethtool", "strace"),
)
# Needed by maintainer scripts alone, which do not run here.
GUEST_UNUSED = re.compile(r"perl|debconf|^adduser$|^passwd$|usrmerge|^dpkg$|^tar$|init-system-helpers|sensible-utils")
GUEST_TRIM = (
    *("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/info", "usr/share/lintian", "usr/share/perl5"),
    *("usr/share/bash-completion", "usr/share/zsh", "usr/share/common-licenses", "usr/lib/udev/hwdb.d"),
    *("usr/lib/x86_64-linux-gnu/gconv", "usr/lib/x86_64-linux-gnu/perl-base", "usr/share/zoneinfo"),
    *("usr/lib/python3.11/lib2to3", "usr/lib/python3.11/pydoc_data", "usr/share/python-wheels"),
)
# What the agent needs beyond the project's own dependencies, without the project, of which the guest has a copy, and
# without what asks a kubelet, which it has none of.
EXTRAS = ("testing", "kubernetes", "agent")
NOT_IN_GUEST = re.compile(r"(sriov-core|grpcio|protobuf)\b")
# A class for each kind and group of the API, 125 MB: of the Kubernetes client, the agent uses configuration and pool.
PYTHON_TRIM = ("kubernetes/aio", "kubernetes/client/api/*_api.py", "kubernetes/client/models/[!_]*.py")
# What a Debian machine with these NICs has, without the drivers of hardware that the guest lacks.
MODULES = (
    *("igb", "igbvf", "vfio-pci", "vfio_iommu_type1", "uio", "uio_pci_generic", "pci-stub"),
    *("bonding", "bridge", "8021q", "veth", "macvlan", "dummy", "tun", "vrf", "psample"),
    *("9p", "9pnet_virtio", "virtio_blk", "virtio-rng", "ext4", "crc32c_generic", "crc32c-intel", "loop"),
    *("ib_core", "ib_uverbs", "rdma_rxe", "crc32_generic", "rdma_ucm"),
    *("vdpa", "vhost_vdpa", "virtio_vdpa", "virtio_net"),
    *("openvswitch", "sch_ingress", "cls_flower", "cls_matchall", "act_mirred", "act_gact", "act_vlan", "act_pedit"),
    *("act_tunnel_key", "act_skbedit", "act_csum", "act_police", "act_ct"),
)


@dataclass(frozen=True)
class Image:
    """A finished image below `path`. One that `ensure` gave is not removed by other builds while this process lives."""

    path: Path

    @property
    def kernel(self) -> Path:
        return self.path / "vmlinux"

    @property
    def initrd(self) -> Path:
        return self.path / "initrd.cpio"

    @property
    def tools(self) -> Root:
        """The programs of this machine's side: QEMU, mke2fs, setpriv."""
        return Root(self.path / "tools")

    @property
    def guest(self) -> Root:
        """The guest's file system; its programs run here too, at full speed."""
        return Root(self.path / "guest")

    @property
    def facts(self) -> dict[str, str]:
        """The versions the image is made of."""
        loaded = json.loads((self.path / "facts.json").read_text())
        return {str(key): str(value) for key, value in loaded.items()}


def cache_folder() -> Path:
    """Where images and downloaded packages are kept."""
    default = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sriov-core" / "lab"
    return Path(os.environ.get("SRIOV_LAB_CACHE") or default)


def obstacle() -> str | None:
    """Why the lab cannot be built or booted on this machine, or None."""
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        return f"the lab needs Linux on x86_64, this is {platform.system()} on {platform.machine()}"
    missing = [name for name in ("apt-get", "dpkg-deb", "tar", "unshare", "mount") if not shutil.which(name)]
    if missing and not image_path().exists():
        return f"the lab is made of Debian's packages and needs {', '.join(missing)}, which this machine lacks"
    return None


def requirements() -> list[str]:
    """What the guest's Python needs, as pyproject.toml says: for the project, its test kit and its agent."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    extras = (project["optional-dependencies"][name] for name in EXTRAS)
    wanted = {*project["dependencies"], *itertools.chain.from_iterable(extras)}
    return sorted(one for one in wanted if not NOT_IN_GUEST.match(one))


def image_path() -> Path:
    """The folder of the image for the inputs as they are now, built or not."""
    digest = hashlib.sha256(json.dumps(requirements()).encode())
    for name in OWN_FILES:
        digest.update((HERE / name).read_bytes())
    return cache_folder() / f"image-{digest.hexdigest()[:16]}"


def ensure(say: "Say | None" = None) -> Image:
    """The image for the inputs as they are now; built if it is not there. One build at a time, others wait for it."""
    path = image_path()
    with _only_one(path.parent):
        if not path.exists():
            _build(path, say or Say())
        fcntl.flock(os.open(path / "facts.json", os.O_RDONLY), fcntl.LOCK_SH)  # until this process ends
        _forget_others(path.parent)
    return Image(path)


class Say:
    """Tells on standard error how far the build is."""

    def __init__(self) -> None:
        self.began = time.monotonic()

    def __call__(self, text: str) -> None:
        print(f"lab {time.monotonic() - self.began:6.1f} s  {text}", file=sys.stderr, flush=True)


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # released by the kernel when this process ends, however it ends
        yield


def _forget_others(cache: Path) -> None:
    """Remove what killed builds left and the images of older inputs, except those in use."""
    for other in cache.iterdir():
        if other.name.startswith("building-") or (other.name.startswith("image-") and not _in_use(other)):
            shutil.rmtree(other, ignore_errors=True)


def _in_use(path: Path) -> bool:
    try:
        with (path / "facts.json").open() as held:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as err:
        return err.errno == errno.EWOULDBLOCK
    return False


def _build(path: Path, say: Say) -> None:
    with tempfile.TemporaryDirectory(prefix="building-", dir=path.parent) as name:
        image = Image(Path(name) / "image")
        image.path.mkdir()
        say("package lists")
        apt = Apt(state=Path(name) / "apt", store=path.parent / "debs")
        apt.state.mkdir()
        apt.update()
        tools = apt.resolve(TOOLS)
        guest = {key: value for key, value in apt.resolve(GUEST).items() if not GUEST_UNUSED.search(key)}
        kernel = {key: value for key, value in apt.resolve([KERNEL]).items() if re.match(r"linux-image-\d", key)}
        release = next(iter(kernel)).removeprefix("linux-image-")
        makers = simulators.packages(apt, release)
        say(f"packages: {len(tools | guest | kernel | makers)}")
        apt.fetch(tools | guest | kernel | makers)
        say("tools")
        unpack(apt.fetch(tools), image.tools.path)
        say("kernel")
        unpack(apt.fetch(kernel), Path(name) / "kernel")
        _kernel(image, Path(name) / "kernel", release)
        say("simulators")
        for module in simulators.build(apt.fetch(makers), release, Path(name) / "makers"):
            shutil.copy(module, image.guest.path / "usr/lib/modules" / release)
        say("guest")
        unpack(apt.fetch(guest), image.guest.path)
        _furnish(image, release)
        say("python packages")
        _python_packages(image)
        say("initial file system")
        _compile(image)
        with image.initrd.open("wb") as file:
            cpio.write_tree(image.guest.path, file)
        facts = {"kernel": release, "qemu": tools["qemu-system-x86"], "python": guest["python3.11-minimal"]}
        (image.path / "facts.json").write_text(json.dumps(facts))
        image.path.rename(path)
        say(f"done: {path}")


def _kernel(image: Image, unpacked: Path, release: str) -> None:
    """Take the kernel out of its self-extracting file and the wanted modules out of theirs.

    Both are decompressed here, once, since under emulation the guest would need seconds for it at each boot. QEMU
    boots the plain ELF kernel by its PVH entry.
    """
    data = (unpacked / f"boot/vmlinuz-{release}").read_bytes()
    # Documentation/arch/x86/boot.rst: setup_sects, payload_offset, payload_length; the last 4 bytes are the size.
    offset, length = struct.unpack_from("<II", data, 0x248)
    start = (data[0x1F1] + 1) * 512 + offset
    payload = image.path / "vmlinux.zst"
    payload.write_bytes(data[start : start + length - 4])
    image.tools.call("usr/bin/zstd", "-q", "-d", "--rm", str(payload), "-o", str(image.kernel))
    modules = unpacked / "lib/modules" / release
    image.tools.call("usr/bin/kmod", "-b", str(unpacked), release, argv0="depmod")
    target = image.guest.path / "usr/lib/modules" / release
    for name in _closure(modules, MODULES):
        to = target / name.removesuffix(".xz")
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_bytes(lzma.decompress((modules / name).read_bytes()))
    for listing in ("modules.builtin", "modules.builtin.modinfo", "modules.order"):
        text = (modules / listing).read_text(errors="surrogateescape")
        (target / listing).write_text(text, errors="surrogateescape")


def _closure(modules: Path, wanted: Iterable[str]) -> list[str]:
    """The module files, relative to `modules`, that `wanted` needs; a name that is built in needs none."""
    lines = (line.partition(":") for line in (modules / "modules.dep").read_text().splitlines())
    needs = {file: needed.split() for file, _, needed in lines}
    files = {_module_name(file): file for file in needs}
    builtin = {_module_name(file) for file in (modules / "modules.builtin").read_text().split()}
    chosen: set[str] = set()
    for name in (name.replace("-", "_") for name in wanted):
        if name in files:
            chosen.update([files[name], *needs[files[name]]])
        elif name not in builtin:
            raise LabError(f"the kernel of {modules} has no module {name}")
    return sorted(chosen)


def _module_name(file: str) -> str:
    return Path(file).name.partition(".ko")[0].replace("-", "_")


def _furnish(image: Image, release: str) -> None:
    """Do what the packages' maintainer scripts would have done, and put our init and agent in."""
    root = image.guest.path
    for name in GUEST_TRIM:
        shutil.rmtree(root / name, ignore_errors=True)
    for name in ("passwd", "group"):
        shutil.copy(root / "usr/share/base-passwd" / f"{name}.master", root / "etc" / name)
    for group, number in (("input", 101), ("kvm", 102), ("render", 103), ("sgx", 104)):  # udev's rules name them
        with (root / "etc/group").open("a") as file:
            file.write(f"{group}:x:{number}:\n")
    (root / "etc/hostname").write_text("lab\n")
    (root / "etc/machine-id").write_text("6c61620000000000000000000000000a\n")
    system = ("dev", "proc", "sys", "run", "tmp", "root", "usr/local/bin")
    for name in (*system, "persist", "project", "opt/python", "opt/project"):
        (root / name).mkdir(parents=True, exist_ok=True)
    shutil.copy(HERE / "guest/init", root / "init")
    shutil.copy(HERE / "guest/agent.py", root / "opt/agent.py")
    shutil.copy(HERE / "guest/reset.sh", root / "opt/reset.sh")
    (root / "init").chmod(0o755)
    for name, program in (("sh", "dash"), ("awk", "mawk")):
        if not (root / "usr/bin" / name).exists():
            (root / "usr/bin" / name).symlink_to(program)
    image.tools.call("usr/bin/kmod", "-b", str(root), release, argv0="depmod")
    # The cache of libraries, without which Python's ctypes finds no libudev; ldconfig enters the root by chroot.
    alone = [] if os.geteuid() == 0 else ["unshare", "--map-root-user"]
    call([*alone, *image.tools.argv("sbin/ldconfig", "-r", str(root))], timeout_s=60)


def _python_packages(image: Image) -> None:
    target = image.guest.path / "opt/python"
    chosen = ["--python-version", "3.11", "--only-binary=:all:", "--platform", "manylinux2014_x86_64"]
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-compile"]
    call([*pip, "--target", str(target), *chosen, *requirements()], timeout_s=900)
    for unused in itertools.chain.from_iterable(map(target.glob, PYTHON_TRIM)):
        shutil.rmtree(unused) if unused.is_dir() else unused.unlink()


def _compile(image: Image) -> None:
    """Compile the guest's Python files with the guest's own Python, run here."""
    root = image.guest.path
    for folder in ("usr/lib/python3.11", "opt/python"):
        compile_python(image, root / folder, "/" + folder)
    compile_python(image, root / "usr/lib/python3", "/usr/lib/python3")


def compile_python(image: Image, folder: Path, shown_as: str) -> None:
    """Compile the Python files below `folder`, whose tracebacks shall name the folder `shown_as`."""
    arguments = ["-q", "-j", "0", "-s", str(folder), "-p", shown_as, str(folder)]
    python = image.guest.argv("usr/bin/python3.11", "-I", "-S", "-m", "compileall", *arguments)
    call(python, timeout_s=300, env={**os.environ, "PYTHONHOME": str(image.guest.path / "usr")})


def main() -> int:
    reason = obstacle()
    if reason:
        print(reason, file=sys.stderr)
        return 1
    try:
        print(ensure().path)
    except LabError as err:
        print(f"the lab's image could not be built: {err}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
