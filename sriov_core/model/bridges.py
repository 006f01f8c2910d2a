"""Open vSwitch bridges with a PF as their uplink, wished or found, by the names of OVSDB. Nothing here does I/O."""

from collections.abc import Mapping

import attrs

from sriov_core.model.address import Address


@attrs.frozen(kw_only=True)
class Uplink:
    """The PF that is attached to a bridge: a row of the table Interface. ``mtu_request`` None leaves it alone."""

    nic: Address
    name: str
    type: str = ""
    options: Mapping[str, str] = attrs.field(factory=dict)
    external_ids: Mapping[str, str] = attrs.field(factory=dict)
    other_config: Mapping[str, str] = attrs.field(factory=dict)
    mtu_request: int | None = None


@attrs.frozen(kw_only=True)
class Bridge:
    """A row of the table Bridge. ``uplink`` None: the PF is not attached, or its row carries an error."""

    name: str
    datapath_type: str = ""
    fail_mode: str = ""
    external_ids: Mapping[str, str] = attrs.field(factory=dict)
    other_config: Mapping[str, str] = attrs.field(factory=dict)
    uplink: Uplink | None = None


@attrs.frozen(kw_only=True)
class OpenVSwitch:
    """Open vSwitch of the host, as far as it is ours.

    ``bridges`` are those that we made and that exist, sorted by name; of their maps only the keys that we set. ``idle``
    says that there is no bridge at all, of whomever. ``hw_offload`` is other_config:hw-offload of the root row.
    ``service`` names the systemd unit of ovs-vswitchd, None when there is none. ``error`` says why it could not be
    asked; then nothing else holds.
    """

    bridges: tuple[Bridge, ...] = ()
    idle: bool = False
    hw_offload: bool = False
    service: str | None = None
    error: str = ""

    def bridge(self, name: str) -> Bridge | None:
        """The bridge of that name, None when it is not there or not ours."""
        return next((bridge for bridge in self.bridges if bridge.name == name), None)
