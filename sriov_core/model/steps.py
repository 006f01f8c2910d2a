"""The closed set of steps. A step is a value: it prints, survives JSON, and says what the NIC will be like after it.

Adding a kind costs a page in docs/adr, a case in the executor and a case in the fake kernel.
"""

from collections.abc import Mapping
from typing import ClassVar

import attrs

from sriov_core.model.address import Address, VfRef
from sriov_core.model.desired import VdpaType
from sriov_core.model.nodesteps import (
    LoadModule,
    RestartService,
    SetBridge,
    SetKernelArgument,
    SetModuleParameter,
    SetOvsOption,
    SetRdmaMode,
    WriteFile,
)
from sriov_core.model.observed import UNKNOWN, EswitchMode, Nic, Setting, Unknown, Vf
from sriov_core.model.step import Scope, Step, shown, shown_state, shown_switch, target

DEFAULT_DRIVER = "default"
"""Stands for "whatever kernel driver the kernel picks for the device" in `BindDriver`."""


@attrs.frozen(kw_only=True)
class SetLink(Step):
    """Set the PF administratively up or down."""

    kind: ClassVar[str] = "set-link"
    nic: Address
    was: bool | None
    up: bool

    def describe(self) -> str:
        return f"{self.nic}: link {shown_state(self.was)} -> {shown_state(self.up)}"

    def project(self, nic: Nic) -> Nic:
        return attrs.evolve(nic, link_up=self.up)


@attrs.frozen(kw_only=True)
class SetMtu(Step):
    """Set the MTU of the PF, or of a VF's netdev when ``vf`` is given."""

    kind: ClassVar[str] = "set-mtu"
    nic: Address
    vf: int | None = None
    was: int | Unknown | None
    mtu: int

    def describe(self) -> str:
        return f"{target(self.nic, self.vf)}: MTU {shown(self.was)} -> {self.mtu}"

    def project(self, nic: Nic) -> Nic:
        if self.vf is None:
            return attrs.evolve(nic, mtu=self.mtu)
        return nic.with_vf(attrs.evolve(nic.vf(self.vf), mtu=self.mtu))


@attrs.frozen(kw_only=True)
class SetEswitchMode(Step):
    """Switch the embedded switch between legacy and switchdev through devlink."""

    kind: ClassVar[str] = "set-eswitch-mode"
    nic: Address
    was: EswitchMode
    mode: EswitchMode

    def describe(self) -> str:
        return f"{self.nic}: eswitch {self.was} -> {self.mode}"

    def project(self, nic: Nic) -> Nic:
        return attrs.evolve(nic, eswitch_mode=self.mode)


@attrs.frozen(kw_only=True)
class SetAutoprobe(Step):
    """Set sriov_drivers_autoprobe: whether new VFs get the kernel's default driver by themselves."""

    kind: ClassVar[str] = "set-autoprobe"
    nic: Address
    was: bool
    enabled: bool

    def describe(self) -> str:
        return f"{self.nic}: driver autoprobe {shown_switch(self.was)} -> {shown_switch(self.enabled)}"

    def project(self, nic: Nic) -> Nic:
        return attrs.evolve(nic, autoprobe=self.enabled)


@attrs.frozen(kw_only=True)
class SetNumVfs(Step):
    """Write sriov_numvfs. The kernel takes 0 -> n and n -> 0 only (drivers/pci/iov.c: n -> m is EBUSY)."""

    kind: ClassVar[str] = "set-num-vfs"
    nic: Address
    was: int
    count: int

    def describe(self) -> str:
        return f"{self.nic}: VFs {self.was} -> {self.count}"

    def project(self, nic: Nic) -> Nic:
        driver: str | Unknown | None = UNKNOWN if nic.autoprobe else None
        if nic.address.bus != "pci":  # VFs of netdevsim are no devices: what drives the PF drives them
            driver = nic.kernel_driver
        vfs = tuple(Vf(index=index, kernel_driver=driver, mtu=None) for index in range(self.count))
        return attrs.evolve(nic, num_vfs=self.count, vfs=vfs)


@attrs.frozen(kw_only=True)
class SetFeature(Step):
    """Switch an offload of the PF's netdev, by its ethtool name (hw-tc-offload)."""

    kind: ClassVar[str] = "set-feature"
    nic: Address
    feature: str
    was: bool
    on: bool

    def describe(self) -> str:
        return f"{self.nic}: {self.feature} {shown_switch(self.was)} -> {shown_switch(self.on)}"

    def project(self, nic: Nic) -> Nic:
        return attrs.evolve(nic, features={**nic.features, self.feature: self.on})


@attrs.frozen(kw_only=True)
class SetDevlinkParameter(Step):
    """Set a devlink parameter. One of mode driverinit takes effect with the next `ReloadDevlink`.

    ``needed`` False: what comes after works without it, only less well.
    """

    kind: ClassVar[str] = "set-devlink-parameter"
    nic: Address
    parameter: str
    was: str
    value: str
    needed: bool = True

    @property
    def optional(self) -> bool:
        return not self.needed

    def describe(self) -> str:
        return f"{self.nic}: {self.parameter} {self.was} -> {self.value}"

    def project(self, nic: Nic) -> Nic:
        return attrs.evolve(nic, parameters={**nic.parameters, self.parameter: self.value})


@attrs.frozen(kw_only=True)
class ReloadDevlink(Step):
    """Have the kernel driver set the device up anew (devlink reload).

    Its VFs are gone afterwards, and its netdev is made anew: down, with the driver's own MTU.
    """

    kind: ClassVar[str] = "reload-devlink"
    nic: Address

    def describe(self) -> str:
        return f"{self.nic}: reload its kernel driver"

    def project(self, nic: Nic) -> Nic:
        return attrs.evolve(nic, num_vfs=0, vfs=(), link_up=False, mtu=UNKNOWN)


