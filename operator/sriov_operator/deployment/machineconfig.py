"""OpenShift in systemd mode: the units that configure the NICs at boot, as a MachineConfig. Nothing here does I/O.

OpenShift owns the units of its nodes and takes any difference for damage. So they are those that the agent would write,
who then finds nothing to write. Before the first boot of a node is over, there is no boot file, and they do nothing.
"""

import posixpath

from sriov_core.model import unittexts
from sriov_operator.deployment.configdaemon import PROGRAM_ON_NODE
from sriov_operator.deployment.deployed import Deployed, cluster_wide
from sriov_operator.deployment.names import MACHINE_CONFIG
from sriov_operator.objects import Object

PROGRAM = f"{PROGRAM_ON_NODE}/bin/sriov-core"

_ROLE = "machineconfiguration.openshift.io/role"


def manifests(deployed: Deployed) -> list[Object]:
    """The MachineConfig, for the pool of all workers, whatever nodes are managed; nothing elsewhere."""
    if not (deployed.is_openshift and deployed.is_systemd) or deployed.external_control_plane:
        return []
    head = cluster_wide(
        "machineconfiguration.openshift.io/v1", "MachineConfig", MACHINE_CONFIG, labels={_ROLE: "worker"}
    )
    units = [_unit(path, text) for path, text in unittexts.texts([PROGRAM]).items()]
    return [{**head, "spec": {"config": {"ignition": {"version": "3.2.0"}, "systemd": {"units": units}}}}]


def _unit(path: str, text: str) -> Object:
    return {"name": posixpath.basename(path), "enabled": True, "contents": text}
