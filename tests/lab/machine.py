"""The machine that QEMU emulates: its parts and its kernel's arguments. Nothing here runs it."""

import os
from dataclasses import dataclass
from pathlib import Path

from build import PROJECT, Image

PFS = ("0000:01:00.0", "0000:02:00.0")
PF_NAMES = ("enp1s0", "enp2s0")
PF_MACS = ("52:54:00:00:00:01", "52:54:00:00:00:02")
UPLINK_MAC = "52:54:00:00:00:0f"
DISK_BYTES = 128 << 20

# The IOMMU's arguments are a machine's own; the others drop what emulation makes slow or noisy.
KERNEL_ARGUMENTS = (
    "console=ttyS0 panic=-1 intel_iommu=on iommu=pt quiet loglevel=5 mitigations=off nokaslr tsc=reliable "
    "no_timer_check cryptomgr.notests random.trust_cpu=on"
)


@dataclass(frozen=True)
class Files:
    """What one guest has for itself."""

    initrd: Path
    disk: Path
    console: Path


def argv(image: Image, files: Files, *, memory: str, channel_fd: int | None, uplink: bool = False) -> list[str]:
    """The command that runs the machine; `channel_fd` is the agent's socket, or None for a person at the terminal.

    With `uplink` it has one NIC more, by which it reaches this machine's loopback.
    """
    tools, share = image.tools, image.tools.path / "usr/share"
    talk = channel_fd is not None
    qemu = tools.argv(
        "usr/bin/qemu-system-x86_64",
        *("-L", str(share / "qemu"), "-L", str(share / "seabios"), "-nodefaults", "-no-user-config", "-no-reboot"),
        *("-display", "none", "-serial", f"file:{files.console}" if talk else "mon:stdio"),
        # Asked for outright: a /dev/kvm that opens is no promise that a guest lives in it. The plainest processor is
        # emulated fastest: with AVX the C library picks string functions that take a sixth more time.
        # One thread runs both processors: with a thread for each, QEMU 10.0 now and then dies of its own assertion
        # (iotlb_to_section) when VFs come and go, and it is no faster for work that mostly waits on one driver.
        *("-machine", "q35,kernel-irqchip=split", "-accel", "tcg,thread=single"),
        *("-cpu", "qemu64,+rdrand", "-smp", "2", "-m", memory),
        *("-kernel", str(image.kernel), "-initrd", str(files.initrd)),
        *("-append", KERNEL_ARGUMENTS if talk else f"{KERNEL_ARGUMENTS} lab.shell"),
        *("-device", "intel-iommu,intremap=on,caching-mode=on"),
        *_nics(),
        # The guest sees a volatile write cache and flushes it at barriers; what it flushed survives QEMU's death.
        *("-drive", f"file={files.disk},format=raw,if=none,id=disk,cache=writeback"),
        *("-device", "virtio-blk-pci,drive=disk", "-device", "virtio-rng-pci"),
        *("-fsdev", f"local,id=project,path={PROJECT},security_model=none,readonly=on"),
        *("-device", "virtio-9p-pci,fsdev=project,mount_tag=project"),
        *("-device", "virtio-serial-pci", "-device", "virtserialport,chardev=agent,name=lab"),
        *("-chardev", f"socket,id=agent,fd={channel_fd}" if talk else "null,id=agent"),
        *(_uplink() if uplink else []),  # last, so that nothing else has another address for its sake
    )
    # The guest ends with the thread that booted it, however that one ends; setpriv becomes QEMU, same process id.
    return [*tools.argv("usr/bin/setpriv", "--pdeathsig", "KILL"), *qemu]


def environment(image: Image) -> dict[str, str]:
    """The environment that QEMU needs to find its own modules instead of this machine's."""
    return {**os.environ, "QEMU_MODULE_DIR": str(image.tools.path / "usr/lib/x86_64-linux-gnu/qemu")}


def make_disk(image: Image, path: Path) -> None:
    """Make the empty disk that a guest keeps over a power cut."""
    with path.open("wb") as file:
        file.truncate(DISK_BYTES)
    image.tools.call("sbin/mke2fs", "-q", "-t", "ext4", "-L", "persist", str(path))


def _nics() -> list[str]:
    """Two NICs of one port each, at PFS, joined by a wire to each other and to nothing else."""
    parts: list[str] = []
    for number, mac in enumerate(PF_MACS, start=1):
        parts += ["-device", f"pcie-root-port,id=port{number},slot={number},chassis={number}"]
        parts += ["-netdev", f"hubport,id=wire{number},hubid=0"]
        parts += ["-device", f"igb,bus=port{number},netdev=wire{number},mac={mac}"]
    return parts


def _uplink() -> list[str]:
    """A NIC behind which QEMU's own user network is: there, 10.0.2.2 is the loopback of this machine."""
    # It never boots from it, and the ROM to do so is in a package of its own.
    device = f"virtio-net-pci,netdev=uplink,mac={UPLINK_MAC},romfile="
    return ["-netdev", "user,id=uplink,ipv6=off", "-device", device]
