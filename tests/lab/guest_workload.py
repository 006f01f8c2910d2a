"""A pod on the guest's node, as far as the API server and the kernel see one."""

from typing import Any

import attrs
from guest_cluster import APPS, NODE, Cluster
from servers_admin import MERGE


@attrs.frozen
class Workload:
    """A pod on the node, as far as the API server and the kernel see one: an object and a network namespace.

    What a kubelet would do about it is done here.
    """

    cluster: Cluster
    name: str
    resource: str

    def start(self, netdev: str = "") -> None:
        """The pod runs, with this VF in it."""
        self.resume()
        if netdev:
            self.cluster.vm.sh(f"ip link set {netdev} netns {self.name}")
        asked = {"requests": {self.resource: "1"}, "limits": {self.resource: "1"}}
        container = {"name": "main", "image": "none.example/none", "resources": asked}
        meta = {"name": self.name, "namespace": APPS, "labels": {"app": self.name}}
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": meta,
            "spec": {"nodeName": NODE, "containers": [container]},
        }
        self._admin.create(pod)
        # A budget holds up the eviction of ready pods only.
        running = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
        self._admin.done("PATCH", f"{self._path}/status", {"status": running}, content_type=MERGE)

    def resume(self) -> None:
        """Its network namespace is there, made anew at each boot."""
        self.cluster.vm.sh(f"ip netns add {self.name}")

    def protect(self) -> None:
        """A disruption budget that allows nothing."""
        spec = {"minAvailable": 1, "selector": {"matchLabels": {"app": self.name}}}
        meta = {"name": self.name, "namespace": APPS}
        self._admin.create({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": meta, "spec": spec})
        self.allow(0)

    def allow(self, disruptions: int = 1) -> None:
        """So many pods of its budget may be disrupted, as the controller of budgets would have judged it."""
        judged = {"observedGeneration": 1, "currentHealthy": 1, "desiredHealthy": 1, "expectedPods": 1}
        body = {"status": {**judged, "disruptionsAllowed": disruptions}}
        self._admin.done("PATCH", f"{self._budget}/status", body, content_type=MERGE)

    def remove(self) -> None:
        """The pod and its budget are gone at once.

        Its network namespace stays, as one does that a process holds open.
        """
        self._admin.remove(self._budget)
        self._admin.remove(self._path)

    def end_when_evicted(self) -> None:
        """Wait until the pod is to end, and remove it."""
        self.cluster.until(self._is_told_to_end, f"the eviction of pod {self.name}")
        self.remove()

    def _is_told_to_end(self) -> bool:
        return "deletionTimestamp" in (self._admin.find(self._path) or {"metadata": {}})["metadata"]

    @property
    def _admin(self) -> Any:
        return self.cluster.server.admin

    @property
    def _path(self) -> str:
        return f"/api/v1/namespaces/{APPS}/pods/{self.name}"

    @property
    def _budget(self) -> str:
        return f"/apis/policy/v1/namespaces/{APPS}/poddisruptionbudgets/{self.name}"
