"""The most frequent failures of SR-IOV machines, provoked on the fake kernel: some verb names each, with its remedy."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_runs import Cli, Files

from sriov_core.model.address import Address
from sriov_core.testing import trees
from sriov_core.testing.tree import Tree, UseFacts
from sriov_core.testing.world import FakeWorld

TREES = Path(__file__).parents[2] / "trees"
OPERATOR = "/etc/systemd/system/sriov-config.service"
BUS = "/sys/class/pci_bus/0000:01/device/subordinate_bus_number"
NO_WINDOWS = "0xc4000000 0xc5ffffff 0x14220c\n" * 7 + "0x0 0x0 0x0\n" * 6

Change = Callable[[Tree], object]


def tree(name: str) -> Tree:
    return trees.loads((TREES / f"{name}.yaml").read_text(), name=name)


def with_vfs(machine: Tree, count: int = 2) -> Tree:
    """The machine with VFs on its first PF."""
    world = FakeWorld(machine)
    world.set_num_vfs(Address(machine.functions[0].address), count)
    return world.tree()


def capability_off(machine: Tree) -> None:
    machine.functions[0].sriov = None


def no_memory(machine: Tree) -> None:
    machine.functions[0].attributes["resource"] = NO_WINDOWS


def no_bus_numbers(machine: Tree) -> None:
    machine.functions[0].sriov.vf_offset = 0x180  # type: ignore[union-attr]
    machine.node.other_files[BUS] = "1\n"


def no_pf_driver(machine: Tree) -> None:
    machine.functions[0].kernel_driver = None
    machine.functions[0].links = []
    machine.node.modules = []


def link_down(machine: Tree) -> None:
    machine.functions[0].links[0].up = False


def no_carrier(machine: Tree) -> None:
    machine.functions[0].links[0].up = True
    machine.functions[0].links[0].carrier = False


def in_a_bond(machine: Tree) -> None:
    machine.functions[0].uses = [UseFacts(kind="bond", detail="enp1s0 belongs to bond bond0")]


def configured_elsewhere(machine: Tree) -> None:
    machine.functions[0].managers = ["netplan"]


def network_manager(machine: Tree) -> None:
    machine.node.network_managers = ["NetworkManager"]


def other_operator(machine: Tree) -> None:
    machine.node.other_files[OPERATOR] = "[Service]\n"


def vfs_unbound(machine: Tree) -> None:
    for vf in machine.functions[0].sriov.vfs:  # type: ignore[union-attr]
        vf.kernel_driver, vf.link = None, None


def vf_module_away(machine: Tree) -> None:
    vfs_unbound(machine)
    machine.node.modules = ["igb"]


def vf_netdevs_away(machine: Tree) -> None:
    for vf in machine.functions[0].sriov.vfs:  # type: ignore[union-attr]
        vf.link = None


def autoprobe_off(machine: Tree) -> None:
    machine.functions[0].sriov.autoprobe = False  # type: ignore[union-attr]


def locked_down(machine: Tree) -> None:
    machine.node.lockdown = "integrity"


def nothing(_: Tree) -> None:
    """The machine as it is."""


PROBED: dict[str, tuple[str, int, Change, str]] = {
    "sriov-is-off-in-the-bios": ("intel-82576", 0, capability_off, "HW-104"),
    "no-memory-window-for-the-vfs": ("intel-82576", 0, no_memory, "HW-112"),
    "too-few-bus-numbers": ("intel-82576", 0, no_bus_numbers, "HW-113"),
    "no-iommu": ("intel-82576-without-iommu", 0, nothing, "PLT-101"),
    "the-pf-has-no-driver": ("intel-82576", 0, no_pf_driver, "HW-101"),
    "the-pf-is-down": ("intel-82576", 2, link_down, "HLT-301"),
    "no-carrier": ("intel-82576", 2, no_carrier, "HLT-302"),
    "the-pf-is-in-a-bond": ("intel-82576", 0, in_a_bond, "OWN-201"),
    "another-network-manager-configures-the-pf": ("intel-82576", 2, configured_elsewhere, "OWN-202"),
    "network-manager-takes-the-vfs": ("intel-82576", 2, network_manager, "OWN-205"),
    "another-operator-is-installed": ("intel-82576", 0, other_operator, "OWN-204"),
    "vfs-without-a-driver": ("intel-82576", 2, vfs_unbound, "VF-201"),
    "the-module-of-the-vfs-is-missing": ("intel-82576", 2, vf_module_away, "VF-204"),
    "vfs-without-a-netdev": ("intel-82576", 2, vf_netdevs_away, "VF-205"),
    "autoprobe-was-left-off": ("intel-82576", 0, autoprobe_off, "VF-202"),
    "infiniband-vfs-come-without-a-guid": ("mellanox-connectx6-ib", 2, nothing, "VF-210"),
    "the-kernel-is-locked-down": ("intel-82576", 0, locked_down, "PLT-103"),
}


@pytest.mark.parametrize("case", PROBED.values(), ids=PROBED)
def test_probe_names_it_with_evidence_and_remedy(cli: Cli, tmp_path: Path, case: tuple[str, int, Change, str]) -> None:
    name, vfs, change, code = case
    machine = tree(name)
    if vfs:
        machine.functions[0].links[0].up = True
        machine = with_vfs(machine, vfs)
    sound = {found["code"] for found in probed(cli, tmp_path, machine)} if change is not nothing else set()
    change(machine)
    told = [found for found in probed(cli, tmp_path, machine) if found["code"] == code]
    assert told
    assert code not in sound, "the machine has it before anything is broken, so nothing is shown"
    assert all(found["fact"] and found["remedy"] and found["evidence"] for found in told)


def probed(cli: Cli, folder: Path, machine: Tree) -> list[dict[str, object]]:
    path = folder / "machine.json"
    path.write_text(trees.dump_json(machine))
    found: list[dict[str, object]] = cli("probe", "--host", path, "-o", "json").data["findings"]
    return found


def unknown_boot_manager(machine: Tree) -> None:
    machine.node.boot_manager = None


PLANNED: dict[str, tuple[str, Change, dict[str, object], str]] = {
    "no-iommu-and-nobody-to-ask-for-one": ("intel-82576-without-iommu", unknown_boot_manager, {}, "no-iommu"),
    "sriov-is-off": ("intel-82576", capability_off, {"deviceType": "netdevice"}, "no-sriov"),
    "too-many-vfs": ("intel-82576", nothing, {"numVfs": 64}, "too-many-vfs"),
    "the-name-has-changed": ("intel-82576", nothing, {"nicSelector": {"pfNames": ["enp1s0f0"]}}, "no-such-pf"),
    "the-host-depends-on-the-pf": ("intel-82576", in_a_bond, {"nicSelector": {"vendor": "8086"}}, "in-use"),
    "the-mtu-is-too-large": ("intel-82576", nothing, {"mtu": 9500}, "mtu-out-of-range"),
    "no-eswitch": ("intel-82576", nothing, {"eSwitchMode": "switchdev", "deviceType": "netdevice"}, "no-eswitch"),
    "no-driver-on-the-pf": ("intel-82576", no_pf_driver, {"nicSelector": {"vendor": "8086"}}, "no-kernel-driver"),
    "lockdown-bars-the-firmware-tool": (
        "mellanox-connectx5",
        locked_down,
        {"numVfs": 32, "nicSelector": {"pfNames": ["ens2f0np0"]}, "deviceType": "netdevice"},
        "firmware-lockdown",
    ),
}


@pytest.mark.parametrize("case", PLANNED.values(), ids=PLANNED)
def test_plan_refuses_it_with_a_remedy(
    cli: Cli, files: Files, tmp_path: Path, case: tuple[str, Change, dict[str, object], str]
) -> None:
    name, change, wish, code = case
    machine = tree(name)
    change(machine)
    path = tmp_path / "machine.json"
    path.write_text(trees.dump_json(machine))
    ran = cli("plan", "-f", files.policy("fast", **wish), "--host", path, "-o", "json")
    problems = [*ran.data["problems"], *(problem for nic in ran.data["nics"] for problem in nic["problems"])]
    told = [problem for problem in problems if problem["code"] == code]
    assert (ran.code, bool(told)) == (1, True)
    assert all(problem["text"] and problem["remedy"] for problem in told)


def test_a_reboot_without_effect_is_told_and_no_second_one_is_asked_for(cli: Cli, files: Files, tmp_path: Path) -> None:
    machine = tree("intel-82576-without-iommu")
    machine.node.boot_id = "00000000-0000-0000-0000-000000000002"
    path = tmp_path / "machine.json"
    path.write_text(trees.dump_json(machine))
    spent = {"requirement": "iommu-groups-exist", "reason": "vfio-pci needs an IOMMU", "boot_id": "an-earlier-one"}
    journal = tmp_path / "journal.json"
    journal.write_text(json.dumps({"format": 1, "reboots": [spent]}))
    ran = cli("probe", "--host", path, "--journal", journal)
    assert (ran.code, "LIFE-702: a reboot was spent without effect" in ran.out) == (2, True)
    planned = cli("plan", "-f", files.policy(), "--host", path, "--journal", journal, "-o", "json").data
    assert (planned["reboots"], [problem["code"] for problem in planned["problems"]]) == ([], ["no-iommu"])


def test_a_policy_that_takes_nothing_says_what_is_nearest(cli: Cli, files: Files, igb: Path) -> None:
    ran = cli("explain", "-f", files.policy("lost", nicSelector={"vendor": "15b3"}), "--host", igb)
    assert "not matched" in ran.out
    assert "8086" in ran.out


def test_a_module_that_is_not_installed_fails_with_its_name(cli: Cli, files: Files, tmp_path: Path) -> None:
    machine = tree("intel-82576")
    machine.node.modules = ["igb", "igbvf"]
    machine.node.missing_modules = ["vfio_pci"]
    path = tmp_path / "machine.json"
    path.write_text(trees.dump_json(machine))
    ran = cli("apply", "--yes", "-f", files.policy(), "--host", path)
    assert ran.code == 1
    assert any("vfio_pci" in line for line in ran.errors)


def test_a_vf_in_use_is_named_and_not_taken_away(cli: Cli, files: Files, tmp_path: Path) -> None:
    machine = with_vfs(tree("intel-82576"), 2)
    vf = machine.functions[0].sriov.vfs[0]  # type: ignore[union-attr]
    assert vf.link
    vf.link.netns = "pod-7"
    path = tmp_path / "machine.json"
    path.write_text(trees.dump_json(machine))
    ran = cli("apply", "--yes", "-f", files.policy(), "--host", path)
    assert ran.code == 1
    assert "pod-7" in ran.out + ran.err
