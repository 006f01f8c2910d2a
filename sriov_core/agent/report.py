"""What the node reports: its NICs as found, what is wrong, what is under way, what it waits for. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import attrs
import msgspec

from sriov_core.agent.standing import Standing, Trouble, addresses
from sriov_core.api.conditions import Condition, merged
from sriov_core.api.nodestate import (
    InterfaceReport,
    NodeStateStatus,
    PluginReport,
    System,
    UnmanagedInterface,
)
from sriov_core.model.address import Address
from sriov_core.model.observed import Function, Nic
from sriov_core.model.plan import NicPlan, Plan
from sriov_core.planning.render import counted, plan_lines
from sriov_core.policy.nodereport import from_nic, from_open_vswitch

SUCCEEDED, FAILED, IN_PROGRESS = "Succeeded", "Failed", "InProgress"
OWN_TYPES = frozenset({"Ready", "Progressing", "Degraded", "BootConfigured"})
"""The conditions of a node state that the agent writes; those of other types belong to others."""

_LONGEST_ERROR = 16_384


@attrs.frozen(kw_only=True)
class Around:
    """What a report needs beside the standing: every network function by address, the plugins, who has which VF.

    ``before`` is what was reported last. A NIC that is there and cannot be read now stays in the report as it was: the
    control plane would take one that is missing for gone, and wish nothing of it any more.
    """

    functions: Mapping[Address, Function] = attrs.field(factory=dict)
    plugins: tuple[PluginReport, ...] = ()
    assigned: Mapping[Address, str] = attrs.field(factory=dict)
    before: NodeStateStatus = attrs.field(factory=NodeStateStatus)


@attrs.frozen
class _State:
    """How something stands: the reason and text of its condition Ready, and what that means for the other two."""

    reason: str
    text: str
    ready: bool = False
    progressing: bool = False
    degraded: bool = False


def report(standing: Standing, around: Around) -> NodeStateStatus:
    """The status of the node state; transition times of its conditions are left open (`stamped`)."""
    snapshot, troubles = standing.snapshot, standing.all_troubles
    platforms = sorted({function.platform for function in around.functions.values()})
    holders = {str(address): pod for address, pod in around.assigned.items()}
    seen = [_interface(nic, standing, around, holders) for nic in snapshot.nics]
    return NodeStateStatus(
        interfaces=tuple(sorted((*seen, *_unreadable(standing, around)), key=lambda entry: entry.pci_address)),
        bridges=from_open_vswitch(snapshot.ovs),
        system=msgspec.convert({"rdmaMode": snapshot.node.rdma_mode or ""}, System),
        sync_status=FAILED if troubles else SUCCEEDED if standing.is_done else IN_PROGRESS,
        last_sync_error=_cut("\n".join(trouble.text for trouble in troubles)),
        platform=platforms[0] if platforms else "",
        plugins=around.plugins,
        unmanaged=tuple(_unmanaged(standing, around)),
        conditions=(*_conditions(_of_node(standing), standing.generation), *_of_boot(standing)),
    )


def broken(before: NodeStateStatus, trouble: Trouble, generation: int) -> NodeStateStatus:
    """The report when nothing can be seen of the machine: as before, with what is wrong."""
    said = _conditions(_troubled([trouble], retried=True), generation)
    types, known = {one.type for one in said}, own(before)
    return msgspec.structs.replace(
        known,
        sync_status=FAILED,
        last_sync_error=_cut(trouble.text),
        conditions=(*said, *(one for one in known.conditions if one.type not in types)),
    )


def stamped(wanted: NodeStateStatus, current: NodeStateStatus, now: str) -> NodeStateStatus:
    """The report with the times at which its conditions changed; equal to `own` of the current one when nothing did."""
    before = {entry.pci_address: entry.conditions for entry in current.interfaces}
    interfaces = tuple(
        msgspec.structs.replace(
            entry, conditions=merged(_kept(before.get(entry.pci_address, ()), entry), entry.conditions, now)
        )
        for entry in wanted.interfaces
    )
    kept = [one for one in current.conditions if one.type in {other.type for other in wanted.conditions}]
    return msgspec.structs.replace(wanted, interfaces=interfaces, conditions=merged(kept, wanted.conditions, now))


def own(status: NodeStateStatus) -> NodeStateStatus:
    """The status without the conditions of others."""
    conditions = tuple(one for one in status.conditions if one.type in OWN_TYPES)
    return msgspec.structs.replace(status, conditions=conditions)


def _kept(before: Iterable[Condition], entry: InterfaceReport) -> list[Condition]:
    types = {one.type for one in entry.conditions}
    return [one for one in before if one.type in types]


def _interface(nic: Nic, standing: Standing, around: Around, holders: Mapping[str, str]) -> InterfaceReport:
    owner, function = standing.snapshot.owners.get(nic.address), around.functions.get(nic.address)
    record = standing.memory.nics.get(nic.address)
    base = from_nic(nic, plugin=owner.plugin if owner else "")
    concerned = nic.address in addresses(standing)
    entry = next((entry for entry in standing.plan.nics if entry.nic == nic.address), None)
    return msgspec.structs.replace(
        base,
        externally_managed=bool(record and record.externally_managed),
        vfs=tuple(msgspec.structs.replace(vf, assigned=holders.get(vf.pci_address, "")) for vf in base.vfs),
        subsystem=_subsystem(nic.subsystem_vendor, nic.subsystem_device),
        pci_class=function.pci_class if function else "",
        plan=_rows(entry) if entry else (),
        conditions=_conditions(_of_nic(nic, entry, standing), standing.generation) if concerned else (),
    )


def _unreadable(standing: Standing, around: Around) -> Iterable[InterfaceReport]:
    for entry in around.before.interfaces:
        for address, text in standing.snapshot.failures.items():
            if str(address) == entry.pci_address and standing.snapshot.nic(address) is None:
                state = _State("NotReadable", text, degraded=True)
                yield msgspec.structs.replace(entry, conditions=_conditions(state, standing.generation))


def _of_nic(nic: Nic, entry: NicPlan | None, standing: Standing) -> _State:
    """How one NIC stands; what is wrong goes first."""
    own_troubles = [trouble for trouble in standing.all_troubles if trouble.nic == nic.address]
    if own_troubles:
        return _troubled(own_troubles, retried=bool(entry and entry.steps))
    if nic.address in standing.doing:
        return _State("Configuring", standing.doing[nic.address], progressing=True)
    if entry and (entry.reboots or entry.later):
        text = f"{standing.why or 'a reboot is needed'}; then {counted(len(entry.steps) + len(entry.later), 'step')}"
        return _State("WaitingForReboot", text, progressing=True)
    if entry and entry.steps:
        reason = "WaitingForDrain" if standing.waiting else "Configuring"
        text = f"{counted(len(entry.steps), 'step')} to do{f'; {standing.why}' if standing.why else ''}"
        return _State(reason, text, progressing=True)
    given_back = entry is not None and entry.release
    return _State("Released" if given_back else "Configured", "As wished.", ready=True)


def _of_node(standing: Standing) -> _State:
    troubles = standing.all_troubles
    if troubles:
        return _troubled(troubles, retried=bool(standing.plan.steps) and bool(standing.failures))
    if standing.doing:
        return _State("Configuring", f"{counted(len(standing.doing), 'NIC')} under way", progressing=True)
    if standing.waiting:
        reason = "WaitingForReboot" if standing.waiting == "reboot" else "WaitingForDrain"
        return _State(reason, standing.why, progressing=True)
    if not standing.plan.is_empty:
        return _State("Configuring", f"{counted(len(standing.plan.steps), 'step')} to do", progressing=True)
    nics = len(standing.spec.nics)
    return _State("Configured", f"{counted(nics, 'NIC')} as wished" if nics else "Nothing is wished.", ready=True)


def _troubled(troubles: Sequence[Trouble], *, retried: bool) -> _State:
    text = "\n".join(trouble.text for trouble in troubles)
    return _State(troubles[0].reason, text, progressing=retried, degraded=True)


def _of_boot(standing: Standing) -> tuple[Condition, ...]:
    boot = standing.boot
    if boot is None:
        return ()
    status: Literal["True", "False", "Unknown"] = "Unknown"
    reason, text = "NoResult", "The units of the boot have left no result in this boot."
    if boot.succeeded is not None:
        status, reason = ("True", "Succeeded") if boot.succeeded else ("False", "Failed")
        text = "\n".join(boot.words)
    return (_condition("BootConfigured", status, reason, text, standing.generation),)


def _conditions(state: _State, generation: int) -> tuple[Condition, ...]:
    wrong = (state.reason, state.text) if state.degraded else ("AsExpected", "Nothing is wrong.")
    return (
        _condition("Ready", _status(state.ready), state.reason, state.text, generation),
        _condition("Progressing", _status(state.progressing), state.reason, state.text, generation),
        _condition("Degraded", _status(state.degraded), *wrong, generation),
    )


def _condition(
    kind: str, status: Literal["True", "False", "Unknown"], reason: str, text: str, generation: int
) -> Condition:
    return Condition(type=kind, status=status, observed_generation=generation, reason=reason, message=text)


def _status(holds: bool) -> Literal["True", "False"]:  # noqa: FBT001  # a formatter of the flag itself
    return "True" if holds else "False"


def _unmanaged(standing: Standing, around: Around) -> Iterable[UnmanagedInterface]:
    reasons = {entry.function.address: entry.reason for entry in standing.snapshot.unmanaged}
    reasons |= standing.snapshot.failures
    known = {entry.function.address: entry.function for entry in standing.snapshot.unmanaged} | dict(around.functions)
    for address, reason in sorted(reasons.items()):
        function = known.get(address)
        yield UnmanagedInterface(
            pci_address=str(address),
            vendor=function.vendor if function else "",
            device_id=function.device if function else "",
            subsystem=_subsystem(function.subsystem_vendor, function.subsystem_device) if function else "",
            pci_class=function.pci_class if function else "",
            driver=(function.kernel_driver or "") if function else "",
            reason=reason,
        )


def _subsystem(vendor: str, device: str) -> str:
    return f"{vendor}:{device}" if vendor or device else ""


def _rows(entry: NicPlan) -> tuple[str, ...]:
    """What is left to do, as people read it; of what waits for a reboot each row says so."""
    if entry.problems or not (entry.steps or entry.later):
        return ()
    now = [row.strip() for lines in plan_lines(Plan(nics=(attrs.evolve(entry, later=()),))) for row in lines.rows]
    after = attrs.evolve(entry, steps=entry.later, later=())
    later = [row.strip() for lines in plan_lines(Plan(nics=(after,))) for row in lines.rows]
    return (*now, *(f"after the reboot: {row}" for row in later))


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_ERROR else f"{text[:_LONGEST_ERROR]}..."
