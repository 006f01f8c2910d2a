"""Adds kernel arguments for the next boot through the boot manager in effect. One entry in `BACKENDS` for each.

Arguments are compared as whole tokens: ``iommu=pt`` is not there because ``intel_iommu=pt`` is.
"""

import os
import re
import shlex
from collections.abc import Callable

import attrs

from sriov_core.errors import HostError
from sriov_core.host import sysfs
from sriov_core.host.ownfiles import replace
from sriov_core.host.refusals import impossible, refused
from sriov_core.host.tools import Result, Run, has

_ARGUMENT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(=[A-Za-z0-9_.,:/@+-]*)?")
_DROP_IN = "/etc/default/grub.d/90-sriov-core.cfg"
_DROP_IN_LINE = re.compile(r'GRUB_CMDLINE_LINUX="\$GRUB_CMDLINE_LINUX (?P<arguments>[^"]*)"')
_ENTRIES = ("/boot/loader/entries", "/efi/loader/entries", "/boot/efi/loader/entries")
_CMDLINE = "/etc/kernel/cmdline"


@attrs.frozen
class Backend:
    """How one boot manager is recognised and told. ``add`` gets the root, the argument and a way to run programs."""

    name: str
    is_used: Callable[[str], bool]
    add: Callable[[str, str, Run], None]


def manager(root: str) -> str | None:
    """The name of the boot manager in effect, None when none that we know is."""
    backend = _backend(root)
    return backend.name if backend else None


def add(root: str, argument: str, run: Run) -> None:
    """Have the argument on the command line of the next boot; does nothing when it is there already."""
    if not _ARGUMENT.fullmatch(argument):
        advice = "One looks like intel_iommu=on"
        raise impossible("node", "kernel argument", repr(argument), "that is no kernel argument", advice)
    backend = _backend(root)
    if backend is None:
        advice = "Set it yourself in the boot manager's configuration and reboot"
        raise impossible("node", "kernel argument", argument, "no known boot manager is in effect", advice)
    try:
        backend.add(root, argument, run)
    except OSError as err:
        raise refused("node", f"kernel argument ({backend.name})", argument, err) from err


def _backend(root: str) -> Backend | None:
    return next((backend for backend in BACKENDS if backend.is_used(root)), None)


def _rpm_ostree(_root: str, argument: str, run: Run) -> None:
    if argument not in _answered(run(["rpm-ostree", "kargs"]), argument).split():
        _answered(run(["rpm-ostree", "kargs", f"--append={argument}"]), argument)


def _grubby(_root: str, argument: str, run: Run) -> None:
    if argument not in _grubby_arguments(_answered(run(["grubby", "--info=DEFAULT"]), argument)):
        _answered(run(["grubby", "--update-kernel=ALL", f"--args={argument}"]), argument)


def _grubby_arguments(info: str) -> list[str]:
    line = next((line for line in info.splitlines() if line.startswith("args=")), "")
    return line.removeprefix("args=").strip('"').split()


def _update_grub(root: str, argument: str, run: Run) -> None:
    """A file of our own that is read after /etc/default/grub, so nobody else's text is touched."""
    path = f"{root}{_DROP_IN}"
    match = _DROP_IN_LINE.search(sysfs.read_whole(path) or "")
    ours = match["arguments"].split() if match else []
    if argument not in ours and argument not in _default_grub(root):
        arguments = " ".join((*ours, argument))
        comment = "# Written by sriov-core. After a change by hand, run update-grub."
        replace(path, f'{comment}\nGRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX {arguments}"\n')
    # Looked at apart from the file: whoever was interrupted between the two gets the second one done.
    if argument not in _next_boot(root):
        _answered(run(["update-grub"]), argument)


def _default_grub(root: str) -> list[str]:
    found: list[str] = []
    for line in (sysfs.read_whole(f"{root}/etc/default/grub") or "").splitlines():
        name, _, value = line.strip().partition("=")
        if name in ("GRUB_CMDLINE_LINUX", "GRUB_CMDLINE_LINUX_DEFAULT"):
            found += value.strip("\"'").split()
    return found


def _next_boot(root: str) -> list[str]:
    lines = (sysfs.read_whole(f"{root}/boot/grub/grub.cfg") or "").splitlines()
    return next((words for line in lines if (words := line.split())[:1] == ["linux"]), [])


def _systemd_boot(root: str, argument: str, run: Run) -> None:
    """The entries are what boots next; /etc/kernel/cmdline is what later kernels get."""
    cmdline = sysfs.read_whole(f"{root}{_CMDLINE}")
    if cmdline is not None and argument not in cmdline.split():
        replace(f"{root}{_CMDLINE}", f"{cmdline.strip()} {argument}".strip() + "\n")
    entries = _entries(root)
    for path in entries:
        text = sysfs.read_whole(path) or ""
        if (changed := _entry_with(text, argument)) != text:
            replace(path, changed)
    if not entries:  # a unified kernel image holds its command line inside and has to be built again
        _answered(run(["kernel-install", "add-all"]), argument)


def _entry_with(text: str, argument: str) -> str:
    lines = text.splitlines()
    options = [number for number, line in enumerate(lines) if line.split(maxsplit=1)[:1] == ["options"]]
    if any(argument in lines[number].split()[1:] for number in options):
        return text
    if options:
        lines[options[-1]] = f"{lines[options[-1]].rstrip()} {argument}"
    else:
        lines.append(f"options {argument}")
    return "\n".join(lines) + "\n"


def _entries(root: str) -> list[str]:
    listed = (f"{root}{folder}/{name}" for folder in _ENTRIES for name in _folder(f"{root}{folder}"))
    return [path for path in listed if path.endswith(".conf")]


def _folder(path: str) -> list[str]:
    try:
        return sysfs.names(path)
    except HostError:
        return []  # the boot partition is often closed to all but root; probe must work without


def _boots_by_systemd(root: str) -> bool:
    if has(root, "kernel-install") and os.path.exists(f"{root}{_CMDLINE}"):
        return True
    configured = any(os.path.exists(f"{root}{os.path.dirname(folder)}/loader.conf") for folder in _ENTRIES)
    return configured and bool(_entries(root))


def _answered(answer: Result, argument: str) -> str:
    if answer.code:
        advice = "Set it yourself in the boot manager's configuration and reboot"
        raise impossible("node", "kernel argument", shlex.quote(argument), answer.complaint, advice)
    return answer.out


BACKENDS = (
    Backend("rpm-ostree", lambda root: os.path.exists(f"{root}/run/ostree-booted"), _rpm_ostree),
    Backend("grubby", lambda root: has(root, "grubby"), _grubby),
    Backend("update-grub", lambda root: has(root, "update-grub"), _update_grub),
    Backend("systemd-boot", _boots_by_systemd, _systemd_boot),
)
