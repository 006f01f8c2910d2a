"""The verbs that write sysfs, on a tree of files: what is written, and every refusal in its own words."""

import os
import sys
import threading
import time
from pathlib import Path
from typing import IO

import pytest
from tree import PF, HostTree

from sriov_core.errors import DeadlineExceeded, StepFailed
from sriov_core.host import tools
from sriov_core.host.attributes import Deadlines
from sriov_core.host.linux import LinuxHost
from sriov_core.model.address import Address
from sriov_core.model.observed import EswitchMode

ADDRESS = Address(PF)
VF = Address("0000:01:10.0")
SHORT, LONG = Deadlines(num_vfs_s=0.3, bind_s=0.3, other_s=0.3), Deadlines()
"""For what never ends, and for what does: that starts a process, which takes longer where others work."""


@pytest.fixture
def tree(tmp_path: Path) -> HostTree:
    return HostTree(tmp_path / "root")


def host(tree: HostTree, deadlines: Deadlines = LONG) -> LinuxHost:
    return LinuxHost(str(tree.root), deadlines=deadlines)


def refusal(call: object, *arguments: object, **options: object) -> str:
    with pytest.raises(StepFailed) as caught:
        call(*arguments, **options)  # type: ignore[operator]
    return str(caught.value)


def test_the_number_of_vfs_is_written_and_their_links_are_waited_for(tree: HostTree) -> None:
    path = tree.pf()

    def appear() -> None:
        while (path / "sriov_numvfs").read_text() != "2":
            time.sleep(0.01)
        time.sleep(0.1)
        tree.vf(PF, 0)
        tree.vf(PF, 1)

    kernel = threading.Thread(target=appear, daemon=True)
    kernel.start()
    with host(tree, Deadlines(other_s=10)) as machine:
        machine.set_num_vfs(ADDRESS, 2)
        assert list(machine.vf_addresses(ADDRESS)) == [0, 1]
    kernel.join(5)


def test_vfs_that_never_appear_end_as_an_error_that_says_what_was_waited_for(tree: HostTree) -> None:
    tree.pf()
    with host(tree, Deadlines(other_s=0.3)) as machine:
        text = refusal(machine.set_num_vfs, ADDRESS, 2)
    assert text == (
        f"{PF}: sriov_numvfs: 2 VFs did not end within 0.3 s: "
        "the kernel took the number, yet 0 VFs exist (virtfn links). See dmesg"
    )


def test_the_same_number_of_vfs_is_not_written_again(tree: HostTree) -> None:
    path = tree.pf(vfs=2)
    before = os.stat(path / "sriov_numvfs").st_mtime_ns
    with host(tree) as machine:
        machine.set_num_vfs(ADDRESS, 2)
    assert os.stat(path / "sriov_numvfs").st_mtime_ns == before


def test_a_device_without_sriov_says_so(tree: HostTree) -> None:
    tree.function(PF, "8086:1533", driver="igb")
    with host(tree) as machine:
        text = refusal(machine.set_num_vfs, ADDRESS, 2)
        assert "the device offers no SR-IOV, or is gone" in refusal(machine.set_autoprobe, ADDRESS, enabled=False)
    assert text == (
        f"{PF}: sriov_numvfs: 2 VFs is not possible: the device offers no SR-IOV, or is gone. "
        "Enable SR-IOV in the card's firmware, or look again with probe"
    )


def test_autoprobe_is_written_only_when_it_differs(tree: HostTree) -> None:
    path = tree.pf()
    with host(tree) as machine:
        machine.set_autoprobe(ADDRESS, enabled=True)
        assert (path / "sriov_drivers_autoprobe").read_text() == "1\n"
        machine.set_autoprobe(ADDRESS, enabled=False)
        assert (path / "sriov_drivers_autoprobe").read_text() == "0"


def test_a_write_that_blocks_ends_within_its_deadline_and_the_next_write_works(tree: HostTree) -> None:
    path = tree.pf("0000:02:00.0", name="other")
    blocking = tree.pf()
    # The verb reads the attribute first, so only the write end may block: nobody ever reads this pipe.
    (blocking / "driver_override").unlink()
    os.mkfifo(blocking / "driver_override")
    tree.driver("vfio-pci")
    with host(tree, Deadlines(other_s=2)) as machine:
        start = time.monotonic()
        with pytest.raises(DeadlineExceeded) as caught:
            machine.bind(ADDRESS, "vfio-pci")
        assert time.monotonic() - start < 30
        machine.set_autoprobe(Address("0000:02:00.0"), enabled=False)
    assert (path / "sriov_drivers_autoprobe").read_text() == "0"
    assert str(caught.value) == (
        f"{PF}: driver_override: vfio-pci did not end within 2 s: "
        "nobody is seen to hold the device. See dmesg for what the driver does"
    )


