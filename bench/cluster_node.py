"""A node whose machine is simulated and whose agent is real: `sriov-core agent` with the agents' identity."""

import sys
from contextlib import AbstractContextManager
from pathlib import Path

from bench.cluster import Cluster
from bench.cluster_objects import NAMESPACE, Document
from bench.cluster_process import Daemon, running
from sriov_core.model.address import Address
from sriov_core.model.observed import LinkType, Nic
from sriov_core.testing import trees
from sriov_core.testing.simulated import tree_of
from sriov_operator.deployment import names, roles

DEVICES = {"vendor": "8086", "deviceID": "1592"}
"""What a policy selects these NICs by."""


def nics(pfs: int, vfs: int) -> tuple[Nic, ...]:
    """Ports of E810 cards that can have so many VFs each and have none."""
    return tuple(
        Nic(
            address=Address(f"0000:{0x10 + number:02x}:00.0"),
            vendor=DEVICES["vendor"],
            device=DEVICES["deviceID"],
            kernel_driver="ice",
            name=f"ens{number}f0",
            link_type=LinkType.ETH,
            mac=f"02:00:00:00:00:{number:02x}",
            mtu=1500,
            link_up=True,
            total_vfs=vfs,
        )
        for number in range(pfs)
    )


def is_done(state: Document, pfs: int, vfs: int) -> bool:
    """True for a node state whose agent has made all these VFs, reports them, and has nothing left to do."""
    status = state.get("status", {})
    made = [len(nic.get("Vfs", [])) for nic in status.get("interfaces", [])]
    return status.get("syncStatus") == "Succeeded" and made == [vfs] * pfs


def allow_agents(cluster: Cluster) -> None:
    """Give the agents' service account its roles and no more."""
    rules = {"Role": roles.as_objects(roles.AGENT), "ClusterRole": roles.as_objects(roles.AGENT_CLUSTER)}
    cluster.account(names.CONFIG_DAEMON, rules)


def kubeconfig(cluster: Cluster, node: str) -> Path:
    """That of the agent of a node: its token is bound to a pod there, so it may change that node's objects only."""
    token = cluster.server.token(NAMESPACE, names.CONFIG_DAEMON, node=node)
    user = f"system:serviceaccount:{NAMESPACE}:{names.CONFIG_DAEMON}"
    path = cluster.folder / f"agent-{node}.kubeconfig"
    cluster.server.kubeconfig(user, credentials=token, path=path)
    return path


def agent(cluster: Cluster, node: str, *machine: str) -> AbstractContextManager[Daemon]:
    """The agent of a node as a process; ``machine`` are its options that say which machine it is."""
    options = ("--node-name", node, "--namespace", NAMESPACE, "--kubeconfig", str(kubeconfig(cluster, node)))
    argv = [sys.executable, "-m", "sriov_core", "agent", *machine, *options]
    return running(f"agent of {node}", argv, {}, cluster.folder / f"agent-{node}.log")


def machine_of(folder: Path, pfs: int, vfs: int) -> Path:
    """The file of a simulated machine with such NICs."""
    path = folder / f"machine-{pfs}x{vfs}.json"
    path.write_text(trees.dump_json(tree_of(nics(pfs, vfs))))
    return path
