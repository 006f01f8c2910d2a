"""``sriov-core explain``: why each policy takes each NIC or does not, and who won which VFs. Reads only."""

from collections.abc import Iterator
from typing import Any

import click

from sriov_core.cli.machine import open_machine
from sriov_core.cli.options import Settings, file_option, host_options, output_options
from sriov_core.cli.screen import Block, Line, Session, Table, Tone
from sriov_core.cli.wish import Wish, read_input, wish_for
from sriov_core.model.codec import to_builtins
from sriov_core.model.desired import NicSpec
from sriov_core.policy.explain import lines
from sriov_core.policy.verdict import Summary, Verdict


@click.command("explain", short_help="why policies take NICs or do not")
@file_option
@host_options
@output_options
@click.pass_obj
def verb(session: Session, files: tuple[str, ...], settings: Settings) -> int:
    """Tell for each policy and NIC: taken, displaced by whom, or which field does not match; then who won.

    Exit code: 0, or 1 for invalid input or a NIC that cannot be served.
    """
    given = read_input(files)
    machine = open_machine(settings, given.pins)
    snapshot = machine.engine.snapshot()
    wish = wish_for(given, snapshot, machine.engine.remembered(snapshot).nics)
    for note in given.notes:
        session.note(note)
    session.show(lambda: blocks(wish), lambda: data(wish))
    return 1 if wish.problems else 0


def blocks(wish: Wish) -> Iterator[Block]:
    """The story policy by policy, then a row for each range of VFs with its winner."""
    for line in lines(wish.rendering):
        tone = Tone.STRONG if line.startswith("policy ") else Tone.FAIL if not line.startswith(" ") else Tone.PLAIN
        yield Line(line, tone)
    refused = {problem.nic for problem in wish.problems if problem.nic}
    rows = tuple(row for nic in wish.spec.nics if nic.address not in refused for row in _won(nic))
    yield Line()
    if rows:
        yield Table(("NIC", "NAME", "VFS", "WON BY", "RESOURCE", "TYPE"), rows)
    elif refused:
        yield Line("no VFs are won: no NIC that is selected can be served", Tone.FAIL)
    else:
        yield Line("no VFs are asked for on this machine")


def data(wish: Wish) -> dict[str, Any]:
    """The same for programs; the keys are listed in docs/cli.md."""
    return {
        "policies": [_summary(summary) for summary in wish.rendering.summaries],
        "nics": [to_builtins(nic) for nic in wish.spec.nics],
        "problems": [to_builtins(problem) for problem in wish.problems],
    }


def _won(nic: NicSpec) -> Iterator[tuple[str, ...]]:
    for group in sorted(nic.groups, key=lambda group: group.first):
        winner = f"policy {group.policy_name}" if group.policy_name else "node state"
        yield (str(nic.address), nic.name, group.vf_range, winner, group.resource_name, group.device_type.value)
    grouped = sum(group.last - group.first + 1 for group in nic.groups)
    if grouped < nic.num_vfs:
        yield (str(nic.address), nic.name, f"{nic.num_vfs - grouped} others", "nobody", "-", "netdevice")


def _summary(summary: Summary) -> dict[str, Any]:
    return {
        "policy": summary.policy,
        "priority": summary.priority,
        "skipped": summary.skipped,
        "faults": [str(fault) for fault in summary.faults],
        "verdicts": [_verdict(verdict) for verdict in summary.verdicts],
        "nearest": [str(verdict.nic) for verdict in summary.nearest],
        "notes": list(summary.notes),
    }


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {
        "nic": str(verdict.nic),
        "name": verdict.nic_name,
        "outcome": verdict.outcome.value,
        "vfs": [group.vf_range for group in verdict.groups],
        "reason": verdict.reason,
    }
