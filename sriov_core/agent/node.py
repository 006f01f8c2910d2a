"""What the agent takes from its Node: where the machine runs, and by which addresses the cluster knows it."""

import logging
import threading
from collections.abc import Callable

import msgspec

from sriov_core.errors import SriovError
from sriov_core.kube.client import Client
from sriov_core.kube.failures import Away, NotFound, Throttled, Unavailable
from sriov_core.kube.resource import NODES

_CLOUDS = ("openstack", "aws")
_FIRST_RETRY_S = 1.0
_LONGEST_RETRY_S = 30.0

_log = logging.getLogger("sriov_core.agent")


class _Spec(msgspec.Struct, frozen=True, rename={"provider_id": "providerID"}):
    provider_id: str = ""


class _Address(msgspec.Struct, frozen=True):
    type: str
    address: str


class _Status(msgspec.Struct, frozen=True):
    addresses: tuple[_Address, ...] = ()


class SeenNode(msgspec.Struct, frozen=True, kw_only=True):
    """A Node as far as it matters here."""

    spec: _Spec = msgspec.field(default_factory=_Spec)
    status: _Status = msgspec.field(default_factory=_Status)


def platform(node: SeenNode) -> str | None:
    """The cloud by the exact scheme of the provider's id, as in ``aws:///eu-1/i-1``; None: the machine itself tells."""
    scheme, separator, _ = node.spec.provider_id.partition("://")
    return scheme if separator and scheme in _CLOUDS else None


def addresses(node: SeenNode) -> tuple[str, ...]:
    """The addresses under which the cluster reaches the node: the NIC that carries one is in use."""
    return tuple(entry.address for entry in node.status.addresses if entry.type in ("InternalIP", "ExternalIP"))


def read_node(
    client: Client, name: str, stop: threading.Event, on_try: Callable[[], None] = lambda: None
) -> SeenNode | None:
    """The Node, as soon as the API server answers; None when ``stop`` was set before. ``on_try`` is called each time.

    Raises SriovError when there is no such Node, and the server's refusals that no waiting cures.
    """
    pause_s, complaint = _FIRST_RETRY_S, ""
    while not stop.is_set():
        on_try()
        try:
            return client.get(NODES, name, type=SeenNode)
        except NotFound as err:
            text = f"the cluster has no Node {name}"
            raise SriovError(f"{text}. Name this machine's with --node-name or NODE_NAME") from err
        except (Throttled, Unavailable) as err:
            why = "" if isinstance(err, Away) else f": {err}"  # that it is away is told by the client
            text = f"waits for Node {name}, and nothing is changed before it is read; trying again{why}"
            if text != complaint:
                complaint = text
                _log.warning("%s", text)
        stop.wait(pause_s)
        pause_s = min(2 * pause_s, _LONGEST_RETRY_S)
    return None
