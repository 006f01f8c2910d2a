"""The fixture of the policy tests: a host with three Intel ports, and policies in a line each."""

from typing import Any

from sriov_core.api.nodepolicy import NicSelector, NodePolicy, PolicySpec
from sriov_core.api.wire import ObjectMeta
from sriov_core.model.address import Address
from sriov_core.model.desired import NicSpec
from sriov_core.model.observed import LinkType, Nic

F0, F1, F2 = (Address(f"0000:86:00.{port}") for port in range(3))


def nic(port: int, **changes: Any) -> Nic:
    facts: dict[str, Any] = {
        "address": Address(f"0000:86:00.{port}"),
        "vendor": "8086",
        "device": "1015" if port == 2 else "158b",
        "name": f"ens803f{port}",
        "kernel_driver": "i40e",
        "link_type": LinkType.ETH,
        "mtu": 1500,
        "num_vfs": 4,
        "total_vfs": 64,
    }
    return Nic(**{**facts, **changes})


PORTS = (nic(0), nic(1), nic(2))


def policy(name: str = "p1", **spec: Any) -> NodePolicy:
    """A policy for ens803f1; keys of NicSelector select, the others go into the spec."""
    names = set(NicSelector.__struct_fields__)
    selector = {key: spec.pop(key) for key in list(spec) if key in names} or {"pf_names": ("ens803f1",)}
    wished = {"resource_name": f"{name}res", "node_selector": {}, "num_vfs": 2, "priority": 99, **spec}
    return NodePolicy(metadata=ObjectMeta(name=name), spec=PolicySpec(nic_selector=NicSelector(**selector), **wished))


def groups(spec: NicSpec) -> list[str]:
    """The groups of a NIC in a form that reads well in a table: ``p1res netdevice 0-1``."""
    return [f"{group.resource_name} {group.device_type} {group.vf_range}" for group in spec.groups]
