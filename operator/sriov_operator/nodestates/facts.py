"""What the caches know of one node, as rendering and the status of policies need it. Nothing here does I/O."""

from collections.abc import Iterable
from types import MappingProxyType

import attrs

from sriov_core.api.conditions import Condition, outdated
from sriov_core.api.fault import Fault
from sriov_core.model.address import Address
from sriov_core.model.observed import Nic, Vf
from sriov_core.policy.nodeoutcome import NodeFacts
from sriov_core.policy.nodereport import port_faults, to_ports
from sriov_core.policy.reach import DONE, UNREPORTED, Progress, Sync
from sriov_operator.nodestates.unread import NOTHING, Unread, told
from sriov_operator.process.lean import LeanNode, LeanNodeState, LeanReport

BAREMETAL = "baremetal"

_CLOUDS = ("openstack", "aws")
_MOST_TOLD = 3
_DRAINED = "Drained"
_HELD_UP = MappingProxyType({"Waiting": "its drain waits", "Blocked": "its drain is blocked"})


@attrs.frozen(kw_only=True)
class Seen:
    """A node as it was seen: ``facts`` for the fleet, how far it is, and what of its report cannot be understood.

    With ``faults``, the facts have no NICs, so that the wish stays what it is. So it does where it has VFs by policies
    that cannot be read, which are ``held``.
    """

    facts: NodeFacts
    sync: Sync
    faults: tuple[Fault, ...] = ()
    held: tuple[str, ...] = ()


def seen(node: LeanNode, state: LeanNodeState | None, unread: Unread = NOTHING, trouble: str = "") -> Seen:
    """The node with what its node state reports, None when it has none; it never raises.

    ``trouble`` is what is wrong with its agent, which matters while something is awaited of it.
    """
    facts = NodeFacts(name=node.metadata.name, labels=node.metadata.labels, has_state=state is not None)
    if state is None:
        return Seen(facts=facts, sync=_awaited(UNREPORTED, trouble))
    facts = attrs.evolve(facts, rdma_mode=state.spec.system.rdma_mode)
    faults = port_faults(state.status.interfaces)
    if faults:
        why = f"its report cannot be understood: {listed(faults)}"
        return Seen(facts=facts, sync=Sync(Progress.FAILED, why), faults=faults)
    nics = _ports(state.status.interfaces, platform(node, state))
    held = unread.holding(state.spec)
    sync = Sync(Progress.FAILED, told(held)) if held else _awaited(_sync(state), trouble)
    return Seen(facts=attrs.evolve(facts, nics=nics), sync=sync, held=held)


def platform(node: LeanNode, state: LeanNodeState) -> str:
    """Where the node runs, ``baremetal`` or the name of a cloud; an agent that does not say leaves it to the Node."""
    provider = node.spec.provider_id.lower()
    guess = next((cloud for cloud in _CLOUDS if cloud in provider), BAREMETAL)
    return state.status.platform or guess


def stands_for_itself(report: LeanReport, platform: str) -> bool:
    """True for a VF that was handed to a virtual machine: it is reported as a NIC with one VF, which is the NIC.

    A PF that was handed to the machine has more, and is as it would be on a bare machine.
    """
    return platform != BAREMETAL and report.total_vfs <= 1


def has_reported(state: LeanNodeState) -> bool:
    """False while its agent has said nothing at all."""
    return bool(state.status.interfaces or state.status.sync_status)


def listed(faults: Iterable[Fault]) -> str:
    """The first few faults in one text."""
    texts = [str(fault) for fault in faults]
    more = [f"and {len(texts) - _MOST_TOLD} more"] if len(texts) > _MOST_TOLD else []
    return "; ".join((*texts[:_MOST_TOLD], *more))


def _ports(reports: tuple[LeanReport, ...], platform: str) -> tuple[Nic, ...]:
    """The NICs; VFs are not cached, and the only one that matters is the one that is the NIC itself."""
    own = {Address.parse(one.pci_address) for one in reports if one.num_vfs == 1 and stands_for_itself(one, platform)}
    return tuple(
        attrs.evolve(nic, vfs=(Vf(index=0, address=nic.address, device=nic.device),)) if nic.address in own else nic
        for nic in to_ports(reports)
    )


def _sync(state: LeanNodeState) -> Sync:
    """How far the node is with the wish that it has now; what an older wish came to does not count."""
    status = state.status
    conditions = {one.type: one for one in status.conditions}
    if not has_reported(state):
        return UNREPORTED
    if outdated(status.conditions, state.metadata.generation):
        return Sync(Progress.PENDING, "its agent has not taken up the wish as it is now")
    degraded = conditions.get("Degraded")
    if status.sync_status == "Failed" or (degraded and degraded.status == "True"):
        return Sync(Progress.FAILED, status.last_sync_error or _message(degraded) or "it does not say why")
    if status.sync_status != "Succeeded":
        under_way = _message(conditions.get("Progressing")) or "it is being configured"
        drain = _drain(conditions.get(_DRAINED))
        return Sync(Progress.PENDING, f"{drain}; {under_way}" if drain else under_way)
    return DONE


def _awaited(sync: Sync, trouble: str) -> Sync:
    if not trouble or sync.progress is not Progress.PENDING:
        return sync
    return Sync(Progress.PENDING, f"{trouble}; {sync.why}")


def _drain(drained: Condition | None) -> str:
    """What keeps the drain that a node asks for from its end, in the words of whoever drains; empty for nothing."""
    said = _HELD_UP.get(drained.reason, "") if drained else ""
    return f"{said}: {drained.message}" if drained and said else ""


def _message(condition: Condition | None) -> str:
    return condition.message if condition and condition.status == "True" else ""
