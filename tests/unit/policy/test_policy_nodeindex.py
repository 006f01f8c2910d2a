"""Selecting nodes by labels gives what looking at each node gives."""

from hypothesis import given
from hypothesis import strategies as st

from sriov_core.policy.nodeindex import NodeIndex

LABELS = st.dictionaries(st.sampled_from(["zone", "rack", "gpu"]), st.sampled_from(["a", "b", ""]))
NODES = st.dictionaries(st.sampled_from([f"node{number}" for number in range(6)]), st.none() | LABELS)


def index_of(nodes: dict[str, dict[str, str] | None]) -> NodeIndex:
    index = NodeIndex()
    for node, labels in nodes.items():
        index.put(node, labels)
    return index


@given(NODES, NODES, LABELS)
def test_the_index_agrees_with_a_look_at_every_node_after_changes(before, after, selector):
    index = index_of(before)
    for node in before:
        index.drop(node)
    for node, labels in (*before.items(), *after.items()):
        index.put(node, labels)
    final = {**before, **after}
    assert index.selected(selector) == {
        node
        for node, labels in final.items()
        if labels is None or all(labels.get(key) == value for key, value in selector.items())
    }


def test_a_dropped_node_leaves_nothing_behind():
    index = index_of({"node1": {"zone": "a"}, "node2": None})
    index.drop("node1")
    index.drop("node2")
    index.drop("node3")
    assert index == NodeIndex()


def test_an_empty_selector_selects_every_node():
    assert index_of({"node1": {}, "node2": {"zone": "a"}}).selected({}) == {"node1", "node2"}
