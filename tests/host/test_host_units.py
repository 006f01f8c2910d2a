"""The units as systemd reads them, and their way onto a machine and off it again, with systemd running and without."""

import os
import re
import sys
from pathlib import Path

import attrs
import pytest

from sriov_core.engine.boot import WAIT_S
from sriov_core.errors import HostError
from sriov_core.host import tools, units
from sriov_core.host.attributes import Deadlines
from sriov_core.host.tools import Result
from sriov_core.host.udevdb import has_finished
from sriov_core.model import unittexts

PROGRAM = (sys.executable, "-m", "sriov_core")
TEXTS = unittexts.texts(PROGRAM)
PRE, POST = f"{unittexts.FOLDER}/{unittexts.PRE}", f"{unittexts.FOLDER}/{unittexts.POST}"
SYSTEMD = pytest.mark.program("systemd-analyze", "systemd")
FILES = {unittexts.BOOT_FILE: "{}\n", **TEXTS}

SETTINGS = {
    "Unit": {
        *("Description", "ConditionPathExists", "RequiresMountsFor", "DefaultDependencies", "Conflicts"),
        *("Wants", "After", "Before"),
    },
    "Service": {"Type", "RemainAfterExit", "ExecStart", "TimeoutStartSec", "StandardOutput"},
    "Install": {"WantedBy"},
}


def parsed(text: str) -> dict[str, dict[str, list[str]]]:
    """The sections of a unit file, each setting with its words; anything that is none of these is an error."""
    found: dict[str, dict[str, list[str]]] = {}
    section = ""
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        if header := re.fullmatch(r"\[(\w+)\]", line):
            section = header[1]
            found[section] = {}
            continue
        name, assigned, value = line.partition("=")
        assert assigned, line
        assert name in SETTINGS[section], line
        found[section].setdefault(name, []).extend(value.split())
    return found


@pytest.mark.parametrize("path", TEXTS, ids=[unittexts.PRE, unittexts.POST])
def test_the_units_are_oneshots_that_run_once_a_boot_where_there_is_a_boot_file(path: str) -> None:
    unit = parsed(TEXTS[path])
    assert unit["Service"]["Type"] == ["oneshot"]
    assert unit["Service"]["RemainAfterExit"] == ["yes"]
    assert unit["Unit"]["ConditionPathExists"] == ["/etc/sriov-core/boot.json"]
    assert unit["Install"] == {"WantedBy": ["multi-user.target"]}
    assert int(unit["Service"]["TimeoutStartSec"][0]) > WAIT_S + sum(attrs.astuple(Deadlines()))


def test_pre_comes_before_whoever_configures_the_network_and_post_before_whoever_hands_out_vfs() -> None:
    pre, post = (parsed(TEXTS[path])["Unit"] for path in (PRE, POST))
    assert {"network-pre.target", "NetworkManager.service", "systemd-networkd.service"} <= set(pre["Before"])
    assert {"local-fs.target", "systemd-udevd.service"} <= set(pre["After"])
    assert (pre["DefaultDependencies"], pre["Wants"]) == (["no"], ["network-pre.target"])
    assert {unittexts.PRE, "network-online.target", "ovs-vswitchd.service"} <= set(post["After"])
    assert {"kubelet.service", "docker.service"} <= set(post["Before"])


@pytest.mark.parametrize("path", TEXTS, ids=[unittexts.PRE, unittexts.POST])
def test_no_unit_is_ordered_before_and_after_the_same(path: str) -> None:
    unit = parsed(TEXTS[path])["Unit"]
    assert set(unit["Before"]) & set(unit["After"]) == set()


@pytest.mark.parametrize("path", TEXTS, ids=[unittexts.PRE, unittexts.POST])
def test_a_boot_is_never_held_up_by_a_unit_that_fails(path: str) -> None:
    """Nobody requires the units, and they require nobody: what they order only waits for their end."""
    assert {"Requires", "Requisite", "BindsTo", "OnFailure"} & set(parsed(TEXTS[path])["Unit"]) == set()


@pytest.mark.parametrize(
    ("word", "written"),
    [
        pytest.param("/opt/venv/bin/python", "/opt/venv/bin/python", id="plain"),
        pytest.param("/opt/my venv/bin/python", '"/opt/my venv/bin/python"', id="blank"),
        pytest.param("/opt/100%/python", "/opt/100%%/python", id="percent"),
        pytest.param("/opt/$HOME/python", "/opt/$HOME/python", id="dollar"),
        pytest.param('/opt/a"b\\c/python', '"/opt/a\\"b\\\\c/python"', id="quote-and-backslash"),
        pytest.param("/opt/it's/python", '"/opt/it\'s/python"', id="apostrophe"),
    ],
)
def test_the_path_of_the_program_is_written_as_systemd_reads_it(word: str, written: str) -> None:
    (line,) = [line for line in unittexts.texts((word, "-m", "$x"))[PRE].splitlines() if line.startswith("ExecStart=")]
    assert line == f"ExecStart={written} -m $$x boot --phase pre"


