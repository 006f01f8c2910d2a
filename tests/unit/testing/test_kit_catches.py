"""The suite is only as good as the bugs it catches: each planted one must fail the test that is named beside it."""

import sys
from pathlib import Path

import planted_bugs as planted
import planted_card_bugs as cards
import pytest

from sriov_core.testing import trees
from sriov_core.testing.conformance import DriverConformance

TREES = Path(__file__).parents[2] / "trees"
SAMPLE = trees.load(planted.ACME / "trees" / "acme.yaml")

REACHED = "test_every_state_is_reached_from_every_state"
LOOKING = "test_looking_writes_nothing_and_repeats"
PLANNING = "test_planning_is_pure_repeats_and_leaves_its_arguments_alone"
FORM = "test_its_hooks_have_the_form_of_the_contract"

CAUGHT = [
    (planted.a_missing_phase, "test_it_describes_itself", "must name each of"),
    (planted.an_api_from_the_future, "test_its_api_version_is_accepted", "upgrade sriov-core"),
    (planted.a_default_argument, FORM, "no defaults"),
    (planted.a_misspelled_hook, FORM, "unknown hook 'set_numvfs'"),
    (planted.a_forgotten_marker, FORM, "without @hookimpl"),
    (planted.the_wrong_vendor, "test_it_owns_each_nic_of_the_sample", "goes to generic"),
    (planted.too_greedy, "test_it_owns_no_stranger", "goes to acme"),
    (planted.a_discover_that_writes, LOOKING, "'set_num_vfs' was asked of a host that is there to be looked at"),
    (planted.a_discover_that_opens_sysfs_itself, LOOKING, "open"),
    (planted.looks_that_differ, LOOKING, "two looks"),
    (planted.reading_a_file_while_planning, PLANNING, "open"),
    (planted.a_hidden_process, PLANNING, "subprocess.Popen"),
    (planted.plans_that_differ, PLANNING, "two plans"),
    (planted.the_wrong_order, REACHED, "ends elsewhere"),
    (planted.binding_before_there_are_vfs, REACHED, "ends elsewhere"),
    (planted.a_forgotten_unbind, REACHED, "EBUSY"),
    (planted.resizing_in_switchdev, REACHED, "legacy mode only"),
    (planted.never_satisfied, REACHED, "the second plan is not empty"),
    (planted.another_nic_touched, REACHED, "a step for another device"),
    (planted.a_forgotten_return, REACHED, "EBUSY"),
    (planted.starting_over_for_one_vf, "test_a_vf_that_stays_as_it_is_is_not_touched", "taken away or bound anew"),
    (planted.autoprobe_left_on, "test_a_vf_for_userspace_never_meets_the_default_driver", "was bound to acme_net"),
    (planted.no_lasting_addresses, "test_a_vf_made_anew_has_the_address_it_had", "other addresses"),
    (planted.a_reboot_without_reason, "test_a_reboot_has_a_reason_that_stays_the_same", "neither why nor for what"),
    (planted.a_switch_that_is_not_declared, "test_what_the_driver_did_not_declare_is_refused", "driver-failed"),
]


GUIDS = "test_a_vf_for_rdma_has_a_guid_that_lasts"
REBOOTS = "test_more_vfs_than_the_card_offers_now_take_one_reboot"
SILENT = "test_a_card_that_cannot_be_asked_is_left_as_it_is"
RELEASE = "test_a_release_gives_back_what_was_there"
UNDECLARED = "test_what_the_driver_did_not_declare_is_refused"
CX5, CX6DX, IB = (trees.load(TREES / f"mellanox-connect{name}.yaml") for name in ("x5", "x6dx", "x6-ib"))

CAUGHT_ON_MORE = [
    (cards.no_guids, GUIDS, IB, "ends elsewhere: .* node GUID"),
    (cards.guids_by_turns, GUIDS, IB, "other GUIDs"),
    (cards.vdpa_forgotten, REACHED, CX6DX, "ends elsewhere: .* vDPA"),
    (cards.offloads_left_on, RELEASE, CX6DX, "hw-tc-offload"),
    (cards.an_inspect_that_writes, REACHED, CX5, "'run_tool' was asked of a host that is there to be looked at"),
    (cards.closer_looks_that_differ, LOOKING, CX5, "two closer looks"),
    (cards.firmware_as_wished_to_the_letter, REBOOTS, CX5, "lowering the number of VFs asks for"),
    (cards.a_reboot_each_time, REBOOTS, CX5, "the second plan is not empty: reboot: one more"),
    (cards.a_silent_card_taken_for_a_willing_one, SILENT, CX5, "nobody says so"),
    (cards.a_link_type_that_is_not_declared, UNDECLARED, CX5, "driver-failed"),
]


def run(test, plugin, sample=SAMPLE):
    """Call one test of the suite for a plugin, as pytest would."""
    suite = type("Suite", (DriverConformance,), {"plugin": plugin, "samples": (sample,)})()
    method = getattr(suite, test)
    return method(sample) if "sample" in method.__code__.co_varnames[: method.__code__.co_argcount] else method()


@pytest.mark.parametrize(("bug", "test", "message"), CAUGHT, ids=[bug.__name__ for bug, _, _ in CAUGHT])
def test_a_planted_bug_fails_the_test_that_is_there_for_it(bug, test, message):
    with pytest.raises(BaseException, match=message):  # Impure and Wrote are no Exceptions, on purpose
        run(test, bug())


@pytest.mark.parametrize("test", sorted({test for _, test, _ in CAUGHT}))
def test_the_driver_without_a_bug_passes(test):
    run(test, planted.acme())


@pytest.mark.parametrize(
    ("bug", "test", "sample", "message"), CAUGHT_ON_MORE, ids=[bug.__name__ for bug, *_ in CAUGHT_ON_MORE]
)
def test_a_planted_bug_with_what_only_some_cards_have_is_caught(bug, test, sample, message):
    with pytest.raises(BaseException, match=message):
        run(test, bug(), sample)


@pytest.mark.parametrize(("test", "sample"), [(test, sample) for _, test, sample, _ in CAUGHT_ON_MORE])
def test_the_driver_of_such_cards_passes(test, sample):
    run(test, cards.good_mellanox(), sample)


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("import subprocess; subprocess.run(['true'])", "subprocess.Popen"),
        ("import os; os.listdir('/')", "os.listdir"),
        ("open('/dev/null').close()", "open"),
        ("import socket; socket.socket().close()", "socket"),
    ],
    ids=["process", "listing", "file", "socket"],
)
def test_a_driver_that_does_io_while_it_is_imported_is_caught(line, complaint, tmp_path, monkeypatch):
    name = f"plugin_with_{complaint.partition('.')[2] or complaint}"
    (tmp_path / f"{name}.py").write_text(f"{line}\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(AssertionError, match=complaint):
        run("test_importing_it_touches_nothing", __import__(name))
    del sys.modules[name]


def test_a_suite_without_samples_is_refused():
    suite = type("Suite", (DriverConformance,), {"plugin": planted.acme(), "samples": ()})()
    with pytest.raises(AssertionError, match="at least one tree"):
        suite.pytest_generate_tests(None)
