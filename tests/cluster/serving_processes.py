"""The webhook and the injector as processes beside the API server, deployed as the operator would, on loopback."""

import base64
import json
import os
import re
import signal
import ssl
import subprocess  # noqa: TID251  # the processes under test
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import attrs
import urllib3
from servers import Server

from sriov_core.api.featuregates import gates
from sriov_core.api.operatorconfig import OperatorConfig
from sriov_core.api.wire import ObjectMeta
from sriov_core.kube.connection import connect
from sriov_operator.deployment import injector, webhook
from sriov_operator.deployment.deployed import Deployed
from sriov_operator.deployment.names import INJECTOR_ACCOUNT, OPERATOR_WEBHOOK_ACCOUNT
from sriov_operator.deployment.trust import Trust, Trusts
from sriov_operator.process.settings import Images, Settings
from sriov_operator.tlsoptions import TlsOptions

DEADLINE_S = 30.0
CONFIGURATIONS = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
NOT_RUN = {"DaemonSet", "Service", "NetworkPolicy"}
"""What takes nodes; on loopback the address of the process stands in their place."""

T = TypeVar("T")
Raw = dict[str, Any]


def until(what: Callable[[], T | None], seconds: float = DEADLINE_S) -> T:
    """What it gives as soon as that is something; the test fails when it does not come."""
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.02)
    return found


@attrs.frozen
class Reply:
    """What a user gets: the status, the object or the refusal, and the warnings that tools show."""

    status: int
    body: Raw
    warnings: str

    @property
    def text(self) -> str:
        return str(self.body.get("message", ""))


@attrs.frozen
class User:
    """The administrator, as tools talk to the API server."""

    server: Server
    _transport: Any = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        transport = connect(str(self.server.admin_kubeconfig), user_agent="test", connections=32)
        object.__setattr__(self, "_transport", transport)

    def create(self, document: Raw, *, dry_run: bool = False) -> Reply:
        place, _, _ = self.server.admin.path(_named(document)).rpartition("/")
        return self._ask("POST", place + ("?dryRun=All" if dry_run else ""), document)

    def change(self, document: Raw, change: Raw, *, dry_run: bool = False) -> Reply:
        """A merge patch."""
        path = self.server.admin.path(document) + ("?dryRun=All" if dry_run else "")
        return self._ask("PATCH", path, change, "application/merge-patch+json")

    def delete(self, document: Raw) -> Reply:
        return self._ask("DELETE", self.server.admin.path(document))

    def _ask(self, method: str, path: str, body: Raw | None = None, content_type: str = "application/json") -> Reply:
        data = None if body is None else json.dumps(body).encode()
        answer = self._transport.request(method, path, body=data, content_type=content_type, timeout_s=DEADLINE_S)
        return Reply(answer.status, json.loads(answer.body), answer.headers.get("warning", ""))


def _named(document: Raw) -> Raw:
    """With a name, which those lack that the API server names."""
    return {**document, "metadata": {"name": "x", **document["metadata"]}}


@attrs.frozen(kw_only=True)
class Process:
    """A process that serves, with the certificate's files and the log."""

    server: Server
    folder: Path
    running: "subprocess.Popen[bytes]"

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    @property
    def port(self) -> int:
        def found() -> re.Match[str] | None:
            assert self.running.poll() is None, self.log
            return re.search(r"serving /.* on port ([0-9]+)", self.log)

        return int(until(found)[1])

    def ask(self, path: str, body: Raw | None = None) -> tuple[int, str]:
        """Straight, without the API server."""
        with urllib3.HTTPSConnectionPool("127.0.0.1", self.port, ca_certs=str(self.server.ca_file)) as pool:
            data = None if body is None else json.dumps(body).encode()
            method, headers = "POST" if data else "GET", {"Content-Type": "application/json"}
            reply = pool.request(method, path, body=data, headers=headers, retries=False, timeout=DEADLINE_S)
            return reply.status, reply.data.decode()

    def ready(self) -> "Process":
        until(lambda: self.ask("/readyz") == (200, "ok"))
        return self

    def renew(self, **options: Any) -> str:
        """Put another certificate in the place of the one before; answers it (PEM)."""
        return _write_pair(self.server, self.folder, **options)

    def shown(self) -> str:
        """The certificate that a new client is shown."""
        return ssl.get_server_certificate(("127.0.0.1", self.port), timeout=DEADLINE_S)

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        if self.running.poll() is None:
            self.running.send_signal(how)
        try:
            return self.running.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.running.kill()
            raise


