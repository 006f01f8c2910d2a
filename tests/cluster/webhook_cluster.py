"""A cluster of one worker for the tests of the webhook: its objects in a line each, and the webhook in effect."""

import re
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from servers import Server
from serving_processes import Process, Raw, Reply, User, access, applied, configurations, deployed, running, until

OPERATOR = "webhook-tests"
GROUP = "sriovnetwork.openshift.io"
DENIED = re.compile(rf'admission webhook "[a-z.]*operator-webhook\.{GROUP}" denied the request: ')
WORKER = {"webhook-tests/worker": ""}


def of_kind(kind: str, name: str, spec: Raw, namespace: str = OPERATOR) -> Raw:
    return {"apiVersion": f"{GROUP}/v1", "kind": kind, "metadata": {"name": name, "namespace": namespace}, "spec": spec}


def policy(name: str = "p0", *, namespace: str = OPERATOR, **changes: object) -> Raw:
    """For ens803f1; a field given as None is left out."""
    fields = {
        "resourceName": f"{name}res",
        "nodeSelector": WORKER,
        "nicSelector": {"pfNames": ["ens803f1"]},
        "numVfs": 2,
        **changes,
    }
    spec = {field: value for field, value in fields.items() if value is not None}
    return of_kind("SriovNetworkNodePolicy", name, spec, namespace)


def port(number: int, **changes: object) -> Raw:
    return {
        "name": f"ens803f{number}",
        "pciAddress": f"0000:86:00.{number}",
        "vendor": "8086",
        "deviceID": "1015" if number == 2 else "158b",
        "driver": "i40e",
        "mtu": 1500,
        "numVfs": 4,
        "totalvfs": 64,
        "linkType": "ETH",
        "Vfs": [],
        **changes,
    }


INFINIBAND = port(3, name="ib0", vendor="15b3", deviceID="101b", linkType="IB", totalvfs=16)
STATE = of_kind("SriovNetworkNodeState", "worker-1", {})
_INFINIBAND: Raw = {"nicSelector": {"pfNames": ["ib0"]}, "linkType": "ib"}


def report(server: Server, sync: str, *ports: Raw) -> None:
    """What the node's agent would write."""
    status = {"syncStatus": sync, "interfaces": list(ports or (port(0), port(1), port(2), INFINIBAND))}
    path = f"{server.admin.path(STATE)}/status"
    server.admin.done("PATCH", path, {"status": status}, content_type="application/merge-patch+json")


@contextmanager
def one_worker(server: Server) -> Iterator[User]:
    """One worker with three Intel ports and one of InfiniBand, in an operator's namespace."""
    server.admin.create_namespace(OPERATOR)
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "worker-1", "labels": WORKER}}
    with applied(server, [node]):
        server.admin.apply(STATE)
        report(server, "Succeeded")
        yield User(server)
    server.admin.remove_namespace(OPERATOR)


@contextmanager
def webhook_process(server: Server, folder: Path) -> Iterator[Process]:
    """The process, ready, with its roles; nobody calls it yet."""
    with ExitStack() as held:
        held.enter_context(applied(server, access(deployed(server, OPERATOR), "webhook")))
        yield held.enter_context(running(server, folder, "webhook", OPERATOR)).ready()


@contextmanager
def in_effect(server: Server, cluster: User, port: int) -> Iterator[User]:
    """The API server asks the webhook on that port; what is stored in the meantime is removed."""
    report(server, "Succeeded")
    with asked(server, cluster, configurations(deployed(server, OPERATOR), "webhook", port)):
        yield cluster
        _clean(server, cluster)


@contextmanager
def asked(server: Server, cluster: User, documents: Iterable[Raw]) -> Iterator[None]:
    """The API server asks as these configurations say, completing and judging; behind the block, nobody any more.

    Of each kind of configurations it hears by itself, and of their end a moment late.
    """
    with applied(server, documents):
        until(lambda: _completes(cluster) and _judges(cluster))
        yield
    until(lambda: is_unasked(cluster))


def is_unasked(cluster: User) -> bool:
    """True when a policy that the webhook would complete and deny is stored as it is."""
    reply = cluster.create(policy("probe", numVfs=65, **_INFINIBAND), dry_run=True)
    return reply.status == 201 and not reply.body["spec"].get("isRdma")


def _completes(cluster: User) -> bool:
    reply = cluster.create(policy("probe", **_INFINIBAND), dry_run=True)
    return bool(reply.body.get("spec", {}).get("isRdma"))


def _judges(cluster: User) -> bool:
    reply = cluster.create(policy("probe", numVfs=65), dry_run=True)
    return reply.status == 403 and "65" in reply.text  # by the report of the node, which it knows by now


def _clean(server: Server, cluster: User) -> None:
    """Remove what is stored, and wait until the webhook, which hears of it a moment later, judges by none of it."""
    resources = set()
    for plural in ("sriovnetworknodepolicies", "sriovnetworkpoolconfigs", "sriovoperatorconfigs", "sriovnetworks"):
        place = f"/apis/{GROUP}/v1/namespaces/{OPERATOR}/{plural}"
        for found in server.admin.done("GET", place)["items"]:
            server.admin.remove(f"{place}/{found['metadata']['name']}")
            if plural == "sriovnetworknodepolicies":
                resources.add(found["spec"]["resourceName"])
    for resource in resources:
        network = of_kind("SriovNetwork", "probe", {"resourceName": resource})
        until(lambda network=network: "no policy has the resource" in cluster.create(network, dry_run=True).warnings)
    pool = of_kind("SriovNetworkPoolConfig", "probe", {"nodeSelector": {"matchLabels": WORKER}})
    until(lambda: cluster.create(pool, dry_run=True).status == 201)


def denied(reply: Reply) -> str:
    """Why an object was denied by the webhook, and by nobody else."""
    found = DENIED.match(reply.text)
    assert (reply.status, bool(found)) == (403, True), reply
    return DENIED.sub("", reply.text)
