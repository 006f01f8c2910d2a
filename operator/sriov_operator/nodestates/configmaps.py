"""Writes the device plugin's configs: what changed within half a second in one patch for each ConfigMap."""

import contextlib
import itertools
import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import attrs
import msgspec

from sriov_core.api.foreign import ConfigMap
from sriov_core.api.operatorconfig import NAME
from sriov_core.api.wire import API_VERSION
from sriov_core.errors import SriovError
from sriov_core.kube.controller import Controller
from sriov_core.kube.failures import NotFound
from sriov_core.kube.lean import LeanMeta
from sriov_core.kube.resource import CONFIG_MAPS
from sriov_operator.nodestates.board import Board
from sriov_operator.nodestates.pluginmaps import MapPatch, PluginMaps, map_name
from sriov_operator.process.context import Context

COALESCED_S = 0.5
CHECKED_S = 300.0
"""How often it is looked whether somebody else has changed or deleted a ConfigMap; they are not watched."""

_KEY = "device-plugin-config"
_KIND = "SriovOperatorConfig"

_log = logging.getLogger("sriov_operator.nodestates")


class _Written(msgspec.Struct, frozen=True):
    """What matters of the answer to a write: the rest of it is as large as the ConfigMap."""

    metadata: LeanMeta


@attrs.define
class _Progress:
    """By which configuration's uid, and when (monotonic seconds), was read what is there; whose label waits.

    ``is_known`` once it was read; an empty ``owner`` says that it has to be read again. ``versions`` are those of the
    ConfigMaps by number: what somebody else has written since shows as a conflict, and is read again.
    """

    is_known: bool = False
    owner: str = ""
    read_s: float = 0.0
    versions: dict[int, str] = attrs.field(factory=dict)
    labels: set[str] = attrs.field(factory=set)


