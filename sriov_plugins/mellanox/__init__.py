"""NVIDIA's (Mellanox') ConnectX-4 to -8, and BlueField in NIC mode, all under mlx5_core.

What is special: the number of VFs and the ports' link types live in the card's firmware and change with a reboot; the
eswitch takes over VFs that exist; VFs on InfiniBand need GUIDs. What mlx5_core demands of the order of steps, the base
knows.
"""

from collections.abc import Generator, Sequence

import attrs

from sriov_core.errors import HostError
from sriov_core.plugin import (
    API,
    VFS_FIRST_ORDER,
    Capability,
    Finding,
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
from sriov_plugins.mellanox import checks, findings, firmware, identity, inspection, models, switchdev

_CAPABILITIES = frozenset(
    {
        Capability.SRIOV,
        Capability.SWITCHDEV,
        Capability.RDMA,
        Capability.VDPA,
        Capability.INFINIBAND,
        Capability.LINK_TYPE,
    }
)


@hookimpl
def describe() -> PluginInfo:
    return PluginInfo(
        name="mellanox",
        api=API,
        # A VF that a hypervisor gave to this machine is another driver's: there is no firmware behind it.
        matches=(Match(vendor="15b3", pci_class="02", platform="baremetal"),),
        capabilities=_CAPABILITIES,
        phases=VFS_FIRST_ORDER,
        models=models.MODELS,
        maintainers=("the sriov-core maintainers",),
    )


@hookimpl(wrapper=True)
def discover(host: HostReader) -> Generator[None, Nic, Nic]:
    nic = yield
    if nic.eswitch_mode is None:
        return nic
    try:
        steering = host.devlink_parameter(nic.address, switchdev.STEERING)
    except HostError as err:
        return attrs.evolve(nic, unreadable=(*nic.unreadable, f"{switchdev.STEERING}: {err}"))
    return attrs.evolve(nic, parameters={**nic.parameters, switchdev.STEERING: steering}) if steering else nic


@hookimpl(wrapper=True)
def inspect(spec: NicSpec, host: HostReader) -> Generator[None, Nic, Nic]:
    nic = yield
    return inspection.closer(nic, spec, host)


@hookimpl
def check(nic: Nic, spec: NicSpec) -> Sequence[Problem]:
    return tuple(checks.problems(nic, spec))


@hookimpl
def set_firmware(card: Sequence[Nic], spec: Sequence[NicSpec]) -> Sequence[Step]:
    return tuple(firmware.steps(card, spec))


@hookimpl(wrapper=True)
def set_eswitch_mode(nic: Nic, spec: NicSpec) -> Generator[None, Sequence[Step], Sequence[Step]]:
    steps = yield
    return tuple(switchdev.with_steering(nic, spec, steps))


@hookimpl(wrapper=True)
def set_num_vfs(nic: Nic, spec: NicSpec) -> Generator[None, Sequence[Step], Sequence[Step]]:
    steps = yield  # on the way to no VFs, this phase may be the one that switches
    return tuple(switchdev.with_steering(nic, spec, steps))


@hookimpl(wrapper=True)
def set_vf_identity(nic: Nic, spec: NicSpec) -> Generator[None, Sequence[Step], Sequence[Step]]:
    steps = yield
    return (*steps, *identity.steps(nic, spec))


@hookimpl
def needs_reboot(nic: Nic, spec: NicSpec) -> Sequence[Reboot]:
    return tuple(firmware.reboots(nic, spec))


@hookimpl
def diagnose(nic: Nic, host: HostReader) -> Sequence[Finding]:
    # Only a card without the capability is worth asking its firmware why: a plain look must stay quick.
    closer = nic if nic.total_vfs or nic.address.bus != "pci" else inspection.with_firmware(nic, host)
    return tuple(findings.findings(closer))
