"""The bridges of a SriovNetworkNodeState to and from `Bridge`. Nothing here does I/O."""

from collections.abc import Iterable, Iterator

import msgspec

from sriov_core.api import bridge as wire
from sriov_core.api.fault import Fault, shown
from sriov_core.model.address import Address
from sriov_core.model.bridges import Bridge, Uplink
from sriov_core.policy.wirevalues import address_faults


def bridge_faults(bridges: wire.Bridges, path: str, *, wished: bool) -> Iterator[Fault]:
    """What is wrong with them; ``path`` is where they stand. A wished bridge has one uplink; a reported one may not."""
    first: dict[str, int] = {}
    for position, bridge in enumerate(bridges.ovs):
        place = f"{path}.ovs[{position}]"
        earlier = first.setdefault(bridge.name, position)
        if not bridge.name:
            yield Fault(f"{place}.name", "it is empty", "Name the bridge, as in br-0000_3b_00.0")
        elif earlier != position:
            text = f"{shown(bridge.name)} is given in {path}.ovs[{earlier}] too"
            yield Fault(f"{place}.name", text, "Remove one of them")
        if len(bridge.uplinks) > 1 or (wished and not bridge.uplinks):
            text = f"found {len(bridge.uplinks)} uplinks, wanted one"
            yield Fault(f"{place}.uplinks", text, "Give the bridge one PF; of several, make bridges of their own")
        for number, uplink in enumerate(bridge.uplinks):
            yield from address_faults(uplink.pci_address, f"{place}.uplinks[{number}].pciAddress")


def to_bridges(bridges: wire.Bridges) -> tuple[Bridge, ...]:
    """Bridges without faults as values, in their order."""
    return tuple(_bridge(bridge) for bridge in bridges.ovs)


def from_bridges(bridges: Iterable[Bridge]) -> wire.Bridges:
    """The bridges as a node state carries them, sorted by name."""
    return wire.Bridges(ovs=tuple(_wire_bridge(bridge) for bridge in sorted(bridges, key=lambda bridge: bridge.name)))


def _bridge(bridge: wire.OvsBridge) -> Bridge:
    return Bridge(
        name=bridge.name,
        datapath_type=bridge.bridge.datapath_type,
        fail_mode=bridge.bridge.fail_mode,
        external_ids=bridge.bridge.external_ids,
        other_config=bridge.bridge.other_config,
        uplink=next((_uplink(uplink) for uplink in bridge.uplinks), None),
    )


def _uplink(uplink: wire.OvsUplink) -> Uplink:
    row = uplink.interface
    return Uplink(
        nic=Address.parse(uplink.pci_address),
        name=uplink.name,
        type=row.type,
        options=row.options,
        external_ids=row.external_ids,
        other_config=row.other_config,
        mtu_request=row.mtu_request,
    )


def _wire_bridge(bridge: Bridge) -> wire.OvsBridge:
    config = {
        "datapathType": bridge.datapath_type,
        "failMode": bridge.fail_mode,
        "externalIDs": dict(bridge.external_ids),
        "otherConfig": dict(bridge.other_config),
    }
    return wire.OvsBridge(
        name=bridge.name,
        bridge=msgspec.convert(config, wire.OvsBridgeConfig),
        uplinks=(_wire_uplink(bridge.uplink),) if bridge.uplink else (),
    )


def _wire_uplink(uplink: Uplink) -> wire.OvsUplink:
    row = wire.OvsInterface(
        type=uplink.type,
        options=dict(uplink.options),
        external_ids=dict(uplink.external_ids),
        other_config=dict(uplink.other_config),
        mtu_request=uplink.mtu_request,
    )
    return wire.OvsUplink(pci_address=str(uplink.nic), name=uplink.name, interface=row)
