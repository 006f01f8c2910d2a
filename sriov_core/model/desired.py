"""What is wished of each NIC: counts, modes, and what every VF is for. Nothing here does I/O."""

import enum
from collections.abc import Mapping

import attrs

from sriov_core.model.address import Address
from sriov_core.model.bridges import Bridge
from sriov_core.model.observed import UNKNOWN, EswitchMode, Identity, LinkType, Nic, Vf


class DeviceType(enum.StrEnum):
    """What a VF is for. ``netdevice`` is whatever driver the kernel picks; the others are userspace drivers."""

    NETDEVICE = "netdevice"
    VFIO_PCI = "vfio-pci"
    UIO_PCI_GENERIC = "uio_pci_generic"
    IGB_UIO = "igb_uio"

    @property
    def userspace_driver(self) -> str | None:
        """The kernel driver to bind, None for "the kernel's default"."""
        return None if self is DeviceType.NETDEVICE else self.value


USERSPACE_DRIVERS = frozenset(kind.value for kind in DeviceType if kind.userspace_driver)


def driver_fits(vf: Vf, userspace_driver: str | None) -> bool:
    """True when the VF is under that userspace driver, or, for None, under any driver that is not one."""
    if userspace_driver:
        return vf.kernel_driver == userspace_driver
    return vf.kernel_driver not in (None, UNKNOWN) and vf.kernel_driver not in USERSPACE_DRIVERS


class VdpaType(enum.StrEnum):
    """As the custom resources print it."""

    VIRTIO = "virtio"
    VHOST = "vhost"


@attrs.frozen(kw_only=True)
class VfGroup:
    """VFs ``first`` to ``last`` (inclusive) of one NIC that serve one resource."""

    first: int
    last: int
    device_type: DeviceType = DeviceType.NETDEVICE
    mtu: int | None = None
    is_rdma: bool = False
    vdpa_type: VdpaType | None = None
    resource_name: str = ""
    policy_name: str = ""

    def __contains__(self, index: int) -> bool:
        return self.first <= index <= self.last

    def overlaps(self, other: "VfGroup") -> bool:
        """True when some index lies in both."""
        return self.first <= other.last and other.first <= self.last

    @property
    def vf_range(self) -> str:
        """The wire form, ``0-3``."""
        return f"{self.first}-{self.last}"


@attrs.frozen(kw_only=True)
class Baseline:
    """What a NIC was like before we changed it for the first time; releasing the NIC goes back to this.

    ``groups`` hold what its VFs were for, as far as that is not the kernel's default: userspace drivers and MTUs.
    ``features``, ``parameters`` and ``settings`` (the next boot's) are what the NIC's had before. ``link_type`` is what
    the port spoke then, None when nobody noted it.
    """

    num_vfs: int = 0
    mtu: int | None = None
    link_up: bool | None = None
    autoprobe: bool = True
    eswitch_mode: EswitchMode = EswitchMode.LEGACY
    groups: tuple[VfGroup, ...] = ()
    features: Mapping[str, bool] = attrs.field(factory=dict)
    parameters: Mapping[str, str] = attrs.field(factory=dict)
    settings: Mapping[str, str] = attrs.field(factory=dict)
    link_type: LinkType | None = None

    def allows_mtu(self, nic: Nic, mtu: int) -> bool:
        """True when the NIC can go back to an MTU of then: it speaks what it spoke then, and its bounds allow that.

        MTUs of Ethernet and of InfiniBand have nothing to do with each other, and a port that changes its link type
        starts with the MTU of the new one.
        """
        alike = None in (self.link_type, nic.link_type) or self.link_type is nic.link_type
        return alike and (nic.min_mtu or mtu) <= mtu <= (nic.max_mtu or mtu)


