"""What is wrong with a network by itself, and what is legal in it but hardly meant. Nothing here does I/O.

Types, single values and unknown fields are the business of `sriov_core.api`. What CNI plugins refuse is from the
sources of sriov-cni (pkg/config), ib-sriov-cni (cmd/ib-sriov-cni), ovs-cni (pkg/common), of the CNI library (pkg/types)
and of multus-cni (pkg/k8sclient).
"""

from collections.abc import Callable, Iterator
from typing import Any

from sriov_core.api.fault import Fault, shown
from sriov_core.api.networks import Network, OVSNetwork, SriovIBNetwork, SriovNetwork, Trunk
from sriov_core.policy import jsontext
from sriov_core.policy.names import namespace_faults, object_name_faults, resource_name_faults
from sriov_core.policy.validation import LARGEST_MTU

SMALLEST_MTU = 68
"""ETH_MIN_MTU, include/uapi/linux/if_ether.h; 0 leaves the MTU alone."""

_AGREE = "both minID and maxID, with minID no larger, or id"


def faults(network: Network, *, operator_namespace: str) -> tuple[Fault, ...]:
    """Every reason why no attachment can be made of the network, or why its CNI plugin would refuse all pods."""
    place = _namespace(network, operator_namespace)
    return (*place, *(fault for rule in _RULES for fault in rule(network)))


def warnings(network: Network) -> tuple[Fault, ...]:
    """What works, and in all likelihood not as it was meant. For networks with faults, too."""
    return tuple(fault for rule in _REMARKS for fault in rule(network))


def _namespace(network: Network, operator_namespace: str) -> Iterator[Fault]:
    target, own = network.spec.network_namespace, network.metadata.namespace
    if target and own != operator_namespace:
        text = f"networkNamespace cannot be set here: found {shown(target)}, and this {network.kind} is in"
        remedy = f"Remove networkNamespace, or create the {network.kind} in {operator_namespace}"
        yield Fault("spec.networkNamespace", f"{text} {shown(own)}, not in the operator's namespace", remedy)
    elif target:
        yield from namespace_faults(target, "spec.networkNamespace")


def _names(network: Network) -> Iterator[Fault]:
    yield from object_name_faults(network.metadata.name)
    yield from resource_name_faults(network.spec.resource_name)


def _capabilities(network: Network) -> Iterator[Fault]:
    try:
        jsontext.one_object(network.spec.capabilities)
    except jsontext.BadJson as err:
        yield Fault("spec.capabilities", err.text, err.remedy)


def _ipam(network: Network) -> Iterator[Fault]:
    try:
        found = jsontext.one_object(network.spec.ipam)
    except jsontext.BadJson as err:
        yield Fault("spec.ipam", err.text, err.remedy)
        return
    if not found:
        return
    yield from _plugin_type("spec.ipam", found, 'Name the IPAM plugin, as in {"type": "host-local"}, or write {}')
    if found.get("type") == "dhcp" and isinstance(network, SriovIBNetwork):
        text = "found the type dhcp, which the CNI plugin for InfiniBand refuses"
        yield Fault("spec.ipam", text, "Use another IPAM plugin, such as whereabouts")


def _meta_plugins(network: Network) -> Iterator[Fault]:
    try:
        found = jsontext.objects(network.spec.meta_plugins)
    except jsontext.BadJson as err:
        yield Fault("spec.metaPlugins", err.text, err.remedy)
        return
    for number, plugin in enumerate(found, 1):
        of = f"object {number}: " if len(found) > 1 else ""
        yield from _plugin_type("spec.metaPlugins", plugin, 'Name the CNI plugin, as in {"type": "tuning"}', of)


def _plugin_type(path: str, found: dict[str, Any], remedy: str, of: str = "") -> Iterator[Fault]:
    if "type" not in found:
        yield Fault(path, f'{of}the key "type" is missing', remedy)
    elif not isinstance(found["type"], str) or not found["type"]:
        yield Fault(path, f'{of}the value of "type" is {shown(found["type"])}, wanted the name of a plugin', remedy)


def _tag(network: Network) -> Iterator[Fault]:
    if not isinstance(network, SriovNetwork) or network.spec.vlan:
        return
    if network.spec.vlan_qos:
        text = f"found {network.spec.vlan_qos}, and without a vlan there is no tag that could carry it"
        yield Fault("spec.vlanQoS", text, "Give a vlan other than 0, or remove vlanQoS")
    if network.spec.vlan_proto.lower() == "802.1ad":
        text = f"found {network.spec.vlan_proto}, which needs a vlan other than 0"
        yield Fault("spec.vlanProto", text, "Give a vlan, or remove vlanProto")


