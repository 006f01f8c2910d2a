"""The hooks of API 1.0, nothing else. Hooks whose names sound like deeds return steps; the executor does them.

Four answers, never mixed: None (no opinion, the base is asked), ``()`` (nothing to do, the base is not asked), a
`Problem` from `check` (cannot be done), an exception (the driver is broken; only its NIC is affected).
An implementation may take any subset of a hook's arguments. Defaults, ``specname`` and ``tryfirst`` are refused.
"""

from collections.abc import Sequence

import pluggy

from sriov_core.model.desired import NicSpec
from sriov_core.model.observed import Function, Nic
from sriov_core.model.plan import Problem, Reboot
from sriov_core.model.step import Step
from sriov_core.plugin.diagnosis import Finding
from sriov_core.plugin.info import PluginInfo
from sriov_core.plugin.reader import HostReader

PROJECT = "sriov_core"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec(firstresult=True)
def describe() -> PluginInfo:  # type: ignore[empty-body]  # a hookspec has no body
    """Say who the plugin is and what it drives. Called once, at load; must not do I/O."""


@hookspec(firstresult=True)
def discover(function: Function, host: HostReader) -> Nic | None:
    """Return the NIC behind a PCI function that the plugin owns. Called at every look; reads only, repeatable.

    A vendor usually wraps the base's answer (``@hookimpl(wrapper=True)``) and adds facts.
    """


@hookspec(firstresult=True)
def inspect(nic: Nic, spec: NicSpec, host: HostReader) -> Nic | None:
    """Return the NIC with what only this wish makes worth reading: firmware settings, a pool of GUIDs.

    Called for every wished NIC before `check`; reads only. What every look needs belongs into `discover`.
    """


@hookspec
def check(nic: Nic, spec: NicSpec) -> Sequence[Problem] | None:
    """Return why the wish cannot be met, before anything is planned.

    Owner and base are both asked and their problems added up: a vendor can object, never withdraw an objection.
    A NIC with a problem is not touched; the others are.
    """


@hookspec(firstresult=True)
def set_firmware(card: Sequence[Nic], spec: Sequence[NicSpec]) -> Sequence[Step] | None:
    """Return the steps that make the card's firmware allow the wish. Phase FIRMWARE, per card.

    ``card`` holds the NICs that share firmware, in address order, and ``spec`` the wish for each of them in the same
    order: what two ports need is decided once.
    """


@hookspec(firstresult=True)
def set_pf_options(nic: Nic, spec: NicSpec) -> Sequence[Step] | None:
    """Return the steps that ready the PF itself: link, MTU, offloads. Phase PF_OPTIONS."""


@hookspec(firstresult=True)
def set_eswitch_mode(nic: Nic, spec: NicSpec) -> Sequence[Step] | None:
    """Return the steps that reach the wished eswitch mode. Phase ESWITCH."""


@hookspec(firstresult=True)
def set_num_vfs(nic: Nic, spec: NicSpec) -> Sequence[Step] | None:
    """Return the steps that reach the wished number of VFs. Phase NUM_VFS."""


@hookspec(firstresult=True)
def set_vf_identity(nic: Nic, spec: NicSpec) -> Sequence[Step] | None:
    """Return the steps that give VFs what their driver reads while it binds: MAC, GUID. Phase VF_IDENTITY."""


@hookspec(firstresult=True)
def bind_driver(nic: Nic, spec: NicSpec) -> Sequence[Step] | None:
    """Return the steps that put every VF under the wished kernel driver, touching only VFs that differ. Phase BIND."""


@hookspec(firstresult=True)
def set_vf_options(nic: Nic, spec: NicSpec) -> Sequence[Step] | None:
    """Return the steps that need a bound VF: its MTU, its vDPA device. Phase VF_OPTIONS."""


@hookspec(firstresult=True)
def needs_reboot(nic: Nic, spec: NicSpec, steps: Sequence[Step]) -> Sequence[Reboot] | None:
    """Return the reboots that the planned steps need to take effect, each with its reason; ``()`` for none.

    ``steps`` are those of every phase. With a reboot, only the FIRMWARE steps are done now; the rest is planned
    afresh after it.
    """


@hookspec
def diagnose(nic: Nic, host: HostReader) -> Sequence[Finding] | None:
    """Return findings about a NIC for `probe`. Owner and base are both asked. Reads only."""
