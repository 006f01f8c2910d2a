"""`render`: a cluster in files, and what the control plane would write for it on the standard output."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from cli_runs import Cli, Files, policy_text

GROUP = "apiVersion: sriovnetwork.openshift.io/v1\n"
STATE = f"""{GROUP}kind: SriovNetworkNodeState
metadata: {{name: node1}}
status:
  interfaces:
  - {{pciAddress: "0000:01:00.0", vendor: "8086", deviceID: "10c9", name: enp1s0, totalvfs: 7, linkType: ETH}}
"""
NODE = """apiVersion: v1
kind: Node
metadata: {name: node1, labels: {kubernetes.io/os: linux, node-role.kubernetes.io/worker: "", zone: a}}
"""
NETWORK = f"{GROUP}kind: SriovNetwork\nmetadata: {{name: net, namespace: apps}}\nspec: {{resourceName: fast}}\n"
POOL = f"{GROUP}kind: SriovNetworkPoolConfig\nmetadata: {{name: exclusive}}\nspec: {{rdmaMode: exclusive}}\n"
GOOD = ("nodestate-xl710", "nodestate-connectx5", "vfio-policy", "readme-network", "metaplugins-network", "ovs-network")


@pytest.fixture
def render(cli: Cli, files: Files) -> Any:
    """Render documents, given as texts."""
    return lambda *texts, options=(): cli("render", *options, "-f", files.write("\n---\n".join(texts), "all.yaml"))


def objects(text: str) -> dict[tuple[str, str], Any]:
    """The printed objects by kind and name."""
    return {(one["kind"], one["metadata"]["name"]): one for one in yaml.safe_load_all(text)}


def resources(found: dict[tuple[str, str], Any], node: str = "node1") -> list[Any]:
    """The device plugin's resources of a node."""
    config = found[("ConfigMap", "device-plugin-config")]["data"][node]
    return json.loads(config)["resourceList"] or []


@pytest.mark.parametrize("name", GOOD)
def test_each_example_renders_by_itself(cli: Cli, manifests: Path, name: str) -> None:
    ran = cli("render", "-f", manifests / f"{name}.yaml")
    assert (ran.code, ran.errors) == (0, [])


def test_the_examples_render_together_into_what_they_describe(cli: Cli, manifests: Path) -> None:
    ran = cli("render", *(word for name in (*GOOD, "switchdev-policy") for word in ("-f", manifests / f"{name}.yaml")))
    assert ran.code == 1
    assert ran.errors == [
        (
            "OVSNetwork and SriovNetwork example-network make one attachment in namespace example-namespace. "
            "Rename all but one"
        )
    ]
    given = [name for name in (*GOOD, "switchdev-policy") if name != "ovs-network"]
    ran = cli("render", *(word for name in given for word in ("-f", manifests / f"{name}.yaml")))
    assert (ran.code, ran.errors) == (0, [])
    found = objects(ran.out)
    assert [*found] == [
        ("SriovNetworkNodeState", "node1"),
        ("SriovNetworkNodeState", "worker-node-1"),
        ("ConfigMap", "device-plugin-config"),
        ("NetworkAttachmentDefinition", "sriov-net"),
        ("NetworkAttachmentDefinition", "example-network"),
    ]
    asked = {
        name: [(wish["name"], wish["numVfs"]) for wish in found[("SriovNetworkNodeState", name)]["spec"]["interfaces"]]
        for name in ("node1", "worker-node-1")
    }
    assert asked == {"node1": [("ens41f0np0", 3), ("ens41f1np1", 3)], "worker-node-1": [("ens803f0", 4)]}


def test_the_rendered_state_is_the_one_that_the_example_carries(cli: Cli, manifests: Path) -> None:
    state = manifests / "nodestate-xl710.yaml"
    found = objects(cli("render", "-f", state, "-f", manifests / "vfio-policy.yaml").out)
    recorded = yaml.safe_load(state.read_text())["spec"]["interfaces"]
    assert found[("SriovNetworkNodeState", "worker-node-1")]["spec"]["interfaces"] == recorded


def test_a_policy_with_the_field_of_an_old_readme_is_refused_with_the_one_that_was_meant(
    cli: Cli, manifests: Path
) -> None:
    ran = cli("render", "-f", manifests / "readme-policy.yaml")
    assert (ran.code, ran.out) == (1, "")
    assert ran.errors == [
        f"{manifests}/readme-policy.yaml, document 1: spec.nicSelector.pfName: unknown field. Did you mean pfNames?",
        (
            "policy policy-1: spec.nicSelector: it is empty, and an empty selector takes no NIC. "
            "Give at least one of vendor, deviceID, pfNames, rootDevices and netFilter"
        ),
    ]


