"""`validate`: the rules of the admission webhook for files."""

import json
from typing import Any

import pytest
import yaml
from cli_runs import Cli, Files, policy_text

API = "sriovnetwork.openshift.io/v1"
STARTS = f'A document starts with "apiVersion: {API}" and "kind: SriovNetworkNodePolicy"'
TOO_MANY = (
    "spec.numVfs: policy fast: 8 VFs of enp1s0 are wanted, it has at most 7, on node worker-1. "
    "Lower numVfs to 7 or less"
)
NO_RESOURCE = (
    "spec.resourceName: no policy has the resource 'fasd', so pods with this network stay pending. Did you mean fast?"
)

Raw = dict[str, Any]


def ours(kind: str, name: str, **spec: Any) -> Raw:
    return {"apiVersion": API, "kind": kind, "metadata": {"name": name}, "spec": spec}


def policy(name: str = "fast", **spec: Any) -> Raw:
    found: Raw = json.loads(policy_text(name, **spec))
    return found


def node(name: str = "worker-1", **labels: str) -> Raw:
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}}


def state(name: str = "worker-1", **facts: Any) -> Raw:
    port = {
        "pciAddress": "0000:01:00.0",
        "name": "enp1s0",
        "vendor": "8086",
        "deviceID": "158b",
        "totalvfs": 7,
        **facts,
    }
    return {**ours("SriovNetworkNodeState", name), "status": {"interfaces": [port]}}


def written(files: Files, *objects: Raw) -> Any:
    return files.write("---\n".join(json.dumps(one) + "\n" for one in objects), "all.yaml")


def decisions(data: Any) -> dict[str, bool]:
    return {entry["name"]: entry["allowed"] for entry in data}


def test_an_object_that_is_allowed_is_a_line_and_exit_code_0(cli: Cli, files: Files) -> None:
    ran = cli("validate", "-f", written(files, policy(), node(), state()))
    assert (ran.code, ran.err) == (0, "")
    assert [line.partition(" (")[0] for line in ran.out.splitlines()] == [
        "allowed: SriovNetworkNodePolicy fast",
        "allowed: SriovNetworkNodeState worker-1",
    ]


def test_an_object_that_is_denied_has_its_reasons_below_it_and_exit_code_1(cli: Cli, files: Files) -> None:
    path = written(files, policy(numVfs=8), node(), state())
    ran = cli("validate", "-f", path)
    assert ran.code == 1
    assert ran.out.splitlines()[:2] == [
        f"denied: SriovNetworkNodePolicy fast ({path}, document 1)",
        f"  reason: {TOO_MANY}",
    ]


def test_faults_and_unknown_fields_of_every_document_are_reasons(cli: Cli, files: Files) -> None:
    text = yaml.safe_dump(policy(numVFs=4, mtu="1500")) + "---\nkind: SriovNetwork\n---\n- 5\n"
    ran = cli("validate", "-f", files.write(text), "-o", "json")
    assert ran.code == 1
    assert [entry["reasons"] for entry in ran.data] == [
        [
            "spec.numVFs: unknown field. Did you mean numVfs?",
            "spec.mtu: found the text '1500', wanted an integer. Write it without quotes",
        ],
        [
            f"apiVersion: the field is missing. {STARTS}",
        ],
        [
            f"found a list, wanted a mapping. {STARTS}",
        ],
    ]


@pytest.mark.parametrize("output", ["json", "yaml"])
def test_programs_get_a_list_with_an_entry_for_each_object(cli: Cli, files: Files, output: str) -> None:
    network = {**ours("SriovNetwork", "net1", resourceName="fasd")}
    network["metadata"]["namespace"] = "tenant"
    ran = cli("validate", "-f", written(files, network, policy()), "-o", output)
    assert ran.code == 0
    data = yaml.safe_load(ran.out)
    assert data[0] == {
        "kind": "SriovNetwork",
        "namespace": "tenant",
        "name": "net1",
        "allowed": True,
        "reasons": [],
        "warnings": [
            NO_RESOURCE,
        ],
    }
    assert data[1]["namespace"] == "sriov-network-operator"


def test_the_order_of_the_documents_changes_no_decision(cli: Cli, files: Files) -> None:
    objects = (
        policy("a", nicSelector={"pfNames": ["enp1s0#0-1"]}),
        policy("b", nicSelector={"pfNames": ["enp1s0#1-2"]}),
        policy("c", nicSelector={"pfNames": ["enp1s0#3-3"]}),
        ours("SriovNetworkPoolConfig", "one", nodeSelector={}),
        ours("SriovNetworkPoolConfig", "two", nodeSelector={"matchLabels": {"zone": "a"}}),
        node(zone="a"),
        state(),
    )
    forwards = cli("validate", "-f", written(files, *objects), "-o", "json").data
    backwards = cli("validate", "-f", written(files, *objects[::-1]), "-o", "json").data
    assert forwards == backwards[::-1]
    assert decisions(forwards) == {"a": False, "b": False, "c": True, "one": False, "two": False, "worker-1": True}


