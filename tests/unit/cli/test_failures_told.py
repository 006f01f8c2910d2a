"""The failures of docs/failures.md that one machine shows: provoked, and the command line names each, and its cure.

The ids begin with the rows of that page, which tests/contract/test_failures_documented.py compares.
"""

import json
from pathlib import Path
from typing import Any

import failing_machines as fm
import pytest
from cli_runs import Cli, Files, Ran
from failing_machines import CX5, CX6, IGB, NO_IOMMU, Machine

from sriov_core.testing import trees
from sriov_core.testing.tree import Tree

Wish = dict[str, object]
NETDEVICE: Wish = {"deviceType": "netdevice"}
CX5_PORT: Wish = {"nicSelector": {"pfNames": ["ens2f0np0"]}, **NETDEVICE}
CX6_PORT: Wish = {"nicSelector": {"pfNames": ["enp216s0f0np0"]}, **NETDEVICE}
WHOLE_VENDOR: Wish = {"nicSelector": {"vendor": "8086"}}


def saved(folder: Path, machine: Tree) -> Path:
    path = folder / "machine.json"
    path.write_text(trees.dump_json(machine))
    return path


def probed(cli: Cli, folder: Path, machine: Tree) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = cli("probe", "--host", saved(folder, machine), "-o", "json").data["findings"]
    return found


@pytest.mark.parametrize(
    ("machine", "code", "remedy"),
    [
        pytest.param(Machine(IGB, fm.capability_off), "HW-104", "firmware set-up (BIOS)", id="1a-off-in-the-bios"),
        pytest.param(Machine(IGB, fm.kernel_without_sriov), "HW-104", "CONFIG_PCI_IOV=y", id="1a-a-kernel-without"),
        pytest.param(
            Machine("mellanox-bluefield2", fm.as_it_is), "FW-402", "then reboot", id="1b-off-in-the-cards-firmware"
        ),
        pytest.param(Machine(IGB, fm.no_pf_driver), "HW-101", "modprobe igb", id="1c-the-pf-has-no-driver"),
        pytest.param(Machine(IGB, fm.vfs_unbound, 2), "VF-201", "in a policy", id="1d-vfs-without-a-driver"),
        pytest.param(Machine(IGB, fm.vf_module_away, 2), "VF-204", "modprobe igbvf", id="1d-the-vfs-module-is-missing"),
        pytest.param(Machine(IGB, fm.autoprobe_off), "VF-202", "echo 1", id="1d-autoprobe-was-left-off"),
        pytest.param(Machine(IGB, fm.vfs_of_one_address, 2), "VF-206", "mac 00:00", id="8a-one-address-on-two-vfs"),
        pytest.param(Machine(IGB, fm.vfs_unbound, 2), "VF-201", "apply it", id="8b-a-user-left-it-without-driver"),
        pytest.param(Machine(IGB, fm.link_down, 2), "HLT-301", "ip link set enp1s0 up", id="9a-the-pf-is-down"),
        pytest.param(Machine(IGB, fm.no_carrier, 2), "HLT-302", "switch port", id="9a-no-carrier"),
        pytest.param(Machine(IGB, fm.configured_elsewhere, 2), "OWN-202", "one of the two", id="11a-another-manager"),
        pytest.param(Machine(IGB, fm.network_manager, 2), "OWN-205", "unmanaged-devices", id="11b-networkmanager"),
        pytest.param(Machine(IGB, fm.other_operator), "OWN-204", "systemctl disable", id="11c-another-operator"),
        pytest.param(Machine(IGB, fm.no_memory), "HW-112", "'Above 4G Decoding'", id="14a-no-memory-for-vfs"),
        pytest.param(Machine(IGB, fm.no_bus_numbers), "HW-113", "pci=assign-busses", id="14b-too-few-bus-numbers"),
        pytest.param(Machine(NO_IOMMU, fm.as_it_is), "PLT-101", "intel_iommu=on", id="14c-no-iommu"),
        pytest.param(Machine(IGB, fm.one_iommu_group, 2), "PLT-105", "Enable ACS", id="14d-vfs-share-an-iommu-group"),
        pytest.param(Machine(IGB, fm.vf_netdevs_away, 2), "VF-205", "bind them anew", id="15a-vfs-without-a-netdev"),
        pytest.param(
            Machine("mellanox-connectx6-ib", fm.as_it_is, 2), "VF-210", "policy", id="15c-infiniband-vfs-without-guid"
        ),
        pytest.param(Machine(CX6, fm.switchdev_in_software), "HW-110", "ethtool -K", id="16b-flows-stay-in-software"),
        pytest.param(Machine(IGB, fm.in_a_bond), "OWN-201", "pfNames", id="17a-the-pf-is-in-a-bond"),
        pytest.param(Machine(IGB, fm.locked_down), "PLT-103", "Secure Boot", id="19a-the-kernel-is-locked-down"),
    ],
)
def test_probe_names_it(cli: Cli, tmp_path: Path, machine: Machine, code: str, remedy: str) -> None:
    told = [found for found in probed(cli, tmp_path, machine.broken()) if found["code"] == code]
    assert told
    assert remedy in told[0]["remedy"]
    assert all(found["fact"] and found["evidence"] for found in told)
    if machine.change is not fm.as_it_is:
        before = {found["code"] for found in probed(cli, tmp_path, machine.sound())}
        assert code not in before, "the machine has it before anything is broken, so nothing is shown"


