"""Read what the Go sriov-network-operator left on a node, so that its NICs are taken over without touching a VF."""

import json
from collections.abc import Container, Iterable, Iterator, Mapping
from typing import Any

from sriov_core.model import predecessor
from sriov_core.model.address import Address
from sriov_core.model.desired import Baseline
from sriov_core.model.observed import EswitchMode, LinkType, Nic
from sriov_core.model.record import NicRecord
from sriov_core.plugin.reader import HostReader

PREDECESSOR, STORE, CHECKPOINT = predecessor.NAME, predecessor.STORE, predecessor.CHECKPOINT
_RESET_MTU = {LinkType.ETH: 1500, LinkType.IB: 2048}


def predecessors(nics: Iterable[Nic], host: HostReader) -> Iterator[NicRecord]:
    """A record for each NIC that the other operator configured.

    Its store says that a NIC is its own, not what it was like before; that it wrote, per boot, into a checkpoint.
    Without the checkpoint a NIC goes back to what that operator itself would reset it to: no VFs, legacy, the
    link type's usual MTU. A store file cut off by a crash still says whose the NIC is.
    """
    initial = _initial(host.file(CHECKPOINT))
    for nic in nics:
        text = host.file(f"{STORE}/{nic.address}")
        if text is None:
            continue
        stored = _json_object(text)
        before = initial.get(str(nic.address), {})
        yield NicRecord(
            address=nic.address,
            name=nic.name or "",
            identity=nic.identity,
            externally_managed=stored.get("externallyManaged") is True,
            source=PREDECESSOR,
            baseline=Baseline(
                num_vfs=0 if nic.platform == "baremetal" else nic.num_vfs,  # a virtual machine's VF is there for good
                mtu=_positive(before.get("mtu")) or _RESET_MTU.get(nic.link_type or LinkType.ETH),
                autoprobe=nic.autoprobe,
                eswitch_mode=_mode(before.get("eSwitchMode")),
            ),
        )


def adopt(
    records: Mapping[Address, NicRecord], nics: Iterable[Nic], host: HostReader, taken_over: Container[str] = ()
) -> dict[Address, NicRecord]:
    """The records with those of the other operator added; our own come first.

    Where its record was read before (``taken_over``), it says nothing any more: the NIC may have been given back
    since, or the card may have moved.
    """
    fresh = [nic for nic in nics if nic.address not in records and str(nic.address) not in taken_over]
    return {record.address: record for record in predecessors(fresh, host)} | dict(records)


def still_noted(taken_over: Iterable[str], host: HostReader) -> tuple[str, ...]:
    """Those of the addresses whose note is still there; a note that comes back later is a new one, and counts."""
    return tuple(address for address in sorted(taken_over) if host.file(f"{STORE}/{address}") is not None)


def _initial(text: str | None) -> dict[str, dict[str, Any]]:
    status = _json_object(text or "").get("status")
    interfaces = status.get("interfaces") if isinstance(status, dict) else None
    listed = interfaces if isinstance(interfaces, list) else []
    return {str(entry.get("pciAddress")): entry for entry in listed if isinstance(entry, dict)}


def _json_object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _positive(value: object) -> int | None:
    return value if isinstance(value, int) and value > 0 else None


def _mode(value: object) -> EswitchMode:
    return EswitchMode.SWITCHDEV if value == EswitchMode.SWITCHDEV else EswitchMode.LEGACY
