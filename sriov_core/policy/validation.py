"""What is wrong with a policy by itself, whatever the machine: the rules that relate fields. Nothing here does I/O.

Types, single values and unknown fields are the business of `sriov_core.api`.
"""

import re
from collections.abc import Callable, Iterator

from sriov_core.api.fault import Fault, shown
from sriov_core.api.nodepolicy import NicSelector, NodePolicy
from sriov_core.model.address import Address
from sriov_core.policy.names import object_name_faults, resource_name_faults
from sriov_core.policy.ranges import Malformed, is_name, name_of, parse_pf_name
from sriov_core.policy.selector import net_filter

LARGEST_MTU = 65535
"""ETH_MAX_MTU, include/uapi/linux/if_ether.h."""
MOST_VFS = 65535
"""The register NumVFs has 16 bits (PCI Express Base Specification, SR-IOV extended capability)."""

_PCI_ID = re.compile(r"[0-9a-f]{4}")
_SHORT_ADDRESS = re.compile(r"[0-9a-fA-F]{2}:[0-1][0-9a-fA-F]\.[0-7]")


def validate(policy: NodePolicy) -> tuple[Fault, ...]:
    """Every fault of the policy, in the order of the rules; an empty tuple means that it is valid."""
    return tuple(fault for rule in _RULES for fault in rule(policy))


def contradictions(policy: NodePolicy) -> tuple[Fault, ...]:
    """The faults for which the policy can hold no VFs at all.

    Any other fault is about an entry of the selector, which takes no NIC; the rest of the selector still counts, so
    that a cluster which lived with such an entry keeps its VFs.
    """
    return tuple(fault for rule in _CONTRADICTIONS for fault in rule(policy))


def _names(policy: NodePolicy) -> Iterator[Fault]:
    yield from object_name_faults(policy.metadata.name)
    yield from resource_name_faults(policy.spec.resource_name)


def _sizes(policy: NodePolicy) -> Iterator[Fault]:
    for field, found, most in (("numVfs", policy.spec.num_vfs, MOST_VFS), ("mtu", policy.spec.mtu, LARGEST_MTU)):
        if found > most:
            yield Fault(f"spec.{field}", f"found {shown(found)}, at most {most} is possible", "Write a smaller number")


def _selector(policy: NodePolicy) -> Iterator[Fault]:
    selector = policy.spec.nic_selector
    if selector == NicSelector():
        remedy = "Give at least one of vendor, deviceID, pfNames, rootDevices and netFilter"
        yield Fault("spec.nicSelector", "it is empty, and an empty selector takes no NIC", remedy)
    for field, found in (("vendor", selector.vendor), ("deviceID", selector.device_id)):
        if found and not _PCI_ID.fullmatch(found):
            lowered = found.lower().removeprefix("0x")
            good = f"Write {lowered}" if _PCI_ID.fullmatch(lowered) else "`lspci -n` shows it"
            text = f"found {shown(found)}, wanted four lower-case hex digits"
            yield Fault(f"spec.nicSelector.{field}", text, good)


def _net_filter(policy: NodePolicy) -> Iterator[Fault]:
    spec, selector = policy.spec, policy.spec.nic_selector
    if not selector.net_filter:
        return
    if net_filter(selector.net_filter) is None:
        remedy = "Write it as openstack/NetworkID:<id> or aws/NetworkID:<id>"
        yield Fault("spec.nicSelector.netFilter", f"found {shown(selector.net_filter)}, which has no ':'", remedy)
    beside = {
        "spec.nicSelector.vendor": selector.vendor,
        "spec.nicSelector.deviceID": selector.device_id,
        "spec.nicSelector.pfNames": selector.pf_names,
        "spec.nicSelector.rootDevices": selector.root_devices,
        "spec.eSwitchMode": spec.eswitch_mode,
        "spec.bridge": spec.bridge.ovs,
        "spec.linkType": spec.link_type.lower() == "ib",
    }
    for path, found in beside.items():
        if found or (path == "spec.bridge" and found is not None):
            remedy = "linkType can only be eth" if path == "spec.linkType" else "Remove one of the two"
            yield Fault(path, "it cannot be combined with nicSelector.netFilter", remedy)


