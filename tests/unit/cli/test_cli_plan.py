"""`plan`: steps with their cost, problems with their remedy, and three exit codes."""

from pathlib import Path

from cli_runs import Cli, Files, policy_text


def test_the_example_policy_plans_four_vfs_on_the_example_host(cli: Cli, manifests: Path) -> None:
    ran = cli("plan", "-f", manifests / "vfio-policy.yaml", "--host", manifests / "nodestate-xl710.yaml")
    assert ran.code == 2
    assert ran.out.splitlines() == [
        "node",
        "  1  load module vfio_pci",
        "0000:86:00.0 (ens803f0), by plugin intel",
        "    1  driver autoprobe on -> off",
        "    2  VFs 0 -> 4",
        "  3-6  vf0-vf3: kernel driver none -> vfio-pci",
        "    7  driver autoprobe off -> on",
        "8 steps on 1 NIC, cost: none; no drain, no reboot",
    ]
    assert "nodeSelector is not looked at" in ran.err


def test_the_readme_policy_is_answered_with_the_field_that_was_meant(cli: Cli, manifests: Path) -> None:
    policy = manifests / "readme-policy.yaml"
    ran = cli("plan", "-f", policy, "--host", manifests / "nodestate-xl710.yaml")
    assert (ran.code, ran.errors) == (
        1,
        [f"{policy}, document 1: spec.nicSelector.pfName: unknown field. Did you mean pfNames?"],
    )


def test_a_node_states_spec_is_a_wish(cli: Cli, manifests: Path) -> None:
    state = manifests / "nodestate-xl710.yaml"
    assert "vf0-vf3: kernel driver none -> vfio-pci" in cli("plan", "-f", state, "--host", state).out


def test_the_standard_input_is_read(cli: Cli, igb: Path) -> None:
    assert "VFs 0 -> 4" in cli("plan", "-f", "-", "--host", igb, stdin=policy_text()).out


def test_a_cause_is_told_once_with_the_policy_that_has_it(cli: Cli, igb: Path, files: Files) -> None:
    machine = files.write(igb.read_text().replace("total_vfs: 7", "total_vfs: 0"), "off.yaml")
    ran = cli("plan", "-f", files.policy(), "--host", machine)
    assert (ran.code, ran.out.splitlines()) == (1, [
        "0000:01:00.0 (enp1s0): cannot be done",
        "  no-sriov: policy fast: 4 VFs of enp1s0 are wanted, it offers no SR-IOV",
        "    remedy: Enable SR-IOV in the firmware set-up of the machine or of the card, or select other NICs",
        "1 problem",
    ])  # fmt: skip


def test_a_nic_that_is_itself_a_vf_is_told_so_and_nothing_less_exact(cli: Cli, igb: Path, files: Files) -> None:
    policy = files.policy(nicSelector={"vendor": "1af4"})
    problems = cli("plan", "-f", policy, "--host", igb.with_name("virtio-vm.yaml"), "-o", "json").data
    assert problems["problems"] == []
    assert [[found["code"] for found in nic["problems"]] for nic in problems["nics"]] == [
        ["in-use", "virtual-one-vf"],
        ["virtual-one-vf"],
    ]


def test_costs_stand_beside_their_steps_and_in_the_summary(cli: Cli, igb: Path, files: Files) -> None:
    ran = cli("plan", "-f", files.policy(mtu=9000), "--host", igb)
    why = "most kernel drivers restart the queues for a new MTU"
    assert f"MTU 1500 -> 9000  [link-flap: {why}]" in ran.out
    assert ran.out.splitlines()[-1] == f"13 steps on 1 NIC, cost: link-flap ({why}); no drain, no reboot"


def test_a_change_of_one_group_names_the_vfs_it_costs(cli: Cli, igb: Path, files: Files, tmp_path: Path) -> None:
    two = f"{policy_text('fast', nicSelector={'pfNames': ['enp1s0#0-1']})}\n---\n{plain('netdevice')}"
    saved = tmp_path / "after.yaml"
    cli("apply", "-y", "-f", files.write(two), "--host", igb, "--save", saved)
    changed = two.replace('"netdevice"', '"vfio-pci"')
    ran = cli("plan", "-f", files.write(changed), "--host", saved)
    assert ran.code == 2
    assert ran.out.splitlines()[1:] == [
        "  1-2  vf2-vf3: kernel driver igbvf -> vfio-pci  [vf-loss: vf2-vf3 in use by nobody known]",
        "2 steps on 1 NIC, cost: vf-loss (vf2-vf3 in use by nobody known); no drain, no reboot",
    ]


def test_nothing_to_do_is_exit_code_0(cli: Cli, igb: Path, files: Files, tmp_path: Path) -> None:
    saved = tmp_path / "after.yaml"
    policy = files.policy()
    cli("apply", "-y", "-f", policy, "--host", igb, "--save", saved)
    ran = cli("plan", "-f", policy, "--host", saved)
    assert (ran.code, ran.out.splitlines()) == (
        0,
        ["0000:01:00.0 (enp1s0): as wished", "nothing to do: 1 NIC as wished"],
    )


