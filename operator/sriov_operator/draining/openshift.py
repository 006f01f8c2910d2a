"""What OpenShift asks of a drain: the machine config pool of the node is paused, so that it drains no node meanwhile.

The machine config operator drains and reboots nodes by itself. As long as one of its pool's nodes is drained by us, the
pool is paused; the annotation `keys.POOL_STATE` says that it is by us. On clusters whose control plane is hosted
elsewhere there are no machine config pools.
"""

import logging
import threading
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import msgspec

from sriov_core.api import keys
from sriov_core.api.fault import shown
from sriov_core.api.wire import LabelSelector
from sriov_core.errors import SriovError
from sriov_core.kube.client import Client
from sriov_core.kube.failures import NotFound
from sriov_core.kube.resource import INFRASTRUCTURES, MACHINE_CONFIG_POOLS, MACHINE_CONFIGS
from sriov_core.policy.pools import matches, selector_faults
from sriov_operator.draining.protocol import IDLE
from sriov_operator.process.lean import LeanNode

OPENSHIFT = "openshift"
"""The setting of the cluster type that these hooks are for."""
PAUSED = "Paused"

_log = logging.getLogger("sriov_operator.draining")


class OpenShiftProblem(SriovError):
    """The machine config pool of a node cannot be found: the text says which link is missing."""


class _Owner(msgspec.Struct, frozen=True):
    kind: str = ""
    name: str = ""


class _Meta(msgspec.Struct, frozen=True, rename="camel"):
    name: str
    resource_version: str = ""
    annotations: dict[str, str] = msgspec.field(default_factory=dict)
    owner_references: tuple[_Owner, ...] = ()


class MachineConfigOwners(msgspec.Struct, frozen=True):
    """A MachineConfig, as far as it leads to its pool."""

    metadata: _Meta


class _Configuration(msgspec.Struct, frozen=True):
    name: str = ""


class _PoolSpec(msgspec.Struct, frozen=True, rename="camel"):
    paused: bool = False
    configuration: _Configuration = msgspec.field(default_factory=_Configuration)
    node_selector: LabelSelector | None = None


class _PoolStatus(msgspec.Struct, frozen=True):
    configuration: _Configuration = msgspec.field(default_factory=_Configuration)


class MachinePool(msgspec.Struct, frozen=True):
    """A MachineConfigPool: whether it is paused, by whom, and whether its nodes have what it wants."""

    metadata: _Meta
    spec: _PoolSpec = msgspec.field(default_factory=_PoolSpec)
    status: _PoolStatus = msgspec.field(default_factory=_PoolStatus)

    @property
    def name(self) -> str:
        """What it is called."""
        return self.metadata.name

    @property
    def is_ours(self) -> bool:
        """True when it was paused by us."""
        return self.metadata.annotations.get(keys.POOL_STATE) == PAUSED

    @property
    def is_settled(self) -> bool:
        """True when it is not about to give its nodes another configuration."""
        wanted, there = self.spec.configuration.name, self.status.configuration.name
        return bool(wanted) and wanted == there

    def selects(self, labels: Mapping[str, str]) -> bool:
        """Whether a node with these labels is of this pool; one without a selector has no nodes."""
        selector = self.spec.node_selector
        return selector is not None and not selector_faults(selector) and matches(selector, labels)


class _ControlPlane(msgspec.Struct, frozen=True, rename="camel"):
    control_plane_topology: str = ""


class _Infrastructure(msgspec.Struct, frozen=True):
    status: _ControlPlane = msgspec.field(default_factory=_ControlPlane)


Before = Literal["go", "wait", "pause"]


def before(pool: MachinePool) -> Before:
    """What to do about the pool of a node that is about to be drained.

    A pause of an administrator serves us too, and stays his: unlike the incumbent, we do not end it after the drain.
    """
    if pool.is_ours and pool.spec.paused:
        return "go"
    if not pool.is_settled:
        return "wait"
    return "go" if pool.spec.paused else "pause"


def after_pausing(pool: MachinePool) -> Literal["go", "undo"]:
    """Whether the pool, read again, was paused in time: it may have begun with another configuration meanwhile."""
    return "go" if pool.is_settled else "undo"


