"""Opens the machine that the options name, the real one or a simulated one, with its plugins and its journal."""

import os
from collections.abc import Iterable, Mapping
from importlib.metadata import entry_points

import attrs

from sriov_core.cli.options import Settings
from sriov_core.engine.converge import Engine
from sriov_core.engine.journal import DEFAULT_PATH, Journal
from sriov_core.errors import HostError, SpecError
from sriov_core.host.ports import Host
from sriov_core.model.address import Address
from sriov_core.plugin.loading import GROUP, load
from sriov_core.plugin.registry import drivers

_SOMEBODY = 1000
"""Stands for the user id on a simulated machine where the process is not root."""


@attrs.frozen(kw_only=True)
class Rights:
    """What this process may do on the machine."""

    effective_uid: int = 0
    read_only_sysfs: bool = False


@attrs.frozen(kw_only=True)
class Machine:
    """A machine with all it takes to look at it and change it; ``simulated`` names the file of one that is not real."""

    engine: Engine
    root: str = "/"
    simulated: str | None = None
    rights: Rights = Rights()

    @property
    def host(self) -> Host:
        """Both ports."""
        return self.engine.host


def open_machine(settings: Settings, wished_pins: Mapping[Address, str] | None = None) -> Machine:
    """The machine of the settings. ``wished_pins`` are owners that a wish asks for; the command line's come first.

    A simulated machine's journal lives in memory unless a place is given. HostError or SpecError for a bad file.
    """
    known_plugins(settings.disabled)
    catalogue = load(settings.disabled)
    path = settings.journal
    if path is None and settings.host is None:
        path = os.path.join(settings.root, DEFAULT_PATH.lstrip("/"))
    host, rights = _host(settings)
    engine = Engine(
        host=host,
        catalogue=catalogue,
        drivers=drivers(catalogue),
        journal=Journal(path=os.path.abspath(path) if path else None),
        pins={**(wished_pins or {}), **settings.pins},
    )
    return Machine(engine=engine, root=settings.root, simulated=settings.host, rights=rights)


def must_be_able(verb: str, rights: Rights) -> None:
    """HostError, before anything is done, where a change would fail half-way for lack of rights."""
    if rights.effective_uid != 0:
        found = f"this process runs as user id {rights.effective_uid}"
        remedy = "Run it with sudo; `sriov-core plan` shows without root what would be done"
        raise HostError(f"{verb} changes kernel settings and needs root, but {found}. Nothing was changed. {remedy}")
    if rights.read_only_sysfs:
        text = f"{verb} writes to /sys, which is mounted read-only here. Nothing was changed"
        raise HostError(f"{text}. In a container, run it privileged or mount /sys writable")


def must_spare_this_machine(verb: str, settings: Settings) -> None:
    """SpecError where files of this machine would be written for the sake of a simulated one."""
    if settings.host is not None and settings.root == "/":
        text = f"{verb} writes files below --root, and --host means that this machine is not touched"
        raise SpecError(f"{text}. Name another folder with --root")


def known_plugins(disabled: Iterable[str]) -> None:
    """SpecError for a name that is installed nowhere: a typing mistake would leave the plugin in service."""
    installed = {point.name for point in entry_points(group=GROUP)} if disabled else set()
    for name in sorted(set(disabled) - installed):
        names = ", ".join(sorted(installed)) or "none"
        raise SpecError(f"--disable-plugin {name}: no such plugin is installed (installed: {names})")


def _host(settings: Settings) -> tuple[Host, Rights]:
    if settings.host is not None:
        from sriov_core.cli.simulation import simulated_host  # noqa: PLC0415  # only where it is asked for
        from sriov_core.testing.tree import Access  # noqa: PLC0415

        host = simulated_host(settings.host)
        access = host.tree().node.access
        uid = _SOMEBODY if access is Access.USER else 0
        return host, Rights(effective_uid=uid, read_only_sysfs=access is Access.READ_ONLY_SYSFS)
    sysfs = os.path.join(settings.root, "sys")
    if not os.path.isdir(sysfs):
        raise HostError(f"--root {settings.root} holds no /sys, so it is no machine. Name the root of a file system")
    from sriov_core.host.linux import LinuxHost  # noqa: PLC0415  # a simulated machine does without it

    read_only = bool(os.statvfs(sysfs).f_flag & os.ST_RDONLY)
    return LinuxHost(settings.root), Rights(effective_uid=os.geteuid(), read_only_sysfs=read_only)
