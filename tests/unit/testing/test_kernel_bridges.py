"""Open vSwitch of the fake kernel: rows, what is told of them, what bars a change, and what outlives a boot."""

import attrs
import pytest
from machines import PF, machine

from sriov_core.errors import DeadlineExceeded, StepFailed
from sriov_core.model.bridges import Bridge, OpenVSwitch, Uplink
from sriov_core.model.observed import EswitchMode
from sriov_core.testing.facts import BridgeFacts, OvsFacts, UplinkFacts
from sriov_core.testing.faults import Faults
from sriov_core.testing.guards import struck
from sriov_core.testing.tree import Refusal
from sriov_core.testing.world import FakeWorld

SERVICE = "ovs-vswitchd.service"
UPLINK = Uplink(nic=PF, name="eth0", type="dpdk", options={"key": "a"}, mtu_request=9000)
WISH = Bridge(name="br0", datapath_type="netdev", external_ids={"owner": "x"}, other_config={"a": "1"}, uplink=UPLINK)


def world(ovs=None, **facts):
    return FakeWorld(machine(eswitch=True, node={"ovs": ovs or OvsFacts()}, **facts))


def row(name="br0", **facts):
    return BridgeFacts(name=name, uplink=UplinkFacts(name="eth0"), **facts)


def test_a_machine_without_open_vswitch_has_none():
    kernel = FakeWorld(machine())
    assert kernel.open_vswitch([WISH]) is None
    with pytest.raises(StepFailed, match="Install openvswitch-switch"):
        kernel.set_bridge(WISH)


def test_a_bridge_is_made_with_its_uplink_and_told_as_wished():
    kernel = world()
    kernel.set_bridge(WISH)
    assert kernel.open_vswitch([WISH]) == OpenVSwitch(bridges=(WISH,), service=SERVICE)
    kernel.remove_bridge("br0")
    assert kernel.open_vswitch([WISH]).bridges == ()
    kernel.remove_bridge("br0")


def test_only_the_bridges_and_keys_that_are_asked_for_are_told():
    ovs = OvsFacts(bridges=[row("br-other"), row(external_ids={"owner": "x", "foreign": "y"}, other_config={"b": "2"})])
    ovs.bridges[0].uplink = None
    found = world(ovs).open_vswitch([WISH, attrs.evolve(WISH, name="br9")])
    (bridge,) = found.bridges
    assert (bridge.name, bridge.external_ids, bridge.other_config) == ("br0", {"owner": "x"}, {})
    assert bridge.uplink == Uplink(nic=PF, name="eth0")


def test_what_fits_and_what_is_foreign_stays():
    kernel = world(OvsFacts(bridges=[row(external_ids={"foreign": "y"})]))
    kernel.set_bridge(WISH)
    assert kernel.tree().node.ovs.bridges[0].external_ids == {"foreign": "y", "owner": "x"}


def test_an_uplink_moves_from_bridge_to_bridge():
    kernel = world(OvsFacts(bridges=[row("br-old")]))
    kernel.set_bridge(WISH)
    assert [(one.name, bool(one.uplink)) for one in kernel.tree().node.ovs.bridges] == [
        ("br-old", False),
        ("br0", True),
    ]


def test_an_uplink_that_does_not_exist_leaves_its_error_on_the_row():
    wish = attrs.evolve(WISH, uplink=attrs.evolve(UPLINK, name="eth9"))
    kernel = world()
    with pytest.raises(StepFailed, match=r"could not open network device eth9 \(No such device\)"):
        kernel.set_bridge(wish)
    assert kernel.open_vswitch([wish]).bridges == (attrs.evolve(wish, uplink=None),)
    assert kernel.tree().node.ovs.bridges[0].uplink.error


@pytest.mark.parametrize(
    ("facts", "error", "message"),
    [
        pytest.param({"error": "Connection refused"}, StepFailed, "Connection refused", id="the-server-is-down"),
        pytest.param({"running": False}, DeadlineExceeded, "does not take up", id="vswitchd-is-down"),
    ],
)
def test_a_server_that_is_not_there_is_told_and_refuses(facts, error, message):
    kernel = world(OvsFacts(**facts))
    assert kernel.open_vswitch([]).error == facts.get("error", "")
    for deed in (
        lambda: kernel.set_bridge(WISH),
        lambda: kernel.remove_bridge("br0"),
        lambda: kernel.detach_uplink("br0", PF),
    ):
        with pytest.raises(error, match=message):
            deed()


def test_a_setting_is_the_servers_alone():
    down = world(OvsFacts(error="Connection refused"))
    with pytest.raises(StepFailed, match="Connection refused"):
        down.set_ovs_option("hw-offload", "true")
    idle = world(OvsFacts(running=False))
    idle.set_ovs_option("hw-offload", "true")
    assert idle.open_vswitch([]).hw_offload


def test_offloaded_flows_bar_another_mode_until_the_pf_is_detached():
    kernel = world(OvsFacts(bridges=[row()]), refuses=[Refusal.MODE_IN_BRIDGE])
    with pytest.raises(StepFailed, match=r"eswitch mode: switchdev refused with EBUSY .* bridge br0"):
        kernel.set_eswitch_mode(PF, EswitchMode.SWITCHDEV)
    kernel.detach_uplink("br0", PF)
    kernel.detach_uplink("br0", PF)
    kernel.set_eswitch_mode(PF, EswitchMode.SWITCHDEV)


class TestOffload:
    def test_an_option_is_told_at_once_and_effective_after_a_restart(self):
        kernel = world()
        kernel.set_ovs_option("hw-offload", "true")
        assert kernel.open_vswitch([]).hw_offload
        assert not kernel.tree().node.ovs.offloading
        kernel.restart_service(SERVICE)
        assert kernel.tree().node.ovs.offloading

    def test_a_service_that_does_not_run_is_not_started(self):
        kernel = world(OvsFacts(running=False, other_config={"hw-offload": "true"}))
        kernel.restart_service(SERVICE)
        assert not kernel.tree().node.ovs.offloading

    def test_bridges_are_on_disk_and_outlive_a_boot(self):
        kernel = world(OvsFacts(other_config={"hw-offload": "true"}))
        kernel.set_bridge(WISH)
        kernel.reboot()
        assert kernel.open_vswitch([WISH]).bridges == (WISH,)
        assert kernel.tree().node.ovs.offloading


def test_looking_is_no_verb_and_a_bridge_is_called_by_its_name():
    faults, met = Faults(), []
    faults.plan(lambda verb: met.append((verb.name, verb.target)), None)
    host = struck(world(), faults)
    assert host.open_vswitch([WISH]).service == SERVICE
    host.set_bridge(WISH)
    assert met == [("set_bridge", "br0")]
