"""For any state of an object in the cluster: one write settles it, any change is seen, nothing given is changed."""

import copy
import itertools
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from objects_in_a_cluster import (
    POD,
    Path,
    at,
    daemon_set,
    leaves,
    owner,
    replaced,
    served_daemon_set,
    webhooks,
    without,
)

from sriov_operator.objects import differs, merged

LEAVES = [path for path in leaves(daemon_set()) if path not in {("apiVersion",), ("kind",)}]
INNER = sorted(
    {path[:end] for path in LEAVES for end in range(len(path)) if isinstance(at(daemon_set(), path[:end]), dict)},
    key=str,
)
LEFT_OUT = [
    (*POD, "hostPID"),
    (*POD, "containers", 0, "env", 1, "value"),
    (*POD, "containers", 0, "volumeMounts", 1, "readOnly"),
]
MAPS = {"labels", "annotations", "matchLabels", "selector", "nodeSelector", "requests", "limits"}
OPEN = [path for path in INNER if not path or path[-1] not in MAPS]


def test_any_changed_leaf_is_noticed() -> None:
    missed = [
        (path, new)
        for path, new in itertools.product(LEAVES, ["other", 7, True, False, ["a"], {"a": "b"}])
        if not differs(served_daemon_set(), replaced(daemon_set(), path, new))
    ]
    truths = [path for path in LEAVES if at(daemon_set(), path) is True]
    unchanged = [*((path, False) for path in LEFT_OUT), *((path, True) for path in truths)]
    assert sorted(missed, key=str) == sorted(unchanged, key=str)


@settings(deadline=None)
@given(st.lists(st.sampled_from(OPEN), unique=True), st.sampled_from(["x", 5, True, ["a"], {"a": "b"}]))
def test_defaults_of_a_newer_api_server_are_no_difference(places: list[Path], value: Any) -> None:
    live = served_daemon_set()
    for path in places:
        at(live, path)["fieldOfTheFuture"] = value
    assert not differs(live, daemon_set())


TEXTS = st.dictionaries(st.sampled_from(["a", "b", "c"]), st.sampled_from(["", "1", "2"]), max_size=3)


def clear(value: Any) -> None:
    """Empty every container, however deep."""
    inner = list(value.values()) if isinstance(value, dict) else list(value) if isinstance(value, list) else []
    for one in inner:
        clear(one)
    if isinstance(value, dict | list):
        value.clear()


@st.composite
def pairs(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """What is there and what is wanted, of one kind and of any state."""
    kind = draw(
        st.sampled_from(
            [
                "DaemonSet",
                "Deployment",
                "ConfigMap",
                "ServiceAccount",
                "Service",
                "MutatingWebhookConfiguration",
                "Other",
            ]
        )
    )
    return draw(objects(kind)), without(draw(objects(kind)), ("secrets",))


def objects(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    maps = st.none() | TEXTS
    hooks = st.dictionaries(st.sampled_from("abc"), st.sampled_from([None, "", "A"]))
    names = st.sets(st.sampled_from("ab")).map(lambda some: [{"name": name} for name in sorted(some)])
    template = st.fixed_dictionaries({"metadata": st.fixed_dictionaries({"annotations": maps})})
    metadata = st.fixed_dictionaries(
        {"name": st.just("one")},
        optional={
            "labels": maps,
            "annotations": maps | st.just({"deployment.kubernetes.io/revision": "1"}),
            "resourceVersion": st.sampled_from(["1", "2"]),
            "finalizers": st.lists(st.sampled_from("ab"), unique=True),
            "ownerReferences": st.sampled_from([[], [owner("1")], [owner("2")]]),
        },
    )
    return st.fixed_dictionaries(
        {"kind": st.just(kind), "metadata": metadata, "secrets": names},
        optional={
            "data": maps,
            "imagePullSecrets": names,
            "spec": st.fixed_dictionaries({}, optional={"clusterIP": st.sampled_from(["", "1"]), "template": template}),
            "webhooks": hooks.map(lambda some: webhooks(*some.items())["webhooks"]),
        },
    )


@settings(deadline=None)
@given(pairs())
def test_what_was_sent_needs_no_sending_and_nothing_given_is_changed(
    pair: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    live, desired = pair
    before = copy.deepcopy(pair)
    sent = merged(live, desired)
    assert merged(sent, desired) == sent
    assert not differs(sent, desired)
    differs(live, desired)
    clear(sent)
    assert (live, desired) == before


@settings(deadline=None)
@given(st.sampled_from(list(leaves(served_daemon_set()))))
def test_a_workload_settles_with_one_write(damaged: Path) -> None:
    live, desired = without(served_daemon_set(), damaged), daemon_set()
    sent = merged(live, desired)
    assert merged(sent, desired) == sent
    assert not differs(sent, desired)
