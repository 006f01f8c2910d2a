"""``sriov-operator cleanup``: has the operator take back what it deployed, before it is removed itself.

The SriovOperatorConfig is deleted, and the operator, which must still run, removes what nothing else would: a webhook
without its server would refuse objects for ever. Afterwards nobody looks after networks and pools, so the finalizers
that would hold up the deletion of their namespaces are taken off. What is left then is told. Policies would be left to
nobody, so while there are any nothing is changed, unless the VFs are to stay.
"""

import threading
import time
from collections.abc import Callable, Iterable

import click
import msgspec

from sriov_core.api import keys, operatorconfig
from sriov_core.api.featuregates import gates
from sriov_core.api.operatorconfig import OperatorConfig
from sriov_core.api.wire import ObjectMeta
from sriov_core.errors import DeadlineExceeded, SpecError
from sriov_core.kube.client import Client
from sriov_core.kube.connection import connect
from sriov_core.kube.failures import ApiFailure, NotFound, Unavailable
from sriov_core.kube.resource import CONFIGS, LEASES, NODE_STATES, POLICIES, POOLS, Resource
from sriov_operator.deployment.applying import Applier
from sriov_operator.deployment.deployed import Deployed
from sriov_operator.deployment.leftovers import leftovers, on_nodes, policies, undone_nodes
from sriov_operator.deployment.manifests import Place, left_behind
from sriov_operator.deployment.names import MANAGER
from sriov_operator.deployment.releasing import release_all, release_config
from sriov_operator.deployment.trust import Trusts
from sriov_operator.process.settings import Settings

POLL_S = 0.1
ANSWER_S = 10.0
"""A request may take at least as long, however little time the operator gets."""
_GONE = "--operator-is-gone"
_KEEP = "--keep-vfs"
_ANY = "--if-any"

Say = Callable[[str], None]


