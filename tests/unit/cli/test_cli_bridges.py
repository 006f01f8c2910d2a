"""Bridges of policies and node states, from the files to a machine that has them and back."""

from pathlib import Path

import pytest
from cli_runs import Cli, Files, policy_text

CARD = "mellanox-connectx6dx.yaml"
PF = "0000:d8:00.0"
BRIDGE = "br-0000_d8_00.0"
STATE = f"""
apiVersion: sriovnetwork.openshift.io/v1
kind: SriovNetworkNodeState
metadata: {{name: node1}}
spec:
  bridges:
    ovs:
    - {{name: {BRIDGE}, uplinks: [{{pciAddress: "{PF}", name: enp216s0f0np0}}]}}
"""


@pytest.fixture
def card() -> Path:
    """A machine with such a card and Open vSwitch."""
    return Path(__file__).parents[2] / "trees" / CARD


def wish(**spec: object) -> str:
    fields = {"bridge": {"ovs": {}}, "eSwitchMode": "switchdev", "deviceType": None, "numVfs": 2}
    return policy_text("flows", **{**fields, "nicSelector": {"rootDevices": [PF]}, **spec})


def bridge_lines(out: str) -> list[str]:
    """What is said of bridges, without costs: a plan tells its steps, and doing them tells them again."""
    told = (line.partition("bridge ")[2].partition("  [")[0] for line in out.splitlines() if "  bridge " in line)
    return list(dict.fromkeys(told))


def test_a_policy_s_bridge_is_made_kept_changed_and_given_back(
    cli: Cli, card: Path, files: Files, tmp_path: Path
) -> None:
    saved, journal = tmp_path / "after.yaml", tmp_path / "journal.json"
    kept = ("--save", saved, "--journal", journal, "--max-cost", "drain", "--yes")
    policy = files.write(wish())
    made = cli("apply", "-f", policy, "--host", card, *kept)
    assert (made.code, bridge_lines(made.out)) == (0, [f"{BRIDGE}: none -> uplink enp216s0f0np0"])
    again = cli("plan", "-f", policy, "--host", saved, "--journal", journal)
    assert (again.code, bridge_lines(again.out)) == (0, [])
    files.write(wish(bridge={"ovs": {"bridge": {"failMode": "secure"}}}))
    changed = cli("apply", "-f", policy, "--host", saved, *kept)
    again = f"{BRIDGE}: uplink enp216s0f0np0 -> uplink enp216s0f0np0"
    assert (changed.code, bridge_lines(changed.out)) == (0, [again])
    back = cli("reset", "--all", "--host", saved, *kept)
    assert (back.code, bridge_lines(back.out)) == (0, [f"{BRIDGE}: uplink enp216s0f0np0 -> none"])
    assert f"detach from bridge {BRIDGE}" in back.out
    plain = files.write(policy_text(nicSelector={"rootDevices": [PF]}))
    assert "bridge" not in cli("plan", "-f", plain, "--host", saved, "--journal", journal).out


def test_a_host_without_open_vswitch_is_told_what_is_missing(cli: Cli, card: Path, files: Files) -> None:
    host = files.write(card.read_text().replace("  ovs: {service: ovs-vswitchd.service}\n", ""), "host.yaml")
    ran = cli("plan", "-f", files.write(wish()), "--host", host)
    assert ran.code == 1
    assert f"no-open-vswitch: bridge {BRIDGE} is wished for, and this host has no Open vSwitch" in ran.out


def test_a_bridge_of_a_policy_and_of_a_node_state_is_one_too_many(cli: Cli, card: Path, files: Files) -> None:
    policy, state = files.write(wish()), files.write(STATE, "state.yaml")
    ran = cli("plan", "-f", policy, "-f", state, "--host", card)
    text = f"bridge {BRIDGE} is wished for twice, by a policy and {state}, document 1. Leave out one of the two"
    assert (ran.code, ran.errors) == (1, [text])


def test_a_node_state_s_bridge_is_a_wish(cli: Cli, card: Path, files: Files) -> None:
    ran = cli("plan", "-f", files.write(STATE), "--host", card)
    assert (ran.code, bridge_lines(ran.out)) == (2, [f"{BRIDGE}: none -> uplink enp216s0f0np0"])
