"""`explain`, `plugins` and `capture`, and the options that every verb shares."""

from pathlib import Path

from cli_runs import Cli, Files, policy_text

from sriov_core.testing import trees


def test_explain_tells_who_takes_what_and_why_not(cli: Cli, xl710: Path, manifests: Path) -> None:
    ran = cli("explain", "-f", manifests / "vfio-policy.yaml", "--host", xl710)
    assert ran.code == 0
    assert ran.out.splitlines()[:3] == [
        "policy policy-1 (priority 90)",
        "  0000:86:00.0 (ens803f0): taken: VFs 0-3",
        "  0000:86:00.1 (ens803f1): not matched: nicSelector.rootDevices wants 0000:86:00.0, the NIC has 0000:86:00.1",
    ]
    assert ran.out.splitlines()[-1].split() == (
        ["0000:86:00.0", "ens803f0", "0-3", "policy", "policy-1", "intelnics", "vfio-pci"]
    )


def test_explain_names_the_policy_that_displaced_another(cli: Cli, igb: Path, files: Files) -> None:
    weak = policy_text("weak", priority=50, nicSelector={"pfNames": ["enp1s0#0-3"]})
    strong = policy_text("strong", priority=1, nicSelector={"pfNames": ["enp1s0#2-3"]})
    ran = cli("explain", "-f", files.write(f"{weak}\n---\n{strong}"), "--host", igb, "-o", "json")
    verdicts = {entry["policy"]: entry["verdicts"][0] for entry in ran.data["policies"]}
    assert verdicts["strong"]["outcome"] == "taken"
    assert "strong" in verdicts["weak"]["reason"]


def test_explain_of_a_pf_that_is_not_here_shows_the_near_miss(cli: Cli, igb: Path, files: Files) -> None:
    ran = cli("explain", "-f", files.policy(nicSelector={"pfNames": ["enp1s0np0"]}), "--host", igb)
    assert ran.code == 1
    assert (
        "not here: policy fast: spec.nicSelector.pfNames[0]: this machine has no PF enp1s0np0. Did you mean enp1s0?"
        in (ran.out)
    )


def test_explain_of_a_port_without_sriov_says_that_it_cannot_be_served(cli: Cli, igb: Path, files: Files) -> None:
    machine = files.write(igb.read_text().replace("total_vfs: 7", "total_vfs: 0"), "off.yaml")
    ran = cli("explain", "-f", files.policy(nicSelector={"pfNames": ["enp1s0#2-3"]}), "--host", machine)
    assert ran.code == 1
    assert "(enp1s0): selected, and cannot be served (see the problem below): VFs 2-3" in ran.out
    assert "it offers no SR-IOV" in ran.out
    assert ran.out.splitlines()[-1] == "no VFs are won: no NIC that is selected can be served"


def test_the_keys_of_explains_json_are_stable(cli: Cli, igb: Path, files: Files) -> None:
    data = cli("explain", "-f", files.policy(), "--host", igb, "-o", "json").data
    assert list(data) == ["policies", "nics", "problems"]
    assert list(data["policies"][0]) == ["policy", "priority", "skipped", "faults", "verdicts", "nearest", "notes"]
    assert list(data["policies"][0]["verdicts"][0]) == ["nic", "name", "outcome", "vfs", "reason"]


def test_plugins_lists_what_serves_and_what_it_drives(cli: Cli) -> None:
    data = cli("plugins", "-o", "json").data
    loaded = {entry["name"]: entry for entry in data["loaded"]}
    assert list(data) == ["api", "loaded", "refused", "disabled"]
    assert loaded["generic"]["is_base"] is True
    assert loaded["intel"]["matches"][0]["vendor"] == "8086"
    assert "diagnose" in loaded["intel"]["hooks"]


def test_a_disabled_plugin_is_listed_as_such_and_its_nics_fall_to_the_base(cli: Cli, igb: Path) -> None:
    ran = cli("plugins", "--disable-plugin", "intel")
    assert "disabled intel" in ran.out.splitlines()
    probed = cli("probe", "--host", igb, "--disable-plugin", "intel", "-o", "json").data
    assert probed["nics"][0]["owner"]["plugin"] == "generic"


def test_a_pin_beats_every_match(cli: Cli, igb: Path) -> None:
    owner = cli("probe", "--host", igb, "--pin", "0000:01:00.0=generic", "-o", "json").data["nics"][0]["owner"]
    assert owner == {"plugin": "generic", "reason": "pinned by the administrator", "blocked": None}


def test_capture_writes_a_machine_that_host_reads(cli: Cli, igb: Path, tmp_path: Path) -> None:
    captured = tmp_path / "captured.json"
    assert cli("capture", "--host", igb, "--out", captured).code == 0
    tree = trees.load(captured)
    assert [function.address for function in tree.functions] == ["0000:01:00.0"]
    assert cli("probe", "--host", captured).code == 0


def test_capture_of_one_nic_leaves_the_others_out(cli: Cli, xl710: Path) -> None:
    ran = cli("capture", "0000:86:00.1", "--host", xl710)
    assert [function.address for function in trees.loads(ran.out).functions] == ["0000:86:00.1"]


def test_capture_into_a_folder_that_is_not_there_is_an_error(cli: Cli, igb: Path, tmp_path: Path) -> None:
    out = tmp_path / "none" / "tree.yaml"
    ran = cli("capture", "--host", igb, "--out", out)
    assert (ran.code, ran.errors) == (1, [f"cannot write {out}: No such file or directory"])
