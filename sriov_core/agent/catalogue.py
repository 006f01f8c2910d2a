"""The plugins of this agent as data, so that the control plane can choose without importing any. Pure."""

from sriov_core.api.nodestate import PluginMatch, PluginReport
from sriov_core.plugin.info import PluginInfo
from sriov_core.plugin.loading import Catalogue


def reports(catalogue: Catalogue) -> tuple[PluginReport, ...]:
    """Every installed plugin by name: those that serve, and those that are refused, with why."""
    serving = [_report(one.info, one.distribution) for one in catalogue.loaded]
    refused = [
        _report(one.info, one.distribution, one.reason)
        if one.info
        else PluginReport(name=one.name, version=one.distribution, refused=one.reason)
        for one in catalogue.refused
    ]
    return tuple(sorted((*serving, *refused), key=lambda report: (report.name, report.refused)))


def _report(info: PluginInfo, distribution: str, refused: str = "") -> PluginReport:
    return PluginReport(
        name=info.name,
        version=distribution,
        api=".".join(map(str, info.api)),
        matches=tuple(
            PluginMatch(
                vendor=match.vendor or "",
                device=match.device or "",
                subsystem=match.subsystem or "",
                kernel_driver=match.kernel_driver or "",
                pci_class=match.pci_class or "",
                platform=match.platform or "",
            )
            for match in info.matches
        ),
        capabilities=tuple(sorted(info.capabilities)),
        base=info.is_base,
        refused=refused,
    )
