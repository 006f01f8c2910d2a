"""Model names from the machine's pci.ids, where it has one. Reads one file; an absent one is no error."""

import os

_PLACES = ("usr/share/misc/pci.ids", "usr/share/hwdata/pci.ids", "var/lib/pciutils/pci.ids")


def read(root: str = "/") -> bytes:
    """The text of the first pci.ids found below ``root``, empty when there is none."""
    for place in _PLACES:
        try:
            with open(os.path.join(root, place), "rb") as file:
                return file.read()
        except OSError:
            continue
    return b""


def model(ids: bytes, vendor: str, device: str) -> str | None:
    """The name of a device, without its vendor's; IDs are four lower-case hex digits. None when it is not listed.

    A vendor's line starts at the margin, its devices follow with one tab, their subsystems with two (pci.ids(5)).
    """
    start = (b"\n" + ids).find(f"\n{vendor}  ".encode())
    return _device(ids, start, device) if start >= 0 else None


def _device(ids: bytes, start: int, device: str) -> str | None:
    wanted = f"\t{device}  ".encode()
    end_of_line = ids.find(b"\n", start)
    while end_of_line >= 0 and ids[end_of_line + 1 : end_of_line + 2] in (b"\t", b"#"):
        begin, end_of_line = end_of_line + 1, ids.find(b"\n", end_of_line + 1)
        if ids.startswith(wanted, begin):
            last = len(ids) if end_of_line < 0 else end_of_line
            return ids[begin + len(wanted) : last].decode(errors="replace").strip()
    return None