class _Meta(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    namespace: str = ""


class _Named(msgspec.Struct, frozen=True, kw_only=True):
    metadata: _Meta


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
@click.option(_GONE, "is_gone", is_flag=True, help="No operator runs any more: do its part as well.")
@click.option(_KEEP, "keep_vfs", is_flag=True, help="Although policies are there: nodes keep the VFs of these.")
@click.option(_ANY, "if_any", is_flag=True, help="A namespace with nothing of the operator is good, too.")
@click.option("--kubeconfig", envvar="KUBECONFIG", help="The way to the API server; the pod's own when left out.")
def verb(
    namespace: str, watch_timeout: int, kubeconfig: str | None, *, is_gone: bool, keep_vfs: bool, if_any: bool
) -> int:
    """Delete the SriovOperatorConfig default and wait until it is gone, while the operator still runs.

    What was removed is told, and what is left, with what to do about it. Delete policies before, and wait until the
    node states are Ready: the NICs of nodes are given back by the agents, which go with the configuration. While there
    are policies, nothing is changed without --keep-vfs.

    Exit code: 0 when everything was taken back, whatever people's objects are left; 1 when there are policies or there
    is nothing of the operator in the namespace (nothing was changed then; with --if-any the latter is 0), when the
    configuration is still there after the time, and after any other error.
    """
    client = Client(connect(kubeconfig, user_agent="sriov-operator/cleanup"), manager=MANAGER)
    asked = {"is_gone": is_gone, "keep_vfs": keep_vfs, "if_any": if_any}
    clean_up(client, namespace, float(watch_timeout), click.echo, **asked)
    return 0


def clean_up(
    client: Client,
    namespace: str,
    timeout_s: float,
    say: Say,
    *,
    is_gone: bool = False,
    keep_vfs: bool = False,
    if_any: bool = False,
) -> None:
    """Everything; the operator has ``timeout_s`` for its part, unless it ``is_gone``.

    SpecError for a namespace with nothing of ours unless it was only asked for what is there (``if_any``), and for one
    with policies unless the nodes are to ``keep_vfs``; in these cases nothing is changed. DeadlineExceeded when the
    configuration stays; else `ApiFailure`.
    """
    within = client.within(max(timeout_s, ANSWER_S))
    if not keep_vfs:
        _check_policies(within, namespace)
    before = _there(within, namespace)
    if _delete(within, namespace):
        if is_gone:
            release_config(within, namespace)
        try:
            _wait_gone(within, namespace, time.monotonic() + timeout_s, timeout_s)
        except DeadlineExceeded:
            for line in undone_nodes(within, namespace):
                say(f"left: {line}")
            raise
        say(f"the SriovOperatorConfig {namespace}/{operatorconfig.NAME} is gone, and all that it owns follows")
    else:
        if not _has_ours(within, namespace):
            if if_any:
                say(f"nothing of the operator is in namespace {namespace}, so there is nothing to take back")
                return
            raise _nothing_of_ours(within, namespace)
        say(f"there is no SriovOperatorConfig {namespace}/{operatorconfig.NAME}")
    _remove_rest(within, namespace, before, say)
    for one in release_all(within, namespace):
        gone = ", and so it can go" if one.was_going else ""
        say(f"{one.kind} {one.namespace}/{one.name}: the finalizer is taken off{gone}")
    for line in leftovers(within, namespace):
        say(f"left: {line}")


def _delete(client: Client, namespace: str) -> bool:
    try:
        client.delete(CONFIGS, operatorconfig.NAME, namespace)
    except NotFound:
        return False
    return True


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
    raise DeadlineExceeded(f"{text}. {remedy}. Where there is none any more, clean up with {_GONE}")


def _check_policies(client: Client, namespace: str) -> None:
    """SpecError while a configuration has policies carried out: without it, nobody would give the NICs back."""
    if not _is_there(client, CONFIGS, operatorconfig.NAME, namespace):
        return
    if found := policies(client, namespace):
        raise SpecError(
            f"--namespace {namespace}: found {found}, wanted none: without the operator the nodes keep the VFs that "
            "they have, and nobody looks after them. Nothing was changed. Delete the policies and wait until the node "
            f"states are Ready, so that the NICs are given back; or leave the nodes as they are with {_KEEP}"
        )


def _has_ours(client: Client, namespace: str) -> bool:
    """True when something says that the operator is, or was, in that namespace."""
    try:
        client.get(LEASES, MANAGER, namespace, type=_Named)
    except NotFound:
        return any(_places(client, resource, namespace) for resource in (POLICIES, NODE_STATES, POOLS))
    return True


def _nothing_of_ours(client: Client, namespace: str) -> SpecError:
    wanted = f"wanted the operator's, with a SriovOperatorConfig {operatorconfig.NAME}"
    return SpecError(f"--namespace {namespace}: nothing of the operator is there, {wanted}. {_elsewhere(client)}")


def _elsewhere(client: Client) -> str:
    """Where there is a configuration, or else what an operator has left on Nodes; and what to do."""
    try:
        configs = [place.partition("/") for place in _places(client, CONFIGS)]
        places = [place for place, _, name in configs if name == operatorconfig.NAME]
        marks = [] if places else list(on_nodes(client))
    except ApiFailure as err:
        return f"It cannot be looked where one is: {err}. Nothing was changed; give the right namespace"
    if not places:
        left = "".join(f". Left: {mark}" for mark in marks)
        return f"There is none in any namespace. Nothing was changed; look whether this is the right cluster{left}"
    where = f"is a configuration in namespace {places[0]}"
    if len(places) > 1:
        where = f"are configurations in namespaces {', '.join(places)}"
    return f"There {where}. Nothing was changed; give --namespace {places[0]}"


def _places(client: Client, resource: Resource, namespace: str = "") -> list[str]:
    """The objects as ``namespace/name``; none where there is no such kind."""
    try:
        found = client.list(resource, namespace, type=_Named).items
    except NotFound:
        return []
    return sorted(f"{one.metadata.namespace}/{one.metadata.name}" for one in found)


def _there(client: Client, namespace: str) -> list[Place]:
    """What of the cluster's objects an operator in that namespace could have deployed, and is there."""
    config = OperatorConfig(metadata=ObjectMeta(name=operatorconfig.NAME, namespace=namespace))
    deployed = Deployed(
        settings=Settings(namespace=namespace, resource_prefix="any"),
        config=config,
        gates=gates({}),
        tls=None,
        certificates=Trusts(None, None),
    )
    return [place for place in left_behind(deployed) if _is_there(client, place.resource, place.name)]


def _is_there(client: Client, resource: Resource, name: str, namespace: str = "") -> bool:
    try:
        client.get(resource, name, namespace, type=_Named)
    except NotFound:
        return False
    return True


def _remove_rest(client: Client, namespace: str, before: Iterable[Place], say: Say) -> None:
    """What the operator has left, as one that had not begun its work does; then tell what is gone."""
    applier = Applier(client, namespace, lambda _place: None, lambda _kind, _verb: None)
    gone: dict[str, list[str]] = {}
    for place in before:
        applier.remove(place)
        if not _is_there(client, place.resource, place.name):
            gone.setdefault(place.kind, []).append(place.name)
    for kind, called in gone.items():
        say(f"removed: {kind} {', '.join(called)}")
