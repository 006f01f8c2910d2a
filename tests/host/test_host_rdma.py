"""RDMA: node GUIDs and the mode out of sysfs, the message that sets the mode, and the words of its refusals."""

import errno
import os
import struct
from pathlib import Path

import pytest
from tree import PF, HostTree

from sriov_core.errors import StepFailed
from sriov_core.host import rdma
from sriov_core.host.linux import LinuxHost
from sriov_core.host.refusals import refused
from sriov_core.model.address import Address

ADDRESS = Address(PF)
VF = Address("0000:01:10.0")


@pytest.fixture
def tree(tmp_path: Path) -> HostTree:
    found = HostTree(tmp_path / "root")
    found.pf(vfs=1)
    return found


def host(tree: HostTree, *, live: bool = False) -> LinuxHost:
    return LinuxHost(str(tree.root), live=live)


@pytest.mark.parametrize(
    ("shown", "guid"),
    [
        pytest.param("0002:c903:0012:3456\n", "00:02:c9:03:00:12:34:56", id="given"),
        pytest.param("0000:0000:0000:0000\n", "00:00:00:00:00:00:00:00", id="zero"),
        pytest.param("B83F:D2FF:FE12:ABCD\n", "b8:3f:d2:ff:fe:12:ab:cd", id="upper-case"),
        pytest.param("0002:c903:0012\n", None, id="short"),
        pytest.param("\n", None, id="empty"),
        pytest.param("no guid here\n", None, id="nonsense"),
    ],
)
def test_a_node_guid_is_told_as_eight_octets(tree: HostTree, shown: str, guid: str | None) -> None:
    tree.write(f"sys/bus/pci/devices/{VF}/infiniband/mlx5_2/node_guid", shown)
    assert host(tree).node_guid(VF) == guid


def test_a_device_without_an_rdma_device_or_with_several_has_no_node_guid(tree: HostTree) -> None:
    assert host(tree).node_guid(VF) is None
    assert host(tree).node_guid(Address("0000:09:00.0")) is None
    # The device is in another network namespace, in exclusive mode: its name is not listed here.
    (tree.device(VF.name) / "infiniband").mkdir()
    assert host(tree).node_guid(VF) is None
    for name in ("mlx5_2", "mlx5_3"):
        tree.write(f"sys/bus/pci/devices/{VF}/infiniband/{name}/node_guid", "0002:c903:0012:3456\n")
    assert host(tree).node_guid(VF) is None


@pytest.mark.parametrize(
    ("shown", "mode"),
    [
        pytest.param("Y\n", "shared", id="shared"),
        pytest.param("N\n", "exclusive", id="exclusive"),
        pytest.param(None, None, id="no-ib-core"),
    ],
)
def test_the_mode_of_the_node_is_what_ib_core_shows(tree: HostTree, shown: str | None, mode: str | None) -> None:
    if shown:
        tree.write("sys/module/ib_core/parameters/netns_mode", shown)
    assert host(tree).node().rdma_mode == mode


@pytest.mark.parametrize(
    ("mode", "value"), [pytest.param("exclusive", 0, id="exclusive"), pytest.param("shared", 1, id="shared")]
)
def test_the_message_that_sets_the_mode_is_the_kernel_s(mode: str, value: int) -> None:
    # include/uapi/rdma/rdma_netlink.h: RDMA_NL_NLDEV is 5, RDMA_NLDEV_CMD_SYS_SET 7, the attribute 66 an u8.
    assert rdma.SYS_SET == 5 * 1024 + 7
    assert rdma.setting(mode) == struct.pack("=HHB3x", 5, 66, value)


def test_another_word_is_no_mode(tree: HostTree) -> None:
    with host(tree, live=True) as machine, pytest.raises(StepFailed) as caught:
        machine.set_rdma_mode("both")
    told = "node: RDMA namespaces: both refused with EINVAL (the mode is one of exclusive, shared)."
    assert str(caught.value).startswith(told)


def test_a_tree_of_files_has_no_mode_to_set(tree: HostTree) -> None:
    with host(tree) as machine, pytest.raises(StepFailed, match="is a tree of files and not the running machine"):
        machine.set_rdma_mode("shared")


@pytest.mark.parametrize(
    ("code", "words"),
    [
        pytest.param(errno.EBUSY, "only while there is no network namespace but the host's own", id="namespaces"),
        pytest.param(errno.EBUSY, "by ib_core's parameter netns_mode (/etc/modprobe.d)", id="the-other-way"),
        pytest.param(errno.EPROTONOSUPPORT, "no RDMA subsystem loaded. Load module ib_core", id="no-rdma"),
    ],
)
def test_a_refused_mode_says_what_to_do(code: int, words: str) -> None:
    assert words in str(refused("node", "RDMA namespaces", "exclusive", OSError(code, os.strerror(code))))
