"""Kernel modules by their exact names."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from tree import HostTree

from sriov_core.errors import StepFailed
from sriov_core.host import modules
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
        "node: module: igb_uio is not possible: modprobe: FATAL: Module igb_uio not found in directory. "
        "Install the kernel package that holds it, or look at the lockdown and blacklist settings of the host"
    )


def test_a_modprobe_that_succeeds_without_effect_is_an_error(tree: HostTree) -> None:
    with pytest.raises(StepFailed, match="modprobe succeeded and the module is not there"):
        modules.load(str(tree.root), "igb_uio", lambda _: Result(code=0, out="", err=""))


@pytest.mark.parametrize("name", ["../x", "a b", "", "-r", "x;y"])
def test_what_is_no_module_name_is_not_loaded(tree: HostTree, name: str) -> None:
    with pytest.raises(StepFailed, match="that is no module's name"):
        modules.load(str(tree.root), name, lambda _: Result(code=0, out="", err=""))