@SYSTEMD
def test_systemd_itself_finds_no_fault_with_the_units(tmp_path: Path) -> None:
    odd = tmp_path / "odd $HOME 100%" / "python"
    odd.parent.mkdir()
    odd.symlink_to(sys.executable)
    for program in (PROGRAM, (str(odd), "-m", "sriov_core")):
        for path, text in unittexts.texts(program).items():
            (tmp_path / Path(path).name).write_text(text)
        argv = ["systemd-analyze", "verify", "--man=no", str(tmp_path / unittexts.PRE), str(tmp_path / unittexts.POST)]
        found = tools.run(argv, 60)
        # What it says of other units of this machine does not count.
        said = [line for line in (found.out + found.err).splitlines() if "sriov-core" in line]
        assert said == []
        assert found.code == 0, found.err


EARLY_NETWORK = {
    # As cloud-init orders its units: the network is configured before sysinit.target is reached.
    "cloud-init.service": "After=NetworkManager.service\nBefore=network-online.target sysinit.target shutdown.target",
    "NetworkManager.service": "Wants=network.target\nAfter=network-pre.target\nBefore=network.target",
    "ovsdb-server.service": "After=network-pre.target local-fs.target\nBefore=network.target",
}


@SYSTEMD
@pytest.mark.parametrize(
    ("lost", "cycles"),
    [pytest.param("", False, id="as-written"), pytest.param("DefaultDependencies=no\n", True, id="a-cycle-is-noticed")],
)
def test_where_the_network_comes_before_sysinit_there_is_no_ordering_cycle(tmp_path: Path, lost, cycles) -> None:
    service = "[Service]\nType=oneshot\nExecStart=/bin/true\n"
    made = {name: f"[Unit]\nDefaultDependencies=no\n{order}\n{service}" for name, order in EARLY_NETWORK.items()}
    made |= {Path(path).name: text.replace(lost, "") for path, text in TEXTS.items()}
    for name, text in made.items():
        (tmp_path / name).write_text(text)
        wants = tmp_path / ("sysinit.target.wants" if name == "cloud-init.service" else "multi-user.target.wants")
        wants.mkdir(exist_ok=True)
        (wants / name).symlink_to(f"../{name}")
    argv = ["systemd-analyze", "verify", "--man=no", "multi-user.target"]
    found = tools.run(["env", f"SYSTEMD_UNIT_PATH={tmp_path}:/lib/systemd/system", *argv], 60)
    assert ("ordering cycle" in found.err) is cycles, found.err


class Systemd:
    """A root where systemd runs, and its systemctl as far as links go (systemctl(1), enable and disable)."""

    def __init__(self, root: Path, *, refuses: str = "") -> None:
        self.root = root
        self.known: dict[str, str] = {}
        self._refuses = refuses
        (root / "run/systemd/system").mkdir(parents=True)

    def run(self, argv) -> Result:
        program, verb, *names = argv
        assert program == "systemctl"
        if verb == self._refuses:
            return Result(code=1, out="", err="Failed to connect to bus")
        folder = self.root / unittexts.FOLDER[1:]
        if verb == "daemon-reload":
            self.known = {path.name: path.read_text() for path in folder.glob("*.service")}
        for name in names:
            link = folder / "multi-user.target.wants" / name
            if verb == "enable":
                if name not in self.known:
                    return Result(code=1, out="", err=f"Unit file {name} does not exist.")
                link.parent.mkdir(exist_ok=True)
                link.symlink_to(f"{unittexts.FOLDER}/{name}")
            elif verb == "disable":
                link.unlink()
        return Result(code=0, out="", err="")


def nobody(argv) -> Result:
    raise AssertionError(f"{argv} was run where no systemd runs")


def contents(root: Path) -> dict[str, str]:
    """Every file and link below the root, by path; a link shows where it points."""
    return {
        f"/{path.relative_to(root)}": f"-> {os.readlink(path)}" if path.is_symlink() else path.read_text()
        for path in root.rglob("*")
        if path.is_symlink() or path.is_file()
    }


INSTALLED = {
    **FILES,
    f"{units.WANTS}/{unittexts.PRE}": f"-> {PRE}",
    f"{units.WANTS}/{unittexts.POST}": f"-> {POST}",
}


@pytest.mark.parametrize("booted", [True, False], ids=["systemd-runs", "no-systemd"])
def test_installing_writes_enables_and_is_done_only_once(tmp_path: Path, booted: bool) -> None:
    systemd = Systemd(tmp_path) if booted else None
    run = systemd.run if systemd else nobody
    done = units.install(str(tmp_path), FILES, run)
    assert done == (
        *("wrote /etc/sriov-core/boot.json", f"wrote {PRE}", f"wrote {POST}"),
        *(f"enabled {unittexts.PRE}", f"enabled {unittexts.POST}"),
    )
    assert contents(tmp_path) == INSTALLED
    assert units.install(str(tmp_path), FILES, run) == ()
    if systemd:
        assert systemd.known == {unittexts.PRE: TEXTS[PRE], unittexts.POST: TEXTS[POST]}


