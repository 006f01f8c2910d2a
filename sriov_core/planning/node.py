"""What the NICs' plans need of the machine around them: modules, and an IOMMU or the leave to do without. Pure."""

from collections.abc import Iterable, Set

import attrs

from sriov_core.model.desired import USERSPACE_DRIVERS, DeviceType
from sriov_core.model.nodesteps import LoadModule, SetKernelArgument, SetModuleParameter
from sriov_core.model.observed import Node
from sriov_core.model.plan import NicPlan, PlannedStep, Problem, Reboot
from sriov_core.model.step import Step
from sriov_core.model.steps import VDPA_MODULES, BindDriver, SetVdpa

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


def no_iommu(node: Node) -> NodePlan:
    """How a virtual machine without an IOMMU gets vfio to serve its devices all the same.

    drivers/vfio: noiommu mode has to be switched on, taints the kernel and protects nobody; inside a virtual machine
    whose host gives it whole devices there is mostly nothing else.
    """
    if node.iommu_groups or node.noiommu:
        return NodePlan()
    if node.noiommu is None and "vfio" in node.modules:
        return _refused(
            "vfio-pci needs an IOMMU, this virtual machine has none, and its kernel was built without noiommu mode",
            "Give the machine a virtual IOMMU, or boot a kernel with CONFIG_VFIO_NOIOMMU",
        )
    load = () if "vfio" in node.modules else (LoadModule(module="vfio"),)
    allow = SetModuleParameter(module="vfio", parameter="enable_unsafe_noiommu_mode", value="Y")
    return NodePlan(steps=(*load, allow))


def modules(node: Node, plans: Iterable[NicPlan]) -> tuple[Step, ...]:
    """The modules of the userspace and vDPA drivers that some VF is bound to and that are not loaded."""
    now = [planned for plan in plans for planned in plan.steps]
    wanted = {driver.replace("-", "_") for driver in _bound_drivers(now)}
    vdpa = {planned.step.vdpa_type for planned in now if isinstance(planned.step, SetVdpa)}
    wanted |= {VDPA_MODULES[vdpa_type] for vdpa_type in vdpa if vdpa_type}
    return tuple(LoadModule(module=module) for module in sorted(wanted - node.modules))


def _bound_drivers(steps: Iterable[PlannedStep]) -> frozenset[str]:
    bound = {planned.step.kernel_driver for planned in steps if isinstance(planned.step, BindDriver)}
    return frozenset(driver for driver in bound if driver in USERSPACE_DRIVERS)
