"""The seven kinds, and the objects of other groups that are read beside them."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sriov_core.api import shape
from sriov_core.api.documents import parse, read
from sriov_core.api.foreign import ConfigMap, Namespace, Node
from sriov_core.api.kinds import KINDS, Kind
from sriov_core.api.networks import SriovNetwork
from sriov_core.api.poolconfig import PoolConfig

MINIMAL: dict[str, dict[str, Any]] = {
    "SriovNetworkNodePolicy": {"resourceName": "r", "nodeSelector": {}, "nicSelector": {"vendor": "8086"}, "numVfs": 1},
    "SriovNetworkNodeState": {},
    "SriovNetwork": {"resourceName": "r"},
    "SriovIBNetwork": {"resourceName": "r"},
    "OVSNetwork": {"resourceName": "r"},
    "SriovNetworkPoolConfig": {},
    "SriovOperatorConfig": {},
}
WRITTEN: dict[str, dict[str, Any]] = {
    **MINIMAL,
    "SriovNetworkNodePolicy": {**MINIMAL["SriovNetworkNodePolicy"], "bridge": {}},
    "SriovNetworkNodeState": {"bridges": {}, "system": {}},
    "SriovNetworkPoolConfig": {"ovsHardwareOffloadConfig": {}},
}
ALL = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)


def value(kind: str, spec: Any) -> dict[str, Any]:
    return {"apiVersion": "sriovnetwork.openshift.io/v1", "kind": kind, "metadata": {"name": "x"}, "spec": spec}


def faults(kind: str, spec: Any) -> list[str]:
    (document,) = parse(json.dumps(value(kind, spec)), "f")
    return [str(fault) for fault in (*document.unknown, *document.faults)]


@ALL
def test_the_least_that_a_kind_needs_is_read_and_written_as_go_writes_it(kind: Kind) -> None:
    (document,) = read(json.dumps(value(kind.name, MINIMAL[kind.name])), "f")
    assert isinstance(document.body, kind.body)
    written = msgspec.json.decode(msgspec.json.encode(document.body))
    assert written["spec"] == WRITTEN[kind.name]


@ALL
def test_a_misspelled_field_is_kept_and_reported(kind: Kind) -> None:
    (document,) = parse(json.dumps(value(kind.name, {**MINIMAL[kind.name], "resourcename": "r"})), "f")
    assert [fault.path for fault in document.unknown] == ["spec.resourcename"]
    assert document.raw["spec"]["resourcename"] == "r"
    assert document.body is not None


@ALL
def test_conditions_in_a_status_are_read(kind: Kind) -> None:
    ready = {
        "type": "Ready",
        "status": "True",
        "reason": "R",
        "message": "",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
    whole = {**value(kind.name, MINIMAL[kind.name]), "status": {"conditions": [ready]}}
    (document,) = read(json.dumps(whole), "f")
    assert document.body is not None
    assert not isinstance(document.body, (Node, ConfigMap, Namespace))
    assert [condition.type for condition in document.body.status.conditions] == ["Ready"]


CASES: dict[str, tuple[str, dict[str, Any], list[str]]] = {
    "a-count-of-nodes": ("SriovNetworkPoolConfig", {"maxUnavailable": 2}, []),
    "a-percentage": ("SriovNetworkPoolConfig", {"maxUnavailable": "30%"}, []),
    "neither-number-nor-text": (
        "SriovNetworkPoolConfig",
        {"maxUnavailable": []},
        ["spec.maxUnavailable: found a list, wanted an integer. Write a whole number in decimal digits"],
    ),
    "nothing-is-no-limit": ("SriovNetworkPoolConfig", {"maxUnavailable": None}, []),
    "rdma-mode": (
        "SriovNetworkPoolConfig",
        {"rdmaMode": "both"},
        ["spec.rdmaMode: found 'both', wanted one of exclusive, shared. Write one of them"],
    ),
    "vlan": (
        "SriovNetwork",
        {"resourceName": "r", "vlan": 4095},
        ["spec.vlan: found 4095, wanted 0 to 4094. Write a number within that range"],
    ),
    "ovs-has-one-vlan-more": ("OVSNetwork", {"resourceName": "r", "vlan": 4095}, []),
    "trunk": (
        "OVSNetwork",
        {"resourceName": "r", "trunk": [{"id": 1}, {"minID": -1}]},
        ["spec.trunk[1].minID: found -1, wanted 0 to 4095. Write a number within that range"],
    ),
    "a-gate-that-is-no-truth-value": (
        "SriovOperatorConfig",
        {"featureGates": {"metricsExporter": "true"}},
        [
            (
                "spec.featureGates[metricsExporter]: found the text 'true', wanted true or false. "
                "Write true or false, unquoted"
            )
        ],
    ),
    "a-required-field-misspelled": (
        "SriovNetwork",
        {"resourcename": "r"},
        [
            "spec.resourcename: unknown field. Did you mean resourceName?",
            "spec.resourceName: the field is missing. The field resourcename is not it: write resourceName",
        ],
    ),
}


@pytest.mark.parametrize(("kind", "spec", "told"), CASES.values(), ids=CASES.keys())
def test_fields_are_judged(kind: str, spec: dict[str, Any], told: list[str]) -> None:
    assert faults(kind, spec) == told


def test_the_log_level_of_a_network_is_info_unless_it_is_given() -> None:
    levels = []
    for spec in (
        {"resourceName": "r"},
        {"resourceName": "r", "logLevel": ""},
        {"resourceName": "r", "logLevel": "debug"},
    ):
        (document,) = read(json.dumps(value("SriovNetwork", spec)), "f")
        assert isinstance(document.body, SriovNetwork)
        levels.append(document.body.spec.log_level)
    assert levels == ["info", "", "debug"]


def test_a_pool_without_selector_differs_from_one_with_an_empty_selector() -> None:
    found = []
    for spec in ({}, {"nodeSelector": {}}):
        (document,) = read(json.dumps(value("SriovNetworkPoolConfig", spec)), "f")
        assert isinstance(document.body, PoolConfig)
        found.append(document.body.spec.node_selector is None)
    assert found == [True, False]


@pytest.mark.parametrize(
    ("text", "body"),
    [
        pytest.param("kind: Node\nspec: {providerID: aws:///x, podCIDR: 10.0.0.0/24}", Node, id="node"),
        pytest.param("kind: ConfigMap\ndata: {a: b}\nimmutable: true", ConfigMap, id="config-map"),
        pytest.param("kind: Namespace\nstatus: {phase: Active}", Namespace, id="namespace"),
    ],
)
def test_objects_of_other_groups_may_have_fields_that_are_not_read(text: str, body: type) -> None:
    (document,) = read(f"apiVersion: v1\nmetadata: {{name: x}}\n{text}\n", "f")
    assert isinstance(document.body, body)
    assert document.unknown == ()


def test_what_is_read_of_another_group_must_have_its_shape() -> None:
    (document,) = parse("apiVersion: v1\nkind: Node\nmetadata: {name: x, labels: [a]}\n", "f")
    assert [fault.path for fault in document.faults] == ["metadata.labels"]


SCALARS = (
    st.none() | st.booleans() | st.integers(-2, 5000) | st.sampled_from(["", "x", "on", "shared", "802.1ad", "30%"])
)
KEYS = st.sampled_from(
    [
        *("resourceName", "vlan", "vlanQoS", "trunk", "id", "minID", "ipam", "trust", "minTxRate", "logLevel"),
        *("maxUnavailable", "nodeSelector", "matchLabels", "matchExpressions", "key", "operator", "rdmaMode"),
        *("featureGates", "disablePlugins", "useCDI", "interfaces", "pciAddress", "vfGroups", "bridges", "ovs", "name"),
    ]
)
VALUES = st.recursive(
    SCALARS, lambda one: st.lists(one, max_size=2) | st.dictionaries(KEYS, one, max_size=3), max_leaves=8
)


@ALL
@given(spec=st.dictionaries(KEYS, VALUES, max_size=4))
@settings(max_examples=150, deadline=None)
def test_the_walker_refuses_exactly_what_the_decoder_refuses(kind: Kind, spec: dict[str, Any]) -> None:
    whole = value(kind.name, {**MINIMAL[kind.name], **spec})
    found = list(shape.faults(whole, msgspec.inspect.type_info(kind.body)))
    try:
        msgspec.convert(whole, kind.body)
        decodes = True
    except msgspec.ValidationError:
        decodes = False
    assert (not found) == decodes
