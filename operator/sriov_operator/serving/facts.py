"""What the admission rules may look at, from caches: only a network without a policy costs a request."""

import logging
import threading
from collections.abc import Iterator

import attrs

from sriov_core.admission.cluster import Cluster
from sriov_core.api.foreign import ConfigMap
from sriov_core.api.networks import Network
from sriov_core.api.nodepolicy import NodePolicy
from sriov_core.api.poolconfig import PoolConfig
from sriov_core.kube.client import Client
from sriov_core.kube.failures import ApiFailure
from sriov_core.kube.resource import CONFIG_MAPS, NODE_STATES, NODES, OURS, POLICIES, POOLS
from sriov_core.policy.nicids import CONFIG_MAP, DEFAULT, NicIds, parse
from sriov_operator.serving.caches import Caches
from sriov_operator.serving.contact import Contact
from sriov_operator.serving.lean import LeanNetwork, LeanNode, LeanState
from sriov_operator.serving.metrics import Metrics
from sriov_operator.serving.nodes import Nodes

NETWORK_KINDS = ("SriovNetwork", "SriovIBNetwork", "OVSNetwork")
STALE_S = 60.0
RENEWAL_S = 2.0
"""How long is waited for what is stored now; an API server gives a review ten seconds in all."""

_log = logging.getLogger("sriov_operator.serving.facts")


class Facts:
    """The cluster as last seen. `cluster` is for any thread; node by node, it is made again only where it changed."""

    def __init__(self, client: Client, contact: Contact, *, namespace: str, dev_mode: bool, metrics: Metrics) -> None:
        self._client = client.within(RENEWAL_S)
        self._namespace = namespace
        self._dev_mode = dev_mode
        self._contact = contact
        self.caches = Caches(client, contact, metrics)
        self._nodes = self.caches.of(NODES, LeanNode)
        self._states = self.caches.of(NODE_STATES, LeanState, namespace=namespace)
        self._policies = self.caches.of(POLICIES, NodePolicy, namespace=namespace)
        self._pools = self.caches.of(POOLS, PoolConfig, namespace=namespace)
        self._tables = self.caches.of(CONFIG_MAPS, ConfigMap, namespace=namespace, name=CONFIG_MAP)
        self._networks = {kind: self.caches.of(OURS[kind], LeanNetwork) for kind in NETWORK_KINDS}
        self._lock = threading.Lock()
        self._made = Nodes()
        self._read: tuple[ConfigMap | None, NicIds] | None = None

    def cluster(self) -> Cluster:
        """What is stored, as far as it has been heard of."""
        with self._lock:
            self._made = self._made.renewed(self._nodes.items(), self._states.items())
            made, nic_ids = self._made, self._nic_ids()
        return Cluster(
            operator_namespace=self._namespace,
            policies=self._policies.items(),
            nodes=made.values,
            pools=self._pools.items(),
            networks=tuple(self._all_networks()),
            nic_ids=nic_ids,
            dev_mode=self._dev_mode,
        )

    def renewed(self) -> Cluster | None:
        """The same with the policies that are stored now, None when they cannot be read.

        What one command applies, a policy and its networks say, follows faster than a watch tells of it.
        """
        try:
            policies = self._client.list(POLICIES, self._namespace, type=NodePolicy).items
        except ApiFailure as failure:
            _log.warning("what was heard of policies is not renewed: %s", failure)
            return None
        return attrs.evolve(self.cluster(), policies=tuple(policies))

    def stale(self) -> str:
        """A warning when something has not been watched for long; empty when everything is."""
        return stale(self._contact.longest_outage_s)

    def _all_networks(self) -> Iterator[Network]:
        for kind, informer in self._networks.items():
            yield from (network.whole(kind) for network in informer.items())

    def _nic_ids(self) -> NicIds:
        """The table of supported NICs as it is now; without its ConfigMap, the one that the project ships."""
        table = next(iter(self._tables.items()), None)
        if self._read is None or self._read[0] is not table:
            self._read = (table, self._parsed(table))
        return self._read[1]

    def _parsed(self, table: ConfigMap | None) -> NicIds:
        where = f"ConfigMap {self._namespace}/{CONFIG_MAP}"
        if table is None:
            _log.warning("%s is missing: the NICs that this program knows count as the supported ones", where)
            return DEFAULT
        nic_ids, faults = parse(table.data)
        for fault in faults:
            _log.warning("%s: %s", where, fault)
        return nic_ids


def stale(outage_s: float) -> str:
    """What to tell who gets an answer from facts that have not been watched for so long; empty while that is short."""
    if outage_s <= STALE_S:
        return ""
    unheard = f"the webhook has not heard of changes in the cluster for {outage_s:.0f} s"
    return f"{unheard}, so this answer may be out of date. See its log"