@attrs.frozen(kw_only=True)
class SetFirmware(Step):
    """Change settings in the card's firmware with its vendor's tool (``argv``); they take effect at the next boot."""

    kind: ClassVar[str] = "set-firmware"
    nic: Address
    was: Mapping[str, str]
    settings: Mapping[str, str]
    argv: tuple[str, ...]

    def describe(self) -> str:
        changes = ", ".join(f"{name} {shown(self.was.get(name))} -> {value}" for name, value in self.settings.items())
        return f"{self.nic}: firmware {changes}"

    def project(self, nic: Nic) -> Nic:
        known = nic.settings
        changed = {
            name: Setting(current=known[name].current if name in known else value, next=value)
            for name, value in self.settings.items()
        }
        return attrs.evolve(nic, settings={**known, **changed})


@attrs.frozen(kw_only=True)
class ResetFirmware(Step):
    """Have the card load its firmware anew with its vendor's tool (``argv``), just before a reboot.

    The reboot comes all the same, so a tool that cannot do it on this machine spoils nothing.
    """

    kind: ClassVar[str] = "reset-firmware"
    nic: Address
    argv: tuple[str, ...]

    @property
    def optional(self) -> bool:
        return True

    def describe(self) -> str:
        return f"{self.nic}: reset the firmware"


@attrs.frozen(kw_only=True)
class DetachUplink(Step):
    """Take the PF out of its Open vSwitch bridge: offloaded flows would bar a change of its eswitch."""

    kind: ClassVar[str] = "detach-uplink"
    nic: Address
    bridge: str

    def describe(self) -> str:
        return f"{self.nic}: detach from bridge {self.bridge}"


@attrs.frozen(kw_only=True)
class SetVfMac(Step):
    """Tell the PF which address the VF has; its driver reads it when it binds."""

    kind: ClassVar[str] = "set-vf-mac"
    scope: ClassVar[Scope] = Scope.VF
    nic: Address
    vf: int
    was: str | None
    mac: str

    def describe(self) -> str:
        return f"{target(self.nic, self.vf)}: admin MAC {shown(self.was)} -> {self.mac}"

    def project(self, nic: Nic) -> Nic:
        return nic.with_vf(attrs.evolve(nic.vf(self.vf), admin_mac=self.mac))


@attrs.frozen(kw_only=True)
class SetVfGuid(Step):
    """Tell the PF the node and port GUID of the VF; its driver reads them when it binds."""

    kind: ClassVar[str] = "set-vf-guid"
    scope: ClassVar[Scope] = Scope.VF
    nic: Address
    vf: int
    was: str | None
    guid: str

    def describe(self) -> str:
        return f"{target(self.nic, self.vf)}: admin GUID {shown(self.was)} -> {self.guid}"

    def project(self, nic: Nic) -> Nic:
        return nic.with_vf(attrs.evolve(nic.vf(self.vf), admin_guid=self.guid))


@attrs.frozen(kw_only=True)
class BindDriver(Step):
    """Bind a VF to a kernel driver, to the kernel's default one (`DEFAULT_DRIVER`), or to none (None)."""

    kind: ClassVar[str] = "bind-driver"
    scope: ClassVar[Scope] = Scope.VF
    nic: Address
    vf: int
    was: str | Unknown | None
    kernel_driver: str | None

    def describe(self) -> str:
        return f"{target(self.nic, self.vf)}: kernel driver {shown(self.was)} -> {shown(self.kernel_driver)}"

    def project(self, nic: Nic) -> Nic:
        netdev = UNKNOWN if self.kernel_driver == DEFAULT_DRIVER else None
        # Whatever lives on the netdev and RDMA side of a driver goes with the driver.
        changed = attrs.evolve(
            nic.vf(self.vf), kernel_driver=self.kernel_driver, mtu=netdev, name=None, guid=None, vdpa_type=None
        )
        return nic.with_vf(changed)


@attrs.frozen(kw_only=True)
class SetVdpa(Step):
    """Give the VF a vDPA device of that type, another type, or none (None)."""

    kind: ClassVar[str] = "set-vdpa"
    scope: ClassVar[Scope] = Scope.VF
    nic: Address
    vf: int
    was: str | None
    vdpa_type: VdpaType | None

    def describe(self) -> str:
        return f"{target(self.nic, self.vf)}: vDPA {shown(self.was)} -> {shown(self.vdpa_type)}"

    def project(self, nic: Nic) -> Nic:
        return nic.with_vf(attrs.evolve(nic.vf(self.vf), vdpa_type=self.vdpa_type))


VDPA_MODULES = {VdpaType.VIRTIO: "virtio_vdpa", VdpaType.VHOST: "vhost_vdpa"}
"""The driver of the vDPA bus, and its module, behind each type of device."""

KINDS: dict[str, type[Step]] = {
    kind.kind: kind
    for kind in (
        SetLink,
        SetMtu,
        SetFeature,
        SetFirmware,
        ResetFirmware,
        SetDevlinkParameter,
        ReloadDevlink,
        DetachUplink,
        SetEswitchMode,
        SetAutoprobe,
        SetNumVfs,
        SetVfMac,
        SetVfGuid,
        BindDriver,
        SetVdpa,
        LoadModule,
        SetModuleParameter,
        SetKernelArgument,
        SetRdmaMode,
        WriteFile,
        SetBridge,
        SetOvsOption,
        RestartService,
    )
}


def vf_of(step: Step) -> VfRef | None:
    """The VF that a step is about, None for a step about the PF or the node."""
    vf = getattr(step, "vf", None)
    return None if vf is None else VfRef(step.nic, vf)  # type: ignore[attr-defined]  # a step with a vf has a nic
