"""The host's verbs about vDPA on the real kernel: its bus, its drivers and its netlink, with a simulated network card.

The card (vdpa_sim_net) is its own management device, on no bus; all else is as for a VF. ``vdpa`` and sysfs judge.
"""

import subprocess  # noqa: TID251  # somebody who holds a device
import sys
from pathlib import Path

import pytest
from judges import said, told

from sriov_core.errors import StepFailed
from sriov_core.host.linux import LinuxHost
from sriov_core.model.address import Address

VF = Address("0000:01:10.0")
NAME = f"vdpa:{VF}"
DEVICE = Path(f"/sys/bus/vdpa/devices/{NAME}")
OTHER = Address("0000:01:10.2")


@pytest.fixture(scope="module")
def host():
    said("modprobe", "-a", "vdpa_sim_net", "virtio_vdpa", "vhost_vdpa")
    with LinuxHost(vdpa_manager=Address("vdpasim_net", bus="")) as host:
        yield host


@pytest.fixture(autouse=True)
def nothing_left(host):
    yield
    for name in _devices():
        said("vdpa", "dev", "del", name)


def _devices():
    return list(told("vdpa", "-j", "dev", "show")["dev"])


def _driver():
    return (DEVICE / "driver").resolve().name


def test_a_device_is_made_for_a_virtual_machine(host):
    host.set_vdpa(VF, "vhost")

    assert _devices() == [NAME]
    assert _driver() == "vhost_vdpa"
    assert host.vdpa_type(VF) == "vhost"
    assert host.vdpa_type(OTHER) is None
    (node,) = DEVICE.glob("vhost-vdpa-*")
    said("udevadm", "settle")
    assert Path("/dev", node.name).is_char_device()


def test_a_device_is_made_for_the_hosts_own_virtio_driver(host):
    host.set_vdpa(VF, "virtio")

    assert (_devices(), _driver(), host.vdpa_type(VF)) == ([NAME], "virtio_vdpa", "virtio")
    said("modprobe", "virtio_net")
    assert list(DEVICE.glob("virtio*/net/*")), "the virtio driver made a netdev of it"


def test_a_device_changes_hands_and_goes(host):
    for vdpa_type in ("virtio", "vhost", "virtio"):
        host.set_vdpa(VF, vdpa_type)
        assert (_devices(), host.vdpa_type(VF)) == ([NAME], vdpa_type)

    host.set_vdpa(VF, None)

    assert (_devices(), host.vdpa_type(VF)) == ([], None)
    host.set_vdpa(VF, None)


def test_each_vf_has_its_own(host):
    host.set_vdpa(VF, "vhost")
    host.set_vdpa(OTHER, "virtio")

    assert {host.vdpa_type(VF), host.vdpa_type(OTHER)} == {"vhost", "virtio"}

    host.set_vdpa(VF, None)

    assert _devices() == [f"vdpa:{OTHER}"]


def test_what_was_there_already_is_left_as_it_is(host):
    host.set_vdpa(VF, "vhost")
    inode = DEVICE.stat().st_ino

    host.set_vdpa(VF, "vhost")

    assert DEVICE.stat().st_ino == inode


def test_a_process_that_holds_the_device_is_named(host):
    host.set_vdpa(VF, "vhost")
    said("udevadm", "settle")
    (node,) = DEVICE.glob("vhost-vdpa-*")
    hold = f"import sys; held = open('/dev/{node.name}', 'rb+', 0); print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"held\n"

        with pytest.raises(StepFailed, match=f"pid {holder.pid}"):
            host.set_vdpa(VF, None)

        assert _devices() == [NAME]
        holder.stdin.close()
        holder.wait(10)

    host.set_vdpa(VF, None)
    assert _devices() == []


def test_a_vf_without_a_management_device_is_refused_in_words():
    with LinuxHost() as host, pytest.raises(StepFailed, match=r"0000:01:10\.0: vdpa: vhost refused with ENODEV"):
        host.set_vdpa(VF, "vhost")
