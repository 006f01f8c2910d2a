"""The cluster on which is measured: a real API server with an etcd, the operator's own identity, and bulk requests."""

import http.client
import importlib
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import attrs
import msgspec
import urllib3

from bench.cluster_objects import CONFIG, CONFIGS, MERGE, NAMESPACE
from bench.cluster_process import Daemon, running

if TYPE_CHECKING:
    from servers import Server

TESTS = Path(__file__).resolve().parent.parent / "tests" / "cluster"
THREADS = 8
"""How many requests are under way at a time: as many as the operator has workers for nodes."""
DEADLINE_S = 60.0

T = TypeVar("T")
R = TypeVar("R")
Document = dict[str, Any]


@attrs.frozen
class Access:
    """One identity at the API server, over one pool of connections; safe to share between threads."""

    url: str
    pool: urllib3.PoolManager
    _headers: Mapping[str, str] = attrs.field(factory=dict)

    @classmethod
    def make(cls, server: "Server", token: str = "") -> "Access":
        """The administrator's, or that of a token."""
        own = {} if token else {"cert_file": server.folder / "admin.crt", "key_file": server.folder / "admin.key"}
        files = {name: str(path) for name, path in {"ca_certs": server.ca_file, **own}.items()}
        pool = urllib3.PoolManager(maxsize=THREADS, retries=False, timeout=DEADLINE_S, **files)  # type: ignore[arg-type]
        return cls(server.url, pool, {"Authorization": f"Bearer {token}"} if token else {})

    def ask(self, method: str, path: str, body: Any = None, kind: str = "application/json") -> Any:
        """The answer of one request. SystemExit when it is refused: then there is nothing to measure."""
        data = None if body is None else msgspec.json.encode(body)
        headers = {**self._headers, "Content-Type": kind, "User-Agent": "bench"}
        reply = self.pool.request(method, self.url + path, body=data, headers=headers)
        if reply.status >= 300:
            raise SystemExit(f"{method} {path}: {reply.status}: {reply.data.decode()[:1000]}")
        return msgspec.json.decode(reply.data)

    def create(self, path: str, documents: Iterable[Document]) -> None:
        """Create objects in the collection at that path; a status, which a creation leaves out, is written after it."""

        def one(document: Document) -> None:
            self.ask("POST", path, document)
            if status := document.get("status"):
                self.ask("PATCH", f"{path}/{document['metadata']['name']}/status", {"status": status}, MERGE)

        each(one, documents)


@attrs.frozen(kw_only=True)
class Cluster:
    """One API server with the project's kinds, the operator's namespace, and its configuration."""

    folder: Path
    server: "Server"
    admin: Access
    as_operator: Access
    """With the identity that the operator has, so that the server treats both alike."""
    kubeconfig: Path
    """Of the operator: its service account with its roles and no more."""
    images: Mapping[str, str]

    @contextmanager
    def operator(self, name: str = "operator", within_s: float = DEADLINE_S) -> Iterator[Daemon]:
        """`sriov-operator run` with all its controllers, from when it leads and its caches are filled."""
        options = ("--kubeconfig", str(self.kubeconfig), "--health-probe-bind-address", "127.0.0.1:0")
        named = {"NAMESPACE": NAMESPACE, "RESOURCE_PREFIX": "openshift.io", "POD_NAME": name}
        argv = [sys.executable, "-m", "sriov_operator", "run", *options]
        with running(name, argv, {**self.images, **named}, self.folder / f"{name}.log") as daemon:
            port = int(daemon.told(r"serves .*/readyz.* on port (\d+)", DEADLINE_S)[1])
            daemon.until(lambda: _page(port, "/readyz") == "leading\n", within_s)
            yield daemon

    def account(self, name: str, rules: Mapping[str, list[Document]]) -> None:
        """Give a service account what the rules of a Role and of a ClusterRole say."""
        group = "rbac.authorization.k8s.io"
        subject = {"kind": "ServiceAccount", "name": name, "namespace": NAMESPACE}
        for kind, one in rules.items():
            place = f"/namespaces/{NAMESPACE}" if kind == "Role" else ""
            path, meta = f"/apis/{group}/v1{place}/{kind.lower()}", {"metadata": {"name": name}}
            self.admin.ask("POST", f"{path}s", {**meta, "rules": one})
            bound = {"subjects": [subject], "roleRef": {"apiGroup": group, "kind": kind, "name": name}}
            self.admin.ask("POST", f"{path}bindings", {**meta, **bound})


def each(work: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """The work for each item, `THREADS` at a time."""
    with ThreadPoolExecutor(THREADS) as threads:
        return list(threads.map(work, items))


@contextmanager
def opened(folder: Path, options: Sequence[str] = ()) -> Iterator[Cluster]:
    """A cluster of its own, gone afterwards; ``options`` are more ones of its API server."""
    servers, deployments = _found("servers"), _found("deployments")
    server = servers.Server.start(folder, servers.binaries(), audit=True, options=options)
    try:
        _found("servers_install").definitions(server.admin)
        server.admin.create_namespace(NAMESPACE)
        kubeconfig, _ = deployments.account(server, deployments.settings(NAMESPACE))
        admin = Access.make(server)
        admin.ask("POST", CONFIGS, CONFIG)
        yield Cluster(
            folder=folder,
            server=server,
            admin=admin,
            as_operator=Access.make(server, server.token(NAMESPACE, deployments.ACCOUNT)),
            kubeconfig=kubeconfig,
            images=deployments.IMAGES,
        )
    finally:
        server.stop()


def _page(port: int, path: str) -> str:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE_S)
    try:
        line.request("GET", path)
        return line.getresponse().read().decode()
    finally:
        line.close()


def obstacle() -> str:
    """Why there can be no cluster here; empty when there can. Programs that are not there are built first."""
    servers = _found("servers")
    try:
        binaries = servers.binaries()
    except servers.CannotRun as err:
        return str(err)
    return "" if binaries.at_least(1, 34) else f"Kubernetes {binaries.version} is too old. {binaries.lacking}"


def _found(name: str) -> Any:
    """A module of the cluster tests, which are no package."""
    if str(TESTS) not in sys.path:
        sys.path.insert(0, str(TESTS))
    return importlib.import_module(name)


def load() -> str:
    """What else the machine does, for who reads a figure."""
    return f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} CPUs"
