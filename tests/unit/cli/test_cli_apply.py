"""`apply` and `reset`: agree, do, tell what was read back; on machines in memory, the state is what is compared."""

import errno
import json
import threading
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest
from cli_runs import Cli, Files

from sriov_core.cli.approval import Approval
from sriov_core.cli.carryout import Run, carry_out, tell
from sriov_core.cli.keeping import heal
from sriov_core.cli.machine import Machine, open_machine
from sriov_core.cli.options import Settings
from sriov_core.cli.progress import Progress
from sriov_core.cli.screen import Block, Format, Session
from sriov_core.cli.wish import read_input, wish_for
from sriov_core.errors import SpecError, SriovError
from sriov_core.model.address import Address
from sriov_core.model.plan import Cost, Plan, PlannedStep, Problem, Reboot
from sriov_core.model.steps import SetNumVfs
from sriov_core.testing import trees
from sriov_core.testing.tree import Tree
from sriov_core.testing.world import FakeWorld

PF = Address("0000:01:00.0")


def tree(path: Path) -> Tree:
    return trees.load(path)


def drivers(path: Path) -> list[str | None]:
    sriov = tree(path).functions[0].sriov
    assert sriov
    return [vf.kernel_driver for vf in sriov.vfs]


def test_apply_does_the_plan_and_says_what_was_read_back(cli: Cli, igb: Path, files: Files, tmp_path: Path) -> None:
    saved = tmp_path / "after.yaml"
    ran = cli("apply", "--yes", "-f", files.policy(mtu=9000), "--host", igb, "--save", saved)
    lines = ran.out.splitlines()
    assert ran.code == 0
    assert drivers(saved) == ["vfio-pci"] * 4
    assert lines[-1] == "  0000:01:00.0 (enp1s0): 4 VFs (vf0-vf3 on vfio-pci), MTU 9000, link up, eswitch legacy"
    assert lines[-2].startswith("done: 13 steps in ")
    assert sum(line.startswith("[") for line in lines) == 13, "one line per step when piped"
    assert f"simulated machine ({igb})" in ran.err


def test_a_second_apply_finds_nothing_to_do(cli: Cli, igb: Path, files: Files, tmp_path: Path) -> None:
    once, twice = tmp_path / "once.yaml", tmp_path / "twice.yaml"
    policy = files.policy()
    cli("apply", "-y", "-f", policy, "--host", igb, "--save", once)
    ran = cli("apply", "-f", policy, "--host", once, "--save", twice)
    assert (ran.code, ran.out.splitlines()[0]) == (0, "nothing to do: the machine is as wished")
    assert once.read_text() == twice.read_text()


def test_without_a_terminal_and_without_yes_nothing_is_changed(cli: Cli, igb: Path, files: Files) -> None:
    ran = cli("apply", "-f", files.policy(), "--host", igb)
    assert (ran.code, ran.errors) == (
        1,
        [
            (
                "apply asks before it changes anything, and the standard input is no terminal. Nothing was changed. "
                "Say --yes, or look with `sriov-core plan`"
            )
        ],
    )
    assert "VFs 0 -> 4" in ran.out, "the plan is shown all the same"


def test_events_are_json_lines_and_the_result_is_the_last(cli: Cli, igb: Path, files: Files) -> None:
    stream = cli("apply", "-y", "-o", "json", "-f", files.policy(), "--host", igb).stream
    events, result = stream[:-1], stream[-1]["result"]
    assert {tuple(event) for event in events} == {("event", "step", "seconds", "error")}
    assert [event["event"] for event in events[:2]] == ["started", "done"]
    assert list(result) == [
        "outcome",
        "steps_done",
        "seconds",
        "plan",
        "left_to_do",
        "nics",
        "failures",
        "still_different",
        "reboots",
    ]
    assert (result["outcome"], result["steps_done"]) == ("converged", 12)
    assert len(result["nics"][0]["vfs"]) == 4


def test_yaml_gives_the_result_alone(cli: Cli, igb: Path, files: Files) -> None:
    yaml = pytest.importorskip("yaml")
    ran = cli("apply", "-y", "-o", "yaml", "-f", files.policy(), "--host", igb)
    assert yaml.safe_load(ran.out)["result"]["outcome"] == "converged"


def test_vfs_in_use_are_not_cut_off_unless_drain_is_allowed(cli: Cli, igb: Path, files: Files, tmp_path: Path) -> None:
    held = in_use(cli, igb, files, tmp_path)
    seven = files.policy("seven", numVfs=7)
    ran = cli("apply", "-y", "-f", seven, "--host", held)
    assert ran.code == 1
    assert ran.errors == [
        (
            "the plan costs more than --max-cost vf-loss allows: 0000:01:00.0: VFs 4 -> 0 costs drain (vf1 is used by "
            "network namespace pod-a). Nothing was changed. Allow it with --max-cost drain"
        )
    ]
    after = tmp_path / "after.yaml"
    assert cli("apply", "-y", "--max-cost", "drain", "-f", seven, "--host", held, "--save", after).code == 0
    assert len(drivers(after)) == 7


