"""One match statement from the kinds of steps to the verbs of the host, and the check that a step is still meant."""

from sriov_core.errors import StalePlan, StepFailed
from sriov_core.host.ports import Host
from sriov_core.model.address import Address
from sriov_core.model.steps import (
    DEFAULT_DRIVER,
    BindDriver,
    LoadModule,
    SetAutoprobe,
    SetEswitchMode,
    SetKernelArgument,
    SetLink,
    SetMtu,
    SetNumVfs,
    SetVfMac,
    Step,
    WriteFile,
)


def perform(step: Step, host: Host) -> None:  # noqa: C901  # one case a kind of step, and the set is closed
    """Do one step. Raises StalePlan when what the step starts from is no longer so, StepFailed when it is refused."""
    match step:
        case SetLink():
            host.set_link(step.nic, up=step.up)
        case SetMtu(vf=None):
            host.set_mtu(step.nic, step.mtu)
        case SetMtu(vf=int() as index):
            host.set_mtu(_vf(host, step.nic, index), step.mtu)
        case SetEswitchMode():
            host.set_eswitch_mode(step.nic, step.mode)
        case SetAutoprobe():
            host.set_autoprobe(step.nic, enabled=step.enabled)
        case SetNumVfs():
            _set_num_vfs(step, host)
        case SetVfMac():
            _vf(host, step.nic, step.vf)  # where it is gone the kernel says no more than EINVAL
            host.set_vf_mac(step.nic, step.vf, step.mac)
        case BindDriver():
            _bind(step, host)
        case LoadModule():
            host.load_module(step.module)
        case SetKernelArgument():
            host.add_kernel_argument(step.argument)
        case WriteFile():
            host.write_file(step.path, step.content)
        case _:
            raise StepFailed(f"{step.describe()}: this version of sriov-core cannot do {type(step).__name__}")


def _set_num_vfs(step: SetNumVfs, host: Host) -> None:
    found = host.attribute(step.nic, "sriov_numvfs")
    if found not in (str(step.was), str(step.count)):
        raise StalePlan(f"{step.describe()}: the NIC has {found} VFs by now; it is looked at again")
    host.set_num_vfs(step.nic, step.count)


def _bind(step: BindDriver, host: Host) -> None:
    address = _vf(host, step.nic, step.vf)
    if step.kernel_driver == DEFAULT_DRIVER:
        host.bind_default(address)
    elif step.kernel_driver is None:
        host.unbind(address)
    else:
        host.bind(address, step.kernel_driver)


def _vf(host: Host, pf: Address, index: int) -> Address:
    addresses = host.vf_addresses(pf)
    if index not in addresses:
        raise StalePlan(f"{pf} vf{index} is gone; the NIC has {len(addresses)} VFs by now and is looked at again")
    return addresses[index]
