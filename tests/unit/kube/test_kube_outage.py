"""What an informer does after a failure."""

import pytest

from sriov_core.kube.failures import Forbidden, Gone, Unavailable
from sriov_core.kube.outage import Plan, after


@pytest.mark.parametrize(
    ("error", "failures", "plan"),
    [
        pytest.param(Unavailable("cut"), 0, Plan(lists=False, at_once=False), id="a-cut-goes-on-from-its-version"),
        pytest.param(Unavailable("refused"), 1, Plan(lists=True, at_once=False), id="an-outage-lists-again"),
        pytest.param(Forbidden("no"), 5, Plan(lists=True, at_once=False), id="forbidden-lists-again"),
        pytest.param(Gone("too old"), 0, Plan(lists=True, at_once=True), id="too-old-lists-at-once"),
        pytest.param(Gone("too old"), 1, Plan(lists=True, at_once=False), id="too-old-again-and-again-waits"),
        pytest.param(KeyError("bug"), 0, Plan(lists=False, at_once=False), id="a-bug-is-a-failure-like-any"),
    ],
)
def test_plans(error, failures, plan):
    assert after(error, failures) == plan
