"""Pools for hardware offload in Open vSwitch: on OpenShift, a MachineConfig switches it on before Open vSwitch runs.

The finalizer of a pool stays until its MachineConfig is gone, also when the name of the machine config pool was taken
out of the pool before the pool is deleted. An annotation remembers that name.
"""

import re
from contextlib import suppress
from typing import Any

import msgspec

from sriov_core.api import keys
from sriov_core.api.poolconfig import PoolConfig
from sriov_core.api.wire import GROUP
from sriov_core.kube.client import Client
from sriov_core.kube.failures import NotFound
from sriov_core.kube.resource import MACHINE_CONFIG_POOLS, MACHINE_CONFIGS, POOLS
from sriov_operator.draining.openshift import OpenShift

REMEMBERED = f"{GROUP}/ovs-offload-of"
"""Annotation of a pool: the machine config pool that it has a MachineConfig for."""
ROLE = "machineconfiguration.openshift.io/role"
"""Label of a MachineConfig: the machine config pool that it is for."""
MASTER = "master"
"""The machine config pool of control planes, whose Open vSwitch is left alone."""

_UNIT, _DROP_IN = "ovs-vswitchd.service", "10-hw-offload.conf"
_OPTION = "other_config:hw-offload=true"
# The daemon is not up yet when this runs, and would be waited for.
_CONTENTS = f"[Service]\nExecStartPre=/usr/bin/ovs-vsctl --no-wait set Open_vSwitch . {_OPTION}\n"
_NAME = re.compile(r"00-(?P<pool>.+)-ovs-hw-offload")

Object = dict[str, Any]


class _Name(msgspec.Struct, frozen=True):
    name: str
    labels: dict[str, str] = msgspec.field(default_factory=dict)


class _Named(msgspec.Struct, frozen=True):
    metadata: _Name


class _DropIn(msgspec.Struct, frozen=True):
    name: str
    contents: str = ""


class _Unit(msgspec.Struct, frozen=True):
    name: str
    dropins: tuple[_DropIn, ...] = ()


class _Systemd(msgspec.Struct, frozen=True):
    units: tuple[_Unit, ...] = ()


class _Ignition(msgspec.Struct, frozen=True):
    systemd: _Systemd = msgspec.field(default_factory=_Systemd)


class _Spec(msgspec.Struct, frozen=True):
    config: _Ignition = msgspec.field(default_factory=_Ignition)


class _MachineConfig(msgspec.Struct, frozen=True):
    """A MachineConfig, as far as it concerns Open vSwitch."""

    metadata: _Name
    spec: _Spec = msgspec.field(default_factory=_Spec)


def machine_config_name(machine_pool: str) -> str:
    """The name of the MachineConfig for a machine config pool."""
    return f"00-{machine_pool}-ovs-hw-offload"


def machine_config(machine_pool: str) -> Object:
    """The MachineConfig that switches offload on for the nodes of a machine config pool."""
    unit = {"name": _UNIT, "dropins": [{"name": _DROP_IN, "contents": _CONTENTS}]}
    return {
        "apiVersion": MACHINE_CONFIGS.api_version,
        "kind": MACHINE_CONFIGS.kind,
        "metadata": {"name": machine_config_name(machine_pool), "labels": {ROLE: machine_pool}},
        "spec": {"config": {"ignition": {"version": "3.2.0"}, "systemd": {"units": [unit]}}},
    }


def switches_on(found: Object, machine_pool: str) -> bool:
    """Whether a MachineConfig does what ours does; spelled otherwise it stays, since a change reboots the nodes."""
    try:
        seen = msgspec.convert(found, _MachineConfig)
    except msgspec.ValidationError:
        return False
    drop_ins = (one for unit in seen.spec.config.systemd.units if unit.name == _UNIT for one in unit.dropins)
    switches = any(one.name == _DROP_IN and _OPTION in one.contents for one in drop_ins)
    return switches and seen.metadata.labels.get(ROLE) == machine_pool


class Offload:
    """Keeps the MachineConfigs of pools; without OpenShift, or where it has none, only the finalizers."""

    def __init__(self, client: Client, namespace: str, openshift: OpenShift | None) -> None:
        self._client = client
        self._namespace = namespace
        self._openshift = openshift

    def settle(self, pool: PoolConfig, others: frozenset[str]) -> str:
        """Bring a pool's MachineConfig and finalizer to where they belong; what is in the way, or empty.

        ``others`` are the machine config pools that other pools name.
        """
        named = pool.spec.ovs_hardware_offload_config.name
        wanted = "" if pool.metadata.deletion_timestamp else named
        if not wanted and keys.POOL_FINALIZER not in pool.metadata.finalizers:
            return ""
        remembered = pool.metadata.annotations.get(REMEMBERED, "")
        has_machines = self._openshift is not None and not self._openshift.is_hosted
        if has_machines and (remembered != wanted or not wanted):
            self._remove(remembered or (named if not wanted else ""), wanted, others)
        self._remember(pool, wanted)
        return self._keep(wanted) if has_machines and wanted and wanted != MASTER else ""

    def _keep(self, machine_pool: str) -> str:
        try:
            self._client.get(MACHINE_CONFIG_POOLS, machine_pool, type=_Named)
        except NotFound:
            return f"there is no MachineConfigPool {machine_pool}: write the name of one, or make it"
        name, wanted = machine_config_name(machine_pool), machine_config(machine_pool)
        try:
            found = self._client.get(MACHINE_CONFIGS, name)
        except NotFound:
            self._client.create(MACHINE_CONFIGS, wanted)
            return ""
        if not switches_on(found, machine_pool):
            version = {"resourceVersion": found["metadata"]["resourceVersion"], "labels": {ROLE: machine_pool}}
            self._client.merge_patch(MACHINE_CONFIGS, name, {"metadata": version, "spec": wanted["spec"]})
        return ""

    def _remove(self, remembered: str, wanted: str, others: frozenset[str]) -> None:
        """Remove what this pool has no use for any more. One that remembers nothing was left by the incumbent."""
        names = {remembered} if remembered else set() if wanted else self._left_behind()
        for name in names - others - {wanted, MASTER}:
            with suppress(NotFound):
                self._client.delete(MACHINE_CONFIGS, machine_config_name(name))

    def _left_behind(self) -> set[str]:
        listed = self._client.list(MACHINE_CONFIGS, type=_Named).items
        return {found["pool"] for one in listed if (found := _NAME.fullmatch(one.metadata.name))}

    def _remember(self, pool: PoolConfig, wanted: str) -> None:
        meta = pool.metadata
        rest = [name for name in meta.finalizers if name != keys.POOL_FINALIZER]
        finalizers = [*rest, keys.POOL_FINALIZER] if wanted else rest
        if set(finalizers) == set(meta.finalizers) and meta.annotations.get(REMEMBERED, "") == wanted:
            return
        metadata = {
            "resourceVersion": meta.resource_version,
            "finalizers": finalizers,
            "annotations": {REMEMBERED: wanted or None},
        }
        self._client.merge_patch(POOLS, meta.name, {"metadata": metadata}, self._namespace)
