"""Networks by the names of the wire, for tests."""

from typing import Any

import msgspec

from sriov_core.api.networks import Network, OVSNetwork, SriovIBNetwork, SriovNetwork

KINDS: dict[str, type[Network]] = {
    "SriovNetwork": SriovNetwork,
    "SriovIBNetwork": SriovIBNetwork,
    "OVSNetwork": OVSNetwork,
}


def network(
    kind: str = "SriovNetwork", name: str = "test", namespace: str = "ns", uid: str = "", **spec: Any
) -> Network:
    """A network by the names of the wire; without logLevel, as objects that no API server has completed."""
    silent = {"logLevel": ""} if kind == "SriovNetwork" else {}
    body = {
        "metadata": {"name": name, "namespace": namespace, "uid": uid},
        "spec": {"resourceName": "testresource", **silent, **spec},
    }
    return msgspec.convert(body, KINDS[kind])
