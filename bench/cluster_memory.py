"""The memory of the operator in a very large cluster, and what its start costs there when nothing is to be done.

One node is set up by a real agent on a simulated machine and the operator; the others are copies of it, which differ in
name and PCI addresses, so that no two are rendered alike. The floor is a process that only imports what it imports.
"""

import time
from collections.abc import Iterator
from pathlib import Path

from bench import cluster_etcd as etcd
from bench import cluster_objects as objects
from bench.cluster import DEADLINE_S, Cluster, load, opened
from bench.cluster_floors import OPERATOR_IMPORTS, importing
from bench.cluster_node import DEVICES, agent, allow_agents, is_done, machine_of
from bench.cluster_requests import Audit, count, told
from bench.cluster_watch import watching
from bench.figure import Figure

NODES, PFS, VFS = 5000, 8, 64
LIMIT_MB = 400.0
QUIET_S = 5.0
SETTLES_WITHIN_S = 900.0
PAGE = 500

WITHOUT_CACHES = ("--watch-cache=false",)
"""Its own copies of such objects cost the API server gigabytes and minutes, and the operator is what is measured."""


def figures(folder: Path) -> Iterator[Figure]:
    """The memory when all is read and quiet, how long that takes from the start, and what is written meanwhile."""
    floor = importing(OPERATOR_IMPORTS, folder)
    with opened(folder / "memory", WITHOUT_CACHES) as cluster:
        size = _fill(cluster)
        listed_s = _listed(cluster)
        before, audit = load(), Audit(cluster.server.audit_log, "sriov-operator/")
        moment, began = audit.now(), time.monotonic()
        with cluster.operator(within_s=SETTLES_WITHIN_S) as operator:
            started_s = time.monotonic() - began
            audit.quiet(QUIET_S, SETTLES_WITHIN_S)
            held, cpu_s = operator.size(), operator.cpu_s()
        requests = audit.since(moment)
    about = f"{NODES} node states of {PFS} PFs x {VFS} VFs, {size / 1024:.0f} KiB each"
    detail = f"RSS of the operator with {about}; PSS {held.pss_mb:.0f}, peak {held.peak_mb:.0f}; the floor imports only"
    yield Figure(name="scale-memory", value=held.rss_mb, unit="MB", floor=floor.rss_mb, limit=LIMIT_MB, detail=detail)
    yield Figure(
        name="scale-start",
        value=started_s,
        unit="s",
        floor=listed_s,
        detail=f"from the operator's start to caches with {about}, for which it uses {cpu_s:.1f} s of CPU time; "
        f"the floor lists one page of {PAGE}, times {NODES // PAGE}; {before}",
    )
    writes = count(requests, "sriovnetworknodestates") + count(requests, "nodes")
    detail = f"writes of node states and Nodes at that start, where nothing has changed; all requests: {told(requests)}"
    yield Figure(name="scale-start-writes", value=writes, unit="requests", limit=0, detail=detail)


def _fill(cluster: Cluster) -> int:
    """Make the nodes; the bytes of the largest node state."""
    first, *others = (f"node{number:04d}" for number in range(NODES))
    _set_up(cluster, first)
    domains = {name: f"{number:04x}:".encode() for number, name in enumerate(others, 1)}
    etcd.clone(cluster, objects.NODES, first, others, lambda stored, _: stored)
    return etcd.clone(
        cluster, objects.STATES, first, others, lambda stored, name: stored.replace(b"0000:", domains[name])
    )


def _set_up(cluster: Cluster, name: str) -> None:
    """A node that a policy gave its VFs, and everybody has finished with."""
    admin = cluster.admin
    allow_agents(cluster)
    admin.ask("POST", objects.NODES, objects.node(name))
    admin.ask("POST", objects.POLICIES, objects.policy("all", nicSelector=DEVICES, numVfs=VFS))
    machine = ("--host", str(machine_of(cluster.folder, PFS, VFS)))
    with watching(admin, objects.STATES) as watch, cluster.operator("first"), agent(cluster, name, *machine):
        watch.all([name], lambda one: is_done(one, PFS, VFS), DEADLINE_S)
        Audit(cluster.server.audit_log, "sriov-").quiet(QUIET_S, DEADLINE_S)


def _listed(cluster: Cluster) -> float:
    """The seconds that the API server takes to list the node states page by page, by what one page takes."""
    began = time.monotonic()
    page = cluster.admin.ask("GET", f"{objects.STATES}?limit={PAGE}")["items"]
    return (time.monotonic() - began) * NODES / len(page)
