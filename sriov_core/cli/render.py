"""``sriov-core render``: what the control plane would write for a cluster that is given as files. Reads only."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import click
import msgspec

from sriov_core.admission.decision import named
from sriov_core.api import documents
from sriov_core.api.fault import Fault, legible, shown
from sriov_core.api.networks import Network
from sriov_core.api.nodestate import NodeState
from sriov_core.api.wire import ObjectMeta
from sriov_core.cli.clusterfiles import OPERATOR_NAMESPACE, ClusterFiles, gather
from sriov_core.cli.files import documents_in
from sriov_core.cli.manifests import manifest_options, show
from sriov_core.cli.options import files_option
from sriov_core.cli.screen import Session
from sriov_core.errors import SpecError
from sriov_core.policy.attachment import attachment, faults, target_namespace
from sriov_core.policy.deviceplugin import config_maps
from sriov_core.policy.names import is_prefix, namespace_faults
from sriov_core.policy.nodeoutcome import NodeOutcome
from sriov_core.policy.pluginremarks import QUIET, RemarkCode
from sriov_core.policy.verdict import Outcome

# A policy that takes no NIC of one node is normal, and of none is told by its standing; mistakes are errors.
_TOLD_OTHERWISE = frozenset({*QUIET, RemarkCode.SELECTS_NOTHING, RemarkCode.INVALID})


@click.command("render", short_help="node states, device plugin config and attachments from policies and networks")
@files_option("Policies, networks, node states, Nodes, pools and configuration")
@click.option("--namespace", default=OPERATOR_NAMESPACE, show_default=True, help="The operator's namespace.")
@click.option("--resource-prefix", default="openshift.io", show_default=True, help="What resource names start with.")
@manifest_options
@click.pass_obj
def verb(session: Session, files: tuple[str, ...], namespace: str, resource_prefix: str) -> int:
    """Print what follows from policies, networks, node states, Nodes, pools and the operator's configuration.

    That is a SriovNetworkNodeState for each node, the device plugin's ConfigMap, and a NetworkAttachmentDefinition for
    each network, as a YAML stream, or with -o json as a List. Reasons and remarks go to the standard error.

    Exit code: 0, or 1 when an input is invalid; what does not depend on that is printed all the same.
    """
    _check(namespace, resource_prefix)
    given = gather(documents_in(files, documents.parse), namespace=namespace)
    outcomes = [given.fleet.outcome(node) for node in given.fleet.nodes]
    for note in (*given.notes, *_grouped((one.node, _remarks(one)) for one in outcomes), *_quiet(given)):
        session.note(note)
    errors = [
        *given.errors,
        *_invalid(given),
        *_grouped((one.node, _problems(one)) for one in outcomes),
        *_bad(given, namespace),
    ]
    if errors:
        session.error("\n".join(errors))
    show([*_objects(outcomes, namespace), *_attachments(given, namespace, resource_prefix)], session)
    return 1 if errors else 0


def _check(namespace: str, prefix: str) -> None:
    found = list(namespace_faults(namespace, "--namespace"))
    if not is_prefix(prefix):
        found.append(Fault("--resource-prefix", f"found {shown(prefix)}, which is no prefix", "Write openshift.io"))
    if found:
        raise SpecError("\n".join(map(str, found)))


def _objects(outcomes: Sequence[NodeOutcome], namespace: str) -> Iterator[dict[str, Any]]:
    for outcome in outcomes:
        if outcome.wish is not None:
            state = NodeState(metadata=ObjectMeta(name=outcome.node, namespace=namespace), spec=outcome.wish)
            value = msgspec.to_builtins(state)
            del value["status"]  # the node's own to write
            yield value
    if outcomes:
        yield from config_maps({one.node: one.plugin.config for one in outcomes}, namespace=namespace)


def _attachments(given: ClusterFiles, namespace: str, prefix: str) -> Iterator[dict[str, Any]]:
    rivals = _rivals(given)
    for network in given.networks:
        if len(rivals[_place(network)]) == 1 and not faults(network, operator_namespace=namespace):
            yield attachment(network, operator_namespace=namespace, resource_prefix=prefix)


def _place(network: Network) -> tuple[str, str]:
    return target_namespace(network), network.metadata.name


def _rivals(given: ClusterFiles) -> dict[tuple[str, str], list[Network]]:
    """The networks by the namespace and name of their attachment."""
    found: dict[tuple[str, str], list[Network]] = {}
    for network in given.networks:
        found.setdefault(_place(network), []).append(network)
    return found


def _invalid(given: ClusterFiles) -> Iterator[str]:
    for name in given.fleet.policies:
        yield from (f"policy {legible(name)}: {fault}" for fault in given.fleet.faults(name))


def _problems(outcome: NodeOutcome) -> Iterator[str]:
    """What stands in the way on one node, beside what is wrong with a policy by itself."""
    yield from (str(problem) for problem in outcome.rendering.problems if problem.nic)


def _remarks(outcome: NodeOutcome) -> Iterator[str]:
    yield from outcome.remarks
    for summary in outcome.rendering.summaries:
        yield from (f"policy {legible(summary.policy)}: {note}" for note in summary.notes)
        for verdict in summary.verdicts:
            if verdict.outcome is Outcome.TAKEN and verdict.note:
                yield f"policy {legible(summary.policy)} on {verdict.nic_name or verdict.nic}: {verdict.note}"
    yield from (str(remark) for remark in outcome.plugin.remarks if remark.code not in _TOLD_OTHERWISE)


def _quiet(given: ClusterFiles) -> Iterator[str]:
    """What is missing without being wrong: nodes, PFs that no node has, policies that hold no VFs anywhere."""
    if given.fleet.policies and not given.fleet.nodes:
        yield "no managed node is given, so the policies make nothing. Add node states, or Nodes"
        return
    for name in given.fleet.policies:
        for entry in given.fleet.nowhere(name):
            yield f"policy {legible(name)}: {entry.path}: no node that it selects has a PF {legible(entry.wanted)}"
        standing = given.fleet.standing(name)
        if not standing.ready and not given.fleet.faults(name):
            yield f"policy {legible(name)} holds no VFs ({standing.reason}): {standing.message}"


def _bad(given: ClusterFiles, namespace: str) -> Iterator[str]:
    for network in given.networks:
        for fault in faults(network, operator_namespace=namespace):
            yield f"{network.kind} {legible(network.metadata.name)}: {fault}"
    for (target, name), networks in _rivals(given).items():
        if len(networks) > 1:
            kinds = " and ".join(one.kind for one in networks)
            yield f"{kinds} {legible(name)} make one attachment in namespace {target}. Rename all but one"


def _grouped(told: Iterable[tuple[str, Iterable[str]]]) -> Iterator[str]:
    """Each text once, with the nodes that it is about."""
    nodes: dict[str, list[str]] = {}
    for node, texts in told:
        for text in texts:
            nodes.setdefault(text, []).append(node)
    for text, names in nodes.items():
        yield f"{named(names)}: {text}"
