"""The entry to the rules: may this object be created, changed or deleted in this cluster? Nothing here does I/O."""

from collections.abc import Iterator
from typing import Any

from sriov_core.admission import networks, operatorconfig, policies, pools
from sriov_core.admission.cluster import Cluster
from sriov_core.admission.decision import Decision, Finding, decide
from sriov_core.admission.mutation import mutated
from sriov_core.admission.reading import document_of, unreadable
from sriov_core.api.documents import Document
from sriov_core.api.networks import OVSNetwork, SriovIBNetwork, SriovNetwork
from sriov_core.api.nodepolicy import NodePolicy
from sriov_core.api.operatorconfig import OperatorConfig
from sriov_core.api.poolconfig import PoolConfig

CREATE, UPDATE, DELETE = "CREATE", "UPDATE", "DELETE"
_POLICY = "SriovNetworkNodePolicy"
_ALLOWED = Decision()

Given = Document | dict[str, Any] | None


def admit(operation: str, given: Given, old: Given, cluster: Cluster) -> Decision:
    """The decision about one object; it never raises, whatever the object holds.

    ``given`` is the object as it shall be stored, mutated already, and ``old`` as it is stored; on a DELETE, ``old`` is
    the object and ``given`` is not looked at unless there is no ``old``. Objects of other kinds and other operations
    are allowed. An UPDATE that leaves the spec as it was is allowed whatever the rules say by now, so that an object
    that was admitted once can lose its finalizers.
    """
    if operation == DELETE:
        return decide(_deletion(_document(old if old is not None else given).body, cluster))
    document, before = _document(given), _document(old)
    if operation not in {CREATE, UPDATE} or (operation == UPDATE and _same_spec(document.raw, before.raw)):
        return _ALLOWED
    faults = (*unreadable(document.raw), *document.unknown, *document.faults)
    if faults or document.body is None:
        return Decision(reasons=faults)
    return decide(_findings(document.body, before, cluster))


def _findings(body: Any, before: Document, cluster: Cluster) -> Iterator[Finding]:
    match body:
        case NodePolicy():
            yield from policies.findings(body, cluster)
        case SriovNetwork() | SriovIBNetwork() | OVSNetwork():
            yield from networks.findings(body, cluster)
        case PoolConfig():
            yield from pools.findings(body, cluster)
        case OperatorConfig():
            yield from operatorconfig.findings(body, cluster, drained_before=_drains(before))


def _deletion(body: Any, cluster: Cluster) -> Iterator[Finding]:
    """Nothing stands in the way of a deletion: what is wrong with an object must not keep it."""
    if isinstance(body, OperatorConfig):
        yield from operatorconfig.deletion(cluster)


def _document(given: Given) -> Document:
    if isinstance(given, Document):
        return given
    return document_of(given) if given is not None else Document(source="", number=0)


def _same_spec(raw: dict[str, Any], before: dict[str, Any]) -> bool:
    """True when the two ask for the same; what mutation adds makes no difference."""
    if not raw or not before:
        return False
    if raw.get("kind") == _POLICY:
        raw, before = mutated(raw), mutated(before)
    return bool(raw.get("spec") == before.get("spec"))


def _drains(before: Document) -> bool:
    """True for a stored configuration with draining on, whatever else is in it."""
    spec = before.raw.get("spec")
    return bool(before.raw) and not (isinstance(spec, dict) and spec.get("disableDrain") is True)
