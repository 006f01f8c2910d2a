"""The suite is only as good as the bugs it catches: each planted one must fail the test that is named beside it."""

import sys

import planted_bugs as planted
import pytest

from sriov_core.testing import trees
from sriov_core.testing.conformance import DriverConformance

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


def run(test, plugin):
    """Call one test of the suite for a plugin, as pytest would."""
    suite = type("Suite", (DriverConformance,), {"plugin": plugin, "samples": (SAMPLE,)})()
    method = getattr(suite, test)
    return method(SAMPLE) if "sample" in method.__code__.co_varnames[: method.__code__.co_argcount] else method()


@pytest.mark.parametrize(("bug", "test", "message"), CAUGHT, ids=[bug.__name__ for bug, _, _ in CAUGHT])
def test_a_planted_bug_fails_the_test_that_is_there_for_it(bug, test, message):
    with pytest.raises(BaseException, match=message):  # Impure and Wrote are no Exceptions, on purpose
        run(test, bug())


@pytest.mark.parametrize("test", sorted({test for _, test, _ in CAUGHT}))
def test_the_driver_without_a_bug_passes(test):
    run(test, planted.acme())


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
