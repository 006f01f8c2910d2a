"""The host's verbs about devlink, representors and offloads, on a simulated NIC (netdevsim) of the real kernel.

Sources of what is expected: drivers/net/netdevsim/dev.c and bus.c; devlink and ethtool, the programs, judge.
"""

import errno

import pytest
from judges import read, said, told, write

from sriov_core.errors import HostError, StepFailed
from sriov_core.host.linux import LinuxHost
from sriov_core.model.address import Address
from sriov_core.model.observed import EswitchMode, LinkType

SIM = Address("netdevsim20", "netdevsim")
IGB = Address("0000:02:00.0")
PORT = "eni20np1"
BUS = "/sys/bus/netdevsim"
DEBUG = "/sys/kernel/debug/netdevsim/netdevsim20"


@pytest.fixture(scope="module")
def host():
    with LinuxHost() as host:
        yield host


@pytest.fixture
def sim():
    """A simulated NIC of one port, new for each test."""
    write(f"{BUS}/new_device", "20 1")
    said("udevadm", "settle")
    yield SIM
    write(f"{DEBUG}/fail_reload", "N")
    write(f"{BUS}/del_device", "20")


def _parameter(name):
    shown = told("devlink", "-j", "dev", "param", "show", str(SIM), "name", name)
    return shown["param"][str(SIM)][0]["values"][0]["value"]


def _mode():
    return told("devlink", "-j", "dev", "eswitch", "show", str(SIM))["dev"][str(SIM)]["mode"]


def _reload_failed():
    return "reload_failed true" in said("devlink", "dev", "show", str(SIM))


def test_a_simulated_nic_is_listed_after_those_of_pci(host, sim):
    functions = host.functions()
    found = functions[-1]

    assert [function.address.bus for function in functions] == ["pci", "pci", "netdevsim"]
    assert found == host.function(sim)
    assert (found.address, found.kernel_driver, found.pci_class) == (sim, "netdevsim", "020000")
    assert (found.vendor, found.device, found.is_vf) == ("0000", "0000", False)
    assert host.attribute(sim, "sriov_numvfs") == "0"
    assert host.attribute(sim, "sriov_totalvfs") == read(f"{DEBUG}/max_vfs") == "4"
    assert [link.name for link in host.links(sim)] == [PORT]


def test_the_eswitch_makes_a_representor_for_each_vf_and_takes_them_away(host, sim):
    host.set_num_vfs(sim, 3)
    host.set_eswitch_mode(sim, EswitchMode.SWITCHDEV)
    said("udevadm", "settle")

    links = host.links(sim)
    ports = {link.phys_port_name: link for link in links}
    shown = told("devlink", "-j", "port", "show")["port"].values()
    assert host.eswitch_mode(sim) is EswitchMode.SWITCHDEV
    assert _mode() == "switchdev"
    assert sorted(ports) == ["p1", "pf0vf0", "pf0vf1", "pf0vf2"]
    assert {link.name for link in links} == {port["netdev"] for port in shown}
    assert len({link.phys_switch_id for link in links} - {None}) == 1
    assert {link.link_type for link in links} == {LinkType.ETH}

    host.set_eswitch_mode(sim, EswitchMode.LEGACY)

    assert _mode() == "legacy"
    assert [link.name for link in host.links(sim)] == [PORT]
    assert read(f"{BUS}/devices/netdevsim20/sriov_numvfs") == "3"


def test_verbs_about_the_pf_are_not_for_a_representor(host, sim):
    host.set_num_vfs(sim, 2)
    host.set_eswitch_mode(sim, EswitchMode.SWITCHDEV)
    said("udevadm", "settle")
    write("/sys/bus/netdevsim/devices/netdevsim20/sriov_numvfs", "2")

    host.set_mtu(sim, 2000)
    host.set_link(sim, up=True)
    host.set_vf_mac(sim, 1, "02:00:00:00:00:77")

    mtus = {link["ifname"]: link["mtu"] for link in told("ip", "-j", "link", "show") if "eni20" in link["ifname"]}
    assert mtus.pop(PORT) == 2000
    assert set(mtus.values()) == {1500}
    assert host.vf_macs(sim) == {1: "02:00:00:00:00:77"}


