"""`boot` and `install-units`: from policies to the files below a root, and from these to the machine at each boot."""

import json
import sys
from pathlib import Path

import pytest
from cli_runs import Cli, Files, policy_text

from sriov_core.engine import bootfile
from sriov_core.host import units
from sriov_core.model import unittexts
from sriov_core.model.address import Address
from sriov_core.model.desired import NodeSpec
from sriov_core.testing import trees
from sriov_core.testing.world import FakeWorld

PF = Address("0000:01:00.0")
PRE, POST = f"{unittexts.FOLDER}/{unittexts.PRE}", f"{unittexts.FOLDER}/{unittexts.POST}"
INSTALLED = (unittexts.BOOT_FILE, PRE, POST, f"{units.WANTS}/{unittexts.PRE}", f"{units.WANTS}/{unittexts.POST}")


def there(root: Path) -> set[str]:
    return {path for path in INSTALLED if (root / path[1:]).exists() or (root / path[1:]).is_symlink()}


def drivers(tree: Path) -> list[str | None]:
    sriov = trees.load(tree).functions[0].sriov
    assert sriov
    return [vf.kernel_driver for vf in sriov.vfs]


def looks(tree: Path) -> tuple[object, ...]:
    """The port as the kernel shows it."""
    world = FakeWorld(trees.load(tree))
    return world.functions()[0], world.links(PF), world.attribute(PF, "sriov_numvfs")


def mixed(files: Files) -> Path:
    """Two VFs for vfio-pci and two as netdevices with jumbo frames."""
    vfio = policy_text("vfio", nicSelector={"pfNames": ["enp1s0#0-1"]})
    plain = policy_text("plain", nicSelector={"pfNames": ["enp1s0#2-3"]}, deviceType="netdevice", mtu=9000)
    return files.write(f"{vfio}\n---\n{plain}")


