"""systemd's services: what is run, and the words when it cannot be."""

from collections.abc import Sequence

import pytest

from sriov_core.errors import DeadlineExceeded, HostError, StepFailed
from sriov_core.host import services
from sriov_core.host.tools import Result, Run

DONE = Result(code=0, out="", err="")


def refusal(run: Run, service: str = "openvswitch-switch") -> str:
    with pytest.raises(StepFailed) as caught:
        services.restart(service, run)
    return str(caught.value)


def test_systemd_reads_its_units_anew_before_the_service_is_restarted() -> None:
    asked: list[Sequence[str]] = []

    def run(argv: Sequence[str]) -> Result:
        asked.append(argv)
        return DONE

    services.restart("openvswitch-switch", run)
    assert asked == [["systemctl", "daemon-reload"], ["systemctl", "try-restart", "--", "openvswitch-switch"]]


def test_systemd_s_own_words_stand_in_the_error() -> None:
    def run(argv: Sequence[str]) -> Result:
        failed = "Job for openvswitch-switch.service failed.\nSee journalctl -xe.\n"
        return Result(code=1, out="", err=failed) if "try-restart" in argv else DONE

    assert refusal(run) == (
        "node: service openvswitch-switch: restart is not possible: Job for openvswitch-switch.service failed. "
        "See journalctl -xe (exit code 1). See systemctl status openvswitch-switch, and restart it yourself"
    )


def test_units_that_cannot_be_read_restart_nothing() -> None:
    def run(argv: Sequence[str]) -> Result:
        assert "try-restart" not in argv
        return Result(code=1, out="", err="System has not been booted with systemd as init system\n")

    assert "System has not been booted with systemd as init system" in refusal(run)


def test_a_machine_without_systemd_says_so() -> None:
    def run(argv: Sequence[str]) -> Result:
        text = f"cannot run {' '.join(argv)}: No such file or directory. Install systemctl or extend the image"
        raise HostError(text)

    assert refusal(run) == (
        "node: service openvswitch-switch: restart is not possible: cannot run systemctl daemon-reload: "
        "No such file or directory. Install systemctl or extend the image. Restart openvswitch-switch yourself"
    )


def test_a_restart_that_does_not_end_names_the_service() -> None:
    def run(argv: Sequence[str]) -> Result:
        text = f"{' '.join(argv)} did not end within 30 s and was stopped"
        raise DeadlineExceeded(text)

    with pytest.raises(DeadlineExceeded) as caught:
        services.restart("openvswitch-switch", run)
    assert str(caught.value) == (
        "node: service openvswitch-switch: restart: systemctl daemon-reload did not end within 30 s and was stopped. "
        "See systemctl status openvswitch-switch"
    )


@pytest.mark.parametrize("name", ["", "--now", "a b", "a;b", "../x", "a\n"])
def test_what_is_no_name_of_a_service_is_not_given_to_systemd(name: str) -> None:
    def run(argv: Sequence[str]) -> Result:
        pytest.fail(f"{argv} is not to be run")

    assert "that is no name of a service. One looks like openvswitch-switch" in refusal(run, name)