def may_resume(pool: MachinePool, node: str, nodes: Iterable[LeanNode]) -> bool:
    """Whether the pool is to be resumed now that a node is done: it is ours, and no other of its nodes asks."""
    if not pool.is_ours:
        return False
    others = (one for one in nodes if one.metadata.name != node and pool.selects(one.metadata.labels))
    return all(one.metadata.annotations.get(keys.NODE_STATE, IDLE) == IDLE for one in others)


class OpenShift:
    """The hooks of one cluster. Pools are read when they are needed, there are few. Thread-safe."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._one_at_a_time = threading.Lock()
        self._hosted: bool | None = None

    @property
    def is_hosted(self) -> bool:
        """True when the control plane is hosted elsewhere, and there are no machine config pools. Read once."""
        if self._hosted is None:
            found = self._client.get(INFRASTRUCTURES, "cluster", type=_Infrastructure)
            self._hosted = found.status.control_plane_topology == "External"
        return self._hosted

    def before_drain(self, node: str, annotations: Mapping[str, str]) -> str:
        """Pause the pool of a node; empty when the node may be drained, else what is waited for."""
        if self.is_hosted:
            return ""
        with self._one_at_a_time:
            pool = self._pool_of(node, annotations)
            name = pool.name
            match before(pool):
                case "go":
                    return ""
                case "wait":
                    return f"machine config pool {name} is changing its nodes, and is waited for"
                case "pause":
                    self._set(pool, paused=True)
                    _log.info("machine config pool %s: paused, because node %s is drained", name, node)
            read_again = self._client.get(MACHINE_CONFIG_POOLS, name, type=MachinePool)
            if after_pausing(read_again) == "go":
                return ""
            self._set(read_again, paused=False)
            return f"machine config pool {name} has begun to change its nodes, and is waited for"

    def after_drain(self, node: str, nodes: Iterable[LeanNode]) -> None:
        """Resume every pool that is paused by us for none of ``nodes`` but, at most, the one that is done or gone.

        All pools are looked at: the annotation that led to the pool of a node may lead elsewhere now or be gone with
        the Node, and the labels of a node may put it into two pools.
        """
        if self.is_hosted:
            return
        known = tuple(nodes)
        with self._one_at_a_time:
            for pool in self._client.list(MACHINE_CONFIG_POOLS, type=MachinePool).items:
                if may_resume(pool, node, known):
                    self._set(pool, paused=False)
                    _log.info("machine config pool %s: resumed, none of its nodes asks for a drain any more", pool.name)

    def _pool_of(self, node: str, annotations: Mapping[str, str]) -> MachinePool:
        config = annotations.get(keys.DESIRED_MACHINE_CONFIG, "")
        if not config:
            told = f"Node {node} has no annotation {keys.DESIRED_MACHINE_CONFIG}"
            raise OpenShiftProblem(f"{told}, by which its machine config pool is found: is it managed by OpenShift?")
        name = self._owner(node, config)
        try:
            return self._client.get(MACHINE_CONFIG_POOLS, name, type=MachinePool)
        except NotFound as err:
            told = f"MachineConfig {shown(config)} of Node {node} belongs to MachineConfigPool {shown(name)}"
            raise OpenShiftProblem(f"{told}, which is not there") from err

    def _owner(self, node: str, config: str) -> str:
        try:
            found = self._client.get(MACHINE_CONFIGS, config, type=MachineConfigOwners)
        except NotFound as err:
            raise OpenShiftProblem(f"Node {node} names MachineConfig {shown(config)}, which is not there") from err
        for owner in found.metadata.owner_references:
            if owner.kind == MACHINE_CONFIG_POOLS.kind:
                return owner.name
        raise OpenShiftProblem(f"MachineConfig {shown(config)} of Node {node} belongs to no MachineConfigPool")

    def _set(self, pool: MachinePool, *, paused: bool) -> None:
        """One write for both, so that a pool is never paused without a word of ours."""
        metadata: dict[str, Any] = {
            "resourceVersion": pool.metadata.resource_version,
            "annotations": {keys.POOL_STATE: PAUSED if paused else IDLE},
        }
        patch = {"metadata": metadata, "spec": {"paused": paused}}
        self._client.merge_patch(MACHINE_CONFIG_POOLS, pool.name, patch, type=MachinePool)
