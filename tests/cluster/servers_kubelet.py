"""What kubelets would tell in a try-out, of its nodes and of the pods of its agents, which people start by hand.

A node is Ready from the beginning; it has no Lease and no heartbeat, and no controller judges that. A pod is Ready
while a program runs that has its login: `sriov-core agent` with that kubeconfig, by option or variable. It need not
answer any probe; one that hangs is taken for well.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs
import urllib3
from servers_admin import MERGE, Admin

PROCESSES = Path("/proc")
CONTAINER = "main"
"""That of the pods."""
_OPTION, _VARIABLE = "--kubeconfig", "KUBECONFIG"
_STRATEGIC = "application/strategic-merge-patch+json"  # a condition replaces that of its type
_READY = {"type": "Ready", "status": "True", "reason": "Simulated", "message": "no kubelet runs here"}


@attrs.define
class Kubelet:
    """Tells of each pod once whenever its program begins or ends."""

    pods: Mapping[str, Path]
    """The path of each pod at the API server, with the kubeconfig of its agent."""
    _told: dict[str, bool] = attrs.field(factory=dict, init=False)

    def look(self, admin: Admin) -> None:
        """Look at the processes, and tell what is new. What the API server does not take is told the next time."""
        running = set(logins())
        for pod, login in self.pods.items():
            is_ready = login in running
            if self._told.get(pod) != is_ready and _tell(admin, pod, is_ready=is_ready):
                self._told[pod] = is_ready


def register(admin: Admin, name: str, labels: Mapping[str, str]) -> None:
    """Make a node that takes pods: Ready, and without the taint that the API server puts on every new one."""
    metadata = {"name": name, "labels": {"kubernetes.io/os": "linux", "kubernetes.io/hostname": name, **labels}}
    node = {"apiVersion": "v1", "kind": "Node", "metadata": metadata, "status": {"conditions": [_READY]}}
    admin.create(node)
    admin.done("PATCH", f"/api/v1/nodes/{name}", {"spec": {"taints": None}}, content_type=MERGE)


def logins(processes: Path = PROCESSES) -> Iterator[Path]:
    """The kubeconfigs of the agents that run here, as far as one may see them."""
    for process in processes.glob("[0-9]*"):
        try:
            argv = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
            if "agent" in argv and (named := _named(argv, process)):
                yield ((process / "cwd").readlink() / named).resolve()
        except OSError:  # it has ended, or is somebody else's
            continue


def _named(argv: list[str], process: Path) -> str:
    for at, word in enumerate(argv):
        option, _, value = word.partition("=")
        if option == _OPTION:
            return value or argv[at + 1]
    variables = (process / "environ").read_bytes().decode(errors="replace").split("\0")
    return next((value for name, _, value in (one.partition("=") for one in variables) if name == _VARIABLE), "")


def _tell(admin: Admin, pod: str, *, is_ready: bool) -> bool:
    """True when it was taken. A pod without a program waits for its first, or has lost it."""
    why = {"reason": "NoAgent", "message": "no agent with the kubeconfig of this pod runs here"}
    state = {"running": {}, "waiting": None} if is_ready else {"running": None, "waiting": why}
    container = {"name": CONTAINER, "ready": is_ready, "restartCount": 0, "image": "", "imageID": "", "state": state}
    condition = {"type": "Ready", "status": str(is_ready), **({} if is_ready else why)}
    status: dict[str, Any] = {"conditions": [condition], "containerStatuses": [container]}
    if is_ready:
        status["phase"] = "Running"
    try:
        code, _ = admin.request("PATCH", f"{pod}/status", {"status": status}, content_type=_STRATEGIC)
    except urllib3.exceptions.HTTPError:
        return False
    return code == 200
