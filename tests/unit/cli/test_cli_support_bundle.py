"""`support-bundle`: a machine in, one redacted archive out; what cannot be read is named and stops nothing else."""

import io
import json
import tarfile
import threading
from pathlib import Path

import pytest
from cli_runs import Cli

from sriov_core.cli import bundle, bundlefile, kernelnews
from sriov_core.cli.bundlefile import Bundle
from sriov_core.cli.machine import Machine, open_machine
from sriov_core.cli.options import Settings
from sriov_core.engine import bootfile
from sriov_core.errors import HostError
from sriov_core.model.address import Address
from sriov_core.model.desired import NicSpec, NodeSpec
from sriov_core.model.observed import Nic, Snapshot
from sriov_core.testing import trees
from sriov_core.testing.tree import Tree, UseFacts
from sriov_core.testing.world import FakeWorld

TREES = Path(__file__).parents[2] / "trees"
MAC, SERIAL, HOST, PEER, PASSWORD = "3c:fd:fe:aa:bb:01", "MT2034X01234", "worker-7", "10.20.30.40", "hunter2"
SECRETS = (MAC, SERIAL, HOST, PEER, PASSWORD, "/srv/customer", "shop/till-1")
PF = Address("0000:01:00.0")


def secretive() -> Tree:
    """A machine with an identity or a secret in every place that has room for one."""
    tree = trees.loads((TREES / "intel-82576.yaml").read_text(), name="intel-82576")
    tree.node.hostname = HOST
    tree.node.cmdline = ["intel_iommu=on", f"ds=nocloud;password={PASSWORD}", "root=/dev/sda1"]
    tree.node.other_files["/etc/sriov-core/boot.json"] = bootfile.encode(
        NodeSpec(nics=(NicSpec(address=PF, num_vfs=2),))
    )
    tree.node.other_files["/etc/sriov-operator/pci/0000:01:00.0"] = json.dumps({"mac": MAC, "node": HOST})
    tree.node.other_files["/run/sriov-core/boot-result.json"] = json.dumps({"words": [f"pre: {HOST} has {MAC}"]})
    status = {"interfaces": [{"mac": MAC, "Vfs": [{"assigned": "shop/till-1"}]}], "lastSyncError": f"{HOST}: {PEER}"}
    tree.node.other_files["/run/sriov-core/agent-status.json"] = json.dumps({"format": 1, "status": status})
    tree.functions[0].serial = SERIAL
    tree.functions[0].links[0].mac = MAC
    tree.functions[0].links[0].alt_names = [f"enx{MAC.replace(':', '')}"]
    tree.functions[0].uses = [UseFacts(kind="storage", detail=f"nfs4 mount /srv/customer from {PEER} goes through x")]
    return tree


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    path = tmp_path / "machine.json"
    path.write_text(trees.dump_json(secretive()))
    return open_machine(Settings(host=str(path), root=str(tmp_path), journal=str(tmp_path / "journal.json")))


def unpacked(data: bytes) -> dict[str, str]:
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return {name.partition("/")[2]: tar.extractfile(name).read().decode() for name in tar.getnames()}  # type: ignore[union-attr]


def test_everything_there_is_has_its_part(machine: Machine) -> None:
    found = bundle.collect(machine)
    assert set(found.missing) == {"kernel-log.txt"}
    assert set(found.parts) == set(bundle.COLLECTORS) - {"kernel-log.txt"}
    assert json.loads(found.parts["plan.json"])["nics"][0]["steps"]
    assert json.loads(found.parts["kernel.json"])["arguments"] == ["intel_iommu=on"]


