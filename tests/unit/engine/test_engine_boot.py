"""The phases of a boot: what each leaves of the machine, and what it writes down of its end."""

import errno
import json
import os

import pytest
from boot_machines import BOTH, NO_PRE, PREPARED, Machine, given
from engine_machines import OTHER, PF, WISHED, crashing, failing, remembered, state

from sriov_core.engine import bootfile
from sriov_core.engine.bootresult import Outcome
from sriov_core.engine.journal import Journal
from sriov_core.errors import HostError, JournalError, SpecError
from sriov_core.planning.stages import Stage
from sriov_core.testing.faults import Crash


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def test_pre_leaves_vfs_without_driver_and_post_finishes_them(machine):
    assert machine.pre().outcome is Outcome.SUCCEEDED
    assert state(machine.host) == PREPARED
    assert machine.post().outcome is Outcome.SUCCEEDED
    assert state(machine.host) == WISHED


def test_the_result_is_a_file_that_programs_can_read(machine):
    machine.pre()
    with open(machine.results, encoding="utf-8") as file:
        content = json.load(file)
    assert content == {
        "format": 1,
        "phase": "pre",
        "outcome": "succeeded",
        "words": [],
        "reboots": [],
        "boot_id": machine.host.node().boot_id,
        "generation": given().generation,
        "written_by": bootfile.WRITTEN_BY,
    }


def test_after_a_reboot_both_phases_do_it_again(machine):
    machine.pre()
    machine.post()
    machine.host.reboot()
    assert state(machine.host)["vfs"] == []
    assert machine.written is None
    assert machine.pre().outcome is Outcome.SUCCEEDED
    assert machine.post().words == ()
    assert state(machine.host) == WISHED


def test_run_again_in_the_same_boot_they_find_nothing_to_do(machine):
    machine.pre()
    machine.post()
    before = machine.host.tree()
    assert (machine.pre().outcome, machine.post().outcome) == (Outcome.SUCCEEDED, Outcome.SUCCEEDED)
    assert machine.host.tree() == before


def test_post_alone_does_all_and_says_that_pre_did_not_run(machine):
    found = machine.post()
    assert (found.outcome, found.words) == (Outcome.SUCCEEDED, (NO_PRE,))
    assert state(machine.host) == WISHED


def test_giving_the_nic_back_later_restores_what_was_there_before_pre(machine):
    machine.pre()
    machine.post()
    baseline = remembered(machine.journal).baseline
    assert (baseline.num_vfs, baseline.mtu, baseline.autoprobe) == (0, 1500, True)


def test_a_nic_that_the_wish_does_not_name_any_more_is_left_alone(machine):
    machine.pre(BOTH)
    machine.post(BOTH)
    machine.pre()
    machine.post()
    assert state(machine.host, OTHER) == WISHED


OTHERS_RESULTS = {
    "garbage": "\0",
    "truncated": '{"format": 1, "phase": "pr',
    "of-another-format": '{"format": 2}',
    "of-another-boot": '{"format": 1, "phase": "pre", "outcome": "failed", "words": ["pre: x"], "boot_id": "old"}',
    "with-fields-of-another-kind": '{"format": 1, "phase": 7, "outcome": "failed"}',
    "a-list": "[]",
    "too-deep": "[" * 5000,
}


@pytest.mark.parametrize("text", OTHERS_RESULTS.values(), ids=OTHERS_RESULTS)
def test_a_result_that_is_not_of_this_boot_is_none(machine, text):
    os.makedirs(os.path.dirname(machine.results))
    with open(machine.results, "w", encoding="utf-8") as file:
        file.write(text)
    assert machine.post().words == (NO_PRE,)


def test_pre_of_a_later_boot_replaces_an_old_result_before_it_works(machine):
    machine.pre(SpecError("no good"))
    machine.host.reboot()
    crashing_host, _ = crashing(machine.host, 1, after=False)
    with pytest.raises(Crash):
        machine.pre(host=crashing_host)
    assert (machine.written.phase, machine.written.outcome) == (Stage.PRE, Outcome.IN_PROGRESS)


@pytest.mark.parametrize("ordinal", range(1, 5))
def test_when_pre_was_killed_post_says_so_and_does_all(machine, ordinal):
    crashing_host, _ = crashing(machine.host, ordinal, after=True)
    with pytest.raises(Crash):
        machine.pre(host=crashing_host)
    found = machine.post()
    assert (found.outcome, found.words) == (Outcome.SUCCEEDED, ("pre: it did not come to its end",))
    assert state(machine.host) == WISHED


def test_one_pf_that_fails_costs_neither_the_others_nor_the_next_phase(machine):
    broken = failing(machine.host, lambda verb: verb.name == "set_num_vfs" and verb.target == PF, errno.ENOMEM)
    first = machine.pre(BOTH, host=broken)
    assert first.outcome is Outcome.FAILED
    assert first.words[0].startswith(f"pre: step '{PF}: VFs 0 -> 4' failed: {PF}: set_num_vfs")
    assert state(machine.host, OTHER) == PREPARED
    second = machine.post(BOTH, host=broken)
    assert second.outcome is Outcome.FAILED
    assert [line.partition(":")[0] for line in second.words] == ["pre", "post"]
    assert state(machine.host, OTHER) == WISHED
    assert machine.written == second


def test_what_pre_failed_at_and_post_mended_is_told_and_is_no_failure(machine):
    broken = failing(machine.host, lambda verb: verb.name == "set_num_vfs", errno.EIO)
    first = machine.pre(host=broken)
    second = machine.post()
    again = machine.post()
    assert (first.outcome, second.outcome) == (Outcome.FAILED, Outcome.SUCCEEDED)
    assert first.words == second.words == again.words != ()
    assert state(machine.host) == WISHED


@pytest.mark.parametrize("stage", Stage)
def test_without_a_boot_file_that_can_be_read_nothing_is_changed_and_the_result_says_so(machine, stage):
    before = machine.host.tree()
    found = machine.boot(stage, SpecError("the boot file is damaged\nWrite it anew"))
    assert machine.host.tree() == before
    assert machine.written == found
    assert (found.outcome, found.generation) == (Outcome.FAILED, "")
    assert found.words[-2:] == (f"{stage}: the boot file is damaged", f"{stage}: Write it anew")


def test_a_machine_that_somebody_else_is_changing_is_left_alone(machine):
    before = machine.host.tree()
    with Journal(path=machine.journal.path).exclusive():
        found = machine.pre()
    assert machine.host.tree() == before
    assert found.outcome is Outcome.FAILED
    assert "another sriov-core" in found.words[0]


def test_a_damaged_journal_stops_the_phase_in_words(machine):
    with open(machine.journal.path, "w", encoding="utf-8") as file:
        file.write("{")
    assert machine.pre().words[0].startswith("pre: the journal ")
    with pytest.raises(JournalError):
        machine.journal.read()


def test_a_result_that_cannot_be_written_does_not_keep_the_work_from_being_done(machine, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(HostError, match=r"cannot write the result .*/boot-result\.json: .*\. Make .* writable"):
        machine.pre(results=str(tmp_path / "file" / "boot-result.json"))
    assert state(machine.host) == PREPARED
