"""Takes up what concerns many nodes: policies, pools, the operator's configuration, and the ids of supported NICs."""

import logging
import threading
from collections.abc import Callable, Iterable
from typing import Literal

import attrs

from sriov_core.api.featuregates import gates
from sriov_core.api.foreign import ConfigMap
from sriov_core.api.operatorconfig import NAME, OperatorConfig
from sriov_core.kube.controller import Controller
from sriov_core.kube.informer import Informer
from sriov_core.kube.resource import CONFIG_MAPS
from sriov_core.policy import nicids
from sriov_core.policy.nicids import NicIds
from sriov_core.policy.nodeoutcome import Settings
from sriov_operator.nodestates.board import Board, Opening
from sriov_operator.nodestates.facts import listed
from sriov_operator.process.context import Context

BRIDGES = "manageSoftwareBridges"
"""The feature gate for bridges."""

_WAIT_S = 0.2

_log = logging.getLogger("sriov_operator.nodestates")


@attrs.frozen
class Input:
    """What has changed: one policy, by its name, all of the pools or settings, or which of them cannot be read."""

    kind: Literal["policy", "pools", "settings", "unreadable"]
    name: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.name}".strip()


POOLS = Input("pools")
SETTINGS = Input("settings")
UNREADABLE = Input("unreadable")


class Inputs:
    """``reached`` is told the nodes that a change reaches, ``changed`` the policies whose status it concerns.

    ``opened`` is told that all there is has to be looked at anew.
    """

    def __init__(
        self,
        context: Context,
        board: Board,
        *,
        reached: Callable[[Iterable[str]], None],
        changed: Callable[[Iterable[str]], None],
        opened: Callable[[], None],
    ) -> None:
        self._caches = context.caches
        self._namespace = context.settings.namespace
        self._metrics = context.metrics
        self._board = board
        self._reached = reached
        self._changed = changed
        self._opened = opened
        self._told = ""
        self._ids = Informer(
            context.client,
            CONFIG_MAPS,
            ConfigMap,
            namespace=self._namespace,
            fields=f"metadata.name={nicids.CONFIG_MAP}",
        )
        self.controller: Controller[Input] = Controller("nodestates-inputs", self._reconcile, watcher=context.metrics)

    def start(self, stop: threading.Event) -> None:
        """Take up policies and pools, all at once, and follow the ids of supported NICs."""
        self._board.put_policies(self._caches.policies.items())
        self._board.put_pools(self._caches.pools.items())
        self._ids.subscribe(lambda _before, _after: self.controller.add(SETTINGS))
        self._ids.start(stop)
        self.controller.add(SETTINGS)
        self.controller.start(stop)

    def join(self, timeout_s: float) -> bool:
        """Wait for the end after ``stop``."""
        return self.controller.join(timeout_s) and self._ids.join(timeout_s)

    def _reconcile(self, changed: Input) -> float | None:
        match changed.kind:
            case "policy":
                self._take_policy(changed.name)
            case "pools":
                self._reached(self._board.put_pools(self._caches.pools.items()))
            case "settings":
                return self._take_settings()
            case "unreadable":
                self._opened()
        return None

    def _take_policy(self, name: str) -> None:
        policy = self._caches.policies.get(f"{self._namespace}/{name}")
        self._reached(self._board.put_policies([policy]) if policy else self._board.drop_policy(name))
        self._changed([name])

    def _take_settings(self) -> float | None:
        config = self._caches.configs.get(f"{self._namespace}/{NAME}")
        self._metrics.gauge("config_missing", 0 if config else 1)
        if config is None:
            self._say(f"there is no SriovOperatorConfig {self._namespace}/{NAME}, so no node is touched")
            self._board.close()
            self._opened()
            return None
        if config.metadata.deletion_timestamp:
            self._say(f"the SriovOperatorConfig {NAME} is being deleted: no node is touched any more")
            self._board.close(Opening(uid=config.metadata.uid, is_leaving=True))
            self._opened()
            return None
        if not self._ids.synced:
            self._say(f"waiting for what the ConfigMap {nicids.CONFIG_MAP} says")
            return _WAIT_S
        opening = Opening(uid=config.metadata.uid, disabled=frozenset(config.spec.disable_plugins))
        known = self._board.opening
        self._reached(self._board.open(opening, settings(config, self._nic_ids())))
        if known != opening:
            self._opened()
        return None

    def _nic_ids(self) -> NicIds:
        found = self._ids.get(f"{self._namespace}/{nicids.CONFIG_MAP}")
        if found is None:
            self._say(f"there is no ConfigMap {nicids.CONFIG_MAP}: the ids that are built in count")
            return nicids.DEFAULT
        ids, faults = nicids.parse(found.data)
        mistakes = f"; not understood: {listed(faults)}" if faults else ""
        self._say(f"ConfigMap {nicids.CONFIG_MAP}: {len(ids.models)} models{mistakes}")
        return ids

    def _say(self, text: str) -> None:
        if text != self._told:
            self._told = text
            _log.info("%s", text)


def settings(config: OperatorConfig, nic_ids: NicIds) -> Settings:
    """What concerns every node, by the configuration."""
    return Settings(
        node_selector=config.spec.config_daemon_node_selector,
        bridges=gates(config.spec.feature_gates).is_on(BRIDGES),
        nic_ids=nic_ids,
    )
