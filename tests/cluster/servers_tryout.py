"""A cluster to try things in by hand: the API server with all that an administrator applies, and simulated nodes.

``make cluster`` runs it; docs/cluster.md goes on from there. Its nodes are Ready, without kubelets. Agents and operator
get the rights that they have in any cluster, an agent with a token of a pod on its node, which is Ready while that
agent runs. Of the controllers of Kubernetes those run that delete what has no owner any more, and that of disruption
budgets. When it ends, its folder goes, unless something went wrong.
"""

import argparse
import os
import sys
from pathlib import Path
from typing import Any

import servers_install
from servers import CONTROLLERS, CannotRun, DidNotStart, Refused, Server, binaries, run_until_told
from servers_folder import claimed
from servers_kubelet import CONTAINER, Kubelet, register

from sriov_operator.deployment.installation import installation
from sriov_operator.deployment.names import CONFIG_DAEMON, MANAGER
from sriov_operator.process.settings import from_environment

NODE, SECOND, NAMESPACE, PREFIX = "worker-1", "worker-2", MANAGER, "openshift.io"
VALID_S = 7 * 24 * 3600

_POD = {
    "serviceAccountName": CONFIG_DAEMON,
    "terminationGracePeriodSeconds": 0,  # no kubelet would say that it has ended
    "containers": [{"name": CONTAINER, "image": "none.example/none"}],
}
_LABELS = {"app": CONFIG_DAEMON}
"""By them the operator knows pods of agents."""
_AGENTS: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "DaemonSet",
    "metadata": {"name": "by-hand", "namespace": NAMESPACE},
    "spec": {
        "selector": {"matchLabels": _LABELS},
        "template": {"metadata": {"labels": _LABELS}, "spec": _POD},
    },
}
"""Stands for the one that would run the agents; its controller does not run here."""

SAID = """\
A cluster without machines runs here; Ctrl-C ends it, and everything in it is forgotten.
  {admin}  the administrator's way in, for kubectl
  {operator}  the operator's service account
  {agent}  the agent of node {node}
  {second}  the agent of node {other}, which is no worker yet"""


def prepare(server: Server) -> str:
    """Apply everything, and say how to get in."""
    if not server.binaries.at_least(1, 34):
        raise CannotRun(f"Kubernetes 1.34 or newer is needed, and this is {server.binaries.version}")
    servers_install.definitions(server.admin)
    settings = from_environment({"NAMESPACE": NAMESPACE, "RESOURCE_PREFIX": PREFIX})
    for document in installation(settings):
        server.admin.apply(document)
    for name, role in ((NODE, "worker"), (SECOND, ""), ("control-1", "control-plane")):
        register(server.admin, name, {f"node-role.kubernetes.io/{role}": ""} if role else {})
    # Pods need it, and the controller that makes it in each namespace does not run here.
    accounts = {"apiVersion": "v1", "kind": "ServiceAccount"}
    server.admin.create({**accounts, "metadata": {"name": "default", "namespace": "default"}})
    server.start_controller_manager([*CONTROLLERS, "disruption-controller"])
    paths = {
        "admin": server.admin_kubeconfig,
        "operator": _login(server, "operator", MANAGER, server.token(NAMESPACE, MANAGER, seconds=VALID_S)),
        "agent": _agents_login(server, "agent", NODE),
        "second": _agents_login(server, "agent-2", SECOND),
    }
    shown = {name: os.path.relpath(path) for name, path in paths.items()}
    width = max(map(len, shown.values()))
    return SAID.format(node=NODE, other=SECOND, **{name: path.ljust(width) for name, path in shown.items()})


def _agents_login(server: Server, name: str, node: str) -> Path:
    """With a token of its pod."""
    server.admin.apply(_AGENTS)
    owner = server.admin.done("GET", server.admin.path(_AGENTS))["metadata"]["uid"]
    server.admin.create(_agents_pod(node, owner))
    token = server.token(NAMESPACE, CONFIG_DAEMON, node=node, seconds=VALID_S)
    return _login(server, name, CONFIG_DAEMON, token)


def _agents_pod(node: str, owner: str) -> dict[str, Any]:
    """Its token is bound to it. As a pod of a DaemonSet it stays where it is when its node is drained."""
    of = {"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "by-hand", "uid": owner, "controller": True}
    metadata = {"name": _pod_name(node), "namespace": NAMESPACE, "labels": _LABELS, "ownerReferences": [of]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {**_POD, "nodeName": node}}


def _pod_name(node: str) -> str:
    return f"{CONFIG_DAEMON}-{node}"


def kubelet(folder: Path) -> Kubelet:
    """Looks after the pods of the agents."""
    logins = {NODE: _kubeconfig(folder, "agent"), SECOND: _kubeconfig(folder, "agent-2")}
    return Kubelet({f"/api/v1/namespaces/{NAMESPACE}/pods/{_pod_name(node)}": path for node, path in logins.items()})


def _kubeconfig(folder: Path, name: str) -> Path:
    return folder / f"{name}.kubeconfig"


def _login(server: Server, name: str, account: str, token: str) -> Path:
    user = f"system:serviceaccount:{NAMESPACE}:{account}"
    return server.kubeconfig(user, credentials=token, path=_kubeconfig(server.folder, name))


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True, help="for its certificates and logs")
    folder = parser.parse_args().folder
    try:
        binaries()  # a first build takes minutes, and Ctrl-C ends it here
        with claimed(folder.resolve()):
            pods = kubelet(folder.resolve())
            run_until_told(folder, prepare, lambda server: pods.look(server.admin))
    except DidNotStart as err:
        sys.exit(f"{err}\nThe cluster is gone. Its logs are in {folder}; the next one there removes them")
    except (CannotRun, Refused) as err:
        sys.exit(str(err))
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
