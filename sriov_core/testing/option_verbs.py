"""The fake kernel's verbs about a function's options: offloads, devlink parameters, GUIDs, vDPA, vendors' programs."""

import errno
import re
from collections.abc import Sequence

from sriov_core.errors import StepFailed
from sriov_core.model.address import Address
from sriov_core.model.desired import NO_GUID, USERSPACE_DRIVERS
from sriov_core.model.observed import EswitchMode
from sriov_core.testing import mstconfig
from sriov_core.testing import sriov_rules as rules
from sriov_core.testing.facts import ParameterFacts, ParameterMode
from sriov_core.testing.infiniband import is_infiniband
from sriov_core.testing.refusing import impossible, refused
from sriov_core.testing.tree import FunctionFacts, Refusal
from sriov_core.testing.verbs import Verbs

_GUID = re.compile(r"([0-9a-f]{2}:){7}[0-9a-f]{2}")
_VDPA_MODULES: dict[str, str] = {"virtio": "virtio_vdpa", "vhost": "vhost_vdpa"}


class OptionVerbs(Verbs):
    """What a function can be told beside its VFs."""

    def set_feature(self, address: Address, feature: str, *, on: bool) -> None:
        with self._verb("set_feature", address):
            link = self._netdev(self._machine.device(address), feature)
            if feature not in link.features:
                # net/ethtool/features.c: what is not in hw_features stays as it is, and ethtool(8) says so
                raise refused(address, feature, _switch(on), errno.EOPNOTSUPP, "The netdev has no such offload")
            if link.features[feature] != on:
                self._must_be_root(address, feature)
                link.features[feature] = on

    def set_devlink_parameter(self, address: Address, parameter: str, value: str) -> None:
        with self._verb("set_devlink_parameter", address):
            function = self._machine.device(address).function
            found = function.parameters.get(parameter) if function.kernel_driver else None
            if found is None:
                # net/devlink/param.c: devlink_param_get_from_info
                raise refused(address, parameter, value, errno.EINVAL, "The device has no such devlink parameter")
            if (found.pending or found.value) == value:
                return
            self._must_be_root(address, parameter)
            _may_set(function, parameter, found, value)
            if found.mode is ParameterMode.RUNTIME:
                found.value = value
            else:
                found.pending = value

    def reload_devlink(self, address: Address) -> None:
        with self._verb("reload_devlink", address):
            device = self._machine.device(address)
            function = device.function
            self._must_be_root(address, "devlink")
            offered = function.kernel_driver and (function.parameters or function.versions or function.eswitch)
            if device.vf or not offered or Refusal.RELOAD in function.refuses:
                raise refused(address, "devlink", "reload", errno.EOPNOTSUPP, "Its kernel driver offers no reload")
            fails = Refusal.RELOAD_UP in function.refuses
            self._machine.restart(function, fails=fails)
            if fails:
                # drivers/net/netdevsim/dev.c: nsim_dev_reload_up
                raise refused(address, "devlink", "reload", errno.EINVAL, "Its netdevs are gone until one succeeds")

    def set_vf_guid(self, pf: Address, index: int, guid: str) -> None:
        with self._verb("set_vf_guid", pf):
            device, name = self._machine.device(pf), f"vf {index} guid"
            self._netdev(device, name)
            if not is_infiniband(device.function):
                # ndo_set_vf_guid is IPoIB's alone (drivers/infiniband/ulp/ipoib/ipoib_main.c)
                raise refused(pf, name, guid, errno.EOPNOTSUPP, "Only a PF on InfiniBand takes GUIDs for its VFs")
            vf = next((vf for vf in device.sriov.vfs if vf.index == index), None)
            wanted = None if guid == NO_GUID else guid
            if vf and vf.admin_guid == wanted:
                return
            self._must_be_root(pf, name)
            if vf is None:
                raise refused(pf, name, guid, errno.EINVAL, f"The PF has {len(device.sriov.vfs)} VFs")
            if not _GUID.fullmatch(guid):
                raise refused(pf, name, guid, errno.EINVAL, "It must be eight octets")
            vf.admin_guid = wanted

    def set_vdpa(self, vf: Address, vdpa_type: str | None) -> None:
        with self._verb("set_vdpa", vf):
            device = self._machine.device(vf)
            if device.vf and device.vf.vdpa == vdpa_type:
                return
            self._must_be_root(vf, "vdpa")
            if device.vf is None or not device.sriov.vdpa or device.vf.kernel_driver in (None, *USERSPACE_DRIVERS):
                # drivers/vdpa/vdpa.c: vdpa_nl_cmd_dev_add_set_doit, no management device of that name
                advice = "No vDPA management device: the VF is not bound to a network driver that offers one"
                raise refused(vf, "vdpa", vdpa_type, errno.ENODEV, advice)
            if device.vf.vdpa:  # drivers/vhost/vdpa.c: vhost_vdpa_remove waits for whoever has it open
                rules.must_be_free(device.vf, "vdpa", vdpa_type)
            device.vf.vdpa = self._loaded(vf, vdpa_type)

    def run_tool(self, address: Address, argv: Sequence[str]) -> None:
        with self._verb("run_tool", address):
            command = " ".join(argv)
            self._must_be_root(address, command)
            answer = mstconfig.run(self._machine.tree, argv)
            if answer is None:
                raise impossible(address, argv[0], command, f"{argv[0]} is not installed", "Install it")
            if answer.code:
                words = " ".join((answer.out + answer.err).split())
                raise StepFailed(f"{address}: {command} ended with code {answer.code}: {words}")

    def _loaded(self, vf: Address, vdpa_type: str | None) -> str | None:
        if vdpa_type is None:
            return None
        module = _VDPA_MODULES.get(vdpa_type)
        if module is None:
            raise refused(vf, "vdpa", vdpa_type, errno.EINVAL, "It is virtio or vhost")
        if module not in self._machine.tree.node.modules:
            raise refused(vf, "vdpa", vdpa_type, errno.ENOENT, f"No such driver; load module {module} first")
        return vdpa_type


def _may_set(function: FunctionFacts, name: str, parameter: ParameterFacts, value: str) -> None:
    """What the callback ``validate`` in the device's driver says."""
    if parameter.choices and value not in parameter.choices:
        advice = f"It takes {', '.join(parameter.choices)}"
        raise refused(function.address, name, value, errno.EINVAL, advice)
    switchdev = function.eswitch is not None and function.eswitch.mode is EswitchMode.SWITCHDEV
    runtime = parameter.mode is ParameterMode.RUNTIME
    if runtime and switchdev and Refusal.PARAMETER_IN_SWITCHDEV in function.refuses:
        # drivers/net/ethernet/mellanox/mlx5/core/fs_core.c: mlx5_fs_mode_validate
        raise refused(function.address, name, value, errno.EOPNOTSUPP, "It changes in legacy mode only")


def _switch(on: bool) -> str:  # noqa: FBT001  # a formatter of the flag itself
    return "on" if on else "off"