class ConfigMaps:
    """Takes configs from any thread and writes them in its own. ``written`` is told the nodes whose config is there."""

    def __init__(self, context: Context, board: Board, written: Callable[[str], None]) -> None:
        self._client = context.client
        self._namespace = context.settings.namespace
        self._metrics = context.metrics
        self._board = board
        self._tell_written = written
        self._lock = threading.Lock()
        self._maps = PluginMaps()
        self._progress = _Progress()
        self.controller: Controller[str] = Controller("nodestates-configmaps", self._reconcile, watcher=context.metrics)

    def put(self, node: str, text: str) -> bool:
        """Want a config for a node; False when it is too large to be written."""
        with self._lock:
            fits = self._maps.put(node, text)
        self._soon()
        return fits

    def drop(self, node: str) -> None:
        """Want no config for a node."""
        with self._lock:
            self._maps.drop(node)
            self._progress.labels.discard(node)
        self._soon()

    def is_written(self, node: str) -> bool:
        """True when the node's config stands in the cluster; else ``written`` is told the node once it does."""
        with self._lock:
            there = self._progress.is_known and self._maps.is_written(node)
            if not there:
                self._progress.labels.add(node)
            return there

    def check(self) -> None:
        """Look at what is there, and write what is missing."""
        self._unread()
        self.controller.add(_KEY)

    def _soon(self) -> None:
        with self._lock:
            due = self._maps.pending or not self._progress.owner
        if due:
            self.controller.add_after(_KEY, COALESCED_S)

    def _unread(self) -> None:
        with self._lock:
            self._progress.owner = ""

    def _reconcile(self, _key: str) -> float | None:
        opening = self._board.opening
        if opening is None or opening.is_leaving:
            return None
        is_old = time.monotonic() - self._progress.read_s >= CHECKED_S
        try:
            if is_old or self._progress.owner != opening.uid:
                self._read(opening.uid)
            self._write_all(opening.uid)
        except SriovError:
            self._unread()  # what is there may not be what was thought
            raise
        finally:
            self._release()
        with self._lock:
            # What has come in the meantime waits as long, and so does what had to wait for the writes of now.
            return COALESCED_S if self._maps.pending else CHECKED_S

    def _write_all(self, owner: str) -> None:
        """Write each ConfigMap; the first failure is raised when the others have been tried."""
        failures: list[SriovError] = []
        with self._lock:
            patches = self._maps.patches()
        for patch in patches:
            try:
                self._write(patch, owner)
            except SriovError as failure:
                failures.append(failure)
        if failures:
            raise failures[0]

    def _read(self, owner: str) -> None:
        """Take up every ConfigMap that is there; they are numbered without a gap."""
        nodes = frozenset(self._board.nodes)
        for number in itertools.count():
            try:
                found = self._client.get(CONFIG_MAPS, map_name(number), self._namespace, type=ConfigMap)
            except NotFound:
                with self._lock:
                    self._maps.missing(number)
                    if number + 1 >= self._maps.count:
                        break
            else:
                version = self._owned(found, owner)
                with self._lock:
                    self._maps.adopt(number, found.data, nodes)
                    self._progress.versions[number] = version
        with self._lock:
            self._progress.is_known = True
            self._progress.owner, self._progress.read_s = owner, time.monotonic()

    def _owned(self, found: ConfigMap, owner: str) -> str:
        """Have the ConfigMap collected with the configuration that is there now, and no former one; its version."""
        before, version = found.metadata.owner_references, found.metadata.resource_version
        others = [one for one in before if (one.get("kind"), one.get("name")) != (_KIND, NAME)]
        if any(one.get("uid") == owner for one in before) and len(others) + 1 == len(before):
            return version
        return self._patch(found.metadata.name, version, ownerReferences=[*others, _owner(owner)])

    def _write(self, patch: MapPatch, owner: str) -> None:
        version = self._progress.versions.get(patch.number, "")
        if patch.deletes:
            with contextlib.suppress(NotFound):
                self._client.delete(CONFIG_MAPS, patch.name, self._namespace, resource_version=version)
            self._counted("delete")
        elif patch.creates:
            metadata = {"name": patch.name, "namespace": self._namespace, "ownerReferences": [_owner(owner)]}
            body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": patch.data}
            made = self._client.create(CONFIG_MAPS, body, self._namespace, type=_Written)
            version = made.metadata.resource_version
            self._counted("create")
        else:
            version = self._patch(patch.name, version, patch.data)
        _log.info("ConfigMap %s: %s", patch.name, _told(patch))
        with self._lock:
            self._maps.done(patch)
            self._progress.versions[patch.number] = version

    def _patch(self, name: str, version: str, data: Mapping[str, str | None] | None = None, **metadata: Any) -> str:
        """Merge these keys and this metadata into the ConfigMap if it still is what was seen; its version then."""
        body = {"metadata": {"resourceVersion": version, **metadata}, **({"data": data} if data else {})}
        made = self._client.merge_patch(CONFIG_MAPS, name, body, self._namespace, type=_Written)
        self._counted("patch")
        return made.metadata.resource_version

    def _counted(self, verb: str) -> None:
        self._metrics.count("writes", kind="ConfigMap", verb=verb)

    def _release(self) -> None:
        """Tell of the nodes that waited for their config and have it now."""
        with self._lock:
            known = self._progress.labels if self._progress.is_known else ()
            there = [node for node in known if self._maps.is_written(node)]
            self._progress.labels.difference_update(there)
        for node in there:
            self._tell_written(node)


def _owner(uid: str) -> dict[str, Any]:
    return {
        "apiVersion": API_VERSION,
        "kind": _KIND,
        "name": NAME,
        "uid": uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }


def _told(patch: MapPatch) -> str:
    if patch.deletes:
        return "deleted, it is left over"
    removed = sum(text is None for text in patch.data.values())
    told = f"{len(patch.data) - removed} nodes written, {removed} removed"
    return f"created, {told}" if patch.creates else told
