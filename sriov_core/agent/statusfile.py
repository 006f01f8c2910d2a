"""What the agent reported last and what went wrong last, in a file on the node: for whoever has no cluster to ask.

A report that the cluster does not take, or of an agent without one, is found there, too.
"""

import datetime as dt
import logging

import attrs
import msgspec

from sriov_core.api.nodestate import NodeStateStatus
from sriov_core.engine.bootfile import WRITTEN_BY
from sriov_core.host.ownfiles import replace

FORMAT = 1
PATH = "/run/sriov-core/agent-status.json"
"""Below /run, which is in memory: nothing of an earlier boot is left, and a write waits for no disk."""
_MODE = 0o600
"""It names pods and MACs, which are not everybody's business."""

_log = logging.getLogger("sriov_core.agent")


class Failed(msgspec.Struct, frozen=True, kw_only=True):
    """The last report with something wrong: when it was new (RFC 3339, UTC), and its whole text."""

    time: str
    text: str


@attrs.define(kw_only=True)
class StatusFile:
    """The file at ``path``; used by one thread. Nothing that is wrong with it is an error of the agent."""

    path: str
    _status: NodeStateStatus | None = attrs.field(default=None, init=False)
    _failed: Failed | None = attrs.field(default=None, init=False)
    _complained: bool = attrs.field(default=False, init=False)

    def keep(self, status: NodeStateStatus) -> None:
        """Write the report when it is another one than the last; never raises."""
        if status == self._status:
            return
        self._status, now = status, dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        if status.last_sync_error and (self._failed is None or self._failed.text != status.last_sync_error):
            self._failed = Failed(time=now, text=status.last_sync_error)
        content = {
            "format": FORMAT,
            "written_by": WRITTEN_BY,
            "time": now,
            "last_failure": self._failed,
            "status": status,
        }
        try:
            replace(self.path, msgspec.json.format(msgspec.json.encode(content), indent=2).decode() + "\n", _MODE)
        except (OSError, ValueError) as err:
            if not self._complained:
                _log.info("the report is not kept in %s: %s", self.path, err)
            self._complained = True
