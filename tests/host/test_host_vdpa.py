"""vDPA devices: the kernel's messages in bytes, and making, moving and taking away on a tree with a kernel beside it.

The kernel is a fake in the place of the netlink socket and of the bus. It does as drivers/vdpa/vdpa.c does: a new
device is taken by the first driver there is, a number of queue pairs that cannot be chosen is EOPNOTSUPP, an unknown
management device ENODEV. The real one is driven in the lab, with vdpa_sim_net.
"""

import errno
import os
import struct
import sys
from pathlib import Path

import attrs
import pytest
from tree import PF, HostTree

from sriov_core.errors import StepFailed
from sriov_core.host import sysfs, tools, vdpabus
from sriov_core.host.attributes import Attributes, Deadlines
from sriov_core.host.holders import Holders
from sriov_core.host.linux import LinuxHost
from sriov_core.host.netlink import attributes
from sriov_core.host.vdpa import Vdpa, creation, deletion
from sriov_core.host.writer import Writers
from sriov_core.model.address import Address

VF = Address("0000:01:10.0")
DEVICE = Address(f"vdpa:{VF}", "vdpa")
SIMULATOR = Address("vdpasim_net", bus="")
FAMILY = 31
# include/uapi/linux/vdpa.h
DEV_NEW, DEV_DEL = 3, 4
MGMTDEV_BUS_NAME, MGMTDEV_DEV_NAME, DEV_NAME, MAX_VQP = 1, 2, 4, 12
OWN = os.getpid()


def read(body: bytes) -> tuple[int, dict[int, bytes]]:
    command, version, reserved = struct.unpack_from("=BBH", body)
    assert (version, reserved) == (1, 0)
    return command, dict(attributes(body[4:]))


def test_a_device_is_asked_for_by_bus_and_name_of_its_vf() -> None:
    assert read(creation(DEVICE, VF, max_queue_pairs=32)) == (
        DEV_NEW,
        {
            MGMTDEV_BUS_NAME: b"pci\0",
            MGMTDEV_DEV_NAME: b"0000:01:10.0\0",
            DEV_NAME: b"vdpa:0000:01:10.0\0",
            MAX_VQP: struct.pack("=H", 32),
        },
    )


def test_a_simulator_is_named_without_a_bus_and_the_queues_may_be_left_to_it() -> None:
    asked = {MGMTDEV_DEV_NAME: b"vdpasim_net\0", DEV_NAME: b"vdpa:0000:01:10.0\0"}
    assert read(creation(DEVICE, SIMULATOR, max_queue_pairs=None)) == (DEV_NEW, asked)


def test_a_device_is_taken_away_by_its_name() -> None:
    assert read(deletion(DEVICE)) == (DEV_DEL, {DEV_NAME: b"vdpa:0000:01:10.0\0"})


@attrs.define
class Kernel:
    """The bus ``vdpa`` in a tree. ``drivers`` are those loaded, the first of which takes a new device."""

    tree: HostTree
    drivers: tuple[str, ...] = ("virtio_vdpa", "vhost_vdpa")
    refuses_queues: int = 0
    has_override: bool = True
    managers: tuple[bytes, ...] = (b"0000:01:10.0\0",)
    asked: list[dict[int, bytes]] = attrs.Factory(list)

    def __attrs_post_init__(self) -> None:
        self.tree.write("sys/bus/vdpa/drivers_probe", "")
        for driver in self.drivers:
            for file in ("bind", "unbind"):
                self.tree.write(f"sys/bus/vdpa/drivers/{driver}/{file}", "")

    @property
    def device(self) -> Path:
        return self.tree.root / f"sys/bus/vdpa/devices/{DEVICE.name}"

    def family(self, name: str) -> int:
        assert name == "vdpa"
        return FAMILY

    def close(self) -> None:
        """As a socket's."""

    def ask(self, kind: int, body: bytes) -> list[bytes]:
        assert kind == FAMILY
        command, asked = read(body)
        self.asked.append(asked)
        assert asked[DEV_NAME] == DEVICE.name.encode() + b"\0"
        if command == DEV_DEL:
            for file in self.device.iterdir():
                file.unlink()
            self.device.rmdir()
        elif asked[MGMTDEV_DEV_NAME] not in self.managers:
            raise OSError(errno.ENODEV, "vdpa: Fail to find the specified management device")
        elif MAX_VQP in asked and self.refuses_queues:
            raise OSError(self.refuses_queues, "vdpa: Some provided attributes are not supported")
        else:
            self.device.mkdir(parents=True)
            if self.has_override:
                (self.device / "driver_override").write_text("(null)\n")
            self.bind(next(iter(self.drivers), None))
        return []

    def bind(self, driver: str | None) -> None:
        (self.device / "driver").unlink(missing_ok=True)
        if driver:
            (self.device / "driver").symlink_to(f"../../../../bus/vdpa/drivers/{driver}")


