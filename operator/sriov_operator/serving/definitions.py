"""NetworkAttachmentDefinitions for the injector: from a cache, or from the API server when they are younger than it."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from sriov_core.injection.wanted import NODE_SELECTOR
from sriov_core.kube.client import Client
from sriov_core.kube.failures import NotFound
from sriov_core.kube.informer import Informer
from sriov_core.kube.resource import ATTACHMENTS
from sriov_operator.serving.caches import Caches
from sriov_operator.serving.lean import Meta

GET_S = 4.0
"""For one definition; a review has ten seconds, and names few that are not in the cache."""


class Definitions:
    """A `sriov_core.injection.wanted.Lookup`, for any thread; only the annotations that count are kept."""

    def __init__(self, client: Client, caches: Caches, resource_keys: Sequence[str]) -> None:
        self._type = _lean(resource_keys)
        self._client = client.within(GET_S)
        self._cache: Informer[Any] = caches.of(ATTACHMENTS, self._type)

    def __call__(self, namespace: str, name: str) -> Mapping[str, Any] | None:
        """The definition, None when there is none; ApiFailure when that cannot be found out."""
        found = self._cache.get(f"{namespace}/{name}")
        if found is None:
            try:
                found = self._client.get(ATTACHMENTS, name, namespace, type=self._type)
            except NotFound:
                return None
        return {"metadata": {"annotations": msgspec.to_builtins(found.metadata.annotations)}}


def _lean(resource_keys: Sequence[str]) -> type[Any]:
    """The type of a definition with those annotations only; one that is not there stays out of `to_builtins`."""
    keys = dict.fromkeys((*resource_keys, NODE_SELECTOR))
    kept = [
        (f"annotation_{at}", str | msgspec.UnsetType, msgspec.field(name=key, default=msgspec.UNSET))
        for at, key in enumerate(keys)
    ]
    annotations = msgspec.defstruct("Annotations", kept, frozen=True, kw_only=True)
    part = ("annotations", annotations, msgspec.field(default_factory=annotations))
    metadata = msgspec.defstruct("Metadata", [part], bases=(Meta,), frozen=True, kw_only=True, rename="camel")
    return msgspec.defstruct("Definition", [("metadata", metadata)], frozen=True, kw_only=True)