def test_json_is_a_list_of_the_same_objects(render: Any) -> None:
    texts = (STATE, policy_text("fast"), NETWORK)
    listed = render(*texts, options=("-o", "json")).data
    assert (listed["apiVersion"], listed["kind"]) == ("v1", "List")
    assert listed["items"] == list(yaml.safe_load_all(render(*texts).out))


def test_the_order_of_the_documents_does_not_matter(render: Any) -> None:
    texts = (STATE, NODE, POOL, policy_text("b", priority=10), policy_text("a", priority=20), NETWORK)
    assert render(*texts).out == render(*texts[::-1]).out


def test_a_list_as_kubectl_prints_it_is_read(render: Any) -> None:
    items = [yaml.safe_load(text) for text in (STATE, NODE, policy_text("fast"))]
    found = objects(render(json.dumps({"apiVersion": "v1", "kind": "List", "items": items})).out)
    assert [one["resourceName"] for one in resources(found)] == ["fast"]


@pytest.mark.parametrize(
    ("zone", "interfaces"), [pytest.param("a", 1, id="selected"), pytest.param("b", 0, id="not-selected")]
)
def test_the_labels_of_a_node_decide_which_policies_count(render: Any, zone: str, interfaces: int) -> None:
    ran = render(STATE, NODE, policy_text("fast", nodeSelector={"zone": zone}))
    assert "no Node object" not in ran.err
    found = objects(ran.out)
    assert len(found[("SriovNetworkNodeState", "node1")]["spec"].get("interfaces", [])) == interfaces
    assert len(resources(found)) == interfaces


def test_a_node_state_without_its_node_counts_as_selected_and_it_is_said(render: Any) -> None:
    ran = render(STATE, policy_text("fast", nodeSelector={"zone": "b"}))
    assert ran.err == "note: node node1: no Node object is given, so every nodeSelector selects it\n"
    assert len(resources(objects(ran.out))) == 1


def test_a_node_that_is_not_managed_gets_nothing_and_it_is_said(render: Any) -> None:
    ran = render(STATE, NODE.replace("node-role.kubernetes.io/worker", "gpu"), policy_text("fast"))
    assert (ran.code, ran.out) == (0, "")
    assert "node node1 is not managed" in ran.err


def test_the_operator_s_configuration_names_the_managed_nodes(render: Any) -> None:
    config = f"{GROUP}kind: SriovOperatorConfig\nmetadata: {{name: default}}\nspec:\n  configDaemonNodeSelector: "
    assert objects(render(STATE, NODE, config + "{zone: a}").out)
    assert render(STATE, NODE, config + "{zone: b}").out == ""


def test_a_new_node_gets_a_state_with_its_rdma_mode(render: Any) -> None:
    found = objects(render(NODE, POOL).out)
    assert found[("SriovNetworkNodeState", "node1")]["spec"] == {"bridges": {}, "system": {"rdmaMode": "exclusive"}}
    assert resources(found) == []


def test_bridges_are_rendered_when_their_gate_is_on(render: Any) -> None:
    config = f"{GROUP}kind: SriovOperatorConfig\nmetadata: {{name: default}}\nspec: {{featureGates: GATES}}\n"
    policy = policy_text("fast", eSwitchMode="switchdev", deviceType=None, bridge={"ovs": {}})
    on = objects(render(STATE, policy, config.replace("GATES", "{manageSoftwareBridges: true}")).out)
    off = objects(render(STATE, policy, config.replace("GATES", "{}")).out)
    names = [
        [bridge["name"] for bridge in found[("SriovNetworkNodeState", "node1")]["spec"]["bridges"].get("ovs", [])]
        for found in (on, off)
    ]
    assert names == [["br-0000_01_00.0"], []]


def test_the_id_of_vfs_comes_from_the_table_when_one_is_given(render: Any) -> None:
    table = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: supported-nic-ids}\ndata: {x: 8086 10c9 beef}\n"
    policy = policy_text("fast", nicSelector={"vendor": "8086", "deviceID": "10c9"})
    for texts, device in (((STATE, policy), "10ca"), ((STATE, policy, table), "beef")):
        (resource,) = resources(objects(render(*texts).out))
        assert resource["selectors"]["devices"] == [device]


def test_an_invalid_policy_is_told_and_the_others_are_rendered(render: Any) -> None:
    bad = policy_text("bad", nicSelector={"pfNames": ["enp1s0#7"]}, priority=1)
    ran = render(STATE, policy_text("fast"), bad)
    assert ran.code == 1
    assert ran.errors == [
        "policy bad: spec.nicSelector.pfNames[0]: 'enp1s0#7': the range '7' has no '-'. Write 7-7 for that one VF"
    ]
    assert ran.out == render(STATE, policy_text("fast")).out


