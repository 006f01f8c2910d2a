"""Open vSwitch bridges through the engine: made after their PFs, kept, repaired, and given back, each by itself."""

import errno

import attrs
import pytest
from engine_machines import OTHER, PF, converge, crashing, engine, failing, port, spec, wish, world

from sriov_core.engine.journal import Journal
from sriov_core.model.bridges import Bridge, Uplink
from sriov_core.model.desired import NodeSpec
from sriov_core.model.observed import EswitchMode
from sriov_core.testing.facts import BridgeFacts, OvsFacts
from sriov_core.testing.faults import Crash
from sriov_core.testing.tree import EswitchFacts, UseFacts

SERVICE = "ovs-vswitchd.service"
ONE = Bridge(name="br-1", fail_mode="secure", uplink=Uplink(nic=PF, name="eth0"))
TWO = Bridge(name="br-2", uplink=Uplink(nic=OTHER, name="eth1"))


def machine(ovs=None, **facts):
    """Two ports with an eswitch each, whose mode does not change while the port is in a bridge."""
    eswitch = {"eswitch": EswitchFacts(), "refuses": ["mode-in-bridge"]}
    return world(port(PF, 0, **eswitch), port(OTHER, 1, **eswitch), ovs=ovs or OvsFacts(service=SERVICE), **facts)


def switchdev(address=PF):
    return wish(address, vfio=0, eswitch_mode=EswitchMode.SWITCHDEV)


WISH = NodeSpec(nics=(switchdev(),), bridges=(ONE,))
BOTH = NodeSpec(nics=(switchdev(), switchdev(OTHER)), bridges=(ONE, TWO))


def rows(host):
    return {row.name: row.uplink.name if row.uplink else None for row in host.tree().node.ovs.bridges}


def remembered(journal):
    return [bridge.name for bridge in journal.read().bridges]


def test_a_bridge_comes_after_its_pf_with_offload_in_effect_and_goes_with_a_release():
    host, journal = machine(), Journal(path=None)
    assert converge(engine(host, journal), WISH).converged
    assert (rows(host), remembered(journal), host.tree().node.ovs.offloading) == ({"br-1": "eth0"}, ["br-1"], True)
    assert converge(engine(host, journal), NodeSpec(), release=True).converged
    assert (rows(host), remembered(journal), host.tree().node.ovs.offloading) == ({}, [], False)
    assert host.node().files == {}


def test_a_bridge_nobody_wishes_for_now_stays_and_is_repaired():
    host, journal = machine(), Journal(path=None)
    converge(engine(host, journal), WISH)
    host.detach_uplink("br-1", PF)
    assert converge(engine(host, journal), spec(switchdev())).converged
    assert rows(host) == {"br-1": "eth0"}


def test_the_uplink_is_detached_for_a_change_of_mode_and_attached_again():
    host, journal = machine(), Journal(path=None)
    converge(engine(host, journal), WISH)
    legacy = attrs.evolve(WISH, nics=(wish(vfio=0),))
    result = converge(engine(host, journal), legacy)
    (nic,) = result.first.nics
    assert (nic.steps[0].step.kind, result.first.steps[-1].step.kind) == ("detach-uplink", "set-bridge")
    assert (result.converged, rows(host)) == (True, {"br-1": "eth0"})


def test_a_bridge_gets_its_uplink_back_though_its_nic_and_another_one_failed():
    host, journal = machine(), Journal(path=None)
    converge(engine(host, journal), BOTH)
    legacy = attrs.evolve(BOTH, nics=(wish(vfio=0), wish(OTHER, vfio=0)))
    stuck = failing(host, lambda verb: verb.name == "set_eswitch_mode", errno.EIO)
    assert not converge(engine(stuck, journal), legacy).converged
    assert rows(host) == {"br-1": "eth0", "br-2": "eth1"}


def test_a_new_bridge_waits_for_a_nic_that_failed_and_the_other_is_made():
    host = machine()
    stuck = failing(host, lambda verb: verb.name == "set_num_vfs" and verb.target == PF, errno.ENOMEM)
    assert not converge(stuck, BOTH).converged
    assert rows(host) == {"br-2": "eth1"}


