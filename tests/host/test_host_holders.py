"""Who holds a device, found among the real processes of this machine."""

import os
import sys
from pathlib import Path

import pytest
from tree import PF, HostTree

from sriov_core.host import sysfs, tools
from sriov_core.host.holders import Holders
from sriov_core.model.address import Address

VF = Address("0000:01:10.0")
# All processes of the machine are looked at, so that tests which run at the same time need numbers of their own.
OWN = os.getpid()
HOLD = "import sys; kept = open(sys.argv[1]); print('open', flush=True); sys.stdin.read()"


@pytest.fixture
def tree(tmp_path: Path) -> HostTree:
    found = HostTree(tmp_path / "root")
    found.pf()
    found.vf(PF, 0, driver="vfio-pci")
    (found.device(VF.name) / "iommu_group").unlink()
    found.iommu_group(VF.name, OWN)
    (found.root / "proc").rename(found.root / "old-proc")
    (found.root / "proc").symlink_to("/proc")
    return found


def holders(tree: HostTree) -> Holders:
    return Holders(str(tree.root), sysfs.DeviceTree(str(tree.root)))


NODES = ["dev/vfio/", "dev/vfio/noiommu-", "dev/vfio/devices/vfio", "dev/uio", "dev/vhost-vdpa-"]


@pytest.mark.parametrize("node", NODES)
def test_a_process_with_the_device_open_is_named_and_gone_when_it_ends(tree: HostTree, node: str) -> None:
    tree.write(f"sys/bus/pci/devices/{VF}/vfio-dev/vfio{OWN}/dev", "")
    tree.write(f"sys/bus/pci/devices/{VF}/uio/uio{OWN}/dev", "")
    tree.write(f"sys/bus/vdpa/devices/vdpa:{VF}/vhost-vdpa-{OWN}/dev", "")
    path = tree.write(f"{node}{OWN}", "")
    process = tools.start([sys.executable, "-c", HOLD, str(path)])
    assert process.stdout
    assert process.stdin
    process.stdout.readline()
    found = holders(tree).of(VF)
    process.stdin.close()
    process.stdout.close()
    tools.wait(process, 10)
    assert found is not None
    assert found.startswith(f"pid {process.pid} (python")
    assert holders(tree).of(VF) is None


def test_the_group_of_another_device_is_not_taken_for_this_one(tree: HostTree) -> None:
    with tree.write(f"dev/vfio/{OWN}0", "").open(), tree.write(f"dev/vfio/1{OWN}", "").open():
        assert holders(tree).of(VF) is None


def test_a_device_with_a_kernel_driver_has_no_holder(tree: HostTree) -> None:
    tree.bind(VF.name, "igbvf")
    with tree.write(f"dev/vfio/{OWN}", "").open():
        assert holders(tree).of(VF) is None


def test_a_process_that_kept_only_the_device_is_known_by_what_the_kernel_tells_of_it(tree: HostTree) -> None:
    (tree.root / "proc").unlink()
    tree.write("proc/77/comm", "qemu-system-x86\n")
    tree.write("proc/77/fdinfo/9", f"pos:\t0\nvfio-device-syspath: /sys/devices/pci0000:00/{VF}\n")
    (tree.root / "proc/77/fd").mkdir()
    (tree.root / "proc/77/fd/9").symlink_to("anon_inode:[vfio-device]")
    assert holders(tree).of(VF) == "pid 77 (qemu-system-x86)"
