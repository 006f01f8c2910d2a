"""The configs of all nodes as ConfigMaps, and the label of a node."""

import json

from sriov_core.api.pluginconfig import PluginConfig, Resource, Selectors, encode
from sriov_core.policy.deviceplugin import LARGEST_CONFIG_MAP, config_maps, node_label

ONE = PluginConfig(resource_list=(Resource(resource_name="r", selectors=Selectors(vendors=("8086",))),))


def test_the_label_says_whether_the_node_offers_anything() -> None:
    assert node_label(ONE) == "Enabled"
    assert node_label(PluginConfig()) == "Disabled"
    assert node_label(PluginConfig(resource_list=())) == "Disabled"


def test_a_small_cluster_has_one_config_map_with_a_key_for_each_node() -> None:
    assert config_maps({"b": PluginConfig(), "a": ONE}, namespace="sriov") == (
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "device-plugin-config", "namespace": "sriov"},
            "data": {"a": encode(ONE), "b": '{"resourceList":null}'},
        },
    )


def test_a_cluster_without_nodes_has_an_empty_config_map() -> None:
    assert [one["data"] for one in config_maps({}, namespace="sriov")] == [{}]


def test_a_large_cluster_is_spread_over_a_power_of_two_of_config_maps() -> None:
    names = tuple(f"ens{port}f{index}#0-63" for port in range(16) for index in range(8))
    large = PluginConfig(resource_list=(Resource(resource_name="r", selectors=Selectors(pf_names=names)),))
    nodes = {f"node-{number}": large for number in range(1500)}
    maps = config_maps(nodes, namespace="sriov")
    assert [one["metadata"]["name"] for one in maps] == [
        "device-plugin-config", "device-plugin-config-1", "device-plugin-config-2", "device-plugin-config-3",
    ]  # fmt: skip
    assert all(len(json.dumps(one)) < 1_048_576 for one in maps)
    assert all(sum(map(len, (*one["data"], *one["data"].values()))) <= LARGEST_CONFIG_MAP for one in maps)
    assert {node: text for one in maps for node, text in one["data"].items()} == dict.fromkeys(nodes, encode(large))
    assert ["node-0" in maps[1]["data"], "node-7" in maps[2]["data"], "node-8" in maps[3]["data"]] == [True] * 3
    fewer = config_maps(dict(list(nodes.items())[:1200]), namespace="sriov")
    assert len(fewer) == len(maps)
    assert all(one["data"].keys() <= other["data"].keys() for one, other in zip(fewer, maps, strict=True))
