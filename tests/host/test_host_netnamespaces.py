"""Network namespaces beside the host's own, counted on trees and, where root may make one, on this machine."""

import os
import sys
from pathlib import Path

import pytest
from namespaces import NEEDS_ROOT
from tree import HostTree

from sriov_core.host import netnamespaces, tools
from sriov_core.host.linux import LinuxHost

HOST, POD, OTHER = "net:[4026531840]", "net:[4026532322]", "net:[4026532391]"


@pytest.fixture
def tree(tmp_path: Path) -> HostTree:
    found = HostTree(tmp_path / "root")
    process(found, 1, HOST)
    return found


def process(tree: HostTree, pid: int, namespace: str | None) -> None:
    folder = tree.root / f"proc/{pid}/ns"
    folder.mkdir(parents=True)
    if namespace:
        (folder / "net").symlink_to(namespace)


def mounted(tree: HostTree, *namespaces: str) -> None:
    other = "24 29 0:22 / /proc rw,nosuid shared:13 - proc proc rw\n"
    lines = (f"66 65 0:4 {name} /run/netns/cni-{name[5:9]} rw shared:2 - nsfs nsfs rw\n" for name in namespaces)
    tree.write("proc/1/mountinfo", "".join((other, *lines, other)))


def others(tree: HostTree) -> int:
    return netnamespaces.others(str(tree.root))


def test_the_host_s_own_is_not_counted(tree: HostTree) -> None:
    process(tree, 2, HOST)
    mounted(tree, HOST)
    assert others(tree) == 0


def test_each_other_one_is_counted_once(tree: HostTree) -> None:
    for pid, namespace in enumerate((POD, POD, HOST, OTHER), start=100):
        process(tree, pid, namespace)
    mounted(tree, POD)
    assert others(tree) == 2
    with LinuxHost(str(tree.root)) as machine:
        assert machine.node().other_net_namespaces == 2


def test_one_that_only_a_mount_keeps_is_counted(tree: HostTree) -> None:
    mounted(tree, POD, OTHER, "mnt:[4026532400]", "net:[x]")
    assert others(tree) == 2


def test_processes_that_are_hidden_or_gone_are_passed_over(tree: HostTree) -> None:
    process(tree, 7, None)
    (tree.root / "proc/8").mkdir()
    tree.write("proc/self-made", "")
    assert others(tree) == 0


def test_where_the_first_process_is_hidden_one_s_own_namespace_is_the_host_s(tree: HostTree) -> None:
    (tree.root / "proc/1/ns/net").unlink()
    (tree.root / "proc/self").symlink_to("20")
    process(tree, 20, HOST)
    process(tree, 21, POD)
    assert others(tree) == 1


def test_a_tree_without_processes_has_none(tree: HostTree) -> None:
    (tree.root / "proc").rename(tree.root / "elsewhere")
    assert others(tree) == 0


class TestOnThisMachine:
    pytestmark = NEEDS_ROOT

    def test_a_namespace_counts_for_as_long_as_a_process_is_in_it(self) -> None:
        code = "import sys; print('there', flush=True); sys.stdin.read()"
        process = tools.start(["unshare", "--net", sys.executable, "-c", code])
        assert process.stdout
        assert process.stdin
        process.stdout.readline()
        inside = os.readlink(f"/proc/{process.pid}/ns/net")
        found = netnamespaces.others("")
        process.stdin.close()
        process.stdout.close()
        tools.wait(process, 10)
        assert inside != os.readlink("/proc/self/ns/net")
        assert found >= 1
