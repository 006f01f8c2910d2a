"""Requests to the API server, for the log of whoever wants to know exactly."""

import logging

import attrs

from sriov_core.kube.exchange import Observer

_log = logging.getLogger("sriov_core.kube.requests")


@attrs.frozen
class RequestLog:
    """An `Observer` that logs each request as a detail, and passes it on to whoever counts."""

    inner: Observer | None = None

    def requested(self, verb: str, resource: str, status: int, seconds: float) -> None:
        """A request has ended; status 0 when there was no answer."""
        _log.debug("%s %s: %s after %.3f s", verb, resource, f"HTTP {status}" if status else "no answer", seconds)
        if self.inner is not None:
            self.inner.requested(verb, resource, status, seconds)