def test_a_bad_network_is_told_and_the_others_are_rendered(render: Any) -> None:
    bad = NETWORK.replace("name: net,", "name: bad,").replace("fast}", "fast, ipam: '{\"type\" 1}'}")
    ran = render(NETWORK, bad)
    assert ran.code == 1
    assert len(ran.errors) == 1
    assert ran.errors[0].startswith("SriovNetwork bad: spec.ipam: line 1, column 9, ")
    assert ran.out == render(NETWORK).out


def test_a_problem_of_a_nic_names_its_nodes(render: Any) -> None:
    second = STATE.replace("node1", "node2")
    ran = render(STATE, second, policy_text("fast", numVfs=8))
    assert ran.code == 1
    assert ran.errors == [
        (
            "nodes node1, node2: 0000:01:00.0: policy fast: 8 VFs of enp1s0 are wanted, it has at most 7. "
            "Lower numVfs to 7 or less"
        )
    ]


def test_a_policy_that_holds_nothing_says_why(render: Any) -> None:
    ran = render(STATE, NODE, policy_text("fast", nicSelector={"pfNames": ["enp1"]}))
    assert ran.code == 0
    assert (
        "note: policy fast holds no VFs (NoNicMatched): nodeSelector selects 1 node, and nicSelector takes no NIC "
        "there; nearest: node1: enp1s0: nicSelector.pfNames wants enp1, the NIC has enp1s0 (enp1 exists as enp1s0)"
    ) in ran.err.splitlines()


def test_policies_in_another_namespace_do_not_count_and_it_is_said(render: Any) -> None:
    elsewhere = json.loads(policy_text("fast"))
    elsewhere["metadata"]["namespace"] = "apps"
    ran = render(STATE, json.dumps(elsewhere))
    assert resources(objects(ran.out)) == []
    assert "SriovNetworkNodePolicy fast is in namespace apps; only those in sriov-network-operator count" in ran.err
    there = render(STATE, json.dumps(elsewhere), options=("--namespace", "apps"))
    assert len(resources(objects(there.out))) == 1


def test_the_namespace_and_the_prefix_are_those_that_are_asked_for(render: Any) -> None:
    found = objects(render(STATE, NETWORK, options=("--namespace", "sriov", "--resource-prefix", "example.com")).out)
    assert {one["metadata"]["namespace"] for one in found.values()} == {"sriov", "apps"}
    annotations = found[("NetworkAttachmentDefinition", "net")]["metadata"]["annotations"]
    assert annotations["k8s.v1.cni.cncf.io/resourceName"] == "example.com/fast"


def test_the_same_object_twice_is_refused(render: Any) -> None:
    ran = render(STATE, STATE)
    assert (ran.code, ran.out) == (1, "")
    assert "SriovNetworkNodeState node1 is in " in ran.err


def test_other_kinds_are_named_in_a_note(render: Any) -> None:
    ran = render(STATE, "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\n")
    assert "Pod p is not read here" in ran.err


def test_a_policy_named_default_is_told_to_be_ignored(render: Any) -> None:
    ran = render(STATE, NODE, policy_text("default"), policy_text("fast"))
    assert (ran.code, ran.errors) == (0, [])
    assert "note: policy default holds no VFs (Ignored): " in ran.err
    assert len(resources(objects(ran.out))) == 1


def test_policies_without_a_node_make_nothing_and_it_is_said(render: Any) -> None:
    ran = render(policy_text("fast"))
    assert (ran.code, ran.out) == (0, "")
    assert ran.err == "note: no managed node is given, so the policies make nothing. Add node states, or Nodes\n"


def test_a_report_that_cannot_be_understood_leaves_that_node_as_it_is(render: Any) -> None:
    bad = STATE.replace("node1", "node2").replace("0000:01:00.0", "somewhere")
    ran = render(STATE, bad, policy_text("fast"))
    assert ran.code == 1
    assert len(ran.errors) == 1
    assert ran.errors[0].startswith("node state node2: status.interfaces[0].pciAddress: 'somewhere' is no PCI address")
    found = objects(ran.out)
    assert ("SriovNetworkNodeState", "node2") not in found
    assert found[("SriovNetworkNodeState", "node1")]["spec"]["interfaces"]


def test_a_bad_entry_of_the_nic_table_costs_only_itself(render: Any) -> None:
    table = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: supported-nic-ids}\ndata: {x: 8086 10c9 beef, y: bad}\n"
    ran = render(STATE, policy_text("fast", nicSelector={"vendor": "8086", "deviceID": "10c9"}), table)
    assert ran.code == 1
    assert "data[y]" in ran.errors[0]
    (resource,) = resources(objects(ran.out))
    assert resource["selectors"]["devices"] == ["beef"]


