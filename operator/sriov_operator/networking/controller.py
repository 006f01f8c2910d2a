"""Networks to NetworkAttachmentDefinitions: looks, has it decided by `sriov_operator.attachments`, and writes.

A pass first looks at the caches alone, which is free and mostly finds nothing to do. Only when there is something
to write, it asks the API server for the few objects concerned and decides again on what is there now, so that a cache
that lags behind leads to no write.
"""

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from sriov_core.api.conditions import Condition
from sriov_core.api.networks import Network
from sriov_core.api.operatorconfig import OperatorConfig
from sriov_core.kube.controller import Controller
from sriov_core.kube.failures import ApiFailure, Conflict, Exists, Forbidden, NotFound, Throttled
from sriov_core.kube.informer import Informer
from sriov_core.kube.resource import ATTACHMENTS, NAMESPACES, OURS
from sriov_operator.attachments import Decision, Reason, decide, invalid, not_ready, places
from sriov_operator.configuration import missing
from sriov_operator.networking.index import Index, Key, key_of
from sriov_operator.networking.lean import CACHED, LeanAttachment, LeanNamespace
from sriov_operator.networking.looking import Found, attachment_now, network_now, takes_objects_now
from sriov_operator.networking.repetition import Repetition
from sriov_operator.networking.writing import Writer, told
from sriov_operator.process.context import Context
from sriov_operator.stored import accepted

WORKERS = 2
FIRST_LOOK_S = 1.0
OBSTACLE_LOOK_S = 30.0
"""How often it is looked whether attachments can be read by now."""

Look = Callable[[str, str], dict[str, Any] | None]
"""The attachment of that namespace and name, None when there is none."""


