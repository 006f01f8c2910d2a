"""A node that changes hands: from the Go operator to us, back, and here again; each finds what it needs."""

import json
import os
from pathlib import Path

import msgspec
import pytest
from engine_machines import OTHER, PF, converge, engine, ifindexes, port, remembered, spec, state, tree, wish

from sriov_core.agent.bootunits import BootUnits, leave
from sriov_core.engine.journal import Journal
from sriov_core.errors import StepFailed
from sriov_core.host import units
from sriov_core.host.linux import LinuxHost
from sriov_core.host.tools import Result
from sriov_core.model.address import Address
from sriov_core.model.desired import NicSpec, NodeSpec, VfGroup
from sriov_core.model.observed import EswitchMode
from sriov_core.model.predecessor import RDMA_OPTIONS, files_about, is_note
from sriov_core.model.unittexts import BOOT_FILE, FOLDER, PRE
from sriov_core.testing import trees
from sriov_core.testing.faults import Verb
from sriov_core.testing.world import FakeWorld

ROOT = Path(__file__).parents[3]
NOTHING = NodeSpec()
STORE, RULE, *_ = NOTES = files_about(PF)
NOTED = {
    STORE: json.dumps({"pciAddress": str(PF), "numVfs": 4, "name": "eth0"}),
    RULE: 'SUBSYSTEM=="net", IMPORT{program}="/etc/udev/disable-nm-sriov.sh $env{INTERFACE} 0000:01:00.0"',
}
OURS = f"/etc/udev/rules.d/10-sriov-core-{PF}.rules"
EXCLUSIVE, SHARED = (f"options ib_core netns_mode={number}\n" for number in (0, 1))


def verbs(host: FakeWorld) -> list[tuple[str, str]]:
    """Every verb that is done from now on, with its target."""
    done: list[tuple[str, str]] = []

    def note(verb: Verb) -> bool:
        done.append((verb.name, str(verb.target)))
        return False

    host.crash(note, after=True)
    return done


def theirs(files: dict[str, str], **node) -> FakeWorld:
    """A machine with four VFs of the other operator, and its notes."""
    host = FakeWorld(tree(port(PF, 0), port(OTHER, 1), **node))
    assert converge(host, spec()).converged
    made = host.tree()
    plain = {path: text for path, text in made.node.files.items() if "sriov-core" not in path}
    return FakeWorld(
        msgspec.structs.replace(made, node=msgspec.structs.replace(made.node, files=plain, other_files=files))
    )


def files(host: FakeWorld) -> set[str]:
    return {*host.tree().node.other_files, *host.tree().node.files}


def test_its_notes_stay_while_the_nic_is_ours_and_go_last_when_it_is_given_back():
    host, journal = theirs(NOTED), Journal(path=None)
    done = verbs(host)
    assert converge(engine(host, journal), spec(), release=True).converged
    assert converge(engine(host, journal), spec(wish(vfio=1, netdevs=3)), release=True).converged
    assert files(host) >= set(NOTED)
    del done[:]
    assert converge(engine(host, journal), NOTHING, release=True).converged
    assert ("set_num_vfs", str(PF)) in done
    assert done[-2:] == [("write_file", STORE), ("write_file", RULE)]
    assert files(host).isdisjoint(NOTED)
    assert remembered(journal) is None


def test_what_it_configures_after_a_way_back_is_taken_over_again():
    host, journal = theirs(NOTED), Journal(path=None)
    assert converge(engine(host, journal), NOTHING, release=True).converged
    assert journal.read().taken_over == ()
    again = theirs(NOTED)  # it came back, made VFs, and left again
    assert converge(engine(again, journal), NOTHING, release=True).converged
    assert (state(again)["vfs"], files(again) & set(NOTED)) == ([], set())


def test_a_note_that_cannot_be_removed_is_told_and_tried_again():
    host, journal = theirs(NOTED), Journal(path=None)
    host.fail(lambda verb: str(verb.target) == STORE, 30)
    failed = converge(engine(host, journal), NOTHING, release=True)
    assert [failure.step.describe() for failure in failed.failures] == [f"node: remove {STORE}"]
    assert remembered(journal) is not None
    host.heal()
    assert converge(engine(host, journal), NOTHING, release=True).converged
    assert remembered(journal) is None


def test_a_managed_network_manager_costs_a_file_of_ours_and_nothing_else():
    host, journal = theirs(NOTED, network_managers=["NetworkManager"]), Journal(path=None)
    before, done = (state(host), ifindexes(host)), verbs(host)
    assert converge(engine(host, journal), spec(), release=True).converged
    assert done == [("write_file", OURS)]
    assert (state(host), ifindexes(host)) == before


def test_a_switchdev_node_is_taken_over_with_a_file_of_ours_and_nothing_else():
    pf = Address("0000:d8:00.0")
    group = VfGroup(first=0, last=3)
    wished = NodeSpec(nics=(NicSpec(address=pf, num_vfs=4, eswitch_mode=EswitchMode.SWITCHDEV, groups=(group,)),))
    first = FakeWorld(trees.load(str(ROOT / "tests" / "trees" / "mellanox-connectx6dx.yaml")))
    assert converge(first, wished).converged
    made = first.tree()
    noted = dict.fromkeys(files_about(pf), "{}")
    host = FakeWorld(
        msgspec.structs.replace(made, node=msgspec.structs.replace(made.node, files={}, other_files=noted))
    )
    done = verbs(host)
    assert converge(engine(host, Journal(path=None)), wished, release=True).converged
    assert done == [("write_file", f"/etc/udev/rules.d/10-sriov-core-{pf}.rules")]


