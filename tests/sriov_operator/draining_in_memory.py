# ruff: noqa: A002  # arguments are called as the client calls them
"""An API server in memory, for interleavings no real one can be brought to; operators that go request by request.

It answers as the real one does where drains depend on it, which tests/cluster/test_cluster_drain_faults.py compares:
versions move with every change and with no write that changes nothing, a wrong version is a conflict.
"""

import copy
import itertools
import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import attrs
import msgspec

from sriov_core.api.poolconfig import PoolConfig
from sriov_core.kube.client import Listing
from sriov_core.kube.failures import Conflict, Exists, Invalid, NotFound, Unavailable
from sriov_core.kube.resource import NODE_STATES, NODES, Resource
from sriov_operator.draining.drainer import Drainer, Timing
from sriov_operator.draining.fleet import Fleet
from sriov_operator.draining.ledger import Ledger
from sriov_operator.draining.places import Places
from sriov_operator.draining.protocol import Terms
from sriov_operator.draining.sight import MANAGER
from sriov_operator.process.lean import LeanNode, LeanNodeState
from sriov_operator.process.settings import Settings

NAMESPACE = "sriov"
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
Object = dict[str, Any]
Key = tuple[str, str, str]


class Killed(BaseException):
    """SIGKILL: nothing of the process runs after it."""