def test_a_problem_of_one_nic_is_told_beside_the_plan_of_the_other(cli: Cli, xl710: Path, files: Files) -> None:
    good = policy_text("good", nicSelector={"pfNames": ["ens803f0"]})
    bad = policy_text("bad", nicSelector={"pfNames": ["ens803f1"]}, mtu=9710)
    ran = cli("plan", "-f", files.write(f"{good}\n---\n{bad}"), "--host", xl710)
    assert ran.code == 1
    assert "0000:86:00.0 (ens803f0), by plugin intel" in ran.out
    assert "0000:86:00.1 (ens803f1): cannot be done" in ran.out
    assert "  mtu-out-of-range: MTU 9710 is wanted, the card takes 68 to 9702" in ran.out
    assert ran.out.splitlines()[-1].startswith("1 problem; 11 steps on 1 NIC")


def test_what_waits_for_a_reboot_is_told_apart(cli: Cli, igb: Path, files: Files) -> None:
    ran = cli("plan", "-f", files.policy(), "--host", igb.with_name("intel-82576-without-iommu.yaml"))
    lines = ran.out.splitlines()
    assert ran.code == 2
    later = "after the reboot (planned afresh then, as are the node's own steps)"
    assert f"0000:01:00.0 (enp1s0), {later}, by plugin intel" in lines
    assert lines[-2].startswith("reboot needed: vfio-pci needs an IOMMU; intel_iommu=on iommu=pt takes effect at boot")
    assert lines[-1].startswith("2 steps, cost: reboot (vfio-pci needs an IOMMU")
    assert "no reboot" not in lines[-1]


def test_a_nic_that_the_wish_leaves_out_is_left_alone_until_pruned(
    cli: Cli, xl710: Path, files: Files, tmp_path: Path
) -> None:
    saved, journal = tmp_path / "after.yaml", tmp_path / "journal.json"
    both = files.policy("both", nicSelector={"vendor": "8086"})
    one = files.policy("one", nicSelector={"pfNames": ["ens803f0"]})
    cli("apply", "-y", "-f", both, "--host", xl710, "--save", saved, "--journal", journal)
    kept = cli("plan", "-f", one, "--host", saved, "--journal", journal)
    assert kept.code == 0
    assert (
        "note: 0000:86:00.1 (ens803f1) was configured earlier and is not wished for now: it is left alone; "
        "--prune gives it back" in kept.out
    )
    pruned = cli("plan", "-f", one, "--prune", "--host", saved, "--journal", journal)
    assert pruned.code == 2
    assert "0000:86:00.1 (ens803f1) (given back), by plugin intel" in pruned.out
    assert "VFs 4 -> 0" in pruned.out


def test_a_pf_that_was_renamed_is_recognised_by_the_name_it_had(
    cli: Cli, igb: Path, files: Files, tmp_path: Path
) -> None:
    journal, renamed = tmp_path / "journal.json", tmp_path / "renamed.yaml"
    policy = files.policy()
    cli("apply", "-y", "-f", policy, "--host", igb, "--save", renamed, "--journal", journal)
    renamed.write_text(renamed.read_text().replace("enp1s0", "ens9f0np0"))
    ran = cli("plan", "-f", policy, "--host", renamed, "--journal", journal)
    assert ran.code == 1
    assert "It was enp1s0 when it was configured and is ens9f0np0 at 0000:01:00.0 now: write that" in ran.out


def test_a_policy_that_takes_nothing_here_is_said_to(cli: Cli, igb: Path, files: Files) -> None:
    ran = cli("plan", "-f", files.policy(nicSelector={"vendor": "15b3"}), "--host", igb)
    assert ran.code == 0
    assert "policy fast takes no NIC of this machine" in ran.err
    assert "nicSelector.vendor wants 15b3, the NIC has 8086" in ran.err


def test_the_keys_of_json_are_stable(cli: Cli, igb: Path, files: Files) -> None:
    data = cli("plan", "-f", files.policy(), "--host", igb, "-o", "json").data
    assert list(data) == [
        "empty",
        "cost",
        "summary",
        "steps",
        "node",
        "nics",
        "after",
        "problems",
        "reboots",
        "left_alone",
    ]
    nic = data["nics"][0]
    assert list(nic) == ["nic", "name", "plugin", "release", "cost", "steps", "later", "problems", "reboots"]
    assert {"kind", "summary", "cost", "why", "nic"} <= set(nic["steps"][0])


def test_many_vfs_take_few_lines_and_json_holds_them_all(cli: Cli, xl710: Path, files: Files) -> None:
    policy = files.policy(nicSelector={"pfNames": ["ens803f0"]}, numVfs=60)
    lines = cli("plan", "-f", policy, "--host", xl710).out.splitlines()
    assert "    3-62  vf0-vf59: admin MAC -> 60 lasting addresses, one each" in lines
    assert "  63-122  vf0-vf59: kernel driver none -> vfio-pci" in lines
    steps = cli("plan", "-f", policy, "--host", xl710, "-o", "json").data["nics"][0]["steps"]
    assert len({step["mac"] for step in steps if step["kind"] == "set-vf-mac"}) == 60


def test_the_order_of_files_and_documents_does_not_matter(cli: Cli, igb: Path, files: Files) -> None:
    one = files.policy("one", nicSelector={"pfNames": ["enp1s0#0-1"]})
    two = files.policy("two", nicSelector={"pfNames": ["enp1s0#2-3"]}, deviceType="netdevice")
    forth = cli("plan", "-f", one, "-f", two, "--host", igb).out
    assert cli("plan", "-f", two, "-f", one, "--host", igb).out == forth


def plain(device_type: str) -> str:
    return policy_text("plain", nicSelector={"pfNames": ["enp1s0#2-3"]}, deviceType=device_type)
