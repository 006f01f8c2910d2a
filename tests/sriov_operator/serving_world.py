"""A webhook server on loopback in a thread of its own, a client that is not ours, and reviews in a line each."""

import asyncio
import datetime as dt
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
import msgspec
import trustme
import urllib3

from sriov_core.admission.cluster import Cluster, cluster_nodes
from sriov_core.api.foreign import Node
from sriov_core.api.nodepolicy import NodePolicy
from sriov_core.api.nodestate import NodeState
from sriov_operator.serving import admission
from sriov_operator.serving.answering import Hook
from sriov_operator.serving.certificates import Certificate
from sriov_operator.serving.metrics import Metrics
from sriov_operator.serving.server import Limits, Server
from sriov_operator.serving.tls import Choices

OPERATOR = "sriov-network-operator"
GROUP = "sriovnetwork.openshift.io"
DEADLINE_S = 20
HOUR = dt.timedelta(hours=1)

Raw = dict[str, Any]


def of_kind(kind: str, name: str, spec: Raw, namespace: str = OPERATOR) -> Raw:
    return {"apiVersion": f"{GROUP}/v1", "kind": kind, "metadata": {"name": name, "namespace": namespace}, "spec": spec}


def policy(name: str = "p0", **changes: Any) -> Raw:
    spec = {
        "resourceName": "res",
        "nodeSelector": {"worker": ""},
        "nicSelector": {"pfNames": ["ens803f1"]},
        "numVfs": 2,
        **changes,
    }
    return of_kind("SriovNetworkNodePolicy", name, spec)


def port(number: int, **changes: Any) -> Raw:
    return {
        "name": f"ens803f{number}",
        "pciAddress": f"0000:86:00.{number}",
        "vendor": "8086",
        "deviceID": "158b",
        "mtu": 1500,
        "numVfs": 4,
        "totalvfs": 64,
        "linkType": "ETH",
        **changes,
    }


def node(name: str = "worker-1", **labels: str) -> Raw:
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels or {"worker": ""}}}


def state(name: str = "worker-1", *ports: Raw, sync: str = "Succeeded") -> Raw:
    status = {"interfaces": list(ports or (port(0), port(1))), "syncStatus": sync}
    return {**of_kind("SriovNetworkNodeState", name, {}), "status": status}


def cluster(*policies: Raw, sync: str = "Succeeded") -> Cluster:
    """One worker with two Intel ports, and these policies."""
    nodes = cluster_nodes([msgspec.convert(node(), Node)], [msgspec.convert(state(sync=sync), NodeState)])
    known = tuple(msgspec.convert(one, NodePolicy) for one in policies)
    return Cluster(operator_namespace=OPERATOR, policies=known, nodes=nodes)


@attrs.frozen
class Stored:
    """A cluster of which is known what it was, and perhaps what is stored by ``now``."""

    value: Cluster
    why_stale: str = ""
    now: Cluster | None = None

    def cluster(self) -> Cluster:
        return self.value

    def renewed(self) -> Cluster | None:
        return self.now

    def stale(self) -> str:
        return self.why_stale


def webhooks(value: Cluster | None = None, *, stale: str = "", waiting: str = "") -> dict[str, Hook]:
    return admission.hooks(Stored(value or cluster(), stale), lambda: waiting)


def review(given: Raw | None, *, operation: str = "CREATE", uid: str = "u1", version: str = "v1", **more: Any) -> Raw:
    """What an API server sends about an object."""
    kind = (given or more.get("oldObject") or {}).get("kind", "")
    group = GROUP if kind.startswith(("Sriov", "OVS")) else ""
    request = {
        "uid": uid,
        "kind": {"group": group, "version": "v1", "kind": kind},
        "operation": operation,
        "namespace": OPERATOR,
        "object": given,
        **more,
    }
    return {"apiVersion": f"admission.k8s.io/{version}", "kind": "AdmissionReview", "request": request}


