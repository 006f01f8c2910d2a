"""What the node reports, from values: states, conditions with their times, and the bodies of requests."""

import attrs
import msgspec
import pytest
from agent_machines import CATALOGUE, DRIVERS, OTHER, PF, Cluster, agent, interface, world

from sriov_core.agent.catalogue import reports
from sriov_core.agent.handshake import Request
from sriov_core.agent.logbook import Logbook
from sriov_core.agent.progress import Progress
from sriov_core.agent.report import OWN_TYPES, Around, broken, own, report, stamped
from sriov_core.agent.seams import NoMeter
from sriov_core.agent.standing import BootStanding, Standing, Trouble, word
from sriov_core.agent.writes import events, node_patch, request_patch, status_body
from sriov_core.api import keys
from sriov_core.api.conditions import Condition
from sriov_core.api.nodestate import NodeStateStatus
from sriov_core.engine.converge import Engine
from sriov_core.engine.execute import Event, Failure, Moment
from sriov_core.engine.journal import Journal
from sriov_core.model.desired import NicSpec, NodeSpec
from sriov_core.model.plan import NicPlan, Plan, PlannedStep, Problem, Reboot
from sriov_core.model.steps import SetNumVfs
from sriov_core.plugin.loading import Catalogue
from sriov_core.plugin.ownership import Refused

NOW, LATER = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"
ENGINE = Engine(host=world(), catalogue=CATALOGUE, drivers=DRIVERS, journal=Journal(path=None))
SNAPSHOT = ENGINE.snapshot()
SPEC = NodeSpec(nics=(NicSpec(address=PF, num_vfs=2),))
STEP = PlannedStep(step=SetNumVfs(nic=PF, was=0, count=2))
MAKES_VFS = Plan(nics=(NicPlan(nic=PF, steps=(STEP,)),))
LATER_PLAN = Plan(nics=(NicPlan(nic=PF, later=(STEP,), reboots=(Reboot(requirement="r", reason="because"),)),))
PROBLEM = Problem(code="no-such-nic", text="it is not here", remedy="Look", nic=PF)
BARRED = Plan(nics=(NicPlan(nic=PF, problems=(PROBLEM,)),))
FAILED = (Failure(step=STEP.step, error="ENOMEM", nic=PF),)
STALE = (Failure(step=STEP.step, error="moved", nic=PF, stale=True),)


def standing(**facts) -> Standing:
    return Standing(**{"snapshot": SNAPSHOT, "spec": SPEC, "generation": 7, **facts})


def said(status, kind, address=None):
    part = next(nic for nic in status.interfaces if nic.pci_address == str(address)) if address else status
    return next((one.status, one.reason) for one in part.conditions if one.type == kind)


# syncStatus, then reason of Ready and status of Ready, Progressing, Degraded: of the node, of the NIC
STATES = {
    "as-wished": ({}, "Succeeded", ("Configured", "True", "False", "False"), ("Configured", "True", "False", "False")),
    "under-way": (
        {"plan": MAKES_VFS, "doing": {PF: "0 of 1 steps done"}},
        "InProgress",
        ("Configuring", "False", "True", "False"),
        ("Configuring", "False", "True", "False"),
    ),
    "waits-for-a-drain": (
        {"plan": MAKES_VFS, "waiting": "drain", "why": "w"},
        "InProgress",
        ("WaitingForDrain", "False", "True", "False"),
        ("WaitingForDrain", "False", "True", "False"),
    ),
    "waits-for-a-reboot": (
        {"plan": LATER_PLAN, "waiting": "reboot", "why": "w"},
        "InProgress",
        ("WaitingForReboot", "False", "True", "False"),
        ("WaitingForReboot", "False", "True", "False"),
    ),
    "not-begun": (
        {"plan": MAKES_VFS},
        "InProgress",
        ("Configuring", "False", "True", "False"),
        ("Configuring", "False", "True", "False"),
    ),
    "a-step-failed": (
        {"plan": MAKES_VFS, "failures": FAILED},
        "Failed",
        ("StepFailed", "False", "True", "True"),
        ("StepFailed", "False", "True", "True"),
    ),
    "a-step-was-stale": (
        {"plan": MAKES_VFS, "failures": STALE},
        "InProgress",
        ("Configuring", "False", "True", "False"),
        ("Configuring", "False", "True", "False"),
    ),
    "cannot-be-done": (
        {"plan": BARRED},
        "Failed",
        ("NoSuchNic", "False", "False", "True"),
        ("NoSuchNic", "False", "False", "True"),
    ),
    "the-node-is-in-trouble": (
        {"troubles": (Trouble("JournalError", "damaged"),)},
        "Failed",
        ("JournalError", "False", "False", "True"),
        ("Configured", "True", "False", "False"),
    ),
}