def _rates(network: Network) -> Iterator[Fault]:
    if isinstance(network, SriovNetwork):
        least, most = network.spec.min_tx_rate or 0, network.spec.max_tx_rate or 0
        if most and least > most:
            text = f"found {shown(least)}, which is above maxTxRate {shown(most)}"
            yield Fault("spec.minTxRate", text, "Lower it, raise maxTxRate, or set maxTxRate to 0 for no limit")


def _mtu(network: Network) -> Iterator[Fault]:
    if isinstance(network, OVSNetwork) and network.spec.mtu and not SMALLEST_MTU <= network.spec.mtu <= LARGEST_MTU:
        text = f"found {shown(network.spec.mtu)}, wanted 0 or {SMALLEST_MTU} to {LARGEST_MTU}"
        yield Fault("spec.mtu", text, "Write a number within that range; 0 leaves the MTU alone")


def _trunk(network: Network) -> Iterator[Fault]:
    if not isinstance(network, OVSNetwork) or not network.spec.trunk:
        return
    found = tuple(fault for position, item in enumerate(network.spec.trunk) for fault in _trunk_item(position, item))
    yield from found
    if not found and not any(item.id is not None or item.min_id for item in network.spec.trunk):
        text = "the CNI plugin leaves out ranges that start at 0, and there is nothing else"
        yield Fault("spec.trunk", text, "Start the range at 1, and add {id: 0} if VLAN 0 is meant")


def _trunk_item(position: int, item: Trunk) -> Iterator[Fault]:
    path = f"spec.trunk[{position}]"
    if item == Trunk():
        yield Fault(path, "it is empty", f"Give {_AGREE}")
    elif (item.min_id is None) != (item.max_id is None):
        alone, missing = ("minID", "maxID") if item.max_id is None else ("maxID", "minID")
        yield Fault(path, f"it has {alone} without {missing}", f"Give {_AGREE}")
    elif item.min_id is not None and item.max_id is not None and item.min_id > item.max_id:
        yield Fault(path, f"minID {item.min_id} is above maxID {item.max_id}", "Swap them")


def _hard_to_select(network: Network) -> Iterator[Fault]:
    if "." in network.metadata.name:
        text = f"pods cannot select {shown(network.metadata.name)} by its bare name, for it has a '.'"
        remedy = "Use '-' instead, or select it in JSON in the annotation k8s.v1.cni.cncf.io/networks"
        yield Fault("metadata.name", text, remedy)


def _odd_capabilities(network: Network) -> Iterator[Fault]:
    try:
        found = jsontext.one_object(network.spec.capabilities)
    except jsontext.BadJson:
        return
    for key, value in found.items():
        if value is not None and not isinstance(value, bool):
            text = f"{shown(key)} is {shown(value)}; the CNI library reads only true and false and fails for every pod"
            yield Fault("spec.capabilities", text, "Write true or false, without quotes")


def _idle_protocol(network: Network) -> Iterator[Fault]:
    if isinstance(network, SriovNetwork) and not network.spec.vlan and network.spec.vlan_proto.lower() == "802.1q":
        yield Fault("spec.vlanProto", "without a vlan it has no effect", "Give a vlan, or remove vlanProto")


def _relative_log(network: Network) -> Iterator[Fault]:
    if isinstance(network, SriovNetwork) and network.spec.log_file and not network.spec.log_file.startswith("/"):
        text = f"{shown(network.spec.log_file)} is relative to whatever folder the container runtime is in"
        yield Fault("spec.logFile", text, "Write a path that starts with '/'")


def _idle_vlan(network: Network) -> Iterator[Fault]:
    if isinstance(network, OVSNetwork) and network.spec.vlan and network.spec.trunk:
        text = f"the CNI plugin ignores vlan {network.spec.vlan} because there is a trunk"
        yield Fault("spec.vlan", text, "Remove vlan for a trunk port, or trunk for an access port")


def _lost_range(network: Network) -> Iterator[Fault]:
    for position, item in enumerate(network.spec.trunk) if isinstance(network, OVSNetwork) else ():
        if item.min_id == 0 and item.max_id is not None:
            text = f"the CNI plugin leaves out the range 0 to {item.max_id} because it starts at 0"
            yield Fault(f"spec.trunk[{position}]", text, "Start it at 1, and add {id: 0} if VLAN 0 is meant")


_Rule = Callable[[Network], Iterator[Fault]]
_RULES: tuple[_Rule, ...] = (_names, _capabilities, _ipam, _meta_plugins, _tag, _rates, _mtu, _trunk)
_REMARKS: tuple[_Rule, ...] = (
    _hard_to_select,
    _odd_capabilities,
    _idle_protocol,
    _relative_log,
    _idle_vlan,
    _lost_range,
)