def test_a_card_that_was_asked_is_not_guessed_about(cli: Cli, tmp_path: Path) -> None:
    found = probed(cli, tmp_path, Machine("mellanox-bluefield2", fm.as_it_is).broken())
    assert [one["code"] for one in found] == ["FW-402"]


@pytest.mark.parametrize(
    ("machine", "code"),
    [
        pytest.param(Machine(IGB, fm.no_memory), "HW-112", id="14a-captured-without-memory-for-vfs"),
        pytest.param(Machine(IGB, fm.no_bus_numbers), "HW-113", id="14b-captured-with-too-few-bus-numbers"),
    ],
)
def test_a_capture_tells_what_the_machine_tells(cli: Cli, tmp_path: Path, machine: Machine, code: str) -> None:
    captured = tmp_path / "captured.json"
    assert cli("capture", "--host", saved(tmp_path, machine.broken()), "--out", captured).code == 0
    told = cli("probe", "--host", captured, "-o", "json").data["findings"]
    assert code in {found["code"] for found in told}


def planned(cli: Cli, files: Files, folder: Path, machine: Machine, wish: Wish) -> Ran:
    return cli("plan", "-f", files.policy("fast", **wish), "--host", saved(folder, machine.broken()), "-o", "json")


@pytest.mark.parametrize(
    ("machine", "wish", "code", "remedy"),
    [
        pytest.param(Machine(IGB, fm.capability_off), NETDEVICE, "no-sriov", "firmware set-up", id="1a-no-sriov"),
        pytest.param(
            Machine(IGB, fm.no_pf_driver), WHOLE_VENDOR, "no-kernel-driver", "drivers_probe", id="1c-no-driver"
        ),
        pytest.param(
            Machine(IGB, fm.as_it_is),
            {"nicSelector": {"pfNames": ["enp1s0f0"]}},
            "no-such-pf",
            "Did you mean enp1s0?",
            id="12a-the-name-has-changed",
        ),
        pytest.param(Machine(IGB, fm.as_it_is), {"numVfs": 64}, "too-many-vfs", "7 or", id="13b-too-many-vfs"),
        pytest.param(Machine(IGB, fm.as_it_is), {"mtu": 9500}, "mtu-out-of-range", "68 and 9216", id="13b-mtu"),
        pytest.param(
            Machine(IGB, fm.as_it_is),
            {"eSwitchMode": "switchdev", **NETDEVICE},
            "no-eswitch",
            "eSwitchMode legacy",
            id="16a-the-card-has-no-eswitch",
        ),
        pytest.param(
            Machine(CX6, fm.no_open_vswitch),
            {"eSwitchMode": "switchdev", "bridge": {"ovs": {}}, **CX6_PORT},
            "no-open-vswitch",
            "package openvswitch",
            id="16c-no-open-vswitch",
        ),
        pytest.param(Machine(IGB, fm.in_a_bond), WHOLE_VENDOR, "in-use", "pfNames", id="17a-nobody-named-the-port"),
        pytest.param(
            Machine(CX5, fm.no_firmware_tool),
            {"numVfs": 32, **CX5_PORT},
            "firmware-tool-missing",
            "Install mstflint",
            id="18b-no-tool-for-the-firmware",
        ),
        pytest.param(
            Machine(CX5, fm.locked_down),
            {"numVfs": 32, **CX5_PORT},
            "firmware-lockdown",
            "ask for 8 VFs or fewer",
            id="19a-lockdown-bars-the-firmware-tool",
        ),
        pytest.param(
            Machine(NO_IOMMU, fm.no_boot_manager),
            {},
            "no-iommu",
            "Set these kernel arguments yourself",
            id="20a-nobody-can-set-kernel-arguments",
        ),
    ],
)
def test_plan_names_it(
    *, cli: Cli, files: Files, tmp_path: Path, machine: Machine, wish: Wish, code: str, remedy: str
) -> None:
    ran = planned(cli, files, tmp_path, machine, wish)
    problems = [*ran.data["problems"], *(problem for nic in ran.data["nics"] for problem in nic["problems"])]
    told = [problem for problem in problems if problem["code"] == code]
    assert (ran.code, bool(told)) == (1, True)
    assert told[0]["text"]
    assert remedy in told[0]["remedy"]


