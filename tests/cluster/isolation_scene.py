"""Two nodes of a cluster with everything that the operator deploys, seen by somebody who has an agent's token."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
from deployments import EVERYTHING
from servers import Server
from servers_admin import MERGE, Admin
from whole import QUICK, Cluster, cluster

from sriov_core.api.wire import GROUP
from sriov_operator.deployment import names

HOME, ELSEWHERE = "isolation-tests", "isolation-tests-elsewhere"
EVENTS = f"/apis/events.k8s.io/v1/namespaces/{HOME}/events"
Document = dict[str, Any]


@attrs.frozen
class Scene:
    """Two nodes; who acts has the token of the agent on the first."""

    whole: Cluster
    agent: Admin

    def path(self, what: str, node: str) -> str:
        """Of the Node, its node state, or the agent's pod there."""
        name = self.whole.stage.name(node)
        states = f"/apis/{GROUP}/v1/namespaces/{HOME}/sriovnetworknodestates"
        pods = f"/api/v1/namespaces/{HOME}/pods/{names.CONFIG_DAEMON}-"
        return {"Node": f"/api/v1/nodes/{name}", "NodeState": f"{states}/{name}", "Pod": f"{pods}{name}"}[what]

    def found(self, what: str, node: str) -> Document:
        """The object without what changes by itself.

        Of silent agents the operator tells in the status of their node states.
        """
        one: Document = self.whole.server.admin.done("GET", self.path(what, node))
        meta = {key: value for key, value in one["metadata"].items() if key not in ("managedFields", "resourceVersion")}
        changing = {"status"} if what == "NodeState" else set()
        return {**{key: value for key, value in one.items() if key not in changing}, "metadata": meta}


def event(name: str, regarding: str, kind: str = "SriovNetworkNodeState", **more: Any) -> Document:
    """One of an agent."""
    head = {"apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": {"name": name, "namespace": HOME}}
    about = {"apiVersion": f"{GROUP}/v1", "kind": kind, "name": regarding, "namespace": HOME}
    said = {"type": "Normal", "reason": "Test", "action": "Test", "note": "told by a test"}
    reporter = {"reportingController": "config-daemon", "reportingInstance": "test"}
    return {**head, **said, **reporter, "regarding": about, "eventTime": "2026-01-01T00:00:00.000000Z", **more}


def is_policys(answer: tuple[int, Any]) -> bool:
    """Whether an admission policy has refused it, and not that a role does not hold yet."""
    return answer[0] == 403 and "ValidatingAdmissionPolicy" in str(answer[1])


@contextmanager
def isolated(server: Server, folder: Path) -> Iterator[Scene]:
    """Two nodes without their agents, and everything deployed that an operator deploys."""
    for name in (HOME, ELSEWHERE):
        server.admin.create_namespace(name)
    with cluster(server, HOME, folder) as whole:
        whole.configure(**EVERYTHING)
        whole.operate(timing=QUICK)
        for name in ("one", "two"):
            whole.node(name, start=False)
        for account in names.ACCOUNTS:
            where = f"/api/v1/namespaces/{HOME}/serviceaccounts/{account}"
            whole.until(lambda where=where: server.admin.find(where))
        whole.until(lambda: all(whole.stage.state(name) for name in ("one", "two")))
        whole.until(lambda: all(machine.objects.notes() == ("Idle", "Idle") for machine in whole.machines))
        whole.until(lambda: all(whole.stage.label(name) for name in ("one", "two")))
        whole.until(lambda: all(machine.objects.node_note() == "Idle" for machine in whole.machines))
        one = whole.stage.name("one")
        agent = server.with_token(server.token(HOME, names.CONFIG_DAEMON, pod=f"{names.CONFIG_DAEMON}-{one}", node=one))
        made = Scene(whole, agent)
        for what in ("Node", "NodeState", "Pod"):  # a policy takes a moment until it holds
            path = f"{made.path(what, 'two')}?dryRun=All"
            whole.until(lambda path=path: is_policys(agent.request("PATCH", path, {}, content_type=MERGE)))
        told = event("two", whole.stage.name("two"))
        whole.until(lambda: is_policys(agent.request("POST", f"{EVENTS}?dryRun=All", told)))
        yield made
        agent.close()
    for name in (HOME, ELSEWHERE):
        server.admin.remove_namespace(name)


def notes(**values: str | None) -> Document:
    return {"metadata": {"annotations": {f"{GROUP}/{key.replace('_', '-')}": value for key, value in values.items()}}}


def meta(**fields: Any) -> Document:
    return {"metadata": fields}
