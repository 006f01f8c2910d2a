"""The lab is real: kernel, NICs, IOMMU, VFIO, udev and disk behave as a machine's. Nothing here runs the project."""

import os
import signal
import subprocess  # noqa: TID251  # a process that is killed is what is tested
import sys
import time
from pathlib import Path

import pytest
import simulators
from channel import GuestGone
from machine import PF_NAMES, PFS
from vm import GuestFailure, GuestTimeout, Vm

PF = PFS[0]
DEVICE = f"/sys/bus/pci/devices/{PF}"
VFS = ("0000:01:10.0", "0000:01:10.2", "0000:01:10.4", "0000:01:10.6", "0000:01:11.0", "0000:01:11.2", "0000:01:11.4")


@pytest.fixture
def clean(vm: Vm) -> Vm:
    vm.reset_nics()
    return vm


def make_vfs(vm: Vm, count: int) -> None:
    """VFs without a kernel driver, which takes a second; with it, two more for each VF."""
    vm.sh(f"echo 0 > {DEVICE}/sriov_drivers_autoprobe && echo {count} > {DEVICE}/sriov_numvfs")


def bind_vfio(vm: Vm, vf: str) -> None:
    device = f"/sys/bus/pci/devices/{vf}"
    vm.sh(f"modprobe vfio-pci && echo vfio-pci > {device}/driver_override && echo {vf} > /sys/bus/pci/drivers_probe")


def test_the_kernel_is_debians_and_not_this_machines(vm: Vm) -> None:
    assert vm.sh("uname -r") == vm.image.facts["kernel"]
    assert vm.sh("uname -r").startswith("6.12.")
    assert vm.sh("cat /proc/sys/kernel/random/boot_id") != Path("/proc/sys/kernel/random/boot_id").read_text().strip()


@pytest.mark.parametrize(("address", "name"), list(zip(PFS, PF_NAMES, strict=True)))
def test_there_are_two_igb_nics_of_seven_vfs(clean: Vm, address: str, name: str) -> None:
    device = f"/sys/bus/pci/devices/{address}"
    assert clean.sh(f"cat {device}/sriov_totalvfs {device}/sriov_numvfs").split() == ["7", "0"]
    assert clean.sh(f"basename $(readlink {device}/driver)") == "igb"
    assert clean.sh(f"ls {device}/net") == name
    assert "82576 Gigabit Network Connection" in clean.sh(f"lspci -s {address}")


def test_each_vf_has_an_iommu_group_of_its_own(clean: Vm) -> None:
    make_vfs(clean, 7)
    groups = [clean.sh(f"basename $(readlink /sys/bus/pci/devices/{vf}/iommu_group)") for vf in VFS]
    assert len({*groups, clean.sh(f"basename $(readlink {DEVICE}/iommu_group)")}) == 8
    assert clean.sh(f"cat /sys/kernel/iommu_groups/{groups[0]}/type") == "identity"
    assert clean.sh("lspci -d 8086:10ca | wc -l") == "7"


def test_a_vf_bound_by_hand_to_vfio_appears_below_dev_vfio(clean: Vm) -> None:
    make_vfs(clean, 1)
    group = clean.sh(f"basename $(readlink /sys/bus/pci/devices/{VFS[0]}/iommu_group)")
    assert clean.run(f"test -e /dev/vfio/{group}").rc == 1
    bind_vfio(clean, VFS[0])
    assert clean.sh(f"basename $(readlink /sys/bus/pci/devices/{VFS[0]}/driver)") == "vfio-pci"
    clean.sh(f"udevadm settle && test -c /dev/vfio/{group}")