def test_a_changed_unit_is_written_anew_and_systemd_reads_it(tmp_path: Path) -> None:
    systemd = Systemd(tmp_path)
    units.install(str(tmp_path), {**FILES, PRE: "old"}, systemd.run)
    assert units.install(str(tmp_path), FILES, systemd.run) == (f"wrote {PRE}",)
    assert systemd.known[unittexts.PRE] == TEXTS[PRE]


def test_a_unit_that_somebody_disabled_is_enabled_again(tmp_path: Path) -> None:
    systemd = Systemd(tmp_path)
    units.install(str(tmp_path), FILES, systemd.run)
    systemd.run(["systemctl", "disable", unittexts.POST])
    assert units.install(str(tmp_path), FILES, systemd.run) == (f"enabled {unittexts.POST}",)
    assert contents(tmp_path) == INSTALLED


@pytest.mark.parametrize("booted", [True, False], ids=["systemd-runs", "no-systemd"])
def test_uninstalling_leaves_nothing_that_points_to_the_units(tmp_path: Path, booted: bool) -> None:
    systemd = Systemd(tmp_path) if booted else None
    run = systemd.run if systemd else nobody
    units.install(str(tmp_path), FILES, run)
    done = units.uninstall(str(tmp_path), run)
    assert {f"disabled {unittexts.PRE}", f"removed {PRE}", f"removed {POST}", f"removed {unittexts.BOOT_FILE}"} <= set(
        done
    )
    assert contents(tmp_path) == {}
    assert units.uninstall(str(tmp_path), run) == ()
    if systemd:
        assert systemd.known == {}


def test_links_left_by_a_crash_are_removed_too(tmp_path: Path) -> None:
    units.install(str(tmp_path), FILES, nobody)
    for path in (PRE, POST):
        (tmp_path / path[1:]).unlink()
    units.uninstall(str(tmp_path), nobody)
    assert contents(tmp_path) == {}


@pytest.mark.parametrize("verb", ["daemon-reload", "enable"])
def test_a_systemd_that_refuses_is_an_error_in_its_own_words(tmp_path: Path, verb: str) -> None:
    systemd = Systemd(tmp_path, refuses=verb)
    with pytest.raises(
        HostError, match=rf"systemctl {verb}.* failed: Failed to connect to bus \(exit code 1\)\. Correct that"
    ):
        units.install(str(tmp_path), FILES, systemd.run)


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "etc").touch()
    with pytest.raises(HostError, match=r"cannot write .*/etc/sriov-core/boot\.json: .*Run as root"):
        units.install(str(tmp_path), FILES, nobody)


def test_the_program_must_start_with_a_bare_environment() -> None:
    units.must_start(PROGRAM, lambda argv: tools.run(argv, 60))
    with pytest.raises(
        HostError, match=r"systemd could not start .*: .*No module named no_such \(exit code 1\)\. Nothing was changed"
    ):
        units.must_start((sys.executable, "-m", "no_such"), lambda argv: tools.run(argv, 60))


RIVALS = {
    "nothing": ([], ((), ())),
    "enabled": (
        [f"{unittexts.FOLDER}/sriov-config.service", f"{units.WANTS}/sriov-config.service"],
        ((f"{unittexts.FOLDER}/sriov-config.service", f"{units.WANTS}/sriov-config.service"), ()),
    ),
    "not-enabled": (
        [f"{unittexts.FOLDER}/sriov-config-post-network.service"],
        ((), (f"{unittexts.FOLDER}/sriov-config-post-network.service",)),
    ),
    "a-dangling-link": ([f"{units.WANTS}/sriov-config.service"], ((), (f"{units.WANTS}/sriov-config.service",))),
    "its-file": (
        ["/etc/sriov-operator/sriov-interface-config.yaml"],
        ((), ("/etc/sriov-operator/sriov-interface-config.yaml",)),
    ),
}


@pytest.mark.parametrize(("paths", "expected"), RIVALS.values(), ids=RIVALS)
def test_what_the_other_operator_runs_at_boot_is_told_from_what_it_left(tmp_path: Path, paths, expected) -> None:
    for path in paths:
        (tmp_path / path[1:]).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path[1:]).touch()
    assert units.rivals(str(tmp_path)) == expected


def test_a_netdev_has_its_lasting_name_when_udev_has_been_through_with_it(tmp_path: Path) -> None:
    assert has_finished(str(tmp_path), 3), "without udev nobody renames it"
    (tmp_path / "run/udev/data").mkdir(parents=True)
    (tmp_path / "run/udev/control").touch()
    assert not has_finished(str(tmp_path), 3)
    (tmp_path / "run/udev/data/n3").touch()
    assert has_finished(str(tmp_path), 3)
