"""The seven kinds of sriovnetwork.openshift.io/v1: types, names, and the columns of `kubectl get`. No I/O."""

import attrs

from sriov_core.api.networks import OVSNetwork, SriovIBNetwork, SriovNetwork
from sriov_core.api.nodepolicy import NodePolicy
from sriov_core.api.nodestate import NodeState
from sriov_core.api.operatorconfig import OperatorConfig
from sriov_core.api.poolconfig import PoolConfig
from sriov_core.api.wire import GROUP

Body = NodePolicy | NodeState | SriovNetwork | SriovIBNetwork | OVSNetwork | PoolConfig | OperatorConfig


@attrs.frozen
class Column:
    """A column of `kubectl get`; one of ``priority`` above 0 is shown by ``-o wide`` only."""

    name: str
    path: str
    type: str = "string"
    priority: int = 0


@attrs.frozen(kw_only=True)
class Kind:
    """One kind; ``about`` is the first sentence of its description."""

    name: str
    body: type[Body]
    plural: str
    short: str
    about: str
    columns: tuple[Column, ...]

    @property
    def resource(self) -> str:
        """The name of its CustomResourceDefinition."""
        return f"{self.plural}.{GROUP}"


_READY = Column("Ready", '.status.conditions[?(@.type=="Ready")].status')
_AGE = Column("Age", ".metadata.creationTimestamp", "date")
_OF_A_NETWORK = (Column("Resource", ".spec.resourceName", priority=1), _READY, _AGE)

KINDS = (
    Kind(
        name="SriovNetworkNodePolicy",
        body=NodePolicy,
        plural="sriovnetworknodepolicies",
        short="srpol",
        about="Which PFs of which nodes get how many VFs, and what the VFs are for.",
        columns=(
            Column("Resource", ".spec.resourceName"),
            Column("VFs", ".status.appliedVfs", "integer"),
            Column("Type", ".spec.deviceType"),
            Column("Priority", ".status.priority", "integer"),
            Column("Nodes", ".status.matchedNodes", "integer"),
            Column("Applied", ".status.appliedNodes", "integer"),
            Column("VFs per NIC", ".spec.numVfs", "integer", 1),
            Column("NICs", ".status.appliedNics", "integer", 1),
            Column("Displaced", ".status.displacedNodes", "integer", 1),
            Column("Failed", ".status.failedNodes", "integer"),
            _READY,
            _AGE,
        ),
    ),
    Kind(
        name="SriovNetworkNodeState",
        body=NodeState,
        plural="sriovnetworknodestates",
        short="srnode",
        about="What is wished of the NICs of one node, which the operator writes, and what the node reports of them.",
        columns=(
            Column("Sync Status", ".status.syncStatus"),
            Column("Desired Sync State", r".metadata.annotations.sriovnetwork\.openshift\.io/desired-state"),
            Column("Current Sync State", r".metadata.annotations.sriovnetwork\.openshift\.io/current-state"),
            Column("Agent", '.status.conditions[?(@.type=="AgentReporting")].reason', priority=1),
            _READY,
            _AGE,
        ),
    ),
    Kind(
        name="SriovNetwork",
        body=SriovNetwork,
        plural="sriovnetworks",
        short="srnet",
        about="An Ethernet network on VFs; a NetworkAttachmentDefinition is made from it.",
        columns=_OF_A_NETWORK,
    ),
    Kind(
        name="SriovIBNetwork",
        body=SriovIBNetwork,
        plural="sriovibnetworks",
        short="sribnet",
        about="An InfiniBand network on VFs; a NetworkAttachmentDefinition is made from it.",
        columns=_OF_A_NETWORK,
    ),
    Kind(
        name="OVSNetwork",
        body=OVSNetwork,
        plural="ovsnetworks",
        short="ovsnet",
        about="A network on VFs whose representors are ports of Open vSwitch; a NetworkAttachmentDefinition is made.",
        columns=_OF_A_NETWORK,
    ),
    Kind(
        name="SriovNetworkPoolConfig",
        body=PoolConfig,
        plural="sriovnetworkpoolconfigs",
        short="srpool",
        about="A group of nodes: how many of them may be drained at once, and their RDMA mode.",
        columns=(
            Column("Max Unavailable", ".spec.maxUnavailable"),
            Column("RDMA", ".spec.rdmaMode"),
            Column("Nodes", ".status.nodes", "integer"),
            Column("Draining", ".status.draining", "integer"),
            Column("Waiting", ".status.waiting", "integer"),
            _READY,
            _AGE,
        ),
    ),
    Kind(
        name="SriovOperatorConfig",
        body=OperatorConfig,
        plural="sriovoperatorconfigs",
        short="sroc",
        about="What the operator deploys, and how. There is one, named default, in the operator's namespace.",
        columns=(
            Column("Webhook", ".status.operatorWebhook"),
            Column("Injector", ".status.injector"),
            _READY,
            _AGE,
        ),
    ),
)
