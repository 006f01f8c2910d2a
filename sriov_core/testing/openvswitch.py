"""Open vSwitch in a tree: what its database shows of some bridges, and how its rows change."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from sriov_core.model.bridges import Bridge, OpenVSwitch, Uplink
from sriov_core.testing.facts import BridgeFacts, OvsFacts, UplinkFacts

HW_OFFLOAD = "hw-offload"


def look(ovs: OvsFacts | None, bridges: Sequence[Bridge]) -> OpenVSwitch | None:
    """What there is of these bridges, of maps only the keys that they have; None without Open vSwitch."""
    if ovs is None:
        return None
    if ovs.error:
        return OpenVSwitch(service=ovs.service, error=ovs.error)
    rows = {row.name: row for row in ovs.bridges}
    found = [_bridge(rows[wish.name], wish) for wish in bridges if wish.name in rows]
    return OpenVSwitch(
        bridges=tuple(sorted(found, key=lambda bridge: bridge.name)),
        idle=not ovs.bridges,
        hw_offload=ovs.other_config.get(HW_OFFLOAD) == "true",
        service=ovs.service,
    )


def put(ovs: OvsFacts, wish: Bridge, netdevs: Collection[str]) -> str:
    """Make the bridge like this; what fits stays. Returns the error that ovs-vswitchd leaves on the uplink's row."""
    row = next((row for row in ovs.bridges if row.name == wish.name), None)
    if row is None:
        row = BridgeFacts(name=wish.name)
        ovs.bridges.append(row)
    row.datapath_type, row.fail_mode = wish.datapath_type, wish.fail_mode
    row.external_ids |= wish.external_ids
    row.other_config |= wish.other_config
    if wish.uplink is None:
        row.uplink = None
        return ""
    for other in ovs.bridges:  # a netdev is a port of one bridge only
        if other is not row and other.uplink and other.uplink.name == wish.uplink.name:
            other.uplink = None
    row.uplink = _uplink_row(wish.uplink, row.uplink)
    row.uplink.error = "" if wish.uplink.name in netdevs else _no_device(wish.uplink.name)
    return row.uplink.error


def start(ovs: OvsFacts, netdevs: Collection[str], *, drop_in: str | None) -> None:
    """What ovs-vswitchd does when it starts: the rows are on disk, each uplink is opened anew.

    ``drop_in`` is the text of a file beside its unit; what that sets comes before the start (ExecStartPre).
    """
    if drop_in and f"other_config:{HW_OFFLOAD}=true" in drop_in:
        ovs.other_config[HW_OFFLOAD] = "true"
    ovs.offloading = ovs.other_config.get(HW_OFFLOAD) == "true"
    for row in ovs.bridges:
        if row.uplink:
            row.uplink.error = "" if row.uplink.name in netdevs else _no_device(row.uplink.name)


def _no_device(name: str) -> str:
    # lib/netdev.c of Open vSwitch, in the column "error" of the row
    return f"could not open network device {name} (No such device)"


def _uplink_row(wish: Uplink, found: UplinkFacts | None) -> UplinkFacts:
    row = found if found and found.name == wish.name else UplinkFacts(name=wish.name)
    row.type = wish.type
    row.options |= wish.options
    row.external_ids |= wish.external_ids
    row.other_config |= wish.other_config
    row.mtu_request = row.mtu_request if wish.mtu_request is None else wish.mtu_request
    return row


def _bridge(row: BridgeFacts, wish: Bridge) -> Bridge:
    return Bridge(
        name=row.name,
        datapath_type=row.datapath_type,
        fail_mode=row.fail_mode,
        external_ids=_only(row.external_ids, wish.external_ids),
        other_config=_only(row.other_config, wish.other_config),
        uplink=next(_uplinks(row, wish.uplink), None),
    )


def _uplinks(row: BridgeFacts, wish: Uplink | None) -> Iterator[Uplink]:
    found = row.uplink
    if wish and found and found.name == wish.name and not found.error:
        yield Uplink(
            nic=wish.nic,
            name=found.name,
            type=found.type,
            options=_only(found.options, wish.options),
            external_ids=_only(found.external_ids, wish.external_ids),
            other_config=_only(found.other_config, wish.other_config),
            mtu_request=None if wish.mtu_request is None else found.mtu_request,
        )


def _only(found: Mapping[str, str], keys: Collection[str]) -> dict[str, str]:
    return {key: value for key, value in found.items() if key in keys}
