"""Where the injector keeps out of traps: what it warns about, what it denies, and whose value wins."""

from typing import Any

import pytest
from injection_pods import (
    DEFAULT,
    EMPTY,
    NETWORKS,
    RESOURCES,
    SELECTOR,
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

HONOR = Switches(honor_existing=True)
HUGEPAGES = Switches(hugepages=True)


def injection(label: str, **annotations: str) -> UserInjection:
    keys = {"networks": NETWORKS, "default": DEFAULT, "note": "example.com/note"}
    return UserInjection(label=label, annotations=tuple((keys[name], value) for name, value in annotations.items()))


def users(*injections: UserInjection) -> dict[str, Any]:
    return {"switches": Switches(injections=injections)}


def test_a_default_network_is_looked_for_where_multus_does_first() -> None:
    answer = injected(pod(default="main"))
    assert (list(answer.operations), answer.warnings) == ([*EMPTY, *pair("nicM"), *VOL], ())


def test_a_default_network_that_multus_will_not_find_is_warned_about() -> None:
    place = f"metadata.annotations[{DEFAULT}], entry 1"
    assert injected(pod(default="a")).warnings == (
        f"{place}: a is in the pod's namespace only, and multus looks for it in kube-system. Write ns1/a",
    )
    assert injected(pod(default="ns1/a")).warnings == ()
    assert injected(pod(default="a"), multus_namespace="ns1").warnings == ()


def test_a_default_network_that_is_nowhere_is_denied_with_both_places() -> None:
    message = injected(pod(default="gone")).message
    assert message.startswith("could not find network attachment definition 'kube-system/gone' or 'ns1/gone': ")


def test_an_empty_default_network_is_allowed_with_a_warning() -> None:
    answer = injected(pod("a", default=""))
    assert list(answer.operations) == [*EMPTY, *pair("nicA"), *VOL]
    assert answer.warnings == (
        f"metadata.annotations[{DEFAULT}] is empty: multus does not start such a pod. Remove it",
    )


def test_the_default_network_is_counted_before_the_others() -> None:
    assert list(injected(pod("c", default="main")).operations)[2:6] == [*pair("nicM"), *pair("nicC")]


def test_a_pod_of_no_known_namespace_can_name_networks_with_their_namespace_only() -> None:
    assert injected(pod("ns1/a"), namespace="").operations
    denied = injected(pod("a"), namespace="")
    assert denied.message == (
        f"metadata.annotations[{NETWORKS}], entry 1: the namespace of the pod is not known. Write namespace/a"
    )


def test_a_name_with_a_dot_is_counted_with_a_warning() -> None:
    answer = injected(pod("net.one"))
    assert list(answer.operations) == [*EMPTY, *pair("nicA"), *VOL]
    assert [warning.partition(": ")[2] for warning in answer.warnings] == [
        "multus reads 'net.one', with a dot, in the JSON form only"
    ]


def test_an_empty_resource_name_counts_as_none() -> None:
    answer = injected(pod("empty,empty"))
    assert answer.operations == ()
    (warning,) = answer.warnings
    assert warning == (
        "NetworkAttachmentDefinition ns1/empty: the annotation k8s.v1.cni.cncf.io/resourceName is empty, "
        "so no device is requested for this network"
    )


@pytest.mark.parametrize(
    ("name", "message"),
    [
        pytest.param("number", "metadata.annotations[k8s.v1.cni.cncf.io/resourceName]: found the integer 5", id="text"),
        pytest.param("no-label", f"metadata.annotations[{SELECTOR}]: found '=east', wanted one node label", id="label"),
        pytest.param("crooked", "metadata.annotations: found a list, wanted a mapping", id="annotations"),
    ],
)
def test_a_network_that_cannot_be_read_is_denied_by_its_name(name: str, message: str) -> None:
    answer = injected(pod(name))
    assert not answer.allowed
    assert answer.message.startswith(f"NetworkAttachmentDefinition ns1/{name}, {message}")


def test_a_resource_that_is_named_already_is_left_out_with_a_warning() -> None:
    other = container("c1", both={"intel.com/nicA": "1"})
    answer = injected(pod("a,c", containers=[container(), other]))
    assert list(answer.operations)[:4] == [*EMPTY, *pair("nicC")]
    (warning,) = answer.warnings
    assert warning == (
        "the networks need 1 of intel.com/nicA, which is not added: spec.containers[1] names that resource already, "
        "and its amount is kept"
    )


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        pytest.param(
            {"requests": {"intel.com/nicA": 1}, "limits": {"intel.com/nicA": "3"}}, pair("nicA", "2", "4"), id="apart"
        ),
        pytest.param(
            {"limits": {"intel.com/nicA": "2"}},
            [add(f"{RESOURCES}/requests", {}), *pair("nicA", "3")],
            id="request-left-out-is-the-limit",
        ),
        pytest.param(
            {"requests": {"intel.com/nicA": "1k"}, "limits": {"intel.com/nicA": "1e3"}},
            pair("nicA", "1001"),
            id="units",
        ),
        pytest.param(
            {"requests": {"intel.com/nicA": "1Ki"}, "limits": {"intel.com/nicA": "1000m"}},
            pair("nicA", "1025", "2"),
            id="binary-and-small-units",
        ),
    ],
)
def test_existing_amounts_are_added_to_where_that_is_switched_on(
    resources: dict[str, Any], expected: list[dict[str, Any]]
) -> None:
    answer = injected(pod("a", containers=[{"name": "c0", "resources": resources}]), switches=HONOR)
    assert list(answer.operations) == [*expected, *VOL]


