"""Arithmetic of PCI routing ids: where a PF's VFs appear (PCIe SR-IOV 1.1, 2.1.2). Nothing here does I/O."""

import re

_PCI = re.compile(r"(?P<domain>[0-9a-f]{4,8}):(?P<bus>[0-9a-f]{2}):(?P<device>[01][0-9a-f])\.(?P<function>[0-7])")


def routing_id(address: str) -> tuple[str, int] | None:
    """Domain, and bus, device and function as one number; None for an address on another bus than PCI."""
    match = _PCI.fullmatch(address)
    if match is None:
        return None
    number = int(match["bus"], 16) << 8 | int(match["device"], 16) << 3 | int(match["function"])
    return match["domain"], number


def vf_address(pf: str, index: int, *, offset: int, stride: int) -> str:
    """The address of a VF; on another bus than PCI, where no rule exists, one made from the PF's name."""
    found = routing_id(pf)
    if found is None:
        return f"{pf}vf{index}"
    domain, number = found
    number += offset + stride * index
    return f"{domain}:{number >> 8:02x}:{number >> 3 & 0x1F:02x}.{number & 7}"
