"""Where the wish comes from: the cluster's objects for this node, watched, or a file, looked at now and then."""

import os
import threading
from collections.abc import Callable
from typing import Protocol

import attrs

from sriov_core.agent.shortform import SeenConfigMap, of_config_maps
from sriov_core.agent.switches import Given, SeenConfig, Switches, switches
from sriov_core.agent.wish import SeenNodeState, Wish, of_node_state, of_text, without_release_while_missing
from sriov_core.api import keys
from sriov_core.api.operatorconfig import NAME
from sriov_core.errors import SriovError
from sriov_core.kube.client import Client
from sriov_core.kube.failures import Forbidden, NotFound
from sriov_core.kube.informer import Informer
from sriov_core.kube.resource import CONFIG_MAPS, CONFIGS, NODE_STATES, Resource
from sriov_core.model.observed import Snapshot

Notice = Callable[[], None]
"""Rings when something may have to be done; never blocks."""

MOST_BYTES = 5_000_000


@attrs.frozen(kw_only=True)
class Order:
    """What the agent is told at this moment.

    ``switches`` is None while nothing may be touched. ``state`` is the node's object, None where there is none: then
    nobody is told, and nobody drains the node. ``ready`` is False until the cluster was read once. ``why`` says what
    is missing for a wish and what to do, if there is none.
    """

    switches: Switches | None
    state: SeenNodeState | None = None
    ready: bool = True
    why: str = ""


class Source(Protocol):
    """Where the agent is told what to do. Answers come from memory: nobody waits for an API server."""

    def start(self, notice: Notice, stop: threading.Event) -> None:
        """Begin to listen; ``notice`` is called at every change."""
        ...

    def order(self) -> Order:
        """What holds now."""
        ...

    def wish(self, order: Order, snapshot: Snapshot) -> Wish | None:
        """What is wished of the machine that was just looked at; None when nobody says."""
        ...

    def join(self, timeout_s: float) -> bool:
        """Wait for the end of its threads after ``stop``."""
        ...


class ClusterSource:
    """The node state of this node and the operator's configuration; with ``config_maps`` the wish is in a ConfigMap.

    The last that was seen holds while the API server is away. ``on_state`` gets each version of the node state.
    """

    def __init__(
        self,
        client: Client,
        *,
        node: str,
        namespace: str,
        given: Given,
        config_maps: bool = False,
        on_state: Callable[[SeenNodeState | None], None] = lambda _: None,
    ) -> None:
        self._key, self._config_key = f"{namespace}/{node}", f"{namespace}/{NAME}"
        self._given = given
        self._refused: set[str] = set()
        self._on_state = on_state
        self._notice: Notice = lambda: None
        of_node, default = f"metadata.name={node}", f"metadata.name={NAME}"
        self._states = Informer(
            client,
            NODE_STATES,
            SeenNodeState,
            namespace=namespace,
            fields=of_node,
            on_failure=self._failed(NODE_STATES),
        )
        self._configs = Informer(
            client, CONFIGS, SeenConfig, namespace=namespace, fields=default, on_failure=self._failed(CONFIGS)
        )
        self._label = f"{keys.NODE_INTERFACES}={node}"
        self._maps = (
            Informer(client, CONFIG_MAPS, SeenConfigMap, namespace=namespace, labels=self._label)
            if config_maps
            else None
        )

    def start(self, notice: Notice, stop: threading.Event) -> None:
        self._notice = notice
        self._states.subscribe(self._state_changed)
        self._configs.subscribe(lambda _before, _after: notice())
        self._states.start(stop)
        self._configs.start(stop)
        if self._maps:
            self._maps.subscribe(lambda _before, _after: notice())
            self._maps.start(stop)

    def order(self) -> Order:
        ready = self._is_ready()  # before the caches are read: what was not there yet would count as not there
        state, config = self._states.get(self._key), self._configs.get(self._config_key)
        if not ready:
            why = "waits until the API server has told what is wished and how to work; the node stays as it is"
            return Order(switches=None, state=state, ready=False, why=why)
        if self._maps is not None:  # nothing else needs to be there, not even the kinds of this project
            why = f"no ConfigMap has the label {self._label}, so nothing is changed on this node. Create one"
            return Order(switches=switches(config, self._given), state=state, why=why)
        if config is None:
            return Order(switches=None, state=state, why=self._without_config())
        why = (
            f"there is no SriovNetworkNodeState {self._key}, so nothing is changed on this node. The operator makes it "
            "for each node that it manages: see that it runs, and what configDaemonNodeSelector selects"
        )
        return Order(switches=switches(config, self._given), state=state, why=why)

    def wish(self, order: Order, snapshot: Snapshot) -> Wish | None:
        if self._maps is not None:
            return of_config_maps(self._maps.items(), snapshot)
        return of_node_state(order.state) if order.state else None

    def join(self, timeout_s: float) -> bool:
        ended = self._states.join(timeout_s) and self._configs.join(timeout_s)
        return ended and (self._maps is None or self._maps.join(timeout_s))

    def _is_ready(self) -> bool:
        """Whether everything was read once; kinds that a wish in a ConfigMap does without may be missing then."""
        if self._maps is None:
            return self._states.synced and self._configs.synced
        beside = ((NODE_STATES, self._states.synced), (CONFIGS, self._configs.synced))
        return self._maps.synced and all(synced or kind.plural in self._refused for kind, synced in beside)

    def _failed(self, resource: Resource) -> Callable[[Exception], None]:
        def failed(error: Exception) -> None:
            if isinstance(error, NotFound | Forbidden):
                self._refused.add(resource.plural)

        return failed

    def _without_config(self) -> str:
        if self._config_key in self._configs.unreadable:
            text = f"SriovOperatorConfig {self._config_key} cannot be read, so nothing is changed on this node"
            return f"{text}. Correct it, see the line of the log before"
        return f"there is no SriovOperatorConfig {self._config_key}, so nothing is changed on this node. Create it"

    def _state_changed(self, before: SeenNodeState | None, after: SeenNodeState | None) -> None:
        self._on_state(after)
        if before is None or after is None or _said(before) != _said(after):
            self._notice()


