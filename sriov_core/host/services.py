"""systemd, as far as we restart one of its services, or have it reboot the machine."""

import re

from sriov_core.errors import DeadlineExceeded, HostError, StepFailed
from sriov_core.host.refusals import impossible
from sriov_core.host.tools import Run

REBOOT_UNIT = "sriov-core-agent-reboot"
_LONGEST_REASON = 200

_NAME = re.compile(r"[A-Za-z0-9:_.@\\][A-Za-z0-9:_.@\\-]*")


def restart(service: str, run: Run) -> None:
    """``systemctl daemon-reload`` and ``try-restart``; StepFailed with systemd's words.

    A service that does not run, or is not there, stays as it is: that is no error.
    """
    if not _NAME.fullmatch(service):
        raise _refused(service, "that is no name of a service", "One looks like openvswitch-switch")
    for argv in (["systemctl", "daemon-reload"], ["systemctl", "try-restart", "--", service]):
        try:
            answer = run(argv)
        except DeadlineExceeded as err:
            raise DeadlineExceeded(f"node: service {service}: restart: {err}. See systemctl status {service}") from err
        except HostError as err:
            raise _refused(service, str(err).rstrip("."), f"Restart {service} yourself") from err
        if answer.code:
            advice = f"See systemctl status {service}, and restart it yourself"
            raise _refused(service, answer.complaint, advice)


def reboot(reason: str, run: Run) -> None:
    """``systemctl reboot`` in a unit of its own, which outlives a container that asks for it.

    StepFailed with systemd's words. While the unit runs, that is the reboot which was asked for before.
    """
    words = " ".join(reason.split())[:_LONGEST_REASON]
    argv = ["systemd-run", f"--unit={REBOOT_UNIT}", "--collect", "--no-block", f"--description=sriov-core: {words}"]
    try:
        answer = run([*argv, "--", "systemctl", "reboot"])
        if answer.code and run(["systemctl", "is-active", "--quiet", REBOOT_UNIT]).code:
            raise impossible(
                "node", "the machine", "reboot", answer.complaint, "See journalctl, and reboot the machine yourself"
            )
    except DeadlineExceeded as err:
        raise DeadlineExceeded(f"node: reboot: {err}. Reboot the machine yourself") from err
    except HostError as err:
        raise impossible("node", "the machine", "reboot", str(err).rstrip("."), "Reboot the machine yourself") from err


def _refused(service: str, found: str, advice: str) -> StepFailed:
    return impossible("node", f"service {service}", "restart", found, advice)