def test_a_reboot_is_prepared_only_when_allowed_and_then_exits_with_2(
    cli: Cli, igb: Path, files: Files, tmp_path: Path
) -> None:
    host, after = igb.with_name("intel-82576-without-iommu.yaml"), tmp_path / "after.yaml"
    policy = files.policy()
    refused = cli("apply", "-y", "-f", policy, "--host", host)
    assert refused.code == 1
    assert refused.errors[0].startswith("the plan costs more than --max-cost vf-loss allows: node: kernel argument")
    done = cli("apply", "-y", "--max-cost", "reboot", "-f", policy, "--host", host, "--save", after)
    assert done.code == 2
    assert done.out.splitlines()[-1].startswith("reboot needed: vfio-pci needs an IOMMU")
    assert tree(after).node.next_cmdline[-2:] == ["intel_iommu=on", "iommu=pt"]
    assert drivers(after) == []


def test_prune_gives_back_what_the_wish_leaves_out(cli: Cli, xl710: Path, files: Files, tmp_path: Path) -> None:
    journal, saved = tmp_path / "journal.json", tmp_path / "after.yaml"
    where = ("--journal", journal, "--save", saved)
    cli("apply", "-y", "-f", files.policy("both", nicSelector={"vendor": "8086"}), "--host", xl710, *where)
    one = files.policy("one", nicSelector={"pfNames": ["ens803f0"]})
    ran = cli("apply", "-y", "--prune", "-f", one, "--host", saved, *where)
    assert ran.code == 0
    second = tree(saved).functions[1].sriov
    assert second
    assert second.vfs == []
    assert list(json.loads(journal.read_text())["nics"]) == ["0000:86:00.0"]


def test_reset_gives_a_nic_back_as_it_was(cli: Cli, igb: Path, files: Files, tmp_path: Path) -> None:
    journal, saved = tmp_path / "journal.json", tmp_path / "after.yaml"
    where = ("--journal", journal, "--save", saved)
    cli("apply", "-y", "-f", files.policy(mtu=9000), "--host", igb, *where)
    ran = cli("reset", "-y", "enp1s0", "--host", saved, "--journal", journal, "-o", "json")
    result = ran.stream[-1]["result"]
    assert (ran.code, result["outcome"]) == (0, "converged")
    nic = result["nics"][0]
    assert (nic["num_vfs"], nic["mtu"], nic["link_up"]) == (0, 1500, False)
    assert json.loads(journal.read_text())["nics"] == {}


def test_reset_of_everything_with_nothing_configured_does_nothing(cli: Cli, igb: Path) -> None:
    ran = cli("reset", "--all", "--host", igb)
    assert (ran.code, ran.out) == (0, "nothing is remembered of this machine, so nothing was given back\n")
    assert ran.errors == []


def test_reset_of_everything_without_the_journal_says_what_stays(
    cli: Cli, igb: Path, files: Files, tmp_path: Path
) -> None:
    saved, journal = tmp_path / "after.yaml", tmp_path / "journal.json"
    cli("apply", "-y", "-f", files.policy(), "--host", igb, "--save", saved)
    lost = cli("reset", "--all", "--host", saved, "--journal", journal)
    stay = "nothing is remembered and there is no journal, so nothing was given back; 4 VFs of enp1s0 stay"
    assert (lost.code, lost.errors) == (1, [f"{stay}. If the journal is elsewhere, name it with --journal"])
    journal.write_text('{"format": 1}')
    assert cli("reset", "--all", "--host", saved, "--journal", journal).code == 0, "what was ours was given back before"


def test_a_nic_that_is_itself_a_vf_does_not_stay_behind(cli: Cli, igb: Path) -> None:
    ran = cli("reset", "--all", "--host", igb.with_name("virtio-vm.yaml"))
    assert (ran.code, ran.errors) == (0, [])


def test_a_simulated_result_that_is_thrown_away_is_told(cli: Cli, igb: Path, files: Files, tmp_path: Path) -> None:
    note = "note: the result is not kept; --save FILE keeps it"
    saved = tmp_path / "after.yaml"
    assert note in cli("apply", "-y", "-f", files.policy(), "--host", igb).err
    assert note not in cli("apply", "-y", "-f", files.policy(), "--host", igb, "--save", saved).err
    assert note not in cli("apply", "-y", "-f", files.policy(), "--host", saved).err, "nothing was done"


