"""What the network-resources-injector answers to fourteen kinds of pods, and where the answer here is another."""

from typing import Any

import pytest
from injection_pods import (
    DEFAULT,
    EMPTY,
    NETWORKS,
    RESOURCE,
    VOL,
    add,
    container,
    injected,
    mount,
    pair,
    pod,
    volume,
)

from sriov_core.injection.switches import Switches, UserInjection

HONOR = {"switches": Switches(honor_existing=True)}
HUGEPAGES = {"switches": Switches(hugepages=True)}
TWO_KEYS = {"resource_keys": (RESOURCE, "vendor/res2")}
HELD = container(both={"intel.com/nicA": "2"})
LIMITED = {"name": "c1", "resources": {"limits": {"intel.com/nicA": "1"}}}
INFORMED = container(volumeMounts=[{"name": "podnetinfo", "mountPath": "/etc/podnetinfo"}])
IN_JSON = '[{"name":"a","interface":"x1"},{"name":"c","namespace":"ns1","mac":"02:00:00:00:00:01"}]'


def by_label(network: str) -> dict[str, Any]:
    return {"switches": Switches(injections=(UserInjection(label="inject", annotations=((NETWORKS, network),)),))}


def file(kind: str, size: str = "1G", resource: str = "hugepages-1Gi", name: str = "c0") -> dict[str, Any]:
    reference = {"containerName": name, "resource": f"{kind}s.{resource}", "divisor": "1Mi"}
    return {"path": f"hugepages_{size}_{kind}_{name}", "resourceFieldRef": reference}


HUGE = {"hugepages-1Gi": "2Gi"}
HUGE_PATCH = [
    *pair("nicA"),
    add("/spec/containers/0/env", [{"name": "CONTAINER_NAME", "value": "c0"}]),
    *mount(),
    *volume("annotations", hugepages=(file("request"), file("limit"))),
]
ONE = [*EMPTY, *pair("nicA"), *VOL]
TWO = [*EMPTY, *pair("nicA", "2"), *VOL]
A_AND_C = [*EMPTY, *pair("nicA"), *pair("nicC"), *VOL]


@pytest.mark.parametrize(
    ("subject", "settings", "operations"),
    [
        pytest.param(pod("a"), {}, ONE, id="1-one-network"),
        pytest.param(pod("a,b"), {}, TWO, id="2-two-networks-of-one-resource"),
        pytest.param(pod("a,a"), {}, TWO, id="2-one-network-twice"),
        pytest.param(pod("ns1/a@net5, c"), {}, A_AND_C, id="3-two-resources-in-the-order-of-mention"),
        pytest.param(pod(IN_JSON), {}, A_AND_C, id="4-the-same-in-json"),
        pytest.param(
            pod("a", containers=[container(), LIMITED]),
            {},
            [*EMPTY, *mount(0), *mount(1), *volume("annotations")],
            id="5-another-container-names-the-resource",
        ),
        pytest.param(
            pod("a,b", containers=[HELD]), HONOR, [*pair("nicA", "4"), *VOL], id="6-existing-resources-are-added-to"
        ),
        pytest.param(pod("a,b", containers=[HELD]), {}, VOL, id="6-existing-resources-are-kept"),
        pytest.param(pod(default="a"), {}, ONE, id="7-default-network-of-the-pods-namespace"),
        pytest.param(
            pod("ns", nodeSelector={"disk": "ssd"}),
            {},
            [*EMPTY, *pair("nicN"), *VOL, add("/spec/nodeSelector", {"disk": "ssd", "zone": "east"})],
            id="9-node-label",
        ),
        pytest.param(pod("a", containers=[container(both=HUGE)]), HUGEPAGES, HUGE_PATCH, id="10-hugepages"),
        pytest.param(pod("plain"), {}, [], id="11-a-network-without-annotations"),
        pytest.param(pod(""), {}, [], id="11-empty-annotation"),
        pytest.param(pod(), {}, [], id="11-no-annotation"),
        pytest.param(
            pod(labels={"inject": "TRUE"}),
            by_label("c"),
            [*EMPTY, *pair("nicC"), *mount(), *volume("labels"), add("/metadata/annotations", {NETWORKS: "c"})],
            id="12-injected-by-label",
        ),
        pytest.param(
            pod(labels={"inject": "TRUE"}),
            by_label("plain"),
            [add("/metadata/annotations", {NETWORKS: "plain"})],
            id="12-injected-network-without-resource-is-written-all-the-same",
        ),
        pytest.param(
            pod("a", containers=[INFORMED], volumes=[{"name": "podnetinfo"}]),
            {},
            [*EMPTY, *pair("nicA")],
            id="13-podnetinfo-is-there",
        ),
        pytest.param(
            pod("both"), TWO_KEYS, [*EMPTY, *pair("nicA"), *pair("nicB"), *VOL], id="14-two-keys-of-one-network"
        ),
    ],
)
def test_a_pod_gets_these_operations(
    subject: dict[str, Any], settings: dict[str, Any], operations: list[dict[str, Any]]
) -> None:
    answer = injected(subject, **settings)
    assert answer.allowed
    assert list(answer.operations) == operations


