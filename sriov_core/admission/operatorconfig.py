"""The rules for the operator's configuration. Nothing here does I/O."""

from collections.abc import Iterator

from sriov_core.admission.cluster import Cluster
from sriov_core.admission.decision import Finding, denied, warned
from sriov_core.api.fault import legible, shown
from sriov_core.api.featuregates import gates
from sriov_core.api.operatorconfig import NAME, OperatorConfig

RESERVED = ("CLUSTER_TYPE", "DEV_MODE", "NAMESPACE", "NODE_NAME", "USE_EXTERNAL_DRAINER")
"""The variables that the operator sets for the agent itself."""
_IN_PROGRESS = "InProgress"


def findings(config: OperatorConfig, cluster: Cluster, *, drained_before: bool) -> Iterator[Finding]:
    """Everything that the rules say of a configuration; ``drained_before``: it is stored, with draining on."""
    yield from _place(config, cluster)
    yield from _draining(config, cluster, drained_before=drained_before)
    spec = config.spec
    yield from (Finding(fault, denies=False) for fault in gates(spec.feature_gates).faults)
    for name in sorted(spec.config_daemon_env_vars):
        if name in RESERVED:
            text = "the operator sets this variable itself; a second value misleads the agent"
            yield warned(f"spec.configDaemonEnvVars[{name}]", text, "Remove it")
    if spec.enable_ovs_offload:
        text, remedy = "it has no effect", "Remove it; SriovNetworkPoolConfig has ovsHardwareOffloadConfig"
        yield warned("spec.enableOvsOffload", text, remedy)


def deletion(cluster: Cluster) -> Iterator[Finding]:
    """What is worth a warning when the configuration is deleted, which is always allowed."""
    if policies := cluster.counting_policies:
        some = ", ".join(legible(name) for name in sorted(policy.metadata.name for policy in policies)[:3])
        text = f"policies exist ({len(policies)}, among them {some}); without it, nothing acts on them any more"
        yield warned("metadata.name", text, "Delete the policies first, and wait until the nodes are done")


def _place(config: OperatorConfig, cluster: Cluster) -> Iterator[Finding]:
    name, namespace = config.metadata.name, config.metadata.namespace
    if name != NAME or not cluster.is_own(namespace):
        found = f"found {shown(f'{namespace}/{name}' if namespace else name)}"
        text = f"only default SriovOperatorConfig in namespace {cluster.operator_namespace} is looked at, {found}"
        field = "metadata.name" if name != NAME else "metadata.namespace"
        yield denied(field, text, f"Name it {NAME} and create it in {cluster.operator_namespace}")


def _draining(config: OperatorConfig, cluster: Cluster, *, drained_before: bool) -> Iterator[Finding]:
    if not config.spec.disable_drain:
        return
    text = "draining is off: nodes are changed while pods run there, which may lose their devices"
    yield warned("spec.disableDrain", text, "Leave it off on clusters with workloads")
    busy = [node.name for node in cluster.nodes if node.sync_status == _IN_PROGRESS]
    if drained_before and busy:
        more = f", and so are {len(busy) - 1} more" if len(busy) > 1 else ""
        text = f"draining cannot be switched off now: node {legible(min(busy))} is updating{more}"
        yield denied("spec.disableDrain", text, "Wait until its syncStatus is Succeeded or Failed")
