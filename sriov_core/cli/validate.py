"""``sriov-core validate``: would the admission webhook let these objects in? Reads only."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import attrs
import click

from sriov_core.admission.admitting import CREATE, admit
from sriov_core.admission.cluster import Cluster, cluster_nodes
from sriov_core.admission.decision import Decision
from sriov_core.admission.reading import unreadable
from sriov_core.api import documents
from sriov_core.api.documents import Document
from sriov_core.api.fault import Fault
from sriov_core.api.foreign import ConfigMap, Node
from sriov_core.api.kinds import KINDS
from sriov_core.api.networks import OVSNetwork, SriovIBNetwork, SriovNetwork
from sriov_core.api.nodepolicy import NodePolicy
from sriov_core.api.nodestate import NodeState
from sriov_core.api.poolconfig import PoolConfig
from sriov_core.cli.clusterfiles import OPERATOR_NAMESPACE
from sriov_core.cli.files import documents_in
from sriov_core.cli.options import files_option, output_options
from sriov_core.cli.screen import Block, Line, Session, Tone, printable
from sriov_core.policy.nicids import CONFIG_MAP, DEFAULT, parse

_OURS = frozenset(kind.name for kind in KINDS)
_READ = f"objects of this project, Nodes and the ConfigMap {CONFIG_MAP}"
_NO_NODES = (
    "no Node and no SriovNetworkNodeState is given: whether policies select nodes and NICs, and what these can serve, "
    "is not judged"
)
_NO_STATES = "no SriovNetworkNodeState is given: whether policies select NICs, and what these can serve, is not judged"


@attrs.frozen
class Judged:
    """One object of the files with the decision about it."""

    document: Document
    decision: Decision


@click.command("validate", short_help="would these objects be admitted to a cluster")
@files_option("Any objects of a cluster")
@click.option("--namespace", default=OPERATOR_NAMESPACE, show_default=True, help="The operator's namespace.")
@click.option("--dev-mode", is_flag=True, help="Admit NICs that are not among the supported ones, too.")
@output_options
@click.pass_obj
def verb(session: Session, files: tuple[str, ...], namespace: str, dev_mode: bool) -> int:  # noqa: FBT001  # click's way
    """Judge each object as if it were created beside the others of the files, in whatever order they stand there.

    The rules are those of the admission webhook. What needs nodes is judged when Nodes or node states are among the
    files.

    Exit code: 0 all are allowed, 1 some object is denied, or a file cannot be read.
    """
    found = documents_in(files, documents.parse)
    cluster = _cluster(found, namespace=namespace, dev_mode=dev_mode)
    judged = tuple(_judged(found, cluster))
    for note in _notes(found, cluster):
        session.note(note)
    session.show(lambda: _blocks(judged), lambda: [_data(one, namespace) for one in judged])
    return 0 if all(one.decision.allowed for one in judged) else 1


def _cluster(found: Iterable[Document], *, namespace: str, dev_mode: bool) -> Cluster:
    """What the objects of the files say of their cluster; one that is unreadable or given twice says nothing.

    Policies of one name are sorted out by whoever compares policies.
    """
    given = _by_identity(found, namespace)
    bodies = [
        document.body
        for document in found
        if not unreadable(document.raw)
        and (isinstance(document.body, NodePolicy) or len(given[_identity(document, namespace)]) == 1)
    ]
    table = next((body for body in bodies if isinstance(body, ConfigMap) and body.metadata.name == CONFIG_MAP), None)
    return Cluster(
        operator_namespace=namespace,
        policies=tuple(body for body in bodies if isinstance(body, NodePolicy)),
        nodes=cluster_nodes(
            [body for body in bodies if isinstance(body, Node)],
            [one for one in bodies if isinstance(one, NodeState) and one.metadata.namespace in ("", namespace)],
            stateless_labels=True,
        ),
        pools=tuple(body for body in bodies if isinstance(body, PoolConfig)),
        networks=tuple(body for body in bodies if isinstance(body, (SriovNetwork, SriovIBNetwork, OVSNetwork))),
        nic_ids=parse(table.data)[0] if table else DEFAULT,
        dev_mode=dev_mode,
        is_complete=False,
    )


def _judged(found: Sequence[Document], cluster: Cluster) -> Iterator[Judged]:
    """The decision about each object of ours, and about each other one with which something is wrong."""
    given = _by_identity(found, cluster.operator_namespace)
    for document in found:
        twice = _given_twice(given[_identity(document, cluster.operator_namespace)]) if _is_read(document) else ()
        if document.kind in _OURS:
            decision = admit(CREATE, document, None, cluster)
            yield Judged(document, attrs.evolve(decision, reasons=(*twice, *decision.reasons)))
        elif faults := (*twice, *document.faults, *_table_faults(document)):
            yield Judged(document, Decision(reasons=faults))


def _is_read(document: Document) -> bool:
    """True for an object that says something about the cluster."""
    is_table = document.kind == "ConfigMap" and document.name == CONFIG_MAP
    return bool(document.name) and (document.kind in {*_OURS, "Node"} or is_table)


def _by_identity(found: Iterable[Document], namespace: str) -> Mapping[tuple[str, str, str], list[Document]]:
    grouped: dict[tuple[str, str, str], list[Document]] = {}
    for document in found:
        grouped.setdefault(_identity(document, namespace), []).append(document)
    return grouped


def _given_twice(namesakes: Sequence[Document]) -> tuple[Fault, ...]:
    if len(namesakes) < 2:
        return ()
    places = " and ".join(document.where for document in namesakes)
    return (Fault("metadata.name", f"it is given {len(namesakes)} times: {places}", "Rename or remove all but one"),)


def _table_faults(document: Document) -> tuple[Fault, ...]:
    """What is wrong with the table of supported NICs."""
    body = document.body
    return parse(body.data)[1] if isinstance(body, ConfigMap) and document.name == CONFIG_MAP else ()


def _identity(document: Document, namespace: str) -> tuple[str, str, str]:
    own = "" if document.kind == "Node" else _namespace(document) or namespace
    return (document.kind, own, document.name)


def _namespace(document: Document) -> str:
    metadata = document.raw.get("metadata")
    namespace = metadata.get("namespace") if isinstance(metadata, dict) else None
    return namespace if isinstance(namespace, str) else ""


def _notes(found: Sequence[Document], cluster: Cluster) -> Iterator[str]:
    for document in found:
        if not _is_read(document) and not document.faults:
            yield document.unread(_READ)
    if cluster.policies and not any(node.has_state for node in cluster.nodes):
        yield _NO_STATES if cluster.nodes else _NO_NODES
    for node in cluster.nodes:
        if node.labels is None:
            yield f"node {node.name}: no Node object is given, so every nodeSelector selects it"


def _blocks(judged: Sequence[Judged]) -> Iterator[Block]:
    if not judged:
        yield Line("nothing to judge")
    for one in judged:
        allowed = one.decision.allowed
        word, tone = ("allowed", Tone.GOOD) if allowed else ("denied", Tone.FAIL)
        yield Line(f"{word}: {one.document.called or 'an object'} ({one.document.where})", tone)
        yield from (Line(f"  reason: {fault}", Tone.FAIL) for fault in one.decision.reasons)
        yield from (Line(f"  warning: {warning}", Tone.WARN) for warning in one.decision.warnings)


def _data(one: Judged, namespace: str) -> dict[str, Any]:
    """The same for programs; the keys are listed in docs/cli.md."""
    return {
        "kind": printable(one.document.kind),
        "namespace": printable(_namespace(one.document) or namespace),
        "name": printable(one.document.name),
        "allowed": one.decision.allowed,
        "reasons": [printable(str(fault)) for fault in one.decision.reasons],
        "warnings": [printable(warning) for warning in one.decision.warnings],
    }
