"""What is told of agents that do not report."""

from typing import Any

import msgspec
import pytest
from some_nodestates import NAMESPACE, node, reported, state

from sriov_core.policy.reach import DONE, Progress
from sriov_operator.nodestates.agents import AgentPod, condition, is_told, trouble
from sriov_operator.nodestates.facts import has_reported, seen


def pod(name: str = "agent-1", *, ready: bool, **metadata: Any) -> AgentPod:
    body = {
        "metadata": {"name": name, "namespace": NAMESPACE, **metadata},
        "spec": {"nodeName": "n1"},
        "status": {"conditions": [{"type": "Ready", "status": "True" if ready else "False"}]},
    }
    return msgspec.convert(body, AgentPod)


@pytest.mark.parametrize(
    ("pods", "told"),
    [
        pytest.param([pod(ready=True)], "", id="ready"),
        pytest.param([pod(ready=False), pod("agent-2", ready=True)], "", id="one-of-two-is-ready"),
        pytest.param([], "no pod of the DaemonSet sriov-network-config-daemon is on it", id="none"),
        pytest.param(
            [pod(ready=False)],
            "the pod agent-1 of its agent is not ready: see kubectl describe pod agent-1 --namespace sriov",
            id="not-ready",
        ),
    ],
)
def test_what_is_wrong_with_an_agent_is_seen_by_its_pods(pods, told):
    assert trouble(pods) == told


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        pytest.param(None, "no pod is on it; no agent has reported from this node yet", id="without-a-node-state"),
        pytest.param(state(), "no pod is on it; no agent has reported from this node yet", id="not-reported"),
        pytest.param(reported(syncStatus="InProgress"), "no pod is on it; it is being configured", id="under-way"),
    ],
)
def test_whoever_waits_for_a_node_hears_of_its_agent(found, wanted):
    sync = seen(node(), found, trouble="no pod is on it").sync
    assert (sync.progress, sync.why) == (Progress.PENDING, wanted)


def test_a_node_that_is_done_waits_for_no_agent():
    assert seen(node(), reported(), trouble="no pod is on it").sync == DONE


@pytest.mark.parametrize(
    ("wrong", "before", "reason", "message"),
    [
        pytest.param("", state(), "NotReported", "no agent has reported from this node yet", id="nobody-knows-why"),
        pytest.param("dead", state(), "AgentNotReady", "no agent has reported from this node yet; dead", id="never"),
        pytest.param("dead", reported(), "AgentNotReady", "the report may be an old one; dead", id="not-any-more"),
    ],
)
def test_a_node_state_says_that_its_agent_is_silent(wrong, before, reason, message):
    told = condition(wrong, 4, has_reported=has_reported(before))
    assert (told.status, told.reason, told.message, told.observed_generation) == ("False", reason, message, 4)
    assert is_told([told])
    assert not is_told(before.status.conditions)
