"""Bad input: the exact message, exit code 1, and nothing changed; `plan` and `apply` answer alike."""

import os
from pathlib import Path

import pytest
from cli_runs import Cli, Files, policy_text

START = 'A document starts with "apiVersion: sriovnetwork.openshift.io/v1" and "kind: SriovNetworkNodePolicy"'
PF_0 = "policy fast: spec.nicSelector.pfNames[0]:"


def names(*entries: str) -> dict[str, list[str]]:
    return {"pfNames": list(entries)}


OVERLAPPING = {"a": "enp1s0#0-2", "b": "enp1s0#2-3"}
BAD = {
    "an-unknown-field": (
        policy_text(mtuu=9000),
        "policy.yaml, document 1: spec.mtuu: unknown field. Did you mean mtu?",
    ),
    "a-misspelled-field": (
        policy_text(nicSelector={"pfName": ["enp1s0"]}),
        "policy.yaml, document 1: spec.nicSelector.pfName: unknown field. Did you mean pfNames?",
    ),
    "a-range-without-its-end": (
        policy_text(nicSelector=names("enp1s0#5")),
        f"{PF_0} 'enp1s0#5': the range '5' has no '-'. Write 5-5 for that one VF",
    ),
    "a-range-of-letters": (
        policy_text(nicSelector=names("enp1s0#a-c")),
        (
            f"{PF_0} 'enp1s0#a-c': the range 'a-c' has 'a' where the index of a VF belongs. "
            "Write it as first-last, as in 0-3"
        ),
    ),
    "a-range-backwards": (
        policy_text(nicSelector=names("enp1s0#3-1")),
        f"{PF_0} 'enp1s0#3-1': the range '3-1' ends before it starts. Write 1-3",
    ),
    "a-range-beyond-numvfs": (
        policy_text(nicSelector=names("enp1s0#0-4")),
        (
            f"{PF_0} 'enp1s0#0-4': the range ends at VF 4, and numVfs 4 gives VFs 0 to 3. "
            "Raise numVfs or shorten the range"
        ),
    ),
    "more-vfs-than-the-card-has": (
        policy_text(numVfs=8),
        "0000:01:00.0: policy fast: 8 VFs of enp1s0 are wanted, it has at most 7. Lower numVfs to 7 or less",
    ),
    "overlapping-groups": (
        "\n---\n".join(policy_text(name, nicSelector=names(vfs)) for name, vfs in OVERLAPPING.items()),
        (
            "0000:01:00.0: policies a and b both have priority 99 and claim VFs of enp1s0 that overlap: 0-2 and 2-3. "
            "Give them ranges that do not overlap (pfNames), or different priorities"
        ),
    ),
    "an-mtu-beyond-the-card": (
        policy_text(mtu=9300),
        "0000:01:00.0: MTU 9300 is wanted, the card takes 68 to 9216. Ask for an MTU between 68 and 9216",
    ),
    "an-mtu-beyond-ethernet": (
        policy_text(mtu=70000),
        "policy fast: spec.mtu: found 70000, at most 65535 is possible. Write a smaller number",
    ),
    "vdpa-without-switchdev": (
        policy_text(deviceType="netdevice", vdpaType="virtio"),
        (
            "policy fast: spec.vdpaType: vdpaType virtio needs eSwitchMode switchdev, found none, which is legacy. "
            "Add eSwitchMode: switchdev, or drop vdpaType"
        ),
    ),
    "switchdev-on-a-card-without-eswitch": (
        policy_text(eSwitchMode="switchdev"),
        (
            "0000:01:00.0: eswitch mode switchdev is wanted, but igb offers no devlink eswitch. "
            "Use eSwitchMode legacy on this card"
        ),
    ),
    "a-pf-that-does-not-exist": (
        policy_text(nicSelector=names("enp1s1")),
        f"{PF_0} this machine has no PF enp1s1. Did you mean enp1s0?",
    ),
    "a-path-in-a-name": (
        policy_text(nicSelector=names("../../etc")),
        f"{PF_0} '../../etc' is a path, not a name. Write the PF's name, as `ip link` shows it",
    ),
    "yaml-that-is-no-mapping": (
        "- a\n- b\n",
        f"policy.yaml, document 1: found a list, wanted a mapping. {START}",
    ),
    "no-yaml": (
        "a: [\n",
        (
            "policy.yaml, document 1, line 2, column 1: no YAML (did not find expected node content, while parsing a "
            "flow node). Correct the YAML there; indentation is by blanks, never by tabs"
        ),
    ),
    "an-empty-file": ("", f"policy.yaml: the file is empty. {START}"),
    "only-comments": ("# nothing\n---\n", f"policy.yaml: the file is empty. {START}"),
    "a-kind-that-is-no-wish": (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: sample}\n",
        (
            "policy.yaml: no policy and no node state (found: Pod). "
            "Give a SriovNetworkNodePolicy or a SriovNetworkNodeState"
        ),
    ),
    "a-negative-count": (
        policy_text(numVfs=-1),
        "policy.yaml, document 1: spec.numVfs: found -1, wanted 0 or more. Write a number within that range",
    ),
    "a-number-in-quotes": (
        policy_text(numVfs="4"),
        "policy.yaml, document 1: spec.numVfs: found the text '4', wanted an integer. Write it without quotes",
    ),
    "bytes-that-are-no-text": (
        b"\xff\xfe\x00",
        "policy.yaml is no text (byte 0 is not UTF-8). Save the file as UTF-8",
    ),
}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Messages name files as they were typed, so that they can be compared."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize(("text", "message"), BAD.values(), ids=BAD)
def test_a_bad_policy_is_answered_with_its_mistake_and_changes_nothing(
    cli: Cli, igb: Path, here: Path, text: str | bytes, message: str
) -> None:
    (here / "policy.yaml").write_bytes(text.encode() if isinstance(text, str) else text)
    ran = cli("apply", "--yes", "-f", "policy.yaml", "--host", igb, "--journal", "journal.json", "--save", "after.yaml")
    assert ran.code == 1
    assert ran.errors[0] == message
    assert sorted(os.listdir(here)) == ["policy.yaml"], "neither a journal nor a changed machine was written"


