"""The ConfigMap of switches: what is right counts, what is wrong is told, and nothing outlives the ConfigMap."""

import json
from typing import Any

import pytest

from sriov_core.injection.switches import PLAIN, Switches, UserInjection, read_switches

PLACE = "data[config.json]"
ENTRY = {"op": "add", "path": "/metadata/annotations", "value": {"k": "v"}}
OLD = UserInjection(label="old", annotations=(("k", "v"),))


def config(value: Any) -> dict[str, Any]:
    return {"data": {"config.json": value if isinstance(value, str) else json.dumps(value)}}


def features(**values: Any) -> dict[str, Any]:
    return config({"features": values})


@pytest.mark.parametrize(
    ("config_map", "expected"),
    [
        pytest.param(None, PLAIN, id="no-config-map"),
        pytest.param(config({}), PLAIN, id="nothing-named"),
        pytest.param(config({"features": None}), PLAIN, id="features-null"),
        pytest.param(features(enableHugePageDownApi=True), Switches(hugepages=True), id="hugepages"),
        pytest.param(features(enableHonorExistingResources=True), Switches(honor_existing=True), id="honor"),
        pytest.param(
            config({"user-defined-injections": {"b": ENTRY, "a": {**ENTRY, "value": {}}}}),
            Switches(injections=(UserInjection(label="a"), UserInjection(label="b", annotations=(("k", "v"),)))),
            id="injections-by-label",
        ),
        pytest.param(
            config({"user-defined-injections": {"b": {"path": ENTRY["path"], "value": {"k": "v"}}}}),
            Switches(injections=(UserInjection(label="b", annotations=(("k", "v"),)),)),
            id="injection-without-op",
        ),
    ],
)
def test_a_config_map_gives_switches(config_map: Any, expected: Switches) -> None:
    assert read_switches(config_map) == expected


@pytest.mark.parametrize(
    ("config_map", "fault"),
    [
        pytest.param("x", "found the text 'x', wanted a mapping", id="text"),
        pytest.param({}, f"{PLACE}: the key is missing", id="no-data"),
        pytest.param({"data": {"config": "{}"}}, f"{PLACE}: the key is missing", id="no-key"),
        pytest.param({"data": {"config.json": 5}}, f"{PLACE}: found the integer 5, wanted text", id="number"),
        pytest.param(config("{"), f"{PLACE}: this is no JSON: Expecting property name", id="no-json"),
        pytest.param(config("[]"), f"{PLACE}: found a list, wanted a mapping", id="list"),
        pytest.param(config({"features": []}), f"{PLACE}.features: found a list, wanted a mapping", id="features-list"),
        pytest.param(features(enableHugePageDownApi="yes"), f"{PLACE}.features.enableHugePageDownApi: found", id="yes"),
        pytest.param(features(enableHugePages=True), f"{PLACE}.features.enableHugePages: unknown field", id="feature"),
        pytest.param(config({"feature": {}}), f"{PLACE}.feature: unknown field. Did you mean features?", id="misspelt"),
        pytest.param(config({"user-defined-injections": 1}), f"{PLACE}.user-defined-injections: found", id="integer"),
    ],
)
def test_a_mistake_is_a_fault_and_the_defaults_stay(config_map: Any, fault: str) -> None:
    found = read_switches(config_map, Switches(hugepages=True))
    assert (found.hugepages, found.honor_existing, found.injections) == (True, False, ())
    assert [str(one)[: len(fault)] for one in found.faults] == [fault]


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        pytest.param(None, ".path: found nothing, wanted /metadata/annotations", id="null"),
        pytest.param([], ": found a list, wanted a mapping", id="list"),
        pytest.param({**ENTRY, "path": "/metadata/labels"}, ".path: found the text '/metadata/labels'", id="labels"),
        pytest.param({**ENTRY, "op": "remove"}, ".op: found the text 'remove', wanted add", id="remove"),
        pytest.param({**ENTRY, "value": {"k": 1}}, ".value[k]: found the integer 1, wanted text", id="number"),
    ],
)
def test_a_bad_injection_costs_itself_only(entry: Any, fault: str) -> None:
    found = read_switches(config({"user-defined-injections": {"bad": entry, "good": ENTRY}}))
    assert [one.label for one in found.injections] == ["good"]
    assert [str(one).startswith(f"{PLACE}.user-defined-injections[bad]{fault}") for one in found.faults] == [True]


def test_one_bad_feature_does_not_cost_the_other() -> None:
    found = read_switches(features(enableHugePageDownApi=1, enableHonorExistingResources=True))
    assert (found.hugepages, found.honor_existing, len(found.faults)) == (False, True, 1)


def test_a_config_map_can_switch_a_default_off() -> None:
    assert not read_switches(features(enableHugePageDownApi=False), Switches(hugepages=True)).hugepages


def test_the_defaults_come_back_when_the_config_map_is_gone() -> None:
    defaults = Switches(hugepages=True, injections=(OLD,))
    assert read_switches(None, defaults) is defaults
    assert read_switches(config({"user-defined-injections": {}}), defaults).injections == ()
