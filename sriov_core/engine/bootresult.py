"""How the phases of this boot ended, in a file: for the agent, for people, and from one phase to the next."""

import enum
import os

import attrs
import msgspec

from sriov_core.engine.bootfile import WRITTEN_BY
from sriov_core.errors import HostError
from sriov_core.host.ownfiles import replace
from sriov_core.model.codec import to_builtins
from sriov_core.planning.stages import Stage

FORMAT = 1
PATH = "/run/sriov-core/boot-result.json"
"""Below /run, so that nothing of an earlier boot is left; the boot id tells where that is no tmpfs."""


class Outcome(enum.StrEnum):
    """How a phase stands; one that was killed stays in progress."""

    IN_PROGRESS = "in-progress"
    SUCCEEDED = "succeeded"
    REBOOT_NEEDED = "reboot-needed"
    FAILED = "failed"


@attrs.frozen(kw_only=True)
class BootResult:
    """The last phase that was begun in a boot, and how it ended.

    ``words`` are sentences for people, each with the phase it is of; those of pre stay when post has ended.
    ``reboots`` are the reasons for a reboot, ``generation`` that of the boot file, empty when there was none to read.
    """

    phase: Stage
    outcome: Outcome
    words: tuple[str, ...] = ()
    reboots: tuple[str, ...] = ()
    boot_id: str = ""
    generation: str = ""
    written_by: str = WRITTEN_BY


def write(path: str, result: BootResult) -> None:
    """Replace the result. HostError when it cannot be written."""
    data = msgspec.json.encode({"format": FORMAT, **to_builtins(result)})
    try:
        replace(path, msgspec.json.format(data, indent=2).decode() + "\n")
    except OSError as err:
        remedy = f"Make {os.path.dirname(path)} writable"
        raise HostError(f"cannot write the result {path}: {err.strerror}. {remedy}") from err


def read(path: str, boot_id: str) -> BootResult | None:
    """The result of this boot; None when there is none, when it is of another boot, or when nobody can read it."""
    try:
        with open(path, "rb") as file:
            content = msgspec.json.decode(file.read(), type=dict[str, object])
        if content.pop("format", None) != FORMAT:
            return None
        result = msgspec.convert(content, BootResult)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return result if result.boot_id == boot_id else None
