"""The steps about the machine around the NICs: modules, kernel arguments, files, RDMA, Open vSwitch, services."""

from typing import ClassVar

import attrs

from sriov_core.model.bridges import Bridge
from sriov_core.model.step import Scope, Step, shown


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


@attrs.frozen(kw_only=True)
class SetModuleParameter(Step):
    """Set a parameter of a loaded module while it runs (/sys/module/<module>/parameters)."""

    kind: ClassVar[str] = "set-module-parameter"
    scope: ClassVar[Scope] = Scope.NODE
    module: str
    parameter: str
    value: str

    def describe(self) -> str:
        return f"node: parameter {self.parameter} of module {self.module} = {self.value}"


@attrs.frozen(kw_only=True)
class SetRdmaMode(Step):
    """Say whether network namespaces share the RDMA devices (``shared``) or own them (``exclusive``)."""

    kind: ClassVar[str] = "set-rdma-mode"
    scope: ClassVar[Scope] = Scope.NODE
    was: str | None
    mode: str

    def describe(self) -> str:
        return f"node: RDMA namespaces {shown(self.was)} -> {self.mode}"


@attrs.frozen(kw_only=True)
class SetBridge(Step):
    """Make an Open vSwitch bridge with its uplink, change it, or take it away (``bridge`` None)."""

    kind: ClassVar[str] = "set-bridge"
    scope: ClassVar[Scope] = Scope.NODE
    name: str
    was: Bridge | None
    bridge: Bridge | None

    def describe(self) -> str:
        return f"node: bridge {self.name}: {_bridge(self.was)} -> {_bridge(self.bridge)}"


@attrs.frozen(kw_only=True)
class SetOvsOption(Step):
    """Set other_config:<key> of Open vSwitch itself (table Open_vSwitch)."""

    kind: ClassVar[str] = "set-ovs-option"
    scope: ClassVar[Scope] = Scope.NODE
    key: str
    value: str

    def describe(self) -> str:
        return f"node: Open vSwitch other_config:{self.key} = {self.value}"


@attrs.frozen(kw_only=True)
class RestartService(Step):
    """Restart a systemd service, if it runs. ``idle``: nobody's traffic runs through it."""

    kind: ClassVar[str] = "restart-service"
    scope: ClassVar[Scope] = Scope.NODE
    service: str
    idle: bool = False

    def describe(self) -> str:
        return f"node: restart {self.service}"


def _bridge(bridge: Bridge | None) -> str:
    if bridge is None:
        return "none"
    return f"uplink {bridge.uplink.name or bridge.uplink.nic}" if bridge.uplink else "without uplink"