@pytest.mark.parametrize(
    ("amount", "message"),
    [
        pytest.param("two", "found the text 'two', wanted an amount", id="word"),
        pytest.param("500m", "found '500m', wanted whole devices", id="half"),
        pytest.param(True, "found true, wanted an amount", id="truth"),
        pytest.param({}, "found a mapping, wanted an amount", id="mapping"),
    ],
)
def test_an_existing_amount_that_cannot_be_added_to_is_denied(amount: Any, message: str) -> None:
    answer = injected(pod("a", containers=[container(both={"intel.com/nicA": amount})]), switches=HONOR)
    assert answer.message.startswith(f"spec.containers[0].resources.requests[intel.com/nicA]: {message}")


@pytest.mark.parametrize("field", [{}, {"resources": None}], ids=["missing", "null"])
def test_resources_are_made_where_the_container_has_none(field: dict[str, Any]) -> None:
    answer = injected(pod("a", containers=[{"name": "c0", **field}]))
    assert list(answer.operations) == [add(RESOURCES, {}), *EMPTY, *pair("nicA"), *VOL]


def test_empty_requests_are_used_as_they_are() -> None:
    answer = injected(pod("a", containers=[{"name": "c0", "resources": {"requests": {}, "limits": None}}]))
    assert list(answer.operations) == [EMPTY[1], *pair("nicA"), *VOL]


def test_a_resource_key_is_escaped_in_the_path() -> None:
    answer = injected(
        pod("odd"),
        lookup=lambda *_: {"metadata": {"annotations": {"k8s.v1.cni.cncf.io/resourceName": "a~b/c"}}},
    )
    assert answer.operations[2]["path"] == f"{RESOURCES}/requests/a~0b~1c"


def test_lists_of_the_pod_are_appended_to() -> None:
    own = container(volumeMounts=[{"name": "x", "mountPath": "/x"}])
    answer = injected(pod("a", containers=[own], volumes=[{"name": "x"}]))
    assert list(answer.operations)[4:] == [mount()[1], volume("annotations")[1]]


def test_empty_lists_of_the_pod_are_used_as_they_are() -> None:
    answer = injected(pod("a", containers=[container(volumeMounts=[])], volumes=[]))
    assert list(answer.operations)[4:] == [mount()[1], volume("annotations")[1]]


def test_a_mount_path_that_is_taken_is_not_mounted_over() -> None:
    own = container(volumeMounts=[{"name": "x", "mountPath": "/etc/podnetinfo"}])
    answer = injected(pod("a", containers=[own]))
    assert list(answer.operations) == [*EMPTY, *pair("nicA"), *volume("annotations")]
    (warning,) = answer.warnings
    assert warning.startswith("spec.containers[0].volumeMounts: podnetinfo is not mounted, because /etc/podnetinfo is")


def test_a_node_selector_that_stays_as_it_is_is_not_patched() -> None:
    assert injected(pod("plain", nodeSelector={"disk": "ssd"})).operations == ()
    assert injected(pod("west", nodeSelector={"zone": "west"})).operations == ()


@pytest.mark.parametrize(
    ("names", "own", "merged", "warnings"),
    [
        pytest.param("gpu", None, {"gpu": ""}, 0, id="key-alone"),
        pytest.param("west", {"zone": "east"}, {"zone": "west"}, 1, id="the-network-beats-the-pod"),
        pytest.param("west,gpu", None, {"zone": "west", "gpu": ""}, 0, id="two-networks"),
    ],
)
def test_node_labels_of_networks_are_merged_into_the_pods(
    names: str, own: Any, merged: dict[str, str], warnings: int
) -> None:
    answer = injected(pod(names, nodeSelector=own))
    assert list(answer.operations) == [add("/spec/nodeSelector", merged)]
    assert len(answer.warnings) == warnings


def test_of_two_networks_that_want_different_node_labels_the_last_one_wins_with_a_warning() -> None:
    answer = injected(pod("ns,west"))
    assert answer.operations[-1] == add("/spec/nodeSelector", {"zone": "west"})
    assert answer.warnings == ("networks want the node label zone to be 'east' and 'west'; the last one wins",)


def test_the_warning_about_a_node_selector_names_both_values() -> None:
    assert injected(pod("west", nodeSelector={"zone": "east"})).warnings == (
        "spec.nodeSelector[zone]: 'east' is replaced by 'west', as a network wants",
    )


