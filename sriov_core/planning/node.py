"""What the NICs' plans need of the machine around them: modules, an IOMMU, udev rules. Pure."""

from collections.abc import Iterable, Iterator, Set

import attrs

from sriov_core.model.address import Address
from sriov_core.model.desired import USERSPACE_DRIVERS, DeviceType, NodeSpec
from sriov_core.model.observed import Node
from sriov_core.model.plan import NicPlan, PlannedStep, Problem, Reboot
from sriov_core.model.steps import BindDriver, LoadModule, SetKernelArgument, Step, WriteFile

IOMMU_REQUIREMENT = "iommu-groups-exist"
# Only Intel's is off without an argument (drivers/iommu/intel: CONFIG_INTEL_IOMMU_DEFAULT_ON is unset in most builds);
# AMD's and ARM's are in effect wherever the firmware offers them.
_IOMMU_ARGUMENTS = {"GenuineIntel": ("intel_iommu=on", "iommu=pt")}


@attrs.frozen(kw_only=True)
class NodePlan:
    """The node's own steps, what forbids them, and the reboots they need."""

    steps: tuple[Step, ...] = ()
    problems: tuple[Problem, ...] = ()
    reboots: tuple[Reboot, ...] = ()


def needs_iommu(plan: NicPlan) -> bool:
    """True when the NIC's plan binds a VF to vfio-pci, now or after a reboot."""
    return DeviceType.VFIO_PCI in _bound_drivers((*plan.steps, *plan.later))


def iommu(node: Node, asked: Set[str], spent: Set[str]) -> NodePlan:
    """How to get an IOMMU into effect.

    ``asked`` holds the requirements for which everything is set and this boot's end is waited for, ``spent`` those
    that a reboot was already spent on.

    The effect is what counts (/sys/kernel/iommu_groups), not the text of the command line: on many machines the
    IOMMU is on without any argument, and on some an argument changes nothing.
    """
    if node.iommu_groups:
        return NodePlan()
    # "intel_iommu=on,sm_on" says on as well; asking for a reboot to say so twice would change nothing.
    given = {token.partition(",")[0] for token in node.cmdline}
    missing = tuple(arg for arg in _IOMMU_ARGUMENTS.get(node.cpu_vendor or "", ()) if arg not in given)
    if not missing:
        return _refused(
            "vfio-pci needs an IOMMU, and the kernel has no IOMMU groups although no kernel argument is missing",
            "Enable VT-d, AMD-Vi or SMMU in the firmware set-up of the machine",
        )
    if IOMMU_REQUIREMENT in spent:
        return _refused(
            f"vfio-pci needs an IOMMU, and a reboot for {' '.join(missing)} did not bring it to the command line",
            f"Set it yourself in the boot manager that really boots this machine (not {node.boot_manager})",
        )
    if node.boot_manager is None:
        return _refused(
            f"vfio-pci needs an IOMMU, and no known boot manager can set {' '.join(missing)}",
            "Set these kernel arguments yourself and reboot",
        )
    reason = f"vfio-pci needs an IOMMU; {' '.join(missing)} takes effect at boot (through {node.boot_manager})"
    unset = () if IOMMU_REQUIREMENT in asked else missing
    return NodePlan(
        steps=tuple(SetKernelArgument(argument=argument) for argument in unset),
        reboots=(Reboot(requirement=IOMMU_REQUIREMENT, reason=reason),),
    )


def _refused(text: str, remedy: str) -> NodePlan:
    return NodePlan(problems=(Problem(code="no-iommu", text=text, remedy=remedy),))


def modules(node: Node, plans: Iterable[NicPlan]) -> tuple[Step, ...]:
    """The modules of the userspace drivers that some VF is bound to and that are not loaded."""
    now = [planned for plan in plans for planned in plan.steps]
    wanted = sorted(driver.replace("-", "_") for driver in _bound_drivers(now))
    return tuple(LoadModule(module=module) for module in wanted if module not in node.modules)


def _bound_drivers(steps: Iterable[PlannedStep]) -> frozenset[str]:
    bound = {planned.step.kernel_driver for planned in steps if isinstance(planned.step, BindDriver)}
    return frozenset(driver for driver in bound if driver in USERSPACE_DRIVERS)


def udev_rules(node: Node, spec: NodeSpec, plans: Iterable[NicPlan]) -> tuple[Step, ...]:
    """Keep NetworkManager off the VFs of our NICs: one rule file a NIC, removed when the NIC is given back."""
    return tuple(_udev_rules(node, spec, {plan.nic for plan in plans if not plan.problems}))


def _udev_rules(node: Node, spec: NodeSpec, possible: Set[object]) -> Iterator[Step]:
    wanted = "NetworkManager" in node.network_managers
    for wish in spec.nics:
        if wish.address not in possible or wish.externally_managed or wish.address.bus != "pci":
            continue
        path = rule_path(wish.address)
        content = _unmanaged_rule(str(wish.address)) if wanted and wish.num_vfs and not wish.restore else None
        if node.files.get(path) != content:
            yield WriteFile(path=path, content=content)


def rule_path(pf: Address) -> str:
    """Where the udev rule for the VFs of a NIC lies."""
    return f"/etc/udev/rules.d/10-sriov-core-{pf}.rules"


def _unmanaged_rule(pf: str) -> str:
    # A VF is recognised by its PF, so the rule holds before the VFs exist and whatever they are called.
    return (
        "# Written by sriov-core: NetworkManager leaves the VFs of this PF alone.\n"
        'ACTION!="remove", SUBSYSTEM=="net", TEST=="device/physfn", '
        f'PROGRAM="/usr/bin/readlink -f /sys%p/device/physfn", RESULT=="*/{pf}", ENV{{NM_UNMANAGED}}="1"\n'
    )