def result(root: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((root / "run/sriov-core/boot-result.json").read_text())
    return found


def test_what_is_installed_configures_the_machine_in_two_phases(
    cli: Cli, igb: Path, files: Files, tmp_path: Path
) -> None:
    journal, between, after = tmp_path / "journal.json", tmp_path / "between.yaml", tmp_path / "after.yaml"
    installed = cli("install-units", "-f", mixed(files), "--host", igb)
    assert (installed.code, there(tmp_path)) == (0, set(INSTALLED))

    pre = cli("boot", "--phase", "pre", "--host", igb, "--journal", journal, "--save", between)
    assert (pre.code, drivers(between)) == (0, [None] * 4)
    assert pre.out.splitlines()[-1] == "pre: the PFs are ready for the network"

    post = cli("boot", "--phase", "post", "--host", between, "--journal", journal, "--save", after)
    assert (post.code, drivers(after)) == (0, ["vfio-pci", "vfio-pci", "igbvf", "igbvf"])
    assert post.out.splitlines()[-1] == "post: the machine is as wished"
    assert (result(tmp_path)["phase"], result(tmp_path)["outcome"]) == ("post", "succeeded")

    planned = cli("plan", "-f", mixed(files), "--host", after, "--journal", journal)
    assert planned.code == 0, planned.out


def test_the_units_run_this_very_installation(cli: Cli, igb: Path, files: Files, tmp_path: Path) -> None:
    cli("install-units", "-f", files.policy(), "--host", igb)
    assert f"ExecStart={sys.executable} -m sriov_core boot --phase pre\n" in (tmp_path / PRE[1:]).read_text()
    assert f"ExecStart={sys.executable} -m sriov_core boot --phase post\n" in (tmp_path / POST[1:]).read_text()


@pytest.mark.parametrize(
    "folder",
    [
        pytest.param("/home/.venv", id="home"),
        pytest.param("/root/.venv", id="home-of-root"),
        pytest.param("/tmp/new/.venv", id="temporary"),
        pytest.param("/var/tmp/new", id="temporary-over-reboots"),
    ],
)
def test_an_installation_that_the_boot_may_not_find_is_noted(
    folder: str, cli: Cli, igb: Path, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", f"{folder}/bin/python")
    for words in (("--dry-run",), ()):
        ran = cli("install-units", *words, "-f", files.policy(), "--host", igb)
        assert ran.code == 0
        assert f"note: the units run {folder}/bin/python, which a boot may not find" in ran.err


@pytest.mark.parametrize("folder", ["/opt/sriov-core", "/usr", "/homes/sriov-core"])
def test_an_installation_that_stays_needs_no_note(
    folder: str, cli: Cli, igb: Path, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", f"{folder}/bin/python")
    ran = cli("install-units", "--dry-run", "-f", files.policy(), "--host", igb)
    assert (ran.code, "may not find" in ran.err) == (0, False)


def test_install_units_says_what_it_did_and_the_second_time_that_there_is_nothing_to_do(
    cli: Cli, igb: Path, files: Files
) -> None:
    policy = files.policy()
    first = cli("install-units", "-f", policy, "--host", igb)
    assert first.out.splitlines() == [
        "wrote /etc/sriov-core/boot.json",
        f"wrote {PRE}",
        f"wrote {POST}",
        f"enabled {unittexts.PRE}",
        f"enabled {unittexts.POST}",
        "they run at the next boot; `systemctl start sriov-core-pre sriov-core-post` runs them now",
    ]
    second = cli("install-units", "-f", policy, "--host", igb)
    assert (second.code, second.out) == (0, "nothing to do: it is like that already\n")
    other = cli("install-units", "-f", files.policy(numVfs=2), "--host", igb, "-o", "json")
    assert other.data == {"done": ["wrote /etc/sriov-core/boot.json"]}


def test_without_files_the_units_are_renewed_and_the_wish_stays(
    cli: Cli, igb: Path, files: Files, tmp_path: Path
) -> None:
    cli("install-units", "-f", files.policy(), "--host", igb)
    wish = (tmp_path / unittexts.BOOT_FILE[1:]).read_text()
    (tmp_path / PRE[1:]).write_text("old")
    ran = cli("install-units", "--root", tmp_path)
    assert (ran.code, ran.out.splitlines()[0]) == (0, f"wrote {PRE}")
    assert (tmp_path / unittexts.BOOT_FILE[1:]).read_text() == wish


def test_a_dry_run_prints_the_files_and_writes_nothing(cli: Cli, igb: Path, files: Files, tmp_path: Path) -> None:
    text = cli("install-units", "--dry-run", "-f", files.policy(), "--host", igb)
    data = cli("install-units", "--dry-run", "-f", files.policy(), "--host", igb, "-o", "json").data
    assert (text.code, there(tmp_path)) == (0, set())
    assert [line for line in text.out.splitlines() if line.startswith("==> ")] == [
        f"==> {path}" for path in (unittexts.BOOT_FILE, PRE, POST)
    ]
    assert list(data["files"]) == [unittexts.BOOT_FILE, PRE, POST]
    assert bootfile.decode(data["files"][unittexts.BOOT_FILE].encode(), "x").spec.nics[0].num_vfs == 4


def test_an_owner_that_the_command_line_asks_for_serves_the_nic_at_boot_too(
    cli: Cli, igb: Path, files: Files, tmp_path: Path
) -> None:
    cli("install-units", "-f", files.policy(), "--host", igb, "--pin", f"{PF}=generic")
    journal = tmp_path / "journal.json"
    assert cli("boot", "--phase", "post", "--host", igb, "--journal", journal).code == 0
    assert json.loads(journal.read_text())["nics"][str(PF)]["plugin"] == "generic"


def test_uninstall_takes_all_of_it_away_and_leaves_the_nics(cli: Cli, igb: Path, files: Files, tmp_path: Path) -> None:
    cli("install-units", "-f", files.policy(), "--host", igb)
    ran = cli("install-units", "--uninstall", "--root", tmp_path)
    assert (ran.code, there(tmp_path)) == (0, set())
    assert ran.out.splitlines()[-1] == "the NICs stay as they are; `sriov-core reset --all` gives them back"
    assert cli("install-units", "--uninstall", "--root", tmp_path).out == "nothing to do: it is like that already\n"


STATE = """
apiVersion: sriovnetwork.openshift.io/v1
kind: SriovNetworkNodeState
metadata: {name: worker}
spec:
  interfaces:
  - {pciAddress: 0000:01:00.0, name: enp1s0, numVfs: 2}
"""


def test_a_node_state_is_installed_into_a_root_that_is_no_machine(cli: Cli, files: Files, tmp_path: Path) -> None:
    ran = cli("install-units", "--root", tmp_path, "-f", files.write(STATE))
    assert ran.code == 0
    assert "nobody looked whether the wish can be met" in ran.err
    assert bootfile.read(str(tmp_path / unittexts.BOOT_FILE[1:])).spec.nics[0].num_vfs == 2


REFUSED = {
    "no-files-and-no-boot-file": ([], "there is no boot file "),
    "uninstall-with-dry-run": (["--uninstall", "--dry-run"], "--uninstall goes with neither -f nor --dry-run"),
    "policies-for-no-machine": (["-f", "policy"], "holds no /sys, so it is no machine"),
    "two-node-states": (["-f", "states"], "one node state is one node. Give one"),
}


@pytest.mark.parametrize(("words", "said"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_installed_is_refused_in_words(
    cli: Cli, files: Files, tmp_path: Path, words: list[str], said: str
) -> None:
    given = {"policy": files.policy(), "states": files.write(f"{STATE}\n---\n{STATE}", "states.yaml")}
    ran = cli("install-units", "--root", tmp_path, *(given.get(word, word) for word in words))
    assert (ran.code, there(tmp_path)) == (1, set())
    assert said in ran.errors[0]


def test_a_wish_that_cannot_be_met_is_not_installed(cli: Cli, igb: Path, files: Files, tmp_path: Path) -> None:
    ran = cli("install-units", "-f", files.policy(numVfs=60), "--host", igb)
    assert (ran.code, there(tmp_path)) == (1, set())
    assert "60 VFs of enp1s0 are wanted, it has at most 7" in ran.errors[0]


def test_beside_the_units_of_the_other_operator_nothing_is_installed(
    cli: Cli, igb: Path, files: Files, tmp_path: Path
) -> None:
    link = tmp_path / units.WANTS[1:] / "sriov-config.service"
    link.parent.mkdir(parents=True)
    link.symlink_to("../sriov-config.service")
    (link.parent.parent / "sriov-config.service").touch()
    ran = cli("install-units", "-f", files.policy(), "--host", igb)
    assert (ran.code, there(tmp_path)) == (1, set())
    assert "two must not. Nothing was changed" in ran.errors[0]
    assert "systemctl disable sriov-config sriov-config-post-network" in ran.errors[0]

    link.unlink()
    left = cli("install-units", "-f", files.policy(), "--host", igb)
    assert (left.code, there(tmp_path)) == (0, set(INSTALLED))
    assert "left over from the SR-IOV network operator" in left.err


@pytest.mark.parametrize("text", ["", "{", '{"format": 7}', "[1]"], ids=["empty", "cut-off", "newer", "a-list"])
@pytest.mark.parametrize("phase", ["pre", "post"])
def test_a_boot_file_that_is_not_whole_changes_nothing(
    cli: Cli, igb: Path, tmp_path: Path, phase: str, text: str
) -> None:
    file, saved = tmp_path / "boot.json", tmp_path / "after.yaml"
    file.write_text(text)
    ran = cli("boot", "--phase", phase, "--file", file, "--host", igb, "--save", saved)
    assert (ran.code, looks(saved)) == (1, looks(igb))
    assert ran.errors[0].startswith(f"{phase}: the boot file {file} is ")
    assert (result(tmp_path)["outcome"], result(tmp_path)["words"][-1]) == ("failed", ran.errors[-1])  # type: ignore[index]


def test_a_missing_boot_file_says_how_to_write_one(cli: Cli, igb: Path) -> None:
    ran = cli("boot", "--phase", "pre", "--host", igb)
    assert ran.code == 1
    assert "there is no boot file " in ran.errors[0]
    assert "sriov-core install-units -f FILE" in ran.errors[0]


def test_a_pf_that_cannot_be_served_is_an_error_and_exit_code_1(
    cli: Cli, igb: Path, files: Files, tmp_path: Path
) -> None:
    missing = STATE.replace("0000:01:00.0", "0000:09:00.0")
    cli("install-units", "--root", tmp_path, "-f", files.write(missing))
    ran = cli("boot", "--phase", "pre", "--host", igb)
    assert (ran.code, ran.out) == (1, "pre: failed\n")
    assert any("0000:09:00.0: this machine has no such NIC" in line for line in ran.errors)


def test_what_needs_a_reboot_is_exit_code_2(cli: Cli, files: Files, tmp_path: Path) -> None:
    bare = Path(__file__).parents[2] / "trees" / "intel-82576-without-iommu.yaml"
    cli("install-units", "-f", files.policy(), "--host", bare)
    ran = cli("boot", "--phase", "pre", "--host", bare, "-o", "json")
    assert ran.code == 2
    assert ran.stream[-1]["result"]["outcome"] == "reboot-needed"
    assert len(ran.stream[-1]["result"]["reboots"]) == 1


def test_the_result_on_the_screen_is_that_of_the_file(cli: Cli, igb: Path, files: Files, tmp_path: Path) -> None:
    cli("install-units", "-f", files.policy(), "--host", igb)
    ran = cli("boot", "--phase", "post", "--host", igb, "-o", "json")
    shown = ran.stream[-1]["result"]
    assert {"format": 1, **shown} == result(tmp_path)
    assert list(shown) == ["phase", "outcome", "words", "reboots", "boot_id", "generation", "written_by"]
    assert json.loads(ran.err)["note"] == "pre: there is no result of it in this boot"


@pytest.mark.parametrize("max_cost", ["reboot", "everything"])
def test_no_boot_may_cost_a_reboot(cli: Cli, igb: Path, max_cost: str) -> None:
    ran = cli("boot", "--phase", "post", "--host", igb, "--max-cost", max_cost)
    assert ran.code == 1
    assert "--max-cost" in ran.errors[0]


def test_saving_needs_a_simulated_machine(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "sys").mkdir()
    (tmp_path / "boot.json").write_text(bootfile.encode(NodeSpec()))
    ran = cli("boot", "--phase", "pre", "--root", tmp_path, "--file", tmp_path / "boot.json", "--save", "x")
    assert (ran.code, ran.errors) == (1, ["--save writes a simulated machine; use it together with --host"])


@pytest.mark.parametrize("words", [("install-units", "--uninstall"), ("boot", "--phase", "pre")], ids=["units", "boot"])
def test_a_simulated_machine_leaves_this_one_alone(words: tuple[str, ...], cli: Cli, igb: Path) -> None:
    ran = cli(*words, "--host", igb, "--root", "/")
    text = f"{words[0]} writes files below --root, and --host means that this machine is not touched"
    assert (ran.code, ran.errors) == (1, [f"{text}. Name another folder with --root"])
