"""The device plugin's pods on a real API server: restarted when VFs change, held back until the node is ready."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from servers import Server

from sriov_core.agent.deviceplugin import DevicePluginPods
from sriov_core.agent.waitforconfig import wait
from sriov_core.errors import DeadlineExceeded, SriovError
from sriov_core.kube.client import Client
from sriov_core.kube.connection import connect
from sriov_core.kube.failures import NotFound

MARK = "sriovnetwork.openshift.io/device-plugin-wait-config"
LONG_S = 30.0

Path = Callable[[str], str]


@pytest.fixture
def client(server: Server) -> Client:
    return Client(connect(str(server.admin_kubeconfig), user_agent="test"), manager="sriov-core-agent")


@pytest.fixture
def path(namespace: str) -> Path:
    return lambda name: f"/api/v1/namespaces/{namespace}/pods/{name}"


def pod(namespace: str, name: str, node: str = "worker-0", **metadata: Any) -> dict[str, Any]:
    """A pod of the plugin as its DaemonSet makes it, already bound to its node."""
    metadata = {"labels": {"app": "sriov-device-plugin"}, **metadata, "name": name, "namespace": namespace}
    spec = {"nodeName": node, "containers": [{"name": "plugin", "image": "example.com/plugin"}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


@pytest.fixture
def pods(client: Client, namespace: str) -> Iterator[DevicePluginPods]:
    stop = threading.Event()
    watched = DevicePluginPods(client, namespace=namespace, node="worker-0", gone_within_s=LONG_S)
    watched.start(stop)
    yield watched
    stop.set()
    assert watched.join(10.0)


@pytest.fixture
def kubelet(server: Server) -> Iterator[Callable[[str], None]]:
    """Ends a pod once it is deleted, as the kubelet does after the grace period."""
    threads: list[threading.Thread] = []

    def finish(path: str) -> None:
        for _ in range(600):
            found = server.admin.find(path)
            if found is None or found["metadata"].get("deletionTimestamp"):
                break
            threading.Event().wait(0.05)
        server.admin.remove(path)

    def end(path: str) -> None:
        threads.append(threading.Thread(target=finish, args=(path,), daemon=True))
        threads[-1].start()

    yield end
    for thread in threads:
        thread.join(LONG_S)


def test_a_restart_ends_the_pods_of_this_node_and_no_other(
    server: Server, namespace: str, path: Path, pods: DevicePluginPods, kubelet: Callable[[str], None]
) -> None:
    server.admin.create(pod(namespace, "own"))
    server.admin.create(pod(namespace, "elsewhere", node="worker-1"))
    server.admin.create(pod(namespace, "other", labels={"app": "something-else"}))
    assert until(lambda: pods.names == ("own",))
    kubelet(path("own"))
    pods.restart("the VFs of 0000:3b:00.0 change")
    assert server.admin.find(path("own")) is None
    assert server.admin.find(path("elsewhere"))
    assert server.admin.find(path("other"))


def test_a_node_without_the_plugin_is_no_error(pods: DevicePluginPods) -> None:
    pods.restart("nobody is there")
    pods.unblock()


def test_a_pod_that_does_not_end_is_named(server: Server, client: Client, namespace: str) -> None:
    server.admin.create(pod(namespace, "stuck", finalizers=["example.com/held"]))
    stop = threading.Event()
    held = DevicePluginPods(client, namespace=namespace, node="worker-0", gone_within_s=0.5)
    held.start(stop)
    assert until(lambda: held.names == ("stuck",))
    with pytest.raises(DeadlineExceeded, match=r"pod stuck is still there 0\.5 s after it was deleted"):
        held.restart("VFs change")
    stop.set()


def test_a_waiting_pod_goes_on_once_its_node_is_ready(
    server: Server, client: Client, namespace: str, path: Path, pods: DevicePluginPods
) -> None:
    server.admin.create(pod(namespace, "own", annotations={"example.com/kept": "yes"}))
    ended = threading.Event()
    waiting = threading.Thread(target=lambda: (wait(client, "own", namespace, threading.Event()), ended.set()))
    waiting.start()
    assert until(lambda: MARK in annotations(server, path("own")))
    assert until(lambda: pods.waiting == ("own",))
    assert not ended.is_set()
    pods.unblock()
    assert ended.wait(LONG_S)
    waiting.join(LONG_S)
    assert annotations(server, path("own")) == {"example.com/kept": "yes"}


def test_a_pod_that_goes_while_it_waits_ends_the_wait(
    server: Server, client: Client, namespace: str, path: Path
) -> None:
    server.admin.create(pod(namespace, "own"))
    told: list[BaseException] = []

    def waits() -> None:
        try:
            wait(client, "own", namespace, threading.Event())
        except SriovError as err:
            told.append(err)

    waiting = threading.Thread(target=waits)
    waiting.start()
    assert until(lambda: MARK in annotations(server, path("own")))
    server.admin.remove(path("own"))
    waiting.join(LONG_S)
    assert "has gone while it waited" in str(told[0])


def test_a_pod_that_does_not_exist_cannot_wait(client: Client, namespace: str) -> None:
    with pytest.raises(NotFound, match="nobody"):
        wait(client, "nobody", namespace, threading.Event())


def annotations(server: Server, path: str) -> dict[str, str]:
    found = server.admin.find(path)
    assert found is not None
    kept: dict[str, str] = found["metadata"].get("annotations", {})
    return kept


def until(holds: Callable[[], bool]) -> bool:
    """Whether it becomes true within `LONG_S`."""
    clock = threading.Event()
    for _ in range(int(LONG_S / 0.05)):
        if holds():
            return True
        clock.wait(0.05)
    return False
