"""The administrator's word on who serves a NIC: the annotation ``pinned-plugins`` of a node state. No I/O."""

import attrs

from sriov_core.api import keys
from sriov_core.api.fault import Fault, shown
from sriov_core.model.address import Address

_PATH = f"metadata.annotations[{keys.PINNED_PLUGINS}]"
_REMEDY = "Write ADDRESS=PLUGIN, as in 0000:3b:00.0=generic"


@attrs.frozen(kw_only=True)
class Pins:
    """Which plugin shall serve which NIC; ``faults`` are the parts of the text that say nothing of the kind."""

    plugins: dict[Address, str] = attrs.field(factory=dict)
    faults: tuple[Fault, ...] = ()


def parse_pins(text: str) -> Pins:
    """Read ``0000:3b:00.0=generic,0000:5e:00.0=mellanox``; blanks do not count, of two for one NIC the first holds."""
    plugins: dict[Address, str] = {}
    faults = []
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        device, _, plugin = (piece.strip() for piece in part.partition("="))
        try:
            address = Address.parse(device)
        except ValueError:
            plugin = ""
        if not plugin:
            faults.append(Fault(_PATH, f"found {shown(part)}", _REMEDY))
        elif plugins.setdefault(address, plugin) != plugin:
            text = f"{address} is pinned to {plugins[address]} and to {plugin}"
            faults.append(Fault(_PATH, text, "Keep one of the two"))
    return Pins(plugins=plugins, faults=tuple(faults))