@pytest.mark.parametrize(
    ("machine", "wish", "words"),
    [
        pytest.param(
            Machine(IGB, fm.vf_in_a_pod, 2),
            {},
            (
                "vf0 is used by network namespace pod-7",
                "costs more than --max-cost",
                "Nothing was changed",
                "Allow it with --max-cost drain",
            ),
            id="10b-a-vf-is-in-use",
        ),
        pytest.param(
            Machine(IGB, fm.vf_of_a_hidden_virtual_machine, 4),
            NETDEVICE,
            ("did not end in time", "vf0", "is held by qemu-system-x86 (pid 4711). Stop it"),
            id="15b-the-kernel-does-not-answer",
        ),
        pytest.param(
            Machine(IGB, fm.sysfs_read_only),
            NETDEVICE,
            ("/sys, which is mounted read-only", "Nothing was changed", "run it privileged"),
            id="20b-sys-is-read-only",
        ),
        pytest.param(
            Machine(IGB, fm.vfio_not_installed),
            {},
            ("load module vfio_pci", "no module vfio_pci", "install the package that holds it"),
            id="20c-a-module-is-not-installed",
        ),
    ],
)
def test_apply_says_what_is_in_the_way(
    *, cli: Cli, files: Files, tmp_path: Path, machine: Machine, wish: Wish, words: tuple[str, ...]
) -> None:
    ran = cli("apply", "--yes", "-f", files.policy("fast", **wish), "--host", saved(tmp_path, machine.broken()))
    (error,) = ran.errors
    assert (ran.code, [word for word in words if word not in error]) == (1, [])


@pytest.mark.parametrize(
    ("verb", "machine", "wish", "words"),
    [
        pytest.param(
            "plan",
            Machine(IGB, fm.vf_in_a_pod, 2),
            {},
            ("VFs 2 -> 0  [drain: vf0 is used by network namespace pod-7]", "no reboot"),
            id="10a-a-plan-tells-who-would-lose-what",
        ),
        pytest.param(
            "plan",
            Machine(NO_IOMMU, fm.as_it_is),
            {},
            ("reboot needed: vfio-pci needs an IOMMU; intel_iommu=on iommu=pt takes effect at boot (through grub)",),
            id="10a-a-plan-tells-the-reboot",
        ),
        pytest.param(
            "plan",
            Machine(CX6, fm.as_it_is),
            {"numVfs": 64, **CX6_PORT},
            ("firmware NUM_OF_VFS 16 -> 64", "reboot needed: 64 VFs need NUM_OF_VFS"),
            id="18a-the-firmware-offers-less",
        ),
        pytest.param(
            "explain",
            Machine(IGB, fm.as_it_is),
            {"nicSelector": {"vendor": "15b3"}},
            ("takes no NIC of this node", "not matched: nicSelector.vendor wants 15b3, the NIC has 8086"),
            id="4b-a-policy-takes-no-nic",
        ),
    ],
)
def test_a_question_is_answered(
    *, cli: Cli, files: Files, tmp_path: Path, verb: str, machine: Machine, wish: Wish, words: tuple[str, ...]
) -> None:
    ran = cli(verb, "-f", files.policy("fast", **wish), "--host", saved(tmp_path, machine.broken()))
    assert [word for word in words if word not in ran.out] == []


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        pytest.param(
            {"nicSelector": {"pfName": ["a"]}}, ("unknown field", "Did you mean pfNames?"), id="4a-misspelled"
        ),
        pytest.param(
            {"nicSelector": {"vendor": "8086", "deviceID": "ffff"}},
            ("deviceID", "no supported NIC", "supported-nic-ids"),
            id="7b-a-card-that-the-webhook-does-not-know",
        ),
        pytest.param(
            {"deviceType": "vfio"}, ("netdevice, vfio-pci", "Write one of them"), id="13a-denied-with-a-reason"
        ),
    ],
)
def test_admission_says_field_and_cure(cli: Cli, files: Files, wish: Wish, words: tuple[str, ...]) -> None:
    ran = cli("validate", "-f", files.policy("fast", **wish))
    assert (ran.code, [word for word in words if word not in ran.out]) == (1, [])


