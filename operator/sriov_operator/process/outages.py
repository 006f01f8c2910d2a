"""Why caches cannot be filled, and what somebody has to apply for it; the informers themselves go on trying."""

import logging
import threading
import time
from collections.abc import Callable

from sriov_core.kube.failures import Forbidden, NotFound
from sriov_core.kube.resource import OURS, Resource

AGAIN_S = 300.0
"""After how long the same advice is given once more."""

_log = logging.getLogger("sriov_operator.process")


class Outages:
    """What keeps which cache from being filled. Thread-safe; ``clock`` is monotonic seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failures: dict[str, str] = {}
        self._advised: dict[str, float] = {}

    def of(self, resource: Resource) -> Callable[[Exception], None]:
        """What an informer of that kind calls with each failure."""
        return lambda failure: self._take(resource, failure)

    def why(self, resource: Resource) -> str:
        """The last failure, empty when there was none."""
        with self._lock:
            return self._failures.get(resource.plural, "")

    def _take(self, resource: Resource, failure: Exception) -> None:
        text, now = advice(resource, failure), self._clock()
        with self._lock:
            self._failures[resource.plural] = str(failure)
            if not text or now - self._advised.get(text, -AGAIN_S) < AGAIN_S:
                return
            self._advised[text] = now
        _log.warning("%s", text)


def advice(resource: Resource, failure: Exception) -> str:
    """What to apply, one sentence for all kinds that lack it alike; empty for what passes by itself."""
    if isinstance(failure, NotFound) and resource in OURS.values():
        return (
            "The API server does not know the kinds of this operator. Apply their definitions: "
            "sriov-core crds | kubectl apply --server-side -f -"
        )
    if isinstance(failure, Forbidden):
        return (
            "The API server refuses what the operator needs. Apply its roles and their bindings, and check that its "
            "pod runs under their service account"
        )
    return ""
