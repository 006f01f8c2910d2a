"""Which kernel modules there are, by their exact names, how one more is loaded, and how one is set while it runs."""

import os
import re
from collections.abc import Callable
from contextlib import suppress

from sriov_core.errors import HostError
from sriov_core.host import sysfs
from sriov_core.host.refusals import impossible
from sriov_core.host.tools import Run

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_WRITABLE = 0o222
_SWITCH = {"Y": ("y", "1", "on"), "N": ("n", "0", "off")}


def present(root: str) -> frozenset[str]:
    """The modules loaded or built into the running kernel, spelled with underscores."""
    loaded = sysfs.read_whole(f"{root}/proc/modules") or ""
    release = sysfs.read(f"{root}/proc/sys/kernel/osrelease") or ""
    builtin = sysfs.read_whole(f"{root}/lib/modules/{release}/modules.builtin") or "" if release else ""
    return frozenset(
        (
            *(line.split(" ", 1)[0] for line in loaded.splitlines()),
            *(_module(path) for path in builtin.splitlines()),
        )
    )


def load(root: str, module: str, run: Run) -> None:
    """Load a module by modprobe and look that it is there; does nothing when it is there already."""
    name = module.replace("-", "_")
    if not _NAME.fullmatch(module):
        advice = "It may hold letters, digits, '_' and '-' only"
        raise impossible("node", "module", repr(module), "that is no module's name", advice)
    if name in present(root):
        return
    answer = run(["modprobe", "--", name])
    if answer.code:
        advice = "Install the kernel package that holds it, or look at the lockdown and blacklist settings of the host"
        raise impossible("node", "module", name, answer.complaint, advice)
    if name not in present(root):
        advice = "It may be an alias or an install rule of modprobe.d; name the module itself"
        raise impossible("node", "module", name, "modprobe succeeded and the module is not there", advice)


def load_for(modalias: str, run: Run) -> None:
    """Load whatever module says that it drives such a device. None may be there: what is bound afterwards tells."""
    with suppress(HostError):
        run(["modprobe", "--quiet", "--", modalias])


def set_parameter(root: str, module: str, parameter: str, value: str, write: Callable[[str], None]) -> None:
    """Have a parameter of a loaded module at a value, read back; StepFailed when the kernel has none or refuses.

    ``write`` writes the value to a path and words what the kernel says. What shows as ``Y`` or ``N`` may be given as
    such, as 1 or 0, or as on or off (lib/kstrtox.c).
    """
    subject = f"parameter {module}.{parameter}"
    if not _NAME.fullmatch(module) or not _NAME.fullmatch(parameter):
        advice = "Names hold letters, digits, '_' and '-' only"
        raise impossible("node", subject, repr(value), "that is no module's parameter", advice)
    path = f"{root}/sys/module/{module.replace('-', '_')}/parameters/{parameter}"
    shown = sysfs.read(path)
    if shown is None:
        raise impossible("node", subject, value, *_why_no_parameter(path, module))
    if _is(shown, value):
        return
    advice = f"Set it in /etc/modprobe.d (options {module} {parameter}={value}) and load the module again, or reboot"
    if not _may_be_written(path):
        raise impossible("node", subject, value, f"it is {shown!r} for as long as the module is loaded", advice)
    write(path)
    shown = sysfs.read(path)
    if not _is(shown, value):
        raise impossible("node", subject, value, f"the kernel took it and shows {shown!r}", advice)


def _why_no_parameter(path: str, module: str) -> tuple[str, str]:
    if os.path.isdir(path.rpartition("/")[0].rpartition("/")[0]):
        return "the module has no such parameter in this kernel", f"`modinfo -p {module}` lists those it has"
    return "the module is not loaded", f"Load it first (modprobe {module})"


def _may_be_written(path: str) -> bool:
    try:
        return bool(os.stat(path).st_mode & _WRITABLE)
    except OSError:
        return True  # gone in between, which the write tells better


def _is(shown: str | None, value: str) -> bool:
    return shown == value or (shown in _SWITCH and value.lower() in _SWITCH[shown])


def _module(path: str) -> str:
    return path.rpartition("/")[2].partition(".ko")[0].replace("-", "_")
