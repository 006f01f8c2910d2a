"""`probe`: what is here, who serves it, what is wrong; facts in, text or JSON out."""

from pathlib import Path

import pytest
from cli_runs import Cli, Files

from sriov_core.cli import probe
from sriov_core.cli.machine import open_machine
from sriov_core.cli.options import Settings
from sriov_core.cli.screen import Session
from sriov_core.model.address import Address
from sriov_core.testing.world import FakeWorld

NODE_KEYS = {
    "hostname",
    "kernel",
    "os_name",
    "architecture",
    "cpu_vendor",
    "iommu_groups",
    "lockdown",
    "boot_manager",
    "network_managers",
}


def test_the_machine_and_its_nics_are_told_on_one_screen(cli: Cli, xl710: Path) -> None:
    ran = cli("probe", "--host", xl710)
    lines = [line.split() for line in ran.out.splitlines()]
    assert ran.code == 0
    assert lines[0] == ["host", "host", "Linux", "6.12.95", "Debian", "GNU/Linux", "12", "(bookworm)", "x86_64"]
    assert lines[1] == ["IOMMU", "on", "(60", "groups)", "lockdown", "none", "boot", "manager", "grub"]
    assert lines[4] == [
        "0000:86:00.0",
        "ens803f0",
        "Intel",
        "XL710",
        "i40e",
        "6.12.95",
        "9.20",
        "0x8000d8c5",
        "0/0/64",
        "-",
        "up",
        "40G",
        "1",
        "30",
        "intel:",
        "matches",
        "vendor",
        "8086,",
        "pci",
        "class",
        "02",
    ]
    assert ran.out.splitlines()[-1] == "no findings"


def test_the_model_comes_from_pci_ids_below_the_root(cli: Cli, xl710: Path, tmp_path: Path) -> None:
    known = cli("probe", "--host", xl710, "-o", "json").data["nics"][0]["model"]
    assert known == "Intel XL710", "without one, the name that the plugin knows"
    ids = tmp_path / "usr" / "share" / "misc" / "pci.ids"
    ids.parent.mkdir(parents=True)
    ids.write_text("8086  Intel Corporation\n\t1583  Ethernet Controller XL710 for 40GbE QSFP+\n")
    assert cli("probe", "--host", xl710, "-o", "json").data["nics"][0]["model"] == (
        "Ethernet Controller XL710 for 40GbE QSFP+"
    )


def test_a_finding_carries_its_code_evidence_and_remedy(cli: Cli, files: Files, igb: Path) -> None:
    without = igb.with_name("intel-82576-without-iommu.yaml")
    ran = cli("probe", "--host", without)
    assert ran.code == 0, "a warning does not fail"
    assert "warn    PLT-101 0000:01:00.0: no IOMMU is in effect" in ran.out
    assert "evidence  /sys/bus/pci/devices/0000:01:00.0/iommu_group" in ran.out
    assert "remedy    Enable VT-d" in ran.out
    assert ran.out.splitlines()[-1] == "1 warn"


def test_a_failed_finding_gives_exit_code_2(cli: Cli, tmp_path: Path, igb: Path, files: Files) -> None:
    down = applied(cli, igb, files, tmp_path)
    text = down.read_text().replace("up: true", "up: false", 1)
    down.write_text(text)
    ran = cli("probe", "--host", down)
    assert ran.code == 2
    assert "fail    HLT-301 0000:01:00.0: the PF is administratively down" in ran.out


def test_one_nic_is_told_with_a_row_for_each_vf(cli: Cli, tmp_path: Path, igb: Path, files: Files) -> None:
    host = applied(cli, igb, files, tmp_path)
    ran = cli("probe", "enp1s0", "--host", host)
    rows = [line.split() for line in ran.out.splitlines()]
    assert ["VFs", "0/4/7", "used/made/max"] in rows
    vfs = [row for row in rows if row and row[0] in {"0", "1", "2", "3"}]
    assert [row[1:3] for row in vfs] == [
        ["0000:01:10.0", "vfio-pci"],
        ["0000:01:10.2", "vfio-pci"],
        ["0000:01:10.4", "vfio-pci"],
        ["0000:01:10.6", "vfio-pci"],
    ]


def test_a_nic_is_found_by_address_in_any_case(cli: Cli, xl710: Path) -> None:
    assert cli("probe", "0000:86:00.0", "--host", xl710, "-o", "json").data["nic"]["name"] == "ens803f0"


def test_an_unknown_nic_is_answered_with_the_nearest(cli: Cli, xl710: Path) -> None:
    ran = cli("probe", "ens803", "--host", xl710)
    assert (ran.code, ran.errors) == (1, ["this machine has no NIC 'ens803'. Did you mean ens803f0 or ens803f1?"])


