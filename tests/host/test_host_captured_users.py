"""Users of VFs as sysfs and /proc of a host tell them, kept by a capture: what was used is used when read again."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from tree import PF, HostTree

from sriov_core.cli.program import program

VF0, VF1 = "0000:01:10.0", "0000:01:10.2"
ELSEWHERE = "another network namespace (a container)"


def moved(tree: HostTree, address: str = VF0) -> None:
    """A netdev is in a container: sysfs shows an empty directory (fs/sysfs: namespace tags)."""
    (netdev,) = (tree.device(address) / "net").iterdir()
    (tree.root / "sys/class/net" / netdev.name).unlink()
    for file in netdev.iterdir():
        file.unlink()
    netdev.rmdir()


def all_moved(tree: HostTree) -> None:
    for address in (PF, VF0, VF1):
        moved(tree, address)


def bound(tree: HostTree, driver: str) -> None:
    """The first VF has no netdev any more, and another driver."""
    moved(tree)
    (tree.device(VF0) / "net").rmdir()
    tree.bind(VF0, driver)
    uevent = tree.device(VF0) / "uevent"
    uevent.write_text(uevent.read_text().replace("DRIVER=igbvf", f"DRIVER={driver}"))


def opened(tree: HostTree, node: str) -> None:
    tree.write("proc/77/comm", "qemu-system-x86\n")
    (tree.root / "proc/77/fd").mkdir()
    (tree.root / "proc/77/fd/9").symlink_to(node)


def by_vfio(tree: HostTree) -> None:
    group = (tree.device(VF0) / "iommu_group").resolve().name
    bound(tree, "vfio-pci")
    opened(tree, f"/dev/vfio/{group}")


def by_uio(tree: HostTree) -> None:
    bound(tree, "uio_pci_generic")
    tree.write(f"sys/bus/pci/devices/{VF0}/uio/uio3/dev", "")
    opened(tree, "/dev/uio3")


def by_vdpa(tree: HostTree) -> None:
    device = tree.write(f"sys/bus/vdpa/devices/vdpa:{VF0}/vhost-vdpa-3/dev", "").parents[1]
    (tree.root / "sys/bus/vdpa/drivers/vhost_vdpa").mkdir(parents=True)
    (device / "driver").symlink_to("../../drivers/vhost_vdpa")
    opened(tree, "/dev/vhost-vdpa-3")


def said(*words: object) -> Any:
    return json.loads(CliRunner().invoke(program, [*map(str, words), "-o", "json"], prog_name="sriov-core").stdout)


@pytest.mark.parametrize(
    ("happens", "users", "captured"),
    [
        pytest.param(lambda _: None, [None, None], [None, None], id="nobody"),
        pytest.param(moved, [ELSEWHERE, None], [ELSEWHERE, None], id="a-container"),
        pytest.param(all_moved, [ELSEWHERE, ELSEWHERE], [ELSEWHERE, ELSEWHERE], id="containers-with-vfs-and-pf"),
        pytest.param(by_vfio, ["pid 77 (qemu-system-x86)", None], ["process-1", None], id="vfio"),
        pytest.param(by_uio, ["pid 77 (qemu-system-x86)", None], ["process-1", None], id="uio"),
        pytest.param(by_vdpa, ["pid 77 (qemu-system-x86)", None], ["process-1", None], id="vdpa"),
    ],
)
def test_a_user_that_the_host_tells_is_in_its_capture(
    tmp_path: Path, happens: Callable[[HostTree], None], users: list[str | None], captured: list[str | None]
) -> None:
    tree = HostTree(tmp_path / "root")
    tree.pf(vfs=2)
    happens(tree)
    capture = tmp_path / "capture.json"
    capture.write_text(json.dumps(said("capture", "--root", tree.root)))
    before, after = said("probe", "--root", tree.root), said("probe", "--host", capture, "--root", tmp_path)
    assert [vf["used_by"] for vf in before["nics"][0]["vfs"]] == users
    assert [vf["used_by"] for vf in after["nics"][0]["vfs"]] == captured
    found, again = ({(one["code"], one["fact"]) for one in seen["findings"]} for seen in (before, after))
    assert {one for one in found ^ again if one[0].startswith("VF-")} == set()
