"""Which events are new and which raise a count, and the documents that are written."""

import datetime as dt
import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sriov_core.kube.recorder import reference
from sriov_core.kube.series import MOST_KNOWN, Happening, Ledger, Reference, Reporter, cut, event_name

REPORTER = Reporter(component="sriov-core/agent", instance="node-1")
NODE = Reference(api_version="v1", kind="Node", name="node-1", uid="u")
POLICY = Reference(api_version="g/v1", kind="Policy", name="p", namespace="ns")


def happening(note="bad", *, about=POLICY, reason="Failed", action="Apply", second=0):
    at = dt.datetime(2026, 1, 1, 0, 0, second, tzinfo=dt.UTC)
    return Happening(about=about, kind="Warning", reason=reason, action=action, note=note, at=at)


@pytest.fixture
def ledger():
    numbers = itertools.count()
    return Ledger(REPORTER, lambda: f"{next(numbers):04x}")


def test_a_new_event_is_written_as_it_is(ledger):
    creation = ledger.tell(happening(), 0.0)
    assert creation.namespace == "ns"
    assert creation.document == {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": "p.0000", "namespace": "ns"},
        "eventTime": "2026-01-01T00:00:00.000000Z",
        "reportingController": "sriov-core/agent",
        "reportingInstance": "node-1",
        "type": "Warning",
        "reason": "Failed",
        "action": "Apply",
        "note": "bad",
        "regarding": {"apiVersion": "g/v1", "kind": "Policy", "namespace": "ns", "name": "p"},
    }


def test_events_of_the_cluster_go_to_default(ledger):
    creation = ledger.tell(happening(about=NODE), 0.0)
    assert creation.namespace == "default"
    assert "namespace" not in creation.document["regarding"]


@pytest.mark.parametrize(
    ("other", "same"),
    [
        pytest.param(happening(second=30), True, id="later"),
        pytest.param(happening(action="Plan"), True, id="another-action"),
        pytest.param(happening("worse"), False, id="another-note"),
        pytest.param(happening(reason="Degraded"), False, id="another-reason"),
        pytest.param(happening(about=NODE), False, id="another-object"),
    ],
)
def test_the_same_event_is_that_of_object_reason_and_note(ledger, other, same):
    ledger.tell(happening(), 0.0)
    assert (ledger.tell(other, 1.0) is None) == same


def test_counts_are_written_at_most_every_few_seconds(ledger):
    ledger.tell(happening(), 0.0)
    for moment in (0.1, 0.2, 0.3):
        assert ledger.tell(happening(second=9), moment) is None
    assert ledger.amendments(4.9) == ()
    assert ledger.next_due_s() == 5.0
    (amendment,) = ledger.amendments(5.0)
    assert (amendment.name, amendment.namespace) == ("p.0000", "ns")
    assert amendment.patch == {"series": {"count": 4, "lastObservedTime": "2026-01-01T00:00:09.000000Z"}}
    assert ledger.amendments(100.0) == ()
    ledger.tell(happening(), 101.0)
    assert ledger.amendments(101.0)[0].patch["series"]["count"] == 5


def test_an_event_that_happened_once_has_no_series(ledger):
    ledger.tell(happening(), 0.0)
    assert ledger.amendments(1000.0, all_of_them=True) == ()
    assert ledger.next_due_s() == float("inf")


def test_at_the_end_all_counts_are_written(ledger):
    ledger.tell(happening(), 0.0)
    ledger.tell(happening(), 0.1)
    assert len(ledger.amendments(0.2, all_of_them=True)) == 1


def test_after_ten_minutes_of_silence_it_is_a_new_event(ledger):
    ledger.tell(happening(), 0.0)
    assert ledger.tell(happening(), 599.0) is None
    assert ledger.tell(happening(), 1198.0) is None
    assert ledger.tell(happening(), 1799.0).document["metadata"]["name"] == "p.0001"


def test_what_was_forgotten_is_a_new_event(ledger):
    ledger.tell(happening(), 0.0)
    ledger.forget(happening())
    assert ledger.tell(happening(), 1.0) is not None


def test_not_more_is_remembered_than_fits(ledger):
    for number in range(MOST_KNOWN + 10):
        ledger.tell(happening(str(number)), number / 1000)
    assert ledger.tell(happening("0"), 2.0) is not None, "the oldest were forgotten"
    assert ledger.tell(happening(str(MOST_KNOWN + 9)), 2.0) is None


@given(st.text(st.characters(codec="utf-8") | st.characters(categories=("Cs",))))
def test_notes_fit_and_stay_text(note):
    assert len(cut(note).encode()) <= 1024


def test_half_characters_cost_no_event(ledger):
    assert ledger.tell(happening(note="the name of ens\udc80 is no text"), 0.0).document["note"] == (
        "the name of ens? is no text"
    )


def test_long_notes_say_that_they_were_cut():
    assert cut("ö" * 2000).endswith("ö...")


@given(st.one_of(st.text(max_size=300), st.text("a.-:", max_size=300)))
def test_names_of_events_are_names(name):
    made = event_name(Reference(api_version="v1", kind="K", name=name), "0123456789abcdef")
    assert len(made) <= 253
    assert re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*", made)


def test_long_words_are_cut_to_what_the_server_takes(ledger):
    document = ledger.tell(happening(reason="R" * 300, action=""), 0.0).document
    assert (len(document["reason"]), len(document["action"])) == (128, 128)


def test_references_of_wire_and_parsed_objects_are_the_same():
    wire = {"apiVersion": "g/v1", "kind": "Policy", "metadata": {"name": "p", "namespace": "ns"}}

    class Parsed:
        api_version, kind = "g/v1", "Policy"

        class metadata:  # noqa: N801
            name, namespace, uid = "p", "ns", ""

    assert reference(wire) == reference(Parsed()) == POLICY
