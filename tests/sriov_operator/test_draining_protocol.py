"""The handshake as a table: every combination of texts has one next step."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sriov_core.api import keys
from sriov_operator.draining.protocol import ANSWERS, OF_NODE, Handshake, Next, Step, Terms, decide, handshake, missing

WORDS = st.sampled_from(["", "Idle", "Drain_Required", "Reboot_Required", "Draining", "DrainComplete", "idle", "\x1b["])


def hands(request, answer, *, mirror="Idle", external=False):
    return Handshake(request=request, answer=answer, mirror=mirror, external=external)


@pytest.mark.parametrize(
    ("request_", "answer", "expected"),
    [
        pytest.param("Idle", "Idle", Next(Step.REST), id="nothing-asked"),
        pytest.param("Drain_Required", "Idle", Next(Step.ADMIT), id="a-drain-asked"),
        pytest.param("Reboot_Required", "Idle", Next(Step.ADMIT, full=True), id="a-reboot-asked"),
        pytest.param("Drain_Required", "Draining", Next(Step.EVICT), id="draining"),
        pytest.param("Reboot_Required", "Draining", Next(Step.EVICT, full=True), id="draining-for-a-reboot"),
        pytest.param("Drain_Required", "DrainComplete", Next(Step.AWAIT), id="drained"),
        pytest.param("Reboot_Required", "DrainComplete", Next(Step.AWAIT, full=True), id="drained-for-a-reboot"),
        pytest.param("Idle", "Draining", Next(Step.RELEASE), id="thought-better-of-it"),
        pytest.param("Idle", "DrainComplete", Next(Step.RELEASE), id="done"),
        pytest.param("Idle", "Drained!", Next(Step.RELEASE), id="an-answer-of-nobody-when-nothing-is-asked"),
        pytest.param("", "Idle", Next(Step.INTRODUCE), id="no-request-yet"),
        pytest.param("Idle", "", Next(Step.INTRODUCE), id="no-answer-yet"),
        pytest.param("Drain_Required", "", Next(Step.INTRODUCE), id="asked-before-the-first-answer"),
    ],
)
def test_request_and_answer_give_one_next_step(request_, answer, expected):
    assert decide(hands(request_, answer)) == expected


@pytest.mark.parametrize(
    ("request_", "answer", "says"),
    [
        pytest.param("drain please", "Idle", "'drain please', wanted one of Idle, Drain_Required", id="a-request"),
        pytest.param("drain please", "Draining", "'drain please'", id="a-request-while-draining"),
        pytest.param("Drain_Required", "Drained!", "'Drained!', wanted one of Idle, Draining", id="an-answer"),
    ],
)
def test_what_makes_no_sense_is_told_with_the_place_and_what_to_do(request_, answer, says):
    found = decide(hands(request_, answer))
    assert found.step is Step.REFUSE
    assert says in found.why
    assert keys.NODE_STATE in found.why or keys.CURRENT_STATE in found.why
    assert "Write Idle there" in found.why


@pytest.mark.parametrize("answer", ANSWERS)
def test_a_node_of_somebody_else_is_left_alone_whatever_stands_there(answer):
    assert decide(hands("Drain_Required", answer, external=True)) == Next(Step.LEAVE)


def test_a_node_of_somebody_else_gets_its_first_annotations_all_the_same():
    assert decide(hands("Idle", "", external=True)) == Next(Step.INTRODUCE)


@pytest.mark.parametrize(
    ("terms", "request_", "answer", "expected"),
    [
        pytest.param(Terms.NONE, "Drain_Required", "Idle", Step.REST, id="off-asked"),
        pytest.param(Terms.NONE, "Reboot_Required", "Draining", Step.RELEASE, id="off-draining"),
        pytest.param(Terms.NONE, "Drain_Required", "DrainComplete", Step.AWAIT, id="off-drained-and-at-work"),
        pytest.param(Terms.NONE, "Idle", "DrainComplete", Step.RELEASE, id="off-done"),
        pytest.param(Terms.NONE, "Drain_Required", "", Step.INTRODUCE, id="off-new"),
        pytest.param(Terms.END, "Drain_Required", "Idle", Step.REST, id="gone-asked"),
        pytest.param(Terms.END, "Drain_Required", "Draining", Step.RELEASE, id="gone-draining"),
        pytest.param(Terms.END, "Reboot_Required", "DrainComplete", Step.RELEASE, id="gone-drained"),
        pytest.param(Terms.END, "", "", Step.REST, id="gone-new"),
    ],
)
def test_without_drains_none_is_begun_and_those_under_way_are_ended(terms, request_, answer, expected):
    assert decide(hands(request_, answer), terms).step is expected


@pytest.mark.parametrize(
    ("answer", "expected"), [("Idle", Step.REST), ("Draining", Step.RELEASE), ("DrainComplete", Step.RELEASE)]
)
def test_what_a_node_asked_that_is_no_longer_managed_counts_no_more(answer, expected):
    kept = {keys.CURRENT_STATE: answer, keys.DESIRED_STATE: "Drain_Required", keys.KEEP_STATE_UNTIL: "2026-01-01"}
    seen = handshake({keys.NODE_STATE: "Drain_Required"}, kept)
    assert (decide(seen).step, seen.is_waiting) == (expected, False)


@pytest.mark.parametrize(
    ("of", "answer", "expected"),
    [
        pytest.param({OF_NODE: "new"}, "DrainComplete", Step.AWAIT, id="this-one"),
        pytest.param({}, "DrainComplete", Step.AWAIT, id="nobody-knows"),
        pytest.param({OF_NODE: "old"}, "Draining", Step.RELEASE, id="another-one-was-being-drained"),
        pytest.param({OF_NODE: "old"}, "DrainComplete", Step.RELEASE, id="another-one-was-drained"),
        pytest.param({OF_NODE: "old"}, "Idle", Step.ADMIT, id="that-is-over"),
    ],
)
def test_a_drain_is_of_one_node_and_not_of_the_next_with_its_name(of, answer, expected):
    state = {keys.CURRENT_STATE: answer, keys.DESIRED_STATE: "Drain_Required", **of}
    assert decide(handshake({keys.NODE_STATE: "Drain_Required"}, state, "new")).step is expected


@pytest.mark.parametrize("terms", [Terms.DRAIN, Terms.NONE, Terms.END])
@pytest.mark.parametrize("answer", ANSWERS)
def test_what_somebody_else_drains_is_his_whatever_the_configuration_says(answer, terms):
    assert decide(hands("Drain_Required", answer, external=True), terms).step is Step.LEAVE


@given(WORDS, WORDS, WORDS, st.booleans())
def test_no_combination_is_an_error(request_, answer, mirror, external):
    seen = hands(request_, answer, mirror=mirror, external=external)
    found = decide(seen)
    assert bool(found.why) == (found.step is Step.REFUSE)
    assert (found.step is Step.INTRODUCE) == any(missing(seen))
    if found.step is Step.ADMIT:
        assert seen.is_waiting
    if found.step in {Step.EVICT, Step.AWAIT, Step.RELEASE}:
        assert seen.is_busy


@pytest.mark.parametrize(
    ("seen", "on_node", "on_state"),
    [
        pytest.param(
            Handshake(), {keys.NODE_STATE: "Idle"}, {keys.DESIRED_STATE: "Idle", keys.CURRENT_STATE: "Idle"}, id="all"
        ),
        pytest.param(hands("Drain_Required", ""), {}, {keys.CURRENT_STATE: "Idle"}, id="what-is-there-stays"),
        pytest.param(hands("Idle", "Idle"), {}, {}, id="nothing"),
        pytest.param(
            hands("", "Idle", mirror="Reboot_Required"),
            {keys.NODE_STATE: "Reboot_Required"},
            {},
            id="a-node-that-came-anew",
        ),
        pytest.param(hands("", "Idle", mirror="?"), {keys.NODE_STATE: "Idle"}, {}, id="nonsense-is-not-repeated"),
    ],
)
def test_only_what_is_missing_is_written(seen, on_node, on_state):
    assert missing(seen) == (on_node, on_state)


@pytest.mark.parametrize(
    ("value", "external"), [("true", True), ("True", False), ("false", False), ("", False)], ids=str
)
def test_the_handshake_is_read_from_annotations(value, external):
    state = {keys.CURRENT_STATE: "Draining", keys.DESIRED_STATE: "Idle", keys.EXTERNAL_DRAINER: value}
    found = handshake({keys.NODE_STATE: "Reboot_Required"}, state)
    assert found == Handshake(request="Reboot_Required", answer="Draining", mirror="Idle", external=external)
