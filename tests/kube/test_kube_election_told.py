"""What an election says of a server that refuses it: once it stays, and what it was refused."""

import logging

import pytest
from api_servers import PATIENCE_S

from sriov_core.kube.election import Election, Timing
from sriov_core.kube.failures import Forbidden


@pytest.fixture
def refused(served, stop):
    """Stands for election at a server that behaves like this, until it was asked so often; the election."""

    def stand(behave, times):
        left = [times]

        def count(request):
            left[0] -= 1
            if left[0] <= 0:
                stop.set()
            behave(request)

        client, _ = served(count, timeout_s=PATIENCE_S)
        election = Election(client, namespace="ns", name="l", identity="me", timing=Timing(retry_s=0.001))
        assert election.acquire(stop) is False
        return election

    return stand


def told(caplog):
    return [one.getMessage() for one in caplog.records if one.levelno > logging.DEBUG and "election" in one.name]


def forbidden(request):
    request.refuse(403, 'User "x" cannot get resource "leases"')


def test_a_refusal_that_stays_is_told_once(refused, caplog):
    election = refused(forbidden, 30)
    (line,) = told(caplog)
    assert line.startswith("me cannot stand for election: get Lease ns/l: HTTP 403: ")
    assert isinstance(election.trouble, Forbidden)


@pytest.mark.parametrize(
    ("behave", "times"),
    [
        pytest.param(forbidden, 1, id="one-that-may-be-nothing"),
        pytest.param(lambda request: request.cut(), 30, id="a-server-that-is-away-is-told-by-the-client"),
    ],
)
def test_the_rest_is_not_told(refused, caplog, behave, times):
    refused(behave, times)
    assert told(caplog) == []