class FileSource:
    """One node state in a file, and no cluster. The file is read again when it was changed.

    A file that cannot be read changes nothing, and says so; the last wish is healed no more until it can be read.
    While a NIC of the wish is not here, nothing is given back.
    """

    def __init__(self, path: str, given: Given, *, look_each_s: float = 1.0) -> None:
        self._path = path
        self._switches = switches(None, given)
        self._look_each_s = look_each_s
        self._thread: threading.Thread | None = None

    def start(self, notice: Notice, stop: threading.Event) -> None:
        def listen() -> None:
            known = self._stamp()
            while not stop.wait(self._look_each_s):
                now = self._stamp()
                if now != known:
                    known = now
                    notice()

        self._thread = threading.Thread(target=listen, name="wish-file", daemon=True)
        self._thread.start()

    def order(self) -> Order:
        return Order(switches=self._switches)

    def wish(self, order: Order, snapshot: Snapshot) -> Wish | None:  # noqa: ARG002  # there is one file
        return without_release_while_missing(self._read(), snapshot)

    def join(self, timeout_s: float) -> bool:
        if self._thread is None:
            return True
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _read(self) -> Wish:
        called = f"the wish in {self._path}"
        try:
            if os.path.exists(self._path) and not os.path.isfile(self._path):  # a pipe would be waited for without end
                return Wish(called=called, error=f"{self._path} is no regular file. Write the node state into one")
            with open(self._path, "rb") as file:
                data = file.read(MOST_BYTES + 1)
        except OSError as err:
            missing = isinstance(err, FileNotFoundError)
            why = f"there is no file {self._path}" if missing else f"cannot read {self._path}: {err.strerror}"
            return Wish(called=called, error=f"{why}. Write the node state there", missing=missing)
        if len(data) > MOST_BYTES:
            error = f"{self._path} has more than {MOST_BYTES // 1_000_000} MB, which is no node state"
            return Wish(called=called, error=error)
        try:
            return of_text(data.decode(), self._path)
        except UnicodeDecodeError as err:
            error = f"{self._path} is no text (byte {err.start} is not UTF-8). Save it as UTF-8"
            return Wish(called=called, error=error)
        except SriovError as err:
            return Wish(called=called, error=str(err))

    def _stamp(self) -> tuple[int, int, int] | None:
        try:
            found = os.stat(self._path)
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size


def _said(state: SeenNodeState) -> tuple[object, ...]:
    """What may give the agent something to do: all but its own report."""
    meta = state.metadata
    return meta.uid, meta.generation, meta.annotations, meta.deletion_timestamp
