"""The tree format, version 1: one machine as data, mutable so that it is also the fake kernel's whole state.

Nothing here does I/O. Identifiers are the kernel's: hex digits in lower case, MTU in bytes, speeds in Mbit/s.
"""

import enum
from typing import Annotated

import msgspec

from sriov_core.model.observed import EswitchMode, LinkType
from sriov_core.testing.facts import BridgeFacts, CardFacts, Guid, OvsFacts, ParameterFacts, TableLayout, UplinkFacts

FORMAT = 1

Hex4 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{4}$")]
Hex6 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{6}$")]
Mac = Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{2}:){5,}[0-9a-f]{2}$")]

Vdpa = Annotated[str, msgspec.Meta(pattern="^(virtio|vhost)$")]
RdmaMode = Annotated[str, msgspec.Meta(pattern="^(shared|exclusive)$")]


class Access(enum.StrEnum):
    """What the process may do on the machine: everything, nothing, or everything but write sysfs."""

    ROOT = "root"
    USER = "user"
    READ_ONLY_SYSFS = "read-only-sysfs"


class Refusal(enum.StrEnum):
    """What a device's kernel driver refuses beyond what the PCI core refuses for every device.

    ``mode-in-bridge``: an eswitch mode while Open vSwitch has the PF as a port (its flows are offloaded);
    ``parameter-in-switchdev``: a runtime devlink parameter in switchdev mode; ``reload``: any reload;
    ``reload-up``: the second half of a reload, after which the netdevs are gone until one succeeds.
    """

    MODE_WITH_VFS = "mode-with-vfs"
    MODE_WITH_BOUND_VFS = "mode-with-bound-vfs"
    MODE_WITHOUT_VFS = "mode-without-vfs"
    RESIZE_IN_SWITCHDEV = "resize-in-switchdev"
    RESIZE_WITH_LINK_DOWN = "resize-with-link-down"
    MODE_IN_BRIDGE = "mode-in-bridge"
    PARAMETER_IN_SWITCHDEV = "parameter-in-switchdev"
    RELOAD = "reload"
    RELOAD_UP = "reload-up"


class Quirk(enum.StrEnum):
    """What a device does differently without refusing anything.

    ``vfs-without-devices``: its VFs are numbers and no devices of a bus; of the attributes of SR-IOV the PF has
    sriov_numvfs, and debugfs tells its limit (drivers/net/netdevsim/bus.c, dev.c: max_vfs).
    """

    ZERO_VFS_MEANS_LEGACY = "zero-vfs-means-legacy"
    VF_MAC_SURVIVES = "vf-mac-survives"
    VFS_WITHOUT_DEVICES = "vfs-without-devices"


