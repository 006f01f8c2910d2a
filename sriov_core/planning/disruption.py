"""What a step costs the workloads and why, judged on the NIC as it is right before the step. Pure."""

from collections.abc import Iterable

from sriov_core.model.nodesteps import RestartService, SetKernelArgument
from sriov_core.model.observed import UNKNOWN, Nic, Vf
from sriov_core.model.plan import Cost, PlannedStep
from sriov_core.model.step import Step
from sriov_core.model.steps import (
    BindDriver,
    DetachUplink,
    ReloadDevlink,
    ResetFirmware,
    SetEswitchMode,
    SetLink,
    SetMtu,
    SetNumVfs,
    SetVdpa,
)


def priced(step: Step, nic: Nic) -> PlannedStep:
    """The step with its cost on that NIC."""
    cost, why = _cost(step, nic)
    return PlannedStep(step=step, cost=cost, why=why)


def priced_on_node(step: Step) -> PlannedStep:
    """A step about the node with its cost."""
    match step:
        case SetKernelArgument():
            return PlannedStep(step=step, cost=Cost.REBOOT, why="takes effect at the next boot")
        case RestartService(idle=False):
            return PlannedStep(step=step, cost=Cost.DRAIN, why=f"every flow of {step.service} is set up anew")
        case _:
            return PlannedStep(step=step)


def _cost(step: Step, nic: Nic) -> tuple[Cost, str]:
    match step:
        case SetNumVfs() | ReloadDevlink():
            return _loss(nic.vfs)
        case ResetFirmware():
            return Cost.REBOOT, "the card is of no use until the reboot"
        case DetachUplink():
            return Cost.LINK_FLAP, "the bridge has no uplink until the PF is attached again"
        case SetVdpa(was=str()):
            return _loss([nic.vf(step.vf)])
        case SetEswitchMode():  # a VF without a driver, made or unbound just before, serves nobody
            served = [vf for vf in nic.vfs if vf.kernel_driver is not None or vf.used_by]
            return _worse(_loss(served), (Cost.LINK_FLAP, "the PF's netdev is set up anew"))
        case BindDriver():
            return _rebound(nic, nic.vf(step.vf))
        case SetMtu(vf=None) if nic.link_up:
            return Cost.LINK_FLAP, "most kernel drivers restart the queues for a new MTU"
        case SetMtu(vf=int() as index) if nic.vf(index).name:
            return Cost.LINK_FLAP, f"vf{index} restarts its queues for a new MTU"
        case SetLink(up=False):
            return Cost.LINK_FLAP, "the PF goes down"
        case _:
            return Cost.NONE, ""


def _loss(vfs: Iterable[Vf]) -> tuple[Cost, str]:
    lost = list(vfs)
    if not lost:
        return Cost.NONE, ""
    users = [f"vf{vf.index} is used by {vf.used_by}" for vf in lost if vf.used_by]
    if users:
        return Cost.DRAIN, "; ".join(users)
    return Cost.VF_LOSS, f"{spans([vf.index for vf in lost])} in use by nobody known"


def _rebound(nic: Nic, vf: Vf) -> tuple[Cost, str]:
    if vf.address == nic.address and nic.uses:  # a VF that stands for itself, inside a virtual machine
        return Cost.DRAIN, "; ".join(use.detail for use in nic.uses)
    return (Cost.NONE, "") if vf.kernel_driver in (None, UNKNOWN) else _loss([vf])


def _worse(one: tuple[Cost, str], other: tuple[Cost, str]) -> tuple[Cost, str]:
    return max(one, other, key=lambda pair: pair[0])


def spans(indices: Iterable[int]) -> str:
    """Indices as people write them: ``vf0-vf2, vf5``."""
    runs: list[list[int]] = []
    for index in sorted(indices):
        if runs and index == runs[-1][1] + 1:
            runs[-1][1] = index
        else:
            runs.append([index, index])
    return ", ".join(f"vf{first}" if first == last else f"vf{first}-vf{last}" for first, last in runs)
