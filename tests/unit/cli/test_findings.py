"""What is said of a machine beyond one NIC's facts: snapshot, journal and plugins in, findings out."""

import pytest

from sriov_core.engine.diagnosis import journal_finding, nic_findings, node_findings, worst_first
from sriov_core.engine.journal import Memory
from sriov_core.model.address import Address
from sriov_core.model.observed import Function, Nic, Node, Owner, Snapshot, Unmanaged, Use, Vf
from sriov_core.model.record import RebootRecord
from sriov_core.plugin.diagnosis import Finding, Severity
from sriov_core.plugin.loading import load
from sriov_core.plugin.ownership import Refused
from sriov_core.plugin.registry import Driver, drivers
from sriov_core.testing.tree import NodeFacts, Tree
from sriov_core.testing.world import FakeWorld

PF = Address("0000:3b:00.0")
NIC = Nic(address=PF, vendor="8086", device="1583", name="ens1f0", kernel_driver="i40e", total_vfs=64)
OWNERS = {PF: Owner(plugin="intel", reason="matches vendor 8086")}
FUNCTION = Function(address=PF, vendor="8086", device="1583")
IOMMU = RebootRecord(requirement="iommu-groups-exist", reason="vfio-pci needs an IOMMU", boot_id="now")


def codes(snapshot: Snapshot, memory: Memory | None = None, *refused: Refused) -> list[tuple[str, str]]:
    found = worst_first(node_findings(snapshot, memory or Memory(), refused))
    return [(finding.severity.value, finding.code) for finding in found]


def with_nic(nic: Nic = NIC, **fields: object) -> Snapshot:
    return Snapshot(nics=(nic,), owners=OWNERS, **fields)  # type: ignore[arg-type]  # a test's shorthand


ON_VFIO = Nic(address=PF, vendor="8086", device="1583", num_vfs=1, vfs=(Vf(index=0, kernel_driver="vfio-pci"),))
IN_USE = Nic(address=PF, vendor="8086", device="1583", uses=(Use(kind="default-route", detail="the default route"),))
CASES = {
    "a-quiet-machine": (with_nic(), Memory(), []),
    "vfio-without-iommu": (with_nic(ON_VFIO), Memory(), [("fail", "PLT-102")]),
    "vfio-with-iommu": (with_nic(ON_VFIO, node=Node(iommu_groups=9)), Memory(), []),
    "lockdown": (with_nic(node=Node(lockdown="integrity")), Memory(), [("advice", "PLT-103")]),
    "a-pf-in-use": (with_nic(IN_USE), Memory(), [("advice", "OWN-201")]),
    "an-unmanaged-function": (
        Snapshot(unmanaged=(Unmanaged(function=FUNCTION, reason="no plugin drives it"),)),
        Memory(),
        [("warn", "OWN-203")],
    ),
    "a-failed-look": (Snapshot(owners=OWNERS, failures={PF: "bang"}), Memory(), [("fail", "HW-105")]),
    "a-blocked-nic": (
        Snapshot(nics=(NIC,), owners={PF: Owner(plugin="generic", reason="class", blocked="acme is refused")}),
        Memory(),
        [("fail", "PLG-602")],
    ),
    "unfinished-work": (with_nic(), Memory(under_way=("0000:3b:00.0: VFs 0 -> 4",)), [("warn", "LIFE-701")]),
    "a-reboot-that-is-waited-for": (
        with_nic(node=Node(boot_id="now")),
        Memory(reboots=(IOMMU,)),
        [("warn", "LIFE-702")],
    ),
    "a-reboot-without-effect": (
        with_nic(node=Node(boot_id="later")),
        Memory(reboots=(IOMMU,)),
        [("fail", "LIFE-702")],
    ),
    "a-reboot-with-effect": (with_nic(node=Node(boot_id="later", iommu_groups=9)), Memory(reboots=(IOMMU,)), []),
}


@pytest.mark.parametrize(("snapshot", "memory", "expected"), CASES.values(), ids=CASES)
def test_a_state_gives_its_finding(snapshot: Snapshot, memory: Memory, expected: list[tuple[str, str]]) -> None:
    assert codes(snapshot, memory) == expected


def test_a_refused_plugin_is_a_warning_with_its_reason() -> None:
    found = tuple(node_findings(with_nic(), Memory(), [Refused(name="acme", reason="bang", distribution="acme 1.0")]))
    assert [(finding.code, finding.fact) for finding in found] == [("PLG-601", "plugin acme is refused: bang")]


def test_the_worst_comes_first_and_unknown_before_advice() -> None:
    kinds = [Severity.ADVICE, Severity.UNKNOWN, Severity.FAIL, Severity.WARN]
    findings = [Finding(code="X", severity=kind, fact="f", remedy="r") for kind in kinds]
    assert [finding.severity.value for finding in worst_first(findings)] == ["fail", "warn", "unknown", "advice"]


def test_a_driver_that_cannot_judge_leaves_an_unknown() -> None:
    def raises(**_: object) -> None:
        raise ValueError("bang")

    real = drivers(load())["intel"]
    broken = Driver(real.info, {"diagnose": raises})
    host = FakeWorld(Tree(format=1, title="empty", node=NodeFacts(), functions=[]))
    (found,) = nic_findings(with_nic(), {"intel": broken}, host)
    assert (found.severity, found.code) == (Severity.UNKNOWN, "PLG-603")
    assert "plugin intel failed in diagnose" in found.fact


def test_every_finding_says_what_to_do() -> None:
    everything = [finding for snapshot, memory, _ in CASES.values() for finding in node_findings(snapshot, memory)]
    everything += [journal_finding("unreadable", damaged=False), journal_finding("damaged", damaged=True)]
    assert all(finding.remedy and finding.evidence for finding in everything)
