"""Kernel modules by their exact names."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from tree import HostTree

from sriov_core.errors import StepFailed
from sriov_core.host import modules
from sriov_core.host.linux import LinuxHost
from sriov_core.host.tools import Result


@pytest.fixture
def tree(tmp_path: Path) -> HostTree:
    found = HostTree(tmp_path / "root")
    found.write("proc/modules", "tunnel4 16384 1 sit, Live 0x0\nvfio_iommu_type1 49152 0 - Live 0x0\n")
    found.write("lib/modules/6.12.0-test/modules.builtin", "kernel/net/core/devlink.ko\nkernel/fs/nfs/nfs-acl.ko.xz\n")
    return found


@pytest.mark.parametrize(
    ("name", "is_present"),
    [
        pytest.param("tunnel4", True, id="loaded"),
        pytest.param("tun", False, id="a-prefix-of-a-loaded-one"),
        pytest.param("vfio", False, id="another-prefix"),
        pytest.param("devlink", True, id="built-in"),
        pytest.param("nfs_acl", True, id="built-in-spelled-with-a-dash"),
        pytest.param("sit", False, id="named-only-as-a-user"),
    ],
)
def test_a_module_is_present_by_its_whole_name_only(tree: HostTree, name: str, is_present: bool) -> None:
    assert (name in modules.present(str(tree.root))) is is_present


def test_a_module_that_is_built_in_is_not_loaded(tree: HostTree) -> None:
    def run(_: Sequence[str]) -> Result:
        pytest.fail("nothing is to be run")

    modules.load(str(tree.root), "devlink", run)


def test_a_module_is_loaded_and_looked_for_afterwards(tree: HostTree) -> None:
    def modprobe(argv: Sequence[str]) -> Result:
        tree.write("proc/modules", f"{argv[-1]} 1 0 - Live 0x0\n")
        return Result(code=0, out="", err="")

    modules.load(str(tree.root), "vfio-pci", modprobe)
    assert "vfio_pci" in modules.present(str(tree.root))


def test_modprobe_s_own_words_stand_in_the_error(tree: HostTree) -> None:
    def modprobe(_: Sequence[str]) -> Result:
        return Result(code=1, out="", err="modprobe: FATAL: Module igb_uio not found in directory\n")

    with pytest.raises(StepFailed) as caught:
        modules.load(str(tree.root), "igb_uio", modprobe)
    assert str(caught.value) == (
        "node: module: igb_uio is not possible: modprobe: FATAL: Module igb_uio not found in directory (exit code 1). "
        "Install the kernel package that holds it, or look at the lockdown and blacklist settings of the host"
    )


def test_a_modprobe_that_succeeds_without_effect_is_an_error(tree: HostTree) -> None:
    with pytest.raises(StepFailed, match="modprobe succeeded and the module is not there"):
        modules.load(str(tree.root), "igb_uio", lambda _: Result(code=0, out="", err=""))


@pytest.mark.parametrize("name", ["../x", "a b", "", "-r", "x;y"])
def test_what_is_no_module_name_is_not_loaded(tree: HostTree, name: str) -> None:
    with pytest.raises(StepFailed, match="that is no module's name"):
        modules.load(str(tree.root), name, lambda _: Result(code=0, out="", err=""))


NOIOMMU = "sys/module/vfio/parameters/enable_unsafe_noiommu_mode"


def set_noiommu(tree: HostTree, value: str, parameter: str = "enable_unsafe_noiommu_mode") -> None:
    with LinuxHost(str(tree.root)) as machine:
        machine.set_module_parameter("vfio", parameter, value)


def refused(tree: HostTree, module: str, parameter: str, value: str) -> str:
    with LinuxHost(str(tree.root)) as machine, pytest.raises(StepFailed) as caught:
        machine.set_module_parameter(module, parameter, value)
    return str(caught.value)


def test_a_parameter_of_a_loaded_module_is_written(tree: HostTree) -> None:
    tree.write(NOIOMMU, "N\n")
    set_noiommu(tree, "Y")
    assert tree.text(NOIOMMU) == "Y"


@pytest.mark.parametrize(
    ("shown", "value"),
    [
        pytest.param("Y\n", "Y", id="the-same"),
        pytest.param("Y\n", "1", id="as-a-number"),
        pytest.param("N\n", "off", id="as-a-word"),
        pytest.param("64\n", "64", id="no-switch"),
    ],
)
def test_a_parameter_that_is_like_that_already_is_not_written(tree: HostTree, shown: str, value: str) -> None:
    tree.write(NOIOMMU, shown)
    set_noiommu(tree, value)
    assert tree.text(NOIOMMU) == shown


def test_a_module_with_a_dash_is_found_by_its_underscore(tree: HostTree) -> None:
    tree.write("sys/module/vfio_pci/parameters/nointxmask", "N\n")
    with LinuxHost(str(tree.root)) as machine:
        machine.set_module_parameter("vfio-pci", "nointxmask", "Y")
    assert tree.text("sys/module/vfio_pci/parameters/nointxmask") == "Y"


def test_a_parameter_of_a_module_that_is_not_loaded_says_so(tree: HostTree) -> None:
    assert refused(tree, "vfio", "enable_unsafe_noiommu_mode", "Y") == (
        "node: parameter vfio.enable_unsafe_noiommu_mode: Y is not possible: the module is not loaded. "
        "Load it first (modprobe vfio)"
    )


def test_a_parameter_that_the_module_does_not_have_says_so(tree: HostTree) -> None:
    tree.write("sys/module/vfio/refcnt", "0\n")
    assert refused(tree, "vfio", "enable_unsafe_noiommu_mode", "Y") == (
        "node: parameter vfio.enable_unsafe_noiommu_mode: Y is not possible: "
        "the module has no such parameter in this kernel. `modinfo -p vfio` lists those it has"
    )


def test_a_parameter_that_is_fixed_while_the_module_is_loaded_says_so(tree: HostTree) -> None:
    tree.write("sys/module/ib_core/parameters/netns_mode", "Y\n").chmod(0o444)
    assert refused(tree, "ib_core", "netns_mode", "N") == (
        "node: parameter ib_core.netns_mode: N is not possible: it is 'Y' for as long as the module is loaded. "
        "Set it in /etc/modprobe.d (options ib_core netns_mode=N) and load the module again, or reboot"
    )


def test_a_parameter_that_the_kernel_takes_and_does_not_show_is_an_error(tree: HostTree) -> None:
    tree.write(NOIOMMU, "N\n")
    with pytest.raises(StepFailed, match=r"Y is not possible: the kernel took it and shows 'N'\. Set it in"):
        modules.set_parameter(str(tree.root), "vfio", "enable_unsafe_noiommu_mode", "Y", lambda _: None)


def test_a_value_that_the_kernel_refuses_is_told_with_the_errno(tree: HostTree) -> None:
    tree.write(NOIOMMU, "N\n")
    (tree.root / NOIOMMU).unlink()
    (tree.root / NOIOMMU).symlink_to("/dev/full")  # reads as zeros, and takes nothing
    text = refused(tree, "vfio", "enable_unsafe_noiommu_mode", "Y")
    assert text.startswith("node: parameter vfio.enable_unsafe_noiommu_mode: Y refused with ENOSPC (")


@pytest.mark.parametrize("parameter", ["../refcnt", "a b", "", "x/y"])
def test_what_is_no_parameter_name_is_not_written(tree: HostTree, parameter: str) -> None:
    assert "that is no module's parameter" in refused(tree, "vfio", parameter, "Y")
    assert "that is no module's parameter" in refused(tree, f"../{parameter}", "x", "Y")


@pytest.mark.parametrize(
    ("shown", "noiommu"),
    [pytest.param("Y\n", True, id="on"), pytest.param("N\n", False, id="off"), pytest.param(None, None, id="absent")],
)
def test_the_node_tells_whether_vfio_does_without_an_iommu(
    tree: HostTree, shown: str | None, noiommu: bool | None
) -> None:
    if shown:
        tree.write(NOIOMMU, shown)
    with LinuxHost(str(tree.root)) as machine:
        assert machine.node().noiommu is noiommu
