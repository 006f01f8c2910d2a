"""Kernel modules that simulate devices: built here, since Debian's kernel goes without them.

They come from Debian's own source of the very kernel, and its own compiler and headers build them below a folder of
their own (chroot), so this machine needs neither and nothing is installed.
"""

import os
import re
import subprocess  # noqa: TID251  # reads a package as a stream
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from debian import BACKPORTS, Apt, LabError, call, unpack

MODULES = ("netdevsim", "vringh", "vdpa_sim", "vdpa_sim_net")
SOURCES = ("drivers/net/netdevsim/", "drivers/vdpa/vdpa_sim/", "drivers/vhost/vringh.c")
MAKEFILE = "obj-y += drivers/net/netdevsim/ drivers/vdpa/vdpa_sim/\nobj-m += drivers/vhost/vringh.o\n"
# Without debug information they are a tenth as big and build in half the time.
CONFIG = ("NETDEVSIM=m", "VDPA_SIM=m", "VDPA_SIM_NET=m", "DEBUG_INFO=", "DEBUG_INFO_BTF_MODULES=")
PROGRAMS = ("make", "bash", "dash", "coreutils", "sed", "grep", "mawk", "findutils")
# What the headers ask for and a build of modules alone does not use.
UNUSED = re.compile(
    r"^linux-(image|base)|^initramfs|perl|debconf|pahole|^lib.san\d$|^(udev|adduser|passwd|usrmerge|dpkg)$"
)


def packages(apt: Apt, release: str) -> dict[str, str]:
    """The packages to build with, name to version, for the kernel of that release; the source is among them."""
    headers = apt.resolve((f"linux-headers-{release}/{BACKPORTS}", *PROGRAMS))
    source = _source_name(release)
    found = apt.resolve((f"{source}/{BACKPORTS}",))[source]
    if found != headers[f"linux-headers-{release}"]:
        raise LabError(f"{BACKPORTS} has {source} {found}, which is not the source of the kernel {release}")
    return {source: found} | {name: version for name, version in headers.items() if not UNUSED.search(name)}


def build(debs: list[Path], release: str, work: Path) -> list[Path]:
    """Build the modules out of `packages` below `work`; the finished files."""
    source = next(deb for deb in debs if deb.name.startswith(_source_name(release)))
    unpack((deb for deb in debs if deb != source), work)
    (work / "usr/bin/awk").symlink_to("mawk")
    for name in ("dev", "src"):
        (work / name).mkdir(exist_ok=True)
    for path, content in _sources(source):
        target = work / "src" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    (work / "src/Makefile").write_text(MAKEFILE)
    settings = " ".join(f"CONFIG_{setting}" for setting in CONFIG)
    make = f"make -s -j {os.cpu_count()} -C /usr/src/linux-headers-{release} M=/src {settings} modules"
    alone = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--mount", "--map-root-user"]
    inside = f'mount --rbind /dev "$0/dev" && exec chroot "$0" /bin/sh -c "PATH=/usr/bin exec {make}"'
    call([*alone, "sh", "-c", inside, str(work)], timeout_s=600)
    built = {path.stem: path for path in (work / "src").rglob("*.ko")}
    return [built[name] for name in MODULES]


def _source_name(release: str) -> str:
    return f"linux-source-{'.'.join(release.split('.')[:2])}"


def _sources(deb: Path) -> Iterator[tuple[str, bytes]]:
    """The wanted files, path to content, out of the archive in the package; reads no further than the last of them."""
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(deb)], stdout=subprocess.PIPE) as reader:
        try:
            yield from _wanted(reader.stdout)
        finally:
            reader.kill()


def _wanted(package: IO[bytes] | None) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(fileobj=package, mode="r|") as outer:
        archive = next(member for member in outer if member.name.endswith(".tar.xz"))
        with tarfile.open(fileobj=outer.extractfile(archive), mode="r|xz") as sources:
            for member in sources:
                path = member.name.partition("/")[2]
                if member.isfile() and path.startswith(SOURCES):
                    content = sources.extractfile(member)
                    yield path, content.read() if content else b""
                if path == SOURCES[-1]:
                    return
