"""Policies with ``spec.bridge`` to the software bridges of a node, as its node state wishes for them. No I/O."""

from collections.abc import Iterator, Mapping

import msgspec

from sriov_core.api.bridge import Bridges, OvsBridge, OvsUplink
from sriov_core.api.nodepolicy import NodePolicy
from sriov_core.policy.verdict import Outcome, Rendering, Verdict

_CLAIMING = (Outcome.TAKEN, Outcome.DISPLACED)


def bridges(rendering: Rendering, policies: Mapping[str, NodePolicy]) -> Bridges:
    """A bridge for each PF whose strongest policy asks for one, sorted by name; ``policies`` goes by their names.

    A stronger policy without a bridge takes away that of a weaker one, as it decides the eswitch mode, too. The
    policy's MTU, when given, is what the uplink asks for.
    """
    return Bridges(ovs=tuple(sorted(_bridges(rendering, policies), key=lambda bridge: bridge.name)))


def needs_update(wished: Bridges, reported: Bridges) -> bool:
    """True when a node's bridges are not those that are wished for; the order of a report says nothing."""

    def by_name(bridges: Bridges) -> list[OvsBridge]:
        return sorted(bridges.ovs, key=lambda bridge: bridge.name)

    return by_name(wished) != by_name(reported)


def _bridges(rendering: Rendering, policies: Mapping[str, NodePolicy]) -> Iterator[OvsBridge]:
    decided: set[str] = set()
    for verdict in rendering.verdicts:
        address = str(verdict.nic)
        if verdict.outcome not in _CLAIMING or address in decided:
            continue
        decided.add(address)
        bridge = _bridge(verdict, policies[verdict.policy])
        if bridge:
            yield bridge


def _bridge(verdict: Verdict, policy: NodePolicy) -> OvsBridge | None:
    wish = policy.spec.bridge.ovs
    if wish is None:
        return None
    interface = wish.uplink.interface
    if policy.spec.mtu:
        interface = msgspec.structs.replace(interface, mtu_request=policy.spec.mtu)
    address = str(verdict.nic)
    uplink = OvsUplink(pci_address=address, name=verdict.nic_name, interface=interface)
    return OvsBridge(name=f"br-{address.replace(':', '_')}", bridge=wish.bridge, uplinks=(uplink,))
