"""What a look shows of a card, what only a closer one shows, and what `probe` makes of it."""

import attrs
import pytest
from mellanox_machines import DRIVERS, tree, world
from mellanox_values import firmware, ib, port, vfs

from sriov_core.errors import HostError
from sriov_core.model.address import Address
from sriov_core.model.desired import NO_GUID
from sriov_core.model.observed import EswitchMode, LinkType
from sriov_core.plugin import NicSpec
from sriov_core.testing.guards import read_only
from sriov_plugins.mellanox.findings import findings

DRIVER = DRIVERS["mellanox"]


def look(host, number: int = 0):
    return DRIVER.discover(host.functions()[number], read_only(host))


def closer(host, number: int = 0, **wish):
    nic = look(host, number)
    return DRIVER.inspect(nic, NicSpec(address=nic.address, **wish), read_only(host))


def test_a_look_shows_how_flows_are_steered_and_nothing_of_the_firmware():
    nic = look(world())
    assert nic.parameters == {"flow_steering_mode": "dmfs"}
    assert (nic.settings, nic.facts, nic.vf_limit) == ({}, {}, None)


def test_a_port_on_infiniband_has_no_eswitch_whose_flows_could_be_steered():
    assert look(world(tree("connectx6-ib"))).parameters == {}


class Deaf:
    """A host whose devlink tells no parameters."""

    def __init__(self, host) -> None:
        self._host = host

    def __getattr__(self, name):
        return getattr(self._host, name)

    def devlink_parameter(self, address, name):
        raise HostError(f"{address}: {name}: no answer")


def test_a_parameter_that_cannot_be_read_keeps_the_nic_from_being_changed():
    host = world()
    nic = DRIVER.discover(host.functions()[0], Deaf(host))
    assert nic.unreadable == ("flow_steering_mode: 0000:3b:00.0: flow_steering_mode: no answer",)


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        pytest.param({"num_vfs": 8}, False, id="as-many-vfs-as-offered"),
        pytest.param({"num_vfs": 9}, True, id="one-more"),
        pytest.param({"link_type": LinkType.ETH}, False, id="the-link-type-that-it-has"),
        pytest.param({"link_type": LinkType.IB}, True, id="the-other-link-type"),
        pytest.param({"num_vfs": 9, "externally_managed": True}, False, id="somebody-elses"),
    ],
)
def test_the_firmware_is_asked_only_when_the_wish_needs_it(wish, expected):
    nic = closer(world(), **wish)
    assert bool(nic.settings) is expected
    assert nic.vf_limit == (127 if expected else None)


@pytest.mark.parametrize(
    ("current", "expected"),
    [
        pytest.param({"NUM_OF_VFS": "8"}, 127, id="what-the-vendor-documents"),
        pytest.param({"NUM_OF_VFS": "250"}, 250, id="more-than-that-where-the-firmware-has-more"),
    ],
)
def test_the_limit_is_what_the_firmware_could_be_set_to(current, expected):
    host = world(current={"SRIOV_EN": "True(1)", **current})
    assert closer(host, num_vfs=9).vf_limit == expected


def test_a_query_that_does_not_end_is_a_fault_in_words():
    host = world()

    class Stuck(Deaf):
        def query(self, argv):
            raise HostError(f"{argv[0]} did not end within 120 s")

    nic = DRIVER.inspect(look(host), NicSpec(address=Address("0000:3b:00.0"), num_vfs=9), Stuck(host))
    assert nic.facts["firmware"] == "firmware-unreadable: mstconfig did not end within 120 s"


def test_the_functions_of_the_card_are_counted_and_not_its_vfs():
    host = world()
    host.set_num_vfs(Address("0000:3b:00.0"), 4)
    assert closer(host, num_vfs=9).facts["functions"] == "2"


def codes(nic) -> list[tuple[str, str]]:
    return [(found.code, found.severity.value) for found in findings(nic)]


SWITCHDEV = {"eswitch_mode": EswitchMode.SWITCHDEV}
OFF = firmware(8, on=False)
OWN = "02:00:00:00:00:00:00:77"


@pytest.mark.parametrize(
    ("nic", "expected"),
    [
        pytest.param(port(), [], id="nothing-to-say"),
        pytest.param(port(settings=OFF, total_vfs=None), [("FW-402", "advice")], id="sriov-off"),
        pytest.param(
            port(settings=firmware(8, on=False, next_on=True)), [("FW-403", "warn")], id="on-at-the-next-boot"
        ),
        pytest.param(port(settings=firmware(8, 16)), [("FW-403", "warn")], id="the-next-boot-differs"),
        pytest.param(
            port(facts={"firmware": "firmware-tool-missing: mstconfig is not installed"}),
            [("FW-401", "unknown")],
            id="unknown",
        ),
        pytest.param(port(features={"hw-tc-offload": False}, **SWITCHDEV), [("HW-110", "warn")], id="no-offload"),
        pytest.param(port(features={"hw-tc-offload": False}), [], id="no-offload-in-legacy-mode"),
        pytest.param(port(parameters={"flow_steering_mode": "dmfs"}, **SWITCHDEV), [("HW-111", "advice")], id="dmfs"),
        pytest.param(port(parameters={"flow_steering_mode": "smfs"}, **SWITCHDEV), [], id="smfs"),
        pytest.param(ib(vfs=vfs(2, guid=NO_GUID)), [("VF-210", "warn")], id="zero-guids"),
        pytest.param(port(vfs=vfs(2, guid=NO_GUID)), [], id="zero-guids-on-ethernet-where-nobody-may-want-rdma"),
    ],
)
def test_a_finding_has_its_code_and_severity(nic, expected):
    assert codes(nic) == expected
    assert all(found.evidence and found.remedy and found.fact for found in findings(nic))


@pytest.mark.parametrize(
    ("told", "remedy"),
    [pytest.param(None, "Apply a policy", id="told-none"), pytest.param(OWN, "unbind them", id="told-in-vain")],
)
def test_what_helps_a_vf_without_a_guid_depends_on_whether_one_was_told(told, remedy):
    (found,) = findings(ib(vfs=vfs(2, guid=NO_GUID, admin_guid=told)))
    assert remedy in found.remedy


def diagnosed(host) -> set[str]:
    nic = look(host)
    return {finding.code for finding in DRIVER.diagnose(nic, read_only(host))}


def test_probe_asks_the_firmware_of_a_card_without_sriov():
    hidden = tree("bluefield2")
    assert {"FW-402", "HW-104"} <= diagnosed(world(hidden))
    hidden.node.missing_tools = ["mstconfig"]
    assert {"FW-401", "HW-104"} <= diagnosed(world(hidden))


def test_probe_leaves_the_firmware_of_other_cards_alone():
    made = tree()
    made.node.missing_tools = ["mstconfig"]
    assert not {code for code in diagnosed(world(made)) if code.startswith("FW-")}


def test_what_a_closer_look_adds_leaves_the_rest_as_it_was():
    host = world()
    near, far = closer(host, num_vfs=9), look(host)
    assert attrs.evolve(near, settings={}, facts={}, vf_limit=None) == far
