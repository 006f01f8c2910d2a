"""The units that configure the node at boot, kept in step with the wish: the systemd mode of the agent.

The agent changes the node as it does without them. What they add is the time: after a reboot the VFs are there before
the network and the kubelet start, and not only when the agent's pod runs.
"""

from collections.abc import Sequence

import attrs

from sriov_core.agent.standing import BootStanding, Trouble
from sriov_core.engine import bootfile, bootresult
from sriov_core.engine.bootresult import Outcome
from sriov_core.engine.journal import Journal
from sriov_core.errors import SpecError, SriovError
from sriov_core.host import units
from sriov_core.host.tools import Run
from sriov_core.model import unittexts
from sriov_core.model.desired import NodeSpec


@attrs.frozen(kw_only=True)
class BootUnits:
    """The boot file and the units below a root, whose path has no slash at its end.

    ``program`` is how the host starts sriov-core: an absolute path, and arguments. ``run`` starts one of its programs.
    """

    root: str
    program: Sequence[str]
    run: Run
    journal: Journal

    def keep(self, spec: NodeSpec) -> tuple[Trouble, ...]:
        """Have the next boot configure what is wished; what differs is written, and nothing else. Why it could not."""
        try:
            self._install({unittexts.BOOT_FILE: bootfile.encode(spec), **unittexts.texts(self.program)})
        except SriovError as err:
            return (Trouble("BootUnitsNotInstalled", f"the units of the boot are not up to date: {err}"),)
        return ()

    def standing(self, boot_id: str) -> BootStanding:
        """How the units of this boot ended."""
        found = bootresult.read(f"{self.root}{bootresult.PATH}", boot_id)
        if found is None or found.outcome is Outcome.IN_PROGRESS:
            return BootStanding()
        return BootStanding(succeeded=found.outcome is not Outcome.FAILED, words=found.words)

    def _install(self, wanted: dict[str, str]) -> None:
        enabled, _ = units.rivals(self.root)
        if enabled:
            text = f"the SR-IOV network operator configures this machine at boot, too ({', '.join(enabled)})"
            raise SpecError(f"{text}; two must not. Disable sriov-config and sriov-config-post-network")
        if units.is_booted(self.root) and not self.journal.read().boot_units:
            units.must_start(self.program, self.run)
        units.install(self.root, wanted, self.run)
        remember_units(self.journal, installed=True)


def leave(root: str, run: Run, journal: Journal) -> tuple[str, ...]:
    """Take back units that an agent installed, not those of a person; what was done. Raises HostError, JournalError."""
    if not journal.read().boot_units:
        return ()
    done = units.uninstall(root, run)
    remember_units(journal, installed=False)
    return done


def remember_units(journal: Journal, *, installed: bool) -> None:
    """Note that the units are an agent's."""
    if journal.read().boot_units is not installed:
        with journal.exclusive():
            journal.write(attrs.evolve(journal.read(), boot_units=installed))