def test_one_blocked_write_does_not_delay_another_one(tree: HostTree) -> None:
    tree.pf("0000:02:00.0", name="other")
    blocking = tree.pf()
    (blocking / "driver_override").unlink()
    os.mkfifo(blocking / "driver_override")
    tree.driver("vfio-pci")
    with host(tree, Deadlines(bind_s=6, other_s=6)) as machine:
        blocked = threading.Thread(target=lambda: refusal(machine.bind, ADDRESS, "vfio-pci"))
        blocked.start()
        time.sleep(0.3)
        machine.set_autoprobe(Address("0000:02:00.0"), enabled=False)
        assert blocked.is_alive()
        blocked.join(60)


def test_a_driver_that_the_kernel_does_not_have_is_named_with_its_module(tree: HostTree) -> None:
    tree.pf(vfs=1)
    with host(tree) as machine:
        text = refusal(machine.bind, VF, "vfio-pci")
    assert text == (
        f"{VF}: driver: vfio-pci is not possible: the kernel has no driver 'vfio-pci'. "
        "Load its module (modprobe vfio-pci), or install the kernel package that holds it"
    )


@pytest.mark.parametrize("name", ["../../../../etc", "a b", "", ".."])
def test_a_driver_name_that_is_a_path_is_refused(tree: HostTree, name: str) -> None:
    tree.pf(vfs=1)
    with host(tree) as machine:
        assert "the kernel has no driver" in refusal(machine.bind, VF, name)


def test_a_device_that_is_bound_already_is_not_touched(tree: HostTree) -> None:
    tree.pf(vfs=1)
    tree.bind(VF.name, "vfio-pci")
    with host(tree) as machine:
        machine.bind(VF, "vfio-pci")
    assert tree.text(f"sys/bus/pci/devices/{VF}/driver_override") == "(null)\n"
    assert tree.text("sys/bus/pci/drivers_probe") == ""


def test_a_bind_that_the_driver_did_not_take_is_an_error_and_leaves_no_override(tree: HostTree) -> None:
    tree.pf()
    tree.vf(PF, 0, driver=None)
    tree.driver("vfio-pci")
    with host(tree) as machine:
        text = refusal(machine.bind, VF, "vfio-pci")
    assert text == (
        f"{VF}: driver: vfio-pci is not possible: the driver did not take the device (bound: none). See dmesg"
    )
    assert tree.text("sys/bus/pci/drivers_probe") == VF.name
    assert tree.text(f"sys/bus/pci/devices/{VF}/driver_override") == "\n"


def test_a_vf_without_an_iommu_group_explains_what_vfio_needs(tree: HostTree) -> None:
    tree.pf()
    tree.vf(PF, 0, driver=None)
    (tree.device(VF.name) / "iommu_group").unlink()
    tree.driver("vfio-pci")
    with host(tree) as machine:
        text = refusal(machine.bind, VF, "vfio-pci")
    assert text == (
        f"{VF}: driver: vfio-pci is not possible: the device is in no IOMMU group. "
        "Enable VT-d, AMD-Vi or SMMU in the firmware set-up, and boot with intel_iommu=on on Intel machines"
    )


def test_the_default_driver_with_autoprobe_off_says_which_switch_to_turn(tree: HostTree) -> None:
    path = tree.pf()
    tree.vf(PF, 0, driver=None)
    (path / "sriov_drivers_autoprobe").write_text("0\n")
    with host(tree) as machine:
        text = refusal(machine.bind_default, VF)
    assert text.startswith(
        f"{VF}: driver: the kernel's default driver is not possible: sriov_drivers_autoprobe of {PF} is off."
    )
    assert f"echo 1 > {tree.root}/sys/bus/pci/devices/{PF}/sriov_drivers_autoprobe" in text


def test_no_default_driver_names_the_model_that_needs_one(tree: HostTree) -> None:
    tree.pf()
    tree.vf(PF, 0, driver=None)
    with host(tree) as machine:
        text = refusal(machine.bind_default, VF)
    assert "no loaded kernel driver takes the device (8086:10ca)" in text
    assert tree.text("sys/bus/pci/drivers_probe") == VF.name


def test_a_userspace_driver_is_left_and_its_override_cleared_by_a_line_break(tree: HostTree) -> None:
    tree.pf()
    tree.vf(PF, 0, driver="vfio-pci")
    tree.write(f"sys/bus/pci/devices/{VF}/driver_override", "vfio-pci\n")
    with host(tree) as machine:
        text = refusal(machine.bind_default, VF)
    assert tree.text("sys/bus/pci/drivers/vfio-pci/unbind") == VF.name
    assert tree.text(f"sys/bus/pci/devices/{VF}/driver_override") == "\n"
    assert "vfio-pci took the device" in text  # nobody unbound it: this tree has no kernel


