"""The way to the API server of a process that leads, closed to its writes as soon as another may lead."""

from collections.abc import Callable

import attrs

from sriov_core.kube.client import Answer, Stream, Transport
from sriov_core.kube.failures import Unavailable


@attrs.define
class Fence:
    """A `Transport` around another one. ``is_shut`` is asked before each write, which it must not hold up.

    A pass that is under way when the leadership is lost meets it at its next write; waiting for passes to end is not
    enough, for each of their requests may take as long as its deadline.
    """

    _transport: Transport
    is_shut: Callable[[], bool] = lambda: False

    def request(self, method: str, path: str, *, body: bytes | None, content_type: str, timeout_s: float) -> Answer:
        """One request; Unavailable for a write when the fence is shut."""
        if method != "GET" and self.is_shut():
            raise Unavailable("this process does not lead any more, so it writes nothing")
        return self._transport.request(method, path, body=body, content_type=content_type, timeout_s=timeout_s)

    def stream(self, path: str, *, timeout_s: float) -> tuple[Answer, Stream]:
        """Open a watch."""
        return self._transport.stream(path, timeout_s=timeout_s)
