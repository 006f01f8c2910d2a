"""VFs that a hypervisor handed to this virtual machine: each stands for itself, without a PF to be asked or set.

What can be done to one is to bind another driver. All else (VLAN, trust, rates, the eswitch, the largest MTU) is the
PF's, which is outside. A PF that was itself handed to the machine goes to its vendor's driver, for its platform is
``baremetal``.
"""

from collections.abc import Generator, Sequence

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
    Step,
    hookimpl,
)
from sriov_plugins.virtual import checks, findings, itself, models


@hookimpl
def describe() -> PluginInfo:
    return PluginInfo(
        name="virtual",
        api=API,
        matches=tuple(Match(platform=platform, pci_class="02") for platform in ("virtual", "openstack", "aws")),
        capabilities=frozenset({Capability.SRIOV, Capability.RDMA}),
        models=models.MODELS,
        maintainers=("the sriov-core maintainers",),
    )


@hookimpl(wrapper=True)
def discover(function: Function, host: HostReader) -> Generator[None, Nic, Nic]:
    found = yield
    return itself.as_its_own_vf(found, function, host)


@hookimpl
def check(nic: Nic, spec: NicSpec) -> Sequence[Problem]:
    return tuple(checks.problems(nic, spec))


@hookimpl
def set_firmware() -> Sequence[Step]:
    return ()


@hookimpl
def set_pf_options() -> Sequence[Step]:
    return ()


@hookimpl
def set_eswitch_mode() -> Sequence[Step]:
    return ()


@hookimpl
def set_num_vfs() -> Sequence[Step]:
    return ()


@hookimpl
def set_vf_identity() -> Sequence[Step]:
    return ()


@hookimpl
def set_vf_options(nic: Nic, spec: NicSpec) -> Sequence[Step]:
    return tuple(itself.mtu_as_before(nic, spec))


@hookimpl
def diagnose(nic: Nic) -> Sequence[Finding]:
    return tuple(findings.findings(nic))
