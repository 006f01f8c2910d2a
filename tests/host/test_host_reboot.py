"""The reboot of a machine: asked of systemd once, and its words when it does not."""

from collections.abc import Sequence

import pytest

from sriov_core.errors import DeadlineExceeded, HostError, StepFailed
from sriov_core.host import services
from sriov_core.host.linux import LinuxHost
from sriov_core.host.tools import Result

DONE = Result(code=0, out="", err="")
UNIT = "sriov-core-agent-reboot"
# systemd: src/core/dbus-manager.c, transient_unit_from_message
TAKEN = Result(code=1, out="", err=f"Unit {UNIT}.service was already loaded or has a fragment file.\n")


def test_the_reboot_runs_in_a_unit_of_its_own_with_its_reason_on_one_line() -> None:
    asked: list[Sequence[str]] = []

    def run(argv: Sequence[str]) -> Result:
        asked.append(argv)
        return DONE

    services.reboot("RDMA mode exclusive:\n  at boot", run)
    assert asked == [
        [
            "systemd-run",
            f"--unit={UNIT}",
            "--collect",
            "--no-block",
            "--description=sriov-core: RDMA mode exclusive: at boot",
            "--",
            "systemctl",
            "reboot",
        ]
    ]


def test_a_reboot_that_was_asked_for_before_is_the_one_that_comes() -> None:
    services.reboot("again", lambda argv: TAKEN if "systemd-run" in argv else DONE)


def test_a_refused_reboot_is_told_in_systemd_s_words() -> None:
    with pytest.raises(StepFailed) as caught:
        services.reboot("why", lambda _: TAKEN)
    assert "node: the machine: reboot is not possible: Unit sriov-core-agent-reboot.service was already loaded" in str(
        caught.value
    )
    assert "reboot the machine yourself" in str(caught.value)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        pytest.param(HostError("cannot run systemd-run: not found"), StepFailed, id="no-systemd"),
        pytest.param(DeadlineExceeded("systemd-run did not end"), DeadlineExceeded, id="no-end"),
    ],
)
def test_who_cannot_be_asked_is_named(error: Exception, kind: type[StepFailed]) -> None:
    def run(argv: Sequence[str]) -> Result:
        raise error

    with pytest.raises(kind, match=r"systemd-run.*Reboot the machine yourself"):
        services.reboot("why", run)


def test_a_tree_of_files_is_not_rebooted(tmp_path) -> None:
    host = LinuxHost(str(tmp_path))
    with pytest.raises(StepFailed, match="is a tree of files and not the running machine"):
        host.start_reboot("why")
