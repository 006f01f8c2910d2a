"""Every change of requests, answers and cordons of nodes, as a watch tells them: looking now and then misses some."""

import threading
from collections.abc import Collection
from itertools import pairwise

import attrs

from sriov_core.api import keys
from sriov_core.kube.client import Client
from sriov_core.kube.informer import Informer
from sriov_core.kube.resource import NODE_STATES, NODES
from sriov_operator.draining.protocol import COMPLETE, DRAINING
from sriov_operator.process.lean import LeanNode, LeanNodeState

CORDON, REQUEST, ANSWER = "cordon", "request", "answer"
CORDONED, OPEN, GONE = "cordoned", "open", ""


@attrs.frozen(order=True)
class Moment:
    """A change of one object. The version is etcd's, which counts the changes of all kinds."""

    version: int
    node: str
    what: str
    value: str


@attrs.define
class History:
    """Every change from `start` on; of the time of an outage of the API server, only what differs after it."""

    client: Client
    namespace: str
    _moments: list[Moment] = attrs.field(factory=list)
    _stop: threading.Event = attrs.field(factory=threading.Event)
    _following: tuple[Informer[LeanNode], Informer[LeanNodeState]] = attrs.field(init=False)

    def start(self) -> None:
        """Follow all Nodes, and the node states of the namespace."""
        nodes = Informer(self.client, NODES, LeanNode)
        states = Informer(self.client, NODE_STATES, LeanNodeState, namespace=self.namespace)
        nodes.subscribe(self._node)
        states.subscribe(self._state)
        self._following = nodes, states
        for one in self._following:
            one.start(self._stop)
            assert one.wait_synced(60.0)

    def stop(self) -> None:
        """Follow no more."""
        self._stop.set()
        for one in self._following:
            one.join(10.0)

    def knows(self, node: str, what: str, version: str) -> bool:
        """True when that version of the Node (`CORDON`) or of its node state (`ANSWER`) was told, or a later one."""
        return any(one.version >= int(version) for one in self._moments if (one.node, one.what) == (node, what))

    def requests(self, node: str) -> list[str]:
        """What the agent of that node asked for on the Node, one after the other, without repetitions."""
        return self._values(node, REQUEST)

    def answers(self, node: str) -> list[str]:
        """What was answered to that node, one after the other, without repetitions."""
        return self._values(node, ANSWER)

    def drains(self, node: str) -> int:
        """How many times the draining of that node was begun."""
        return self.answers(node).count(DRAINING)

    def cordons(self, node: str) -> int:
        """How many times that node was cordoned."""
        return self._values(node, CORDON).count(CORDONED)

    def most_out(self, among: Collection[str]) -> int:
        """The greatest number of these nodes that were out of service at a time: cordoned, or being drained.

        A Node that is not there does not count, whatever its node state says.
        """
        now: dict[tuple[str, str], str] = {}
        most = 0
        for moment in sorted(self._moments):
            now[moment.node, moment.what] = moment.value
            most = max(most, sum(_is_out(now.get((one, CORDON), GONE), now.get((one, ANSWER), "")) for one in among))
        return most

    def told(self, among: Collection[str]) -> str:
        """All of it, a line for each change, for whoever reads of a failure."""
        lines, known = [], dict[tuple[str, str], str]()
        for one in sorted(self._moments):
            if one.node in among and known.get((one.node, one.what)) != one.value:
                lines.append(f"  {one.version} {one.node} {one.what}: {one.value or 'gone'}")
            known[one.node, one.what] = one.value
        return "\n".join(lines)

    def _values(self, node: str, what: str) -> list[str]:
        found = [one.value for one in sorted(self._moments) if (one.node, one.what) == (node, what)]
        return found[:1] + [after for before, after in pairwise(found) if before != after]

    def _node(self, before: LeanNode | None, after: LeanNode | None) -> None:
        cordon = GONE if after is None else CORDONED if after.spec.unschedulable else OPEN
        request = GONE if after is None else after.metadata.annotations.get(keys.NODE_STATE, "")
        self._add(CORDON, before, after, cordon)
        self._add(REQUEST, before, after, request)

    def _state(self, before: LeanNodeState | None, after: LeanNodeState | None) -> None:
        answer = after.metadata.annotations.get(keys.CURRENT_STATE, "") if after is not None else GONE
        self._add(ANSWER, before, after, answer)

    def _add(
        self, what: str, before: LeanNode | LeanNodeState | None, after: LeanNode | LeanNodeState | None, value: str
    ) -> None:
        seen = after or before
        assert seen is not None
        ended = after is None  # the version of its end is not told, and comes after its last
        self._moments.append(Moment(int(seen.metadata.resource_version) + ended, seen.metadata.name, what, value))


def _is_out(cordon: str, answer: str) -> bool:
    return cordon == CORDONED or (cordon == OPEN and answer in {DRAINING, COMPLETE})