def test_udev_loads_the_vf_driver_and_names_the_vf(clean: Vm) -> None:
    clean.sh("modprobe -r igbvf")
    clean.sh(f"echo 1 > {DEVICE}/sriov_numvfs")
    deadline = time.monotonic() + 30
    while clean.sh(f"ls /sys/bus/pci/devices/{VFS[0]}/net 2>/dev/null || true") != "enp1s0v0":
        assert time.monotonic() < deadline, clean.sh("ip -br link; lsmod; dmesg | tail -20")
    assert clean.sh(f"basename $(readlink /sys/bus/pci/devices/{VFS[0]}/driver)") == "igbvf"


def test_the_kernel_refuses_another_count_while_there_are_vfs(clean: Vm) -> None:
    make_vfs(clean, 2)
    refused = clean.run(f"echo 3 > {DEVICE}/sriov_numvfs")
    assert (refused.rc, "Device or resource busy" in refused.err) == (1, True), refused
    assert clean.sh(f"cat {DEVICE}/sriov_numvfs") == "2"
    assert "Numerical result out of range" in clean.run(f"echo 8 > {DEVICE}/sriov_numvfs").err


@pytest.mark.parametrize("module", simulators.MODULES)
def test_the_simulators_are_built_for_this_very_kernel(vm: Vm, module: str) -> None:
    assert vm.sh(f"modinfo -F vermagic {module}").split()[0] == vm.image.facts["kernel"]
    vm.sh(f"modprobe {module}")


def test_a_simulated_nic_has_an_eswitch_and_the_reset_removes_it(clean: Vm) -> None:
    clean.sh("modprobe netdevsim && echo '10 1' > /sys/bus/netdevsim/new_device && udevadm settle")
    clean.sh("echo 2 > /sys/bus/netdevsim/devices/netdevsim10/sriov_numvfs")
    clean.sh("devlink dev eswitch set netdevsim/netdevsim10 mode switchdev && udevadm settle")
    assert clean.sh("ls /sys/bus/netdevsim/devices/netdevsim10/net").split() == [
        *("eni10np1", "eni10npf0vf0", "eni10npf0vf1")
    ]
    clean.sh("modprobe vdpa_sim_net && vdpa dev add name some mgmtdev vdpasim_net")
    clean.sh("modprobe rdma_rxe && rdma link add rxe0 type rxe netdev enp1s0 && rdma system set netns exclusive")
    clean.reset_nics()
    assert sorted(clean.sh("ls /sys/class/net").split()) == ["enp1s0", "enp2s0", "lo"]
    assert clean.sh("vdpa dev show; rdma link; ls /sys/bus/netdevsim/devices 2>/dev/null; true") == ""
    assert clean.sh("rdma system").startswith("netns shared")


def test_the_reset_leaves_nothing_of_a_test(clean: Vm) -> None:
    vm = clean
    make_vfs(vm, 3)
    bind_vfio(vm, VFS[1])
    vm.sh(
        "ip link set enp1s0 mtu 9000 up; ip link set enp2s0 down; ip link set enp2s0 name renamed; ip netns add other"
    )
    vm.sh(
        "ip link add bond7 type bond; echo x > /var/lib/sriov-core/journal.json; echo x > /etc/udev/rules.d/99-x.rules"
    )
    job = vm.spawn(
        f"exec 3</dev/vfio/$(basename $(readlink /sys/bus/pci/devices/{VFS[1]}/iommu_group)); echo open; sleep 600"
    )
    job.await_output("open")
    vm.run("setsid sleep 601 &", check=True)
    vm.reset_nics()
    assert vm.sh(f"cat {DEVICE}/sriov_numvfs {DEVICE}/sriov_drivers_autoprobe").split() == ["0", "1"]
    assert vm.sh("cat /sys/class/net/enp1s0/mtu /sys/class/net/enp2s0/mtu").split() == ["1500", "1500"]
    assert sorted(vm.sh("ls /sys/class/net").split()) == ["bonding_masters", "enp1s0", "enp2s0", "lo"]
    assert (
        vm.sh("ls /var/lib/sriov-core /etc/udev/rules.d | grep -v :; ip netns list; pgrep sleep || true").split() == []
    )