def test_more_vfs_than_there_may_be_are_refused_with_the_errno(host, sim):
    with pytest.raises(StepFailed, match=r"netdevsim/netdevsim20: sriov_numvfs: .*ENOMEM"):
        host.set_num_vfs(sim, 5)

    assert host.attribute(sim, "sriov_numvfs") == "0"


def test_another_count_is_refused_while_there_are_vfs(host, sim):
    host.set_num_vfs(sim, 2)

    with pytest.raises(StepFailed, match="EBUSY"):
        host.set_num_vfs(sim, 3)


def test_a_number_is_set_at_once_and_used_after_a_reload(host, sim):
    assert host.devlink_parameter(sim, "max_macs") == "32"

    host.set_devlink_parameter(sim, "max_macs", "16")

    assert host.devlink_parameter(sim, "max_macs") == "16"
    assert _parameter("max_macs") == 16
    assert read(f"{DEBUG}/max_macs") == "32"

    host.reload_devlink(sim)

    assert host.devlink_parameter(sim, "max_macs") == "16"
    assert read(f"{DEBUG}/max_macs") == "16"


def test_a_flag_is_set_at_once_and_used_after_a_reload(host, sim):
    assert host.devlink_parameter(sim, "test1") == "true"

    host.set_devlink_parameter(sim, "test1", "false")

    assert (host.devlink_parameter(sim, "test1"), _parameter("test1")) == ("false", False)
    assert read(f"{DEBUG}/test1") == "Y"

    host.reload_devlink(sim)

    assert read(f"{DEBUG}/test1") == "N"
    host.set_devlink_parameter(sim, "test1", "true")
    assert _parameter("test1") is True


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("max_macs", "many", id="a-word-for-a-number"),
        pytest.param("max_macs", "-1", id="a-number-below-zero"),
        pytest.param("max_macs", str(1 << 32), id="a-number-too-large"),
        pytest.param("test1", "maybe", id="a-word-for-a-flag"),
        pytest.param("no_such_parameter", "1", id="no-such-parameter"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_in_words(host, sim, name, value):
    with pytest.raises(StepFailed, match=rf"netdevsim/netdevsim20: {name}: {value} ") as caught:
        host.set_devlink_parameter(sim, name, value)

    assert "Traceback" not in str(caught.value)
    assert (host.devlink_parameter(sim, "max_macs"), host.devlink_parameter(sim, "test1")) == ("32", "true")


def test_what_a_nic_does_not_have_is_none(host, sim):
    assert host.devlink_parameter(sim, "flow_steering_mode") is None
    assert host.devlink_parameter(IGB, "max_macs") is None
    assert host.eswitch_mode(IGB) is None
    assert host.versions(IGB) == {}
    with pytest.raises(StepFailed, match=r"0000:02:00\.0: devlink: reload"):
        host.reload_devlink(IGB)


def test_a_reload_takes_the_vfs_and_the_mode(host, sim):
    host.set_num_vfs(sim, 2)
    host.set_eswitch_mode(sim, EswitchMode.SWITCHDEV)

    host.reload_devlink(sim)
    said("udevadm", "settle")

    assert (host.attribute(sim, "sriov_numvfs"), _mode()) == ("0", "legacy")
    assert [link.name for link in host.links(sim)] == [PORT]


def test_a_failed_reload_is_told_in_the_kernels_words_and_the_next_one_heals(host, sim):
    host.set_devlink_parameter(sim, "max_macs", "8")
    write(f"{DEBUG}/fail_reload", "Y")

    with pytest.raises(StepFailed) as caught:
        host.reload_devlink(sim)

    assert "netdevsim/netdevsim20: devlink: reload refused with EINVAL" in str(caught.value)
    assert "User setup the reload to fail for testing purposes" in str(caught.value)
    assert _reload_failed()
    # What a look tells of a device that was not set up again: its driver, its parameters, and no netdev.
    function = host.function(sim)
    assert function.kernel_driver == "netdevsim"
    assert (list(host.links(sim)), host.attribute(sim, "sriov_numvfs")) == ([], "0")
    assert host.devlink_parameter(sim, "max_macs") == "8"
    assert host.feature(sim, "hw-tc-offload") is None

    write(f"{DEBUG}/fail_reload", "N")
    host.reload_devlink(sim)
    said("udevadm", "settle")

    assert not _reload_failed()
    assert [link.name for link in host.links(sim)] == [PORT]
    assert read(f"{DEBUG}/max_macs") == "8"


def test_a_forbidden_reload_changes_nothing(host, sim):
    host.set_num_vfs(sim, 2)
    write(f"{DEBUG}/dont_allow_reload", "Y")

    with pytest.raises(StepFailed) as caught:
        host.reload_devlink(sim)

    assert "reload refused with EOPNOTSUPP" in str(caught.value)
    assert "User forbid the reload for testing purposes" in str(caught.value)
    assert not _reload_failed()
    assert host.attribute(sim, "sriov_numvfs") == "2"
    assert [link.name for link in host.links(sim)] == [PORT]


def test_versions_are_told_by_name(host, sim):
    assert host.versions(sim) == {"fw.mgmt": "10.20.30"}


def test_an_offload_is_switched_and_read_back(host, sim):
    assert host.feature(sim, "hw-tc-offload") is False

    host.set_feature(sim, "hw-tc-offload", on=True)

    assert host.feature(sim, "hw-tc-offload") is True
    assert "hw-tc-offload: on\n" in said("ethtool", "-k", PORT)
    host.set_feature(sim, "hw-tc-offload", on=False)
    assert "hw-tc-offload: off\n" in said("ethtool", "-k", PORT)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("rx-vlan-filter", id="fixed-off"),
        pytest.param("esp-hw-offload", id="fixed-on"),
        pytest.param("no-such-offload", id="unknown"),
    ],
)
def test_an_offload_that_cannot_be_switched_is_none_and_refused(host, sim, name):
    assert host.feature(sim, name) is None
    with pytest.raises(StepFailed, match="EOPNOTSUPP"):
        host.set_feature(sim, name, on=True)


