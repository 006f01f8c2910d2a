"""Our own files on the host: a closed list of paths, atomic, idempotent."""

import os
import stat
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from sriov_core.errors import StepFailed
from sriov_core.host import ownfiles, tools
from sriov_core.host.linux import LinuxHost
from sriov_core.host.tools import Result

FIXED = (
    "/etc/modules-load.d/sriov-core.conf",
    "/etc/modprobe.d/sriov-core.conf",
    "/etc/systemd/system/openvswitch-switch.service.d/10-sriov-core.conf",
    "/etc/systemd/system/ovs-vswitchd.service.d/10-sriov-core.conf",
)
RULES = "/etc/udev/rules.d/10-sriov-core-0000:01:00.0.rules"


def test_a_rule_file_is_written_and_removed_again(tmp_path: Path) -> None:
    with LinuxHost(str(tmp_path)) as host:
        host.write_file(RULES, "text\n")
        assert ownfiles.present(str(tmp_path)) == {RULES: "text\n"}
        assert os.listdir(tmp_path / "etc/udev/rules.d") == ["10-sriov-core-0000:01:00.0.rules"]
        host.write_file(RULES, None)
        host.write_file(RULES, None)
    assert ownfiles.present(str(tmp_path)) == {}


@pytest.mark.parametrize("path", FIXED)
def test_each_file_of_ours_is_written_told_and_removed(tmp_path: Path, path: str) -> None:
    with LinuxHost(str(tmp_path)) as host:
        host.write_file(path, "text\n")
        assert host.node().files == {path: "text\n"}
        host.write_file(path, None)
        assert host.node().files == {}


def test_all_files_of_ours_are_told_and_no_others(tmp_path: Path) -> None:
    foreign = ("/etc/udev/rules.d/70-other.rules", "/etc/modprobe.d/mlx5.conf", "/etc/systemd/system/x.service")
    for path in (*FIXED, RULES, *foreign):
        (tmp_path / path[1:]).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path[1:]).write_text(path)
    assert ownfiles.present(str(tmp_path)) == {path: path for path in (RULES, *FIXED)}


def test_the_same_text_is_not_written_again(tmp_path: Path) -> None:
    with LinuxHost(str(tmp_path)) as host:
        host.write_file("/etc/modules-load.d/sriov-core.conf", "vfio-pci\n")
        before = os.stat(tmp_path / "etc/modules-load.d/sriov-core.conf").st_ino
        host.write_file("/etc/modules-load.d/sriov-core.conf", "vfio-pci\n")
    assert os.stat(tmp_path / "etc/modules-load.d/sriov-core.conf").st_ino == before


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "../../etc",
        "/etc/udev/rules.d/../../passwd",
        "/etc/udev/rules.d/10-sriov-core-../../../passwd.rules",
        "/etc/udev/rules.d/10-other.rules",
        "/etc/udev/rules.d/10-sriov-core-x.rules\n",
        "etc/modules-load.d/sriov-core.conf",
        "/etc/modprobe.d/sriov-core.conf\n",
        "/etc/modprobe.d/mlx5.conf",
        "/etc/systemd/system/ovs-vswitchd.service",
        "/etc/systemd/system/sshd.service.d/10-sriov-core.conf",
        "",
    ],
)
def test_no_other_path_is_written(tmp_path: Path, path: str) -> None:
    with LinuxHost(str(tmp_path)) as host, pytest.raises(StepFailed) as caught:
        host.write_file(path, "x")
    assert str(caught.value) == (
        f"node: file: {path!r} is not possible: the path is not one of ours. "
        f"Ours are /etc/udev/rules.d/10-sriov-core-*.rules, {', '.join(FIXED)}"
    )
    assert os.listdir(tmp_path) == []


def test_udev_is_told_of_new_rules_while_it_runs(tmp_path: Path) -> None:
    told: list[Sequence[str]] = []

    def run(argv: Sequence[str]) -> Result:
        told.append(argv)
        return Result(code=0, out="", err="")

    for path in ("usr/bin/udevadm", "run/udev/control"):
        (tmp_path / path).parent.mkdir(parents=True)
        ownfiles.write(str(tmp_path), RULES, path, run, live=True)
        (tmp_path / path).touch()
    assert told == []
    ownfiles.write(str(tmp_path), RULES, "last", run, live=True)
    assert told == [["udevadm", "control", "--reload"]]


def test_a_udev_that_refuses_the_rules_is_an_error(tmp_path: Path) -> None:
    for path in ("usr/bin/udevadm", "run/udev/control"):
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).touch()
    with pytest.raises(
        StepFailed, match=r"reload refused: no such socket \(exit code 1\)\. Run `udevadm control --reload`"
    ):
        ownfiles.write(str(tmp_path), RULES, "x", lambda _: Result(code=1, out="", err="no such socket"), live=True)


def test_a_file_in_the_way_is_an_error_with_the_errno(tmp_path: Path) -> None:
    (tmp_path / "etc").write_text("in the way")
    with LinuxHost(str(tmp_path)) as host, pytest.raises(StepFailed, match=r"write refused with E(NOTDIR|EXIST)"):
        host.write_file(RULES, "x")


def test_folders_of_a_relative_path_are_made_where_one_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ownfiles.replace("machine/run/text", "text\n")
    assert (tmp_path / "machine/run/text").read_text() == "text\n"


def test_files_and_new_folders_may_be_read_by_all_whatever_the_umask(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir(mode=0o700)
    before = os.umask(0o077)
    try:
        with LinuxHost(str(tmp_path)) as host:
            host.write_file(RULES, "text\n")
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "etc").rglob("*")}
    assert modes == {"udev": 0o755, "rules.d": 0o755, RULES.rpartition("/")[2]: 0o644}
    assert stat.S_IMODE((tmp_path / "etc").stat().st_mode) == 0o700, "what was there stays as it was"


PRESENT = "import sys; from sriov_core.host import ownfiles; print(ownfiles.present(sys.argv[1]))"


@pytest.mark.parametrize(
    "closed",
    [
        pytest.param(RULES, id="a-file"),
        pytest.param("/etc/udev/rules.d", id="a-folder"),
    ],
)
def test_what_may_not_be_read_is_left_out_and_the_rest_is_told(tmp_path: Path, closed: str) -> None:
    with LinuxHost(str(tmp_path)) as host:
        for path in (RULES, FIXED[0]):
            host.write_file(path, "text\n")
    (tmp_path / closed[1:]).chmod(0)
    without_rights = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.geteuid() == 0 else []
    answer = tools.run([*without_rights, sys.executable, "-c", PRESENT, str(tmp_path)], 30)
    (tmp_path / closed[1:]).chmod(0o755)
    assert answer.out == f"{ {FIXED[0]: 'text' + chr(10)} }\n".replace("{ ", "{").replace(" }", "}"), answer.err