@pytest.mark.parametrize("row", STATES.values(), ids=STATES)
def test_how_a_standing_is_reported(row):
    facts, sync, node, nic = row
    status = report(standing(**facts), Around())
    assert status.sync_status == sync
    for expected, address in ((node, None), (nic, PF)):
        found = [said(status, kind, address) for kind in ("Ready", "Progressing", "Degraded")]
        assert (found[0][1], *(entry[0] for entry in found)) == expected
    assert [nic.conditions for nic in status.interfaces][1] == (), "nobody wishes anything of the other one"
    assert all(one.observed_generation == 7 for one in status.conditions)


def test_the_text_of_an_error_is_in_the_status_with_what_to_do():
    status = report(standing(plan=BARRED), Around())
    assert status.last_sync_error == f"{PF}: it is not here. Look"
    ready = next(one for one in status.interfaces[0].conditions if one.type == "Ready")
    assert ready.message == status.last_sync_error


def test_the_rows_of_the_plan_are_those_that_people_read():
    now, after = report(standing(plan=MAKES_VFS), Around()), report(standing(plan=LATER_PLAN), Around())
    assert now.interfaces[0].plan == ("1  VFs 0 -> 2",)
    assert after.interfaces[0].plan == ("after the reboot: 1  VFs 0 -> 2",)
    assert report(standing(), Around()).interfaces[0].plan == ()


def test_a_very_long_error_is_cut():
    status = report(standing(troubles=(Trouble("Long", "x" * 100_000),)), Around())
    assert len(status.last_sync_error) < 20_000


BOOTS = {
    "none": (None, None),
    "no-result": (BootStanding(), ("Unknown", "NoResult")),
    "good": (BootStanding(succeeded=True), ("True", "Succeeded")),
    "bad": (BootStanding(succeeded=False, words=("post: bang",)), ("False", "Failed")),
}


@pytest.mark.parametrize("row", BOOTS.values(), ids=BOOTS)
def test_how_the_units_of_the_boot_ended_is_a_condition(row):
    boot, expected = row
    conditions = {one.type: (one.status, one.reason) for one in report(standing(boot=boot), Around()).conditions}
    assert conditions.get("BootConfigured") == expected
    assert set(conditions) <= OWN_TYPES


def test_facts_that_plugins_are_chosen_by_are_reported():
    functions = {function.address: function for function in ENGINE.host.functions()}
    status = report(standing(), Around(functions=functions, plugins=reports(CATALOGUE)))
    first = status.interfaces[0]
    assert (first.pci_class, first.subsystem, first.plugin, status.platform) == (
        "020000",
        "0000:0000",
        "intel",
        "baremetal",
    )
    names = {plugin.name: plugin for plugin in status.plugins}
    assert names["generic"].base
    assert names["intel"].matches[0].vendor == "8086"
    assert "sriov" in names["intel"].capabilities


def test_a_refused_plugin_is_reported_with_why():
    refused = Refused(name="broken", reason="ImportError: x", distribution="other 1.0")
    (plugin,) = reports(Catalogue(loaded=(), refused=(refused,)))
    assert (plugin.name, plugin.version, plugin.refused) == ("broken", "other 1.0", "ImportError: x")


def test_who_has_a_vf_is_reported():
    host, cluster = world(), Cluster()
    cluster.wishes(interface())
    work = agent(host, cluster, assigned=lambda: {host.vf_addresses(PF)[1]: "ns/pod"} if host.vf_addresses(PF) else {})
    work.run()
    assert [vf.assigned for vf in cluster.status.interfaces[0].vfs] == ["", "ns/pod"]


def test_conditions_keep_their_time_until_their_status_changes():
    first = stamped(report(standing(plan=MAKES_VFS), Around()), NodeStateStatus(), NOW)
    assert {one.last_transition_time for one in first.conditions} == {NOW}
    again = stamped(report(standing(plan=MAKES_VFS), Around()), first, LATER)
    assert again == first
    done = stamped(report(standing(), Around()), first, LATER)
    times = {one.type: one.last_transition_time for one in done.interfaces[0].conditions}
    assert times == {"Ready": LATER, "Progressing": LATER, "Degraded": NOW}


def test_conditions_of_others_are_theirs():
    theirs = Condition(type="Drained", status="False", reason="Idle", last_transition_time=NOW)
    mine = stamped(report(standing(), Around()), NodeStateStatus(), NOW)
    current = msgspec.structs.replace(mine, conditions=(theirs, *mine.conditions))
    assert stamped(report(standing(), Around()), current, LATER) == own(current)


def test_a_condition_of_ours_that_is_not_said_any_more_goes():
    booted = stamped(report(standing(boot=BootStanding()), Around()), NodeStateStatus(), NOW)
    now = stamped(report(standing(), Around()), booted, LATER)
    assert "BootConfigured" not in {one.type for one in now.conditions}
    assert now != own(booted)


def test_when_nothing_can_be_seen_the_nics_stay_in_the_report():
    before = stamped(report(standing(), Around()), NodeStateStatus(), NOW)
    blind = broken(before, Trouble("HostError", "no /sys"), 8)
    assert (len(blind.interfaces), blind.sync_status, blind.last_sync_error) == (2, "Failed", "no /sys")


