"""Does a policy's nicSelector take a NIC, and if not, which field is in the way? Nothing here does I/O."""

import difflib
import re
from collections.abc import Iterable, Iterator

import attrs

from sriov_core.api.fault import legible
from sriov_core.api.nodepolicy import NicSelector
from sriov_core.model.address import Address
from sriov_core.model.observed import Nic
from sriov_core.policy.nicids import DEFAULT
from sriov_core.policy.ranges import name_of

_NET_FILTER = re.compile(r"^[ \t]*(\S+):(\S+)", re.MULTILINE)
_EMPTY = NicSelector()
_MOST_NEAR = 3
_SHORTEST_PREFIX = 3


@attrs.frozen(kw_only=True)
class Refusal:
    """One selector field that a NIC does not meet; ``found`` is what the NIC has, empty when it has none.

    ``is_vf_id`` says that the device that is wanted is what the NIC's VFs are.
    """

    field: str
    wanted: tuple[str, ...] = ()
    found: tuple[str, ...] = ()
    is_vf_id: bool = False

    @property
    def near(self) -> str:
        """The wanted name that is almost one of the NIC's; empty when there is none, and for other fields."""
        if self.field != "pfNames":
            return ""
        return next((name for name in self.wanted if any(_related(name, own) for own in self.found)), "")

    def __str__(self) -> str:
        if not self.field:
            return "nicSelector is empty, and an empty selector takes nothing"
        wanted = " or ".join(map(legible, self.wanted))
        found = f"the NIC has {', '.join(map(legible, self.found))}" if self.found else "the NIC has none"
        if self.is_vf_id:
            found = f"{found}: {wanted} is the id of its VFs; write {legible(self.found[0])}"
        near = self.near
        hint = f" ({legible(near)} exists as {legible(self.found[0])})" if near else ""
        return f"nicSelector.{self.field} wants {wanted}, {found}{hint}"


def refusals(selector: NicSelector, nic: Nic) -> tuple[Refusal, ...]:
    """Every field of the selector that the NIC does not meet; an empty tuple means that the selector takes it.

    Malformed entries are tolerated: a range is cut off, an address that is none matches nothing.
    """
    return tuple(_refusals(selector, nic))


def is_called(nic: Nic, name: str) -> bool:
    """True when it is the NIC's name or one of its alternative names."""
    return bool(name) and (name == nic.name or name in nic.alt_names)


def same_address(text: str, address: Address) -> bool:
    """True when the text, in hex of any case, is that address."""
    return text.strip().lower() == str(address).lower()


def net_filter(text: str) -> tuple[str, str] | None:
    """The two halves of ``openstack/NetworkID:<uuid>``, split at its last colon; None for a text that has none."""
    found = _NET_FILTER.search(text)
    return (found[1], found[2]) if found else None


def nearest(wanted: str, candidates: Iterable[str]) -> tuple[str, ...]:
    """The names that may have been meant: those that extend the wanted one or it extends, else similar ones."""
    names = list(dict.fromkeys(candidates))
    related = [name for name in names if _related(wanted, name)]
    return tuple(related[:_MOST_NEAR] or difflib.get_close_matches(wanted, names, n=_MOST_NEAR, cutoff=0.6))


def _refusals(selector: NicSelector, nic: Nic) -> Iterator[Refusal]:
    if selector == _EMPTY:
        yield Refusal(field="")
        return
    if selector.vendor and selector.vendor != nic.vendor:
        yield Refusal(field="vendor", wanted=(selector.vendor,), found=_given(nic.vendor))
    if selector.device_id and selector.device_id != nic.device:
        is_vf_id = bool(nic.device) and selector.device_id in _vf_ids(nic)
        found = _given(nic.device)
        yield Refusal(field="deviceID", wanted=(selector.device_id,), found=found, is_vf_id=is_vf_id)
    if selector.root_devices and not any(same_address(entry, nic.address) for entry in selector.root_devices):
        yield Refusal(field="rootDevices", wanted=selector.root_devices, found=(str(nic.address),))
    wanted_names = tuple(name_of(entry) for entry in selector.pf_names)
    if wanted_names and not any(is_called(nic, name) for name in wanted_names):
        yield Refusal(field="pfNames", wanted=wanted_names, found=(*_given(nic.name), *nic.alt_names))
    if selector.net_filter and not _same_network(selector.net_filter, nic.net_filter or ""):
        yield Refusal(field="netFilter", wanted=(selector.net_filter,), found=_given(nic.net_filter))


def _vf_ids(nic: Nic) -> frozenset[str]:
    """The device ids of its VFs: of those that are there, and by the table that comes with this project."""
    known = DEFAULT.vf_id(nic.vendor, nic.device)
    return frozenset({*(vf.device for vf in nic.vfs if vf.device), *_given(known)} - {nic.device})


def _same_network(wanted: str, found: str) -> bool:
    halves = net_filter(wanted)
    return halves is not None and halves == net_filter(found)


def _related(wanted: str, name: str) -> bool:
    """True when one name starts with the other, as ens1f0 and ens1f0np0 do, or only their case differs."""
    short, long = sorted((wanted.casefold(), name.casefold()), key=len)
    return len(short) >= _SHORTEST_PREFIX and long.startswith(short)


def _given(text: str | None) -> tuple[str, ...]:
    return (text,) if text else ()
