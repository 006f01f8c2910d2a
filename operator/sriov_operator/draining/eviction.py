"""Sends the pods of a node away: by the eviction API, which asks PodDisruptionBudgets, or by deleting where told to."""

import logging
import re
from collections.abc import Callable
from datetime import datetime

import attrs

from sriov_core.kube.client import Client
from sriov_core.kube.failures import ApiFailure, Conflict, Forbidden, Invalid, NotFound, Throttled, Unavailable
from sriov_core.kube.resource import PODS
from sriov_operator.draining.budget import listed
from sriov_operator.draining.pods import Choice, Pod, choose, why_it_goes

DELETE = "delete"
"""The setting that deletes pods, whatever their PodDisruptionBudgets say; any other evicts them."""

# A budget that is not met is answered with 429, and so is a client that asks too much; the text tells them apart
# (kubernetes/pkg/registry/core/pod/storage/eviction.go).
_BUDGET = "disruption budget"
_UNMET = re.compile(r"disruption budget (\S+) needs (\d+) healthy pods and has (\d+) currently")
_UNJUDGED = re.compile(r"disruption budget (\S+) is still being processed")
_SEVERAL = "more than one PodDisruptionBudget"
# Of a pod in a namespace that ends, an eviction is refused; the namespace controller deletes it.
_NAMESPACE_ENDS = "being terminated"

_log = logging.getLogger("sriov_operator.draining")

Count = Callable[[str], None]


@attrs.frozen(kw_only=True)
class Eviction:
    """What one pass came to: the pods that are still there, those sent away in it, and what holds others up."""

    left: tuple[str, ...] = ()
    sent: int = 0
    blocked: tuple[str, ...] = ()

    @property
    def is_done(self) -> bool:
        """True when the node is drained."""
        return not self.left

    @property
    def told(self) -> str:
        """What the drain waits for, for people; it changes only when a pod goes or an obstacle does."""
        if self.blocked:
            return "; ".join((*self.blocked[:3], *_more(len(self.blocked) - 3)))
        count = f"1 pod has to go: {self.left[0]}" if len(self.left) == 1 else ""
        return count or f"{len(self.left)} pods have to go: {listed(self.left)}"


def evict(
    client: Client,
    node: str,
    *,
    full: bool,
    prefix: str,
    policy: str,
    now: datetime,
    margin_s: float,
    count: Count,
    confirm: Callable[[], None],
) -> Eviction:
    """One pass over the pods of a node: look, and send away whom nothing forbids; nobody is waited for.

    An obstacle of one pod does not keep the others. Raises `ApiFailure` when the API server cannot be asked at all.
    ``count`` is told the outcome of each eviction: evicted, deleted, gone, blocked or failed. ``confirm`` is called
    when the pods are known, before the first is sent away; it raises when the node is not to be drained any more.
    """
    pods = client.list(PODS, type=Pod, fields=f"spec.nodeName={node}")
    if pods.unreadable:
        unknown = f"these pods cannot be read, and nobody knows what they hold: {listed(pods.unreadable)}"
        return Eviction(left=pods.unreadable, blocked=(unknown,))
    found = choose(pods.items, full=full, prefix=prefix, now=now, margin_s=margin_s)
    if found.evict:
        confirm()
    return _send(client, found, policy, count, lambda pod: why_it_goes(pod, full=full, prefix=prefix))


def _send(client: Client, found: Choice, policy: str, count: Count, why: Callable[[Pod], str]) -> Eviction:
    """Also of pods that went at once only a fresh look says so: others may have come."""
    blocked, sent = list(found.overdue.values()), 0
    for pod in found.evict:
        outcome, obstacle = _one(client, pod, policy)
        count(outcome)
        sent += not obstacle
        if obstacle:
            blocked.append(obstacle)
        else:
            _log.info("node %s: pod %s %s: %s", pod.spec.node_name, pod.key, outcome, why(pod))
    left = sorted(pod.key for pod in (*found.evict, *found.ending))
    return Eviction(left=tuple(left), sent=sent, blocked=tuple(blocked))


def _one(client: Client, pod: Pod, policy: str) -> tuple[str, str]:
    """What came of sending one pod away, and what is in the way, if anything is."""
    try:
        if policy == DELETE:
            client.delete(PODS, pod.metadata.name, pod.metadata.namespace, uid=pod.metadata.uid)
            return "deleted", ""
        client.create_under(PODS, pod.metadata.name, "eviction", _eviction(pod), pod.metadata.namespace)
    except (NotFound, Conflict):  # it has gone, or another of its name has come
        return "gone", ""
    except Throttled as err:
        if _BUDGET not in str(err):
            raise
        return "blocked", f"pod {pod.key} may not be evicted: {_budget(err)}"
    except (Forbidden, Invalid, Unavailable) as err:
        if isinstance(err, Forbidden) and _NAMESPACE_ENDS in str(err):
            return "evicted", ""
        if not _is_an_answer(err):
            raise
        remedy = ". Leave one of them" if _SEVERAL in str(err) else ""
        return "failed", f"pod {pod.key} cannot be evicted: {_said(err)}{remedy}"
    return "evicted", ""


def _eviction(pod: Pod) -> dict[str, object]:
    """The pod's own grace period holds; the uid spares a pod of the same name that has come since."""
    return {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": pod.metadata.name, "namespace": pod.metadata.namespace},
        "deleteOptions": {"preconditions": {"uid": pod.metadata.uid}},
    }


def _is_an_answer(err: ApiFailure) -> bool:
    """False when the API server could not be asked. It answers 500 for a pod with several PodDisruptionBudgets."""
    return err.status == 500 or not isinstance(err, Unavailable)


def _budget(err: ApiFailure) -> str:
    """Which budget forbids an eviction, and what to do about it."""
    if found := _UNMET.search(str(err)):
        name, needs, has = found.groups()
        pods = "pod" if needs == "1" else "pods"
        text = f"PodDisruptionBudget {name} allows 0 disruptions now, it needs {needs} healthy {pods} and has {has}"
        return f"{text}. Have more of them run, or change the budget"
    if found := _UNJUDGED.search(str(err)):
        text = f"it is not known yet how many disruptions PodDisruptionBudget {found[1]} allows"
        return f"{text}. If that lasts, look at the cluster's controller manager"
    return _said(err)


def _said(err: ApiFailure) -> str:
    """The server's words, without what was asked and the general advice around them."""
    _, _, said = str(err).rpartition(f"HTTP {err.status}: ")
    return said.rpartition(". ")[0] or said


def _more(count: int) -> tuple[str, ...]:
    return (f"and {count} more",) if count > 0 else ()
