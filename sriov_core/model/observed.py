"""What is: functions, NICs, VFs and the node, as read from the kernel. Nothing here does I/O."""

import enum
from collections.abc import Mapping

import attrs

from sriov_core.model.address import Address
from sriov_core.model.bridges import OpenVSwitch


class Unknown(enum.Enum):
    """The one value that says "cannot be known yet", as opposed to None, which says "there is none"."""

    UNKNOWN = "unknown"

    def __str__(self) -> str:
        return "?"


UNKNOWN = Unknown.UNKNOWN


class EswitchMode(enum.StrEnum):
    """As devlink prints it."""

    LEGACY = "legacy"
    SWITCHDEV = "switchdev"


class LinkType(enum.StrEnum):
    """As the custom resources print it."""

    ETH = "ETH"
    IB = "IB"


@attrs.frozen(kw_only=True)
class Function:
    """A PCI function of class network, raw as the bus lists it.

    ``vendor``, ``device`` and the subsystem pair are four lower-case hex digits, ``pci_class`` is six (020000).
    ``kernel_driver`` is None while nothing is bound. ``platform`` is ``baremetal`` or a cloud's name.
    """

    address: Address
    vendor: str
    device: str
    subsystem_vendor: str = ""
    subsystem_device: str = ""
    pci_class: str = "020000"
    kernel_driver: str | None = None
    is_vf: bool = False
    platform: str = "baremetal"


@attrs.frozen(kw_only=True)
class Use:
    """Why somebody would notice if this NIC went away: ``kind`` is a code, ``detail`` a phrase for people."""

    kind: str
    detail: str


@attrs.frozen(kw_only=True)
class Vf:
    """One VF of a NIC.

    ``address`` is None while the VF is only planned. ``kernel_driver`` and ``mtu`` are UNKNOWN right after creation
    or binding, when the kernel decides. ``name`` and ``mtu`` are None when no netdev is visible in this network
    namespace (none bound, a userspace driver, or the VF is in a pod). ``admin_mac`` is None when the PF was told no
    address for it. ``used_by`` says who would lose the VF, None when nobody is known. ``guid`` is the node GUID that
    its RDMA device shows, eight octets with colons (None: no RDMA device here, or not known yet), ``admin_guid`` the
    one that the PF was told for it. ``vdpa_type`` is ``virtio`` or ``vhost``, None without a vDPA device;
    ``representor`` the netdev that stands for it on the host side of the eswitch.
    """

    index: int
    address: Address | None = None
    vendor: str = ""
    device: str = ""
    kernel_driver: str | Unknown | None = None
    name: str | None = None
    mac: str | None = None
    admin_mac: str | None = None
    mtu: int | Unknown | None = None
    iommu_group: int | None = None
    used_by: str | None = None
    guid: str | None = None
    admin_guid: str | None = None
    vdpa_type: str | None = None
    representor: str | None = None


@attrs.frozen(kw_only=True)
class Identity:
    """What stays with a card when it is renamed or moved: used to recognise it, never to address it."""

    permanent_mac: str | None = None
    serial: str | None = None
    slot: str | None = None


@attrs.frozen(kw_only=True)
class Setting:
    """A setting that lives in a card's firmware: in effect now, and from the next boot on."""

    current: str
    next: str


