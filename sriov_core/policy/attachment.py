"""A network to its NetworkAttachmentDefinition, which Multus, the injector and the CNI plugins read.

The keys, their order and the layout of the text are those of the SR-IOV network operator, so that taking over a cluster
rewrites hardly any. Nothing here does I/O.
"""

import json
from typing import Any

import msgspec

from sriov_core.api import keys
from sriov_core.api.networks import Network, OVSNetwork, SriovIBNetwork, SriovNetwork, Trunk
from sriov_core.api.wire import API_VERSION, GROUP
from sriov_core.errors import SpecError
from sriov_core.policy import jsontext
from sriov_core.policy.attachment_faults import faults, warnings

__all__ = ["API", "CNI_VERSION", "KIND", "attachment", "faults", "owner", "target_namespace", "warnings"]

API = "k8s.cni.cncf.io/v1"
KIND = "NetworkAttachmentDefinition"
CNI_VERSION = "1.0.0"


def attachment(network: Network, *, operator_namespace: str, resource_prefix: str) -> dict[str, Any]:
    """The NetworkAttachmentDefinition as a plain JSON value, ``spec.config`` a text indented by four blanks.

    A network without a namespace, as files have them, gives an attachment without one: both come to lie where they are
    applied. Raises SpecError with one line for each fault of the network.
    """
    mistakes = faults(network, operator_namespace=operator_namespace)
    if mistakes:
        called = f"{network.kind} {network.metadata.name}"
        raise SpecError("\n".join(f"{called}: {fault}" for fault in mistakes))
    namespace = target_namespace(network)
    metadata: dict[str, Any] = {"name": network.metadata.name}
    if namespace:
        metadata["namespace"] = namespace
    metadata["annotations"] = {
        keys.RESOURCE: f"{resource_prefix}/{network.spec.resource_name}",
        keys.OWNER: owner(network),
    }
    # Objects of other namespaces cannot be owners: the garbage collector takes them for deleted.
    if network.metadata.uid and namespace == network.metadata.namespace:
        metadata["ownerReferences"] = [_owner_reference(network)]
    config = json.dumps(_config(network), indent=4, ensure_ascii=False)
    return {"apiVersion": API, "kind": KIND, "metadata": metadata, "spec": {"config": config}}


def placed(network: Network, namespace: str) -> Network:
    """The network in that namespace, the operator's, when it names none, as files may."""
    if network.metadata.namespace:
        return network
    return msgspec.structs.replace(network, metadata=msgspec.structs.replace(network.metadata, namespace=namespace))


def target_namespace(network: Network) -> str:
    """The namespace of the network's attachment."""
    return network.spec.network_namespace or network.metadata.namespace


def owner(network: Network) -> str:
    """How an attachment names the network it was made from."""
    return f"{network.kind}.{GROUP}/{network.metadata.namespace}/{network.metadata.name}"


def _owner_reference(network: Network) -> dict[str, Any]:
    return {
        "apiVersion": API_VERSION,
        "kind": network.kind,
        "name": network.metadata.name,
        "uid": network.metadata.uid,
    }


def _config(network: Network) -> dict[str, Any]:
    """The CNI configuration: of one plugin, or a list of plugins when others are chained to it."""
    chained = jsontext.objects(network.spec.meta_plugins)
    head: dict[str, Any] = {"cniVersion": CNI_VERSION, "name": network.metadata.name}
    plugin = _plugin(network)
    return {**head, "plugins": [plugin, *chained]} if chained else {**head, **plugin}


def _plugin(network: Network) -> dict[str, Any]:
    match network:
        case SriovNetwork():
            wanted = _sriov(network)
        case SriovIBNetwork():
            wanted = {
                "type": "ib-sriov",
                "capabilities": _capabilities(network),
                "link_state": network.spec.link_state or None,
            }
        case OVSNetwork():
            wanted = _ovs(network)
    given = {key: value for key, value in wanted.items() if value is not None}
    return {**given, "ipam": jsontext.one_object(network.spec.ipam)}


def _sriov(network: SriovNetwork) -> dict[str, Any]:
    """None stands for a key that is left out. The plugin refuses vlanQoS without vlan, so both are always there."""
    spec = network.spec
    return {
        "type": "sriov",
        "vlan": spec.vlan,
        "spoofchk": spec.spoof_chk or None,
        "trust": spec.trust or None,
        "vlanQoS": spec.vlan_qos,
        "vlanProto": spec.vlan_proto or None,
        "min_tx_rate": spec.min_tx_rate,
        "max_tx_rate": spec.max_tx_rate,
        "capabilities": _capabilities(network),
        "link_state": spec.link_state or None,
        "logLevel": spec.log_level or None,
        "logFile": spec.log_file or None,
    }


def _ovs(network: OVSNetwork) -> dict[str, Any]:
    spec = network.spec
    return {
        "type": "ovs",
        "capabilities": _capabilities(network),
        "bridge": spec.bridge or None,
        "vlan": spec.vlan or None,
        "mtu": spec.mtu or None,
        "trunk": [_trunk(item) for item in spec.trunk] or None,
        "interface_type": spec.interface_type or None,
    }


def _trunk(item: Trunk) -> dict[str, int]:
    found = {"minID": item.min_id, "maxID": item.max_id, "id": item.id}
    return {key: value for key, value in found.items() if value is not None}


def _capabilities(network: Network) -> dict[str, Any] | None:
    """None when the text is blank; an object that is written down is kept, even an empty one."""
    return jsontext.one_object(network.spec.capabilities) if network.spec.capabilities.strip() else None
