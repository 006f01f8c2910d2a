"""Who holds a device, found among the real processes of this machine."""

import errno
import os
import sys
from pathlib import Path

import pytest
from tree import PF, HostTree

from sriov_core.errors import HostError, StepFailed
from sriov_core.host import sysfs, tools
from sriov_core.host.attributes import Attributes, Deadlines
from sriov_core.host.holders import Holders
from sriov_core.host.refusals import Blocked
from sriov_core.host.writer import Writers
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


def running(tree: HostTree, pid: int, node: str) -> Path:
    """A process in a folder of its own making instead of this machine's."""
    if (tree.root / "proc").is_symlink():
        (tree.root / "proc").unlink()
    tree.write(f"proc/{pid}/comm", "qemu\n")
    (tree.root / f"proc/{pid}/fd").mkdir()
    (tree.root / f"proc/{pid}/fd/3").symlink_to(node)
    return tree.root / f"proc/{pid}"


@pytest.mark.parametrize(
    ("took_s", "age_s", "sees_the_new"),
    [
        pytest.param(0.01, 0.2, False, id="a-glance-serves-a-quarter-of-a-second"),
        pytest.param(0.01, 0.3, True, id="and-no-longer"),
        pytest.param(1, 3.9, False, id="a-dear-look-serves-four-times-as-long-as-it-took"),
        pytest.param(1, 4.1, True, id="and-not-longer"),
    ],
)
def test_a_look_serves_for_a_while(tree: HostTree, took_s: float, age_s: float, sees_the_new: bool) -> None:
    moments = iter((0.0, 0.0, took_s, took_s + age_s, 100.0, 200.0))
    found = Holders(str(tree.root), sysfs.DeviceTree(str(tree.root)), lambda: next(moments))
    process = running(tree, 77, f"/dev/vfio/{OWN}")
    assert found.of(VF) == "pid 77 (qemu)"
    process.rename(tree.root / "proc/78")
    assert found.of(VF) == ("pid 78 (qemu)" if sees_the_new else "pid 77 (qemu)")


class Groups(Writers):
    """Opens a group as drivers/vfio/group.c does: EBUSY while somebody has it; what was opened cannot be read."""

    def __init__(self, answer: int) -> None:
        super().__init__()
        self.answer = answer

    def read(self, path: str, timeout_s: float) -> str:
        raise OSError(self.answer, os.strerror(self.answer), path) if self.answer else Blocked(timeout_s)


def with_groups(tree: HostTree, answer: int) -> Attributes:
    """The group's node is a device, as on a machine; only what it answers is ours."""
    (tree.root / "dev/vfio").mkdir(parents=True)
    (tree.root / f"dev/vfio/{OWN}").symlink_to("/dev/null")
    return Attributes(sysfs.DeviceTree(str(tree.root)), holders(tree), Groups(answer), Deadlines(), live=False)


def test_who_holds_a_group_that_is_busy_is_named_though_a_look_just_before_saw_nobody(tree: HostTree) -> None:
    parts = with_groups(tree, errno.EBUSY)
    (tree.root / "proc").unlink()
    (tree.root / "proc").mkdir()
    assert parts.holders.of(VF) is None
    running(tree, 77, f"/dev/vfio/{OWN}")
    with pytest.raises(StepFailed, match=r"is held by pid 77 \(qemu\)\. Stop it first"):
        parts.must_be_free(VF, "driver", "none")


def test_who_just_let_go_is_not_in_the_way(tree: HostTree) -> None:
    parts = with_groups(tree, errno.EPERM)
    process = running(tree, 77, f"/dev/vfio/{OWN}")
    assert parts.holders.of(VF) == "pid 77 (qemu)"
    (process / "fd/3").unlink()
    assert parts.must_be_free(VF, "driver", "none")


@pytest.mark.parametrize(
    ("answer", "more", "looks"),
    [
        pytest.param(errno.EINVAL, "", False, id="free"),
        pytest.param(errno.EPERM, "", True, id="not-allowed-to-ask"),
        pytest.param(errno.ENODEV, "", True, id="going-away"),
        pytest.param(0, "", True, id="no-answer-in-time"),
        pytest.param(errno.EINVAL, f"sys/bus/pci/devices/{VF}/vfio-dev/vfio{OWN}/dev", True, id="a-node-of-its-own"),
        pytest.param(errno.EINVAL, f"sys/bus/pci/devices/{VF}/uio/uio{OWN}/dev", True, id="uio"),
        pytest.param(
            errno.EINVAL, f"sys/bus/vdpa/devices/vdpa:{VF}/vhost-vdpa-{OWN}/dev", True, id="vdpa-that-opening-resets"
        ),
    ],
)
def test_all_processes_are_looked_at_only_where_the_group_does_not_tell(
    tree: HostTree, answer: int, more: str, looks: bool
) -> None:
    parts = with_groups(tree, answer)
    if more:
        tree.write(more, "")
    (tree.root / "proc").unlink()
    (tree.root / "proc").symlink_to("proc")  # whoever looks there ends in a loop of links
    if looks:
        with pytest.raises(HostError, match=r"cannot read .*/proc"):
            parts.must_be_free(VF, "driver", "none")
    else:
        assert parts.must_be_free(VF, "driver", "none") == parts.stakes(VF)
