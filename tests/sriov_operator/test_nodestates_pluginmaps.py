"""The ConfigMaps of the device plugin, followed from change to change, are those that are made in one go."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sriov_core.api.pluginconfig import PluginConfig, Resource, Selectors, encode
from sriov_core.policy import deviceplugin
from sriov_operator.nodestates.pluginmaps import MapPatch, PluginMaps, map_name

NAMES = [f"node-{number}" for number in range(12)]
Cluster = dict[str, dict[str, str]]


def config(size: int) -> PluginConfig:
    names = tuple(f"ens{number}f0" for number in range(size))
    return PluginConfig(resource_list=(Resource(resource_name="r", selectors=Selectors(pf_names=names)),))


TEXTS = [encode(config(size)) for size in (1, 5, 9)]
LIMIT = 400
CHANGES = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from([None, 1, 5, 9])), max_size=40)


def written(maps: PluginMaps, cluster: Cluster, *, most: int = 1000) -> int:
    """Write what is to be written, that many patches at most; the number of patches."""
    count = 0
    while patches := maps.patches():
        for patch in patches:
            if count == most:
                return count
            count += 1
            write(patch, cluster)
            maps.done(patch)
    return count


def write(patch: MapPatch, cluster: Cluster) -> None:
    """As the API server does; a patch that it would refuse is a mistake."""
    if patch.deletes:
        del cluster[patch.name]
        return
    assert patch.creates == (patch.name not in cluster)
    there = cluster.setdefault(patch.name, {})
    for node, text in patch.data.items():
        if text is None:
            del there[node]
        else:
            there[node] = text


def adopted(cluster: Cluster, nodes: Any) -> PluginMaps:
    maps = PluginMaps(limit=LIMIT)
    for number in range(len(cluster) + 1):
        data = cluster.get(map_name(number))
        if data is None:
            maps.missing(number)
        else:
            maps.adopt(number, data, nodes)
    return maps


def wanted(configs: dict[str, int]) -> Cluster:
    maps = deviceplugin.config_maps({node: config(size) for node, size in configs.items()}, namespace="sriov")
    return {one["metadata"]["name"]: one["data"] for one in maps}


def apply(maps: PluginMaps, configs: dict[str, int], changes: list[tuple[str, int | None]]) -> None:
    for node, size in changes:
        if size is None:
            maps.drop(node)
            configs.pop(node, None)
        else:
            assert maps.put(node, encode(config(size)))
            configs[node] = size


@pytest.fixture(autouse=True)
def small_config_maps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deviceplugin, "LARGEST_CONFIG_MAP", LIMIT)


@given(st.lists(CHANGES, max_size=4))
def test_after_any_changes_there_is_what_one_go_would_make(rounds):
    maps, cluster, configs = PluginMaps(limit=LIMIT), {}, {}
    for changes in rounds:
        apply(maps, configs, changes)
        written(maps, cluster)
        assert cluster == wanted(configs)
        assert all(maps.is_written(node) for node in configs)
        assert not maps.pending


@given(CHANGES, CHANGES, st.integers(0, 12))
def test_a_node_finds_its_config_at_any_moment_of_a_move(before, after, stopped):
    """Whatever is written of the second round when it breaks off, who keeps a config has one to read."""
    maps, cluster, configs = PluginMaps(limit=LIMIT), {}, {}
    apply(maps, configs, before)
    written(maps, cluster)
    old = dict(configs)
    apply(maps, configs, after)
    written(maps, cluster, most=stopped)
    for node in old.keys() & configs.keys():
        texts = {data[node] for data in cluster.values() if node in data}
        assert texts
        assert texts <= {encode(config(old[node])), encode(config(configs[node])), *TEXTS}


@given(CHANGES, CHANGES, st.integers(0, 12))
@example([(f"node-{number}", 1) for number in (0, 1, 2, 3, 8)], [("node-0", None)], 4)
def test_the_next_process_goes_on_where_one_was_killed(before, after, stopped):
    maps, cluster, configs = PluginMaps(limit=LIMIT), {}, {}
    apply(maps, configs, before)
    written(maps, cluster)
    apply(maps, configs, after)
    written(maps, cluster, most=stopped)
    fresh = adopted(cluster, configs.keys())
    apply(fresh, {}, list(configs.items()))
    written(fresh, cluster)
    assert cluster == wanted(configs)


def test_what_is_there_as_wanted_is_not_written():
    cluster = wanted(dict.fromkeys(NAMES, 5))
    assert len(cluster) > 1
    maps = adopted(cluster, NAMES)
    apply(maps, {}, [(node, 5) for node in NAMES])
    assert maps.patches() == ()


def test_nodes_that_are_gone_are_removed_and_those_not_looked_at_yet_stay():
    cluster = {map_name(0): {"gone": "x", "node-1": "as it was"}}
    maps = adopted(cluster, ["node-1"])
    assert maps.patches() == (MapPatch(number=0, data={"gone": None}),)
    assert not maps.is_written("gone")
    assert maps.is_written("node-1")


def test_many_changes_are_one_patch():
    cluster: Cluster = {map_name(0): {}}
    maps = adopted(cluster, NAMES)
    for node in NAMES[:4]:
        maps.put(node, "x")
        maps.put(node, TEXTS[0])
    maps.put(NAMES[0], "y")
    maps.drop(NAMES[1])
    assert maps.patches() == (MapPatch(number=0, data={NAMES[0]: "y", NAMES[2]: TEXTS[0], NAMES[3]: TEXTS[0]}),)


def test_the_config_map_is_made_without_nodes_too():
    assert adopted({}, []).patches() == (MapPatch(number=0, creates=True),)


def test_a_config_map_that_was_deleted_is_made_again():
    cluster: Cluster = {}
    maps = adopted(cluster, NAMES)
    maps.put(NAMES[0], "x")
    written(maps, cluster)
    maps.missing(0)
    assert maps.patches() == (MapPatch(number=0, data={NAMES[0]: "x"}, creates=True),)


def test_what_somebody_else_changed_is_put_right():
    cluster: Cluster = {}
    maps = adopted(cluster, NAMES)
    maps.put(NAMES[0], "x")
    written(maps, cluster)
    maps.adopt(0, {NAMES[0]: "y", "stranger": "z"}, [NAMES[0]])
    assert maps.patches() == (MapPatch(number=0, data={NAMES[0]: "x", "stranger": None}),)


def test_what_no_config_map_takes_is_refused_and_the_node_keeps_what_it_has():
    cluster: Cluster = {}
    maps = adopted(cluster, NAMES)
    maps.put(NAMES[0], "x")
    assert not maps.put(NAMES[0], "y" * LIMIT)
    written(maps, cluster)
    assert cluster == {map_name(0): {NAMES[0]: "x"}}
