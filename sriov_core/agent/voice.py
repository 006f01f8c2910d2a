"""Turns how the node stands into what is reported, and hands it on: to the publisher and to whoever counts."""

import logging

import attrs

from sriov_core.agent.catalogue import reports
from sriov_core.agent.handshake import Talk
from sriov_core.agent.logbook import Logbook
from sriov_core.agent.publish import Publisher
from sriov_core.agent.report import Around, broken, report
from sriov_core.agent.seams import Assigned, Meter
from sriov_core.agent.standing import Standing, Trouble
from sriov_core.agent.statusfile import StatusFile
from sriov_core.agent.wish import SeenNodeState, status_of
from sriov_core.agent.writes import Told
from sriov_core.api.nodestate import NodeStateStatus
from sriov_core.model.observed import Snapshot
from sriov_core.plugin.loading import Catalogue
from sriov_core.plugin.reader import HostReader

_FLUSH_S = 5.0


@attrs.frozen(kw_only=True)
class Voice:
    """What the agent says. ``catalogue`` are its plugins, ``book`` is what people read, ``file`` where it is kept."""

    publisher: Publisher
    meter: Meter
    assigned: Assigned
    catalogue: Catalogue
    book: Logbook = attrs.field(factory=Logbook)
    file: StatusFile | None = None

    def say(self, standing: Standing, talk: Talk, host: HostReader, state: SeenNodeState | None) -> None:
        """Report how the node stands, and go on with the talk about draining. HostError when nothing can be read."""
        around = Around(
            functions={function.address: function for function in host.functions()},
            plugins=reports(self.catalogue),
            assigned=self.assigned(),
            before=_before(state),
        )
        status = report(standing, around)
        self._report(status, talk, state)
        self.meter.standing(standing.snapshot, standing.waiting)
        self.book.stands(standing, next(one.message for one in status.conditions if one.type == "Ready"))

    def sees(self, snapshot: Snapshot) -> None:
        """Count what was seen, when there is nobody to report it to."""
        self.meter.standing(snapshot, "")

    def say_blind(self, trouble: Trouble, state: SeenNodeState | None) -> None:
        """Report that nothing can be seen of the machine; its NICs stay in the report as they were."""
        generation = state.metadata.generation if state else 0
        self._report(broken(_before(state), trouble, generation), Talk(), state)
        self.book.say("verdict", f"Failed: {trouble.text}", level=logging.WARNING)

    def _report(self, status: NodeStateStatus, talk: Talk, state: SeenNodeState | None) -> None:
        self.publisher.want(status, talk, _uid(state))
        if self.file:
            self.file.keep(status)

    def rebooting(self, reasons: str) -> None:
        """Tell the cluster why the machine is about to reboot; waits a little until that is written."""
        note = f"Reboot node has been initiated: {reasons}"
        self.publisher.tell(Told(kind="Normal", reason="RebootNode", action="Reboot", note=note))
        self.publisher.flush(_FLUSH_S)


def _uid(state: SeenNodeState | None) -> str:
    return state.metadata.uid if state else ""


def _before(state: SeenNodeState | None) -> NodeStateStatus:
    return status_of(state) if state else NodeStateStatus()