@attrs.frozen(kw_only=True)
class NicSpec:
    """The wish for one NIC.

    ``mtu`` is a floor: a larger one is left alone, except when ``restore`` is set. VFs in no group get the kernel's
    default driver. ``named`` says that the wish names this very NIC (by name or address), which is what allows
    touching one the host depends on. ``autoprobe`` is how sriov_drivers_autoprobe shall end up; None leaves it as
    found. ``restore`` marks a release: the NIC goes back to exactly those values. ``identity`` is the card the wish
    was recorded for, when known. ``reset_firmware`` has a firmware change followed by a reset of the card, for
    machines whose warm reboot does not make the card load it.
    """

    address: Address
    name: str = ""
    num_vfs: int = 0
    mtu: int | None = None
    eswitch_mode: EswitchMode = EswitchMode.LEGACY
    link_type: LinkType | None = None
    externally_managed: bool = False
    groups: tuple[VfGroup, ...] = ()
    named: bool = False
    autoprobe: bool | None = None
    restore: Baseline | None = None
    identity: Identity | None = None
    plugin: str | None = None
    reset_firmware: bool = False

    def group_of(self, index: int) -> VfGroup | None:
        """The first group that holds the VF, None for an ungrouped VF."""
        return next((group for group in self.groups if index in group), None)

    def vdpa_type(self, index: int) -> VdpaType | None:
        """The vDPA device that the VF shall have, None for none."""
        group = self.group_of(index)
        return group.vdpa_type if group else None

    def device_type(self, index: int) -> DeviceType:
        """What the VF is for; an ungrouped VF is a netdevice."""
        group = self.group_of(index)
        return group.device_type if group else DeviceType.NETDEVICE

    def vf_mtu(self, nic: Nic, index: int) -> int | None:
        """The MTU that the VF's netdev shall have; None for whatever it has, and for a VF without a netdev."""
        group = self.group_of(index)
        if group is None or group.mtu is None or group.device_type.userspace_driver:
            return None
        return group.mtu if self.restore is None or self.restore.allows_mtu(nic, group.mtu) else None

    @property
    def pf_mtu(self) -> int | None:
        """The MTU that the PF needs: never less than that of any of its VFs."""
        wanted = [mtu for mtu in (self.mtu, *(group.mtu for group in self.groups)) if mtu]
        return max(wanted, default=None)


@attrs.frozen(kw_only=True)
class NodeSpec:
    """The wish for a node: one NicSpec per NIC, in the order of the wish.

    ``rdma_mode`` is ``shared``, ``exclusive`` or empty: no wish. What follows is added from what is remembered:
    ``ours`` are the NICs that we changed before; ``kept_bridges`` are ours and stay though nobody wishes for them now;
    ``gone_bridges`` name those of ours to be taken away. ``release`` has everything given back that nobody wishes
    for: then ``restore_rdma_mode`` is what the RDMA mode was before the first wish.
    """

    nics: tuple[NicSpec, ...] = ()
    rdma_mode: str = ""
    bridges: tuple[Bridge, ...] = ()
    ours: frozenset[Address] = frozenset()
    kept_bridges: tuple[Bridge, ...] = ()
    gone_bridges: tuple[str, ...] = ()
    release: bool = False
    restore_rdma_mode: str = ""

    def resetting_firmware(self) -> "NodeSpec":
        """The same wish, with a reset of each card whose firmware is changed."""
        return attrs.evolve(self, nics=tuple(attrs.evolve(nic, reset_firmware=True) for nic in self.nics))

    def nic(self, address: Address) -> NicSpec | None:
        """The wish for the NIC at that address, None when it is not wished for."""
        return next((spec for spec in self.nics if spec.address == address), None)


NO_GUID = "00:00:00:00:00:00:00:00"
"""What the RDMA device of a VF shows that was bound before anybody gave it a GUID."""


def needs_guid(nic: Nic, spec: NicSpec, index: int) -> bool:
    """True when the VF is of no use without a node GUID: any on InfiniBand, on Ethernet one for RDMA."""
    group = spec.group_of(index)
    return nic.link_type is LinkType.IB or bool(group and group.is_rdma)


def lacks_guid(nic: Nic, spec: NicSpec, vf: Vf) -> bool:
    """True for a VF that needs a GUID, was bound without one, and can get it: told an identity, then bound anew.

    One that was told an identity and shows zeros all the same would show them after the next bind, too.
    """
    bound = spec.device_type(vf.index).userspace_driver is None and driver_fits(vf, None)
    if not bound or vf.guid != NO_GUID or not needs_guid(nic, spec, vf.index):
        return False
    return vf.admin_guid in (None, NO_GUID) if nic.link_type is LinkType.IB else vf.admin_mac is None
