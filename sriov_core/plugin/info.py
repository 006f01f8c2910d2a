"""What a plugin says of itself: who it is, what it drives, what it can, in which order it works."""

import enum
import re
from collections.abc import Mapping

import attrs

_NAME = re.compile(r"[a-z][a-z0-9-]*")
_HEX4 = re.compile(r"[0-9a-f]{4}")


class Phase(enum.StrEnum):
    """The stages of configuring a NIC; each is planned by the hook of the same name."""

    FIRMWARE = "firmware"
    PF_OPTIONS = "pf-options"
    ESWITCH = "eswitch"
    NUM_VFS = "num-vfs"
    VF_IDENTITY = "vf-identity"
    BIND = "bind"
    VF_OPTIONS = "vf-options"


class Capability(enum.StrEnum):
    """What a driver can do beyond plain VFs; a wish for something undeclared is refused before planning."""

    SRIOV = "sriov"
    SWITCHDEV = "switchdev"
    RDMA = "rdma"
    VDPA = "vdpa"
    INFINIBAND = "infiniband"
    LINK_TYPE = "link-type"


PLAIN_ORDER = (
    Phase.FIRMWARE,
    Phase.PF_OPTIONS,
    Phase.ESWITCH,
    Phase.NUM_VFS,
    Phase.VF_IDENTITY,
    Phase.BIND,
    Phase.VF_OPTIONS,
)
"""The order that plain kernel SR-IOV needs: the PF ready before its VFs, a VF's address before its driver."""


VFS_FIRST_ORDER = (
    Phase.FIRMWARE,
    Phase.PF_OPTIONS,
    Phase.NUM_VFS,
    Phase.ESWITCH,
    Phase.VF_IDENTITY,
    Phase.BIND,
    Phase.VF_OPTIONS,
)
"""The order of cards whose eswitch takes over VFs that exist already."""


class Tier(enum.StrEnum):
    """How well a model is known to work with its driver; each tier includes those after it."""

    PRODUCTION = "production"
    """Somebody runs it in production and says so in ``tested_on``."""
    REAL_KERNEL = "real-kernel"
    """The conformance kit passed on a real kernel that drives this device, in silicon or emulated."""
    SIMULATED = "simulated"
    """The kit passes on a machine written down from kernel sources and vendor documents."""
    PLAIN = "plain"
    """Nothing but what the kernel does for every SR-IOV device is known of it."""


def _hex_or_none(_: object, attribute: "attrs.Attribute[str | None]", value: str | None) -> None:
    if value is not None and not _HEX4.fullmatch(value):
        raise ValueError(f"Match.{attribute.name} is {value!r}; it must be four lower-case hex digits such as '8086'")


@attrs.frozen(kw_only=True)
class Match:
    """Which functions a plugin drives; an unset field matches anything.

    ``subsystem`` is ``vendor:device``, ``pci_class`` a prefix of the six class digits (``02``), ``kernel_driver`` the
    bound driver's name. Specificity: device 16, vendor 8, subsystem 8, platform 4, kernel driver 2, class 1, summed.
    """

    vendor: str | None = attrs.field(default=None, validator=_hex_or_none)
    device: str | None = attrs.field(default=None, validator=_hex_or_none)
    subsystem: str | None = None
    kernel_driver: str | None = None
    pci_class: str | None = None
    platform: str | None = None


@attrs.frozen(kw_only=True)
class Model:
    """A card that a plugin is made for. ``devices`` are ``vendor:device`` pairs of its PFs; ``notes`` is for people."""

    name: str
    devices: tuple[str, ...]
    kernel_driver: str
    tier: Tier = Tier.PLAIN
    notes: str = ""


@attrs.frozen(kw_only=True)
class PluginInfo:
    """The answer of `describe`.

    ``name`` is lower-case letters, digits and dashes. ``phases`` is a permutation of all phases: the order in which
    this hardware is configured; taking VFs away runs it backwards. ``orders`` gives NICs under certain kernel drivers
    another order. ``models`` lists what is known of single cards, for docs/devices.md. ``is_base`` belongs to the one
    plugin that stands below every owner and may match by class alone. ``tested_on`` lists model, firmware, kernel and
    date as free text.
    """

    name: str = attrs.field()
    api: tuple[int, int]
    matches: tuple[Match, ...]
    capabilities: frozenset[Capability] = frozenset({Capability.SRIOV})
    phases: tuple[Phase, ...] = attrs.field(default=PLAIN_ORDER)
    orders: Mapping[str, tuple[Phase, ...]] = attrs.field(factory=dict)
    models: tuple[Model, ...] = ()
    is_base: bool = False
    maintainers: tuple[str, ...] = ()
    tested_on: tuple[str, ...] = ()

    @name.validator
    def _check_name(self, _: object, value: str) -> None:
        if not _NAME.fullmatch(value):
            raise ValueError(f"plugin name {value!r} must be lower-case letters, digits and dashes, a letter first")

    @phases.validator
    def _check_phases(self, _: object, value: tuple[Phase, ...]) -> None:
        if sorted(value) != sorted(Phase):
            raise ValueError(f"phases of {self.name} must name each of {', '.join(Phase)} once")

    @orders.validator
    def _check_orders(self, _: object, value: Mapping[str, tuple[Phase, ...]]) -> None:
        for kernel_driver, phases in value.items():
            if sorted(phases) != sorted(Phase):
                raise ValueError(f"orders[{kernel_driver!r}] of {self.name} must name each of {', '.join(Phase)} once")

    def phases_for(self, kernel_driver: str | None) -> tuple[Phase, ...]:
        """The order of phases for a NIC under that kernel driver."""
        return self.orders.get(kernel_driver or "", self.phases)
