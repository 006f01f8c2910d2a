"""The publisher of a node without a cluster: what changes is said in the log."""

import logging

from sriov_core.agent.handshake import Request, Talk
from sriov_core.agent.writes import Told
from sriov_core.api.nodestate import NodeStateStatus

_log = logging.getLogger("sriov_core.agent")


class LogPublisher:
    """Says how the node stands whenever that is something else than before."""

    def __init__(self) -> None:
        self._said: tuple[str, str, str] = ("", "", "")

    @property
    def written(self) -> Request | None:
        """Nobody is asked for anything."""
        return None

    def want(self, status: NodeStateStatus | None, talk: Talk) -> None:  # noqa: ARG002  # nobody drains this node
        """Log the status when it differs from the last one."""
        if status is None:
            return
        text = next((one.message for one in status.conditions if one.type == "Ready"), "")
        said = status.sync_status, status.last_sync_error, text
        if said == self._said:
            return
        self._said = said
        level = logging.WARNING if status.last_sync_error else logging.INFO
        _log.log(level, "%s: %s", status.sync_status, status.last_sync_error or text)

    def tell(self, told: Told) -> None:
        """Log an event."""
        _log.log(logging.WARNING if told.kind == "Warning" else logging.INFO, "%s: %s", told.reason, told.note)

    def flush(self, timeout_s: float) -> bool:  # noqa: ARG002  # a log is written at once
        """Nothing waits."""
        return True
