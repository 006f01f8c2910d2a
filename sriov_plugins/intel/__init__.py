"""Intel's Ethernet families: igb, ixgbe, i40e and ice. What plain kernel SR-IOV does is right for all of them.

What is special is the DDP package that ice (E800) needs for VFs. That it changes its eswitch mode only without VFs is
a row of the base's table of kernel drivers.
"""

from collections.abc import Generator, Sequence

import attrs

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
    hookimpl,
)
from sriov_plugins.intel import ddp
from sriov_plugins.intel.models import MODELS

_WITH_RDMA = ("i40e", "ice")


@hookimpl
def describe() -> PluginInfo:
    return PluginInfo(
        name="intel",
        api=API,
        matches=(Match(vendor="8086", pci_class="02", platform="baremetal"),),
        capabilities=frozenset({Capability.SRIOV, Capability.SWITCHDEV, Capability.RDMA}),
        models=MODELS,
        maintainers=("the sriov-core maintainers",),
        tested_on=("82576 emulated by QEMU 10, Linux 6.12",),
    )


@hookimpl(wrapper=True)
def discover(function: Function, host: HostReader) -> Generator[None, Nic, Nic]:
    """The base's look, the RDMA device that irdma makes of i40e's X722 and ice, and what ice runs."""
    nic = yield
    facts = dict(nic.facts)
    if nic.kernel_driver in _WITH_RDMA and (guid := host.node_guid(function.address)):
        facts["RDMA node GUID"] = guid
    if nic.kernel_driver == ddp.DRIVER:
        facts |= ddp.facts(host.versions(function.address))
    return attrs.evolve(nic, facts=facts)


@hookimpl
def check(nic: Nic, spec: NicSpec) -> Sequence[Problem]:
    return tuple(ddp.problems(nic, spec))


@hookimpl
def diagnose(nic: Nic) -> Sequence[Finding]:
    return tuple(ddp.findings(nic))