def test_several_files_are_one_cluster(cli: Cli, files: Files) -> None:
    one, other = files.policy("one"), files.policy("other")
    ran = cli("validate", "-f", one, "-f", other)
    assert ran.code == 1
    assert ran.out.count("VF index range in enp1s0 is overlapped") == 2


def test_without_nodes_a_note_says_what_is_not_judged(cli: Cli, files: Files) -> None:
    bare = cli("validate", "-f", files.policy(numVfs=500, nodeSelector={"zone": "a"}))
    assert bare.code == 0
    assert "no Node and no SriovNetworkNodeState is given" in bare.err
    stateless = cli("validate", "-f", written(files, policy(numVfs=500), node()))
    assert stateless.code == 0
    assert "no SriovNetworkNodeState is given" in stateless.err


def test_a_node_state_without_its_node_counts_for_every_policy_and_a_note_says_so(cli: Cli, files: Files) -> None:
    ran = cli("validate", "-f", written(files, policy(nodeSelector={"zone": "a"}), state()))
    assert ran.code == 0
    assert "node worker-1: no Node object is given, so every nodeSelector selects it" in ran.err
    labelled = cli("validate", "-f", written(files, policy(nodeSelector={"zone": "a"}), state(), node(zone="b")))
    assert "no matched node is selected" in labelled.out


def test_other_kinds_are_noted_and_not_judged(cli: Cli, files: Files) -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "app"}}
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "tenant"}}
    ran = cli("validate", "-f", written(files, pod, namespace))
    assert (ran.code, ran.out) == (0, "nothing to judge\n")
    assert [("Pod app" in line, "Namespace tenant" in line) for line in ran.err.splitlines()] == [
        (True, False),
        (False, True),
    ]


def test_the_table_of_nics_is_taken_from_the_files_and_dev_mode_does_without(cli: Cli, files: Files) -> None:
    table = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "supported-nic-ids"}}
    path = written(files, policy(), state(), {**table, "data": {"x": "15b3 1015 1016"}})
    assert "no supported NIC is selected" in cli("validate", "-f", path).out
    assert cli("validate", "-f", path, "--dev-mode").code == 0
    broken = cli("validate", "-f", written(files, {**table, "data": {"x": "15b3"}}))
    assert broken.code == 1
    assert "data[x]: found '15b3', wanted the ids" in broken.out


def test_an_object_that_is_given_twice_is_denied_both_times(cli: Cli, files: Files) -> None:
    ran = cli("validate", "-f", written(files, policy(), policy(numVfs=3), node(), node(zone="a")), "-o", "json")
    assert [(entry["kind"], entry["allowed"]) for entry in ran.data] == [
        *[("SriovNetworkNodePolicy", False)] * 2,
        *[("Node", False)] * 2,
    ]
    assert all("it is given 2 times" in entry["reasons"][0] for entry in ran.data)


def test_a_priority_that_is_left_out_is_the_one_that_the_webhook_writes(cli: Cli, files: Files) -> None:
    weak, equal = policy("weak", nicSelector={"vendor": "8086"}), policy("equal", priority=99)
    ran = cli("validate", "-f", written(files, weak, equal, state()))
    assert ran.code == 1
    assert "99 here" not in ran.out
    assert "policy equal (priority 99)" in ran.out


def test_the_operators_namespace_can_be_another(cli: Cli, files: Files) -> None:
    elsewhere = policy()
    elsewhere["metadata"]["namespace"] = "mine"
    path = written(files, elsewhere)
    assert "only policies in the operator's namespace" in cli("validate", "-f", path).out
    assert "warning" not in cli("validate", "-f", path, "--namespace", "mine").out


@pytest.mark.parametrize("text", ["{", "", "a: *b"], ids=["no-yaml", "empty", "alias"])
def test_a_file_that_holds_no_documents_is_an_error(cli: Cli, files: Files, text: str) -> None:
    ran = cli("validate", "-f", files.write(text))
    assert ran.code == 1
    assert len(ran.errors) == 1


@pytest.mark.parametrize("output", ["text", "json"])
def test_half_a_character_is_an_error_and_no_accident(cli: Cli, files: Files, output: str) -> None:
    items = [policy("fast", resourceName="\ud800"), policy("other")]
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    ran = cli("validate", "-f", files.write(text), "-o", output)
    assert ran.code == 1
    assert "escape is half a character" in ran.err
    assert "internal error" not in ran.err


@pytest.mark.parametrize(
    ("namespace", "allowed"), [pytest.param("", False, id="operators"), pytest.param("apps", True, id="elsewhere")]
)
def test_a_node_state_counts_in_the_namespace_of_the_operator_only(
    cli: Cli, files: Files, namespace: str, allowed: bool
) -> None:
    report = state()
    report["metadata"]["namespace"] = namespace
    ran = cli("validate", "-o", "json", "-f", written(files, policy(numVfs=8), report))
    assert decisions(ran.data)["fast"] is allowed