class _Facts(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    pass


UNTOLD_NETNS = "?"
"""For the name of a network namespace that is not this one: the machine did not tell which."""


class LinkFacts(_Facts):
    """A netdev. ``netns`` names the network namespace it was moved to (None: this one). ifindex 0: not yet known.

    ``carrier`` and ``speed_mbit`` are what it shows while it is up; down, a netdev has neither. ``features`` are
    offloads by their ethtool name, those that can be switched only; ``default_features`` are those of a new netdev
    (empty: the first ``features``).
    """

    name: str
    ifindex: int = 0
    mac: Mac | None = None
    permanent_mac: Mac | None = None
    mtu: int = 1500
    min_mtu: int | None = None
    max_mtu: int | None = None
    up: bool = False
    carrier: bool | None = None
    speed_mbit: int | None = None
    link_type: LinkType | None = LinkType.ETH
    alt_names: list[str] = []
    phys_port_name: str | None = None
    phys_switch_id: str | None = None
    netns: str | None = None
    features: dict[str, bool] = {}
    default_features: dict[str, bool] = {}


class VfFacts(_Facts):
    """A VF that exists. ``holder`` is a process with its VFIO, UIO or vDPA device open; a hidden one shows by blocking.

    ``guid`` is the node GUID that its RDMA device shows, ``admin_guid`` the one that the PF was told.
    """

    index: int
    address: str
    kernel_driver: str | None = None
    driver_override: str | None = None
    link: LinkFacts | None = None
    admin_mac: Mac | None = None
    iommu_group: int | None = None
    holder: str | None = None
    holder_hidden: bool = False
    guid: Guid | None = None
    admin_guid: Guid | None = None
    vdpa: Vdpa | None = None


class SriovFacts(_Facts):
    """The SR-IOV capability of a PF and its VFs, in index order.

    ``vf_kernel_driver`` is what the kernel binds by itself (None: it has no driver for these VFs). Offset and stride
    are those of the capability and give each VF its address. ``hidden``: the card's firmware offers no VFs now.
    ``vf_rdma``: a bound VF has an RDMA device; ``vdpa``: it is a management device for vDPA.
    """

    total_vfs: int
    vf_device: Hex4
    vf_kernel_driver: str | None = None
    vf_offset: int = 1
    vf_stride: int = 1
    vf_min_mtu: int = 68
    vf_max_mtu: int = 9216
    autoprobe: bool = True
    hidden: bool = False
    vf_rdma: bool = False
    vdpa: bool = False
    vfs: list[VfFacts] = []
    remembered_macs: dict[int, Mac] = {}


class EswitchFacts(_Facts):
    """What devlink says of the embedded switch; a function without one has no such entry."""

    mode: EswitchMode = EswitchMode.LEGACY
    switch_id: str = "00000000000000000000"


class UseFacts(_Facts):
    """Why somebody on the host would notice if the NIC went away."""

    kind: str
    detail: str


class FunctionFacts(_Facts):
    """A network-class function of the bus: a PF, a plain NIC, or (inside a guest) a VF without its PF.

    ``attributes`` holds further sysfs attributes by name; those that follow from other facts are not repeated there.
    ``unbound_driver`` is the driver that the function would get if it were bound, ``unbound_links`` the netdevs that
    come back with it. ``parameters`` are devlink's, ``versions`` what its info tells. ``node_guid`` is the RDMA
    device's. ``holder`` is as for a VF, of a VF that stands for itself.
    """

    address: str
    vendor: Hex4
    device: Hex4
    subsystem_vendor: Hex4 = "0000"
    subsystem_device: Hex4 = "0000"
    pci_class: Hex6 = "020000"
    kernel_driver: str | None = None
    unbound_driver: str | None = None
    driver_override: str | None = None
    is_vf: bool = False
    platform: str = "baremetal"
    numa_node: int | None = None
    iommu_group: int | None = None
    serial: str | None = None
    slot: str | None = None
    driver_version: str | None = None
    firmware_version: str | None = None
    attributes: dict[str, str] = {}
    links: list[LinkFacts] = []
    unbound_links: list[LinkFacts] = []
    node_guid: Guid | None = None
    holder: str | None = None
    holder_hidden: bool = False
    parameters: dict[str, ParameterFacts] = {}
    versions: dict[str, str] = {}
    sriov: SriovFacts | None = None
    eswitch: EswitchFacts | None = None
    refuses: list[Refusal] = []
    quirks: list[Quirk] = []
    uses: list[UseFacts] = []
    managers: list[str] = []


class NodeFacts(_Facts):
    """The machine around the functions.

    ``iommu_groups`` 0 means that no IOMMU is in effect; ``iommu_after_reboot`` that the hardware has one which the
    right kernel argument would switch on. ``missing_modules`` are those that modprobe would not find.
    ``next_cmdline`` is what the boot manager holds for the next boot (empty: the same as now). ``rdma_mode`` is None
    without an RDMA subsystem. ``noiommu`` is vfio's parameter, None while vfio is not loaded; it exists only where
    the kernel was built with it (``noiommu_built``). ``missing_tools`` are vendors' programs that are not installed
    although the machine has their cards. ``network_ids`` maps MACs to networks; with ``network_ids_error`` the cloud
    does not answer.
    """

    hostname: str = "host"
    kernel: str = ""
    os_name: str = ""
    architecture: str = "x86_64"
    cpu_vendor: str | None = None
    boot_id: str = "00000000-0000-0000-0000-000000000000"
    cmdline: list[str] = []
    next_cmdline: list[str] = []
    iommu_groups: int = 0
    iommu_after_reboot: bool = False
    lockdown: str = "none"
    boot_manager: str | None = None
    modules: list[str] = []
    missing_modules: list[str] = []
    network_managers: list[str] = []
    files: dict[str, str] = {}
    other_files: dict[str, str] = {}
    rdma_mode: RdmaMode | None = None
    other_net_namespaces: int = 0
    noiommu: bool | None = None
    noiommu_built: bool = False
    missing_tools: list[str] = []
    mstconfig_table: TableLayout = "wide"
    services: list[str] = []
    network_ids: dict[str, str] = {}
    network_ids_error: str = ""
    ovs: OvsFacts | None = None
    access: Access = Access.ROOT


class Tree(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One machine. ``origin`` says, fact by fact, where each comes from; ``captured`` on what it was read, if so."""

    format: int
    title: str = ""
    captured: str | None = None
    origin: dict[str, str] = {}
    node: NodeFacts = msgspec.field(default_factory=NodeFacts)
    functions: list[FunctionFacts] = []
    cards: list[CardFacts] = []


STRUCT_AT: dict[str, type[msgspec.Struct]] = {
    "": Tree,
    "node": NodeFacts,
    "functions": FunctionFacts,
    "links": LinkFacts,
    "link": LinkFacts,
    "sriov": SriovFacts,
    "vfs": VfFacts,
    "eswitch": EswitchFacts,
    "uses": UseFacts,
    "unbound_links": LinkFacts,
    "parameters": ParameterFacts,
    "cards": CardFacts,
    "ovs": OvsFacts,
    "bridges": BridgeFacts,
    "uplink": UplinkFacts,
}
"""Which struct stands at the place whose last name is the key: an unknown field is compared with its neighbours."""


def copy(tree: Tree) -> Tree:
    """A deep copy, so that a machine never writes into the tree it was made from."""
    return msgspec.msgpack.decode(msgspec.msgpack.encode(tree), type=Tree)
