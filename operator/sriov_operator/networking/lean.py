"""What is kept of networks, attachments and namespaces: clusters have many of them. No I/O."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from sriov_core.api import keys
from sriov_core.api.networks import Network, OVSNetwork, SriovIBNetwork, SriovNetwork


class CachedSriovNetwork(SriovNetwork, frozen=True, kw_only=True, rename="camel"):
    """Without who manages which of its fields: that is most of its metadata, and nobody asks for it."""

    def __post_init__(self) -> None:
        _forget_managers(self)


class CachedSriovIBNetwork(SriovIBNetwork, frozen=True, kw_only=True, rename="camel"):
    """The same for InfiniBand VFs."""

    def __post_init__(self) -> None:
        _forget_managers(self)


class CachedOVSNetwork(OVSNetwork, frozen=True, kw_only=True, rename="camel"):
    """The same for VFs behind Open vSwitch."""

    def __post_init__(self) -> None:
        _forget_managers(self)


CACHED: Mapping[str, type[Network]] = MappingProxyType(
    {"SriovNetwork": CachedSriovNetwork, "SriovIBNetwork": CachedSriovIBNetwork, "OVSNetwork": CachedOVSNetwork}
)
"""What the caches hold, by kind."""


class Owner(msgspec.Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """A reference to the owner of an object."""

    api_version: str = ""
    kind: str = ""
    name: str = ""
    uid: str = ""


class AttachmentMeta(msgspec.Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """Of the annotations, those that are written here."""

    name: str
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    annotations: dict[str, str] = msgspec.field(default_factory=dict)
    owner_references: tuple[Owner, ...] = ()

    def __post_init__(self) -> None:
        ours = {key: self.annotations[key] for key in (keys.OWNER, keys.RESOURCE) if key in self.annotations}
        msgspec.structs.force_setattr(self, "annotations", ours)


class AttachmentSpec(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The CNI configuration."""

    config: str = ""


class LeanAttachment(msgspec.Struct, frozen=True, kw_only=True):
    """A NetworkAttachmentDefinition; of one that was made from no network only its name is kept."""

    metadata: AttachmentMeta
    spec: AttachmentSpec = msgspec.field(default_factory=AttachmentSpec)

    def __post_init__(self) -> None:
        if keys.OWNER not in self.metadata.annotations:
            msgspec.structs.force_setattr(self, "spec", AttachmentSpec())
            msgspec.structs.force_setattr(self.metadata, "owner_references", ())

    def seen(self) -> dict[str, Any]:
        """As `sriov_operator.attachments.decide` looks at it: enough to see whether there is something to do."""
        return {"metadata": msgspec.to_builtins(self.metadata), "spec": {"config": self.spec.config}}


class NamespaceMeta(msgspec.Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """What names a namespace, and whether it is about to go."""

    name: str
    namespace: str = ""
    resource_version: str = ""
    deletion_timestamp: str | None = None


class LeanNamespace(msgspec.Struct, frozen=True, kw_only=True):
    """A Namespace: that it is there."""

    metadata: NamespaceMeta

    @property
    def takes_objects(self) -> bool:
        """False once it is being deleted."""
        return self.metadata.deletion_timestamp is None


def _forget_managers(network: Network) -> None:
    msgspec.structs.force_setattr(network.metadata, "managed_fields", ())
