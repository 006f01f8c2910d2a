"""What stays with a card when it is moved: the PCI device serial number, the VPD's serial number, the slot's label."""

import os
import re
import struct

from sriov_core.host import sysfs
from sriov_core.model.address import Address

_EXTENDED = 0x100
_SERIAL_CAPABILITY = 0x0003
_CONFIG_SIZE = 4096
_VPD_READ_ONLY = 0x90
_VPD_TEXT = 0x82
_SLOT = re.compile(r"(.*)\.[0-7]")


def serial(devices: sysfs.DeviceTree, address: Address) -> str | None:
    """The serial number, as lspci prints it for the capability; None without one, or without the right to read it."""
    path = devices.path(address)
    return _capability_serial(_bytes(f"{path}/config", 0, _CONFIG_SIZE)) or _vpd_serial(f"{path}/vpd")


def slot(devices: sysfs.DeviceTree, root: str, address: Address) -> str | None:
    """The label that firmware gives the slot (SMBIOS or ACPI), else the name of the hotplug slot."""
    if label := devices.attribute(address, "label"):
        return label
    match = _SLOT.fullmatch(address.name)
    if address.bus != "pci" or not match:
        return None
    slots = f"{root}/sys/bus/pci/slots"
    return next((name for name in sysfs.names(slots) if sysfs.read(f"{slots}/{name}/address") == match[1]), None)


def _bytes(path: str, offset: int, size: int) -> bytes:
    """What may be read; beyond the first 64 bytes of the configuration space only root may."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return os.pread(fd, size, offset)
    except OSError:
        return b""
    finally:
        os.close(fd)


def _capability_serial(config: bytes) -> str | None:
    """PCI Express base specification, 7.9.3: two little-endian words after the capability's header."""
    seen: set[int] = set()
    offset = _EXTENDED
    while _EXTENDED <= offset <= len(config) - 12 and offset not in seen:
        seen.add(offset)
        header, low, high = struct.unpack_from("<III", config, offset)
        if header & 0xFFFF == _SERIAL_CAPABILITY:
            return struct.pack(">II", high, low).hex("-") if low or high else None
        offset = header >> 20
    return None


def _vpd_serial(path: str) -> str | None:
    """PCI 3.0, appendix I. Read field by field: each four bytes of VPD are a slow access to the card."""
    offset = 0
    for _ in range(8):
        head = _bytes(path, offset, 3)
        if len(head) < 3:
            return None
        tag, size = struct.unpack("<BH", head)
        if tag == _VPD_READ_ONLY:
            return _keyword(_bytes(path, offset + 3, min(size, 1024)), b"SN")
        if tag != _VPD_TEXT:
            return None
        offset += 3 + size
    return None


def _keyword(fields: bytes, wanted: bytes) -> str | None:
    offset = 0
    while offset + 3 <= len(fields):
        key, size = fields[offset : offset + 2], fields[offset + 2]
        if key == wanted:
            return fields[offset + 3 : offset + 3 + size].decode(errors="replace").strip(" \0") or None
        offset += 3 + size
    return None
