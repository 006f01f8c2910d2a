"""A real machine as a tree for tests: everything that a `HostReader` tells, with every identity replaced.

Equal identities stay equal, so that what depends on it (one card, one address) still shows.
"""

import re
from collections.abc import Callable, Iterable

import msgspec

from sriov_core.errors import HostError
from sriov_core.model.address import Address
from sriov_core.model.desired import NO_GUID, USERSPACE_DRIVERS
from sriov_core.model.observed import Function, Node
from sriov_core.plugin.reader import HostReader, Link
from sriov_core.testing import users
from sriov_core.testing.facts import ParameterFacts
from sriov_core.testing.kernel_drivers import OFFLOADS, VDPA_VFS, VF_DEVICES, KernelDriver, known
from sriov_core.testing.plausible import NEEDS_ESWITCH
from sriov_core.testing.tree import (
    FORMAT,
    EswitchFacts,
    FunctionFacts,
    LinkFacts,
    NodeFacts,
    SriovFacts,
    Tree,
    UseFacts,
    VfFacts,
    copy,
)

_MAC = re.compile(r"(?<![0-9a-f:])([0-9a-f]{2}:){5,}[0-9a-f]{2}(?![0-9a-f:])")
_NAMED_BY_MAC = re.compile(r"(?<=enx|ibx)[0-9a-f]{12}")
_NO_IDENTITY = {"00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff", NO_GUID}
_TELLING_ATTRIBUTES = ("resource", "ari_enabled")
"""Of sysfs, beside what other facts tell: the memory of a PF and of its VFs, and whether its port forwards by ARI."""
_TELLING_ARGUMENTS = ("intel_iommu", "amd_iommu", "iommu", "pci=", "vfio", "module_blacklist", "lockdown")


def capture(host: HostReader, only: Iterable[Address] = ()) -> Tree:
    """The machine as a tree; ``only`` narrows it to some NICs. Reads only.

    What no kernel interface tells (refusals, what drives a VF) comes from the kernel driver's sources where it is
    known; the tree's ``origin`` says so.
    """
    wanted = frozenset(only)
    functions = [function for function in host.functions() if not wanted or function.address in wanted]
    node = host.node()
    tree = Tree(
        format=FORMAT,
        title=", ".join(dict.fromkeys(f"{f.vendor}:{f.device} {f.kernel_driver or 'unbound'}" for f in functions)),
        captured=f"Linux {node.kernel}",
        origin={
            "everything but what follows": "read from the machine",
            "refuses, quirks, vf_kernel_driver where no VF is bound, vf_rdma, vdpa": "sources of the kernel driver",
            "features, parameters": "of what the machine has, those that are known by name",
            "MACs, GUIDs, serial numbers, networks, host name, boot id, what uses a NIC or a VF": "replaced",
            "links with a netns: name, MTU and state": "not seen from the host, made up",
        },
        node=_node(node, functions, host),
        functions=[_function(function, host) for function in functions],
    )
    return blank(tree, secrets=[node.hostname])


def blank(tree: Tree, secrets: Iterable[str] = ()) -> Tree:
    """The tree with every MAC, serial number, switch id and each of ``secrets`` replaced, wherever it stands.

    Network namespaces and processes get numbers.
    """
    tree = copy(tree)
    users.rename(tree)
    text = msgspec.json.encode(tree).decode()
    serials = [function.serial for function in tree.functions if function.serial]
    switches = [function.eswitch.switch_id for function in tree.functions if function.eswitch]
    for number, serial in enumerate(dict.fromkeys(serials), start=1):
        text = text.replace(serial, f"serial-{number}")
    for number, switch in enumerate(dict.fromkeys(switches), start=1):
        text = text.replace(f'"{switch}"', f'"{number:020x}"')
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = re.sub(rf"(?<![\w-]){re.escape(secret)}(?![\w-])", "host", text)
    return msgspec.json.decode(_without_macs(text), type=Tree)


