"""``sriov-core agent wait-for-config``: holds the device plugin back until its node is ready."""

import logging
import threading

import click

from sriov_core.agent.deviceplugin import LeanPod
from sriov_core.api import keys
from sriov_core.errors import SriovError
from sriov_core.kube.client import Client
from sriov_core.kube.connection import connect
from sriov_core.kube.failures import Conflict, Forbidden, NotFound, Throttled, Unavailable
from sriov_core.kube.informer import Informer
from sriov_core.kube.resource import PODS

_TRIES = 10
_LONGEST_PAUSE_S = 30.0

_log = logging.getLogger("sriov_core.agent")


@click.command("wait-for-config", short_help="hold the device plugin back until the node is configured")
@click.option("--pod-name", required=True, envvar="POD_NAME", help="The pod that this container belongs to.")
@click.option("--pod-namespace", required=True, envvar="POD_NAMESPACE", help="That pod's namespace.")
@click.option("--kubeconfig", envvar="KUBECONFIG", help="The way to the API server; the pod's own when left out.")
def verb(pod_name: str, pod_namespace: str, kubeconfig: str | None) -> int:
    """Mark the pod as waiting, and end when the agent of its node takes the mark away.

    Exit code: 0, or 1 when the pod cannot be marked or has gone.
    """
    client = Client(connect(kubeconfig, user_agent="sriov-core-wait-for-config"), manager="sriov-core-agent")
    wait(client, pod_name, pod_namespace, threading.Event())
    return 0


def wait(client: Client, name: str, namespace: str, stop: threading.Event, first_pause_s: float = 1.0) -> None:
    """Mark the pod, then wait until the mark is gone or ``stop`` is set. SriovError when that cannot come."""
    version = _mark(client, name, namespace, stop, first_pause_s)
    if not version:
        return
    _log.info("the pod %s/%s waits until the node is configured", namespace, name)
    changed = threading.Event()
    ended = threading.Event()
    pods = Informer(client, PODS, LeanPod, namespace=namespace, fields=f"metadata.name={name}")
    pods.subscribe(lambda _old, _new: changed.set())
    pods.start(ended)
    try:
        while not stop.is_set():
            changed.wait(1.0)
            changed.clear()
            if pods.synced and not _is_marked(pods.get(f"{namespace}/{name}"), name, namespace):
                return
    finally:
        ended.set()


def _is_marked(pod: LeanPod | None, name: str, namespace: str) -> bool:
    if pod is None:
        raise SriovError(f"the pod {namespace}/{name} has gone while it waited for the node to be configured")
    return keys.WAITS_FOR_CONFIG in pod.metadata.annotations


def _mark(client: Client, name: str, namespace: str, stop: threading.Event, pause_s: float) -> str:
    """Mark the pod; its version afterwards, empty when ``stop`` was set. What may pass is tried ten times."""
    patch = {"metadata": {"annotations": {keys.WAITS_FOR_CONFIG: "true"}}}
    for left in range(_TRIES - 1, -1, -1):
        try:
            return client.merge_patch(PODS, name, patch, namespace, type=LeanPod).metadata.resource_version
        except (NotFound, Forbidden):
            raise
        except (Unavailable, Throttled, Conflict) as err:
            if not left:
                raise
            _log.warning("the pod %s/%s cannot be marked yet: %s", namespace, name, err)
        if stop.wait(pause_s):
            return ""
        pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
    return ""
