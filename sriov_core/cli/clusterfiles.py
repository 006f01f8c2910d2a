"""Files with a cluster's objects to what the control plane would know of that cluster."""

from collections.abc import Iterable, Iterator, Sequence

import attrs

from sriov_core.api.documents import Document
from sriov_core.api.featuregates import gates
from sriov_core.api.foreign import ConfigMap, Node
from sriov_core.api.networks import Network, OVSNetwork, SriovIBNetwork, SriovNetwork
from sriov_core.api.nodepolicy import NodePolicy
from sriov_core.api.nodestate import NodeState
from sriov_core.api.operatorconfig import NAME as CONFIG_NAME
from sriov_core.api.operatorconfig import OperatorConfig
from sriov_core.api.poolconfig import PoolConfig
from sriov_core.errors import SpecError
from sriov_core.model.observed import Nic
from sriov_core.policy.attachment import placed
from sriov_core.policy.fleet import Fleet
from sriov_core.policy.nicids import CONFIG_MAP as NIC_IDS_NAME
from sriov_core.policy.nicids import DEFAULT, NicIds, parse
from sriov_core.policy.nodeoutcome import NodeFacts, Settings
from sriov_core.policy.nodereport import to_nics
from sriov_core.policy.pools import pool_faults

OPERATOR_NAMESPACE = "sriov-network-operator"
_READ = "policies, networks, node states, pools, SriovOperatorConfig, Nodes and the ConfigMap supported-nic-ids"


@attrs.frozen(kw_only=True)
class ClusterFiles:
    """The nodes with their policies, the networks, and what is wrong with or worth a word about the files."""

    fleet: Fleet
    networks: tuple[Network, ...] = ()
    errors: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@attrs.define
class _Sorted:
    """The objects of the files by what they are for."""

    policies: list[NodePolicy] = attrs.field(factory=list)
    states: dict[str, NodeState] = attrs.field(factory=dict)
    nodes: dict[str, Node] = attrs.field(factory=dict)
    pools: list[PoolConfig] = attrs.field(factory=list)
    networks: list[Network] = attrs.field(factory=list)
    config: OperatorConfig | None = None
    nic_ids: NicIds = DEFAULT
    errors: list[str] = attrs.field(factory=list)
    notes: list[str] = attrs.field(factory=list)


def gather(documents: Iterable[Document], *, namespace: str) -> ClusterFiles:
    """What the objects say together; ``namespace`` is the operator's, where policies and pools count.

    An object without a namespace counts as in the operator's. One that cannot be understood is left out and told as an
    error; of one with unknown fields, the others count. SpecError for two objects of one kind and name.
    """
    found = _Sorted()
    seen: dict[tuple[str, str, str], str] = {}
    for document in documents:
        faults = (*document.unknown, *document.faults)
        found.errors.extend(f"{document.where}: {fault}" for fault in faults)
        _once(document, seen, namespace)
        if not document.faults:
            _sort(document, found, namespace)
    fleet = Fleet()
    fleet.put_settings(_settings(found))
    fleet.put_pools(found.pools)
    fleet.put_policies(found.policies)
    for facts in _facts(found):
        fleet.put_node(facts)
    networks = sorted(found.networks, key=lambda one: (one.metadata.namespace, one.metadata.name, one.kind))
    return ClusterFiles(
        fleet=fleet,
        networks=tuple(networks),
        errors=tuple(found.errors),
        notes=(*found.notes, *_unmanaged(fleet, found)),
    )


def _once(document: Document, seen: dict[tuple[str, str, str], str], namespace: str) -> None:
    if isinstance(document.body, NodePolicy) or document.body is None:
        return  # different policies of one name are a matter of rendering, which says so
    key = (document.kind, document.body.metadata.namespace or namespace, document.name)
    if key in seen:
        raise SpecError(f"{document.where}: {document.called} is in {seen[key]}, too. Leave out one of the two")
    seen[key] = document.where


def _sort(document: Document, found: _Sorted, namespace: str) -> None:
    body = document.body
    match body:
        case SriovNetwork() | SriovIBNetwork() | OVSNetwork():
            found.networks.append(placed(body, namespace))
        case Node():
            found.nodes[document.name] = body
        case ConfigMap() if document.name == NIC_IDS_NAME:
            found.nic_ids, faults = parse(body.data)
            found.errors.extend(f"{document.where}: {fault}" for fault in faults)
        case NodePolicy() | NodeState() | PoolConfig() | OperatorConfig():
            if body.metadata.namespace not in ("", namespace):
                found.notes.append(_elsewhere(document, body.metadata.namespace, namespace))
            else:
                _sort_own(document, body, found)
        case _:
            found.notes.append(document.unread(_READ))


def _sort_own(document: Document, body: NodePolicy | NodeState | PoolConfig | OperatorConfig, found: _Sorted) -> None:
    match body:
        case NodePolicy():
            found.policies.append(body)
        case NodeState():
            found.states[document.name] = body
        case PoolConfig():
            found.pools.append(body)
            found.errors.extend(f"{document.where}: {fault}" for fault in pool_faults(body))
        case OperatorConfig() if document.name == CONFIG_NAME:
            found.config = body
        case _:
            found.notes.append(f"{document.where}: {document.called} is not looked at; the one named default is")


def _elsewhere(document: Document, found: str, wanted: str) -> str:
    return f"{document.where}: {document.called} is in namespace {found}; only those in {wanted} count (--namespace)"


def _settings(found: _Sorted) -> Settings:
    if found.config is None:
        return Settings(nic_ids=found.nic_ids)
    spec = found.config.spec
    asked = gates(spec.feature_gates)
    found.notes.extend(f"{CONFIG_NAME}: {fault}" for fault in asked.faults)
    return Settings(
        node_selector=spec.config_daemon_node_selector,
        bridges=asked.is_on("manageSoftwareBridges"),
        nic_ids=found.nic_ids,
    )


def _facts(found: _Sorted) -> Iterator[NodeFacts]:
    for name in sorted(found.states.keys() | found.nodes.keys()):
        state, node = found.states.get(name), found.nodes.get(name)
        if node is None:
            found.notes.append(f"node {name}: no Node object is given, so every nodeSelector selects it")
        yield NodeFacts(
            name=name,
            labels=node.metadata.labels if node else None,
            nics=_nics(state, found) if state else (),
            has_state=state is not None,
            rdma_mode=state.spec.system.rdma_mode if state else "",
        )


def _nics(state: NodeState, found: _Sorted) -> tuple[Nic, ...]:
    """The NICs that a node reports; none, as before it reported any, when the report cannot be understood."""
    try:
        return to_nics(state)
    except SpecError as err:
        found.errors.extend(str(err).splitlines())
        return ()


def _unmanaged(fleet: Fleet, found: _Sorted) -> Sequence[str]:
    left = sorted((found.states.keys() | found.nodes.keys()) - set(fleet.nodes))
    return [f"node {name} is not managed: its labels are not those that are wanted of managed nodes" for name in left]