def test_the_copy_of_a_journal_in_a_support_bundle_is_told_as_one(
    cli: Cli, igb: Path, files: Files, tmp_path: Path
) -> None:
    copy = files.write('{"path": "/var/lib/sriov-core/journal.json", "content": {"nics": {}}}', "journal.json")
    ran = cli("reset", "-y", "--all", "--host", igb, "--journal", copy)
    told = f"{copy} is the redacted copy of a journal, out of a support bundle, and cannot be used as one"
    assert (ran.code, ran.errors) == (1, [f"{told}. Name the journal itself, on its own machine"])


RESET_MISUSED = {
    "nothing-named": ((), "reset needs one of: the NICs to give back, --all, or --forget ADDRESS"),
    "two-at-once": (("enp1s0", "--all"), "reset needs one of: the NICs to give back, --all, or --forget ADDRESS"),
    "not-ours": (
        ("enp1s0",),
        "enp1s0 was not configured by sriov-core, so there is nothing to give back. Configured: none",
    ),
    "nothing-remembered": (
        ("--forget", "0000:01:00.0"),
        "nothing is remembered of 0000:01:00.0. Remembered: none",
    ),
    "no-address": (
        ("--forget", "enp1s0"),
        (
            "Invalid value for '--forget': 'enp1s0' is no device address; one looks like 0000:3b:00.0. "
            "See `sriov-core reset --help`"
        ),
    ),
}


@pytest.mark.parametrize(("words", "message"), RESET_MISUSED.values(), ids=RESET_MISUSED)
def test_a_misused_reset_is_an_error(cli: Cli, igb: Path, words: tuple[str, ...], message: str) -> None:
    ran = cli("reset", *words, "--host", igb)
    assert (ran.code, ran.errors) == (1, [message])


def test_forget_drops_the_record_and_leaves_the_nic(cli: Cli, igb: Path, files: Files, tmp_path: Path) -> None:
    journal, saved = tmp_path / "journal.json", tmp_path / "after.yaml"
    cli("apply", "-y", "-f", files.policy(), "--host", igb, "--journal", journal, "--save", saved)
    before = saved.read_text()
    ran = cli("reset", "--forget", "0000:01:00.0", "--host", saved, "--journal", journal)
    assert ran.code == 0
    assert json.loads(journal.read_text())["nics"] == {}
    assert saved.read_text() == before


def test_watch_needs_a_real_machine(cli: Cli, igb: Path, files: Files, tmp_path: Path) -> None:
    journal = tmp_path / "journal.json"
    ran = cli("apply", "-y", "--watch", "-f", files.policy(), "--host", igb, "--journal", journal)
    assert (ran.code, ran.errors) == (
        1,
        ["--watch needs a real machine: nobody but this process changes a simulated one"],
    )
    assert not journal.exists()


def test_a_failed_step_is_named_with_its_error_and_what_is_still_different(
    igb: Path, files: Files, capsys: pytest.CaptureFixture[str]
) -> None:
    machine, run = ready(igb, files.policy())
    host = machine.host
    assert isinstance(host, FakeWorld)
    host.fail(lambda verb: verb.name == "bind", errno.ENODEV)
    session = Session()
    assert tell(carry_out(machine, run, session), session) == 1
    captured = capsys.readouterr()
    assert "FAILED  0000:01:00.0 vf0: kernel driver none -> vfio-pci" in captured.out
    assert "still different: 0000:01:00.0 vf0: kernel driver is none, wanted vfio-pci" in captured.out
    assert captured.err.startswith("note: simulated")
    assert "error: step '0000:01:00.0 vf0: kernel driver none -> vfio-pci' failed: " in captured.err
    assert "ENODEV" in captured.err


def test_apply_after_a_failure_takes_up_where_it_ended(
    igb: Path, files: Files, capsys: pytest.CaptureFixture[str]
) -> None:
    machine, run = ready(igb, files.policy())
    host = machine.host
    assert isinstance(host, FakeWorld)
    host.fail(lambda verb: verb.name == "bind" and str(verb.target) == "0000:01:10.4", errno.EIO)
    session = Session(format=Format.YAML)
    assert tell(carry_out(machine, run, session), session) == 1
    host.heal()
    second = carry_out(machine, run, session)
    assert second.end.value == "converged"
    assert next(planned.step.describe() for planned in second.result.first.steps) == (
        "0000:01:00.0 vf2: kernel driver none -> vfio-pci"
    )
    capsys.readouterr()


def test_a_later_plan_is_asked_about_again_only_when_it_costs_more() -> None:
    approval = Approval(session=Session(format=Format.JSON), verb="apply", max_cost=Cost.VF_LOSS, yes=True)
    approval(plan(Cost.LINK_FLAP))
    approval(plan(Cost.NONE))
    asking = attrs.evolve(approval, yes=False)
    asking(plan(Cost.NONE))
    with pytest.raises(SriovError, match="asks before it changes anything"):
        asking(plan(Cost.VF_LOSS))