def test_a_bad_pool_is_told(render: Any) -> None:
    bad = "spec: {maxUnavailable: 300%, nodeSelector: {matchExpressions: [{key: zone, operator: Near}]}}"
    ran = render(STATE, POOL.replace("spec: {rdmaMode: exclusive}", bad))
    assert ran.code == 1
    assert [error.split(": ")[1] for error in ran.errors] == [
        "spec.nodeSelector.matchExpressions[0].operator",
        "spec.maxUnavailable",
    ]


def test_an_unknown_field_is_told_and_the_others_count(render: Any) -> None:
    ran = render(STATE, policy_text("fast", mtuu=9000))
    assert ran.code == 1
    assert ran.errors[0].endswith("spec.mtuu: unknown field. Did you mean mtu?")
    assert len(resources(objects(ran.out))) == 1


def test_a_name_that_no_node_has_is_told(render: Any) -> None:
    ran = render(
        STATE, STATE.replace("node1", "node2"), policy_text("fast", nicSelector={"pfNames": ["enp1s0", "ens9"]})
    )
    assert ran.code == 0
    assert "note: policy fast: spec.nicSelector.pfNames[1]: no node that it selects has a PF ens9" in ran.err


def test_modes_that_a_stronger_policy_decides_are_told(render: Any) -> None:
    strong = policy_text("strong", priority=1, nicSelector={"pfNames": ["enp1s0#0-0"]})
    weak = policy_text(
        "weak", eSwitchMode="switchdev", deviceType=None, bridge={"ovs": {}}, nicSelector={"pfNames": ["enp1s0#1-2"]}
    )
    ran = render(STATE, strong, weak)
    assert "policy weak on enp1s0: eSwitchMode and bridge as in policy strong, the strongest here" in ran.err
    assert "policy weak: spec.bridge is not acted on" in ran.err


def test_vdpa_on_a_port_that_a_stronger_policy_keeps_legacy_is_a_problem(render: Any) -> None:
    strong = policy_text("strong", priority=1, nicSelector={"pfNames": ["enp1s0#0-0"]})
    weak = policy_text(
        "weak", eSwitchMode="switchdev", deviceType=None, vdpaType="vhost", nicSelector={"pfNames": ["enp1s0#1-2"]}
    )
    ran = render(STATE, strong, weak)
    assert ran.code == 1
    assert "policy weak: vdpaType needs eSwitchMode switchdev, and policy strong" in ran.errors[0]


def test_an_entry_of_a_selector_that_means_nothing_costs_no_vfs(render: Any) -> None:
    selector = {"rootDevices": ["0000:01:00.0", "01:00.1"], "pfNames": ["enp1s0", "0000:01:00.1"]}
    ran = render(STATE, policy_text("fast", nicSelector=selector))
    assert ran.code == 1
    assert [error.split(": ")[1] for error in ran.errors] == [
        "spec.nicSelector.rootDevices[1]",
        "spec.nicSelector.pfNames[1]",
    ]
    found = objects(ran.out)
    assert found[("SriovNetworkNodeState", "node1")]["spec"]["interfaces"][0]["numVfs"] == 4
    assert len(resources(found)) == 1


def test_policies_of_files_are_as_admission_would_store_them(render: Any) -> None:
    unranked, ranked = policy_text("unranked"), policy_text("ranked", priority=50)
    found = objects(render(STATE, unranked, ranked).out)
    assert [one["resourceName"] for one in resources(found)] == ["ranked"]
    stored = json.loads(unranked)
    stored["metadata"]["uid"] = "3f0c"
    found = objects(render(STATE, json.dumps(stored), ranked).out)
    assert [one["resourceName"] for one in resources(found)] == ["unranked"]


@pytest.mark.parametrize(
    ("option", "value"), [("--resource-prefix", "foo bar/"), ("--resource-prefix", ""), ("--namespace", "Other_")]
)
def test_a_namespace_and_a_prefix_must_be_possible(render: Any, option: str, value: str) -> None:
    ran = render(NETWORK, options=(option, value))
    assert (ran.code, ran.out) == (1, "")
    assert ran.errors[0].startswith(f"{option}: found {value!r}, ")


def test_a_node_that_has_not_reported_is_told_as_such(render: Any) -> None:
    ran = render(NODE, policy_text("fast"))
    assert "policy fast holds no VFs (NotReported): nodeSelector selects 1 node, and none has reported" in ran.err
