"""The fake kernel's verbs about the machine around its functions: modules, arguments, files, RDMA namespaces."""

import errno

from sriov_core.model import predecessor
from sriov_core.testing.booting import reboot
from sriov_core.testing.modprobe import vfio_comes_up
from sriov_core.testing.refusing import refused
from sriov_core.testing.verbs import Verbs

_NEEDS = {"vfio_pci": ("vfio",)}
_YES = {"Y", "y", "1"}


class NodeVerbs(Verbs):
    """The node's own state."""

    def load_module(self, module: str) -> None:
        with self._verb("load_module", "node"):
            node, name = self._machine.tree.node, module.replace("-", "_")
            if name in node.modules:
                return
            self._must_be_root("node", f"module {name}")
            if name in node.missing_modules:
                advice = f"This kernel has no module {name}; install the package that holds it"
                raise refused("node", "modprobe", name, errno.ENOENT, advice)
            node.modules += [needed for needed in _NEEDS.get(name, ()) if needed not in node.modules]
            node.modules.append(name)
            vfio_comes_up(node)

    def set_module_parameter(self, module: str, parameter: str, value: str) -> None:
        with self._verb("set_module_parameter", "node"):
            node, where = self._machine.tree.node, f"parameter {parameter} of module {module}"
            self._must_be_root("node", where)
            if (module, parameter) != ("vfio", "enable_unsafe_noiommu_mode") or node.noiommu is None:
                # drivers/vfio/vfio_main.c: the parameter exists under CONFIG_VFIO_NOIOMMU only
                raise refused("node", where, value, errno.ENOENT, "The module is not loaded or has no such parameter")
            if value not in (*_YES, "N", "n", "0"):
                raise refused("node", where, value, errno.EINVAL, "It takes Y or N")
            node.noiommu = value in _YES

    def set_rdma_mode(self, mode: str) -> None:
        with self._verb("set_rdma_mode", "node"):
            node = self._machine.tree.node
            if node.rdma_mode is None:
                raise refused("node", "RDMA namespaces", mode, errno.ENOENT, "No RDMA subsystem; load module ib_core")
            if node.rdma_mode == mode:
                return
            self._must_be_root("node", "RDMA namespaces")
            if mode not in ("shared", "exclusive"):
                raise refused("node", "RDMA namespaces", mode, errno.EINVAL, "It is shared or exclusive")
            if node.other_net_namespaces:
                # drivers/infiniband/core/device.c: rdma_compatdev_set
                advice = f"{node.other_net_namespaces} other network namespaces exist; it changes while there is none"
                raise refused("node", "RDMA namespaces", mode, errno.EBUSY, advice)
            node.rdma_mode = mode

    def add_kernel_argument(self, argument: str) -> None:
        with self._verb("add_kernel_argument", "node"):
            node = self._machine.tree.node
            planned = node.next_cmdline or list(node.cmdline)
            if argument in planned:
                return
            self._must_be_root("node", "kernel argument")
            if node.boot_manager is None:
                advice = "No known boot manager; set it yourself and reboot"
                raise refused("node", "kernel argument", argument, errno.EOPNOTSUPP, advice)
            node.next_cmdline = [*planned, argument]

    def write_file(self, path: str, content: str | None) -> None:
        with self._verb("write_file", path):
            node = self._machine.tree.node
            files = node.other_files if predecessor.is_note(path) else node.files
            if files.get(path) == content:
                return
            self._must_be_root("node", path)
            if content is None:
                del files[path]
            else:
                files[path] = content

    def start_reboot(self, reason: str) -> None:  # noqa: ARG002  # systemd shows it, and nobody reads it here
        with self._verb("start_reboot", "node"):
            self._must_be_root("node", "reboot")
            reboot(self._machine)  # a machine in memory has nothing to wait for