@pytest.fixture
def tree(tmp_path: Path) -> HostTree:
    found = HostTree(tmp_path / "root")
    found.pf(vfs=1)
    return found


def machine(kernel: Kernel, manager: Address | None = None) -> Vdpa:
    root = str(kernel.tree.root)
    devices = sysfs.DeviceTree(root)
    parts = Attributes(devices, Holders(root, devices), Writers(), Deadlines(), live=False)
    return Vdpa(parts, 10, manager=manager, open_socket=lambda: kernel)


def type_of(kernel: Kernel) -> str | None:
    return vdpabus.type_of(sysfs.DeviceTree(str(kernel.tree.root)), VF)


def test_a_vf_gets_a_device_with_its_queues(tree: HostTree) -> None:
    kernel = Kernel(tree)
    machine(kernel).set(VF, "virtio")
    assert type_of(kernel) == "virtio"
    assert [asked[MAX_VQP] for asked in kernel.asked] == [struct.pack("=H", 32)]


@pytest.mark.parametrize(
    "code",
    [
        pytest.param(errno.EOPNOTSUPP, id="it-cannot-be-chosen"),
        pytest.param(errno.EINVAL, id="the-device-has-not-so-many"),
    ],
)
def test_a_device_that_refuses_that_many_queues_is_made_with_its_own_number(tree: HostTree, code: int) -> None:
    kernel = Kernel(tree, refuses_queues=code)
    machine(kernel).set(VF, "virtio")
    assert type_of(kernel) == "virtio"
    assert [MAX_VQP in asked for asked in kernel.asked] == [True, False]


def test_a_simulator_manages_the_device_of_a_vf(tree: HostTree) -> None:
    kernel = Kernel(tree, managers=(b"vdpasim_net\0",))
    machine(kernel, SIMULATOR).set(VF, "virtio")
    assert type_of(kernel) == "virtio"
    assert MGMTDEV_BUS_NAME not in kernel.asked[0]


def test_what_is_so_already_is_left_alone(tree: HostTree) -> None:
    kernel = Kernel(tree)
    machine(kernel).set(VF, "virtio")
    machine(kernel).set(VF, "virtio")
    assert len(kernel.asked) == 1


def test_a_device_is_taken_away_and_taking_it_away_again_is_no_error(tree: HostTree) -> None:
    kernel = Kernel(tree)
    machine(kernel).set(VF, "virtio")
    machine(kernel).set(VF, None)
    machine(kernel).set(VF, None)
    assert type_of(kernel) is None
    assert len(kernel.asked) == 2


def test_a_device_without_a_driver_is_taken_away_as_well(tree: HostTree) -> None:
    kernel = Kernel(tree, drivers=())
    with pytest.raises(StepFailed):
        machine(kernel).set(VF, "virtio")
    assert type_of(kernel) is None
    machine(kernel).set(VF, None)
    assert not kernel.device.exists()


def test_a_device_that_went_away_in_between_is_no_error(tree: HostTree) -> None:
    @attrs.define
    class Gone(Kernel):
        def ask(self, kind: int, body: bytes) -> list[bytes]:
            raise OSError(errno.ENODEV, "No such device")

    kernel = Gone(tree)
    kernel.device.mkdir(parents=True)
    machine(kernel).set(VF, None)


def test_a_vf_without_vdpa_is_refused_in_the_kernel_s_words(tree: HostTree) -> None:
    kernel = Kernel(tree, managers=())
    with pytest.raises(OSError, match="Fail to find the specified management device") as caught:
        machine(kernel).set(VF, "virtio")
    assert caught.value.errno == errno.ENODEV
    assert len(kernel.asked) == 1


