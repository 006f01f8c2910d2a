"""A vendor's driver that adds nothing to the base but the word that its cards can do vDPA."""

from sriov_core.plugin import API, Capability, Match, PluginInfo, hookimpl
from sriov_plugins.generic.kernels import orders


@hookimpl
def describe() -> PluginInfo:
    return PluginInfo(
        name="vdpa-owner",
        api=API,
        matches=(Match(vendor="ee01", pci_class="02"),),
        capabilities=frozenset({Capability.SRIOV, Capability.SWITCHDEV, Capability.VDPA}),
        orders=orders(),
        maintainers=("nobody",),
    )