def _write_pair(server: Server, folder: Path, **options: Any) -> str:
    made = server.authority.for_server("127.0.0.1", **options)
    for name, content in (("tls.key", made.key), ("tls.crt", made.certificate)):
        new = folder / f"{name}.new"
        new.write_bytes(content)
        new.replace(folder / name)
    return made.certificate.decode()


@contextmanager
def running(
    server: Server,
    folder: Path,
    command: str,
    namespace: str,
    *flags: str,
    environment: Raw | None = None,
    certificate: Raw | None = None,
) -> Iterator[Process]:
    """``sriov-operator webhook`` or ``injector`` in that namespace, as its service account.

    ``certificate`` are options of the first one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _write_pair(server, folder, **(certificate or {}))
    account = {"webhook": OPERATOR_WEBHOOK_ACCOUNT, "injector": INJECTOR_ACCOUNT}[command]
    user = f"system:serviceaccount:{namespace}:{account}"
    token = server.token(namespace, account)
    kubeconfig = server.kubeconfig(user, credentials=token, path=folder / "kubeconfig")
    files = (f"--tls-cert-file={folder / 'tls.crt'}", f"--tls-private-key-file={folder / 'tls.key'}")
    own = ("--insecure", "--health-check-port=0") if command == "injector" else ()
    where = ("--bind-address=127.0.0.1", "--port=0", f"--kubeconfig={kubeconfig}", "--shutdown-pause=0.2")
    argv = [sys.executable, "-m", "sriov_operator", command, *files, *where, *own, *flags]
    with (folder / "log").open("wb") as log:
        process = Process(
            server=server,
            folder=folder,
            running=subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "--", *argv],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "NAMESPACE": namespace, **(environment or {})},
            ),
        )
    try:
        yield process
    finally:
        process.end(signal.SIGKILL)


def deployed(server: Server, namespace: str, *, on: Iterable[str] = (), labels: Sequence[str] = ()) -> Deployed:
    """A cluster whose configuration asks for the webhook and the injector, with these feature gates."""
    trust = Trust(secret="some", bundle=base64.b64encode(server.authority.pem).decode())
    return Deployed(
        settings=Settings(
            namespace=namespace, resource_prefix="openshift.io", images=Images(webhook="some", injector="some")
        ),
        config=OperatorConfig(metadata=ObjectMeta(name="default", namespace=namespace, uid="some")),
        gates=gates(dict.fromkeys(on, True)),
        tls=TlsOptions(),
        certificates=Trusts(trust, trust),
        injection_labels=tuple(labels),
    )


def access(of: Deployed, command: str) -> list[Raw]:
    """The service account of a command, its roles and what else it is deployed with, but for how it is called."""
    return [one for one in _manifests(of, command) if one["kind"] not in {*NOT_RUN, *CONFIGURATIONS}]


def configurations(of: Deployed, command: str, port: int) -> list[Raw]:
    """The webhook configurations of a command, its process on loopback in the place of its Service."""
    found: list[Raw] = [one for one in _manifests(of, command) if one["kind"] in CONFIGURATIONS]
    found = json.loads(json.dumps(found))  # parts that they share are changed one by one
    for hook in (hook for one in found for hook in one["webhooks"]):
        client = hook["clientConfig"]
        path = client.pop("service")["path"]
        client["url"] = f"https://127.0.0.1:{port}{path}"
    return found


def _manifests(of: Deployed, command: str) -> list[Raw]:
    return {"webhook": webhook.manifests, "injector": injector.manifests}[command](of)


@contextmanager
def applied(server: Server, documents: Iterable[Raw]) -> Iterator[None]:
    """The objects are there within the block."""
    put = list(documents)
    try:
        for document in put:
            server.admin.apply(document)
        yield
    finally:
        for document in reversed(put):
            server.admin.remove(server.admin.path(document))
