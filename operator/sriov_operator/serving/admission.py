"""The operator's webhooks: what the admission rules say, with the cluster as the caches have it."""

from collections.abc import Callable
from typing import Any, Protocol

from sriov_core.admission.cluster import Cluster
from sriov_core.admission.networks import NO_POLICY
from sriov_core.admission.review import Malformed, completed, validated
from sriov_operator.serving.answering import Hook

MUTATING_PATH = "/mutating-custom-resource"
VALIDATING_PATH = "/validating-custom-resource"


class Known(Protocol):
    """The cluster, as `sriov_operator.serving.facts.Facts` knows it."""

    def cluster(self) -> Cluster:
        """What is stored."""
        ...

    def renewed(self) -> Cluster | None:
        """What is stored now; None when nobody can tell."""
        ...

    def stale(self) -> str:
        """Why that may be out of date; empty when it is not."""
        ...


def hooks(known: Known, waiting: Callable[[], str]) -> dict[str, Hook]:
    """The webhooks by path; ``waiting`` says why the cluster is not known yet, which completing needs not."""

    def judge(review: Any) -> dict[str, Any] | Malformed:
        answer = validated(review, known.cluster())
        # The policy of a network often comes with it, in one command.
        if _misses_policy(answer) and (renewed := known.renewed()):
            answer = validated(review, renewed)
        stale = known.stale()
        if stale and not isinstance(answer, Malformed):
            response = answer["response"]
            response["warnings"] = [*response.get("warnings", ()), stale]
        return answer

    return {
        MUTATING_PATH: Hook(name="mutating", judge=completed),
        VALIDATING_PATH: Hook(name="validating", judge=judge, blocked=waiting),
    }


def _misses_policy(answer: dict[str, Any] | Malformed) -> bool:
    """True when somebody is warned of a network without a policy."""
    if isinstance(answer, Malformed):
        return False
    return any(NO_POLICY in warning for warning in answer["response"].get("warnings", ()))
