"""Why pods of a rollout are not ready, from what kubelets and the scheduler write."""

from typing import Any

import msgspec
import pytest

from sriov_operator.deployment.ailing import LeanPod, reason


def pod(name: str = "agent-1", node: str = "worker-1", **status: Any) -> LeanPod:
    document = {"metadata": {"name": name}, "spec": {"nodeName": node} if node else {}, "status": status}
    return msgspec.convert(document, LeanPod)


def waits(why: str, message: str = "", **more: Any) -> dict[str, Any]:
    return {
        "name": "main",
        "image": "registry.example/agent:1",
        "ready": False,
        "state": {"waiting": {"reason": why, "message": message}},
        **more,
    }


UNSCHEDULABLE = {
    "phase": "Pending",
    "conditions": [
        {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes: too few cpu.\n"}
    ],
}
BROKEN = waits("CrashLoopBackOff", "back-off 40s", lastState={"terminated": {"exitCode": 1, "reason": "Error"}})
KILLED = waits("CrashLoopBackOff", "back-off 5m0s", lastState={"terminated": {"exitCode": 137, "reason": "OOMKilled"}})


@pytest.mark.parametrize(
    ("pods", "text"),
    [
        pytest.param([pod(containerStatuses=[{"name": "main", "ready": True}])], "", id="it-runs"),
        pytest.param([pod(conditions=[{"type": "Ready", "status": "False"}])], "", id="it-does-not-tell"),
        pytest.param(
            [pod(containerStatuses=[waits("ContainerCreating")])],
            "pod agent-1 on worker-1: its containers are still being made: an image is pulled, or a Secret or volume "
            "is not there. See its events",
            id="it-is-on-its-way",
        ),
        pytest.param(
            [pod("a", containerStatuses=[waits("ContainerCreating")]), pod("b", containerStatuses=[BROKEN])],
            "pod b on worker-1: container main ended with exit code 1. See its log",
            id="what-is-wrong-goes-before-what-is-slow",
        ),
        pytest.param(
            [],
            "there is no pod of it: a quota or the pod security of the namespace may forbid them. See its events",
            id="no-pod-at-all",
        ),
        pytest.param(
            [pod(containerStatuses=[waits("ErrImagePull", "not found")])],
            "pod agent-1 on worker-1: image registry.example/agent:1 cannot be pulled",
            id="no-image",
        ),
        pytest.param(
            [pod(initContainerStatuses=[waits("ImagePullBackOff")], containerStatuses=[waits("PodInitializing")])],
            "pod agent-1 on worker-1: image registry.example/agent:1 cannot be pulled",
            id="no-image-for-the-first-container",
        ),
        pytest.param(
            [pod(node="", **UNSCHEDULABLE)],
            "pod agent-1: it cannot be scheduled: 0/3 nodes: too few cpu",
            id="no-place",
        ),
        pytest.param(
            [pod(containerStatuses=[BROKEN])],
            "pod agent-1 on worker-1: container main ended with exit code 1. See its log",
            id="it-ends-at-once",
        ),
        pytest.param(
            [pod(containerStatuses=[KILLED])],
            "pod agent-1 on worker-1: container main ended with exit code 137 (OOMKilled). See its log",
            id="it-is-killed",
        ),
        pytest.param(
            [pod(containerStatuses=[waits("CreateContainerConfigError", "secret x not found")])],
            "pod agent-1 on worker-1: container main: CreateContainerConfigError: secret x not found",
            id="a-secret-is-missing",
        ),
        pytest.param(
            [pod("c", containerStatuses=[BROKEN]), pod("b", containerStatuses=[BROKEN]), pod("a")],
            "pod b on worker-1: container main ended with exit code 1. See its log, and 1 more",
            id="several",
        ),
    ],
)
def test_the_first_thing_in_the_way_is_told(pods: list[LeanPod], text: str) -> None:
    assert reason(pods) == text


def test_the_text_stands_still_while_the_trouble_does() -> None:
    pulls = [waits("ErrImagePull", "rpc error"), waits("ImagePullBackOff", "Back-off pulling")]
    assert len({reason([pod(containerStatuses=[one])]) for one in pulls}) == 1
    longer = waits("CrashLoopBackOff", "back-off 5m0s", lastState=BROKEN["lastState"])
    assert reason([pod(containerStatuses=[longer])]) == reason([pod(containerStatuses=[BROKEN])])