def test_a_device_with_its_network_driver_keeps_it_as_the_default(tree: HostTree) -> None:
    tree.pf(vfs=1)
    with host(tree) as machine:
        machine.bind_default(VF)
    assert tree.text("sys/bus/pci/drivers_probe") == ""


def test_unbinding_writes_the_driver_s_own_file(tree: HostTree) -> None:
    tree.pf(vfs=1)
    with host(tree) as machine:
        text = refusal(machine.unbind, VF)
    assert tree.text("sys/bus/pci/drivers/igbvf/unbind") == VF.name
    assert "igbvf is bound again" in text  # nobody unbound it: this tree has no kernel


def test_a_device_without_a_driver_needs_no_unbinding(tree: HostTree) -> None:
    tree.pf()
    tree.vf(PF, 0, driver=None)
    with host(tree) as machine:
        machine.unbind(VF)


def test_a_device_that_is_gone_is_said_to_be_gone(tree: HostTree) -> None:
    with host(tree) as machine:
        for verb in (machine.bind_default, machine.unbind, lambda vf: machine.bind(vf, "vfio-pci")):
            assert "the bus has no such device" in refusal(verb, VF)


def test_a_process_that_takes_a_vf_while_it_goes_away_is_named_though_the_links_are_down(tree: HostTree) -> None:
    tree.pf()
    vf = tree.vf(PF, 0, driver="vfio-pci")
    node = tree.write("dev/vfio/20", "")
    (tree.root / f"proc/{os.getpid()}").symlink_to(f"/proc/{os.getpid()}")
    unbind = tree.root / "sys/bus/pci/drivers/vfio-pci/unbind"
    unbind.unlink()
    os.mkfifo(unbind)
    held: list[IO[str]] = []
    children = Path(f"/proc/self/task/{threading.get_native_id()}/children")
    before = children.read_text()

    def kernel() -> None:
        end = time.monotonic() + 30
        # The writer is started when it has been looked who holds the VF.
        while children.read_text() == before and time.monotonic() < end:
            time.sleep(0.01)
        held.append(node.open())
        (tree.device(vf) / "driver").unlink()
        (tree.device(vf) / "iommu_group").unlink()

    race = threading.Thread(target=kernel)
    race.start()
    with host(tree, Deadlines(bind_s=3, other_s=3)) as machine, pytest.raises(DeadlineExceeded) as caught:
        machine.unbind(Address(vf))
    race.join()
    held[0].close()
    comm = Path("/proc/self/comm").read_text().strip()
    assert str(caught.value) == (
        f"{vf}: unbind: leave vfio-pci did not end within 3 s: {vf} is held by pid {os.getpid()} ({comm}). Stop it"
    )


def test_a_change_that_blocks_on_another_device_s_vf_names_who_holds_that_one(tree: HostTree) -> None:
    path = tree.pf()
    node = tree.write("dev/vfio/99", "")
    (tree.root / f"proc/{os.getpid()}").symlink_to(f"/proc/{os.getpid()}")
    (path / "driver_override").unlink()
    os.mkfifo(path / "driver_override")
    tree.driver("vfio-pci")
    with host(tree, SHORT) as machine, node.open():
        text = refusal(machine.bind, ADDRESS, "vfio-pci")
    comm = Path("/proc/self/comm").read_text().strip()
    assert text.endswith(
        f"nobody is seen to hold the device, but pid {os.getpid()} ({comm}) has /dev/vfio/99 open: "
        "while that is waited for, the kernel changes no other device's VFs. Stop it"
    )


def test_vfs_that_a_process_holds_are_not_taken_away_and_the_process_is_named(tree: HostTree) -> None:
    tree.pf()
    tree.vf(PF, 0)
    tree.vf(PF, 1, driver="vfio-pci")
    tree.write(f"sys/bus/pci/devices/{PF}/sriov_numvfs", "2\n")
    node = tree.write("dev/vfio/21", "")
    (tree.root / f"proc/{os.getpid()}").symlink_to(f"/proc/{os.getpid()}")
    comm = Path("/proc/self/comm").read_text().strip()
    with host(tree) as machine, node.open():
        text = refusal(machine.set_num_vfs, ADDRESS, 0)
        assert machine.vf_user(Address("0000:01:10.2")) == f"pid {os.getpid()} ({comm})"
        assert "Stop it first" in refusal(machine.unbind, Address("0000:01:10.2"))
    assert text == (
        f"{PF}: sriov_numvfs: 2 -> 0 VFs is not possible: "
        f"vf1 (0000:01:10.2) is held by pid {os.getpid()} ({comm}). "
        "Stop it first: the kernel would wait for it without end"
    )
    assert tree.text(f"sys/bus/pci/devices/{PF}/sriov_numvfs") == "2\n"


