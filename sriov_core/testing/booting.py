"""What a boot makes of a machine: defaults everywhere, what was set for the next boot in effect, cards read anew."""

import re

from sriov_core.model.observed import EswitchMode, LinkType
from sriov_core.planning.bridges import drop_in_path
from sriov_core.testing import firmware, infiniband, mstconfig, openvswitch
from sriov_core.testing.facts import CardFacts, ParameterMode
from sriov_core.testing.machine import Machine
from sriov_core.testing.modprobe import rdma_comes_up, vfio_comes_up
from sriov_core.testing.tree import FunctionFacts, LinkFacts, NodeFacts, Tree

_MAX_MTU = {LinkType.IB: 4092, LinkType.ETH: 9978}
"""What mlx5_core's ports take; no other kernel driver's have two link types."""
_IOMMU_ARGUMENTS = {"intel_iommu=on", "iommu=pt"}


def reboot(machine: Machine) -> None:
    """The machine starts anew; VFs, vDPA devices and network namespaces are gone, what lies on disk stays."""
    tree, node = machine.tree, machine.tree.node
    number = int(node.boot_id[-12:], 16) + 1
    node.boot_id = f"{node.boot_id[:-12]}{number:012x}"
    for function in tree.functions:
        machine.destroy_vfs(function)
        machine.come_up(function)
        _defaults(function)
    for card in tree.cards:
        mstconfig.boot(card)
        for port, function in firmware.ports(tree, card):
            follow_firmware(card, port, function)
    _node(tree)


def follow_firmware(card: CardFacts, port: int, function: FunctionFacts) -> None:
    """What the kernel finds of a function when it looks at the bus: its number of VFs and what its port speaks.

    NUM_OF_VFS becomes TotalVFs of the SR-IOV capability; with 0, or without SRIOV_EN, the kernel finds no VFs to offer
    and makes none of the attributes (drivers/pci/iov.c: sriov_init).
    """
    if function.sriov and (total := firmware.offered_vfs(card)) is not None:
        function.sriov.hidden = not total
        if total and total != function.sriov.total_vfs:
            function.sriov.total_vfs = total
            # The VFs follow the card's PFs, those of port 1 first.
            function.sriov.vf_offset = len(card.functions) + (port - 1) * (total - 1)
    wanted = firmware.link_type(card, port)
    if wanted and infiniband.is_infiniband(function) != (wanted is LinkType.IB):
        _switch_port(function, wanted)


def _switch_port(function: FunctionFacts, wanted: LinkType) -> None:
    """Another netdev comes: systemd names it ib... instead of en..., and its address has another length."""
    ib = wanted is LinkType.IB
    function.pci_class = "020700" if ib else "020000"
    if function.sriov:
        function.sriov.vf_max_mtu = _MAX_MTU[wanted]
    for link in (*function.links, *function.unbound_links):
        guid = function.node_guid or infiniband.eui64(link.permanent_mac or "02:00:00:00:00:00")
        mac = ":".join((*guid.split(":")[:3], *guid.split(":")[5:]))
        link.mac = link.permanent_mac = infiniband.ipoib_address(0x48, guid) if ib else mac
        link.link_type, link.mtu, link.max_mtu = wanted, infiniband.default_mtu(wanted), _MAX_MTU[wanted]
        link.name = re.sub(r"^(en|ib)", "ib" if ib else "en", link.name)


def _defaults(function: FunctionFacts) -> None:
    for link in (*function.links, *function.unbound_links):
        _new(link)
    for parameter in function.parameters.values():
        permanent = parameter.mode is ParameterMode.PERMANENT
        parameter.value = (parameter.pending if permanent else parameter.default) or parameter.value
        parameter.pending = None
    if function.sriov:
        function.sriov.autoprobe = True
        function.sriov.remembered_macs = {}
    if function.eswitch:
        function.eswitch.mode = EswitchMode.LEGACY


def _new(link: LinkFacts) -> None:
    link.mtu = infiniband.default_mtu(link.link_type)
    link.features = dict(link.default_features)


def _node(tree: Tree) -> None:
    node: NodeFacts = tree.node
    if node.next_cmdline:
        node.cmdline, node.next_cmdline = node.next_cmdline, []
    if node.iommu_after_reboot and not node.iommu_groups and _IOMMU_ARGUMENTS & set(node.cmdline):
        node.iommu_groups = len(tree.functions)
        for group, function in enumerate(tree.functions):
            function.iommu_group = group
    node.other_net_namespaces = 0
    rdma_comes_up(node)
    node.noiommu = None
    vfio_comes_up(node)
    if node.ovs:
        netdevs = {link.name for function in tree.functions for link in function.links}
        drop_in = node.files.get(drop_in_path(node.ovs.service or ""))
        openvswitch.start(node.ovs, netdevs, drop_in=drop_in)
