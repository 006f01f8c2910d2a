"""One entry of a JSON networks annotation: which fields it may have, and of what kind. Nothing here does I/O.

The fields are those of the Kubernetes Network Custom Resource Definition De-facto Standard, version 1.3; a value of
another kind is refused by Multus, and the pod never starts.
"""

from typing import Any

import msgspec
import msgspec.inspect

from sriov_core.api import shape
from sriov_core.api.wire import Wire


class PortMapping(Wire, frozen=True, kw_only=True):
    """A port of the node that leads to one of the pod."""

    host_port: int = 0
    container_port: int = 0
    protocol: str = ""
    host_ip: str = msgspec.field(name="hostIP", default="")


class Bandwidth(Wire, frozen=True, kw_only=True):
    """Rates in bit/s and bursts in bits."""

    ingress_rate: int = 0
    ingress_burst: int = 0
    egress_rate: int = 0
    egress_burst: int = 0


class Element(Wire, frozen=True, kw_only=True):
    """A network with what the pod asks of it."""

    name: str = ""
    namespace: str = ""
    interface: str = ""
    ips: tuple[str, ...] = ()
    mac: str = ""
    infiniband_guid: str = msgspec.field(name="infiniband-guid", default="")
    port_mappings: tuple[PortMapping, ...] = ()
    bandwidth: Bandwidth | None = None
    default_route: tuple[str, ...] = msgspec.field(name="default-route", default=())
    cni_args: dict[str, Any] | None = msgspec.field(name="cni-args", default=None)
    device_id: str = msgspec.field(name="deviceID", default="")
    ipam_claim_reference: str = msgspec.field(name="ipam-claim-reference", default="")


_SHAPE = msgspec.inspect.type_info(Element)
_SPELLED = {field.encode_name.casefold(): field.encode_name for field in msgspec.structs.fields(Element)}


def spelled(entry: dict[str, Any]) -> dict[str, Any]:
    """The entry with its fields as the standard spells them, without nulls: Go finds fields whatever their case."""
    return {_SPELLED.get(key.casefold(), key): item for key, item in entry.items() if item is not None}


def mistake(entry: dict[str, Any]) -> tuple[str, str, str] | None:
    """The field, the fault and the remedy of the first value of a wrong kind in an entry that is `spelled`."""
    found = next(shape.faults(entry, _SHAPE), None)
    return (found.path, found.text, found.remedy) if found else None


def oversight(entry: dict[str, Any]) -> str:
    """A remark about the first field that the standard does not have; empty when there is none."""
    found = next(shape.unknown(entry, _SHAPE), None)
    return f"{found.path} is no field of a network. {found.remedy}" if found else ""