def _modes_of_net_filter(policy: NodePolicy) -> Iterator[Fault]:
    """Those faults of `_net_filter` that are not about the selector itself."""
    yield from (fault for fault in _net_filter(policy) if not fault.path.startswith("spec.nicSelector."))


def _addresses(policy: NodePolicy) -> Iterator[Fault]:
    for position, entry in enumerate(policy.spec.nic_selector.root_devices):
        try:
            Address.parse(entry)
        except ValueError:
            short = _SHORT_ADDRESS.fullmatch(entry)
            remedy = f"Write 0000:{entry.lower()}" if short else "Write it as in 0000:3b:00.0; `lspci -D` shows it"
            path = f"spec.nicSelector.rootDevices[{position}]"
            yield Fault(path, f"{shown(entry)} is no PCI address", remedy)


def _pf_names(policy: NodePolicy) -> Iterator[Fault]:
    yield from (fault for fault, _ in _bad_pf_names(policy))


def _ranges(policy: NodePolicy) -> Iterator[Fault]:
    """Those faults of `_pf_names` that are about the range of a name which a NIC can have."""
    yield from (fault for fault, entry in _bad_pf_names(policy) if is_name(name_of(entry)))


def _bad_pf_names(policy: NodePolicy) -> Iterator[tuple[Fault, str]]:
    for position, entry in enumerate(policy.spec.nic_selector.pf_names):
        try:
            parse_pf_name(entry, policy.spec.num_vfs)
        except Malformed as err:
            yield Fault(f"spec.nicSelector.pfNames[{position}]", err.text, err.remedy), entry


def _rdma(policy: NodePolicy) -> Iterator[Fault]:
    if policy.spec.is_rdma and policy.spec.device_type == "vfio-pci":
        remedy = "Use deviceType netdevice, or drop isRdma"
        yield Fault("spec.isRdma", "deviceType vfio-pci takes the VF from the RDMA driver", remedy)


def _link_type(policy: NodePolicy) -> Iterator[Fault]:
    if policy.spec.link_type.lower() == "ib" and policy.spec.eswitch_mode == "switchdev":
        yield Fault("spec.linkType", f"found {policy.spec.link_type}, switchdev needs eth", "Use eSwitchMode legacy")


def _vdpa(policy: NodePolicy) -> Iterator[Fault]:
    spec = policy.spec
    if spec.vdpa_type and spec.device_type not in {"", "netdevice"}:
        text = f"vdpaType {spec.vdpa_type} needs deviceType netdevice, found {spec.device_type}"
        yield Fault("spec.vdpaType", text, "Use deviceType netdevice, or drop vdpaType")
    if spec.vdpa_type and spec.eswitch_mode != "switchdev":
        text = f"vdpaType {spec.vdpa_type} needs eSwitchMode switchdev, found {_mode(policy)}"
        yield Fault("spec.vdpaType", text, "Add eSwitchMode: switchdev, or drop vdpaType")


def _bridge(policy: NodePolicy) -> Iterator[Fault]:
    spec = policy.spec
    if spec.bridge.ovs is None:
        return
    if spec.eswitch_mode != "switchdev":
        text = f"a bridge needs eSwitchMode switchdev, found {_mode(policy)}"
        yield Fault("spec.bridge", text, "Add eSwitchMode: switchdev, or drop bridge")
    if spec.externally_managed:
        text = "an externally managed PF cannot be attached to a managed bridge"
        yield Fault("spec.bridge", text, "Drop bridge or externallyManaged")


def _mode(policy: NodePolicy) -> str:
    return policy.spec.eswitch_mode or "none, which is legacy"


_RULES: tuple[Callable[[NodePolicy], Iterator[Fault]], ...] = (
    _names,
    _sizes,
    _selector,
    _net_filter,
    _addresses,
    _pf_names,
    _rdma,
    _link_type,
    _vdpa,
    _bridge,
)
_CONTRADICTIONS = (_names, _sizes, _modes_of_net_filter, _ranges, _rdma, _link_type, _vdpa, _bridge)
