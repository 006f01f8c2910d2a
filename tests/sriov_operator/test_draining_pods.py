"""Which pods have to go, and what holds a drain up."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from sriov_operator.draining.eviction import Eviction
from sriov_operator.draining.pods import Pod, choose

NOW = datetime(2026, 5, 4, 12, 0, 0, tzinfo=UTC)
PREFIX = "openshift.io"


def pod(name="web", *, uses=None, init=None, limits=None, claims=(), owner=None, phase="Running", **meta):
    containers = [{"name": "main", "resources": {"requests": {uses: "1"} if uses else {"cpu": "1"}}}]
    if limits:
        containers.append({"name": "second", "resources": {"limits": {limits: "1"}}})
    document = {
        "metadata": {"name": name, "namespace": "team", "uid": f"uid-{name}", **meta},
        "spec": {
            "containers": containers,
            "initContainers": [{"name": "init", "resources": {"requests": {init: "1"}}}] if init else [],
            "resourceClaims": [{"name": one, "resourceClaimName": one} for one in claims],
            "nodeName": "a",
        },
        "status": {"phase": phase},
    }
    if owner:
        document["metadata"]["ownerReferences"] = [
            {"apiVersion": "apps/v1", "kind": owner, "name": "x", "uid": "y", "controller": True}
        ]
    return msgspec.convert(document, Pod)


def chosen(one, *, full, prefix=PREFIX):
    found = choose([one], full=full, prefix=prefix, now=NOW, margin_s=60)
    return [pod.key for pod in (*found.evict, *found.ending)]


@pytest.mark.parametrize(
    "one",
    [
        pytest.param(pod(uses=f"{PREFIX}/nic"), id="a-request"),
        pytest.param(pod(limits=f"{PREFIX}/nic"), id="a-limit-of-another-container"),
        pytest.param(pod(init=f"{PREFIX}/nic"), id="an-init-container"),
        pytest.param(pod(claims=["vf"]), id="a-resource-claim"),
        pytest.param(pod(uses=f"{PREFIX}/nic", owner="ReplicaSet"), id="of-a-replica-set"),
        pytest.param(pod(uses=f"{PREFIX}/nic", phase="Pending"), id="one-that-starts"),
        pytest.param(pod(uses=f"{PREFIX}/nic", phase="Unknown"), id="one-of-unknown-state"),
    ],
)
def test_a_partial_drain_takes_pods_with_devices(one):
    assert chosen(one, full=False) == ["team/web"]
    assert chosen(one, full=True) == ["team/web"]


@pytest.mark.parametrize(
    "one",
    [
        pytest.param(pod(), id="no-device"),
        pytest.param(pod(uses=f"{PREFIX}.example/nic"), id="a-longer-prefix"),
        pytest.param(pod(uses=PREFIX), id="the-prefix-alone"),
        pytest.param(pod(uses="nvidia.com/gpu"), id="another-device"),
    ],
)
def test_a_partial_drain_leaves_other_pods_and_a_full_one_takes_them(one):
    assert chosen(one, full=False) == []
    assert chosen(one, full=True) == ["team/web"]


@pytest.mark.parametrize(
    "one",
    [
        pytest.param(pod(uses=f"{PREFIX}/nic", owner="DaemonSet"), id="of-a-daemon-set"),
        pytest.param(pod(uses=f"{PREFIX}/nic", annotations={"kubernetes.io/config.mirror": "x"}), id="a-static-pod"),
        pytest.param(pod(uses=f"{PREFIX}/nic", phase="Succeeded"), id="succeeded"),
        pytest.param(pod(uses=f"{PREFIX}/nic", phase="Failed"), id="failed"),
    ],
)
def test_some_pods_are_never_waited_for(one):
    assert chosen(one, full=True) == []


@pytest.mark.parametrize(
    ("late_s", "finalizers", "says"),
    [
        pytest.param(-30, ["a.b/c"], None, id="within-its-grace-period"),
        pytest.param(59, ["a.b/c"], None, id="within-the-margin"),
        pytest.param(61, ["a.b/c"], "is held by finalizers: a.b/c", id="held-by-a-finalizer"),
        pytest.param(61, [], "See whether the kubelet of its node runs", id="held-by-nobody-we-know"),
    ],
)
def test_a_pod_that_ends_is_waited_for_and_told_when_it_does_not(late_s, finalizers, says):
    since = (NOW - timedelta(seconds=late_s)).strftime("%Y-%m-%dT%H:%M:%SZ")
    one = pod(uses=f"{PREFIX}/nic", deletionTimestamp=since, finalizers=finalizers)
    found = choose([one], full=False, prefix=PREFIX, now=NOW, margin_s=60)
    assert (found.evict, found.ending, found.is_empty) == ((), (one,), False)
    assert [says in text and since in text for text in found.overdue.values()] == ([True] if says else [])


@pytest.mark.parametrize(
    ("found", "told"),
    [
        pytest.param(Eviction(left=("t/a",)), "1 pod has to go: t/a", id="one"),
        pytest.param(Eviction(left=("t/a", "t/b")), "2 pods have to go: t/a, t/b", id="two"),
        pytest.param(
            Eviction(left=tuple(f"t/{letter}" for letter in "abcdefg")),
            "7 pods have to go: t/a, t/b, t/c, t/d, t/e and 2 more",
            id="many",
        ),
        pytest.param(Eviction(left=("t/a", "t/b"), blocked=("b may not go",)), "b may not go", id="an-obstacle"),
        pytest.param(Eviction(left=tuple("abcde"), blocked=tuple("abcde")), "a; b; c; and 2 more", id="obstacles"),
    ],
)
def test_what_a_drain_waits_for_is_told(found, told):
    assert (found.told, found.is_done) == (told, False)