def test_no_identity_and_no_secret_is_in_any_part(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUD_TOKEN", "token-of-the-environment")
    texts = unpacked(bundlefile.packed(bundle.collect(machine)))
    leaks = {(name, secret) for name, text in texts.items() for secret in SECRETS if secret in text}
    assert leaks == set()
    assert not any("token-of-the-environment" in text or MAC.replace(":", "") in text for text in texts.values())


def test_equal_identities_are_equal_across_the_parts(machine: Machine) -> None:
    parts = bundle.collect(machine).parts
    mac = json.loads(parts["probe.json"])["nics"][0]["mac"]
    assert mac.startswith("mac-")
    assert mac in parts["boot-result.json"]
    assert mac in parts["other-operator.json"]
    assert mac in parts["agent-status.json"]


def test_a_network_namespace_is_named_in_no_part(tmp_path: Path) -> None:
    """Its name may be that of a pod; who looks at the bundle still sees which VFs share one."""
    world = FakeWorld(secretive())
    world.set_num_vfs(PF, 3)
    for index, name in ((0, "till-7"), (2, "till-7")):
        world.move_to_namespace(world.vf_addresses(PF)[index], name, name=f"till{index}")
    path = tmp_path / "machine.json"
    path.write_text(trees.dump_json(world.tree()))
    parts = bundle.collect(open_machine(Settings(host=str(path), root=str(tmp_path)))).parts
    assert [name for name, text in parts.items() if "till-7" in text or "till0" in text] == []
    one, none, same = (vf["used_by"] for vf in json.loads(parts["probe.json"])["nics"][0]["vfs"])
    assert (one, none) == (same, None)
    assert one.startswith("network namespace netns-")
    assert one in parts["plan.json"]


def test_the_same_machine_and_key_give_the_same_bytes(machine: Machine) -> None:
    first, second = (bundlefile.packed(bundle.collect(machine, key=b"key")) for _ in range(2))
    assert first == second
    assert first != bundlefile.packed(bundle.collect(machine, key=b"another"))


def test_the_capture_inside_is_a_machine_to_look_at(cli: Cli, machine: Machine, tmp_path: Path) -> None:
    capture = tmp_path / "capture.json"
    capture.write_text(unpacked(bundlefile.packed(bundle.collect(machine)))["capture.json"])
    ran = cli("probe", "--host", capture, "-o", "json")
    assert ran.code == 0
    own = json.loads(bundle.collect(machine).parts["probe.json"])
    assert [nic["name"] for nic in ran.data["nics"]] == [nic["name"] for nic in own["nics"]]
    assert {found["code"] for found in ran.data["findings"]} == {found["code"] for found in own["findings"]}


def test_a_part_that_fails_or_has_nothing_is_named_and_the_others_are_there(machine: Machine) -> None:
    def fails(_: bundle.Source) -> str:
        raise HostError(f"{HOST} did not answer")

    def breaks(_: bundle.Source) -> str:
        raise ZeroDivisionError("division by zero")

    parts = {"a.txt": fails, "b.txt": breaks, "c.txt": lambda _: f"of {MAC}"}
    found = bundle.collect(machine, key=b"key", collectors=parts)
    assert list(found.parts) == ["c.txt"]
    assert found.missing["b.txt"] == "ZeroDivisionError: division by zero"
    assert found.missing["a.txt"].startswith("HostError: host-")


def test_a_part_that_does_not_end_is_left_behind() -> None:
    never = threading.Event()
    try:
        assert bundle.within(never.wait, 0.01) == (None, "it did not end within 0 s")
    finally:
        never.set()
    assert bundle.within(lambda: 1, 0) == (None, "there was no time left for it")
    assert bundle.within(lambda: 1, 60) == (1, "")


def test_a_log_keeps_its_end_and_data_that_are_too_large_are_left_out(machine: Machine) -> None:
    most = 1_000_000
    parts = {"log.txt": lambda _: "old\n" + "x\n" * (most // 2), "data.json": lambda _: ["y" * most]}
    found = bundle.collect(machine, collectors=parts, most=most)
    assert found.parts["log.txt"] == "x\n" * (most // 2)
    assert found.missing == {"data.json": "it has more than 1 MB"}


def test_the_file_is_for_its_owner_only_and_no_file_is_overwritten(cli: Cli, igb: Path, tmp_path: Path) -> None:
    out = tmp_path / "bundle.tar.gz"
    ran = cli("support-bundle", "--host", igb, "--output", out)
    assert (ran.code, ran.out.splitlines()[0]) == (0, f"written: {out}")
    assert "not in it: journal.json: a simulated machine has its journal in memory" in ran.out
    assert out.stat().st_mode & 0o777 == 0o600
    index = json.loads(unpacked(out.read_bytes())["index.json"])
    assert index["format"] == 1
    assert set(index["files"]) | set(index["missing"]) == set(bundle.COLLECTORS)
    again = cli("support-bundle", "--host", igb, "--output", out)
    assert (again.code, again.errors) == (
        1,
        [f"{out} is there already, and is not overwritten. Name another file with --output"],
    )


def test_a_place_that_cannot_be_written_is_an_error(cli: Cli, igb: Path, tmp_path: Path) -> None:
    ran = cli("support-bundle", "--host", igb, "--output", tmp_path / "missing" / "x.tar.gz")
    assert ran.code == 1
    assert "No such file or directory. Name another place" in ran.errors[0]


def test_owners_and_times_of_the_archive_tell_nothing() -> None:
    data = bundlefile.packed(Bundle(parts={"b.txt": "b", "a.txt": "a"}))
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        entries = tar.getmembers()
    assert [entry.name.partition("/")[2] for entry in entries] == ["a.txt", "b.txt", "index.json"]
    assert {(entry.mtime, entry.uid, entry.uname, entry.mode) for entry in entries} == {(0, 0, "", 0o600)}


def test_only_lines_about_pci_and_our_drivers_are_taken_from_the_log() -> None:
    nic = Nic(address=PF, vendor="8086", device="10c9", kernel_driver="igb")
    lines = (
        "[1.0] pci 0000:01:00.0: VF BAR 0: failed to assign",
        "[1.1] DMAR: IOMMU enabled",
        "[2.0] igb: Intel Gigabit",
        "[3.0] audit: type=1400 user=root",
        "[4.0] usb 1-1: SerialNumber: 12345",
    )
    assert kernelnews.about_pci(lines, Snapshot(nics=(nic,))) == lines[:3]
