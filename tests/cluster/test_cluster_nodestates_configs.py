"""The device plugin's configs on a real API server: what is in them, and in which ConfigMap."""

from collections.abc import Iterator

import pytest
from nodestates_stage import CX6, X710, Document, Stage, stage
from operator_runs import until
from servers import Server
from servers_admin import MERGE


@pytest.fixture
def here(server: Server, namespace: str) -> Iterator[Stage]:
    """A stage on which nothing runs."""
    with stage(server, namespace) as made:
        yield made


@pytest.fixture
def cluster(here: Stage) -> Stage:
    """A stage with a configuration and an operator; states of nodes that are not served are deleted at once."""
    here.configure()
    here.start()
    return here


VDPA = {"eSwitchMode": "switchdev", "nicSelector": {"vendor": "15b3"}}
FLAGS = {"IsRdma": False, "NeedVhostNet": False}


@pytest.mark.parametrize(
    ("spec", "wanted"),
    [
        pytest.param({**VDPA, "vdpaType": "virtio"}, {"selectors": {"vdpaType": "virtio"}}, id="vdpa-virtio"),
        pytest.param({**VDPA, "vdpaType": "vhost"}, {"selectors": {"vdpaType": "vhost"}}, id="vdpa-vhost"),
        pytest.param(
            {"nicSelector": {"pfNames": ["enp216s0f0np0#0-3"]}, "excludeTopology": True},
            {"excludeTopology": True, "selectors": {"pfNames": ["enp216s0f0np0#0-3"]}},
            id="exclude-topology",
        ),
    ],
)
def test_a_policy_in_the_device_plugins_config(cluster: Stage, spec: Document, wanted: Document) -> None:
    cluster.node("a")
    cluster.report("a", CX6)
    cluster.policy("p", **spec)
    (found,) = until(lambda: cluster.resources("a"))
    selectors = found.pop("selectors")
    assert selectors == {**({"vendors": ["15b3"]} if "vdpaType" in selectors else {}), **wanted["selectors"], **FLAGS}
    assert found == {
        "resourceName": "pres",
        "SelectorObj": None,
        **{k: v for k, v in wanted.items() if k != "selectors"},
    }


def test_policies_of_two_vendors_for_one_resource(cluster: Stage) -> None:
    both = {"resourceName": "res", "numVfs": 4}
    intel = {"vendor": "8086", "rootDevices": [X710["pciAddress"]]}
    mellanox = {"vendor": "15b3", "rootDevices": [CX6["pciAddress"]]}
    cluster.policy("intel", **both, deviceType="vfio-pci", nicSelector=intel)
    cluster.policy("mellanox", **both, isRdma=True, nicSelector=mellanox)
    cluster.node("a")  # which the operator may know of before it knows both policies
    until(lambda: [one["selectors"]["vendors"] for one in cluster.resources("a") or []] == [["15b3", "8086"]])
    (found,) = cluster.resources("a") or []
    assert found["selectors"]["rootDevices"] == [X710["pciAddress"], CX6["pciAddress"]]
    assert "drivers" not in found["selectors"]


def test_two_ranges_of_a_port_on_a_node_that_has_reported_nothing(cluster: Stage) -> None:
    def spec(first: int, last: int) -> Document:
        return {"vendor": "8086", "pfNames": [f"ens0#{first}-{last}"]}

    cluster.policy("vfio", resourceName="resvfiopci", deviceType="vfio-pci", numVfs=20, nicSelector=spec(0, 9))
    cluster.policy("net", resourceName="resnetdevice", numVfs=20, nicSelector=spec(10, 19))
    cluster.node("a")
    until(lambda: len(cluster.resources("a") or []) == 2)
    assert {one["resourceName"]: one["selectors"] for one in cluster.resources("a") or []} == {
        "resvfiopci": {"vendors": ["8086"], "pfNames": ["ens0#0-9"], **FLAGS},
        "resnetdevice": {"vendors": ["8086"], "pfNames": ["ens0#10-19"], **FLAGS},
    }
    until(lambda: cluster.label("a") == "Enabled")
    assert cluster.wishes("a") == []
    assert cluster.ready("net", "NotReported")["pendingNodes"] == 1


def addresses(resources: list[Document] | None) -> list[str]:
    """The devices that the resource for the cloud's network names."""
    found = [one for one in resources or [] if one["resourceName"] == "cloudres"]
    return [address for one in found for address in one["selectors"].get("pciAddresses", [])]