class Networks:
    """The controller of all three kinds, in all namespaces; the part ``networks`` of the operator."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._index = Index()
        self._repetition = Repetition()
        self._telling = threading.Lock()
        self._obstacle: ApiFailure | None = None
        client = context.client
        self._networks: dict[str, Informer[Any]] = {
            kind: Informer(client, OURS[kind], wire)
            for kind, wire in CACHED.items()
            if kind in context.settings.network_kinds
        }
        self._attachments = Informer(client, ATTACHMENTS, LeanAttachment, on_failure=self._on_failure)
        self._namespaces = Informer(client, NAMESPACES, LeanNamespace, on_failure=self._on_failure)
        self._controller: Controller[Key] = Controller(
            "networks", self._reconcile, workers=WORKERS, watcher=context.metrics
        )

    @property
    def _informers(self) -> tuple[Informer[Any], ...]:
        return (*self._networks.values(), self._attachments, self._namespaces)

    def start(self, stop: threading.Event) -> None:
        """Fill the caches of its own and start the workers."""
        for kind, informer in self._networks.items():
            informer.subscribe(self._on_network, partial(self._on_unreadable, kind))
        self._attachments.subscribe(self._on_attachment)
        self._namespaces.subscribe(self._on_namespace)
        self._context.caches.configs.subscribe(self._on_config)
        for informer in self._informers:
            informer.start(stop)
        self._controller.start(stop)

    def join(self, timeout_s: float) -> bool:
        """Wait for the end after ``stop``."""
        end = time.monotonic() + timeout_s
        parts: tuple[Any, ...] = (self._controller, *self._informers)
        return all(part.join(max(0.0, end - time.monotonic())) for part in parts)

    def _on_network(self, before: Network | None, after: Network | None) -> None:
        if after is not None:
            self._index.put(after)
            self._controller.add(key_of(after))
        elif before is not None:
            self._index.drop(key_of(before))
            self._repetition.forget(key_of(before))
        with self._telling:  # or one that counted earlier might tell last
            for kind in self._networks:
                for status, number in self._index.counts(kind).items():
                    self._context.metrics.gauge("networks", number, kind=kind, ready=status)

    def _on_unreadable(self, kind: str, place: str) -> None:
        self._controller.add(Key(kind, place))

    def _on_attachment(self, before: LeanAttachment | None, after: LeanAttachment | None) -> None:
        seen = after or before
        if seen is None:
            return
        # Networks of other namespaces reach into this one from the operator's own only.
        for namespace in {seen.metadata.namespace, self._context.settings.namespace}:
            for kind, networks in self._networks.items():
                if networks.get(f"{namespace}/{seen.metadata.name}") is not None:
                    self._controller.add(Key(kind, f"{namespace}/{seen.metadata.name}"))

    def _on_namespace(self, before: LeanNamespace | None, after: LeanNamespace | None) -> None:
        seen = after or before
        if seen is None or (before and after and before.takes_objects == after.takes_objects):
            return
        for key in self._index.of_namespace(seen.metadata.name):
            self._controller.add(key)

    def _on_config(self, before: OperatorConfig | None, after: OperatorConfig | None) -> None:
        if before and after and before.metadata.deletion_timestamp == after.metadata.deletion_timestamp:
            return
        for kind, networks in self._networks.items():
            for network in networks.items():
                self._controller.add(Key(kind, f"{network.metadata.namespace}/{network.metadata.name}"))

    def _on_failure(self, failure: Exception) -> None:
        self._obstacle = failure if isinstance(failure, NotFound | Forbidden) else None

    def _reconcile(self, key: Key) -> float | None:
        cache = self._networks[key.kind]
        is_unreadable = key.place in cache.unreadable
        network: Network | None = None if is_unreadable else cache.get(key.place)
        if network is None and not is_unreadable:
            return None
        if not (self._attachments.synced and self._namespaces.synced):
            return self._not_yet(key, network)
        if network is not None and self._is_settled(network, self._decided(network, self._cached, self._takes_objects)):
            return None
        if network is not None and self._is_told_to_wait(network):
            return None
        found = network_now(self._context.client, key)
        if found is not None:
            self._settle(found)
        return None

    def _settle(self, found: Found) -> None:
        """Decide on what the API server has now, and do it; what cannot be done stands in the condition."""
        network = found.network
        writer, failing = self._writer(found), Reason.UNREAD
        if found.mistakes and not network.metadata.deletion_timestamp:
            writer.tell(invalid(network, found.mistakes))
            return
        try:
            decision = self._decided(network, partial(attachment_now, self._context.client), self._takes_objects_now)
            waits = self._waits(network) if decision.actions else None
            if waits is not None:
                writer.tell(waits)
                return
            failing = Reason.INVALID
            writer.carry_out(decision.actions)
        except ApiFailure as failure:
            if _is_lasting(failure):
                self._complain(writer, not_ready(network, failing, str(failure)))
            raise
        if decision.ready is not None:
            writer.tell(decision.ready)

    def _writer(self, found: Found) -> Writer:
        return Writer(self._context, found.network, found.accepted)

    def _waits(self, network: Network) -> Condition | None:
        """What to tell of a network that stays as it is without a configuration; one that is deleted may go."""
        why = missing(self._context.caches.configs, self._context.settings.namespace)
        if not why or network.metadata.deletion_timestamp:
            return None
        return not_ready(network, Reason.NO_CONFIGURATION, why)

    def _is_told_to_wait(self, network: Network) -> bool:
        waits = self._waits(network)
        return waits is not None and self._says(network, waits)

    def _complain(self, writer: Writer, ready: Condition) -> None:
        """Tell of a failure, unless that has just been done in other words: the write would lead to the next pass."""
        if not self._repetition.is_one(key_of(writer.network), writer.network.status.conditions, ready):
            writer.tell(ready)

    def _not_yet(self, key: Key, network: Network | None) -> float:
        """A cache is not filled. When somebody has to do something about it, say so; what is deleted may go."""
        obstacle = self._obstacle
        if obstacle is None:
            return FIRST_LOOK_S
        text = f"{obstacle} (it comes with Multus)" if isinstance(obstacle, NotFound) else str(obstacle)
        is_told = network is not None and self._says(network, self._waits(network) or _unread(network, text))
        if network is None or network.metadata.deletion_timestamp or not is_told:
            found = network_now(self._context.client, key)
            if found is not None and found.network.metadata.deletion_timestamp:
                self._settle(found)
            elif found is not None:
                self._writer(found).tell(self._waits(found.network) or _unread(found.network, text))
        return OBSTACLE_LOOK_S

    def _is_settled(self, network: Network, decision: Decision) -> bool:
        return not decision.actions and (decision.ready is None or self._says(network, decision.ready))

    def _says(self, network: Network, ready: Condition) -> bool:
        """Whether it says so; a Ready of this spec was written with what there is to say of the spec's fields."""
        held = accepted(network.status.conditions)
        return told(network, ready, held, self._context.now()) == network.status.conditions

    def _decided(self, network: Network, look: Look, takes_objects: Callable[[str], bool]) -> Decision:
        looked, name = places(network), network.metadata.name
        return decide(
            network,
            found=look(looked.target, name) if looked.target else None,
            former=look(looked.former, name) if looked.former else None,
            namespace_exists=bool(looked.target) and takes_objects(looked.target),
            operator_namespace=self._context.settings.namespace,
            resource_prefix=self._context.settings.resource_prefix,
        )

    def _takes_objects(self, namespace: str) -> bool:
        seen = self._namespaces.get(namespace)
        return seen is not None and seen.takes_objects

    def _takes_objects_now(self, namespace: str) -> bool:
        """Asked only where the cache may be behind: one that has come is missed by nobody, one that goes says so."""
        return self._takes_objects(namespace) or takes_objects_now(self._context.client, namespace)

    def _cached(self, namespace: str, name: str) -> dict[str, Any] | None:
        seen = self._attachments.get(f"{namespace}/{name}")
        return seen.seen() if seen is not None else None


def _unread(network: Network, text: str) -> Condition:
    return not_ready(network, Reason.UNREAD, text)


def _is_lasting(failure: ApiFailure) -> bool:
    """True for what people have to hear of: a refusal, or a server or webhook that answers with an error."""
    return failure.status > 0 and not isinstance(failure, Conflict | Exists | Throttled)
