"""A fleet after any changes is the fleet that starts with the final objects, and renders only what changed."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from three_ports import PORTS, nic, policy

from sriov_core.api.nodepolicy import NodePolicy
from sriov_core.api.nodestate import NodeStateSpec, System
from sriov_core.api.poolconfig import PoolConfig, PoolConfigSpec
from sriov_core.api.wire import LabelSelector, ObjectMeta
from sriov_core.policy.fleet import Fleet
from sriov_core.policy.nodeoutcome import WORKER, NodeFacts, Settings

LABELS = {"a": {**WORKER, "zone": "a"}, "b": {**WORKER, "zone": "b"}, "none": {"zone": "a"}}


def facts(name: str, zone: str = "a", **changes: Any) -> NodeFacts:
    return NodeFacts(**{"name": name, "labels": LABELS[zone], "nics": PORTS, **changes})


def fleet(*nodes: NodeFacts, policies: tuple[NodePolicy, ...] = ()) -> Fleet:
    found = Fleet()
    for node in nodes:
        found.put_node(node)
    found.put_policies(policies)
    return found


def pool(name: str, mode: str, **labels: str) -> PoolConfig:
    spec = PoolConfigSpec(rdma_mode=mode, node_selector=LabelSelector(match_labels=labels))
    return PoolConfig(metadata=ObjectMeta(name=name), spec=spec)


def wishes(found: Fleet, node: str) -> list[str]:
    wish = found.outcome(node).wish
    assert wish is not None
    return [f"{one.name} {group.resource_name} {group.vf_range}" for one in wish.interfaces for group in one.vf_groups]


IN_A = policy("in-a", node_selector={"zone": "a"})
IN_B = policy("in-b", node_selector={"zone": "b"})
STRONGER = policy("stronger", node_selector={"zone": "a"}, priority=10)
POLICIES = st.sampled_from([IN_A, IN_B, STRONGER, policy("in-a", num_vfs=4), policy("in-b", pf_names=("ens803f0#9",))])
ZONES = st.sampled_from(sorted(LABELS))
CHANGES = st.lists(
    st.one_of(
        st.tuples(st.just("policy"), POLICIES),
        st.tuples(st.just("no-policy"), st.sampled_from(["in-a", "in-b", "stronger"])),
        st.tuples(st.just("node"), st.tuples(st.sampled_from(["n1", "n2"]), ZONES, st.sampled_from([(), PORTS]))),
        st.tuples(st.just("no-node"), st.sampled_from(["n1", "n2"])),
        st.tuples(st.just("pool"), st.sampled_from(["", "shared", "exclusive"])),
        st.tuples(st.just("settings"), st.sampled_from([Settings(), Settings(node_selector={"zone": "a"})])),
    ),
    max_size=12,
)


def change(found: Fleet, what: str, value: Any) -> frozenset[str]:
    match what:
        case "policy":
            return found.put_policies([value])
        case "no-policy":
            return found.drop_policy(value)
        case "node":
            name, zone, nics = value
            return found.put_node(facts(name, zone, nics=nics))
        case "no-node":
            return found.drop_node(value)
        case "pool":
            return found.put_pools([pool("p", value, zone="a")])
        case _:
            return found.put_settings(value)


def final(changes: list[tuple[str, Any]]) -> Fleet:
    """A fleet that was given, of each thing, only what was left in the end."""
    left: dict[tuple[str, str], tuple[str, Any]] = {}
    for what, value in changes:
        kind = what.removeprefix("no-")
        name = {"policy": lambda v: v.metadata.name, "node": lambda v: v[0]}.get(what, str)(value)
        key = (kind, "" if kind in {"pool", "settings"} else name)
        left.pop(key, None)
        if not what.startswith("no-"):
            left[key] = (what, value)
    found = Fleet()
    for what, value in left.values():
        change(found, what, value)
    return found


@given(CHANGES)
@settings(max_examples=150, deadline=None)
def test_the_history_of_a_fleet_does_not_matter_and_what_was_not_reached_did_not_change(changes):
    found = Fleet()
    for what, value in changes:
        before = {node: found.outcome(node) for node in found.nodes}
        reached = change(found, what, value)
        for node in found.nodes:
            if node not in reached:
                assert found.outcome(node) is before[node]
    fresh = final(changes)
    assert found.nodes == fresh.nodes
    assert found.policies == fresh.policies
    assert [found.outcome(node) for node in found.nodes] == [fresh.outcome(node) for node in fresh.nodes]
    assert [found.standing(name) for name in found.policies] == [fresh.standing(name) for name in fresh.policies]


@pytest.mark.parametrize(
    ("what", "value", "reached"),
    [
        pytest.param("policy", IN_B, {"n2"}, id="a-policy-reaches-the-nodes-it-selects"),
        pytest.param("policy", policy("in-a", node_selector={"zone": "b"}), {"n1", "n2"}, id="old-and-new-nodes"),
        pytest.param("policy", IN_A, set(), id="the-same-policy-reaches-nobody"),
        pytest.param("no-policy", "in-a", {"n1"}, id="a-dropped-policy"),
        pytest.param("no-policy", "unknown", set(), id="a-policy-that-was-not-there"),
        pytest.param("node", ("n1", "b", PORTS), {"n1"}, id="a-node-with-other-labels"),
        pytest.param("node", ("n1", "a", PORTS), set(), id="the-same-node"),
        pytest.param("no-node", "n2", {"n2"}, id="a-dropped-node"),
        pytest.param("no-node", "unknown", set(), id="a-node-that-was-not-there"),
    ],
)
def test_a_change_reaches_only_what_depends_on_it(what, value, reached):
    assert change(fleet(facts("n1"), facts("n2", "b"), policies=(IN_A,)), what, value) == reached


def test_policies_hold_vfs_on_the_nodes_they_select():
    found = fleet(facts("n1"), facts("n2", "b"), policies=(IN_A, STRONGER, IN_B))
    assert wishes(found, "n1") == ["ens803f1 strongerres 0-1"]
    assert wishes(found, "n2") == ["ens803f1 in-bres 0-1"]
    assert found.standing("in-a").reason == "Displaced"
    assert found.standing("in-b").reason == "Applied"


@pytest.mark.parametrize(
    ("labels", "selector", "managed"),
    [
        pytest.param(LABELS["a"], {}, True, id="worker"),
        pytest.param(LABELS["none"], {}, False, id="no-worker"),
        pytest.param({**WORKER, "kubernetes.io/os": "windows"}, {}, False, id="windows"),
        pytest.param(LABELS["none"], {"zone": "a"}, True, id="named-by-the-configuration"),
        pytest.param(LABELS["b"], {"zone": "a"}, False, id="worker-that-the-configuration-leaves-out"),
        pytest.param(None, {"zone": "a"}, True, id="labels-unknown"),
    ],
)
def test_which_nodes_are_managed(labels, selector, managed):
    found = fleet(facts("n1", labels=labels))
    found.put_settings(Settings(node_selector=selector))
    assert found.nodes == (("n1",) if managed else ())


def test_a_node_that_is_not_managed_has_no_outcome():
    with pytest.raises(KeyError):
        fleet(facts("n1", "none")).outcome("n1")


def test_a_node_that_reported_nothing_keeps_its_wish_and_a_new_one_gets_its_rdma_mode():
    found = fleet(facts("old", nics=()), facts("new", nics=(), has_state=False), policies=(IN_A,))
    found.put_pools([pool("p", "exclusive", zone="a")])
    assert found.outcome("old").wish is None
    assert found.outcome("new").wish == NodeStateSpec(system=System(rdma_mode="exclusive"))


def test_a_node_in_two_pools_keeps_its_rdma_mode_and_says_so():
    found = fleet(facts("n1", rdma_mode="exclusive"))
    found.put_pools([pool("p", "shared", zone="a"), pool("q", "", zone="a")])
    outcome = found.outcome("n1")
    assert outcome.wish is not None
    assert outcome.wish.system.rdma_mode == "exclusive"
    (remark,) = outcome.remarks
    assert "p" in remark
    assert "q" in remark


def test_one_bad_policy_changes_nothing_of_what_others_give():
    good = fleet(facts("n1"), policies=(IN_A,))
    both = fleet(facts("n1"), policies=(IN_A, policy("bad", pf_names=("ens803f1#5",), priority=1)))
    assert both.outcome("n1").wish == good.outcome("n1").wish
    assert both.outcome("n1").plugin.config == good.outcome("n1").plugin.config
    assert [fault.path for fault in both.faults("bad")] == ["spec.nicSelector.pfNames[0]"]


def test_of_two_different_policies_with_one_name_none_is_applied():
    found = fleet(facts("n1"), policies=(IN_A, policy("in-a", num_vfs=4)))
    assert wishes(found, "n1") == []
    assert found.standing("in-a").reason == "Invalid"


def test_a_nic_with_other_facts_is_rendered_again():
    found = fleet(facts("n1"), policies=(policy("by-name", pf_names=("renamed",)),))
    assert wishes(found, "n1") == []
    assert found.put_node(facts("n1", nics=(nic(0, name="renamed"),))) == {"n1"}
    assert wishes(found, "n1") == ["renamed by-nameres 0-1"]


def test_a_policy_named_default_reaches_nobody():
    found = fleet(facts("n1"), policies=(policy("default"), IN_A))
    assert found.standing("default").reason == "Ignored"
    assert wishes(found, "n1") == ["ens803f1 in-ares 0-1"]


def test_what_nodes_were_like_before_is_forgotten_after_a_while():
    found = fleet(facts("n1"), policies=(IN_A,))
    for count in range(50):
        found.put_node(facts("n1", nics=(nic(1, num_vfs=count),)))
        found.outcome("n1")
    assert len(found._shared) <= 3


def test_a_name_that_no_selected_node_has_is_nowhere():
    named = policy("named", node_selector={"zone": "a"}, pf_names=("ens803f1", "ens9", "lan7"))
    found = fleet(facts("n1"), facts("n2", nics=(nic(1, alt_names=("lan7",)),)), facts("n3", "b"), policies=(named,))
    assert [entry.wanted for entry in found.nowhere("named")] == ["ens9"]
    assert fleet(policies=(named,)).nowhere("named") == ()