def test_an_empty_node_selector_of_a_network_counts_as_none() -> None:
    answer = injected(pod("anywhere"))
    assert list(answer.operations) == [*EMPTY, *pair("nicA"), *VOL]
    assert answer.warnings == (
        f"NetworkAttachmentDefinition ns1/anywhere: the annotation {SELECTOR} is empty, so any node will do",
    )


def test_an_injected_annotation_is_the_one_that_is_counted() -> None:
    answer = injected(pod("a", labels={"x": "true"}), **users(injection("x", networks="c")))
    assert list(answer.operations)[:4] == [*EMPTY, *pair("nicC")]
    assert answer.operations[-1] == add("/metadata/annotations", {NETWORKS: "c"})
    assert answer.warnings == (f"metadata.annotations[{NETWORKS}]: 'a' is replaced by the injection of the label x",)


def test_of_two_injections_of_one_annotation_the_first_label_wins() -> None:
    both = (injection("y", networks="c"), injection("x", networks="a", note="n"))
    answer = injected(pod(labels={"x": "true", "y": "true"}), **users(*both))
    assert answer.operations[-1] == add("/metadata/annotations", {NETWORKS: "a", "example.com/note": "n"})
    assert answer.warnings == (
        f"metadata.annotations[{NETWORKS}]: the labels x and y both inject it; the first one wins",
    )


def test_an_injected_annotation_leaves_the_pods_others() -> None:
    subject = pod("a", labels={"x": "true"})
    answer = injected(subject, **users(injection("x", note="n")))
    assert answer.operations[-1] == add("/metadata/annotations", {NETWORKS: "a", "example.com/note": "n"})


def test_an_injection_without_a_network_is_written_too() -> None:
    answer = injected(pod(labels={"x": "true"}), **users(injection("x", note="n")))
    assert (answer.message, list(answer.operations)) == (
        "allowed",
        [add("/metadata/annotations", {"example.com/note": "n"})],
    )


def test_an_injection_that_changes_nothing_is_not_patched() -> None:
    subject = pod("plain", labels={"x": "true"})
    assert injected(subject, **users(injection("x", networks="plain"))).operations == ()


def test_a_bad_injected_network_denies_the_pod() -> None:
    assert not injected(pod(labels={"x": "true"}), **users(injection("x", networks="[null]"))).allowed


@pytest.mark.parametrize(
    ("subject", "message"),
    [
        pytest.param(None, "", id="no-pod-has-no-networks"),
        pytest.param({}, "", id="empty-pod"),
        pytest.param({"metadata": {"annotations": None, "labels": None}, "spec": 5}, "", id="nothing-to-do"),
        pytest.param([], "found a list, wanted a mapping", id="pod-is-a-list"),
        pytest.param({"metadata": "x"}, "metadata: found the text 'x', wanted a mapping", id="metadata"),
        pytest.param({"metadata": {"annotations": []}}, "metadata.annotations: found a list", id="annotations"),
        pytest.param({"metadata": {"labels": 1}}, "metadata.labels: found the integer 1", id="labels"),
        pytest.param(pod(5), f"metadata.annotations[{NETWORKS}]: found the integer 5, wanted text", id="annotation"),
        pytest.param(pod("a", containers=[]), "spec.containers: the pod has no container", id="no-containers"),
        pytest.param(pod("a", containers={}), "spec.containers: found a mapping, wanted a list", id="containers"),
        pytest.param(pod("a", containers=[None]), "spec.containers[0]: found nothing, wanted a map", id="container"),
        pytest.param(pod("a", containers=[container(volumeMounts=1)]), "spec.containers[0].volumeMounts", id="mounts"),
        pytest.param(
            pod("a", containers=[{"resources": {"limits": []}}]), "spec.containers[0].resources.limits", id="limits"
        ),
        pytest.param(pod("a", volumes={}), "spec.volumes: found a mapping, wanted a list", id="volumes"),
        pytest.param({**pod("a"), "spec": None}, "spec.containers: the pod has no container", id="spec-null"),
        pytest.param({**pod("gpu"), "spec": None}, "spec: the field is missing", id="spec-null-for-a-selector"),
        pytest.param(pod("gpu", nodeSelector=[]), "spec.nodeSelector: found a list, wanted a mapping", id="selector"),
    ],
)
def test_a_pod_of_a_wrong_shape_is_denied_only_where_the_shape_matters(subject: Any, message: str) -> None:
    answer = injected(subject)
    assert answer.allowed == (not message)
    assert answer.operations == ()
    assert answer.message.startswith(message)


def test_hugepages_of_a_container_without_a_name_are_denied() -> None:
    nameless = {"resources": {"limits": {"hugepages-1Gi": "1Gi"}}}
    answer = injected(pod("a", containers=[nameless]), switches=HUGEPAGES)
    assert answer.message.startswith("spec.containers[0].name: the container has no name")


def test_a_label_that_is_no_text_is_denied_where_an_injection_waits_for_it() -> None:
    subject = pod(labels={"x": True})
    assert injected(subject).allowed
    answer = injected(subject, **users(injection("x", networks="a")))
    assert answer.message == "metadata.labels[x]: found true, wanted text. Put it in quotes"