def test_a_plan_with_a_problem_is_never_agreed_to() -> None:
    approval = Approval(session=Session(format=Format.JSON), verb="apply", max_cost=Cost.REBOOT, yes=True)
    problem = Problem(code="x", text="it cannot be", remedy="Leave it")
    with pytest.raises(SpecError, match=r"it cannot be\. Leave it\n1 problem; nothing was changed"):
        approval(attrs.evolve(plan(Cost.NONE), problems=(problem,)))


def test_a_reboot_without_a_costly_step_is_refused_with_its_reason() -> None:
    approval = Approval(session=Session(format=Format.JSON), verb="apply", max_cost=Cost.DRAIN, yes=True)
    with pytest.raises(SriovError, match="a reboot is needed: firmware takes 8 VFs after it"):
        approval(Plan(reboots=(Reboot(requirement="fw", reason="firmware takes 8 VFs after it"),)))


def plan(cost: Cost) -> Plan:
    return Plan(node=(PlannedStep(step=SetNumVfs(nic=PF, was=0, count=1), cost=cost, why="because"),))


def ready(host: Path, policy: Path) -> tuple[Machine, Run]:
    """A machine in memory and the wish of one policy for it."""
    machine = open_machine(Settings(host=str(host)))
    wish = wish_for(read_input([str(policy)]), machine.engine.snapshot(), {})
    return machine, Run(verb="apply", spec=wish.spec, release=False, max_cost=Cost.VF_LOSS, yes=True)


def in_use(cli: Cli, host: Path, files: Files, folder: Path) -> Path:
    """The machine with 4 netdevice VFs, one of which is in a pod."""
    saved = folder / "used.yaml"
    cli("apply", "-y", "-f", files.policy("net", deviceType="netdevice"), "--host", host, "--save", saved)
    world = FakeWorld(tree(saved))
    world.move_to_namespace(world.vf_addresses(PF)[1], "pod-a")
    saved.write_text(trees.dump_yaml(world.tree()))
    return saved


class Impatient(threading.Event):
    """A stop flag that nobody waits for: the pause after an error takes no time."""

    def wait(self, timeout: float | None = None) -> bool:
        return self.is_set()


class Bell:
    """Changes that happen when they are waited for; after the last one the watch is told to stop."""

    def __init__(self, *acts: Callable[[], None]) -> None:
        self.stop = Impatient()
        self._acts = iter(acts)

    def wait(self, timeout_s: float) -> bool:
        act = next(self._acts, None)
        if act is None:
            self.stop.set()
            return False
        act()
        return True


def test_drift_is_healed_and_told(igb: Path, files: Files, capsys: pytest.CaptureFixture[str]) -> None:
    machine, run = ready(igb, files.policy())
    host = machine.host
    assert isinstance(host, FakeWorld)
    carry_out(machine, run, Session(format=Format.YAML))
    wished = machine.engine.snapshot()
    bell = Bell(lambda: host.zero_behind_our_back(PF), lambda: None)
    heal(machine, run, Session(), bell, bell.stop)
    lines = capsys.readouterr().out.splitlines()
    assert sum(line.startswith("healed drift: ") for line in lines) == 1, "a change that is no drift heals nothing"
    assert lines[-1].endswith("; as wished again")
    assert [vf.kernel_driver for vf in machine.engine.snapshot().nics[0].vfs] == [
        vf.kernel_driver for vf in wished.nics[0].vfs
    ]


def test_drift_that_costs_more_than_allowed_is_told_and_left(
    igb: Path, files: Files, capsys: pytest.CaptureFixture[str]
) -> None:
    machine, run = ready(igb, files.policy(deviceType="netdevice"))
    host = machine.host
    assert isinstance(host, FakeWorld)
    carry_out(machine, run, Session(format=Format.YAML))

    def resized_and_used() -> None:
        host.zero_behind_our_back(PF)
        host.set_num_vfs(PF, 2)
        host.move_to_namespace(host.vf_addresses(PF)[0], "pod-a")

    bell = Bell(resized_and_used)
    heal(machine, run, Session(), bell, bell.stop)
    assert "error: the plan costs more than --max-cost vf-loss allows" in capsys.readouterr().err
    assert len(host.vf_addresses(PF)) == 2


@attrs.define
class GoneAway(Session):
    """A session whose reader has closed the pipe."""

    def say(self, *blocks: Block) -> None:
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")


def test_a_reader_that_goes_away_does_not_stop_the_work_half_way(igb: Path, files: Files) -> None:
    machine, run = ready(igb, files.policy())
    told = Progress(GoneAway())
    result = machine.engine.converge(run.spec, release=False, approve=lambda _: None, on_event=told)
    assert (result.converged, told.done) == (True, 12)