def test_a_cut_of_power_keeps_what_was_fsynced_and_loses_what_was_not(fresh_vm: Vm) -> None:
    fresh_vm.put("/var/lib/sriov-core/kept", "kept")
    fresh_vm.sh("sync -f /var/lib/sriov-core")
    boot = fresh_vm.sh("cat /proc/sys/kernel/random/boot_id")
    fresh_vm.sh(f"echo lost > /var/lib/sriov-core/lost; echo gone > /root/gone; echo 1 > {DEVICE}/sriov_numvfs")
    fresh_vm.power_cut()
    with pytest.raises(GuestGone, match="off"):
        fresh_vm.run("true")
    fresh_vm.boot()
    assert fresh_vm.get("/var/lib/sriov-core/kept") == b"kept"
    assert fresh_vm.run("cat /var/lib/sriov-core/lost").out == ""
    assert fresh_vm.run("test -e /root/gone").rc == 1
    assert fresh_vm.sh("cat /proc/sys/kernel/random/boot_id") != boot
    assert fresh_vm.sh(f"cat {DEVICE}/sriov_numvfs") == "0"


def test_a_guest_ends_with_the_process_that_booted_it(image: object) -> None:
    script = (
        "import vm, time\nguest = vm.Vm()\nguest.boot()\nprint(guest.pid, guest.folder, flush=True)\ntime.sleep(600)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=os.path.dirname(__file__)
    ) as owner:
        assert owner.stdout is not None
        pid, folder = owner.stdout.readline().split()
        assert "qemu" in Path(f"/proc/{pid}/cmdline").read_text()
        owner.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 10
    while os.path.exists(f"/proc/{pid}"):
        assert time.monotonic() < deadline, "QEMU outlived the process that started it"
        time.sleep(0.05)
    subprocess.run(["rm", "-r", folder], check=True)


def test_a_command_that_hangs_is_killed_at_its_deadline(vm: Vm) -> None:
    with pytest.raises(GuestTimeout, match="early words"):
        vm.run("echo early words; sleep 611", timeout_s=1)
    assert vm.run("pgrep -f 'sleep 611'").rc == 1


def test_a_failing_command_is_told_with_what_it_printed(vm: Vm) -> None:
    result = vm.run("echo out; echo err >&2; exit 3")
    assert (result.rc, result.out, result.err) == (3, "out\n", "err\n")
    with pytest.raises(GuestFailure, match="no such thing"):
        vm.sh("echo no such thing >&2; false")


def test_background_jobs_are_read_waited_for_and_killed(vm: Vm) -> None:
    job = vm.spawn("echo started; sleep 0.5; echo ended")
    job.await_output("started", 10)
    assert job.wait(20).out == "started\nended\n"
    endless = vm.spawn(["sleep", "622"])
    assert endless.poll() is None
    endless.kill(signal.SIGTERM)
    assert endless.wait(10).rc == -signal.SIGTERM


def test_files_of_any_content_go_in_and_come_back(vm: Vm) -> None:
    content = bytes(range(256)) * 4096
    vm.put("/root/some/blob", content, mode=0o600)
    assert vm.get("/root/some/blob") == content
    assert vm.sh("stat -c %a /root/some/blob") == "600"


def test_the_guest_has_the_project_read_only_and_importable(vm: Vm) -> None:
    assert vm.run("touch /project/x").rc == 1
    assert vm.sh("python3 -c 'import sriov_core; print(sriov_core.__file__)'") == "/opt/project/sriov_core/__init__.py"
    groups = vm.sh(
        "python3 -c 'import importlib.metadata as m; print(*m.entry_points(group=\"sriov_core.plugins\").names)'"
    )
    assert {"generic", "intel"} <= set(groups.split())
    vm.sh("python3 -c 'import attrs, click, msgspec, pluggy, pyroute2, pyudev, rich, yaml, pytest; pyudev.Context()'")
