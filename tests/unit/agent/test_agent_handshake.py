"""The agent's half of the drain protocol, as one table, and played against the operator's half."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sriov_core.agent.handshake import Answer, Need, Request, Seen, Talk, Terms, read, talk

IDLE, DRAIN, REBOOT = Request.IDLE, Request.DRAIN, Request.REBOOT
REST, BUSY, DONE = Answer.IDLE, Answer.DRAINING, Answer.COMPLETE


def said(request, answer, need, *, external=False, terms=None, written=None, keep=False) -> Talk:
    seen = Seen(request=request, answer=answer, external=external)
    return talk(seen, need, terms or Terms(), written=written, keep=keep)


# request seen, answer seen, need -> request to write (None: leave it), what is granted, whether it waits
PROTOCOL = {
    "nothing-to-do-at-rest": (IDLE, REST, Need.NONE, None, Need.NONE, False),
    "nothing-to-do-and-nothing-written-yet": (None, None, Need.NONE, IDLE, Need.NONE, False),
    "operator-wrote-only-its-half": (None, REST, Need.NONE, IDLE, Need.NONE, False),
    "a-drain-is-asked-for": (IDLE, REST, Need.DRAIN, DRAIN, Need.NONE, True),
    "a-drain-is-asked-for-before-anybody-answers": (None, None, Need.DRAIN, DRAIN, Need.NONE, True),
    "a-reboot-is-asked-for": (IDLE, REST, Need.REBOOT, REBOOT, Need.NONE, True),
    "waits-to-be-admitted": (DRAIN, REST, Need.DRAIN, None, Need.NONE, True),
    "waits-while-it-is-drained": (DRAIN, BUSY, Need.DRAIN, None, Need.NONE, True),
    "drained": (DRAIN, DONE, Need.DRAIN, None, Need.DRAIN, False),
    "done-gives-it-back": (DRAIN, DONE, Need.NONE, IDLE, Need.DRAIN, False),
    "no-need-any-more-while-drained": (DRAIN, BUSY, Need.NONE, IDLE, Need.NONE, False),
    "no-need-any-more-before-admission": (DRAIN, REST, Need.NONE, IDLE, Need.NONE, False),
    "T65-a-reboot-while-a-partial-drain-runs": (DRAIN, BUSY, Need.REBOOT, IDLE, Need.NONE, True),
    "T65-then-the-operator-has-not-noticed-yet": (IDLE, BUSY, Need.REBOOT, None, Need.NONE, True),
    "T66-a-reboot-after-a-partial-drain": (DRAIN, DONE, Need.REBOOT, IDLE, Need.NONE, True),
    "T66-then-the-operator-has-not-noticed-yet": (IDLE, DONE, Need.REBOOT, None, Need.NONE, True),
    "T66-then-the-full-drain-is-asked-for": (IDLE, REST, Need.REBOOT, REBOOT, Need.NONE, True),
    "T67-a-full-drain-runs": (REBOOT, BUSY, Need.REBOOT, None, Need.NONE, True),
    "a-reboot-before-the-partial-drain-began": (DRAIN, REST, Need.REBOOT, REBOOT, Need.NONE, True),
    "fully-drained": (REBOOT, DONE, Need.REBOOT, None, Need.REBOOT, False),
    "fully-drained-for-what-needs-less-by-now": (REBOOT, DONE, Need.DRAIN, None, Need.REBOOT, False),
    "a-full-drain-runs-for-what-needs-less-by-now": (REBOOT, BUSY, Need.DRAIN, None, Need.NONE, True),
    "less-is-needed-before-admission": (REBOOT, REST, Need.DRAIN, DRAIN, Need.NONE, True),
    "an-answer-to-an-earlier-request": (IDLE, DONE, Need.DRAIN, None, Need.NONE, True),
    "an-answer-and-no-request-at-all": (None, DONE, Need.DRAIN, IDLE, Need.NONE, True),
}


@pytest.mark.parametrize("row", PROTOCOL.values(), ids=PROTOCOL)
def test_the_protocol(row):
    request, answer, need, wanted, granted, waits = row
    found = said(request, answer, need)
    assert (found.request, found.granted, bool(found.waits)) == (wanted, granted, waits)


T69 = {
    "at-rest": (IDLE, REST, Need.REBOOT, None),
    "a-drain-runs": (DRAIN, BUSY, Need.DRAIN, None),
    "it-was-asked-for": (DRAIN, REST, Need.DRAIN, None),
    "done": (DRAIN, DONE, Need.NONE, IDLE),
    "nothing-written-yet": (None, None, Need.DRAIN, IDLE),
}


@pytest.mark.parametrize("row", T69.values(), ids=T69)
def test_t69_without_draining_everything_is_granted_and_nothing_asked_for(row):
    request, answer, need, wanted = row
    assert said(request, answer, need, terms=Terms(disabled=True)) == Talk(request=wanted, granted=Need.REBOOT)


T68 = {
    "switched-on-at-rest": (IDLE, REST, False, True, True),
    "switched-on-with-nothing-there": (None, None, False, True, True),
    "switched-off-at-rest": (IDLE, REST, True, False, False),
    "on-already": (IDLE, REST, True, True, None),
    "switched-on-while-a-drain-runs": (DRAIN, BUSY, False, True, None),
    "switched-off-while-drained": (DRAIN, DONE, True, False, None),
}


@pytest.mark.parametrize("row", T68.values(), ids=T68)
def test_t68_who_drains_is_settled_only_at_rest(row):
    request, answer, is_external, shall_be, wanted = row
    found = said(request, answer, Need.NONE, external=is_external, terms=Terms(external=shall_be))
    assert found.external is wanted


def test_t68_nothing_is_asked_for_before_it_is_settled_who_drains():
    found = said(IDLE, REST, Need.DRAIN, terms=Terms(external=True))
    assert (found.request, found.external, bool(found.waits)) == (None, True, True)


def test_t68_an_external_drainer_is_asked_as_any_other():
    assert said(IDLE, REST, Need.DRAIN, external=True, terms=Terms(external=True)).request is DRAIN


STALE = {
    "a-grant-from-before-the-node-was-given-back": (DRAIN, DONE, IDLE),
    "a-full-grant-from-before-it": (REBOOT, DONE, IDLE),
    "a-drain-from-before-another-kind-was-asked-for": (DRAIN, BUSY, REBOOT),
}


@pytest.mark.parametrize("row", STALE.values(), ids=STALE)
def test_an_answer_to_what_was_asked_before_our_last_word_grants_nothing(row):
    request, answer, written = row
    found = said(request, answer, Need.DRAIN, written=written)
    assert (found.granted, found.request) == (Need.NONE, written)


def test_a_grant_to_our_last_word_counts():
    assert said(DRAIN, DONE, Need.DRAIN, written=DRAIN).granted is Need.DRAIN


def test_a_drain_is_kept_while_work_that_it_was_for_is_tried_again():
    assert said(DRAIN, DONE, Need.NONE, keep=True) == Talk(granted=Need.DRAIN)
    assert said(IDLE, REST, Need.NONE, keep=True) == Talk()


def test_words_that_nobody_knows_count_as_none():
    assert read("Drain", "drained", "yes") == Seen()
    assert read("Drain_Required", "DrainComplete", "true") == Seen(request=DRAIN, answer=DONE, external=True)


def operator(request, answer):
    """The other half of the protocol, with a free budget: one step of it."""
    if request in (None, IDLE):
        return REST
    return {REST: BUSY, None: BUSY, BUSY: DONE, DONE: DONE}[answer]


@given(
    start=st.tuples(st.sampled_from([None, *Request]), st.sampled_from([None, *Answer])),
    need=st.sampled_from(list(Need)),
    turns=st.lists(st.booleans(), min_size=30, max_size=30),
)
def test_from_any_state_and_in_any_order_both_halves_come_to_the_grant_or_to_rest(start, need, turns):
    request, answer = start
    granted = Need.NONE
    for agents_turn in (*turns, *[True, False] * 8):
        if agents_turn:
            spoken = said(request, answer, need)
            request, granted = spoken.request or request, spoken.granted
            if granted >= need > Need.NONE:
                return  # the work can be done
        else:
            answer = operator(request, answer)
    assert (need, request, answer) == (Need.NONE, IDLE, REST)


@given(
    start=st.tuples(st.sampled_from([None, *Request]), st.sampled_from([None, *Answer])),
    need=st.sampled_from([Need.DRAIN, Need.REBOOT]),
)
def test_nothing_is_granted_unless_the_answer_is_that_the_drain_is_complete(start, need):
    request, answer = start
    spoken = said(request, answer, need)
    enough = request is REBOOT or (request is DRAIN and need is Need.DRAIN)
    assert (spoken.granted >= need) == (answer is DONE and enough)
