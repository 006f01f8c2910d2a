"""Nodes that would keep VFs because nobody is left who gives them back: what of a node state says so. No I/O.

A policy that is deleted a moment before the clean-up leaves a node state that still wishes for its VFs, or an agent at
work; and the agents go with the configuration.
"""

from collections.abc import Iterable, Iterator

from sriov_core.api.conditions import outdated
from sriov_operator.process.lean import LeanNodeState

_DONE = "Succeeded"
_SHOWN = 20


def undone(states: Iterable[LeanNodeState], *, wished: bool) -> str:
    """One line that names the nodes, each with why, and says what to do; empty when all are done.

    ``wished`` says that there are policies, so that a wish is nothing that is left over.
    """
    found = sorted((one.metadata.name, why) for one in states if (why := "; ".join(_reasons(one, wished=wished))))
    if not found:
        return ""
    nodes = f"{len(found)} node{'s' * (len(found) > 1)}"
    more = [f"and {len(found) - _SHOWN} more"] if len(found) > _SHOWN else []
    named = ", ".join((*(f"{name} ({why})" for name, why in found[:_SHOWN]), *more))
    return (
        f"{nodes} not done, whose NICs stay as they are: {named}. To have them done, apply the SriovOperatorConfig "
        "again once it is gone, while an operator runs, wait until the node states are Ready, and clean up again"
    )


def _reasons(state: LeanNodeState, *, wished: bool) -> Iterator[str]:
    status, generation = state.status, state.metadata.generation
    if status.sync_status not in {"", _DONE}:
        yield status.sync_status
    if reported := outdated(status.conditions, generation):
        yield f"it reports of generation {reported}, not {generation}"
    if not wished:
        ours = {one.pci_address for one in state.spec.interfaces if one.num_vfs and not one.externally_managed}
        kept = [one for one in status.interfaces if one.num_vfs and one.pci_address in ours]
        if kept:
            yield f"VFs of a policy that is gone: {', '.join(f'{one.num_vfs} on {one.pci_address}' for one in kept)}"
