"""What stands between a process and the API server, as the log tells it."""

import pytest
from clocks import Clock

from sriov_core.kube.failures import ApiFailure, Forbidden, Invalid, NotFound, Throttled, Unavailable
from sriov_core.kube.resource import ATTACHMENTS, NODE_STATES, NODES, PODS, POLICIES
from sriov_core.kube.troubles import SETTLE_S, Troubles, cause_of


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def troubles(clock):
    return Troubles(clock)


@pytest.fixture
def said(caplog):
    """The lines since the last look."""

    def look():
        lines = [record.getMessage() for record in caplog.records]
        caplog.clear()
        return lines

    return look


class TestAway:
    def test_it_is_told_once_however_many_ask_and_at_its_end(self, troubles, clock, said):
        for _ in range(100):
            troubles.unanswered("list Node: no connection to https://10.0.0.1:6443", 0.0)
            clock.now += 0.5
        assert said() == ["the API server is away: list Node: no connection to https://10.0.0.1:6443"]
        troubles.answered()
        troubles.answered()
        assert said() == ["the API server is back after 50 s"]

    def test_it_is_told_again_at_growing_distances(self, troubles, clock, said):
        for _ in range(70):
            troubles.unanswered("x", 0.0)
            clock.now += 60
        assert said() == [
            "the API server is away: x",
            "the API server has been away for 60 s: x",
            "the API server has been away for 5 min: x",
            "the API server has been away for 30 min: x",
            "the API server has been away for 60 min: x",
        ]

    def test_a_server_that_is_there_and_is_not_trusted_is_not_told_as_away(self, troubles, clock, said):
        for _ in range(2):
            troubles.unanswered("list Node: no trust between https://x and this client: y", 0.0)
            clock.now += 60
        assert [line.partition(": list")[0] for line in said()] == [
            "the API server is not trusted",
            "the API server has not been trusted for 60 s",
        ]

    def test_the_time_in_which_nobody_answered_counts(self, troubles, clock, said):
        troubles.unanswered("no answer within 45 s", 45.0)
        clock.now += 5
        troubles.answered()
        assert said()[1:] == ["the API server is back after 50 s"]

    def test_one_that_comes_and_goes_is_told_once_a_minute(self, troubles, clock, said):
        for _ in range(600):
            troubles.unanswered("x", 0.0)
            troubles.answered()
            clock.now += 0.2
        assert said() == ["the API server is away: x", "the API server is back after 0 s"] * 2

    def test_while_all_is_well_nothing_is_told(self, troubles, said):
        troubles.answered()
        assert not troubles.is_away
        assert said() == []


@pytest.mark.parametrize(
    ("resource", "failure", "remedy", "lasts"),
    [
        pytest.param(POLICIES, NotFound("", status=404), "sriov-core crds | kubectl apply", True, id="our-definitions"),
        pytest.param(ATTACHMENTS, NotFound("", status=404), "", False, id="definitions-of-others"),
        pytest.param(NODES, Forbidden("", status=403), "Apply the roles and their bindings", True, id="roles"),
        pytest.param(NODES, Forbidden("", status=401), "no role can help", True, id="nobody-knows-who-asks"),
        pytest.param(NODES, Throttled("", status=429), "", False, id="what-passes-by-itself"),
        pytest.param(NODES, Unavailable("", status=500), "", False, id="a-fault-of-the-server"),
        pytest.param(NODES, Invalid(""), "", False, id="an-answer-that-cannot-be-read"),
    ],
)
def test_only_what_somebody_can_mend_has_a_remedy(resource, failure, remedy, lasts):
    cause = cause_of(resource, failure)
    assert remedy in cause.remedy
    assert bool(cause.remedy) == bool(remedy)
    assert cause.lasts == lasts


def lose(troubles, *resources, failure=None):
    for resource in resources:
        refusal = failure or Forbidden(f"list {resource.kind}: HTTP 403", status=403)
        troubles.lost(resource.plural, resource, refusal)


class TestKinds:
    def test_those_with_the_same_cause_are_told_in_one_line_with_the_remedy(self, troubles, clock, said):
        lose(troubles, NODES, POLICIES)
        assert said() == []
        clock.now += 2 * SETTLE_S
        lose(troubles, NODE_STATES, NODES)
        (line,) = said()
        assert line.startswith(
            "not watched: nodes, sriovnetworknodepolicies, sriovnetworknodestates: list Node: HTTP 403. Apply the roles"
        )

    def test_many_are_counted(self, troubles, clock, said):
        for number in range(30):
            troubles.lost(f"kind-{number:02}", PODS, Forbidden("no", status=403))
        clock.now += 2 * SETTLE_S
        lose(troubles, PODS)
        assert "kind-06, kind-07 and 23 more: no. Apply" in said()[0]

    def test_it_is_told_again_at_growing_distances_and_when_the_last_of_them_is_well(self, troubles, clock, said):
        for _ in range(45):
            lose(troubles, NODES, POLICIES)
            clock.now += 60
        assert len(said()) == 4  # at minutes 1, 2, 6, 31: the first pass is the beginning
        troubles.well(NODES.plural)
        assert said() == []
        troubles.well(POLICIES.plural)
        assert said() == ["HTTP 403 is over after 45 min: all that was not watched is watched now"]

    def test_what_was_over_before_it_was_told_is_never_told(self, troubles, clock, said):
        lose(troubles, NODES)
        clock.now += 2 * SETTLE_S
        troubles.well(NODES.plural)
        assert said() == []

    def test_another_cause_takes_the_place_of_the_first(self, troubles, clock, said):
        lose(troubles, NODES, failure=Forbidden("list Node: HTTP 401", status=401))
        clock.now += 2 * SETTLE_S
        lose(troubles, NODES)
        clock.now += 2 * SETTLE_S
        lose(troubles, NODES)
        (line,) = said()
        assert "HTTP 403" in line
        assert len(troubles.lacking) == 1

    def test_what_opens_and_ends_at_once_is_told_and_floods_nothing(self, troubles, clock, said):
        for _ in range(300):
            lose(troubles, NODES, failure=Unavailable("ended as soon as it had begun"))
            clock.now += 0.3
            troubles.well(NODES.plural)
        lines = said()
        assert len(lines) == 4
        assert lines[0] == "not watched: nodes: ended as soon as it had begun"

    @pytest.mark.parametrize(
        ("failure", "lacks"),
        [
            pytest.param(Forbidden("x", status=403), True, id="rights"),
            pytest.param(Forbidden("x", status=401), True, id="identity"),
            pytest.param(NotFound("x", status=404), True, id="definitions"),
            pytest.param(Throttled("x", status=429), False, id="a-server-under-load"),
        ],
    )
    def test_a_probe_is_told_of_what_lasts(self, troubles, clock, failure: ApiFailure, lacks):
        lose(troubles, POLICIES, failure=failure)
        assert troubles.lacking == ()
        clock.now += 2 * SETTLE_S
        assert bool(troubles.lacking) == lacks
        troubles.well(POLICIES.plural)
        assert troubles.lacking == ()