def test_a_pf_that_somebody_else_manages_is_taken_over_and_let_go_without_a_step():
    external = {STORE: json.dumps({"pciAddress": str(PF), "numVfs": 4, "externallyManaged": True})}
    host, journal = theirs(external), Journal(path=None)
    before, done = host.tree(), verbs(host)
    assert converge(engine(host, journal), spec(wish(externally_managed=True)), release=True).converged
    assert converge(engine(host, journal), NOTHING, release=True).converged
    assert (done, host.tree()) == ([], before)


@pytest.mark.parametrize(
    ("there", "wished", "left"),
    [
        pytest.param(EXCLUSIVE, "exclusive", True, id="the-same-mode"),
        pytest.param(EXCLUSIVE, "shared", False, id="another-mode-that-its-file-would-undo-at-boot"),
    ],
)
def test_its_option_of_the_rdma_mode_goes_when_it_says_something_else(there, wished, left):
    host, journal = theirs({RDMA_OPTIONS: there}, rdma_mode="exclusive"), Journal(path=None)
    assert converge(engine(host, journal), NodeSpec(rdma_mode=wished), release=True).converged
    assert (host.node().rdma_mode, RDMA_OPTIONS in files(host)) == (wished, left)


def test_an_rdma_mode_of_its_goes_back_to_the_kernels_own():
    host, journal = theirs({RDMA_OPTIONS: EXCLUSIVE}, rdma_mode="exclusive"), Journal(path=None)
    assert converge(engine(host, journal), NodeSpec(rdma_mode="exclusive"), release=True).converged
    assert converge(engine(host, journal), NOTHING, release=True).converged
    assert (host.node().rdma_mode, [path for path in files(host) if "modprobe" in path]) == ("shared", [])


@pytest.mark.parametrize(
    ("path", "noted"),
    [
        (STORE, True),
        ("/etc/udev/rules.d/20-switchdev-0000:01:00.0.rules", True),
        (RDMA_OPTIONS, True),
        ("/etc/sriov-operator/infiniband/guids", False),
        ("/etc/sriov-operator/pci/../pci/0000:01:00.0", False),
        ("/etc/udev/rules.d/10-nm-disable-.rules", False),
        ("/etc/udev/disable-nm-sriov.sh", False),
    ],
)
def test_only_notes_about_nics_and_the_rdma_mode_are_its_notes(path, noted):
    assert is_note(path) is noted


def test_a_note_is_told_and_removed_and_never_written(tmp_path):
    there = {path: path for path in (*NOTES, RDMA_OPTIONS)}
    for path in there:
        (tmp_path / path[1:]).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path[1:]).write_text(path)
    (tmp_path / "etc/sriov-operator/pci/notes.txt").write_text("somebody's")
    with LinuxHost(str(tmp_path)) as host:
        assert host.node().files == there
        with pytest.raises(StepFailed, match="the path is not one of ours"):
            host.write_file(STORE, "{}")
        for path in there:
            host.write_file(path, None)
            host.write_file(path, None)
        assert host.node().files == {}
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["notes.txt"]


THEIR_UNITS = ("sriov-config.service", "sriov-config-post-network.service")


def their_boot(root: Path) -> dict[str, str]:
    """What its systemd mode leaves: units that start at boot, what they configure, and how that ended."""
    folder, etc = root / FOLDER[1:], root / "etc" / "sriov-operator"
    (folder / "multi-user.target.wants").mkdir(parents=True)
    etc.mkdir(parents=True)
    for unit in THEIR_UNITS:
        (folder / unit).write_text("[Service]\nExecStart=/var/lib/sriov/sriov-network-config-daemon service\n")
        enable(root, unit)
    (etc / "sriov-interface-config.yaml").write_text("spec:\n  interfaces: []\n")
    (etc / "sriov-interface-result.yaml").write_text("syncStatus: Succeeded\n")
    return their_files(root)


def enable(root: Path, unit: str) -> None:
    os.symlink(f"{FOLDER}/{unit}", root / units.WANTS[1:] / unit)


def their_files(root: Path) -> dict[str, str]:
    found = [path for path in root.rglob("*") if path.is_file() and "sriov-core" not in path.name + str(path.parent)]
    return {str(path.relative_to(root)): path.read_text() for path in sorted(found)}


def test_in_systemd_mode_its_units_keep_ours_out_until_they_are_disabled_and_find_all_as_it_was_when_back(tmp_path):
    before = their_boot(tmp_path)
    journal = Journal(path=str(tmp_path / "var" / "journal.json"))
    boot = BootUnits(
        root=str(tmp_path), program=("/bin/true",), run=lambda _: Result(code=0, out="", err=""), journal=journal
    )
    (trouble,) = boot.keep(spec())
    assert "two must not. Disable sriov-config and sriov-config-post-network" in trouble.text
    assert not (tmp_path / BOOT_FILE[1:]).exists()
    for unit in THEIR_UNITS:  # systemctl disable
        (tmp_path / units.WANTS[1:] / unit).unlink()
    assert boot.keep(spec()) == ()
    assert (tmp_path / units.WANTS[1:] / PRE).is_symlink()
    assert leave(str(tmp_path), boot.run, journal)
    for unit in THEIR_UNITS:
        enable(tmp_path, unit)
    (tmp_path / "var" / "journal.json").unlink()
    assert [path for path in tmp_path.rglob("*sriov-core*") if path.is_file()] == []
    assert {path: text for path, text in their_files(tmp_path).items() if "journal" not in path} == before
    assert units.rivals(str(tmp_path))[0] != ()
