"""The steps to a mode and to a count of VFs, in the order that the PF's kernel driver demands. Pure."""

from collections.abc import Iterator

from sriov_core.plugin import (
    BindDriver,
    EswitchMode,
    Nic,
    NicSpec,
    SetAutoprobe,
    SetEswitchMode,
    SetLink,
    SetNumVfs,
    Step,
)
from sriov_plugins.generic.kernels import ModeNeeds, known


def eswitch_mode(nic: Nic, spec: NicSpec) -> Iterator[Step]:
    """Switch the mode where it differs; VFs that are in the way are unbound or taken away, later phases see to them."""
    if spec.externally_managed or nic.effective_mode == spec.eswitch_mode:
        return
    going = nic.num_vfs and not spec.num_vfs
    if going and known(nic.kernel_driver).count_in_legacy and spec.eswitch_mode == EswitchMode.SWITCHDEV:
        return  # the count changes next, in legacy mode; what takes the VFs away switches
    yield from _switched(nic, spec.eswitch_mode)


def num_vfs(nic: Nic, spec: NicSpec) -> Iterator[Step]:
    """Reach the count by way of 0, with autoprobe off so that no VF sees a driver it is not meant for."""
    if spec.externally_managed or nic.num_vfs == spec.num_vfs:
        return
    kernel, mode = known(nic.kernel_driver), nic.effective_mode
    if kernel.count_with_link and nic.link_up is False:
        yield SetLink(nic=nic.address, was=nic.link_up, up=True)
    if kernel.count_in_legacy and mode == EswitchMode.SWITCHDEV:
        yield from _switched(nic, EswitchMode.LEGACY)
        mode = EswitchMode.LEGACY
    if nic.num_vfs:
        yield SetNumVfs(nic=nic.address, was=nic.num_vfs, count=0)
    if spec.num_vfs:
        if nic.autoprobe and nic.address.bus == "pci":  # elsewhere VFs are no devices, and nothing probes them
            yield SetAutoprobe(nic=nic.address, was=True, enabled=False)
        yield SetNumVfs(nic=nic.address, was=0, count=spec.num_vfs)
    elif kernel.count_in_legacy and mode != spec.eswitch_mode:
        # On the way to no VFs the phases run backwards, so nobody after this one switches.
        yield SetEswitchMode(nic=nic.address, was=mode, mode=spec.eswitch_mode)


def _switched(nic: Nic, mode: EswitchMode) -> Iterator[Step]:
    needs = known(nic.kernel_driver).mode_needs
    if needs is ModeNeeds.NO_VFS and nic.num_vfs:
        yield SetNumVfs(nic=nic.address, was=nic.num_vfs, count=0)
    elif needs is ModeNeeds.UNBOUND_VFS and nic.address.bus == "pci":
        for vf in nic.vfs:
            if vf.kernel_driver is not None:
                yield BindDriver(nic=nic.address, vf=vf.index, was=vf.kernel_driver, kernel_driver=None)
    yield SetEswitchMode(nic=nic.address, was=nic.effective_mode, mode=mode)
