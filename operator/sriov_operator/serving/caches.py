"""Several informers as one: started together, ready when all are."""

import math
import threading
import time
from functools import partial
from typing import Any, TypeVar

from sriov_core.kube.client import Client
from sriov_core.kube.informer import Informer
from sriov_core.kube.resource import Resource
from sriov_operator.serving.contact import Contact
from sriov_operator.serving.metrics import Metrics

T = TypeVar("T")


class Caches:
    """The informers of one process; their age is in the metrics once they have been filled."""

    def __init__(self, client: Client, contact: Contact, metrics: Metrics) -> None:
        self._client = client
        self._contact = contact
        self._metrics = metrics
        self._informers: list[tuple[Resource, Informer[Any]]] = []

    def of(
        self,
        resource: Resource,
        type: type[T],  # noqa: A002  # as the informer calls it
        *,
        namespace: str = "",
        name: str = "",
    ) -> Informer[T]:
        """One more informer, not started yet: of all objects, those of a namespace, or the one of that name."""
        fields = f"metadata.name={name}" if name else ""
        failed = partial(self._failed, resource)
        informer = Informer(self._client, resource, type, namespace=namespace, fields=fields, on_failure=failed)
        self._informers.append((resource, informer))
        self._metrics.cache(
            resource.plural,
            silence_s=partial(_silence_s, informer),
            outage_s=partial(self._contact.outage_s, resource.plural),
        )
        return informer

    def start(self, stop: threading.Event) -> None:
        """Fill and keep them until ``stop`` is set."""
        for _, informer in self._informers:
            informer.start(stop)

    def join(self, timeout_s: float) -> bool:
        """Wait for their end; False when one did not end in time."""
        end = time.monotonic() + timeout_s
        ended = [informer.join(max(0.0, end - time.monotonic())) for _, informer in self._informers]
        return all(ended)

    def waiting(self) -> str:
        """What has not been listed yet, and why if that is known; empty when everything has."""
        missing = [(resource.plural, informer.trouble) for resource, informer in self._informers if not informer.synced]
        return "; ".join(f"no list of {plural} yet{why and f': {why}'}" for plural, why in missing)

    def _failed(self, resource: Resource, _failure: Exception) -> None:
        self._contact.lost(resource.plural)


def _silence_s(informer: Informer[Any]) -> float:
    return informer.silent_s if informer.synced else math.nan