def test_what_needs_netlink_is_refused_on_a_tree(tree: HostTree) -> None:
    tree.pf(vfs=1)
    with host(tree) as machine:
        verbs = {
            "link: up": lambda: machine.set_link(ADDRESS, up=True),
            "mtu: 9000": lambda: machine.set_mtu(VF, 9000),
            "eswitch mode: switchdev": lambda: machine.set_eswitch_mode(ADDRESS, EswitchMode.SWITCHDEV),
            "vf 0 mac: 02:00:00:00:00:01": lambda: machine.set_vf_mac(ADDRESS, 0, "02:00:00:00:00:01"),
        }
        for name, verb in verbs.items():
            text = refusal(verb)
            assert name in text
            assert f"{tree.root} is a tree of files and not the running machine" in text


def test_a_netdev_that_never_appears_ends_as_an_error_that_says_what_was_waited_for(tree: HostTree) -> None:
    tree.pf(vfs=1)
    (tree.device(VF.name) / "net").rename(tree.root / "moved")
    with LinuxHost(str(tree.root), live=True, deadlines=SHORT) as machine:
        text = refusal(machine.set_mtu, VF, 9000)
        assert text == f"{VF}: mtu: 9000 did not end within 0.3 s: no netdev appeared (kernel driver: igbvf). See dmesg"
        (tree.device(VF.name) / "net").mkdir()
        text = refusal(machine.set_mtu, VF, 9000)
        assert text.endswith("its netdev is in another network namespace (a container). Give it back first")


def test_a_vf_of_a_userspace_driver_has_no_netdev_to_wait_for(tree: HostTree) -> None:
    tree.pf()
    tree.vf(PF, 0, driver="vfio-pci")
    with LinuxHost(str(tree.root), live=True) as machine:
        text = refusal(machine.set_mtu, VF, 9000)
    assert text == (
        f"{VF}: mtu: 9000 is not possible: vfio-pci is bound, so there is no netdev. Bind its network driver first"
    )


def test_a_fresh_vf_is_waited_for_only_while_the_kernel_may_bind_it(tree: HostTree) -> None:
    path = tree.pf()
    tree.vf(PF, 0, driver=None)
    with LinuxHost(str(tree.root), live=True, deadlines=SHORT) as machine:
        assert "no netdev appeared (kernel driver: none)" in refusal(machine.set_mtu, VF, 9000)
        (path / "sriov_drivers_autoprobe").write_text("0\n")
        assert "no kernel driver is bound, so there is no netdev" in refusal(machine.set_mtu, VF, 9000)


def test_a_module_is_not_loaded_for_a_tree(tree: HostTree) -> None:
    tree.write("proc/modules", "vfio_pci 16384 0 - Live 0x0\n")
    with host(tree) as machine:
        machine.load_module("vfio-pci")
        assert "is a tree of files" in refusal(machine.load_module, "igb_uio")


AUTOPROBE_OFF = f"""
import sys
from sriov_core.errors import StepFailed
from sriov_core.host.linux import LinuxHost
from sriov_core.model.address import Address
with LinuxHost(sys.argv[1]) as machine:
    try:
        machine.set_autoprobe(Address({PF!r}), enabled=False)
    except StepFailed as err:
        print(err)
"""


def test_no_permission_says_to_run_as_root(tree: HostTree) -> None:
    (tree.pf() / "sriov_drivers_autoprobe").chmod(0o444)
    without_rights = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.geteuid() == 0 else []
    answer = tools.run([*without_rights, sys.executable, "-c", AUTOPROBE_OFF, str(tree.root)], 30)
    assert answer.out == (
        f"{PF}: sriov_drivers_autoprobe: 0 refused with EACCES (Permission denied). "
        "Run as root (CAP_NET_ADMIN, CAP_SYS_ADMIN)\n"
    ), answer.err


@pytest.mark.root
@pytest.mark.program("mount", "mount")
@pytest.mark.skipif(os.geteuid() != 0 and os.environ.get("CI") != "true", reason="needs root for a mount namespace")
def test_read_only_sysfs_says_how_a_container_gets_it_writable(tree: HostTree) -> None:
    tree.pf()
    script = 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && exec "$2" -c "$3" "$1"'
    argv = ["unshare", "--mount", "sh", "-c", script, "sh", str(tree.root), sys.executable, AUTOPROBE_OFF]
    answer = tools.run(argv, 30)
    assert answer.out == (
        f"{PF}: sriov_drivers_autoprobe: 0 refused with EROFS (Read-only file system). "
        "/sys is mounted read-only: in a container it must be privileged or mount /sys read-write\n"
    ), answer.err
