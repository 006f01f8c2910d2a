"""What the device plugin offers: it looks for VFs once, so it is started anew when those that it offers have changed.

The journal holds what it was last started for; before VFs are touched that is made void, so that an agent that was
killed in between has it started anew.
"""

import logging

import attrs

from sriov_core.agent.decide import offer, touches_offered
from sriov_core.agent.logbook import Logbook
from sriov_core.agent.seams import DevicePlugin
from sriov_core.agent.standing import Trouble
from sriov_core.engine.journal import Journal
from sriov_core.errors import SriovError
from sriov_core.kube.failures import Throttled, Unavailable
from sriov_core.model.desired import NodeSpec
from sriov_core.model.observed import Snapshot
from sriov_core.model.plan import Cost, Plan

_VOID = "?\n"
"""Before what was offered: it is no more what the plugin has seen."""


@attrs.define(kw_only=True)
class Offering:
    """The device plugin of the node, and what is remembered of it. Used by one thread."""

    journal: Journal
    plugin: DevicePlugin
    book: Logbook = attrs.field(factory=Logbook)
    _fresh: bool = False

    def is_touched(self, plan: Plan, snapshot: Snapshot, spec: NodeSpec) -> bool:
        """True when the plan changes VFs that the plugin offers, or makes such."""
        return touches_offered(plan, snapshot, spec, self.journal.read().offered)

    def prepare(self, plan: Plan, snapshot: Snapshot, spec: NodeSpec, *, block: bool) -> bool:
        """Before a plan is done: when it changes what the plugin offers, have it hand out nothing meanwhile.

        With ``block`` its new pod waits for us; otherwise it is started anew afterwards. False when that is no matter
        of its. Raises the `SriovError` of the restart where VFs would be lost; new ones are made all the same.
        """
        if not self.is_touched(plan, snapshot, spec):
            return False
        known = self.journal.read().offered or ""
        self._remember(known if known.startswith(_VOID) else f"{_VOID}{known}")
        if block and not self._fresh:  # one that waits for us since an earlier attempt has not looked yet
            try:
                self.plugin.restart("the VFs that it offers are about to change")
                self._fresh = True
            except SriovError as err:
                if plan.cost >= Cost.VF_LOSS:
                    raise
                text = f"the device plugin is restarted later, because that failed: {err}"
                self.book.say("device plugin", text, level=logging.WARNING)
        return True

    def settle(self, spec: NodeSpec, *, block: bool) -> tuple[Trouble, ...]:
        """When nothing is left to do: have the plugin see what it offers, and wait no longer where NICs are wished for.

        What is wrong when that fails; the next pass tries again. An API server that is away is only logged.
        """
        wanted, known = offer(spec), self.journal.read().offered
        try:
            if known not in (None, wanted) and not self._fresh:
                self.plugin.restart("the VFs that it offers have changed")
            self._remember(wanted)
            self._fresh = False
            if block and spec.nics:
                self.plugin.unblock()
        except (Throttled, Unavailable) as err:
            self.book.say("device plugin", f"the device plugin is dealt with later: {err}", level=logging.WARNING)
            return ()
        except SriovError as err:
            return (Trouble("DevicePluginNotReady", f"the device plugin does not know of the VFs yet: {err}"),)
        self.book.forget("device plugin")
        return ()

    def _remember(self, offered: str) -> None:
        if self.journal.read().offered != offered:
            with self.journal.exclusive():
                self.journal.write(attrs.evolve(self.journal.read(), offered=offered))
