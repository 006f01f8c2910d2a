"""Driver for ACME's network cards, which do not exist: the template of a vendor's package outside this repository.

An ACME card changes its eswitch mode only while no VF is bound, and its VF count only in legacy mode.
"""

from collections.abc import Generator, Sequence

from sriov_core.plugin import (
    VFS_FIRST_ORDER,
    BindDriver,
    Capability,
    EswitchMode,
    Match,
    Model,
    Nic,
    NicSpec,
    PluginInfo,
    SetEswitchMode,
    Step,
    Tier,
    hookimpl,
)


@hookimpl
def describe() -> PluginInfo:
    return PluginInfo(
        name="acme",
        api=(1, 0),
        matches=(Match(vendor="ac3e", pci_class="02"),),
        capabilities=frozenset({Capability.SRIOV, Capability.SWITCHDEV}),
        phases=VFS_FIRST_ORDER,
        maintainers=("ACME drivers <drivers@acme.example>",),
        models=(Model(name="ACME One", devices=("ac3e:0001",), kernel_driver="acme_net", tier=Tier.SIMULATED),),
    )


@hookimpl(wrapper=True)
def set_num_vfs(nic: Nic, spec: NicSpec) -> Generator[None, Sequence[Step], Sequence[Step]]:
    """The plain steps, by way of legacy mode; the eswitch phase comes after it, except on the way to no VFs."""
    steps = yield
    if not steps or nic.effective_mode is EswitchMode.LEGACY:
        return steps
    back = [] if spec.num_vfs or spec.eswitch_mode is EswitchMode.LEGACY else [_mode(nic, EswitchMode.SWITCHDEV)]
    return [*_switch(nic, EswitchMode.LEGACY), *steps, *back]


@hookimpl
def set_eswitch_mode(nic: Nic, spec: NicSpec) -> Sequence[Step]:
    """Unbind every VF, then switch; the bind phase comes after it, or there will be none to bind."""
    if spec.externally_managed or nic.effective_mode is spec.eswitch_mode:
        return ()
    return _switch(nic, spec.eswitch_mode)


def _switch(nic: Nic, mode: EswitchMode) -> list[Step]:
    unbind: list[Step] = [
        BindDriver(nic=nic.address, vf=vf.index, was=vf.kernel_driver, kernel_driver=None)
        for vf in nic.vfs
        if vf.kernel_driver is not None
    ]
    return [*unbind, _mode(nic, mode)]


def _mode(nic: Nic, mode: EswitchMode) -> SetEswitchMode:
    other = EswitchMode.LEGACY if mode is EswitchMode.SWITCHDEV else EswitchMode.SWITCHDEV
    return SetEswitchMode(nic=nic.address, was=other, mode=mode)
