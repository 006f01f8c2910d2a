"""What somebody has to apply before a cache can be filled: said once for all kinds, and again after a while."""

import logging

import pytest

from sriov_core.kube.failures import ApiFailure, Forbidden, NotFound, Unavailable
from sriov_core.kube.resource import ATTACHMENTS, NODE_STATES, NODES, POLICIES, Resource
from sriov_operator.process.outages import AGAIN_S, Outages, advice


@pytest.mark.parametrize(
    ("resource", "failure", "expected"),
    [
        pytest.param(POLICIES, NotFound("404"), "sriov-core crds | kubectl apply", id="our-definitions"),
        pytest.param(NODES, Forbidden("403"), "Apply its roles and their bindings", id="roles"),
        pytest.param(POLICIES, Unavailable("no answer"), "", id="an-api-server-that-is-away-comes-back"),
        pytest.param(ATTACHMENTS, NotFound("404"), "", id="definitions-of-others"),
        pytest.param(NODES, ValueError("a bug"), "", id="bug"),
    ],
)
def test_only_what_somebody_can_apply_is_advised(resource: Resource, failure: Exception, expected: str) -> None:
    assert expected in advice(resource, failure)
    assert bool(advice(resource, failure)) == bool(expected)


def test_the_same_advice_is_given_once_for_all_kinds_and_again_later(caplog: pytest.LogCaptureFixture) -> None:
    now = [0.0]
    outages = Outages(clock=lambda: now[0])
    with caplog.at_level(logging.WARNING, "sriov_operator"):
        for resource in (POLICIES, NODE_STATES, POLICIES):
            outages.of(resource)(NotFound("404"))
        assert len(caplog.records) == 1
        now[0] += AGAIN_S
        outages.of(POLICIES)(NotFound("404"))
        assert len(caplog.records) == 2


@pytest.mark.parametrize("failure", [NotFound("no such kind"), Unavailable("no answer")], ids=["missing", "away"])
def test_the_last_failure_of_a_cache_is_known(failure: ApiFailure) -> None:
    outages = Outages()
    assert outages.why(NODES) == ""
    outages.of(NODES)(failure)
    assert outages.why(NODES) == str(failure)
    assert outages.why(POLICIES) == ""
