"""Objects of other API groups, as far as this project reads them; `Document.raw` carries the rest. No I/O."""

import msgspec

from sriov_core.api.wire import ObjectMeta, Wire


class NodeObjectSpec(Wire, frozen=True, kw_only=True):
    """``provider_id`` tells the cloud that the node is a VM of, if it is one."""

    provider_id: str = msgspec.field(name="providerID", default="")


class Node(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A node of the cluster: its labels and its cloud."""

    metadata: ObjectMeta
    spec: NodeObjectSpec = msgspec.field(default_factory=NodeObjectSpec)


class ConfigMap(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Texts by key."""

    metadata: ObjectMeta
    data: dict[str, str] = msgspec.field(default_factory=dict)


class Namespace(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A namespace; only its name matters."""

    metadata: ObjectMeta