@pytest.mark.parametrize(
    ("subject", "message"),
    [
        pytest.param(
            pod(default="a,c"),
            f"metadata.annotations[{DEFAULT}]: found 2 networks ('a', 'c'), wanted exactly one. "
            f"Keep one, and name the others in {NETWORKS}",
            id="7-a-list-of-default-networks",
        ),
        pytest.param(
            pod(default="kube-system/a"),
            f"could not find network attachment definition 'kube-system/a': metadata.annotations[{DEFAULT}], entry 1 "
            "names it. Create it, or correct the name",
            id="7-the-default-network-is-in-another-namespace",
        ),
        pytest.param(
            pod("a, missing"),
            f"could not find network attachment definition 'ns1/missing': metadata.annotations[{NETWORKS}], entry 2 "
            "names it. Create it, or correct the name",
            id="8-missing",
        ),
        pytest.param(
            pod("a/b/c"),
            f"metadata.annotations[{NETWORKS}], entry 1: found 'a/b/c', wanted [namespace/]name[@interface]. "
            "Separate networks by commas",
            id="8-two-slashes",
        ),
        pytest.param(
            pod("c,a@x@y"),
            f"metadata.annotations[{NETWORKS}], entry 2: found 'a@x@y', wanted [namespace/]name[@interface]. "
            "Separate networks by commas",
            id="8-two-interfaces",
        ),
        pytest.param(
            pod("A"),
            f"metadata.annotations[{NETWORKS}], entry 1: 'A' cannot be the name of a network. "
            "Use lower-case letters, digits, - and ., with a letter or digit at both ends",
            id="8-capital",
        ),
        pytest.param(
            pod('{"name":"a"}'),
            f"metadata.annotations[{NETWORKS}]: found a mapping, wanted a JSON list. Put it in brackets: [ ]",
            id="8-json-object",
        ),
        pytest.param(
            pod("two-labels"),
            "NetworkAttachmentDefinition ns1/two-labels, metadata.annotations[k8s.v1.cni.cncf.io/nodeSelector]: "
            "found 'a=b=c', wanted one node label as key=value. Name one label",
            id="9-two-equal-signs",
        ),
    ],
)
def test_a_pod_is_denied_with_place_and_remedy(subject: dict[str, Any], message: str) -> None:
    answer = injected(subject)
    assert (answer.allowed, answer.message, answer.operations) == (False, message, ())


def test_a_pod_without_networks_is_told_apart_from_one_whose_networks_need_nothing() -> None:
    assert injected(pod()).message == "Pod spec doesn't have network annotations. Skipping..."
    assert injected(pod("plain")).message == injected(pod("")).message == "allowed"


@pytest.mark.parametrize("word", ["true", "TRUE", "True"])
def test_a_label_counts_in_any_case(word: str) -> None:
    assert injected(pod(labels={"inject": word}), **by_label("c")).operations


@pytest.mark.parametrize("word", ["false", "yes", "1", "", " true"])
def test_any_other_label_does_not_count(word: str) -> None:
    assert injected(pod(labels={"inject": word}), **by_label("c")).operations == ()


@pytest.mark.parametrize(
    ("resources", "files"),
    [
        pytest.param({"requests": {"hugepages-2Mi": "4Mi"}}, [("request", "2M", "hugepages-2Mi")], id="a-request"),
        pytest.param({"limits": {"hugepages-512Ki": 1048576}}, [("limit", "512K", "hugepages-512Ki")], id="a-limit"),
        pytest.param(
            {"limits": {"hugepages-2Mi": "4Mi", "hugepages-1Gi": "1Gi"}},
            [("limit", "1G", "hugepages-1Gi"), ("limit", "2M", "hugepages-2Mi")],
            id="two-sizes-in-order",
        ),
        pytest.param({"requests": {"hugepages-1Gi": "0"}, "limits": {"hugepages-2Mi": 0}}, [], id="none-wanted"),
        pytest.param({"limits": {"hugepage-1Gi": "1Gi", "hugepages-": "1Gi", "memory": "1Gi"}}, [], id="other-names"),
    ],
)
def test_hugepages_become_files(resources: dict[str, Any], files: list[tuple[str, str, str]]) -> None:
    subject = pod("a", containers=[{"name": "c0", "resources": resources}])
    made = [one["value"] for one in injected(subject, **HUGEPAGES).operations if one["path"] == "/spec/volumes/-"]
    items = made[0]["downwardAPI"]["items"]
    assert items[0]["path"] == "annotations"
    assert items[1:] == [file(kind, size, resource) for kind, size, resource in files]


def test_only_containers_with_hugepages_learn_their_name() -> None:
    subject = pod("a", containers=[container(), container("c1", both=HUGE, env=[{"name": "X", "value": "y"}])])
    answer = injected(subject, **HUGEPAGES)
    learnt = [one for one in answer.operations if "/env" in one["path"]]
    assert learnt == [add("/spec/containers/1/env/-", {"name": "CONTAINER_NAME", "value": "c1"})]


def test_a_variable_with_another_value_is_kept_with_a_warning() -> None:
    own = [{"name": "CONTAINER_NAME", "value": "other"}]
    answer = injected(pod("a", containers=[container(both=HUGE, env=own)]), **HUGEPAGES)
    assert not [one for one in answer.operations if "/env" in one["path"]]
    assert answer.warnings == ("container c0 has another CONTAINER_NAME in its environment, which is kept",)


def test_hugepages_stay_hidden_while_the_feature_is_off() -> None:
    assert list(injected(pod("a", containers=[container(both=HUGE)])).operations) == [*pair("nicA"), *VOL]