def test_2a_a_reboot_without_effect_is_told_and_no_second_one_is_asked_for(
    cli: Cli, files: Files, tmp_path: Path
) -> None:
    path = saved(tmp_path, Machine(NO_IOMMU, fm.another_boot).broken())
    spent = {"requirement": "iommu-groups-exist", "reason": "vfio-pci needs an IOMMU", "boot_id": "an-earlier-one"}
    journal = files.write(json.dumps({"format": 1, "reboots": [spent]}), "journal.json")
    ran = cli("probe", "--host", path, "--journal", journal)
    assert (ran.code, "LIFE-702: a reboot was spent without effect" in ran.out) == (2, True)
    assert "do what the reason names by hand" in ran.out
    plan = cli("plan", "-f", files.policy(), "--host", path, "--journal", journal, "-o", "json").data
    (problem,) = plan["problems"] or [one for nic in plan["nics"] for one in nic["problems"]]
    assert (plan["reboots"], problem["code"]) == ([], "no-iommu")
    assert "in the boot manager that really boots this machine" in problem["remedy"]


def test_5b_what_somebody_changed_behind_our_back_is_a_plan(cli: Cli, files: Files, tmp_path: Path) -> None:
    policy, journal = files.policy(**NETDEVICE), tmp_path / "journal.json"
    path, after = saved(tmp_path, Machine(IGB, fm.as_it_is).broken()), tmp_path / "after.yaml"
    applied = cli("apply", "--yes", "-f", policy, "--host", path, "--journal", journal, "--save", after)
    assert applied.code == 0
    machine = trees.loads(after.read_text(), name="after")
    fm.sriov(machine).vfs[0].kernel_driver = fm.sriov(machine).vfs[0].link = None
    ran = cli("plan", "-f", policy, "--host", saved(tmp_path, machine), "--journal", journal)
    assert (ran.code, "vf0: kernel driver none -> default" in ran.out) == (2, True)


def test_7a_a_card_that_no_driver_serves_is_told(cli: Cli, tmp_path: Path) -> None:
    path = saved(tmp_path, Machine(IGB, fm.as_it_is).broken())
    without = [word for name in ("generic", "intel") for word in ("--disable-plugin", name)]
    (found,) = cli("probe", *without, "--host", path, "-o", "json").data["findings"]
    assert (found["code"], "Install a plugin for it, or pin one" in found["remedy"]) == ("OWN-203", True)


def test_8c_a_vf_that_a_dead_namespace_holds_names_it(cli: Cli, tmp_path: Path) -> None:
    path = saved(tmp_path, Machine(IGB, fm.vf_in_a_pod, 2).broken())
    assert "network namespace pod-7" in cli("probe", "enp1s0", "--host", path).out


def test_12b_another_card_at_the_same_address_is_not_touched(cli: Cli, files: Files, tmp_path: Path) -> None:
    journal, policy = tmp_path / "journal.json", files.policy(**NETDEVICE)
    machine = Machine(IGB, fm.as_it_is)
    path, after = saved(tmp_path, machine.broken()), tmp_path / "after.yaml"
    assert cli("apply", "--yes", "-f", policy, "--host", path, "--journal", journal, "--save", after).code == 0
    other = machine.broken()
    fm.pf(other).links[0].permanent_mac = fm.pf(other).links[0].mac = "02:00:00:00:ff:01"
    fm.pf(other).serial = "another"
    ran = cli("plan", "-f", policy, "--host", saved(tmp_path, other), "--journal", journal, "-o", "json")
    (problem,) = [one for nic in ran.data["nics"] for one in nic["problems"]]
    assert (ran.code, problem["code"]) == (1, "another-card")
    assert "sriov-core reset --forget 0000:01:00.0" in problem["remedy"]
