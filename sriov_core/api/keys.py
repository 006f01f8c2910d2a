"""Every key of a label, annotation or finalizer that is read or written by more than one component. No I/O.

They are fixed by what runs in clusters already: the SR-IOV network operator, Multus, the device plugin, drainers.
"""

from sriov_core.api.wire import GROUP

DEVICE_PLUGIN = f"{GROUP}/device-plugin"
"""Label of a Node: Enabled or Disabled, whether the device plugin runs there; absent when the node is not managed."""
NODE_STATE = f"{GROUP}/state"
"""Annotation of a Node: Idle, Drain_Required or Reboot_Required, what the agent asks for."""
DESIRED_STATE = f"{GROUP}/desired-state"
"""Annotation of a SriovNetworkNodeState: the same request, mirrored."""
CURRENT_STATE = f"{GROUP}/current-state"
"""Annotation of a SriovNetworkNodeState: Idle, Draining or DrainComplete, what the operator answers."""
EXTERNAL_DRAINER = f"{GROUP}/use-external-drainer"
"""Annotation of a SriovNetworkNodeState: "true" leaves the draining of this node to somebody else."""
KEEP_STATE_UNTIL = f"{GROUP}/keep-state-until"
"""Annotation of a SriovNetworkNodeState: the UTC time (RFC 3339) before which a stale one is not deleted."""
OWNER = f"{GROUP}/owner-ref"
"""Annotation of a NetworkAttachmentDefinition: the network it was made from, ``<Kind>.<group>/<namespace>/<name>``."""
LAST_NAMESPACE = f"operator.{GROUP}/last-network-namespace"
"""Annotation of a network: the namespace of the last NetworkAttachmentDefinition that was made from it."""
RESOURCE = "k8s.v1.cni.cncf.io/resourceName"
"""Annotation of a NetworkAttachmentDefinition: ``<prefix>/<resourceName>``, read by Multus and the injector."""
WAITS_FOR_CONFIG = f"{GROUP}/device-plugin-wait-config"
"""Annotation of a device plugin's pod: "true" while its init container waits for the node to be configured."""
POOL_STATE = NODE_STATE
"""Annotation of a MachineConfigPool (OpenShift), with the key of a Node's: Paused or Idle."""
RENDERED = f"{GROUP}/rendered"
"""Annotation of a SriovNetworkNodeState: "true" once the control plane has judged the NICs that the node reports.

Until then an empty wish says nothing: the agent takes nothing away for its sake.
"""
PINNED_PLUGINS = f"{GROUP}/pinned-plugins"
"""Annotation of a SriovNetworkNodeState, by administrators: ``0000:3b:00.0=generic,0000:5e:00.0=mellanox``."""
CORDONED_BEFORE = f"{GROUP}/cordoned-before"
"""Annotation of a SriovNetworkNodeState: "true" when the node was cordoned before it was drained, and stays so."""
DRAIN_SINCE = f"{GROUP}/drain-since"
"""Annotation of a SriovNetworkNodeState: the UTC time (RFC 3339) at which the draining of the node began."""
REQUESTED_SINCE = f"{GROUP}/drain-requested-since"
"""Annotation of a SriovNetworkNodeState: the UTC time (RFC 3339) of the agent's request; the oldest is served first."""
NODE_INTERFACES = f"{GROUP}/node-interfaces"
"""Label of a ConfigMap that holds the wish for one node in the short form; its value is the node's name."""
DESIRED_MACHINE_CONFIG = "machineconfiguration.openshift.io/desiredConfig"
"""Annotation of a Node (OpenShift), only read: the name of its MachineConfig."""
REQUIRED_SCC = "openshift.io/required-scc"
"""Annotation of a pod template (OpenShift): the security context constraints that the pod is admitted under."""
CAPABLE = "feature.node.kubernetes.io/network-sriov.capable"
"""Label of a Node, by the node feature discovery: "true"; a convention of node selectors, never read."""

NETWORK_FINALIZER = f"netattdef.finalizers.{GROUP}"
"""Of networks in the operator's namespace: their NetworkAttachmentDefinition is deleted first."""
POOL_FINALIZER = f"poolconfig.finalizers.{GROUP}"
"""Of pools with an Open vSwitch offload name: their machine configuration is removed first."""
CONFIG_FINALIZER = f"operatorconfig.finalizers.{GROUP}"
"""Of the SriovOperatorConfig named default: what it deployed in the cluster is removed first."""
