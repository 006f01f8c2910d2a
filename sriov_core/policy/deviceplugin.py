"""The device plugin's config of one node, and the objects that carry the configs of all. Nothing here does I/O.

The config is written in the form that other tools know (`known_form`). With the node's NICs known, the plugin's own
rules (`select`) show what each resource would get; where that is not what its policies hold, the resource is written
in the precise form. So no resource can take VFs of another one, whatever their order.
"""

import zlib
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import attrs

from sriov_core.api.nodepolicy import NodePolicy
from sriov_core.api.pluginconfig import PluginConfig, Resource, encode
from sriov_core.model.observed import Nic
from sriov_core.policy.nicids import NicIds
from sriov_core.policy.pluginremarks import Remark
from sriov_core.policy.pluginresource import PoolFacts, resource_for
from sriov_core.policy.pluginselectors import Function
from sriov_core.policy.pooldevices import held_functions, pool_devices
from sriov_core.policy.selection import DevicePool
from sriov_core.policy.verdict import Outcome, Rendering

CONFIG_MAP = "device-plugin-config"
LARGEST_CONFIG_MAP = 900_000
"""Bytes of keys and values in one ConfigMap; an object may have 1 MiB in all, metadata included."""


@attrs.frozen(kw_only=True)
class PluginRendering:
    """The config of one node, and what is worth saying about it, by resource."""

    config: PluginConfig
    remarks: tuple[Remark, ...] = ()


def device_plugin_config(
    policies: Iterable[NodePolicy], rendering: Rendering, nics: Iterable[Nic], ids: NicIds
) -> PluginRendering:
    """The config of one node, independent of the order of policies and NICs; it never raises.

    ``rendering`` is what `render` made of the same policies, the same NICs and the node's labels: a policy that it
    skips, or does not know, is not looked at. No NICs stand for "not reported yet": then nothing can be checked, and
    the form is the one that other tools know.
    """
    ports = tuple(sorted(nics, key=lambda nic: nic.address))
    by_name = _named(policies)
    looked_at = [own for own in reversed(rendering.summaries) if not own.skipped and own.policy in by_name]
    faults = {own.policy: own.faults for own in looked_at if not own.is_usable}
    weakest_first = [by_name[own.policy] for own in looked_at]
    valid = [policy for policy in weakest_first if policy.metadata.name not in faults]
    lost = [entry.policy for entry in rendering.verdicts if entry.outcome is Outcome.DISPLACED]
    held = held_functions(valid, ports, rendering)
    held_for: dict[str, dict[Function, NodePolicy]] = {}
    for function, owner in held.items():
        held_for.setdefault(owner.spec.resource_name, {})[function] = owner
    node = PoolFacts(
        nics=ports,
        ids=ids,
        pool=DevicePool(pool_devices(ports, rendering.spec, ids)),
        held=held,
        held_for=held_for,
        faults=faults,
        displaced=frozenset(lost),
    )
    resources: list[Resource] = []
    remarks: list[Remark] = []
    for name in sorted({policy.spec.resource_name for policy in weakest_first}):
        own = [policy for policy in weakest_first if policy.spec.resource_name == name]
        resource, said = resource_for(name, own, node)
        resources.extend([resource] if resource else [])
        remarks.extend(said)
    return PluginRendering(config=PluginConfig(resource_list=tuple(resources) or None), remarks=tuple(remarks))


def node_label(config: PluginConfig) -> Literal["Enabled", "Disabled"]:
    """The value of the node's label ``sriovnetwork.openshift.io/device-plugin``: no plugin where nothing is offered."""
    return "Enabled" if config.resources else "Disabled"


def config_maps(configs: Mapping[str, PluginConfig], *, namespace: str) -> tuple[dict[str, Any], ...]:
    """The ConfigMaps that carry the configs, one key for each node, in the order of their names' numbers.

    Up to `LARGEST_CONFIG_MAP` bytes there is one, ``device-plugin-config``. Above, there is the smallest power of two
    of them that keeps each below the limit: ``device-plugin-config``, ``device-plugin-config-1`` and so on, empty ones
    included. Where a node's key stands depends on the node's name and the count alone (CRC-32 of the name, modulo the
    count), so a pod that mounts all of them over one folder finds the file of its node, and doubling the count moves
    half of the keys. ConfigMaps of higher numbers are left over from a larger cluster and can be deleted.
    """
    texts = {node: encode(config) for node, config in sorted(configs.items())}
    count = 1
    while count < len(texts) and any(_size(shard) > LARGEST_CONFIG_MAP for shard in _shards(texts, count)):
        count *= 2
    return tuple(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": f"{CONFIG_MAP}-{number}" if number else CONFIG_MAP, "namespace": namespace},
            "data": shard,
        }
        for number, shard in enumerate(_shards(texts, count))
    )


def _named(policies: Iterable[NodePolicy]) -> dict[str, NodePolicy]:
    """The policies by name; of different ones with one name, which rendering refuses, always the same is left."""
    found: dict[str, NodePolicy] = {}
    for policy in policies:
        other = found.setdefault(policy.metadata.name, policy)
        if other is not policy and repr(policy) > repr(other):
            found[policy.metadata.name] = policy
    return found


def _shards(texts: Mapping[str, str], count: int) -> list[dict[str, str]]:
    shards: list[dict[str, str]] = [{} for _ in range(count)]
    for node, text in texts.items():
        shards[zlib.crc32(node.encode()) % count][node] = text
    return shards


def _size(shard: Mapping[str, str]) -> int:
    return sum(len(node.encode()) + len(text.encode()) for node, text in shard.items())
