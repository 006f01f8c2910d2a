"""Software bridges in node states, on a host with three ports."""

from typing import Any

import msgspec
import pytest
from three_ports import F0, PORTS, policy

from sriov_core.api.bridge import Bridges, BridgeWish, OvsBridgeConfig, OvsInterface, OvsUplinkWish, OvsWish
from sriov_core.api.nodepolicy import NodePolicy
from sriov_core.policy.bridges import bridges, needs_update
from sriov_core.policy.judging import candidates
from sriov_core.policy.render import render_candidates


def bridge(kind: str = "test") -> BridgeWish:
    uplink = OvsUplinkWish(interface=OvsInterface(type=kind))
    return BridgeWish(ovs=OvsWish(bridge=OvsBridgeConfig(datapath_type=kind), uplink=uplink))


def switchdev(name: str = "p1", **spec: Any) -> NodePolicy:
    return policy(name, **{"eswitch_mode": "switchdev", "bridge": bridge(), "root_devices": (str(F0),), **spec})


def rendered(*policies: NodePolicy) -> Bridges:
    rendering = render_candidates(candidates(policies), PORTS, bridges=True)
    return bridges(rendering, {one.metadata.name: one for one in policies})


def names(*policies: NodePolicy) -> list[tuple[str, str]]:
    """Name and datapath type of each bridge."""
    return [(found.name, found.bridge.datapath_type) for found in rendered(*policies).ovs]


def test_each_selected_pf_gets_a_bridge_and_they_are_sorted_by_name():
    found = rendered(switchdev(root_devices=("0000:86:00.2", "0000:86:00.0")))
    assert msgspec.json.decode(msgspec.json.encode(found)) == {
        "ovs": [
            {
                "name": name,
                "bridge": {"datapathType": "test"},
                "uplinks": [{"pciAddress": address, "name": pf, "interface": {"type": "test"}}],
            }
            for name, address, pf in (
                ("br-0000_86_00.0", "0000:86:00.0", "ens803f0"),
                ("br-0000_86_00.2", "0000:86:00.2", "ens803f2"),
            )
        ]
    }


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param({"eswitch_mode": "legacy"}, id="legacy"),
        pytest.param({"eswitch_mode": ""}, id="no-mode"),
        pytest.param({"link_type": "ib"}, id="infiniband"),
        pytest.param({"externally_managed": True}, id="externally-managed"),
    ],
)
def test_a_policy_that_cannot_have_a_bridge_is_invalid_and_stops_nobody_else(spec):
    bad = switchdev("bad", **spec)
    good = switchdev("good", root_devices=("0000:86:00.2",))
    rendering = render_candidates(candidates([bad, good]), PORTS, bridges=True)
    assert [problem.code for problem in rendering.problems] == ["invalid-policy"]
    assert names(bad, good) == [("br-0000_86_00.2", "test")]


def test_a_policy_without_selector_makes_no_bridge():
    assert names(switchdev(root_devices=(), vendor="")) == []


def test_the_stronger_policy_replaces_the_bridge_of_the_weaker():
    weak = switchdev("weak", priority=99, bridge=bridge("foo"))
    assert names(weak) == [("br-0000_86_00.0", "foo")]
    assert names(weak, switchdev("strong", priority=10)) == [("br-0000_86_00.0", "test")]


def test_a_stronger_policy_without_a_bridge_takes_it_away_from_its_pf_only():
    weak = switchdev("weak", priority=99, root_devices=("0000:86:00.0", "0000:86:00.2"))
    strong = switchdev("strong", priority=10, bridge=BridgeWish())
    assert names(weak, strong) == [("br-0000_86_00.2", "test")]


def test_the_only_bridge_of_a_weaker_policy_is_taken_away_and_none_is_left():
    weak = switchdev("weak", priority=99)
    strong = switchdev("strong", priority=10, bridge=BridgeWish())
    assert [len(rendered(*given).ovs) for given in ((weak,), (weak, strong))] == [1, 0]
    assert msgspec.to_builtins(rendered(weak, strong)) == {}


@pytest.mark.parametrize("priority", [1, 99], ids=["stronger", "weaker"])
def test_a_bridge_of_another_policy_stands_at_its_place_by_name(priority):
    existing = switchdev("existing", root_devices=("0000:86:00.2",), bridge=bridge("foo"), priority=50)
    added = switchdev("added", priority=priority)
    assert names(existing, added) == [("br-0000_86_00.0", "test"), ("br-0000_86_00.2", "foo")]


@pytest.mark.parametrize(
    ("own", "mtu", "wanted"),
    [
        pytest.param(None, 0, None, id="nothing-asked"),
        pytest.param(1400, 0, 1400, id="the-uplink-s-own"),
        pytest.param(1400, 9000, 9000, id="the-policy-s-wins"),
    ],
)
def test_the_uplink_asks_for_the_mtu_of_the_policy(own, mtu, wanted):
    wish = BridgeWish(ovs=OvsWish(uplink=OvsUplinkWish(interface=OvsInterface(mtu_request=own))))
    (found,) = rendered(switchdev(bridge=wish, mtu=mtu)).ovs
    assert found.uplinks[0].interface.mtu_request == wanted


def test_a_bridge_that_nobody_acts_on_is_said_so():
    silent = render_candidates(candidates([switchdev()]), PORTS, bridges=True)
    told = render_candidates(candidates([switchdev()]), PORTS)
    assert (silent.summaries[0].notes, len(told.summaries[0].notes)) == ((), 1)


BOTH = rendered(switchdev(root_devices=("0000:86:00.0", "0000:86:00.2")))
FIRST = rendered(switchdev())


@pytest.mark.parametrize(
    ("reported", "needed"),
    [
        pytest.param(BOTH, False, id="equal"),
        pytest.param(Bridges(ovs=BOTH.ovs[::-1]), False, id="equal-in-another-order"),
        pytest.param(Bridges(), True, id="none-is-there"),
        pytest.param(FIRST, True, id="one-is-missing"),
        pytest.param(
            rendered(switchdev(root_devices=("0000:86:00.0", "0000:86:00.2"), bridge=bridge("foo"))),
            True,
            id="another-datapath",
        ),
    ],
)
def test_a_node_whose_bridges_differ_needs_an_update(reported, needed):
    assert needs_update(BOTH, reported) is needed


def test_a_bridge_that_is_not_wished_for_needs_an_update():
    assert needs_update(Bridges(), FIRST)
