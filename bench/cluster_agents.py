"""A policy from its creation to the last node that is configured: the operator, and an agent for each of many nodes.

The machines are simulated and take no time. All agents are threads of one process, so this is far more than one node
does in that time, and far less than as many nodes could do.
"""

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import attrs

from bench import cluster_many
from bench import cluster_objects as objects
from bench.cluster import Access, Cluster, each, load, opened
from bench.cluster_node import DEVICES, allow_agents, is_done, kubeconfig, machine_of
from bench.cluster_objects import JSON_PATCH, MERGE, NAMESPACE
from bench.cluster_process import Daemon, running
from bench.cluster_requests import Audit, Request, count, told
from bench.cluster_watch import watching
from bench.figure import Figure

NODES, PFS, VFS = 200, 2, 4
QUIET_S = 5.0
DEADLINE_S = 300.0

MOST_TIMES_THE_FLOOR = 4.0
MOST_MB_EACH = 2.0
MOST_REPORTS_EACH = 3
"""That work has begun and that it is done; where that takes long, there may be one in between."""


@attrs.frozen(kw_only=True)
class Done:
    """Seconds until all had reported their NICs, and from a policy until all had made its VFs; MB of each agent.

    ``requests`` are those of the agents from the policy on.
    """

    reported_s: float
    applied_s: float
    mb_each: float
    requests: tuple[Request, ...]


def figures(folder: Path) -> Iterator[Figure]:
    """The time for all nodes, and what an agent takes of memory and writes of reports."""
    before = load()
    with opened(folder / "agents") as cluster:
        done = _applied(cluster)
        floor = _by_hand(cluster.admin)
    about = f"{NODES} agents with {PFS} PFs in one process, a policy for {VFS} VFs of each"
    yield Figure(
        name="agents-policy",
        value=done.applied_s,
        unit="s",
        floor=floor,
        limit=floor * MOST_TIMES_THE_FLOOR,
        detail=f"{about}, until all report Succeeded; the floor writes {NODES} wishes and two reports of each in a "
        f"bare loop; all had reported {done.reported_s:.1f} s after their start; {before}",
    )
    detail = f"{about}: growth of RSS for each, without the import and the simulated machines"
    yield Figure(name="agents-rss", value=done.mb_each, unit="MB", limit=MOST_MB_EACH, detail=detail)
    reports = count(done.requests, "sriovnetworknodestates/status") / NODES
    detail = f"{about}: reports of each; all requests: {told(done.requests)}"
    yield Figure(name="agents-reports", value=reports, unit="requests", limit=MOST_REPORTS_EACH, detail=detail)


def _applied(cluster: Cluster) -> Done:
    names = [f"node{number:03d}" for number in range(NODES)]
    allow_agents(cluster)
    cluster.admin.create(objects.NODES, map(objects.node, names))
    audits = {who: Audit(cluster.server.audit_log, who) for who in ("sriov-", "sriov-core-agent")}
    with (
        watching(cluster.admin, objects.STATES) as watch,
        cluster.operator(),
        _agents(cluster, names) as agents,
    ):
        agents.told("the machines are there", DEADLINE_S)
        before, began = agents.size(), time.monotonic()
        agents.send(signal.SIGUSR1)
        reported = watch.all(names, lambda one: is_done(one, PFS, 0), DEADLINE_S)
        audits["sriov-"].quiet(QUIET_S, DEADLINE_S)
        moment, created = audits["sriov-"].now(), time.monotonic()
        cluster.admin.ask("POST", objects.POLICIES, objects.policy("all", nicSelector=DEVICES, numVfs=VFS))
        applied = watch.all(names, lambda one: is_done(one, PFS, VFS), DEADLINE_S)
        audits["sriov-"].quiet(QUIET_S, DEADLINE_S)
        return Done(
            reported_s=reported - began,
            applied_s=applied - created,
            mb_each=(agents.size().rss_mb - before.rss_mb) / NODES,
            requests=tuple(audits["sriov-core-agent"].since(moment)),
        )


def _agents(cluster: Cluster, names: list[str]) -> AbstractContextManager[Daemon]:
    machine = machine_of(cluster.folder, PFS, VFS)
    # One after the other: the first creates the service account that all of them have.
    nodes = [f"{name}={kubeconfig(cluster, name)}" for name in names]
    argv = [sys.executable, cluster_many.__file__, NAMESPACE, str(machine), *nodes]
    return running("agents", argv, {}, cluster.folder / "agents.log")


def _by_hand(admin: Access) -> float:
    """The seconds for a wish and two reports for each node."""
    states = admin.ask("GET", objects.STATES)["items"]

    def write(state: objects.Document) -> None:
        path = f"{objects.STATES}/{state['metadata']['name']}"
        wishes = [{**nic, "mtu": 9000} for nic in state["spec"]["interfaces"]]
        admin.ask("PATCH", path, [{"op": "add", "path": "/spec/interfaces", "value": wishes}], JSON_PATCH)
        for sync_status in ("InProgress", "Succeeded"):
            status = {**state["status"], "syncStatus": sync_status}
            admin.ask("PATCH", f"{path}/status", {"status": status}, MERGE)

    began = time.monotonic()
    each(write, states)
    return time.monotonic() - began
