"""The pods of the SR-IOV device plugin on this node: restarted when VFs change, let go on when the node is ready."""

import logging
import threading
import time

import msgspec

from sriov_core.api import keys
from sriov_core.errors import DeadlineExceeded
from sriov_core.kube.client import Client
from sriov_core.kube.failures import Conflict, NotFound
from sriov_core.kube.informer import Informer
from sriov_core.kube.lean import LeanMeta
from sriov_core.kube.resource import PODS

LABEL = "app=sriov-device-plugin"
GONE_WITHIN_S = 120.0
"""How long a pod may take to end: the incumbent's limit, four times the usual grace period."""
_LOOK_EACH_S = 0.2

_log = logging.getLogger("sriov_core.agent")


class LeanPod(msgspec.Struct, frozen=True, kw_only=True):
    """A pod as far as it matters here."""

    metadata: LeanMeta


class DevicePluginPods:
    """The node's pods of the plugin, watched, so that asking whether one waits costs no request."""

    def __init__(self, client: Client, *, namespace: str, node: str, gone_within_s: float = GONE_WITHIN_S) -> None:
        self._client = client
        self._gone_within_s = gone_within_s
        self._stop = threading.Event()
        self._pods = Informer(client, PODS, LeanPod, namespace=namespace, labels=LABEL, fields=f"spec.nodeName={node}")

    def start(self, stop: threading.Event) -> None:
        """Begin to watch; waits end when ``stop`` is set."""
        self._stop = stop
        self._pods.start(stop)

    def join(self, timeout_s: float) -> bool:
        """Wait for the end of the watch."""
        return self._pods.join(timeout_s)

    @property
    def names(self) -> tuple[str, ...]:
        """The pods on this node."""
        return tuple(pod.metadata.name for pod in self._pods.items())

    @property
    def waiting(self) -> tuple[str, ...]:
        """Those that wait for the node to be configured."""
        return tuple(pod.metadata.name for pod in self._pods.items() if _waits(pod))

    def restart(self, reason: str) -> None:
        """Delete the pods that are there and return when they are gone; the DaemonSet makes new ones.

        Raises DeadlineExceeded naming those that stay, and the API server's refusals.
        """
        if not self._pods.wait_synced(self._gone_within_s):
            text = f"the device plugin's pods are not known after {self._gone_within_s:g} s"
            raise DeadlineExceeded(f"{text}: the API server does not answer. Nothing was changed")
        old, began = self._pods.items(), time.monotonic()
        for pod in old:
            if not pod.metadata.deletion_timestamp:  # one that was told to end already needs no second word
                self._delete(pod, reason)
        self._wait_gone({pod.metadata.uid: pod.metadata.name for pod in old})
        for pod in old:
            _log.info("the device plugin's pod %s is gone after %.1f s", pod.metadata.name, time.monotonic() - began)

    def unblock(self) -> None:
        """Take the annotation off every pod that waits for the node; one that has gone meanwhile needs nothing."""
        for pod in self._pods.items():
            if _waits(pod):
                self._let_go(pod.metadata)

    def _delete(self, pod: LeanPod, reason: str) -> None:
        meta = pod.metadata
        _log.info("restarting the device plugin's pod %s: %s", meta.name, reason)
        try:
            self._client.delete(PODS, meta.name, meta.namespace, uid=meta.uid)
        except (NotFound, Conflict):
            _log.debug("the pod %s has gone by itself", meta.name)

    def _wait_gone(self, pods: dict[str, str]) -> None:
        deadline = time.monotonic() + self._gone_within_s
        while left := sorted(pods[one.metadata.uid] for one in self._pods.items() if one.metadata.uid in pods):
            if time.monotonic() > deadline:
                advice = "See `kubectl describe pod`: a finalizer or a kubelet that does not answer keeps it"
                raise DeadlineExceeded(
                    f"the device plugin's pod {', '.join(left)} is still there {self._gone_within_s:g} s after it was "
                    f"deleted, so VFs may still be handed out. Nothing was changed. {advice}"
                )
            if self._stop.wait(_LOOK_EACH_S):
                raise DeadlineExceeded(f"the agent ends while the pod {', '.join(left)} is still there")

    def _let_go(self, meta: LeanMeta) -> None:
        patch = {"metadata": {"uid": meta.uid, "annotations": {keys.WAITS_FOR_CONFIG: None}}}
        try:
            self._client.merge_patch(PODS, meta.name, patch, meta.namespace)
        except (NotFound, Conflict):
            return
        _log.info("the node is configured: the device plugin's pod %s may start", meta.name)


def _waits(pod: LeanPod) -> bool:
    return keys.WAITS_FOR_CONFIG in pod.metadata.annotations