@pytest.mark.parametrize(("text", "message"), BAD.values(), ids=BAD)
def test_plan_says_the_same_of_a_bad_policy_and_exits_with_1(
    cli: Cli, igb: Path, here: Path, text: str | bytes, message: str
) -> None:
    (here / "policy.yaml").write_bytes(text.encode() if isinstance(text, str) else text)
    ran = cli("plan", "-f", "policy.yaml", "--host", igb)
    assert ran.code == 1
    told = " ".join((ran.out + ran.err).replace("remedy:", "").replace("\n", " ").split())
    for sentence in message.removeprefix("0000:01:00.0: ").split(". "):
        assert sentence in told


MISSING = {
    "a-missing-file": ("nowhere.yaml", "cannot read nowhere.yaml: No such file or directory"),
    "a-directory": (".", ". is a directory. Name the files in it one by one"),
    "a-nul-in-the-name": ("a\0b", "cannot read a?b: embedded null byte"),
}


@pytest.mark.parametrize("verb", ["plan", "apply", "explain"])
@pytest.mark.parametrize(("name", "message"), MISSING.values(), ids=MISSING)
@pytest.mark.usefixtures("here")
def test_a_file_that_cannot_be_read_is_an_error(cli: Cli, igb: Path, verb: str, name: str, message: str) -> None:
    ran = cli(verb, "-f", name, "--host", igb)
    assert (ran.code, ran.errors) == (1, [message])


def test_a_file_given_twice_is_an_error(cli: Cli, igb: Path, files: Files) -> None:
    path = files.policy()
    ran = cli("plan", "-f", path, "-f", path, "--host", igb)
    assert (ran.code, ran.errors) == (1, [f"-f {path} is given twice"])


def test_the_standard_input_must_be_text(cli: Cli, igb: Path) -> None:
    ran = cli("plan", "-f", "-", "--host", igb, stdin=b"\xff")
    assert (ran.code, ran.errors) == (1, ["standard input is no text (byte 0 is not UTF-8)"])


def test_a_policy_and_a_node_state_for_one_nic_are_an_error(cli: Cli, files: Files, manifests: Path) -> None:
    policy, state = manifests / "vfio-policy.yaml", manifests / "nodestate-xl710.yaml"
    ran = cli("plan", "-f", policy, "-f", state, "--host", state)
    place = f"policy policy-1 and {state}, document 1"
    assert (ran.code, ran.errors) == (
        1,
        [f"0000:86:00.0 is wished for twice, by {place}. Leave out one of the two"],
    )


def test_every_mistake_of_a_file_gets_a_line_of_its_own(cli: Cli, igb: Path, files: Files) -> None:
    path = files.policy(mtuu=1, numVfs="4")
    ran = cli("plan", "-f", path, "--host", igb)
    assert len(ran.errors) == 2


@pytest.mark.parametrize(('access', 'message'), {
    "user": "apply changes kernel settings and needs root, but this process runs as user id 1000. Nothing was changed. "
    "Run it with sudo; `sriov-core plan` shows without root what would be done",
    "read-only-sysfs": "apply writes to /sys, which is mounted read-only here. Nothing was changed. "
    "In a container, run it privileged or mount /sys writable",
}.items())  # fmt: skip
def test_without_the_rights_apply_says_so_before_it_does_anything(
    cli: Cli, igb: Path, files: Files, access: str, message: str
) -> None:
    host = files.write(
        igb.read_text().replace("  kernel: 6.12.95", f"  kernel: 6.12.95\n  access: {access}"), "host.yaml"
    )
    policy = files.policy()
    ran = cli("apply", "-y", "-f", policy, "--host", host, "--save", files.folder / "after.yaml")
    assert (ran.code, ran.errors) == (1, [message])
    assert not (files.folder / "after.yaml").exists()
    assert cli("plan", "-f", policy, "--host", host).code == 2, "plan needs no rights"