@attrs.frozen
class Issuer:
    """Issues certificates for loopback and keeps them as a pair of files, as a Secret's volume has them."""

    folder: Path
    ca: trustme.CA = attrs.field(factory=trustme.CA)

    def __attrs_post_init__(self) -> None:
        self.folder.mkdir(exist_ok=True)
        self.ca.cert_pem.write_to_path(self.ca_file)

    @property
    def ca_file(self) -> str:
        return str(self.folder / "ca.crt")

    @property
    def files(self) -> tuple[str, str]:
        return str(self.folder / "tls.crt"), str(self.folder / "tls.key")

    def write(self, *, lifetime: dt.timedelta = HOUR) -> trustme.LeafCert:
        """Put a new pair in the place of the one before; a negative lifetime: expired."""
        leaf = self.ca.issue_cert("127.0.0.1", not_after=dt.datetime.now(dt.UTC) + lifetime)
        self.write_certificate(leaf)
        self.write_key(leaf)
        return leaf

    def write_certificate(self, leaf: trustme.LeafCert) -> None:
        _replaced(Path(self.files[0]), leaf.cert_chain_pems[0].bytes())

    def write_key(self, leaf: trustme.LeafCert) -> None:
        _replaced(Path(self.files[1]), leaf.private_key_pem.bytes())


def _replaced(file: Path, content: bytes) -> None:
    """A new file under the same name, as editors and renewers leave it."""
    new = file.with_suffix(".new")
    new.write_bytes(content)
    new.replace(file)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def pair(
    issuer: Issuer,
    *,
    wanted: Choices | None = None,
    metrics: Metrics | None = None,
    now: Callable[[], dt.datetime] = _now,
) -> Certificate:
    return Certificate(*issuer.files, wanted=wanted or Choices(), now=now, metrics=metrics or Metrics())


@attrs.frozen(kw_only=True)
class Served:
    """A server that runs. ``inside`` calls something in its thread, as the process does."""

    port: int
    issuer: Issuer
    certificate: Certificate
    metrics: Metrics
    server: Server
    loop: asyncio.AbstractEventLoop

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def inside(self, call: Callable[[], Any]) -> Any:
        async def called() -> Any:
            return call()

        return asyncio.run_coroutine_threadsafe(called(), self.loop).result(DEADLINE_S)

    def close(self, pause_s: float = 0.0) -> Any:
        """Begin to end; answers a future."""
        return asyncio.run_coroutine_threadsafe(self.server.close(pause_s), self.loop)

    def pool(self, **more: Any) -> urllib3.HTTPSConnectionPool:
        return urllib3.HTTPSConnectionPool(
            "127.0.0.1", self.port, ca_certs=self.issuer.ca_file, retries=False, timeout=DEADLINE_S, maxsize=16, **more
        )

    def send(self, path: str, body: bytes, content_type: str = "application/json") -> urllib3.BaseHTTPResponse:
        with self.pool() as pool:
            return pool.request("POST", path, body=body, headers={"Content-Type": content_type})

    def ask(self, path: str, given: Raw) -> Raw:
        """The response within the review that answers this one."""
        reply = self.send(path, json.dumps(given).encode())
        assert reply.status == 200, reply.data
        answer: Raw = json.loads(reply.data)["response"]
        return answer

    def page(self, path: str) -> tuple[int, str]:
        with self.pool() as pool:
            reply = pool.request("GET", path)
            return reply.status, reply.data.decode()

    def counted(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(name, labels)


@contextmanager
def serving(
    hooks: Mapping[str, Hook],
    issuer: Issuer,
    *,
    limits: Limits | None = None,
    wanted: Choices | None = None,
    unready: Callable[[], str] = lambda: "",
) -> Iterator[Served]:
    """The server as the process runs it, but for signals and caches."""
    metrics = Metrics()
    certificate = pair(issuer, wanted=wanted, metrics=metrics)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def begin() -> Served:
        server = Server(hooks, unready=unready, metrics=metrics, limits=limits or Limits())
        port = await server.open("127.0.0.1", 0, certificate.context)
        return Served(port=port, issuer=issuer, certificate=certificate, metrics=metrics, server=server, loop=loop)

    served = asyncio.run_coroutine_threadsafe(begin(), loop).result(DEADLINE_S)
    try:
        yield served
    finally:
        served.close().result(DEADLINE_S)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(DEADLINE_S)
        loop.close()
