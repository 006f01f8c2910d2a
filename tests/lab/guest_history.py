"""What agent and operator said to each other over the objects of the guest's node."""

from typing import TypeVar

import attrs

from sriov_core.api import keys
from sriov_operator.process.lean import LeanNode, LeanNodeState

T = TypeVar("T")


@attrs.define
class History:
    """What agent and operator wrote, each in the order in which it was written, once until it changes.

    The agent asks by the annotation of the Node first and says the same in the node state; the operator answers in the
    node state, and cordons the Node.
    """

    asked: list[str] = attrs.field(factory=list)
    mirrored: list[str] = attrs.field(factory=list)
    answered: list[str] = attrs.field(factory=list)
    cordoned: list[bool] = attrs.field(factory=list)

    def state_changed(self, _before: LeanNodeState | None, after: LeanNodeState | None) -> None:
        notes = after.metadata.annotations if after else {}
        _note(self.mirrored, notes.get(keys.DESIRED_STATE, ""))
        _note(self.answered, notes.get(keys.CURRENT_STATE, ""))

    def node_changed(self, _before: LeanNode | None, after: LeanNode | None) -> None:
        _note(self.asked, after.metadata.annotations.get(keys.NODE_STATE, "") if after else "")
        _note(self.cordoned, bool(after and after.spec.unschedulable))

    @property
    def now(self) -> tuple[str, str, str, bool]:
        """How it stands."""
        return self.asked[-1], self.mirrored[-1], self.answered[-1], self.cordoned[-1]

    def forget(self) -> None:
        """All but how it stands now."""
        for rows in (self.asked, self.mirrored, self.answered, self.cordoned):
            del rows[:-1]


def _note(rows: list[T], row: T) -> None:
    if rows[-1:] != [row]:
        rows.append(row)