@attrs.frozen(kw_only=True)
class Nic:
    """A PCI function that we manage, with its VFs in index order.

    ``total_vfs`` is None when the device offers no SR-IOV capability. ``eswitch_mode`` is None when devlink offers no
    eswitch for it, which counts as legacy. ``speed_mbit`` is None while the link is down. ``uses`` names who on this
    host depends on the NIC. ``unreadable`` says what could not be read of it and why (not root, for one): it may be
    shown, but not changed. ``facts`` holds what only the vendor driver understands.

    ``vf_limit`` is the most VFs that the card's firmware could be set to offer, None when ``total_vfs`` is all there
    is. ``features`` are offloads by their ethtool name, only those that can be switched; ``parameters`` devlink
    parameters; ``settings`` firmware settings by their tool's name. Of these three a driver lists what it knows and
    may change, and a release puts back what was found.
    """

    address: Address
    vendor: str
    device: str
    subsystem_vendor: str = ""
    subsystem_device: str = ""
    kernel_driver: str | None = None
    name: str | None = None
    alt_names: tuple[str, ...] = ()
    link_type: LinkType | None = None
    mac: str | None = None
    identity: Identity = Identity()
    mtu: int | Unknown | None = None
    min_mtu: int | None = None
    max_mtu: int | None = None
    link_up: bool | None = None
    carrier: bool | None = None
    speed_mbit: int | None = None
    total_vfs: int | None = None
    num_vfs: int = 0
    autoprobe: bool = True
    eswitch_mode: EswitchMode | None = None
    numa_node: int | None = None
    iommu_group: int | None = None
    driver_version: str | None = None
    firmware_version: str | None = None
    net_filter: str | None = None
    externally_managed: bool = False
    vfs: tuple[Vf, ...] = ()
    uses: tuple[Use, ...] = ()
    managers: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()
    platform: str = "baremetal"
    vf_limit: int | None = None
    features: Mapping[str, bool] = attrs.field(factory=dict)
    parameters: Mapping[str, str] = attrs.field(factory=dict)
    settings: Mapping[str, Setting] = attrs.field(factory=dict)
    facts: Mapping[str, str] = attrs.field(factory=dict)

    def with_vf(self, vf: Vf) -> "Nic":
        """The same NIC with the VF of that index replaced."""
        self.vf(vf.index)
        return attrs.evolve(self, vfs=(*self.vfs[: vf.index], vf, *self.vfs[vf.index + 1 :]))

    def vf(self, index: int) -> Vf:
        """The VF with that index; LookupError when there is none."""
        if index < len(self.vfs) and self.vfs[index].index == index:
            return self.vfs[index]
        raise LookupError(f"{self.address} has no vf{index} (VFs now: {len(self.vfs)})")

    @property
    def effective_mode(self) -> EswitchMode:
        """The eswitch mode, with "devlink offers none" counted as legacy."""
        return self.eswitch_mode or EswitchMode.LEGACY

    def __str__(self) -> str:
        return f"{self.address} ({self.name})" if self.name else str(self.address)


@attrs.frozen(kw_only=True)
class Node:
    """What matters of the machine around the NICs.

    ``iommu_groups`` counts /sys/kernel/iommu_groups (0: no IOMMU in effect). ``lockdown`` is none, integrity or
    confidentiality. ``boot_manager`` names the backend that can set kernel arguments, None when none is known.
    ``modules`` are loaded or built in, spelled with underscores. ``network_managers`` are those running. ``files``
    maps the path of each configuration file that is ours to its text, and of each note of the other operator
    (`sriov_core.model.predecessor`). ``rdma_mode`` is ``shared`` or ``exclusive``,
    None without an RDMA subsystem; the kernel changes it only while ``other_net_namespaces`` is 0. ``noiommu`` says
    whether vfio serves devices without an IOMMU, None while vfio is not loaded or was built without that.
    """

    hostname: str = ""
    kernel: str = ""
    os_name: str = ""
    architecture: str = ""
    cpu_vendor: str | None = None
    boot_id: str = ""
    cmdline: tuple[str, ...] = ()
    iommu_groups: int = 0
    lockdown: str = "none"
    boot_manager: str | None = None
    modules: frozenset[str] = frozenset()
    network_managers: tuple[str, ...] = ()
    files: Mapping[str, str] = attrs.field(factory=dict)
    rdma_mode: str | None = None
    other_net_namespaces: int = 0
    noiommu: bool | None = None


@attrs.frozen(kw_only=True)
class Unmanaged:
    """A function that no driver serves, and why."""

    function: Function
    reason: str


@attrs.frozen(kw_only=True)
class Snapshot:
    """One look at the machine: NICs in address order with their owners, and what could not be looked at.

    ``owners`` maps a NIC to the plugin that serves it and the reason it was chosen. ``failures`` maps a NIC to the
    text of the error its driver raised while looking. ``ovs`` is None where Open vSwitch was not looked at: nobody
    wishes for a bridge or for switchdev, and none is ours.
    """

    node: Node = Node()
    nics: tuple[Nic, ...] = ()
    owners: Mapping[Address, "Owner"] = attrs.field(factory=dict)
    unmanaged: tuple[Unmanaged, ...] = ()
    failures: Mapping[Address, str] = attrs.field(factory=dict)
    ovs: OpenVSwitch | None = None

    def nic(self, address: Address) -> Nic | None:
        """The NIC at that address, None when there is none."""
        return next((nic for nic in self.nics if nic.address == address), None)


@attrs.frozen(kw_only=True)
class Owner:
    """Which plugin serves a NIC and why it was chosen; ``blocked`` says why it may look but not touch."""

    plugin: str
    reason: str
    blocked: str | None = None
