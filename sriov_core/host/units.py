"""The two systemd units that configure the NICs at boot: writing and removing them, and their rivals."""

import os
from collections.abc import Mapping, Sequence

from sriov_core.errors import HostError
from sriov_core.host import sysfs
from sriov_core.host.ownfiles import make_folder, replace
from sriov_core.host.tools import Run
from sriov_core.model.unittexts import BOOT_FILE, FOLDER, POST, PRE

WANTS = f"{FOLDER}/multi-user.target.wants"

_RIVAL_UNITS = ("sriov-config.service", "sriov-config-post-network.service")
_RIVAL_FILE = "/etc/sriov-operator/sriov-interface-config.yaml"
"""Of the Go operator's systemd mode (its bindata/manifests/sriov-config-service and pkg/consts)."""


def install(root: str, files: Mapping[str, str], run: Run) -> tuple[str, ...]:
    """Write files as the host names them, and have systemd start the units at boot. What was done, as sentences.

    What is like that already is left alone. ``run`` starts a program of this root.
    """
    done = [f"wrote {path}" for path, text in files.items() if _write(f"{root}{path}", text)]
    unlinked = [unit for unit in (PRE, POST) if not os.path.lexists(f"{root}{WANTS}/{unit}")]
    if not done and not unlinked:
        return ()
    if is_booted(root):
        _systemctl(run, "daemon-reload")
        if unlinked:
            _systemctl(run, "enable", *unlinked)
    else:
        for unit in unlinked:
            _link(f"{root}{WANTS}/{unit}", f"{FOLDER}/{unit}")
    return (*done, *(f"enabled {unit}" for unit in unlinked))


def uninstall(root: str, run: Run) -> tuple[str, ...]:
    """Disable and remove the units and the boot file; nothing stays that points to them. What was done."""
    there = [unit for unit in (PRE, POST) if os.path.lexists(f"{root}{FOLDER}/{unit}")]
    if there and is_booted(root):
        _systemctl(run, "disable", *there)
    paths = (*(f"{WANTS}/{unit}" for unit in (PRE, POST)), *(f"{FOLDER}/{unit}" for unit in (PRE, POST)), BOOT_FILE)
    done = [f"removed {path}" for path in paths if _remove(f"{root}{path}")]
    if done and is_booted(root):
        _systemctl(run, "daemon-reload")
    return (*(f"disabled {unit}" for unit in there), *done)


def is_booted(root: str) -> bool:
    """True when systemd runs there (sd_booted(3))."""
    return os.path.isdir(f"{root}/run/systemd/system")


def must_start(program: Sequence[str], run: Run) -> None:
    """HostError when the program cannot be started with a bare environment, as systemd will start it."""
    answer = run([*program, "--version"])
    if answer.code:
        text = f"systemd could not start {' '.join(program)}: {answer.complaint}. Nothing was changed"
        raise HostError(f"{text}. Install sriov-core where it is found without PYTHONPATH, as in a virtual environment")


def rivals(root: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The other operator's units that start at boot, and all else that its systemd mode left here, by path."""
    enabled: list[str] = []
    lying = [_RIVAL_FILE] if os.path.lexists(f"{root}{_RIVAL_FILE}") else []
    for unit in _RIVAL_UNITS:
        found = [path for path in (f"{FOLDER}/{unit}", f"{WANTS}/{unit}") if os.path.lexists(f"{root}{path}")]
        # A link alone starts nothing: leaving its systemd mode, that operator removes the units and forgets the links.
        (enabled if len(found) == 2 else lying).extend(found)
    return tuple(enabled), tuple(lying)


def _write(path: str, text: str) -> bool:
    if sysfs.read_whole(path) == text:
        return False
    try:
        replace(path, text)
    except OSError as err:
        raise _failed("write", path, err) from err
    return True


def _link(path: str, target: str) -> None:
    try:
        make_folder(os.path.dirname(path))
        os.symlink(target, path)
    except OSError as err:
        raise _failed("make the link", path, err) from err


def _remove(path: str) -> bool:
    try:
        os.unlink(path)
    except FileNotFoundError:
        return False
    except OSError as err:
        raise _failed("remove", path, err) from err
    return True


def _failed(what: str, path: str, err: OSError) -> HostError:
    return HostError(f"cannot {what} {path}: {err.strerror}. Run as root, on a file system that can be written to")


def _systemctl(run: Run, *words: str) -> None:
    answer = run(["systemctl", *words])
    if answer.code:
        raise HostError(f"systemctl {' '.join(words)} failed: {answer.complaint}. Correct that, and run it by hand")
