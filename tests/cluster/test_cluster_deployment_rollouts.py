"""Rollouts that do not come to their end, on a real API server: what the configuration says about them."""

from collections.abc import Iterator

import pytest
from deployments import Home, homes
from servers import Server
from servers_admin import MERGE

from sriov_core.api.operatorconfig import Rollout
from sriov_core.kube.client import Client
from sriov_core.kube.connection import connect
from sriov_operator.deployment.reporting import Progress
from sriov_operator.deployment.rollouts import REASON_S, Reasons

WEBHOOK, PLUGIN = "operator-webhook", "sriov-device-plugin"
AGENT_IMAGE = "SRIOV_NETWORK_CONFIG_DAEMON_IMAGE"


@pytest.fixture
def home(server: Server, namespace: str) -> Iterator[Home]:
    yield from homes(server, namespace)


def test_pods_are_asked_why_a_rollout_stands_still(home: Home) -> None:
    pods = f"/api/v1/namespaces/{home.namespace}/pods"
    container = {"name": "main", "image": "registry.example/none:1"}
    head = {"name": f"{WEBHOOK}-x", "labels": {"app": WEBHOOK}}
    home.server.admin.done("POST", pods, {"metadata": head, "spec": {"nodeName": "n1", "containers": [container]}})
    waiting = {"reason": "ImagePullBackOff", "message": "Back-off pulling"}
    state = {**container, "imageID": "", "ready": False, "restartCount": 0, "state": {"waiting": waiting}}
    status = {"phase": "Pending", "containerStatuses": [state]}
    home.server.admin.done("PATCH", f"{pods}/{WEBHOOK}-x/status", {"status": status}, content_type=MERGE)
    client = Client(connect(str(home.kubeconfig), user_agent="test"), manager="sriov-network-operator")
    slow = Progress(counts=Rollout(name=WEBHOOK, desired=1, updated=1), is_current=True)
    reasons, text = Reasons(client, home.namespace), f"pod {WEBHOOK}-x on n1: image registry.example/none:1"
    assert reasons.of([slow], 0.0) == {WEBHOOK: f"{text} cannot be pulled"}
    home.server.admin.remove(f"{pods}/{WEBHOOK}-x")
    assert reasons.of([slow], REASON_S - 1) == {WEBHOOK: f"{text} cannot be pulled"}, "nothing moves, nobody is asked"
    assert "there is no pod of it" in reasons.of([slow], REASON_S)[WEBHOOK]
    assert reasons.of([], REASON_S) == {}


def test_a_feature_without_its_image_is_blocked_and_says_why(home: Home) -> None:
    home.start(dict.fromkeys(("SRIOV_NETWORK_WEBHOOK_IMAGE", AGENT_IMAGE, "SRIOV_DEVICE_PLUGIN_IMAGE"), ""))
    home.create()
    assert home.told("False", "Degraded")["reason"] == "AsExpected", "nothing was asked for in vain"
    assert "no agent is deployed" in home.told("True")["message"]
    home.change(enableOperatorWebhook=True)
    assert "SRIOV_NETWORK_WEBHOOK_IMAGE is not set" in home.told("True", "Degraded")["message"]
    assert home.config()["status"]["operatorWebhook"] == "Blocked"


def test_a_device_plugin_that_has_nothing_to_wait_with_stays_as_it_is(home: Home) -> None:
    home.start()
    home.create()
    home.told("True")
    before = home.find("DaemonSet", PLUGIN)
    home.start({AGENT_IMAGE: ""})
    assert "the device plugin is left as it is" in home.told("True", "Degraded")["message"]
    assert home.condition()["status"] == "True"
    assert home.find("DaemonSet", PLUGIN) == before
    home.change(featureGates={"blockDevicePluginUntilConfigured": False})
    home.until("DaemonSet", PLUGIN, lambda one: "initContainers" not in one["spec"]["template"]["spec"])
    home.told("False", "Degraded")