def _without_macs(text: str) -> str:
    stand_ins: dict[str, str] = {}

    def replace(found: str) -> str:
        if found in _NO_IDENTITY:
            return found
        if found not in stand_ins:
            digits = f"{0x02 << 40 | len(stand_ins) + 1:012x}"
            octets = [digits[place : place + 2] for place in range(0, 12, 2)]
            longer = found.count(":") - 5  # an InfiniBand address has 20 octets
            stand_ins[found] = ":".join(["00"] * longer + octets)
        return stand_ins[found]

    text = _MAC.sub(lambda match: replace(match[0]), text)
    return _NAMED_BY_MAC.sub(lambda match: replace(":".join(re.findall("..", match[0]))).replace(":", ""), text)


def _node(node: Node, functions: Iterable[Function], host: HostReader) -> NodeFacts:
    networks, silence = _networks(host)
    return NodeFacts(
        hostname="host",
        kernel=node.kernel,
        os_name=node.os_name,
        architecture=node.architecture,
        cpu_vendor=node.cpu_vendor,
        cmdline=[argument for argument in node.cmdline if argument.startswith(_TELLING_ARGUMENTS)],
        iommu_groups=node.iommu_groups,
        lockdown=node.lockdown,
        boot_manager=node.boot_manager,
        modules=sorted(node.modules),
        network_managers=list(node.network_managers),
        other_files=_bus_numbers(functions, host),
        rdma_mode=node.rdma_mode,
        other_net_namespaces=node.other_net_namespaces,
        noiommu=node.noiommu,
        noiommu_built=node.noiommu is not None,
        network_ids=networks,
        network_ids_error=silence,
    )


def _bus_numbers(functions: Iterable[Function], host: HostReader) -> dict[str, str]:
    """By its file, the last bus number behind each port with a NIC: VFs need some beyond (drivers/pci/iov.c)."""
    buses = sorted({f.address.name.rpartition(":")[0] for f in functions if f.address.bus == "pci"})
    paths = (f"/sys/class/pci_bus/{bus}/device/subordinate_bus_number" for bus in buses)
    found = {path: _told(host.file, path) for path in paths}
    return {path: text for path, text in found.items() if text is not None}


def _told(question: Callable[..., str | None], *about: object) -> str | None:
    try:
        return question(*about)
    except HostError:
        return None  # of a machine that is ill as much as it tells


def _networks(host: HostReader) -> tuple[dict[str, str], str]:
    """The networks under other names, or that the cloud did not answer."""
    try:
        found = host.network_ids()
    except HostError:
        return {}, "the cloud did not answer (text removed)"
    names = {network: f"network-{number}" for number, network in enumerate(sorted(set(found.values())), start=1)}
    return {mac: f"{network.partition(':')[0]}:{names[network]}" for mac, network in found.items()}, ""


def _function(function: Function, host: HostReader) -> FunctionFacts:
    address = function.address
    firmware = host.firmware(address)
    mode = host.eswitch_mode(address)
    links = host.links(address)
    own = [link for link in links if not _is_representor(link)]
    switch = next((link.phys_switch_id for link in own if link.phys_switch_id), None)
    kernel = known(function.kernel_driver)
    facts = FunctionFacts(
        address=str(address),
        vendor=function.vendor,
        device=function.device,
        subsystem_vendor=function.subsystem_vendor or "0000",
        subsystem_device=function.subsystem_device or "0000",
        pci_class=function.pci_class,
        kernel_driver=function.kernel_driver,
        is_vf=function.is_vf,
        platform=function.platform,
        numa_node=_number(host.attribute(address, "numa_node")),
        iommu_group=host.iommu_group(address),
        serial=host.identity_serial(address),
        slot=host.slot(address),
        driver_version=firmware.driver_version,
        firmware_version=firmware.firmware_version,
        attributes=_attributes(address, host),
        links=[_link(link, _features(address, host)) for link in own],
        sriov=_sriov(function, own[0].name if own else None, host),
        eswitch=EswitchFacts(mode=mode, switch_id=switch or "0") if mode else None,
        refuses=[refusal for refusal in kernel.refuses if mode or refusal not in NEEDS_ESWITCH],
        quirks=list(kernel.quirks) if mode else [],
        parameters=_parameters(address, kernel, host),
        versions=dict(host.versions(address)),
        node_guid=host.node_guid(address),
        uses=[UseFacts(kind=use.kind, detail=f"{use.kind} (detail removed)") for use in host.uses(address)],
        managers=list(host.managers(address)),
    )
    if function.is_vf:  # it stands for itself, inside a guest
        users.note_alone(facts, host.vf_user(address))
    return facts