def test_every_offload_is_told_as_ethtool_tells_it(host, sim):
    lines = [line.strip().partition(": ") for line in said("ethtool", "-k", PORT).splitlines()[1:]]
    words = {name: value for name, _, value in lines}
    told_on = {name: None if "[fixed]" in value else value.startswith("on") for name, value in words.items()}
    # ethtool(8) prints some groups under names of its own, which the kernel does not know.
    known = [name for name in told_on if name.startswith(("tx-", "rx-", "hw-", "esp-", "tls-", "macsec-", "hsr-"))]
    known = [name for name in known if name not in ("tx-checksumming", "rx-checksumming")]
    aliases = {"rx-vlan-offload", "tx-vlan-offload"}

    found = {name: host.feature(sim, name) for name in known if name not in aliases}

    assert len(found) > 30
    assert found == {name: told_on[name] for name in found}


def test_who_may_not_ask_is_told_so(host, sim):
    script = (
        "from sriov_core.host.linux import LinuxHost; from sriov_core.model.address import Address\n"
        "host, sim = LinuxHost(), Address('netdevsim20', 'netdevsim')\n"
        "print(host.attribute(sim, 'sriov_totalvfs'), host.feature(sim, 'hw-tc-offload'), dict(host.versions(sim)))\n"
        "try:\n    host.eswitch_mode(sim)\nexcept Exception as err:\n    print(type(err).__name__, err)\n"
    )
    nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")

    first, second = said(*nobody, "python3", "-c", script).splitlines()

    assert first.startswith("None False ")
    assert second.startswith(HostError.__name__)
    assert "root" in second
    assert errno.errorcode[errno.EPERM] not in first