def test_the_keys_of_json_are_stable(cli: Cli, xl710: Path) -> None:
    data = cli("probe", "--host", xl710, "-o", "json").data
    assert set(data) == {"node", "nics", "unmanaged", "failures", "findings"}
    assert set(data["node"]) == NODE_KEYS
    assert set(data["nics"][0]["owner"]) == {"plugin", "reason", "blocked"}
    nic = set(data["nics"][0])
    assert {
        "address",
        "name",
        "model",
        "kernel_driver",
        "driver_version",
        "firmware_version",
        "total_vfs",
        "num_vfs",
        "eswitch_mode",
        "link_up",
        "carrier",
        "speed_mbit",
        "numa_node",
        "iommu_group",
        "vfs",
    } <= nic


def test_yaml_holds_what_json_holds(cli: Cli, xl710: Path) -> None:
    yaml = pytest.importorskip("yaml")
    assert yaml.safe_load(cli("probe", "--host", xl710, "-o", "yaml").out) == (
        cli("probe", "--host", xl710, "-o", "json").data
    )


def test_a_nic_pinned_to_a_plugin_that_is_not_installed_is_unmanaged(cli: Cli, xl710: Path) -> None:
    ran = cli("probe", "--host", xl710, "--pin", "0000:86:00.0=acme")
    assert "OWN-203 0000:86:00.0: no driver serves it: pinned to plugin acme, but it is not installed" in ran.out
    assert ran.code == 0


def test_a_damaged_journal_is_a_failure_and_an_unreadable_one_unknown(cli: Cli, xl710: Path, tmp_path: Path) -> None:
    journal = tmp_path / "journal.json"
    journal.write_text("{")
    damaged = cli("probe", "--host", xl710, "--journal", journal)
    assert damaged.code == 2
    assert "fail    LIFE-704" in damaged.out
    unreadable = cli("probe", "--host", xl710, "--journal", tmp_path)
    assert unreadable.code == 0
    assert "?       LIFE-703" in unreadable.out
    assert unreadable.out.splitlines()[-1] == "1 unknown"


def test_a_node_states_report_is_a_machine(cli: Cli, manifests: Path) -> None:
    data = cli("probe", "--host", manifests / "nodestate-xl710.yaml", "-o", "json").data
    assert data["node"]["hostname"] == "worker-node-1"
    assert [nic["name"] for nic in data["nics"]] == ["ens803f0", "ens803f1"]


def test_names_cannot_steer_the_terminal(cli: Cli, xl710: Path, files: Files) -> None:
    evil = files.write(xl710.read_text().replace("6.12.95\n  os_name", '"6\\e[2J"\n  os_name', 1), "evil.yaml")
    assert "\x1b" not in cli("probe", "--host", evil).out


@pytest.mark.parametrize(("text", "message"), {
    "neither": "{path} has no format version; it must say 'format: 1'",
    "empty": "{path} is empty; a device tree opens with 'format: 1'",
    "two": "{path} holds 2 documents, and one machine is wanted",
}.items())  # fmt: skip
def test_a_host_file_that_is_no_machine_is_an_error(cli: Cli, files: Files, text: str, message: str) -> None:
    path = files.write({"neither": "a: 1\n", "empty": "", "two": "a: 1\n---\na: 2\n"}[text], "host.yaml")
    ran = cli("probe", "--host", path)
    hint = "--host takes a tree written by `capture`, a support bundle, or a SriovNetworkNodeState"
    assert (ran.code, ran.errors) == (1, [f"{message.format(path=path)}. {hint}"])


def test_watching_shows_the_machine_again_only_when_it_changed(
    xl710: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    machine = open_machine(Settings(host=str(xl710), root=str(tmp_path)))
    host = machine.host
    assert isinstance(host, FakeWorld)
    pf = Address("0000:86:00.0")
    acts = iter([lambda: None, lambda: host.set_num_vfs(pf, 2), lambda: None])

    def wait() -> bool:
        act = next(acts, None)
        if act:
            act()
        return act is not None

    probe.watching(machine, None, Session(), wait)
    shown = [line for line in capsys.readouterr().out.splitlines() if line.startswith("0000:86:00.0")]
    assert ["0/0/64" in shown[0], "0/2/64" in shown[1], len(shown)] == [True, True, 2]


def applied(cli: Cli, host: Path, files: Files, folder: Path) -> Path:
    """The machine with 4 VFs on vfio-pci."""
    saved = folder / "applied.yaml"
    assert cli("apply", "--yes", "-f", files.policy(), "--host", host, "--save", saved).code == 0
    return saved
