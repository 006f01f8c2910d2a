"""The ledger of drains: which nodes have a place of their pool, in one ConfigMap that two operators cannot both win.

A node is in the ledger from before its answer leaves Idle until after it is Idle again, so the entries of a pool bound
the nodes that are drained, whatever a cache believes. Every change replaces the ConfigMap at the version that was read.

Each entry has a claim, a word that every `Ledger.hold` makes anew. Whoever takes an entry away

1. reads its claim, 2. writes the node state (answer Idle), 3. removes the entry if the claim is still the same.

Whoever admits a node reads its state first, then claims, then writes the state at the version that was read. Of an
admission that claimed before (1), the write comes before (2), where it is seen, or after it, where it fails. One that
claims after (1) changes the claim, and (3) leaves the entry alone.
"""

import threading
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import attrs
import msgspec

from sriov_core.api.foreign import ConfigMap
from sriov_core.kube.client import Client
from sriov_core.kube.failures import Conflict, Exists, NotFound
from sriov_core.kube.resource import CONFIG_MAPS
from sriov_operator.draining import moments

NAME = "sriov-drain-ledger"
ATTEMPTS = 8


class Entry(msgspec.Struct, frozen=True):
    """The place of a node: in which pool, since when (RFC 3339), and the word of whoever claimed it last."""

    pool: str = ""
    since: str = ""
    claim: str = ""


Entries = Mapping[str, Entry]
Judge = Callable[[Entries], str]
"""Says why a node may not have a place beside those entries; empty when it may."""


@attrs.frozen
class Held:
    """What came of asking for a place: ``why`` not, or empty; and all entries as they are now."""

    entries: Entries
    why: str = ""


@attrs.frozen
class _Page:
    """The ledger as read; ``version`` is empty while there is none."""

    entries: dict[str, Entry]
    version: str = ""


class Ledger:
    """The ledger of a namespace. Thread-safe; the workers of one process do not spoil each other's writes."""

    def __init__(self, client: Client, namespace: str) -> None:
        self._client = client
        self._namespace = namespace
        self._writing = threading.Lock()

    def read(self) -> Entries:
        """All entries as they are at the API server."""
        return self._page().entries

    def hold(self, node: str, pool: str, now: datetime, judge: Judge) -> Held:
        """Give a node a place unless ``judge`` objects; one that has a place claims it anew.

        Raises Conflict when others write all the time.
        """

        def claimed(entries: Entries) -> Entries | str:
            held = entries.get(node)
            if why := judge(entries):
                return why
            since = held.since if held is not None and held.pool == pool else moments.written(now)
            return {**entries, node: Entry(pool, since, uuid.uuid4().hex[:12])}

        return self._change(claimed)

    def drop(self, node: str, claim: str) -> Entries:
        """Take a node's place away, if it is still the one of that claim; answers what is left."""

        def without(entries: Entries) -> Entries | str:
            if node not in entries or entries[node].claim != claim:
                return "it is somebody else's"
            return {name: entry for name, entry in entries.items() if name != node}

        return self._change(without).entries

    def _change(self, change: Callable[[Entries], Entries | str]) -> Held:
        with self._writing:
            for _ in range(ATTEMPTS):
                page = self._page()
                wanted = change(page.entries)
                if isinstance(wanted, str):
                    return Held(page.entries, wanted)
                try:
                    self._write(wanted, page.version)
                except (Conflict, Exists):
                    continue
                except NotFound:
                    if not page.version:  # not the ledger is missing, but its namespace
                        raise
                    continue
                return Held(wanted)
        text = f"the ledger of drains {self._namespace}/{NAME} changed {ATTEMPTS} times while it was written"
        raise Conflict(f"{text}: is a second operator at work?", status=409)

    def _page(self) -> _Page:
        try:
            found = self._client.get(CONFIG_MAPS, NAME, self._namespace, type=ConfigMap)
        except NotFound:
            return _Page({})
        return _Page({name: _entry(text) for name, text in found.data.items()}, found.metadata.resource_version)

    def _write(self, entries: Entries, version: str) -> None:
        metadata = {"name": NAME, "namespace": self._namespace}
        document: dict[str, Any] = {
            "apiVersion": CONFIG_MAPS.api_version,
            "kind": CONFIG_MAPS.kind,
            "metadata": {**metadata, "resourceVersion": version} if version else metadata,
            "data": {name: msgspec.json.encode(entry).decode() for name, entry in sorted(entries.items())},
        }
        if version:
            self._client.replace(CONFIG_MAPS, NAME, document, self._namespace, type=ConfigMap)
        else:
            self._client.create(CONFIG_MAPS, document, self._namespace, type=ConfigMap)


def _entry(text: str) -> Entry:
    """An entry that somebody spoilt takes a place all the same; its claim is what is there."""
    try:
        return msgspec.json.decode(text, type=Entry)
    except msgspec.DecodeError:  # ValidationError is one too
        return Entry(claim=text)
