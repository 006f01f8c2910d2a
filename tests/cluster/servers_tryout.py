"""A cluster to try things in by hand: the API server with all that an administrator applies, and a simulated node.

``make cluster`` runs it; docs/cluster.md goes on from there. Agent and operator get the rights that they have in any
cluster, the agent with a token of a pod on its node.
"""

import argparse
import os
import sys
from pathlib import Path
from typing import Any

import servers_install
from servers import CannotRun, DidNotStart, Refused, Server, binaries, run_until_told

from sriov_operator.deployment.installation import installation
from sriov_operator.deployment.names import CONFIG_DAEMON, MANAGER
from sriov_operator.process.settings import from_environment

NODE, NAMESPACE, PREFIX = "worker-1", MANAGER, "openshift.io"
VALID_S = 7 * 24 * 3600

SAID = """\
A cluster without machines runs here; Ctrl-C ends it, and everything in it is forgotten.
  {admin}  the administrator's way in, for kubectl
  {operator}  the operator's service account
  {agent}  the agent of node {node}"""


def prepare(server: Server) -> str:
    """Apply everything, and say how to get in."""
    if not server.binaries.at_least(1, 34):
        raise CannotRun(f"Kubernetes 1.34 or newer is needed, and this is {server.binaries.version}")
    servers_install.definitions(server.admin)
    settings = from_environment({"NAMESPACE": NAMESPACE, "RESOURCE_PREFIX": PREFIX})
    for document in installation(settings):
        server.admin.apply(document)
    for name, role in ((NODE, "worker"), ("control-1", "control-plane")):  # a single node is never emptied of its pods
        labels = {"kubernetes.io/os": "linux", f"node-role.kubernetes.io/{role}": ""}
        server.admin.create({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}})
    # Pods need it, and the controller that makes it in each namespace does not run here.
    accounts = {"apiVersion": "v1", "kind": "ServiceAccount"}
    server.admin.create({**accounts, "metadata": {"name": "default", "namespace": "default"}})
    server.admin.create(_agents_pod())
    operator = server.token(NAMESPACE, MANAGER, seconds=VALID_S)
    agent = server.token(NAMESPACE, CONFIG_DAEMON, node=NODE, seconds=VALID_S)
    logins = {"operator": (MANAGER, operator), "agent": (CONFIG_DAEMON, agent)}
    paths = {name: _login(server, name, *login) for name, login in logins.items()}
    shown = {name: os.path.relpath(path) for name, path in {"admin": server.admin_kubeconfig, **paths}.items()}
    width = max(map(len, shown.values()))
    return SAID.format(node=NODE, **{name: path.ljust(width) for name, path in shown.items()})


def _agents_pod() -> dict[str, Any]:
    """Its token is bound to it. As a pod of a DaemonSet it stays where it is when its node is drained."""
    owner = {"apiVersion": "apps/v1", "kind": "DaemonSet", "name": CONFIG_DAEMON, "uid": "none", "controller": True}
    metadata = {"name": f"{CONFIG_DAEMON}-{NODE}", "namespace": NAMESPACE, "ownerReferences": [owner]}
    containers = [{"name": "main", "image": "none.example/none"}]
    spec = {"nodeName": NODE, "serviceAccountName": CONFIG_DAEMON, "containers": containers}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def _login(server: Server, name: str, account: str, token: str) -> Path:
    user = f"system:serviceaccount:{NAMESPACE}:{account}"
    return server.kubeconfig(user, credentials=token, path=server.folder / f"{name}.kubeconfig")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True, help="for its certificates and logs")
    try:
        folder = parser.parse_args().folder
        binaries()  # a first build takes minutes, and Ctrl-C ends it here
        run_until_told(folder, prepare)
    except (CannotRun, DidNotStart, Refused) as err:
        sys.exit(str(err))


if __name__ == "__main__":
    main()
