"""What forbids touching a NIC although its driver could: the host depends on it, or it is another card. Pure."""

from collections.abc import Iterator

from sriov_core.model.desired import NicSpec
from sriov_core.model.observed import EswitchMode, Identity, LinkType, Nic, Owner
from sriov_core.model.plan import Problem
from sriov_core.plugin.info import Capability, PluginInfo


def objections(nic: Nic, spec: NicSpec, owner: Owner) -> tuple[Problem, ...]:
    """Why the NIC must not be changed; asked only when there is something to change."""
    return (*_blocked(nic, owner), *_in_use(nic, spec), *_another_card(nic, spec))


def undeclared(info: PluginInfo, nic: Nic, spec: NicSpec) -> tuple[Problem, ...]:
    """What the wish asks for that the driver never said it can do."""
    asked = {
        Capability.SWITCHDEV: spec.eswitch_mode is EswitchMode.SWITCHDEV,
        Capability.VDPA: any(group.vdpa_type for group in spec.groups),
        Capability.RDMA: any(group.is_rdma for group in spec.groups),
        Capability.INFINIBAND: nic.link_type is LinkType.IB and bool(spec.num_vfs),
        Capability.LINK_TYPE: None not in (spec.link_type, nic.link_type) and spec.link_type is not nic.link_type,
    }
    return tuple(
        Problem(
            code="not-capable",
            nic=nic.address,
            text=f"{capability} is wanted, and plugin {info.name} does not offer it",
            remedy="Change the policy, or install a plugin for this card; see `sriov-core plugins`",
        )
        for capability, wanted in asked.items()
        if wanted and capability not in info.capabilities
    )


def _blocked(nic: Nic, owner: Owner) -> Iterator[Problem]:
    if owner.blocked:
        yield Problem(
            code="plugin-refused",
            nic=nic.address,
            text=owner.blocked,
            remedy="See `sriov-core plugins`",
        )


def _in_use(nic: Nic, spec: NicSpec) -> Iterator[Problem]:
    if nic.uses and not spec.named and not spec.restore:
        reasons = "; ".join(use.detail for use in nic.uses)
        yield Problem(
            code="in-use",
            nic=nic.address,
            text=f"this host depends on {nic.name or nic.address} ({reasons}), and the wish does not name it",
            remedy="Name it in nicSelector.pfNames or rootDevices if it is really meant, or select other NICs",
        )


def _another_card(nic: Nic, spec: NicSpec) -> Iterator[Problem]:
    if spec.identity and (change := identity_change(spec.identity, nic.identity)):
        yield Problem(
            code="another-card",
            nic=nic.address,
            text=f"the card at this address is not the one that was configured here ({change})",
            remedy=f"If the new card shall take its place, run `sriov-core reset --forget {nic.address}` first",
        )


def identity_change(recorded: Identity, found: Identity) -> str | None:
    """What tells the two cards apart, None when nothing does. A missing fact tells nothing."""
    # A port that was switched between Ethernet and InfiniBand (20 octets) has another address, and is the same port.
    alike = len({(one.permanent_mac or "").count(":") == 19 for one in (recorded, found)}) == 1
    for what, before, now in (
        ("serial number", recorded.serial, found.serial),
        ("permanent MAC", recorded.permanent_mac, found.permanent_mac if alike else None),
    ):
        if before and now and before != now:
            return f"{what} was {before}, is {now}"
    return None