def test_a_report_without_a_look_keeps_how_the_boot_ended():
    before = report(standing(boot=BootStanding(succeeded=True)), Around())
    assert said(broken(before, Trouble("HostError", "no /sys"), 8), "BootConfigured") == ("True", "Succeeded")


def test_while_nothing_is_wrong_degraded_says_so():
    for facts in ({}, {"plan": MAKES_VFS, "waiting": "drain", "why": "w"}):
        degraded = next(one for one in report(standing(**facts), Around()).conditions if one.type == "Degraded")
        assert (degraded.status, degraded.reason, degraded.message) == ("False", "AsExpected", "Nothing is wrong.")


def test_what_is_empty_is_said_so_that_nothing_of_an_earlier_agent_stays():
    body = status_body(NodeStateStatus())["status"]
    assert body == {
        "interfaces": [],
        "plugins": [],
        "unmanaged": [],
        "syncStatus": "",
        "lastSyncError": "",
        "platform": "",
        "bridges": {"ovs": []},
        "system": {"rdmaMode": ""},
    }


def test_a_status_reads_back_as_what_was_written():
    status = stamped(report(standing(plan=BARRED), Around(plugins=reports(CATALOGUE))), NodeStateStatus(), NOW)
    text = msgspec.json.encode(status_body(status)["status"])
    assert msgspec.json.decode(text, type=NodeStateStatus) == status


REQUESTS = {
    "a-drain-is-asked-for": (
        Request.DRAIN,
        Request.IDLE,
        {"desired-state": "Drain_Required", "drain-requested-since": NOW},
    ),
    "another-kind-keeps-its-place": (Request.REBOOT, Request.DRAIN, {"desired-state": "Reboot_Required"}),
    "given-back": (Request.IDLE, Request.DRAIN, {"desired-state": "Idle", "drain-requested-since": None}),
    "the-first-word": (Request.REBOOT, None, {"desired-state": "Reboot_Required", "drain-requested-since": NOW}),
}


@pytest.mark.parametrize("row", REQUESTS.values(), ids=REQUESTS)
def test_a_request_is_written_with_since_when_it_is_asked_for(row):
    request, before, notes = row
    patch = request_patch(request, external=None, before=before, now=NOW)
    found = {key.rpartition("/")[2]: value for key, value in patch["metadata"]["annotations"].items()}
    assert found == notes
    assert node_patch(request) == {"metadata": {"annotations": {keys.NODE_STATE: request.value}}}


def test_nothing_to_say_is_no_patch():
    assert request_patch(None, external=None, before=Request.IDLE, now=NOW) == {}


@pytest.mark.parametrize(
    ("external", "value"), [pytest.param(True, "true", id="on"), pytest.param(False, None, id="off")]
)
def test_who_drains_is_written_apart_from_the_request(external, value):
    patch = request_patch(None, external=external, before=Request.IDLE, now=NOW)
    assert patch["metadata"]["annotations"] == {keys.EXTERNAL_DRAINER: value}


def synced(word_: str, error: str = "") -> NodeStateStatus:
    return NodeStateStatus(sync_status=word_, last_sync_error=error)


EVENTS = {
    "nothing-new": (synced("Succeeded"), synced("Succeeded"), []),
    "the-first-word": (synced(""), synced("Succeeded"), ["Status changed from: Unknown to: Succeeded"]),
    "a-failure": (
        synced("InProgress"),
        synced("Failed", "bang"),
        ["Status changed from: InProgress to: Failed. Last Error: bang", "bang"],
    ),
    "another-failure": (synced("Failed", "bang"), synced("Failed", "boom"), ["boom"]),
    "the-same-failure": (synced("Failed", "bang"), synced("Failed", "bang"), []),
}


@pytest.mark.parametrize("row", EVENTS.values(), ids=EVENTS)
def test_events_tell_of_changes_as_they_are_known(row):
    before, after, notes = row
    told = events(before, after)
    assert [one.note for one in told] == notes
    assert all((one.kind == "Warning") == (one.reason == "ConfigurationFailed") for one in told)


def test_a_code_becomes_one_word():
    assert [word(code) for code in ("no-such-nic", "in-use", "rdma-mode")] == ["NoSuchNic", "InUse", "RdmaMode"]


def test_progress_counts_the_steps_of_each_nic():
    told: list = []
    progress = Progress(MAKES_VFS, NoMeter(), told.append, Logbook())
    assert progress.said() == {PF: "0 of 1 steps done"}
    progress(Event(moment=Moment.STARTED, step=STEP.step))
    assert progress.said() == {PF: "0 of 1 steps done; VFs 0 -> 2"}
    progress(Event(moment=Moment.DONE, step=STEP.step))
    progress(Event(moment=Moment.DONE, step=attrs.evolve(STEP.step, nic=OTHER)))
    assert progress.said() == {PF: "1 of 1 steps done"}
    assert told == [], "not more than once a second"
