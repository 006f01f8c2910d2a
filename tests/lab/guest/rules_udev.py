"""The udev rules that plans write, obeyed by the udev of a real machine: what each is for, and whom it leaves alone."""

import time
from pathlib import Path

import pytest
from judges import read, said, told, write

from sriov_core.model.address import Address
from sriov_core.model.desired import NicSpec, NodeSpec
from sriov_core.model.nodesteps import WriteFile
from sriov_core.model.observed import EswitchMode, Nic, Node, Owner, Snapshot
from sriov_core.planning.planner import plan
from sriov_core.plugin import loading, registry

PF = Address("0000:02:00.0")
DEVICE = f"/sys/bus/pci/devices/{PF}"
SIM = "/sys/bus/netdevsim"
RULES = Path("/etc/udev/rules.d/10-sriov-core-under-test.rules")


@pytest.fixture(autouse=True)
def nothing_left():
    yield
    RULES.unlink(missing_ok=True)
    said("udevadm", "control", "--reload")


def _rules(name, *, mode=EswitchMode.LEGACY, managers=()):
    """The rule file of a plan for two VFs of the PF."""
    facts = {"mac": "02:00:00:00:00:01", "mtu": 1500, "link_up": True, "eswitch_mode": EswitchMode.LEGACY}
    nic = Nic(address=PF, vendor="ee01", device="0001", kernel_driver="any", name=name, total_vfs=7, **facts)
    owner = Owner(plugin="generic", reason="the base")
    snapshot = Snapshot(node=Node(network_managers=managers), nics=(nic,), owners={PF: owner})
    wish = NicSpec(address=PF, num_vfs=2, eswitch_mode=mode, named=True)
    made = plan(snapshot, NodeSpec(nics=(wish,)), registry.drivers(loading.load()))
    (step,) = [planned.step for planned in made.node if isinstance(planned.step, WriteFile)]
    return step.content


def _obey(rules):
    write(RULES, rules)
    said("udevadm", "control", "--reload")


def _property(netdev, name):
    lines = said("udevadm", "info", "--query=property", f"--path=/sys/class/net/{netdev}").splitlines()
    return dict(line.split("=", 1) for line in lines).get(name)


def _until(happens):
    deadline = time.monotonic() + 30
    while not (found := happens()):
        assert time.monotonic() < deadline, said("ip", "-br", "link")
        time.sleep(0.1)
    said("udevadm", "settle")
    return found


def test_networkmanager_is_told_to_leave_the_vfs_of_the_pf_alone_and_nobody_else():
    _obey(_rules("enp2s0", managers=("NetworkManager",)))
    said("modprobe", "igbvf")
    write(f"{DEVICE}/sriov_numvfs", "1")
    try:
        _until(lambda: list(Path(DEVICE, "virtfn0/net").glob("enp2s0v0")))
        said("udevadm", "trigger", "--settle", "--action=change", "/sys/class/net/enp2s0", "/sys/class/net/enp1s0")

        marked = {name: _property(name, "NM_UNMANAGED") for name in ("enp2s0v0", "enp2s0", "enp1s0")}
    finally:
        write(f"{DEVICE}/sriov_numvfs", "0")

    assert marked == {"enp2s0v0": "1", "enp2s0": None, "enp1s0": None}


@pytest.fixture
def simulated():
    """A simulated NIC that the rules of the PF are about: of a device, a rule knows nothing but its name."""
    _obey(_rules("fabric0", mode=EswitchMode.SWITCHDEV).replace(str(PF), "netdevsim30"))
    for number in (30, 31):
        write(f"{SIM}/new_device", f"{number} 1")
        write(f"{SIM}/devices/netdevsim{number}/sriov_numvfs", "3")
    said("udevadm", "settle")
    yield
    for number in (30, 31):
        write(f"{SIM}/del_device", str(number))


def _names(number):
    ports = told("devlink", "-j", "port", "show")["port"]
    return [port["netdev"] for handle, port in ports.items() if handle.startswith(f"netdevsim/netdevsim{number}/")]


def test_the_pf_keeps_its_name_and_representors_are_called_after_it(simulated):
    assert _names(30) == ["fabric0"]

    for number in (30, 31):
        said("devlink", "dev", "eswitch", "set", f"netdevsim/netdevsim{number}", "mode", "switchdev")
    said("udevadm", "settle")

    # There are rules for the two VFs that were wished for; the third, and another NIC's, are named by udev itself.
    assert _names(30) == ["fabric0", "fabric0_0", "fabric0_1", "eni30npf0vf2"]
    assert _names(31) == ["eni31np1", "eni31npf0vf0", "eni31npf0vf1", "eni31npf0vf2"]


def test_a_pf_whose_netdev_is_made_anew_gets_its_name_back(simulated):
    before = read("/sys/class/net/fabric0/ifindex")

    said("devlink", "dev", "reload", "netdevsim/netdevsim30")
    said("udevadm", "settle")

    assert _names(30) == ["fabric0"]
    assert read("/sys/class/net/fabric0/ifindex") != before