def _attributes(address: Address, host: HostReader) -> dict[str, str]:
    found = {name: _told(host.attribute, address, name) for name in _TELLING_ATTRIBUTES}
    return {name: text for name, text in found.items() if text is not None}


def _parameters(address: Address, kernel: KernelDriver, host: HostReader) -> dict[str, ParameterFacts]:
    found = {name: host.devlink_parameter(address, name) for name in kernel.parameters}
    return {
        name: ParameterFacts(value=value, choices=list(kernel.parameters[name]))
        for name, value in found.items()
        if value
    }


def _features(address: Address, host: HostReader) -> dict[str, bool]:
    found = {name: host.feature(address, name) for name in OFFLOADS}
    return {name: on for name, on in found.items() if on is not None}


def _is_representor(link: Link) -> bool:
    return "vf" in (link.phys_port_name or "")


def _link(link: Link, features: dict[str, bool] | None = None) -> LinkFacts:
    return LinkFacts(
        name=link.name,
        mac=link.mac,
        permanent_mac=link.permanent_mac,
        mtu=link.mtu or 1500,
        min_mtu=link.min_mtu,
        max_mtu=link.max_mtu,
        up=bool(link.up),
        carrier=link.carrier,
        speed_mbit=link.speed_mbit,
        link_type=link.link_type,
        alt_names=list(link.alt_names),
        features=features or {},
    )


def _sriov(function: Function, netdev: str | None, host: HostReader) -> SriovFacts | None:
    pf = function.address
    total = _number(host.attribute(pf, "sriov_totalvfs"))
    if total is None or function.is_vf:
        return None
    addresses = host.vf_addresses(pf)
    macs, guids = host.vf_macs(pf), host.vf_guids(pf)
    vfs = [_vf(index, addresses[index], host, macs.get(index), guids.get(index)) for index in sorted(addresses)]
    for vf in vfs:
        users.note(vf, host.vf_user(addresses[vf.index]), function, netdev)
    bound = [vf.kernel_driver for vf in vfs if vf.kernel_driver and vf.kernel_driver not in USERSPACE_DRIVERS]
    links = [vf.link for vf in vfs if vf.link]
    told = host.attribute(pf, "sriov_vf_device") or VF_DEVICES.get((function.vendor, function.device))
    device, kernel = told or function.device, known(function.kernel_driver)
    return SriovFacts(
        total_vfs=total,
        vf_device=device,
        vf_kernel_driver=(bound[0] if bound else kernel.vf_driver) or None,
        vf_rdma=kernel.vf_rdma or any(vf.guid for vf in vfs),
        vdpa=device in VDPA_VFS or any(vf.vdpa for vf in vfs),
        vf_offset=_number(host.attribute(pf, "sriov_offset")) or 1,
        vf_stride=_number(host.attribute(pf, "sriov_stride")) or 1,
        vf_min_mtu=next((link.min_mtu for link in links if link.min_mtu), 68),
        vf_max_mtu=next((link.max_mtu for link in links if link.max_mtu), 9216),
        autoprobe=host.attribute(pf, "sriov_drivers_autoprobe") != "0",
        vfs=vfs,
    )


def _vf(index: int, address: Address, host: HostReader, admin_mac: str | None, admin_guid: str | None) -> VfFacts:
    function = host.function(address)
    links = host.links(address)
    kernel_driver = function.kernel_driver if function else None
    return VfFacts(
        index=index,
        address=str(address),
        kernel_driver=kernel_driver,
        link=_link(links[0]) if links else None,
        admin_mac=admin_mac,
        admin_guid=admin_guid,
        guid=host.node_guid(address),
        vdpa=host.vdpa_type(address),
        iommu_group=host.iommu_group(address),
    )


def _number(text: str | None) -> int | None:
    try:
        return int(text, 0) if text is not None else None
    except ValueError:
        return None