def merged(document: Any, patch: Any) -> Any:
    """RFC 7386."""
    if not isinstance(patch, dict):
        return patch
    result = dict(document) if isinstance(document, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


class Api:
    """The objects, each at its version. ``on_change`` is told of each before and after; None is one that is not."""

    def __init__(self, on_change: Callable[[Resource, Object | None, Object | None], None] = lambda *_: None) -> None:
        self.objects: dict[Key, Object] = {}
        self._on_change = on_change
        self._versions = itertools.count(1)

    def key(self, resource: Resource, name: str, namespace: str) -> Key:
        return resource.plural, namespace if resource.namespaced else "", name

    def find(self, resource: Resource, name: str, namespace: str = "") -> Object:
        found = self.objects.get(self.key(resource, name, namespace))
        if found is None:
            raise NotFound(f"get {resource.kind} {name}", status=404)
        return copy.deepcopy(found)

    def all(self, resource: Resource) -> Iterator[Object]:
        return (copy.deepcopy(one) for key, one in sorted(self.objects.items()) if key[0] == resource.plural)

    def create(self, resource: Resource, document: Object, namespace: str = "") -> Object:
        name = document["metadata"]["name"]
        key = self.key(resource, name, namespace)
        if key in self.objects:
            raise Exists(f"create {resource.kind} {name}", status=409)
        version = str(next(self._versions))
        metadata = {"namespace": namespace, **document["metadata"], "uid": f"uid-{version}", "resourceVersion": version}
        self.objects[key] = {**copy.deepcopy(document), "metadata": metadata}
        self._on_change(resource, None, self.objects[key])
        return copy.deepcopy(self.objects[key])

    def replace(self, resource: Resource, name: str, document: Object, namespace: str = "") -> Object:
        stored = self.find(resource, name, namespace)
        self._test(stored, document["metadata"].get("resourceVersion"))
        metadata = {**document["metadata"], "uid": stored["metadata"]["uid"]}
        return self._store(resource, name, namespace, stored, {**document, "metadata": metadata})

    def patch(self, resource: Resource, name: str, patch: Object, namespace: str = "", manager: str = "") -> Object:
        stored = self.find(resource, name, namespace)
        self._test(stored, patch.get("metadata", {}).get("resourceVersion"))
        changed = merged(stored, patch)
        changed["metadata"]["resourceVersion"] = stored["metadata"]["resourceVersion"]
        if manager and "unschedulable" in patch.get("spec", {}):
            fields = [{"manager": manager, "fieldsV1": {"f:spec": {"f:unschedulable": {}}}}]
            changed["metadata"]["managedFields"] = fields if patch["spec"]["unschedulable"] else []
        return self._store(resource, name, namespace, stored, changed)

    def apply_conditions(self, resource: Resource, name: str, body: Object, namespace: str) -> Object:
        stored = self.find(resource, name, namespace)
        changed = copy.deepcopy(stored)
        there = {one["type"]: one for one in changed.setdefault("status", {}).get("conditions", [])}
        sent = {one["type"]: one for one in body["status"]["conditions"]}
        changed["status"]["conditions"] = list((there | sent).values())
        return self._store(resource, name, namespace, stored, changed)

    def remove(self, resource: Resource, name: str, namespace: str = "", *, uid: str = "") -> None:
        stored = self.find(resource, name, namespace)
        if uid not in {"", stored["metadata"]["uid"]}:
            raise Conflict("the uid in the precondition is another's", status=409)
        del self.objects[self.key(resource, name, namespace)]
        self._on_change(resource, stored, None)

    def _test(self, stored: Object, version: str | None) -> None:
        if version is not None and version != stored["metadata"]["resourceVersion"]:
            raise Conflict("the object has been modified", status=409)

    def _store(self, resource: Resource, name: str, namespace: str, before: Object, after: Object) -> Object:
        after["metadata"]["resourceVersion"] = before["metadata"]["resourceVersion"]
        if after != before:
            after["metadata"]["resourceVersion"] = str(next(self._versions))
            self.objects[self.key(resource, name, namespace)] = copy.deepcopy(after)
            self._on_change(resource, before, after)
        return copy.deepcopy(after)


Gate = Callable[[Callable[[], Any]], Any]
"""Does a request when it is let through, or spoils it."""


@attrs.frozen
class MemoryClient:
    """The verbs of `sriov_core.kube.client.Client` that drains use."""

    api: Api
    gate: Gate = lambda request: request()

    def get(self, resource: Resource, name: str, namespace: str = "", *, type: Any = Object) -> Any:
        return self._ask(lambda: self.api.find(resource, name, namespace), type)

    def list(self, resource: Resource, namespace: str = "", *, type: Any = Object, fields: str = "") -> Any:
        path, _, value = fields.partition("=")
        field = path.removeprefix("spec.")
        found = self.gate(
            lambda: [one for one in self.api.all(resource) if str(one["spec"].get(field, "")).lower() == value.lower()]
        )
        return Listing(tuple(msgspec.convert(one, type) for one in found), "0")

    def create(self, resource: Resource, body: Object, namespace: str = "", *, type: Any = Object) -> Any:
        return self._ask(lambda: self.api.create(resource, body, namespace), type)

    def replace(self, resource: Resource, name: str, body: Object, namespace: str = "", *, type: Any = Object) -> Any:
        return self._ask(lambda: self.api.replace(resource, name, body, namespace), type)

    def merge_patch(
        self, resource: Resource, name: str, patch: Object, namespace: str = "", *, type: Any = Object
    ) -> Any:
        return self._ask(lambda: self.api.patch(resource, name, patch, namespace, MANAGER), type)

    def apply(
        self, resource: Resource, name: str, body: Any, namespace: str = "", *, subresource: str, type: Any = Object
    ) -> Any:
        document = msgspec.to_builtins(body)
        return self._ask(lambda: self.api.apply_conditions(resource, name, document, namespace), type)

    def create_under(self, resource: Resource, name: str, subresource: str, body: Object, namespace: str = "") -> Any:
        uid = body["deleteOptions"]["preconditions"]["uid"]
        return self.gate(lambda: self.api.remove(resource, name, namespace, uid=uid))

    def _ask(self, request: Callable[[], Object], type: Any) -> Any:
        return msgspec.convert(self.gate(request), type)


@attrs.define
class Cache:
    """What one process has seen of one kind."""

    seen: dict[str, Any] = attrs.field(factory=dict)

    def get(self, key: str) -> Any:
        return self.seen.get(key)

    def items(self) -> tuple[Any, ...]:
        return tuple(self.seen.values())


class Process:
    """One operator: its memory, its caches, and the pass that it is in, which goes on by one request at a time."""

    def __init__(self, api: Api, pools: Iterable[PoolConfig]) -> None:
        self._api = api
        self._nodes, self._states = Cache(), Cache()
        self._fault = ""
        self._go, self._parked = threading.Semaphore(0), threading.Semaphore(0)
        self._thread: threading.Thread | None = None
        self._bug: BaseException | None = None
        self._fleet = Fleet(lambda: NOW)
        client: Any = MemoryClient(api, self._gate)
        context: Any = SimpleNamespace(
            client=client,
            caches=SimpleNamespace(nodes=self._nodes, states=self._states),
            settings=Settings(namespace=NAMESPACE, resource_prefix="openshift.io"),
            recorder=SimpleNamespace(tell=lambda *_, **__: None),
            metrics=SimpleNamespace(count=lambda *_, **__: None),
            now=lambda: NOW,
        )
        self._places = Places(Ledger(client, NAMESPACE), self._fleet, context.now, lambda _: None)
        self.terms = Terms.DRAIN
        self._drainer = Drainer(context, self._fleet, self._places, Timing(), lambda: self.terms)
        for pool in pools:
            self._fleet.pool_changed(None, pool)
        self.sync()
        self.run(self._drainer.review)

    @property
    def is_busy(self) -> bool:
        return self._thread is not None

    def sync(self) -> None:
        """The caches catch up, and the process hears of it as its controller would."""
        for resource, cache, lean, told in (
            (NODES, self._nodes, LeanNode, self._fleet.node_changed),
            (NODE_STATES, self._states, LeanNodeState, self._fleet.state_changed),
        ):
            there = {self._key(one): msgspec.convert(one, lean) for one in self._api.all(resource)}
            for key in sorted({*cache.seen, *there}):
                before, after = cache.seen.get(key), there.get(key)
                if before != after:
                    row = self._fleet.row(key.rpartition("/")[2])
                    told(before, after)
                    is_another = after is None or (before and after.metadata.uid != before.metadata.uid)
                    if is_another and row is not None and row.hands.is_busy:
                        self._places.note((row.node,))
            cache.seen = there

    def begin(self, node: str) -> None:
        """Start a pass; it stops before its first request."""
        self._start(lambda: self._drainer.reconcile(node))

    def run_pass(self, node: str) -> None:
        """A whole pass."""
        self.begin(node)
        self.finish()

    def step(self, fault: str = "") -> None:
        """Let one request through: well, refused now or for good, its answer lost, or with a kill before or after."""
        self._fault = fault
        self._go.release()
        self._wait()

    def finish(self) -> None:
        """Let the pass go on to its end."""
        while self.is_busy:
            self.step()

    def run(self, work: Callable[[], Any]) -> None:
        """Do something at once, without a stop."""
        self._start(work)
        self.finish()

    def _start(self, work: Callable[[], Any]) -> None:
        assert not self.is_busy
        self._thread = threading.Thread(target=self._work, args=(work,), daemon=True)
        self._thread.start()
        self._wait()

    def _wait(self) -> None:
        assert self._parked.acquire(timeout=30), "the pass neither asks nor ends"
        if self._bug is not None:
            bug, self._bug = self._bug, None
            raise bug

    def _work(self, work: Callable[[], Any]) -> None:
        try:
            work()
        except (Conflict, NotFound, Exists, Unavailable):
            pass  # the controller comes back later
        except BaseException as err:  # noqa: BLE001  # handed to the test
            self._bug = err
        self._thread = None
        self._parked.release()

    def _gate(self, request: Callable[[], Any]) -> Any:
        self._parked.release()
        assert self._go.acquire(timeout=30)
        match self._fault:
            case "killed before":
                raise Killed
            case "refused":
                raise Unavailable("no answer", status=503)
            case "invalid":
                raise Invalid("patch SriovNetworkNodeState a: a rule says no", status=422)
        answer = request()
        match self._fault:
            case "killed after":
                raise Killed
            case "lost":
                raise Unavailable("no answer", status=0)
        return answer

    def _key(self, document: Object) -> str:
        meta = document["metadata"]
        return f"{meta['namespace']}/{meta['name']}" if meta.get("namespace") else str(meta["name"])
