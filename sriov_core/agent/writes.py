"""What has to be written so that the cluster shows what the agent wants to say: bodies of requests. Pure."""

from typing import Any, Literal

import attrs
import msgspec

from sriov_core.agent.handshake import Request
from sriov_core.api import keys
from sriov_core.api.nodestate import NodeStateStatus

_EMPTY = {"interfaces": [], "plugins": [], "unmanaged": [], "syncStatus": "", "lastSyncError": "", "platform": ""}


@attrs.frozen(kw_only=True)
class Told:
    """One event about the node state."""

    kind: Literal["Normal", "Warning"]
    reason: str
    action: str
    note: str


def status_body(status: NodeStateStatus) -> dict[str, Any]:
    """The status as it is applied. What is empty is said all the same: it takes away what another agent left there."""
    said = {**_EMPTY, **msgspec.to_builtins(status)}
    said["bridges"] = {"ovs": [], **said.get("bridges", {})}
    said["system"] = {"rdmaMode": "", **said.get("system", {})}
    return {"status": said}


def request_patch(
    request: Request | None, *, external: bool | None, before: Request | None, now: str
) -> dict[str, Any]:
    """The merge patch of the node state's annotations; empty when there is nothing to write.

    Since when a drain is asked for stays as it was when only the kind of drain changes: the longest wait is first.
    """
    notes: dict[str, str | None] = {}
    if request is not None:
        notes[keys.DESIRED_STATE] = request.value
        if request is Request.IDLE:
            notes[keys.REQUESTED_SINCE] = None
        elif before in (None, Request.IDLE):
            notes[keys.REQUESTED_SINCE] = now
    if external is not None:
        notes[keys.EXTERNAL_DRAINER] = "true" if external else None
    return {"metadata": {"annotations": notes}} if notes else {}


def node_patch(request: Request) -> dict[str, Any]:
    """The merge patch of the Node's annotation."""
    return {"metadata": {"annotations": {keys.NODE_STATE: request.value}}}


def events(before: NodeStateStatus, after: NodeStateStatus) -> tuple[Told, ...]:
    """What people are told of a change of the status: how it went on, and what went wrong."""
    told = []
    if before.sync_status != after.sync_status:
        note = f"Status changed from: {before.sync_status or 'Unknown'} to: {after.sync_status or 'Unknown'}"
        error = f". Last Error: {after.last_sync_error}" if after.last_sync_error else ""
        told.append(Told(kind="Normal", reason="SyncStatusChanged", action="Sync", note=f"{note}{error}"))
    if after.last_sync_error and after.last_sync_error != before.last_sync_error:
        told.append(Told(kind="Warning", reason="ConfigurationFailed", action="Configure", note=after.last_sync_error))
    return tuple(told)
