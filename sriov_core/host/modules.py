"""Which kernel modules there are, by their exact names, and how one more is loaded."""

import re
from contextlib import suppress

from sriov_core.errors import HostError
from sriov_core.host import sysfs
from sriov_core.host.refusals import impossible
from sriov_core.host.tools import Run

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


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


def _module(path: str) -> str:
    return path.rpartition("/")[2].partition(".ko")[0].replace("-", "_")
