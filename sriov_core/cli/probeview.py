"""What `probe` and `plugins` show: values to lines and tables, and to plain data. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import attrs

from sriov_core.cli.screen import Block, Line, Table, Tone
from sriov_core.model.address import Address
from sriov_core.model.codec import to_builtins
from sriov_core.model.observed import Function, Nic, Node, Owner, Snapshot, Vf
from sriov_core.planning.disruption import spans
from sriov_core.planning.render import counted
from sriov_core.plugin.diagnosis import Finding, Severity

_TONES = {
    Severity.FAIL: Tone.FAIL,
    Severity.WARN: Tone.WARN,
    Severity.ADVICE: Tone.ADVICE,
    Severity.UNKNOWN: Tone.UNKNOWN,
}
_NODE_FACTS = (
    "hostname",
    "kernel",
    "os_name",
    "architecture",
    "cpu_vendor",
    "iommu_groups",
    "lockdown",
    "boot_manager",
    "network_managers",
)
_NIC_COLUMNS = ("NIC", "NAME", "MODEL", "DRIVER", "FIRMWARE", "VFS", "ESWITCH", "LINK", "NUMA", "IOMMU")
_VF_COLUMNS = ("VF", "ADDRESS", "DRIVER", "NETDEV", "MAC", "ADMIN MAC", "MTU", "IOMMU", "USED BY")


@attrs.frozen(kw_only=True)
class Report:
    """One look as `probe` tells it: what is, model names by address, and the findings, worst first."""

    snapshot: Snapshot
    models: Mapping[Address, str] = attrs.field(factory=dict)
    findings: tuple[Finding, ...] = ()

    @property
    def failed(self) -> bool:
        """True when some finding says that something is broken."""
        return any(finding.severity is Severity.FAIL for finding in self.findings)


def report_blocks(report: Report) -> Iterator[Block]:
    """The machine, a table with a row for each NIC, and the findings."""
    yield from _machine(report.snapshot.node)
    yield Line()
    rows = tuple(_rows(report))
    if rows:
        yield Table((*_NIC_COLUMNS, "OWNER"), rows)
        yield Line("VFS: used / made / at most")
        yield Line()
    else:
        yield Line("no network function is on the bus")
    yield from finding_blocks(report.findings)


def nic_blocks(report: Report, nic: Nic) -> Iterator[Block]:
    """Everything about one NIC, a row for each VF, and its findings."""
    owner = report.snapshot.owners[nic.address]
    facts = tuple((label, text) for label, text in _details(nic, owner, report.models.get(nic.address)) if text)
    width = max(len(label) for label, _ in facts)
    yield Line(str(nic), Tone.STRONG)
    for label, text in facts:
        yield Line(f"  {label.ljust(width)}  {text}")
    if nic.vfs:
        yield Line()
        yield Table(_VF_COLUMNS, tuple(_vf_row(vf) for vf in nic.vfs))
    yield Line()
    yield from finding_blocks(found for found in report.findings if found.nic in (nic.address, None))


def report_data(report: Report) -> dict[str, Any]:
    """The same as plain data; the keys are listed in docs/cli.md."""
    snapshot = report.snapshot
    return {
        "node": {name: to_builtins(getattr(snapshot.node, name)) for name in _NODE_FACTS},
        "nics": [nic_data(report, nic) for nic in snapshot.nics],
        "unmanaged": [to_builtins(entry) for entry in snapshot.unmanaged],
        "failures": to_builtins(snapshot.failures),
        "findings": [to_builtins(finding) for finding in report.findings],
    }


def nic_data(report: Report, nic: Nic) -> dict[str, Any]:
    """One NIC with its owner and model."""
    extra = {"model": report.models.get(nic.address), "owner": to_builtins(report.snapshot.owners[nic.address])}
    return {**to_builtins(nic), **extra}


def finding_blocks(findings: Iterable[Finding]) -> Iterator[Block]:
    """Each finding with its evidence and remedy, then how many there are of each kind."""
    count = dict.fromkeys(Severity, 0)
    for finding in findings:
        count[finding.severity] += 1
        where = f" {finding.nic}" if finding.nic else ""
        label = "?" if finding.severity is Severity.UNKNOWN else finding.severity.value
        yield Line(f"{label:<6}  {finding.code}{where}: {finding.fact}", _TONES[finding.severity])
        if finding.evidence:
            yield Line(f"        evidence  {', '.join(finding.evidence)}")
        yield Line(f"        remedy    {finding.remedy}")
    if any(count.values()):
        yield Line(", ".join(f"{number} {severity.value}" for severity, number in count.items() if number))
    else:
        yield Line("no findings", Tone.GOOD)


def nic_state(nic: Nic) -> str:
    """What was read back of a NIC, on one line."""
    drivers: dict[str, list[int]] = {}
    for vf in nic.vfs:
        drivers.setdefault(str(vf.kernel_driver or "no kernel driver"), []).append(vf.index)
    vfs = ", ".join(f"{spans(indices)} on {driver}" for driver, indices in drivers.items())
    link = {True: "up", False: "down", None: "?"}[nic.link_up]
    made = f"{counted(nic.num_vfs, 'VF')}{f' ({vfs})' if vfs else ''}"
    return f"{nic}: {made}, MTU {_or_dash(nic.mtu)}, link {link}, eswitch {nic.effective_mode}"


def _machine(node: Node) -> Iterator[Block]:
    words = (f"host {node.hostname or '?'}", f"Linux {node.kernel or '?'}", node.os_name, node.architecture)
    yield Line("  ".join(word for word in words if word), Tone.STRONG)
    iommu = f"on ({counted(node.iommu_groups, 'group')})" if node.iommu_groups else "not in effect"
    managers = f"  network managers {', '.join(node.network_managers)}" if node.network_managers else ""
    boot = node.boot_manager or "unknown"
    yield Line(f"IOMMU {iommu}  lockdown {node.lockdown or '?'}  boot manager {boot}{managers}")


def _rows(report: Report) -> Iterator[tuple[str, ...]]:
    snapshot = report.snapshot
    rows = {nic.address: _nic_row(nic, snapshot.owners[nic.address], report.models) for nic in snapshot.nics}
    for entry in snapshot.unmanaged:
        rows[entry.function.address] = _bare_row(entry.function, report.models, f"nobody: {entry.reason}")
    for address in snapshot.failures:
        owner = snapshot.owners[address].plugin
        rows[address] = (str(address), *("?",) * (len(_NIC_COLUMNS) - 1), f"{owner}: could not look")
    for address in sorted(rows):
        yield rows[address]


def _nic_row(nic: Nic, owner: Owner, models: Mapping[Address, str]) -> tuple[str, ...]:
    return (
        str(nic.address),
        nic.name or "-",
        models.get(nic.address) or f"{nic.vendor}:{nic.device}",
        " ".join(filter(None, (nic.kernel_driver, nic.driver_version))) or "none",
        nic.firmware_version or "-",
        _vf_counts(nic),
        str(nic.eswitch_mode or "-"),
        _link(nic),
        _or_dash(nic.numa_node),
        _or_dash(nic.iommu_group),
        _owner(owner),
    )


def _bare_row(function: Function, models: Mapping[Address, str], owner: str) -> tuple[str, ...]:
    model = models.get(function.address) or f"{function.vendor}:{function.device}"
    return (str(function.address), "-", model, function.kernel_driver or "none", *("-",) * 6, owner)


def _vf_counts(nic: Nic) -> str:
    if not nic.total_vfs:
        return "-"
    return f"{sum(bool(vf.used_by) for vf in nic.vfs)}/{nic.num_vfs}/{nic.total_vfs}"


def _link(nic: Nic) -> str:
    if nic.link_up is None:
        return "-"
    if not nic.link_up:
        return "down"
    if nic.carrier is False:
        return "up, no carrier"
    speed = nic.speed_mbit
    if speed is None:
        return "up"
    return f"up {speed // 1000}G" if speed >= 1000 and speed % 1000 == 0 else f"up {speed}M"


def _owner(owner: Owner) -> str:
    blocked = "; may not be changed" if owner.blocked else ""
    return f"{owner.plugin}: {owner.reason}{blocked}"


def _details(nic: Nic, owner: Owner, model: str | None) -> Iterator[tuple[str, str]]:
    ids = f"{nic.vendor}:{nic.device}"
    yield "model", f"{model} [{ids}]" if model else ids
    yield "owner", _owner(owner)
    yield "blocked", owner.blocked or ""
    yield "driver", " ".join(filter(None, (nic.kernel_driver, nic.driver_version))) or "none"
    yield "firmware", nic.firmware_version or ""
    yield "names", ", ".join(filter(None, (nic.name, *nic.alt_names)))
    yield "MAC", nic.mac or ""
    yield "permanent MAC", nic.identity.permanent_mac or ""
    yield "serial", nic.identity.serial or ""
    yield "slot", nic.identity.slot or ""
    yield "link", f"{_link(nic)}{f', {nic.link_type}' if nic.link_type else ''}"
    bounds = f" ({nic.min_mtu} to {nic.max_mtu})" if nic.min_mtu and nic.max_mtu else ""
    yield "MTU", f"{nic.mtu}{bounds}" if nic.mtu is not None else ""
    yield "eswitch", str(nic.eswitch_mode or "legacy (devlink offers none)")
    yield "VFs", f"{_vf_counts(nic)} used/made/max" if nic.total_vfs else "the device offers no SR-IOV"
    yield "autoprobe", ("on" if nic.autoprobe else "off") if nic.total_vfs else ""
    yield "NUMA node", _or_dash(nic.numa_node)
    yield "IOMMU group", _or_dash(nic.iommu_group)
    yield "in use by", "; ".join(use.detail for use in nic.uses)
    yield "managed by", "; ".join(nic.managers)
    yield from sorted(nic.facts.items())


def _vf_row(vf: Vf) -> tuple[str, ...]:
    cells: Sequence[object] = (
        vf.index,
        vf.address,
        vf.kernel_driver or "none",
        vf.name,
        vf.mac,
        vf.admin_mac,
        vf.mtu,
        vf.iommu_group,
        vf.used_by,
    )
    return tuple(map(_or_dash, cells))


def _or_dash(value: object) -> str:
    return "-" if value is None else str(value)