def test_a_driver_that_is_not_loaded_is_named(tree: HostTree) -> None:
    kernel = Kernel(tree, drivers=("virtio_vdpa",))
    with pytest.raises(StepFailed) as caught:
        machine(kernel).set(VF, "vhost")
    assert str(caught.value) == (
        "vdpa/vdpa:0000:01:10.0: driver: vhost_vdpa is not possible: the kernel has no driver 'vhost_vdpa'. "
        "Load its module (modprobe vhost_vdpa), or install the kernel package that holds it"
    )


def test_before_linux_5_17_a_device_changes_hands_by_the_names_of_its_drivers(tree: HostTree) -> None:
    kernel = Kernel(tree, has_override=False)
    machine(kernel).set(VF, "virtio")
    with pytest.raises(StepFailed) as caught:  # a file does not act on what is written to it, and that is noticed
        machine(kernel).set(VF, "vhost")
    drivers = "sys/bus/vdpa/drivers"
    assert tree.text(f"{drivers}/virtio_vdpa/unbind") == tree.text(f"{drivers}/vhost_vdpa/bind") == DEVICE.name
    assert tree.text("sys/bus/vdpa/drivers_probe") == ""
    assert not (kernel.device / "driver_override").exists()
    found = "the driver did not take the device (bound: virtio_vdpa). See dmesg"
    assert str(caught.value) == f"{DEVICE}: driver: vhost_vdpa is not possible: {found}"


def held(tree: HostTree) -> tools.Process:
    """A process that has the node of the VF's vDPA device open."""
    tree.write(f"sys/bus/vdpa/devices/{DEVICE.name}/vhost-vdpa-{OWN}/dev", "")
    (tree.root / "proc").rename(tree.root / "old-proc")
    (tree.root / "proc").symlink_to("/proc")
    code = "import sys; kept = open(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    process = tools.start([sys.executable, "-c", code, str(tree.write(f"dev/vhost-vdpa-{OWN}", ""))])
    assert process.stdout
    process.stdout.readline()
    return process


def let_go(process: tools.Process) -> None:
    for pipe in (process.stdin, process.stdout):
        assert pipe
        pipe.close()
    tools.wait(process, 10)


def test_a_device_that_a_process_has_open_is_neither_taken_away_nor_moved(tree: HostTree) -> None:
    kernel = Kernel(tree, drivers=("vhost_vdpa", "virtio_vdpa"))
    machine(kernel).set(VF, "vhost")
    process = held(tree)
    words = []
    for wanted in (None, "virtio"):
        with pytest.raises(StepFailed) as caught:
            machine(kernel).set(VF, wanted)
        words.append(str(caught.value))
    with LinuxHost(str(tree.root)) as host:
        user = host.vf_user(VF)
        with pytest.raises(StepFailed, match=rf"{VF}: driver: igbvf -> none is not possible: {VF} is held by pid"):
            host.unbind(VF)
    let_go(process)
    holder = f"pid {process.pid} (python"
    advice = "Stop it first: the kernel would wait for it without end"
    assert user is not None
    assert user.startswith(holder)
    assert words[0].startswith(f"{DEVICE}: vdpa: none is not possible: {DEVICE} is held by {holder}")
    assert words[1].startswith(f"{DEVICE}: driver: vhost_vdpa -> virtio_vdpa is not possible: {DEVICE} is held by")
    assert all(text.endswith(advice) for text in words)
    assert type_of(kernel) == "vhost"


def test_the_type_is_that_of_the_driver(tree: HostTree) -> None:
    kernel = Kernel(tree)
    assert type_of(kernel) is None
    kernel.device.mkdir(parents=True)
    found = []
    for driver in (None, "vhost_vdpa", "virtio_vdpa", "some_other"):
        kernel.bind(driver)
        found.append(type_of(kernel))
    with LinuxHost(str(tree.root)) as host:
        assert host.vdpa_type(VF) is None
        assert host.vdpa_type(Address("0000:09:00.0")) is None
    assert found == [None, "vhost", "virtio", None]


def test_a_tree_of_files_has_no_vdpa_to_set(tree: HostTree) -> None:
    with LinuxHost(str(tree.root)) as host, pytest.raises(StepFailed, match="and not the running machine"):
        host.set_vdpa(Address(PF), "vhost")