def test_a_net_filter_on_a_node_without_a_report_holds_up_nobody(cluster: Stage) -> None:
    cluster.policy("p")
    cluster.policy("cloud", nicSelector={"netFilter": "openstack/NetworkID:11111111-2222"})
    cluster.node("mute")
    cluster.node("a")
    cluster.report("a")
    until(lambda: cluster.label("a") == "Enabled")
    assert [one["resourceName"] for one in until(lambda: cluster.resources("mute"))] == ["pres"]
    virtual = {**CX6, "netFilter": "openstack/NetworkID:11111111-2222", "totalvfs": 1, "numVfs": 1}
    cluster.report("mute", virtual, platform="openstack")
    cluster.policy("cloud", numVfs=1, nicSelector={"netFilter": "openstack/NetworkID:11111111-2222"})
    until(lambda: cluster.wishes("mute") == ["enp216s0f0np0 1: cloudres 0-0"])
    until(lambda: [CX6["pciAddress"]] == addresses(cluster.resources("mute")))


def test_the_ids_of_supported_nics_are_followed(cluster: Stage) -> None:
    cluster.node("a")
    cluster.policy("p", nicSelector={"deviceID": "158b"})
    (found,) = until(lambda: cluster.resources("a"))
    assert found["selectors"]["devices"] == ["154c"]
    metadata = {"name": "supported-nic-ids", "namespace": cluster.namespace}
    document = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
    cluster.server.admin.create({**document, "data": {"x710": "8086 158b beef", "broken": "8086"}})
    until(lambda: [one["selectors"]["devices"] for one in cluster.resources("a") or []] == [["beef"]])
    (running,) = cluster.operators
    assert 'informer_silence_seconds{resource="configmaps/supported-nic-ids"}' in running.metrics.text().decode()
    cluster.server.admin.remove(f"/api/v1/namespaces/{cluster.namespace}/configmaps/supported-nic-ids")
    until(lambda: [one["selectors"]["devices"] for one in cluster.resources("a") or []] == [["154c"]])


def test_the_config_map_belongs_to_the_configuration_of_the_day(cluster: Stage) -> None:
    def owners() -> list[str]:
        found = cluster.config_map() or {"metadata": {}}
        return [one["uid"] for one in found["metadata"].get("ownerReferences", [])]

    first = cluster.configure()
    cluster.node("a")
    until(lambda: cluster.resources("a") == [])
    assert owners() == [first["metadata"]["uid"]]
    cluster.delete("SriovOperatorConfig", "default")
    second = cluster.configure()
    until(lambda: owners() == [second["metadata"]["uid"]])


def test_what_is_left_over_goes_and_what_is_deleted_comes_back(here: Stage) -> None:
    here.configure()
    for name in ("device-plugin-config", "device-plugin-config-1"):
        metadata = {"name": name, "namespace": here.namespace}
        data = {"gone-since": "{}", "kept": "{}"}
        here.server.admin.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})
    for node in ("a", "b"):
        here.node(node)
    here.start()
    until(lambda: here.resources("a") == [] == here.resources("b"))
    until(lambda: set((here.config_map() or {})["data"]) == {here.name("a"), here.name("b")})
    until(lambda: here.config_map(1) is None)
    here.server.admin.remove(f"/api/v1/namespaces/{here.namespace}/configmaps/device-plugin-config")
    here.policy("p", on="a")
    until(lambda: here.resources("a") and here.resources("b") == [])


def test_what_somebody_else_wrote_is_put_right_with_the_next_write(cluster: Stage) -> None:
    """As a former leader may, whose request was under way for long."""
    for node in ("a", "b"):
        cluster.node(node)
        cluster.report(node, X710, CX6)
    cluster.policy("p")
    until(lambda: cluster.resources("a") and cluster.resources("b"))
    late = {"data": {cluster.name("a"): '{"resourceList":null}'}}
    path = f"/api/v1/namespaces/{cluster.namespace}/configmaps/device-plugin-config"
    cluster.server.admin.done("PATCH", path, late, content_type=MERGE)
    assert cluster.resources("a") == []
    cluster.policy("q", on="b", nicSelector={"vendor": "15b3"})
    until(lambda: {one["resourceName"] for one in cluster.resources("b") or []} == {"pres", "qres"})
    until(lambda: [one["resourceName"] for one in cluster.resources("a") or []] == ["pres"])


def test_many_nodes_with_long_lists_are_spread_over_config_maps(cluster: Stage) -> None:
    def data(number: int) -> dict[str, str]:
        return (cluster.config_map(number) or {}).get("data") or {}

    nodes = [f"n{number}" for number in range(28)]
    for node in nodes:
        cluster.node(node)
    until(lambda: cluster.resources(nodes[-1]) == [])
    cluster.policy("p", nicSelector={"pfNames": [f"enp{number}s0f0np0-of-a-rack" for number in range(1500)]})
    until(lambda: all(cluster.label(node) == "Enabled" for node in nodes))
    until(lambda: sorted((*data(0), *data(1))) == sorted(map(cluster.name, nodes)))
    assert len({*data(0).values(), *data(1).values()}) == 1
    cluster.delete("SriovNetworkNodePolicy", "p")
    until(lambda: cluster.config_map(1) is None)
    assert set(data(0)) == set(map(cluster.name, nodes))
