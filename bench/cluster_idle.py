"""What operator and agent cost while nothing happens: memory and CPU time over some minutes, all in the same ones.

BENCH_IDLE_S says how many seconds; five minutes unless it is given. Of the two agents, one has a simulated machine, and
one reads the files of a machine as from sysfs, which takes root. The floors import the same and do nothing.
"""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import attrs

from bench import cluster_objects as objects
from bench.cluster import DEADLINE_S, Cluster, load, opened
from bench.cluster_floors import AGENT_IMPORTS, OPERATOR_IMPORTS, importing
from bench.cluster_node import DEVICES, agent, allow_agents, is_done, machine_of
from bench.cluster_process import Daemon, Size
from bench.cluster_requests import Audit, Request, told
from bench.cluster_stage import Stage
from bench.cluster_watch import watching
from bench.figure import Figure
from tests.host.tree import large

NODES, PFS, VFS = 98, 16, 64
SECONDS = "BENCH_IDLE_S"
QUIET_S = 5.0

OPERATOR, AGENT, READER = "operator", "agent", "agent-reading-files"
ABOUT = {
    OPERATOR: f"of {NODES + 2} nodes",
    AGENT: f"of a simulated machine of {PFS} PFs x {VFS} VFs",
    READER: f"of a machine of {PFS} PFs x {VFS} VFs in a folder",
}
USER_AGENTS = {OPERATOR: "sriov-operator/", AGENT: "sriov-core-agent", READER: "sriov-core-agent"}
MOST_MB = {OPERATOR: 120.0, AGENT: 120.0, READER: 120.0}
MOST_CPUS = {OPERATOR: 0.01, AGENT: 0.01, READER: 0.015}
"""CPU seconds in a second."""


@attrs.frozen(kw_only=True)
class Idle:
    """What a process had at the end of the time and used in it. ``requests`` are those of all agents, or operators."""

    size: Size
    cpu_s: float
    requests: tuple[Request, ...]


def figures(folder: Path) -> Iterator[Figure]:
    """Memory and CPU time of an operator with nodes that change nothing, and of agents with many VFs."""
    seconds = float(os.environ.get(SECONDS, "300"))
    imports = {OPERATOR: importing(OPERATOR_IMPORTS, folder), AGENT: importing(AGENT_IMPORTS, folder)}
    with opened(folder / "idle") as cluster:
        found = _idle(cluster, seconds)
    for name, idle in found.items():
        about, limit = f"{name.partition('-')[0]} {ABOUT[name]}, idle for {seconds:.0f} s", MOST_CPUS[name] * seconds
        detail = f"{about}; PSS {idle.size.pss_mb:.0f}, peak {idle.size.peak_mb:.0f}; the floor imports only"
        floor = imports[name if name == OPERATOR else AGENT].rss_mb
        rss = idle.size.rss_mb
        yield Figure(name=f"idle-{name}-rss", value=rss, unit="MB", floor=floor, limit=MOST_MB[name], detail=detail)
        detail = f"CPU time of the {about}; requests but for a Lease: {told(idle.requests)}; {load()}"
        yield Figure(name=f"idle-{name}-cpu", value=idle.cpu_s, unit="s", limit=limit, detail=detail)


def _idle(cluster: Cluster, seconds: float) -> dict[str, Idle]:
    """Each of them when all that was to be done is done, and so many seconds have passed."""
    allow_agents(cluster)
    with ExitStack() as stack:
        operated = stack.enter_context(Stage.fill(cluster, NODES).operated())
        daemons = {OPERATOR: operated.operator, **_agents(cluster, stack)}
        Audit(cluster.server.audit_log, "sriov-").quiet(QUIET_S, DEADLINE_S)
        return _measured(cluster, daemons, seconds)


def _agents(cluster: Cluster, stack: ExitStack) -> dict[str, Daemon]:
    """The agents of nodes by their names, each when it has done its work."""
    machines = {AGENT: ("--host", str(machine_of(cluster.folder, PFS, VFS)))}
    if os.geteuid() == 0:
        root = cluster.folder / "root"
        root.mkdir()
        large(root, PFS, VFS)
        machines[READER] = ("--root", str(root))
    else:
        print(f"{READER}: not measured: an agent that may not change a machine does not start", file=sys.stderr)
    cluster.admin.create(objects.NODES, map(objects.node, machines))
    made = objects.policy("many", on=AGENT, nicSelector=DEVICES, numVfs=VFS)
    cluster.admin.ask("POST", objects.POLICIES, made)
    with watching(cluster.admin, objects.STATES) as watch:
        daemons = {name: stack.enter_context(agent(cluster, name, *machine)) for name, machine in machines.items()}
        watch.all(machines, lambda one: is_done(one, PFS, VFS), DEADLINE_S)
    return daemons


def _measured(cluster: Cluster, daemons: dict[str, Daemon], seconds: float) -> dict[str, Idle]:
    audits = {name: Audit(cluster.server.audit_log, USER_AGENTS[name]) for name in daemons}
    before = {name: (daemon.cpu_s(), audits[name].now()) for name, daemon in daemons.items()}
    time.sleep(seconds)
    return {
        name: Idle(
            size=daemons[name].size(), cpu_s=daemons[name].cpu_s() - cpu_s, requests=tuple(audits[name].since(moment))
        )
        for name, (cpu_s, moment) in before.items()
    }
