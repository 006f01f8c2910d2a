"""``sriov-operator cleanup``: has the operator take back what it deployed, before it is removed itself.

The SriovOperatorConfig is deleted, and the operator, which must still run, removes what nothing else would: a webhook
without its server would refuse objects for ever. Afterwards nobody looks after networks, so the finalizers that would
hold up the deletion of their namespace are taken off. Their NetworkAttachmentDefinitions stay, since pods use them;
those of networks that are being deleted go, too.
"""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import click

from sriov_core.api import keys, operatorconfig
from sriov_core.api.networks import Network, OVSNetwork, SriovIBNetwork, SriovNetwork
from sriov_core.api.operatorconfig import OperatorConfig
from sriov_core.errors import DeadlineExceeded
from sriov_core.kube.client import Client
from sriov_core.kube.connection import connect
from sriov_core.kube.failures import Conflict, NotFound, Unavailable
from sriov_core.kube.resource import ATTACHMENTS, CONFIGS, OURS
from sriov_operator.attachments import DeleteAttachment, decide, places
from sriov_operator.deployment.names import MANAGER

POLL_S = 0.1
_TRIES = 5
_TYPES: tuple[tuple[str, type[Network]], ...] = (
    ("SriovNetwork", SriovNetwork),
    ("SriovIBNetwork", SriovIBNetwork),
    ("OVSNetwork", OVSNetwork),
)

Say = Callable[[str], None]


@click.command("cleanup", short_help="take back what was deployed, before the operator is removed")
@click.option("-n", "--namespace", envvar="NAMESPACE", required=True, help="That of the operator.")
@click.option(
    "-w",
    "--watch-timeout",
    type=click.IntRange(1, 3600),
    default=10,
    show_default=True,
    help="Seconds that the operator has for it.",
)
@click.option("--kubeconfig", envvar="KUBECONFIG", help="The way to the API server; the pod's own when left out.")
def verb(namespace: str, watch_timeout: int, kubeconfig: str | None) -> int:
    """Delete the SriovOperatorConfig default and wait until it is gone, while the operator still runs.

    Exit code: 0 when it is gone or never was, 1 when it is still there after the time.
    """
    client = Client(connect(kubeconfig, user_agent="sriov-operator/cleanup"), manager=MANAGER)
    clean_up(client, namespace, float(watch_timeout), click.echo)
    return 0


def clean_up(client: Client, namespace: str, timeout_s: float, say: Say) -> None:
    """Everything, within about ``timeout_s``. DeadlineExceeded when the configuration stays; else `ApiFailure`."""
    deadline = time.monotonic() + timeout_s
    within = client.within(timeout_s)
    try:
        within.delete(CONFIGS, operatorconfig.NAME, namespace)
    except NotFound:
        say(f"there is no SriovOperatorConfig {namespace}/{operatorconfig.NAME}")
    else:
        _wait_gone(within, namespace, deadline, timeout_s)
        say(f"the SriovOperatorConfig {namespace}/{operatorconfig.NAME} is gone")
    for network in _held_networks(within, namespace):
        _release(within, network, namespace)
        say(f"{network.kind} {namespace}/{network.metadata.name}: the finalizer is taken off")


def _wait_gone(client: Client, namespace: str, deadline: float, timeout_s: float) -> None:
    never, why = threading.Event(), ""
    while time.monotonic() < deadline:
        try:
            found = client.get(CONFIGS, operatorconfig.NAME, namespace, type=OperatorConfig)
            why = f"its finalizers: {', '.join(found.metadata.finalizers) or 'none'}"
        except NotFound:
            return
        except Unavailable as err:
            why = str(err)
        never.wait(POLL_S)
    text = f"the SriovOperatorConfig {namespace}/{operatorconfig.NAME} is still there after {timeout_s:g} s ({why})"
    remedy = f"See the log of the operator, which takes off {keys.CONFIG_FINALIZER}; it has to run for that"
    raise DeadlineExceeded(f"{text}. {remedy}")


def _held_networks(client: Client, namespace: str) -> Iterator[Network]:
    for kind, wire in _TYPES:
        try:
            found = client.list(OURS[kind], namespace, type=wire).items
        except NotFound:
            continue
        yield from (one for one in found if keys.NETWORK_FINALIZER in one.metadata.finalizers)


def _release(client: Client, network: Network, namespace: str) -> None:
    """Take the finalizer off; of a network that is being deleted, its attachments are deleted first."""
    resource, wire = OURS[network.kind], type(network)
    for left in range(_TRIES - 1, -1, -1):
        if network.metadata.deletion_timestamp:
            _delete_attachments(client, network, namespace)
        kept = [one for one in network.metadata.finalizers if one != keys.NETWORK_FINALIZER]
        metadata = {"resourceVersion": network.metadata.resource_version, "finalizers": kept}
        try:
            client.merge_patch(resource, network.metadata.name, {"metadata": metadata}, namespace)
            return
        except NotFound:
            return
        except Conflict:
            if not left:
                raise
        try:
            network = client.get(resource, network.metadata.name, namespace, type=wire)
        except NotFound:
            return


def _delete_attachments(client: Client, network: Network, namespace: str) -> None:
    looked, name = places(network), network.metadata.name

    def look(where: str) -> dict[str, Any] | None:
        try:
            return client.get(ATTACHMENTS, name, where) if where else None
        except NotFound:
            return None

    decision = decide(
        network,
        found=look(looked.target),
        former=look(looked.former),
        namespace_exists=True,
        operator_namespace=namespace,
        resource_prefix="",
    )
    for action in decision.actions:
        if isinstance(action, DeleteAttachment):
            try:
                client.delete(
                    ATTACHMENTS,
                    action.name,
                    action.namespace,
                    uid=action.uid,
                    resource_version=action.resource_version,
                )
            except NotFound:
                continue
