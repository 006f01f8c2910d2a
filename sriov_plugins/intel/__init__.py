"""Intel's Ethernet families: igb, ixgbe, i40e and ice. What plain kernel SR-IOV does is right for all of them.

Only ice (E800) has a devlink eswitch, and it changes the mode only while no VF exists
(drivers/net/ethernet/intel/ice/ice_eswitch.c: ice_eswitch_mode_set), which is the plain order of phases.
"""

from collections.abc import Sequence

from sriov_core.plugin import (
    API,
    Capability,
    EswitchMode,
    Match,
    Nic,
    NicSpec,
    PluginInfo,
    SetEswitchMode,
    SetNumVfs,
    Step,
    hookimpl,
)


@hookimpl
def describe() -> PluginInfo:
    return PluginInfo(
        name="intel",
        api=API,
        matches=(Match(vendor="8086", pci_class="02"),),
        capabilities=frozenset({Capability.SRIOV, Capability.SWITCHDEV, Capability.RDMA}),
        maintainers=("the sriov-core maintainers",),
        tested_on=("82576 emulated by QEMU 10, Linux 6.12",),
    )


@hookimpl
def set_eswitch_mode(nic: Nic, spec: NicSpec) -> Sequence[Step] | None:
    """The plain step, with the VFs taken away before it: ice refuses to switch while any exists."""
    if spec.externally_managed or nic.effective_mode == spec.eswitch_mode:
        return None
    mode = SetEswitchMode(nic=nic.address, was=nic.effective_mode, mode=EswitchMode(spec.eswitch_mode))
    if nic.num_vfs == 0:
        return (mode,)
    return (SetNumVfs(nic=nic.address, was=nic.num_vfs, count=0), mode)
