"""SriovOperatorConfig on the wire: what the operator deploys and how. There is one, named default. No I/O."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from sriov_core.api.conditions import Condition
from sriov_core.api.wire import API_VERSION, ObjectMeta, Wire

NAME = "default"
"""The one name under which it is looked at."""


class OperatorConfigSpec(Wire, frozen=True, kw_only=True):
    """The switches; what is left out is off."""

    config_daemon_node_selector: Annotated[
        dict[str, str],
        Meta(
            description="Labels of the nodes that are managed; every Linux node with the label "
            "node-role.kubernetes.io/worker when it is left out.",
        ),
    ] = msgspec.field(default_factory=dict)
    enable_injector: Annotated[
        bool, Meta(description="Deploy the webhook that adds resource requests to pods with networks.")
    ] = False
    enable_operator_webhook: Annotated[
        bool, Meta(description="Deploy the webhook that checks the objects of this group.")
    ] = False
    log_level: Annotated[
        int, Meta(ge=0, le=2, description="0 tells facts, 1 details, 2 each request to the API server, too.")
    ] = 0
    disable_drain: Annotated[
        bool, Meta(description="Change nodes without draining them first; running pods may lose their devices.")
    ] = False
    enable_ovs_offload: Annotated[bool, Meta(description="Has no effect; kept for older manifests.")] = False
    configuration_mode: Annotated[
        Literal["", "daemon", "systemd"],
        Meta(description="Whether nodes are configured by the agent's pod or by a service before the kubelet starts."),
    ] = ""
    use_cdi: Annotated[
        bool, Meta(description="Have the device plugin hand devices over by the Container Device Interface.")
    ] = msgspec.field(name="useCDI", default=False)
    disable_plugins: Annotated[
        tuple[str, ...], Meta(description="Drivers of the agent that shall not be loaded, by name, such as mellanox.")
    ] = ()
    feature_gates: Annotated[
        dict[str, bool], Meta(description="Features to switch on or off by name; unknown names are reported.")
    ] = msgspec.field(default_factory=dict)
    config_daemon_env_vars: Annotated[
        dict[str, str], Meta(description="Environment variables of the agent, beside those the operator sets.")
    ] = msgspec.field(default_factory=dict)


class Rollout(Wire, frozen=True, kw_only=True):
    """How far a DaemonSet that the operator deploys has come."""

    name: Annotated[str, Meta(description="The DaemonSet.")]
    desired: Annotated[int, Meta(ge=0, description="Nodes that shall run it.")] = 0
    updated: Annotated[int, Meta(ge=0, description="Nodes that run it as it is wanted now.")] = 0
    available: Annotated[int, Meta(ge=0, description="Nodes on which it is ready.")] = 0


class OperatorConfigStatus(Wire, frozen=True, kw_only=True):
    """What has become of it; ``injector`` and ``operator_webhook`` are Deployed, Progressing, Blocked or Disabled."""

    injector: Annotated[str, Meta(description="Deployed, Progressing, Blocked or Disabled: the webhook for pods.")] = ""
    operator_webhook: Annotated[
        str, Meta(description="Deployed, Progressing, Blocked or Disabled: the webhook for the objects of this group.")
    ] = ""
    rollouts: Annotated[tuple[Rollout, ...], Meta(description="How far what is deployed has come.")] = ()
    conditions: tuple[Condition, ...] = ()


class OperatorConfig(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The whole object."""

    api_version: str = API_VERSION
    kind: str = "SriovOperatorConfig"
    metadata: ObjectMeta
    spec: OperatorConfigSpec = msgspec.field(default_factory=OperatorConfigSpec)
    status: OperatorConfigStatus = msgspec.field(default_factory=OperatorConfigStatus)
