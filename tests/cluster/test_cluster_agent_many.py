"""Many agents in one process at one API server: what a test of a fleet needs, and what each of them costs."""

import threading

from agent_runs import ENDS_WITHIN_S, Objects, drivers_of, interface, made, world
from kube_clients import until
from servers import Server

from sriov_core.kube.client import Client
from sriov_core.kube.connection import connect

AGENTS = 100
THREADS_EACH = 5
"""Three watches, the work, the writes."""


def test_a_hundred_agents_live_in_one_process(server: Server, namespace: str) -> None:
    way = connect(str(server.admin_kubeconfig), user_agent="sriov-fleet", connections=400)
    client = Client(way, manager="sriov-core-agent")
    nodes = [Objects(server.admin, namespace, f"worker-{namespace}-{number}") for number in range(AGENTS)]
    nodes[0].configure()
    hosts = [world() for _ in nodes]
    before = threading.active_count()
    for node in nodes:
        server.admin.create({"apiVersion": "v1", "kind": "Node", "metadata": {"name": node.node}})
        node.make_state()
        node.wish(interface())
    agents = [made(client, node, host) for node, host in zip(nodes, hosts, strict=True)]
    for agent in agents:
        agent.start()
    try:
        until(lambda: all(len(drivers_of(host)) == 2 for host in hosts))
        for node in nodes:
            node.synced()
        assert (
            threading.active_count() - before <= AGENTS * THREADS_EACH + AGENTS
        )  # a NIC's steps have one while it works
    finally:
        for agent in agents:
            agent.stop()
        ended = [agent.join(ENDS_WITHIN_S) for agent in agents]
    assert all(ended)
    assert [agent.broken for agent in agents] == [None] * AGENTS
    for node in nodes:
        server.admin.remove(f"/api/v1/nodes/{node.node}")
