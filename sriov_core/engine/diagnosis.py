"""What `probe` has to say beyond one NIC's facts: the machine, the plugins, the journal. `node_findings` is pure."""

from collections.abc import Iterable, Iterator, Mapping

from sriov_core.engine import knowncards
from sriov_core.engine.journal import Memory
from sriov_core.errors import DriverFailed, HostError
from sriov_core.model.desired import DeviceType
from sriov_core.model.observed import Snapshot
from sriov_core.planning.node import IOMMU_REQUIREMENT
from sriov_core.plugin.diagnosis import Finding, Severity
from sriov_core.plugin.ownership import Refused
from sriov_core.plugin.reader import HostReader
from sriov_core.plugin.registry import Driver

_RANK = (Severity.FAIL, Severity.WARN, Severity.UNKNOWN, Severity.ADVICE)


def worst_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Sorted by severity, then the node's before the NICs', then by address and code."""
    return tuple(
        sorted(findings, key=lambda found: (_RANK.index(found.severity), str(found.nic or ""), found.code, found.fact))
    )


def nic_findings(snapshot: Snapshot, drivers: Mapping[str, Driver], host: HostReader) -> Iterator[Finding]:
    """What each NIC's driver says of it; a driver that fails here leaves an unknown, not a good."""
    for nic in snapshot.nics:
        owner = snapshot.owners[nic.address]
        try:
            found = drivers[owner.plugin].diagnose(nic, host)
            yield from knowncards.sharpened(found, nic, drivers[owner.plugin].info.models, snapshot.node, host)
        except (DriverFailed, HostError) as err:
            yield Finding(
                code="PLG-603",
                severity=Severity.UNKNOWN,
                nic=nic.address,
                fact=f"the state of the NIC could not be judged: {err}",
                evidence=(f"plugin {owner.plugin}",),
                remedy="Do what the text says; `--disable-plugin` goes on without the plugin",
            )


def node_findings(snapshot: Snapshot, memory: Memory, refused: Iterable[Refused] = ()) -> Iterator[Finding]:
    """What the look, the journal and the list of plugins say together."""
    yield from _platform(snapshot)
    yield from _ownership(snapshot)
    yield from _plugins(snapshot, refused)
    yield from _journal(snapshot, memory)


def journal_finding(error: str, *, damaged: bool) -> Finding:
    """What a journal that cannot be read means: nothing can be changed, or only that we do not know."""
    if damaged:
        return Finding(
            code="LIFE-704",
            severity=Severity.FAIL,
            fact=error,
            evidence=("the journal",),
            remedy="Repair it or move it away; until then nothing is changed on this machine",
        )
    return Finding(
        code="LIFE-703",
        severity=Severity.UNKNOWN,
        fact=f"whether earlier work was left unfinished is not known: {error}",
        evidence=("the journal",),
        remedy="Run as root, or name another place with --journal",
    )


def _platform(snapshot: Snapshot) -> Iterator[Finding]:
    node = snapshot.node
    vfio = [nic for nic in snapshot.nics if any(vf.kernel_driver == DeviceType.VFIO_PCI for vf in nic.vfs)]
    if vfio and not (node.iommu_groups or node.noiommu):
        yield Finding(
            code="PLT-102",
            severity=Severity.FAIL,
            fact=f"no IOMMU is in effect, so the VFs on vfio-pci of {', '.join(map(str, vfio))} cannot be used",
            evidence=("/sys/kernel/iommu_groups", "/proc/cmdline"),
            remedy="Enable VT-d or AMD-Vi in the firmware set-up and boot with intel_iommu=on iommu=pt (Intel)",
        )
    if node.lockdown not in ("", "none"):
        yield Finding(
            code="PLT-103",
            severity=Severity.ADVICE,
            fact=f"the kernel is locked down ({node.lockdown}): firmware tools and unsigned modules are refused",
            evidence=("/sys/kernel/security/lockdown",),
            remedy="Nothing, unless a card's firmware must be changed: then boot without Secure Boot",
        )


def _ownership(snapshot: Snapshot) -> Iterator[Finding]:
    for nic in snapshot.nics:
        if nic.uses:
            yield Finding(
                code="OWN-201",
                severity=Severity.ADVICE,
                nic=nic.address,
                fact=f"this host depends on {nic.name or nic.address}: {'; '.join(use.detail for use in nic.uses)}",
                evidence=tuple(dict.fromkeys(use.kind for use in nic.uses)),
                remedy="Nothing; it is changed only when a policy names it in pfNames or rootDevices",
            )
    for entry in snapshot.unmanaged:
        yield Finding(
            code="OWN-203",
            severity=Severity.WARN,
            nic=entry.function.address,
            fact=f"no driver serves it: {entry.reason}",
            evidence=(f"/sys/bus/pci/devices/{entry.function.address}",),
            remedy="Install a plugin for it, or pin one (--pin); see `sriov-core plugins`",
        )


def _plugins(snapshot: Snapshot, refused: Iterable[Refused]) -> Iterator[Finding]:
    for plugin in refused:
        yield Finding(
            code="PLG-601",
            severity=Severity.WARN,
            fact=f"plugin {plugin.name} is refused: {plugin.reason}",
            evidence=(plugin.distribution or "entry points sriov_core.plugins",),
            remedy=f"Fix or remove it, or go on without it: --disable-plugin {plugin.name}",
        )
    for address, owner in sorted(snapshot.owners.items()):
        if owner.blocked:
            yield Finding(
                code="PLG-602",
                severity=Severity.FAIL,
                nic=address,
                fact=f"it cannot be changed: {owner.blocked}",
                evidence=(f"plugin {owner.plugin}",),
                remedy="See `sriov-core plugins`",
            )
    for address, text in sorted(snapshot.failures.items()):
        yield Finding(
            code="HW-105",
            severity=Severity.FAIL,
            nic=address,
            fact=f"it could not be looked at: {text}",
            evidence=(f"/sys/bus/pci/devices/{address}",),
            remedy="Correct what the text names; the other NICs are served all the same",
        )


def _journal(snapshot: Snapshot, memory: Memory) -> Iterator[Finding]:
    if memory.under_way:
        yield Finding(
            code="LIFE-701",
            severity=Severity.WARN,
            fact=f"a plan of {len(memory.under_way)} steps was begun and not ended (the first: {memory.under_way[0]})",
            evidence=("the journal",),
            remedy="If no sriov-core runs now, run the same command again: it takes up where that one was cut off",
        )
    for entry in memory.reboots:
        if entry.requirement == IOMMU_REQUIREMENT and snapshot.node.iommu_groups:
            continue
        waiting = entry.boot_id == snapshot.node.boot_id
        without_effect = not waiting and entry.requirement == IOMMU_REQUIREMENT
        state = "is waited for" if waiting else "was spent, and whether it had its effect, `plan` tells"
        if without_effect:
            state = "was spent without effect, and no second one is asked for"
        yield Finding(
            code="LIFE-702",
            severity=Severity.FAIL if without_effect else Severity.WARN,
            fact=f"a reboot {state}: {entry.reason}",
            evidence=("the journal", "/proc/sys/kernel/random/boot_id"),
            remedy="Reboot when it suits"
            if waiting
            else "Apply again; where it had none, do what the reason names by hand",
        )
