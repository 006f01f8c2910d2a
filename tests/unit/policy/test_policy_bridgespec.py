"""Bridges of node states to model values and back, in wish and report."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sriov_core.api import nodestate as wire
from sriov_core.api.documents import read
from sriov_core.api.wire import ObjectMeta
from sriov_core.errors import SpecError
from sriov_core.model.address import Address
from sriov_core.model.bridges import Bridge, OpenVSwitch, Uplink
from sriov_core.model.desired import NodeSpec
from sriov_core.policy.nodereport import from_open_vswitch, to_bridges
from sriov_core.policy.nodestate import from_spec, to_spec

PF = Address("0000:d8:00.0")

WRITTEN = """
apiVersion: sriovnetwork.openshift.io/v1
kind: SriovNetworkNodeState
metadata: {name: node1}
spec:
  bridges:
    ovs:
    - name: br-0000_d8_00.0
      bridge:
        datapathType: netdev
        externalIDs: {a: b}
        otherConfig: {c: d}
        failMode: secure
      uplinks:
      - pciAddress: 0000:d8:00.0
        name: ens1f0np0
        interface:
          type: dpdk
          options: {e: f}
          externalIDs: {g: h}
          otherConfig: {i: j}
          mtuRequest: 9000
"""
READ = Bridge(
    name="br-0000_d8_00.0",
    datapath_type="netdev",
    fail_mode="secure",
    external_ids={"a": "b"},
    other_config={"c": "d"},
    uplink=Uplink(
        nic=PF,
        name="ens1f0np0",
        type="dpdk",
        options={"e": "f"},
        external_ids={"g": "h"},
        other_config={"i": "j"},
        mtu_request=9000,
    ),
)


def document(text: str) -> wire.NodeState:
    body = read(text, "file")[0].body
    assert isinstance(body, wire.NodeState)
    return body


def of(part: str, *bridges: dict[str, Any]) -> wire.NodeState:
    found = {
        "apiVersion": "sriovnetwork.openshift.io/v1",
        "kind": "SriovNetworkNodeState",
        "metadata": {"name": "node1"},
    }
    return document(json.dumps({**found, part: {"bridges": {"ovs": list(bridges)}}}))


WORDS = st.text(st.characters(min_codepoint=97, max_codepoint=122), max_size=6)
MAPS = st.dictionaries(WORDS, WORDS, max_size=3)
UPLINKS = st.builds(
    Uplink,
    nic=st.integers(0, 31).map(lambda slot: Address(f"0000:d8:{slot:02x}.0")),
    name=WORDS,
    type=WORDS,
    options=MAPS,
    external_ids=MAPS,
    other_config=MAPS,
    mtu_request=st.none() | st.integers(0, 65535),
)


def bridges(uplinks: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Bridge, ...]]:
    one = st.builds(
        Bridge,
        name=WORDS.filter(bool),
        datapath_type=WORDS,
        fail_mode=st.sampled_from(["", "secure", "standalone"]),
        external_ids=MAPS,
        other_config=MAPS,
        uplink=uplinks,
    )
    return st.lists(one, max_size=3, unique_by=lambda each: each.name).map(
        lambda found: tuple(sorted(found, key=lambda each: each.name))
    )


@given(bridges(UPLINKS))
def test_wished_bridges_survive_the_way_to_the_wire_and_back(wished: tuple[Bridge, ...]) -> None:
    spec = NodeSpec(bridges=wished)
    written = msgspec.json.decode(msgspec.json.encode(from_spec(spec)), type=wire.NodeStateSpec)
    assert to_spec(wire.NodeState(metadata=ObjectMeta(name="node1"), spec=written)) == spec


@given(bridges(st.none() | UPLINKS))
def test_reported_bridges_survive_the_way_to_the_wire_and_back(found: tuple[Bridge, ...]) -> None:
    report = wire.NodeStateStatus(bridges=from_open_vswitch(OpenVSwitch(bridges=found)))
    written = msgspec.json.decode(msgspec.json.encode(report), type=wire.NodeStateStatus)
    assert to_bridges(wire.NodeState(metadata=ObjectMeta(name="node1"), status=written)) == found


def test_every_field_of_a_document_is_read_and_written_unchanged() -> None:
    state = document(WRITTEN)
    spec = to_spec(state)
    assert spec.bridges == (READ,)
    assert from_spec(spec) == state.spec


def test_a_bridge_with_nothing_said_is_one_with_defaults() -> None:
    state = of("spec", {"name": "br-1", "uplinks": [{"pciAddress": "0000:D8:00.0"}]})
    assert to_spec(state).bridges == (Bridge(name="br-1", uplink=Uplink(nic=PF, name="")),)


def test_bridges_are_written_sorted_by_name() -> None:
    found = (Bridge(name="b"), Bridge(name="a"))
    assert [bridge.name for bridge in from_open_vswitch(OpenVSwitch(bridges=found)).ovs] == ["a", "b"]


@pytest.mark.parametrize("ovs", [None, OpenVSwitch(), OpenVSwitch(error="no answer")], ids=["none", "empty", "silent"])
def test_no_bridges_are_reported_as_none(ovs: OpenVSwitch | None) -> None:
    assert msgspec.to_builtins(from_open_vswitch(ovs)) == {}


ONE_EACH = "Give the bridge one PF; of several, make bridges of their own"
PORT = {"pciAddress": "0000:d8:00.0", "name": "p0"}
OTHER = {"pciAddress": "0000:d8:00.1", "name": "p1"}


@pytest.mark.parametrize(
    ("given_bridges", "faults"),
    [
        pytest.param(
            [{"name": "", "uplinks": [PORT]}],
            ["ovs[0].name: it is empty. Name the bridge, as in br-0000_3b_00.0"],
            id="no-name",
        ),
        pytest.param(
            [{"name": "a", "uplinks": [PORT]}, {"name": "a", "uplinks": [OTHER]}],
            ["ovs[1].name: 'a' is given in {path}.ovs[0] too. Remove one of them"],
            id="name-given-twice",
        ),
        pytest.param(
            [{"name": "a", "uplinks": [PORT, OTHER]}],
            [f"ovs[0].uplinks: found 2 uplinks, wanted one. {ONE_EACH}"],
            id="two-uplinks",
        ),
        pytest.param(
            [{"name": "a", "uplinks": [{"pciAddress": "ens1f0"}]}],
            ["ovs[0].uplinks[0].pciAddress: 'ens1f0' is no PCI address. Write it as in 0000:3b:00.0"],
            id="no-address",
        ),
    ],
)
@pytest.mark.parametrize("part", ["spec", "status"])
def test_malformed_bridges_are_refused_in_words(
    part: str, given_bridges: list[dict[str, Any]], faults: list[str]
) -> None:
    with pytest.raises(SpecError) as raised:
        (to_spec if part == "spec" else to_bridges)(of(part, *given_bridges))
    path = f"{part}.bridges"
    assert str(raised.value) == "\n".join(f"node state node1: {path}.{fault.format(path=path)}" for fault in faults)


def test_a_reported_bridge_may_have_lost_its_uplink_and_a_wished_one_may_not() -> None:
    assert to_bridges(of("status", {"name": "a"})) == (Bridge(name="a"),)
    with pytest.raises(SpecError, match=r"spec.bridges.ovs\[0\].uplinks: found 0 uplinks, wanted one"):
        to_spec(of("spec", {"name": "a"}))
