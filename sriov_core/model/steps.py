"""The closed set of steps. A step is a value: it prints, survives JSON, and says what the NIC will be like after it.

Adding a kind costs a page in docs/adr, a case in the executor and a case in the fake kernel.
"""

import enum
from typing import ClassVar

import attrs

from sriov_core.model.address import Address, VfRef
from sriov_core.model.observed import UNKNOWN, EswitchMode, Nic, Unknown, Vf

DEFAULT_DRIVER = "default"
"""Stands for "whatever kernel driver the kernel picks for the device" in `BindDriver`."""


class Scope(enum.StrEnum):
    """Whom a step is about."""

    NODE = "node"
    NIC = "nic"
    VF = "vf"


@attrs.frozen(kw_only=True)
class Step:
    """One change. Subclasses hold what was found (``was``) and what shall be."""

    kind: ClassVar[str] = ""
    scope: ClassVar[Scope] = Scope.NIC

    def describe(self) -> str:
        """The step on one line, the address first."""
        raise NotImplementedError  # every kind has its own sentence

    def project(self, nic: Nic) -> Nic:
        """The NIC as it will be after the step."""
        return nic


@attrs.frozen(kw_only=True)
class SetLink(Step):
    """Set the PF administratively up or down."""

    kind: ClassVar[str] = "set-link"
    nic: Address
    was: bool | None
    up: bool

    def describe(self) -> str:
        return f"{self.nic}: link {_state(self.was)} -> {_state(self.up)}"

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
        return f"{_target(self.nic, self.vf)}: MTU {_value(self.was)} -> {self.mtu}"

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
        return f"{self.nic}: driver autoprobe {_switch(self.was)} -> {_switch(self.enabled)}"

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
        driver = UNKNOWN if nic.autoprobe else None
        vfs = tuple(Vf(index=index, kernel_driver=driver, mtu=None) for index in range(self.count))
        return attrs.evolve(nic, num_vfs=self.count, vfs=vfs)


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
        return f"{_target(self.nic, self.vf)}: admin MAC {_value(self.was)} -> {self.mac}"

    def project(self, nic: Nic) -> Nic:
        return nic.with_vf(attrs.evolve(nic.vf(self.vf), admin_mac=self.mac))


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
        return f"{_target(self.nic, self.vf)}: kernel driver {_value(self.was)} -> {_value(self.kernel_driver)}"

    def project(self, nic: Nic) -> Nic:
        netdev = UNKNOWN if self.kernel_driver == DEFAULT_DRIVER else None
        changed = attrs.evolve(nic.vf(self.vf), kernel_driver=self.kernel_driver, mtu=netdev, name=None)
        return nic.with_vf(changed)


@attrs.frozen(kw_only=True)
class LoadModule(Step):
    """Load a kernel module."""

    kind: ClassVar[str] = "load-module"
    scope: ClassVar[Scope] = Scope.NODE
    module: str

    def describe(self) -> str:
        return f"node: load module {self.module}"


@attrs.frozen(kw_only=True)
class SetKernelArgument(Step):
    """Add an argument to the kernel command line of the next boot."""

    kind: ClassVar[str] = "set-kernel-argument"
    scope: ClassVar[Scope] = Scope.NODE
    argument: str

    def describe(self) -> str:
        return f"node: kernel argument {self.argument} for the next boot"


@attrs.frozen(kw_only=True)
class WriteFile(Step):
    """Write a configuration file that is wholly ours (a udev rule), or remove it when ``content`` is None."""

    kind: ClassVar[str] = "write-file"
    scope: ClassVar[Scope] = Scope.NODE
    path: str
    content: str | None

    def describe(self) -> str:
        return f"node: {'remove' if self.content is None else 'write'} {self.path}"


KINDS: dict[str, type[Step]] = {
    kind.kind: kind
    for kind in (
        SetLink,
        SetMtu,
        SetEswitchMode,
        SetAutoprobe,
        SetNumVfs,
        SetVfMac,
        BindDriver,
        LoadModule,
        SetKernelArgument,
        WriteFile,
    )
}


def vf_of(step: Step) -> VfRef | None:
    """The VF that a step is about, None for a step about the PF or the node."""
    vf = getattr(step, "vf", None)
    return None if vf is None else VfRef(step.nic, vf)  # type: ignore[attr-defined]  # a step with a vf has a nic


def _target(nic: Address, vf: int | None) -> str:
    return str(nic) if vf is None else str(VfRef(nic, vf))


def _state(up: bool | None) -> str:  # noqa: FBT001  # a formatter of the flag itself
    return "?" if up is None else "up" if up else "down"


def _switch(on: bool) -> str:  # noqa: FBT001  # a formatter of the flag itself
    return "on" if on else "off"


def _value(value: object) -> str:
    return "none" if value is None else str(value)
