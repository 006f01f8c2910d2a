"""One match statement from the kinds of steps to the verbs of the host, and the check that a step is still meant."""

from sriov_core.errors import StalePlan, StepFailed
from sriov_core.host.ports import Host
from sriov_core.model.address import Address
from sriov_core.model.bridges import Bridge
from sriov_core.model.nodesteps import (
    LoadModule,
    RestartService,
    SetBridge,
    SetKernelArgument,
    SetModuleParameter,
    SetOvsOption,
    SetRdmaMode,
    WriteFile,
)
from sriov_core.model.step import Scope, Step
from sriov_core.model.steps import (
    DEFAULT_DRIVER,
    BindDriver,
    DetachUplink,
    ReloadDevlink,
    ResetFirmware,
    SetAutoprobe,
    SetDevlinkParameter,
    SetEswitchMode,
    SetFeature,
    SetFirmware,
    SetLink,
    SetMtu,
    SetNumVfs,
    SetVdpa,
    SetVfGuid,
    SetVfMac,
)


def perform(step: Step, host: Host) -> None:
    """Do one step. Raises StalePlan when what the step starts from is no longer so, StepFailed when it is refused."""
    if step.scope is Scope.NODE:
        _perform_on_node(step, host)
    elif step.scope is Scope.VF or isinstance(step, SetMtu):
        _perform_on_vf(step, host)
    else:
        _perform_on_pf(step, host)


def _perform_on_pf(step: Step, host: Host) -> None:  # one case a kind of step, and the set is closed
    match step:
        case SetLink():
            host.set_link(step.nic, up=step.up)
        case SetFeature():
            host.set_feature(step.nic, step.feature, on=step.on)
        case SetFirmware() | ResetFirmware():
            host.run_tool(step.nic, step.argv)
        case SetDevlinkParameter():
            host.set_devlink_parameter(step.nic, step.parameter, step.value)
        case ReloadDevlink():
            host.reload_devlink(step.nic)
        case DetachUplink():
            host.detach_uplink(step.bridge, step.nic)
        case SetEswitchMode():
            host.set_eswitch_mode(step.nic, step.mode)
        case SetAutoprobe():
            host.set_autoprobe(step.nic, enabled=step.enabled)
        case SetNumVfs():
            _set_num_vfs(step, host)
        case _:
            raise _unknown(step)


def _perform_on_vf(step: Step, host: Host) -> None:
    match step:
        case SetMtu(vf=None):
            host.set_mtu(step.nic, step.mtu)
        case SetMtu(vf=int() as index):
            host.set_mtu(_vf(host, step.nic, index), step.mtu)
        case SetVfMac():
            _vf(host, step.nic, step.vf)  # where it is gone the kernel says no more than EINVAL
            host.set_vf_mac(step.nic, step.vf, step.mac)
        case SetVfGuid():
            _vf(host, step.nic, step.vf)
            host.set_vf_guid(step.nic, step.vf, step.guid)
        case BindDriver():
            _bind(step, host)
        case SetVdpa():
            host.set_vdpa(_vf(host, step.nic, step.vf), step.vdpa_type)
        case _:
            raise _unknown(step)


def _perform_on_node(step: Step, host: Host) -> None:
    match step:
        case LoadModule():
            host.load_module(step.module)
        case SetModuleParameter():
            host.set_module_parameter(step.module, step.parameter, step.value)
        case SetKernelArgument():
            host.add_kernel_argument(step.argument)
        case SetRdmaMode():
            host.set_rdma_mode(step.mode)
        case WriteFile():
            host.write_file(step.path, step.content)
        case SetBridge(bridge=None):
            host.remove_bridge(step.name)
        case SetBridge(bridge=Bridge() as bridge):
            host.set_bridge(bridge)
        case SetOvsOption():
            host.set_ovs_option(step.key, step.value)
        case RestartService():
            host.restart_service(step.service)
        case _:
            raise _unknown(step)


def _unknown(step: Step) -> StepFailed:
    return StepFailed(f"{step.describe()}: this version of sriov-core cannot do {type(step).__name__}")


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
