"""What every controller is given: the API, the caches, the settings, and whom to tell."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol

import attrs

from sriov_core.api.nodepolicy import NodePolicy
from sriov_core.api.operatorconfig import OperatorConfig
from sriov_core.api.poolconfig import PoolConfig
from sriov_core.kube.client import Client
from sriov_core.kube.controller import Watcher
from sriov_core.kube.informer import Informer
from sriov_core.kube.recorder import Recorder
from sriov_operator.process.lean import LeanNode, LeanNodeState
from sriov_operator.process.settings import Settings


@attrs.frozen(kw_only=True)
class Caches:
    """What several controllers look at, each cached once: objects of the operator's namespace, and all Nodes.

    Keys are ``namespace/name``, of Nodes the name.
    """

    nodes: Informer[LeanNode]
    states: Informer[LeanNodeState]
    policies: Informer[NodePolicy]
    pools: Informer[PoolConfig]
    configs: Informer[OperatorConfig]

    @property
    def all(self) -> tuple[Informer[Any], ...]:
        """All of them."""
        return (self.nodes, self.states, self.policies, self.pools, self.configs)


class Counted(Watcher, Protocol):
    """The operator's metrics as controllers see them."""

    def gauge(self, name: str, value: float, **labels: str) -> None:
        """Set a gauge that `metrics` declares."""
        ...

    def count(self, name: str, **labels: str) -> None:
        """Raise a counter that `metrics` declares."""
        ...


@attrs.frozen(kw_only=True)
class Context:
    """Everything; ``now`` is the wall clock (UTC, with time zone), for what is written down, never for deadlines."""

    client: Client
    caches: Caches
    settings: Settings
    recorder: Recorder
    metrics: Counted
    now: Callable[[], datetime]


class Part(Protocol):
    """One controller, or several that belong together, as the process runs them."""

    def start(self, stop: Any) -> None:
        """Subscribe to caches and start the workers; ``stop`` is a threading.Event. Called once, caches are synced."""
        ...

    def join(self, timeout_s: float) -> bool:
        """Wait for the end after ``stop``; False when something is still busy."""
        ...
