"""GUIDs for the VFs of InfiniBand ports: from the pool that an administrator keeps in a file, else derived. Pure.

The file is that of the SR-IOV network operator ("Infiniband VF GUID Static Configuration"), whose text and code differ:
both spellings of a key are taken, and of several entries for a PF the first one counts, as the text has it.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs

POOL_PATH = "/etc/sriov-operator/infiniband/guids"
_PF_KEYS = ("pci_address", "pciAddress", "pf_guid", "pfGuid")
_VF_KEYS = ("guids", "guidsRange", "guids_range")
_PCI_ADDRESS = re.compile(r"([0-9a-f]{4}:)?[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]")
_HEX16 = re.compile(r"[0-9a-f]{16}")
_OCTETS = 8


class PoolFault(ValueError):
    """The file is not what it should be; the text names the entry."""


@attrs.frozen(kw_only=True)
class Pool:
    """The GUIDs for the VFs of one PF, by index: a list, or all from ``first`` to ``last``, both included."""

    pf_address: str | None = None
    pf_guid: int | None = None
    listed: tuple[int, ...] = ()
    first: int = 1
    last: int = 0

    @property
    def size(self) -> int:
        """How many VFs it is enough for."""
        return len(self.listed) or self.last - self.first + 1

    def guids(self, count: int) -> Iterator[str]:
        """The first GUIDs, of VF 0 first; fewer where the pool has fewer."""
        for index in range(min(count, self.size)):
            yield text(self.listed[index] if self.listed else self.first + index)


def pool(content: str, pf_address: str, pf_mac: str | None) -> Pool | None:
    """The pool of a PF, None when the file has none for it; PoolFault when any entry is wrong.

    A PF is meant by its PCI address, or by its port's GUID, which is the end of its IPoIB address.
    """
    try:
        entries = json.loads(content)
    except (ValueError, RecursionError) as err:
        raise PoolFault(f"it is no JSON: {err}") from err
    if not isinstance(entries, list):
        raise PoolFault("it must be a JSON list with an entry for each PF")
    pools = [_pool(entry, f"entry {number}") for number, entry in enumerate(entries, start=1)]
    own = port_guid(pf_mac)
    meant = (one for one in pools if one.pf_address == pf_address or (own is not None and one.pf_guid == own))
    return next(meant, None)


def port_guid(pf_mac: str | None) -> int | None:
    """The GUID of a PF's port, from its IPoIB address of 20 octets (RFC 4391, 9.1.1); None when it has no such."""
    octets = (pf_mac or "").split(":")
    return number(":".join(octets[-_OCTETS:])) if len(octets) == 20 else None


def derived(pf_mac: str | None, index: int) -> str | None:
    """A GUID for a VF that is the same at every boot; None for a PF that shows none of its own.

    Locally administered and unicast, as the two lowest bits of the first octet of an EUI-64 say, and so never zero.
    """
    own = port_guid(pf_mac)
    if own is None:
        return None
    digest = bytearray(hashlib.blake2s(f"{text(own)} vf{index}".encode(), digest_size=_OCTETS).digest())
    digest[0] = digest[0] & 0xFC | 0x02
    return digest.hex(":")


def text(guid: int) -> str:
    """Eight octets with colons, as iproute2 takes and the kernel shows them."""
    return guid.to_bytes(_OCTETS, "big").hex(":")


def number(written: object) -> int | None:
    """A GUID as ibstat (0x..), sysfs (four groups) or iproute2 (eight octets) write it; None when it is none, or 0."""
    if not isinstance(written, str):
        return None
    digits = written.strip().lower().removeprefix("0x").replace(":", "")
    return int(digits, 16) or None if _HEX16.fullmatch(digits) else None


def _pool(entry: object, where: str) -> Pool:
    if not isinstance(entry, dict):
        raise PoolFault(f"{where} is no JSON object")
    pf_key, pf = _only(entry, _PF_KEYS, where, "pci_address and pf_guid")
    vf_key, vfs = _only(entry, _VF_KEYS, where, "guids and guidsRange")
    whose = _whose(pf_key, pf, where)
    if vf_key == "guids":
        return attrs.evolve(whose, listed=_listed(vfs, where))
    first, last = _bounds(vfs, f"{where}: {vf_key}")
    return attrs.evolve(whose, first=first, last=last)


def _only(entry: Mapping[str, Any], keys: Sequence[str], where: str, names: str) -> tuple[str, Any]:
    given = [key for key in keys if entry.get(key)]  # an empty value is as good as none in the file's own grammar
    if len(given) != 1:
        raise PoolFault(f"{where} must have exactly one of {names}; it has {' and '.join(given) or 'neither'}")
    return given[0], entry[given[0]]


def _whose(key: str, value: object, where: str) -> Pool:
    if key.startswith("pf"):
        return Pool(pf_guid=_guid(value, f"{where}: {key}"))
    address = str(value).strip().lower()
    if not _PCI_ADDRESS.fullmatch(address):
        raise PoolFault(f"{where}: {key} {value!r} is no PCI address such as 0000:d8:00.0")
    return Pool(pf_address=address if address.count(":") == 2 else f"0000:{address}")


def _listed(values: object, where: str) -> tuple[int, ...]:
    if not isinstance(values, list):
        raise PoolFault(f"{where}: guids is no list")
    listed = tuple(_guid(value, f"{where}: guids[{index}]") for index, value in enumerate(values))
    twice = next((guid for index, guid in enumerate(listed) if guid in listed[:index]), None)
    if twice is not None:
        raise PoolFault(f"{where}: guids has {text(twice)} twice, and no two VFs may share one")
    return listed


def _bounds(value: object, where: str) -> tuple[int, int]:
    if not isinstance(value, dict):
        raise PoolFault(f"{where} is no JSON object with start and end")
    first, last = _guid(value.get("start"), f"{where}.start"), _guid(value.get("end"), f"{where}.end")
    if last < first:
        raise PoolFault(f"{where} ends at {text(last)}, before its start {text(first)}")
    return first, last


def _guid(value: object, where: str) -> int:
    guid = number(value)
    if guid is None:
        raise PoolFault(f"{where}: {value!r} is no GUID such as 02:00:00:00:00:00:00:01")
    return guid
