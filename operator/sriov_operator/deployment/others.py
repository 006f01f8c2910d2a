"""Objects of the cluster that have a name of ours and belong to somebody else. Nothing here does I/O.

The names of webhooks and of cluster roles are those of other projects, too: an injector may be installed by itself, in
another namespace. An object tells by what it points to whose it is.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from sriov_operator.deployment import names
from sriov_operator.objects import Object

BINDINGS: Mapping[str, str] = {
    names.OPERATOR_WEBHOOK: names.OPERATOR_WEBHOOK_BINDING,
    names.INJECTOR: names.INJECTOR_BINDING,
    names.EXPORTER_REVIEWS: names.EXPORTER_REVIEWS_BINDING,
}
"""The bindings of our cluster roles: a role itself points nowhere."""


def points_elsewhere(live: Object, namespace: str) -> bool:
    """True for a webhook configuration or a binding without our label that has to do with other namespaces only."""
    if is_labelled(live):
        return False
    found = set(_namespaces(live))
    return bool(found) and namespace not in found


def is_labelled(live: Object) -> bool:
    """True for what we have written."""
    return bool((live["metadata"].get("labels") or {}).get(names.MANAGED_BY) == names.MANAGER)


def _namespaces(live: Object) -> Iterator[str]:
    parts: list[dict[str, Any]] = [
        *(hook.get("clientConfig", {}).get("service") or {} for hook in live.get("webhooks") or []),
        *(live.get("subjects") or []),
    ]
    yield from (str(part["namespace"]) for part in parts if part.get("namespace"))