def test_a_new_bridge_waits_where_a_module_of_its_nic_is_missing():
    host = machine(modules=[], missing_modules=["vfio_pci"], iommu_groups=9)
    vfio = attrs.evolve(WISH, nics=(wish(vfio=1, netdevs=1, eswitch_mode=EswitchMode.SWITCHDEV),))
    assert not converge(host, vfio).converged
    assert rows(host) == {}


def test_a_bridge_whose_card_is_gone_stops_nobody_else():
    host, journal = machine(), Journal(path=None)
    converge(engine(host, journal), BOTH)
    left = world(port(PF, 0, eswitch=EswitchFacts()), ovs=host.tree().node.ovs)
    result = converge(engine(left, journal), spec(switchdev()))
    assert (result.converged, rows(left)) == (True, {"br-1": "eth0", "br-2": "eth1"})


def test_a_bridge_follows_its_card():
    host, journal = machine(), Journal(path=None)
    converge(engine(host, journal), WISH)
    place = attrs.evolve(PF, name="0000:81:00.0")
    there = port(PF, 0, eswitch=EswitchFacts(), link={"up": True})
    there.address = str(place)
    moved = world(there, ovs=host.tree().node.ovs)
    assert converge(engine(moved, journal), spec(switchdev(place))).converged
    assert [bridge.uplink.nic for bridge in journal.read().bridges] == [place]


def test_a_silent_database_is_no_success_while_a_bridge_of_ours_is_to_go():
    host, journal = machine(), Journal(path=None)
    converge(engine(host, journal), WISH)
    silent = machine(OvsFacts(service=SERVICE, error="the server does not answer"))
    result = converge(engine(silent, journal), NodeSpec(), release=True)
    assert "open-vswitch-silent" in [problem.code for problem in result.last.plan.all_problems]
    assert remembered(journal) == ["br-1"]


USED = [UseFacts(kind="default-route", detail="it carries the default route")]
NAMED = NodeSpec(nics=(attrs.evolve(switchdev(), named=True),), bridges=(ONE,))
ALONE = NodeSpec(bridges=(ONE,))


@pytest.mark.parametrize(
    ("wished", "made"),
    [
        pytest.param(NAMED, True, id="named"),
        pytest.param(WISH, False, id="not-named"),
        pytest.param(ALONE, False, id="alone"),
    ],
)
def test_a_pf_that_the_host_depends_on_becomes_a_port_only_where_it_is_named(wished, made):
    host = world(port(PF, 0, eswitch=EswitchFacts(), uses=USED), ovs=OvsFacts(service=SERVICE))
    costs = []
    result = converge(host, wished, approve=lambda plan: costs.append(str(plan.cost)))
    assert (bool(rows(host)), result.converged) == (made, made)
    assert costs == (["drain"] if made else [])


def test_a_restart_is_free_only_while_there_is_no_bridge():
    prices = {}
    for name, bridges in (("idle", []), ("busy", [BridgeFacts(name="br-x")])):
        plan = engine(machine(OvsFacts(service=SERVICE, bridges=bridges))).look(spec(switchdev()), release=False).plan
        prices[name] = [str(entry.cost) for entry in plan.node if entry.step.kind == "restart-service"]
    assert prices == {"idle": ["none"], "busy": ["drain"]}


def verbs_of(wished):
    whole, faults = crashing(machine(), 10_000, after=False)
    converge(whole, wished)
    return range(1, faults.seen + 1)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("ordinal", verbs_of(WISH))
def test_a_kill_at_any_verb_is_healed_with_offload_in_effect(ordinal, after):
    host, journal = machine(), Journal(path=None)
    dying, _ = crashing(host, ordinal, after=after)
    with pytest.raises(Crash):
        converge(engine(dying, journal), WISH)
    assert converge(engine(host, journal), WISH).converged
    assert (rows(host), host.tree().node.ovs.offloading) == ({"br-1": "eth0"}, True)
