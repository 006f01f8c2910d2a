"""Plain kernel SR-IOV: the driver of every NIC that no vendor claims, and the base below every vendor's driver.

What the kernel demands is in Documentation/PCI/pci-iov-howto.rst and drivers/pci/iov.c: a count changes only by way
of 0, and new VFs get their default driver at once unless sriov_drivers_autoprobe is off.
"""

from collections.abc import Sequence

from sriov_core.plugin import (
    API,
    Capability,
    Finding,
    Function,
    HostReader,
    Match,
    Nic,
    NicSpec,
    PluginInfo,
    Problem,
    Reboot,
    Step,
    hookimpl,
)
from sriov_plugins.generic import checks, discovery, eswitch, findings, kernels, steps, surroundings
from sriov_plugins.generic.models import MODELS


@hookimpl(trylast=True)
def describe() -> PluginInfo:
    return PluginInfo(
        name="generic",
        api=API,
        matches=(Match(pci_class="02"),),
        capabilities=frozenset({Capability.SRIOV, Capability.SWITCHDEV, Capability.RDMA}),
        orders=kernels.orders(),
        models=MODELS,
        is_base=True,
        maintainers=("the sriov-core maintainers",),
    )


@hookimpl(trylast=True)
def discover(function: Function, host: HostReader) -> Nic:
    return discovery.nic(function, host)


@hookimpl(trylast=True)
def inspect(nic: Nic) -> Nic:
    return nic


@hookimpl(trylast=True)
def check(nic: Nic, spec: NicSpec) -> Sequence[Problem]:
    return tuple(checks.problems(nic, spec))


@hookimpl(trylast=True)
def set_firmware() -> Sequence[Step]:
    return ()


@hookimpl(trylast=True)
def set_pf_options(nic: Nic, spec: NicSpec) -> Sequence[Step]:
    return tuple(steps.pf_options(nic, spec))


@hookimpl(trylast=True)
def set_eswitch_mode(nic: Nic, spec: NicSpec) -> Sequence[Step]:
    return tuple(eswitch.eswitch_mode(nic, spec))


@hookimpl(trylast=True)
def set_num_vfs(nic: Nic, spec: NicSpec) -> Sequence[Step]:
    return tuple(eswitch.num_vfs(nic, spec))


@hookimpl(trylast=True)
def set_vf_identity(nic: Nic, spec: NicSpec) -> Sequence[Step]:
    return tuple(steps.vf_identity(nic, spec))


@hookimpl(trylast=True)
def bind_driver(nic: Nic, spec: NicSpec) -> Sequence[Step]:
    return tuple(steps.drivers(nic, spec))


@hookimpl(trylast=True)
def set_vf_options(nic: Nic, spec: NicSpec) -> Sequence[Step]:
    return tuple(steps.vf_options(nic, spec))


@hookimpl(trylast=True)
def needs_reboot() -> Sequence[Reboot]:
    return ()


@hookimpl(trylast=True)
def diagnose(nic: Nic, host: HostReader) -> Sequence[Finding]:
    return (*findings.findings(nic), *surroundings.findings(nic, surroundings.read(nic, host)))
