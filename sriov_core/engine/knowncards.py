"""Findings told more exactly of a card that its plugin knows: what it should have, and which module drives it."""

from collections.abc import Iterable, Iterator

import attrs

from sriov_core.errors import HostError
from sriov_core.model.observed import Nic, Node
from sriov_core.plugin.diagnosis import Finding, Severity
from sriov_core.plugin.info import Model
from sriov_core.plugin.reader import HostReader

NO_CAPABILITY, NO_DRIVER = "HW-104", "HW-101"
OFF_IN_FIRMWARE = "FW-402"
"""What a driver says that has asked the card itself; then nobody has to guess where SR-IOV is switched off."""
_LINES_WITHOUT_SRIOV = 7
"""Of ``resource`` in a kernel without CONFIG_PCI_IOV, which has no lines for VFs (include/linux/pci.h)."""


def sharpened(
    findings: Iterable[Finding], nic: Nic, models: Iterable[Model], node: Node, host: HostReader
) -> Iterator[Finding]:
    """The findings, those that a known model makes more exact in their exact form."""
    every = tuple(findings)
    asked = any(finding.code == OFF_IN_FIRMWARE for finding in every)
    model = next((model for model in models if f"{nic.vendor}:{nic.device}" in model.devices), None)
    for finding in every:
        if asked and finding.code == NO_CAPABILITY:
            continue
        if model and finding.code == NO_CAPABILITY and nic.platform == "baremetal":
            yield _switched_off(finding, nic, model, host)
        elif model and finding.code == NO_DRIVER and model.kernel_driver.replace("-", "_") not in node.modules:
            yield _not_loaded(finding, model)
        else:
            yield finding


def _switched_off(finding: Finding, nic: Nic, model: Model, host: HostReader) -> Finding:
    if _kernel_is_without(nic, host):
        return attrs.evolve(
            finding,
            severity=Severity.WARN,
            fact=f"this kernel was built without SR-IOV for PCI, which the card ({model.name}) has",
            evidence=(f"/sys/bus/pci/devices/{nic.address}/resource", "/boot/config-$(uname -r): CONFIG_PCI_IOV"),
            remedy="Boot a kernel with CONFIG_PCI_IOV=y, as every distribution's own is",
        )
    return attrs.evolve(
        finding,
        severity=Severity.WARN,
        fact=f"the card ({model.name}) can do SR-IOV and shows no such capability: it is switched off",
        evidence=(*finding.evidence, f"lspci -vvs {nic.address} (Single Root I/O Virtualization)"),
        remedy="Enable SR-IOV in the machine's firmware set-up (BIOS), for the slot as well where it has a switch for "
        "that, and in the card's own firmware; then reboot",
    )


def _kernel_is_without(nic: Nic, host: HostReader) -> bool:
    try:
        text = host.attribute(nic.address, "resource")
    except HostError:
        return False
    return text is not None and len(text.splitlines()) == _LINES_WITHOUT_SRIOV


def _not_loaded(finding: Finding, model: Model) -> Finding:
    module = model.kernel_driver.replace("-", "_")
    return attrs.evolve(
        finding,
        fact=f"no kernel driver is bound to the PF, so it can have no VFs: module {module}, which drives it "
        f"({model.name}), is not loaded",
        evidence=(*finding.evidence, "/proc/modules"),
        remedy=f"modprobe {module}; where it is not found, install the kernel package that holds it or take it off the "
        "blacklist in /etc/modprobe.d",
    )
