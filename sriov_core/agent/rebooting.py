"""Reboots the machine once: what was told to end is left alone until it has ended."""

import time

import attrs

from sriov_core.agent.standing import Trouble
from sriov_core.engine.converge import Engine
from sriov_core.model.plan import Plan

REBOOT_WITHIN_S = 900.0
"""A machine that was told to reboot and is still here after this long needs somebody to look at it."""


@attrs.define
class Rebooting:
    """Whether this boot was told to end, by this process or by one before it. Used by one thread."""

    _since: float | None = None

    def is_under_way(self, engine: Engine, boot_id: str) -> bool:
        """True when this boot was told to end, and nothing more shall be done in it."""
        if not boot_id or engine.journal.read().rebooting != boot_id:
            self._since = None
            return False
        self._since = self._since or time.monotonic()
        return True

    def overdue(self) -> tuple[Trouble, ...]:
        """What is wrong when it takes too long."""
        if self._since is None or time.monotonic() - self._since <= REBOOT_WITHIN_S:
            return ()
        text = f"the machine was told to reboot more than {REBOOT_WITHIN_S / 60:g} minutes ago and still runs"
        return (Trouble("RebootOverdue", f"{text}. See `systemctl list-jobs` on it, and reboot it by hand"),)

    def start(self, engine: Engine, boot_id: str, reasons: str) -> None:
        """Have the machine reboot. The note comes last: who is killed before it asks again, which changes nothing."""
        engine.host.start_reboot(reasons)
        with engine.journal.exclusive():
            engine.journal.write(attrs.evolve(engine.journal.read(), rebooting=boot_id))


def reasons(plan: Plan) -> str:
    """Why a reboot is needed, for people."""
    return "; ".join(reboot.reason for reboot in plan.reboots)
