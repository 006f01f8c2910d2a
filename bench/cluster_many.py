"""Many agents in one process, each with a simulated machine and the identity of its own node; a script.

Usage: cluster_many.py NAMESPACE MACHINE NODE=KUBECONFIG... It tells when the machines are there, starts their agents at
SIGUSR1, and ends at SIGTERM. MACHINE is the file of a tree, and all machines are alike.
"""

import signal
import sys
from pathlib import Path

from sriov_core.agent.assembly import Setting, cluster_agent
from sriov_core.agent.publish import MANAGER
from sriov_core.agent.service import Agent
from sriov_core.engine.converge import Engine
from sriov_core.engine.journal import Journal
from sriov_core.kube.client import Client
from sriov_core.kube.connection import connect
from sriov_core.kube.recorder import Recorder
from sriov_core.plugin import loading, registry
from sriov_core.testing import trees
from sriov_core.testing.world import FakeWorld

ENDS_WITHIN_S = 20.0
COMPONENT = "config-daemon"


def main(namespace: str, machine: str, *nodes: str) -> None:
    """Run the agents until it is told to end."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGUSR1})  # taken by sigwait; threads inherit it
    engines = _engines(Path(machine).read_text(), len(nodes))
    print("the machines are there", flush=True)
    if signal.sigwait({signal.SIGTERM, signal.SIGUSR1}) == signal.SIGTERM:
        return
    pairs = [one.partition("=") for one in nodes]
    agents = [_agent(engine, namespace, node, path) for engine, (node, _, path) in zip(engines, pairs, strict=True)]
    for agent in agents:
        agent.start()
    print("the agents run", flush=True)
    signal.sigwait({signal.SIGTERM})
    for agent in agents:
        agent.stop()
    for agent in agents:
        agent.join(ENDS_WITHIN_S)
    broken = [agent.broken for agent in agents if agent.broken]
    sys.exit(f"{len(broken)} agents broke: {broken[0]}" if broken else 0)


def _engines(machine: str, number: int) -> list[Engine]:
    """As many machines, each with its own journal, and the plugins that they share."""
    catalogue = loading.load()
    drivers = registry.drivers(catalogue)
    hosts = [FakeWorld(trees.loads(machine)) for _ in range(number)]
    return [Engine(host=host, catalogue=catalogue, drivers=drivers, journal=Journal(path=None)) for host in hosts]


def _agent(engine: Engine, namespace: str, node: str, kubeconfig: str) -> Agent:
    """As `sriov-core agent` puts it together, with a connection of its own."""
    client = Client(connect(kubeconfig, user_agent=MANAGER), manager=MANAGER)
    recorder = Recorder(client, component=COMPONENT, instance=node)
    return cluster_agent(client, Setting(engine=engine), node=node, namespace=namespace, recorder=recorder)


if __name__ == "__main__":
    main(*sys.argv[1:])
