"""The operator's configuration, and what holds for every kind: rights, unread objects, unknown fields. No I/O."""

import re
from collections.abc import Iterator

from sriov_core.api.conditions import ACCEPTED, Condition
from sriov_core.api.featuregates import gates
from sriov_core.api.operatorconfig import NAME, OperatorConfig
from sriov_core.clusterview.cluster import Cluster
from sriov_core.clusterview.finding import ClusterFinding, found
from sriov_core.clusterview.grid import Cell, Grid
from sriov_core.clusterview.objects import condition_of
from sriov_core.plugin.diagnosis import Severity

_HEADING = "nobody acts on these; "
_UNKNOWN = re.compile(r": unknown field\b")
_GATE = "blockDevicePluginUntilConfigured"
_ABOUT = f"SriovOperatorConfig {NAME}"
_OPERATOR_LOG = "See what the pod of the operator says: kubectl logs -n {} deployment/sriov-network-operator"


def config_of(cluster: Cluster) -> OperatorConfig | None:
    """The one configuration that counts."""
    return next((one for one in cluster.configs.items if one.metadata.name == NAME), None)


def configuration(cluster: Cluster) -> Grid:
    """One row for each thing that the operator deploys."""
    config = config_of(cluster)
    columns = ("WHAT", "STATE", "DESIRED", "UPDATED", "AVAILABLE")
    if config is None:
        return Grid(
            title="configuration", columns=columns, empty="there is no SriovOperatorConfig default that could be read"
        )
    status = config.status
    servers = (("operator webhook", status.operator_webhook), ("injector", status.injector))
    rows: list[tuple[Cell, ...]] = [(name, state or "not told", "-", "-", "-") for name, state in servers]
    for one in status.rollouts:
        state = "rolled out" if one.available >= one.desired and one.updated >= one.desired else "rolling out"
        rows.append((one.name, state, one.desired, one.updated, one.available))
    return Grid(title="configuration", columns=columns, rows=tuple(rows))


def general_findings(cluster: Cluster) -> Iterator[ClusterFinding]:
    """What stands before everything else: rights, unread objects, the configuration, fields nobody acts on."""
    yield from _unread(cluster)
    yield from _strays(cluster)
    if not cluster.configs.refused:
        yield from _configuration(cluster)
    yield from _unknown_fields(cluster)


def _unread(cluster: Cluster) -> Iterator[ClusterFinding]:
    for part in cluster.parts():
        if part.refused:
            remedy = "Ask for the role of docs/kubectl.md, which only reads"
            yield found("K8S-405", Severity.UNKNOWN, part.kind, f"could not be looked at: {part.refused}", remedy)
        for key in part.unreadable:
            remedy = "Compare it with the definition of its kind (kubectl explain), and correct it"
            fact = "is there and cannot be understood, so it is left out here"
            yield found("K8S-406", Severity.FAIL, f"{part.kind} {key}", fact, remedy)


def _strays(cluster: Cluster) -> Iterator[ClusterFinding]:
    """What stands where the operator does not look; of a namespace that may be meant, K8S-401 tells."""
    for one in cluster.strays.items:
        second = one.namespace in cluster.elsewhere
        if second and config_of(cluster) is None:
            continue
        fact = f"has no effect: the operator reads this kind in its own namespace {cluster.namespace} only"
        get = f"kubectl get {one.kind.lower()} {one.name} -n {one.namespace} -o yaml"
        severity = Severity.WARN
        remedy = f"{get} shows it: create it in namespace {cluster.namespace}, and delete this one"
        if second or cluster.strays.refused:
            fact = f"{fact}, unless another operator runs in {one.namespace}"
            severity = Severity.ADVICE
            remedy = f"Nothing, if one does. If not, {get} shows what may be moved"
        yield found("K8S-410", severity, f"{one.kind} {one.namespace}/{one.name}", fact, remedy)


def _configuration(cluster: Cluster) -> Iterator[ClusterFinding]:
    config = config_of(cluster)
    if config is None:
        hint = f". Found in {', '.join(cluster.elsewhere)}: name it with --operator-namespace" * bool(cluster.elsewhere)
        fact = f"there is none in namespace {cluster.namespace}, so the operator touches nothing"
        remedy = f"Create a SriovOperatorConfig named {NAME} there{hint}"
        yield found("K8S-401", Severity.FAIL, _ABOUT, fact, remedy)
        return
    yield from _conditions(cluster, config)
    if config.spec.disable_drain:
        fact = "nodes are changed without a drain: running pods may lose their devices"
        yield found("K8S-407", Severity.ADVICE, _ABOUT, fact, "Set disableDrain to false", "spec.disableDrain")
    if not gates(config.spec.feature_gates).is_on(_GATE):
        fact = "the device plugin starts before its node is configured: after a reboot pods may get VFs that change yet"
        yield found("K8S-409", Severity.ADVICE, _ABOUT, fact, f"Set the gate {_GATE} to true", "spec.featureGates")


def _conditions(cluster: Cluster, config: OperatorConfig) -> Iterator[ClusterFinding]:
    ready, degraded, progressing = (
        condition_of(config.status.conditions, name) for name in ("Ready", "Degraded", "Progressing")
    )
    log = _OPERATOR_LOG.format(cluster.namespace)
    if ready is None:
        fact = "nobody has written its status: no operator runs, or one that does not tell"
        yield found("K8S-403", Severity.WARN, _ABOUT, fact, log, "status.conditions")
        return
    if ready.observed_generation < config.metadata.generation:
        at, seen = config.metadata.generation, ready.observed_generation
        fact = f"its last change (generation {at}) has not been seen; the operator is at {seen}"
        yield found("K8S-403", Severity.WARN, _ABOUT, fact, log, "status.conditions[Ready].observedGeneration")
    bad = degraded if degraded and degraded.status == "True" else ready if ready.status == "False" else None
    if bad:
        yield found("K8S-402", Severity.FAIL, _ABOUT, f"{bad.reason}: {bad.message}", log, _field(bad))
    elif progressing and progressing.status == "True":
        fact = f"{progressing.reason}: {progressing.message}"
        remedy = "Wait; when it does not move for 10 minutes, it is told as RolloutStuck"
        yield found("K8S-404", Severity.ADVICE, _ABOUT, fact, remedy, _field(progressing))


def _unknown_fields(cluster: Cluster) -> Iterator[ClusterFinding]:
    parts = (cluster.configs, cluster.policies, cluster.pools, cluster.networks)
    for part in parts:
        for one in part.items:
            accepted = condition_of(one.status.conditions, ACCEPTED)
            if accepted and accepted.status == "False":
                about = f"{one.kind} {one.metadata.name}"
                fact = _UNKNOWN.sub(": unknown field, nobody acts on it", accepted.message.removeprefix(_HEADING))
                yield found("K8S-408", Severity.WARN, about, fact, "Correct the field", _field(accepted))


def _field(condition: Condition) -> str:
    return f"status.conditions[{condition.type}]"


def told(condition: Condition | None) -> str:
    """``reason: message`` on one line, for a cell."""
    return " ".join(f"{condition.reason}: {condition.message}".rstrip(": ").split()) if condition else ""
