"""The controllers by the names that switch them off, and the caches that they share."""

import importlib
from collections.abc import Callable, Mapping
from typing import Any

from sriov_core.api.nodepolicy import NodePolicy
from sriov_core.api.operatorconfig import OperatorConfig
from sriov_core.kube.client import Client
from sriov_core.kube.informer import Informer
from sriov_core.kube.resource import CONFIGS, NODE_STATES, NODES, POLICIES, POOLS, Resource
from sriov_operator.process.context import Caches, Context, Part
from sriov_operator.process.lean import LeanNode, LeanNodeState
from sriov_operator.stored import ReadPool

Make = Callable[[Context], Part]

_MODULES = {
    "nodestates": "sriov_operator.nodestates.controller:NodeStates",
    "networks": "sriov_operator.networking.controller:Networks",
    "deployment": "sriov_operator.deployment.controller:Deployment",
    "pools": "sriov_operator.draining.pools:Pools",
    "drain": "sriov_operator.draining.controller:Drain",
}


def parts(names: frozenset[str]) -> Mapping[str, Make]:
    """How those that are on are made; what is off is not even imported."""
    return {name: _made(where) for name, where in _MODULES.items() if name in names}


def caches(client: Client, namespace: str) -> Caches:
    """The shared caches, not started: objects of the operator's namespace, and all Nodes."""

    def informer(resource: Resource, lean: type[Any]) -> Informer[Any]:
        where = namespace if resource.namespaced else ""
        return Informer(client, resource, lean, namespace=where)

    return Caches(
        nodes=informer(NODES, LeanNode),
        states=informer(NODE_STATES, LeanNodeState),
        policies=informer(POLICIES, NodePolicy),
        pools=informer(POOLS, ReadPool),
        configs=informer(CONFIGS, OperatorConfig),
    )


def _made(where: str) -> Make:
    module, _, name = where.partition(":")

    def make(context: Context) -> Part:
        part: Part = getattr(importlib.import_module(module), name)(context)
        return part

    return make
