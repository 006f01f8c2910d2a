"""Who may take a Lease, by our own clock alone, and what is written into it."""

import datetime as dt

import pytest

from sriov_core.kube.lease import Record, Seen, Timing, held, judge, micro_time, released, watched, written

TIMING = Timing(lease_s=15, renew_s=10, retry_s=2)
TODAY = dt.datetime(2026, 11, 21, 12, 0, 0, 1500, tzinfo=dt.UTC)
NOW = 1000.0


def of(holder, renewed="2026-11-21T12:00:00.000000Z", seconds=15, transitions=3):
    return Record(
        holder_identity=holder,
        lease_duration_seconds=seconds,
        acquire_time="2026-11-20T00:00:00.000000Z",
        renew_time=renewed,
        lease_transitions=transitions,
    )


OTHER = of("other")


@pytest.mark.parametrize(
    ("record", "seen", "verdict"),
    [
        pytest.param(None, None, "create", id="there-is-none"),
        pytest.param(of(""), None, "take", id="given-back"),
        pytest.param(of(None), None, "take", id="never-held"),
        pytest.param(Record(), None, "take", id="empty"),
        pytest.param(of("me"), None, "renew", id="ours-from-before"),
        pytest.param(OTHER, None, "wait", id="seen-for-the-first-time"),
        pytest.param(OTHER, Seen(OTHER, NOW - 14.9), "wait", id="silent-for-less-than-the-lease"),
        pytest.param(OTHER, Seen(OTHER, NOW - 15), "take", id="silent-for-the-lease"),
        pytest.param(of("other", "later"), Seen(OTHER, NOW - 100), "wait", id="renewed-since"),
        pytest.param(of("third"), Seen(OTHER, NOW - 100), "wait", id="taken-by-another"),
        pytest.param(of("other", "2026-11-22T12:00:00Z"), None, "wait", id="renewed-tomorrow"),
        pytest.param(of("other", "2026-11-20T12:00:00Z"), None, "wait", id="renewed-yesterday"),
        pytest.param(of("other", "no time at all"), None, "wait", id="renewed-at-garbage"),
        pytest.param(of("x", seconds=40), Seen(of("x", seconds=40), NOW - 39), "wait", id="holder-asks-for-more"),
        pytest.param(of("x", seconds=40), Seen(of("x", seconds=40), NOW - 40), "take", id="holder-had-more"),
        pytest.param(
            of("x", seconds=10**9), Seen(of("x", seconds=10**9), NOW - 150), "take", id="holder-asks-for-ever"
        ),
        pytest.param(of("x", seconds=0), Seen(of("x", seconds=0), NOW - 1), "wait", id="holder-asks-for-nothing"),
    ],
)
def test_verdicts(record, seen, verdict):
    assert judge(record, seen, NOW, "me", TIMING) == verdict


def test_a_record_counts_from_when_it_was_first_seen():
    first = watched(OTHER, None, 5.0)
    assert watched(OTHER, first, 9.0) == Seen(OTHER, 5.0)
    assert watched(of("other", "later"), first, 9.0).since == 9.0


def test_two_with_clocks_a_day_apart_agree():
    """What a holder with a wrong clock writes is as good as any other change."""
    seen = None
    for second in range(0, 60, 2):
        record = of("other", micro_time(TODAY - dt.timedelta(days=1, seconds=-second)))
        assert judge(record, seen, NOW + second, "me", TIMING) == "wait"
        seen = watched(record, seen, NOW + second)


@pytest.mark.parametrize(
    ("before", "acquired", "transitions"),
    [
        pytest.param(None, "2026-11-21T12:00:00.001500Z", 0, id="the-first"),
        pytest.param(of("me"), "2026-11-20T00:00:00.000000Z", 3, id="renewed"),
        pytest.param(of("other"), "2026-11-21T12:00:00.001500Z", 4, id="taken-over"),
        pytest.param(of(None), "2026-11-21T12:00:00.001500Z", 4, id="given-back"),
        pytest.param(Record(), "2026-11-21T12:00:00.001500Z", 1, id="made-by-hand"),
    ],
)
def test_what_a_holder_writes(before, acquired, transitions):
    record = held(before, "me", TIMING, TODAY)
    assert record == Record(
        holder_identity="me",
        lease_duration_seconds=15,
        acquire_time=acquired,
        renew_time="2026-11-21T12:00:00.001500Z",
        lease_transitions=transitions,
    )


def test_a_lease_shorter_than_a_second_is_written_as_one():
    assert held(None, "me", Timing(lease_s=0.2), TODAY).lease_duration_seconds == 1


def test_giving_back_keeps_the_count_and_names_nobody():
    record = released(of("me"), TODAY)
    assert (record.holder_identity, record.lease_duration_seconds, record.lease_transitions) == (None, 1, 3)


def test_writing_keeps_what_else_is_there():
    lease = {"metadata": {"name": "l", "resourceVersion": "5"}, "spec": {"holderIdentity": "x", "strategy": "y"}}
    done = written(lease, held(None, "me", TIMING, TODAY))
    assert done["metadata"] == lease["metadata"]
    assert (done["spec"]["strategy"], done["spec"]["holderIdentity"]) == ("y", "me")
    assert lease["spec"]["holderIdentity"] == "x"


def test_times_are_utc_with_microseconds():
    east = dt.timezone(dt.timedelta(hours=2))
    assert micro_time(dt.datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=east)) == "2026-01-02T01:04:05.000006Z"
