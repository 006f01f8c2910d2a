"""Four nodes of one pool in memory, their agents, and a watch over what must never happen while they are drained."""

from collections import Counter
from typing import Any

from draining_in_memory import NAMESPACE, Api, Object, Process

from sriov_core.api import keys
from sriov_core.api.poolconfig import PoolConfig, PoolConfigSpec
from sriov_core.api.wire import ObjectMeta
from sriov_core.kube.failures import NotFound
from sriov_core.kube.resource import CONFIG_MAPS, NODE_STATES, NODES, PODS, Resource
from sriov_core.policy.pools import max_unavailable
from sriov_operator.draining.ledger import NAME

NAMES = ("a", "b", "c", "d")
CORDONED = "d"
"""The node that an administrator has cordoned."""


class Pool:
    """Every write is watched: the budget holds, cordons of people stay, no pod is evicted that came after the drain."""

    def __init__(self, limit: int | str | None) -> None:
        self._limit = max_unavailable(limit, len(NAMES))
        self._config = PoolConfig(metadata=ObjectMeta(name="pool"), spec=PoolConfigSpec(max_unavailable=limit))
        self._begun: Counter[str] = Counter()
        self._born: dict[str, int] = {}
        self.evicted = 0
        self.theirs = {CORDONED}
        """The nodes that people have cordoned, and want to stay so."""
        self._api = Api(self._changed)
        for name in NAMES:
            self._add_node(name, cordoned=name == CORDONED)
            self.add_state(name)
            self.ask(name, "Idle")
            self.note(name, keys.CURRENT_STATE, "Idle")

    def operator(self) -> Process:
        """A new operator that has seen everything so far."""
        return Process(self._api, (self._config,))

    def ask(self, name: str, request: str, since: str = "") -> None:
        """The agent asks, first on the Node."""
        self._api.patch(NODES, name, {"metadata": {"annotations": {keys.NODE_STATE: request}}})
        self.note(name, keys.DESIRED_STATE, request)
        if since:
            self.note(name, keys.REQUESTED_SINCE, since)

    def finish_change(self, name: str) -> None:
        """The agent changes a node that is drained, and is done."""
        request, answer = self.handshake(name)
        if answer == "DrainComplete" and request != "Idle":
            self.ask(name, "Idle")

    def schedule(self, name: str) -> None:
        """A pod comes to a node that serves."""
        if not self.is_cordoned(name) and self.handshake(name)[1] in {"", "Idle"}:
            self.place(name)

    def cordon(self, name: str, *, on: bool = True) -> None:
        """What an administrator does, whose client writes nothing when it is so already."""
        if self.is_cordoned(name) != on:
            self.theirs = self.theirs | {name} if on else self.theirs - {name}
            self._api.patch(NODES, name, {"spec": {"unschedulable": on or None}}, manager="kubectl-cordon")

    def place(self, name: str) -> None:
        """A pod comes to a node, also one of which the scheduler has not heard that it is cordoned."""
        resources = {"requests": {"openshift.io/nic": "1"}}
        pod = {"spec": {"nodeName": name, "containers": [{"resources": resources}]}}
        stored = self._api.create(PODS, {"metadata": {"name": f"pod-{len(self._born)}"}, **pod}, "team")
        self._born[stored["metadata"]["uid"]] = self._begun[name] - (self.answer(name) == "Draining")

    def replace_node(self, name: str, *, cordoned: bool | None = None) -> None:
        """The Node leaves the cluster and comes back, cordoned or not as at first unless told otherwise."""
        is_cordoned = name == CORDONED if cordoned is None else cordoned
        self.remove_node(name)
        self.theirs = self.theirs | {name} if is_cordoned else self.theirs
        self._add_node(name, cordoned=is_cordoned)

    def remove_node(self, name: str) -> None:
        self.theirs = self.theirs - {name}
        self._api.remove(NODES, name)

    def replace_state(self, name: str) -> None:
        """The node state is deleted and made again."""
        self.remove_state(name)
        self.add_state(name)

    def remove_state(self, name: str) -> None:
        self._api.remove(NODE_STATES, name, NAMESPACE)

    def add_state(self, name: str) -> None:
        self._api.create(NODE_STATES, {"metadata": {"name": name}}, NAMESPACE)

    def handshake(self, name: str) -> tuple[str, str]:
        """The request and the answer."""
        request = self._api.find(NODES, name)["metadata"].get("annotations", {}).get(keys.NODE_STATE, "")
        return request, self.answer(name)

    def is_cordoned(self, name: str) -> bool:
        return bool(self._api.find(NODES, name).get("spec", {}).get("unschedulable"))

    def ledger(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = self._api.find(CONFIG_MAPS, NAME, NAMESPACE)["data"]
        except NotFound:
            return {}
        return found

    def _add_node(self, name: str, *, cordoned: bool) -> None:
        spec = {"unschedulable": True} if cordoned else {}
        self._api.create(NODES, {"metadata": {"name": name}, "spec": spec})

    def note(self, name: str, key: str, value: str | None) -> None:
        """An annotation of the node state."""
        self._api.patch(NODE_STATES, name, {"metadata": {"annotations": {key: value}}}, NAMESPACE)

    def answer(self, name: str) -> str:
        """That of the operator; empty when there is none."""
        return _answered(self._api.objects.get(self._api.key(NODE_STATES, name, NAMESPACE)))

    def _changed(self, resource: Resource, before: Object | None, after: Object | None) -> None:
        if resource is NODE_STATES:
            name = (before or after or {})["metadata"]["name"]
            self._begun[name] += _answered(after) == "Draining" != _answered(before)
            busy = [one for one in NAMES if self.answer(one) not in {"", "Idle"}]
            assert self._limit is None or len(busy) <= self._limit, f"{busy} are drained, and {self._limit} may be"
        if resource is NODES and after is not None:
            name = after["metadata"]["name"]
            assert name not in self.theirs or after["spec"].get("unschedulable"), f"{name} was cordoned by people"
        if resource is PODS and before is not None and after is None:
            where, uid = before["spec"]["nodeName"], before["metadata"]["uid"]
            assert self._begun[where] > self._born[uid], f"pod {uid} was evicted outside of a drain"
            self.evicted += 1


def _answered(state: Object | None) -> str:
    found: str = (state or {}).get("metadata", {}).get("annotations", {}).get(keys.CURRENT_STATE, "")
    return found
