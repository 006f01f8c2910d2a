"""The operator as the cluster tests run it: in this process or as one, with as few rights as it needs."""

import http.client
import json
import os
import re
import signal
import subprocess  # noqa: TID251  # the process under test
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import attrs
from kube_clients import Noting
from servers import Server

from sriov_core.kube.client import Transport
from sriov_core.kube.connection import connect
from sriov_core.kube.election import Timing
from sriov_operator.process.health import Health
from sriov_operator.process.metrics import Metrics
from sriov_operator.process.parts import Make, parts
from sriov_operator.process.run import Operator, Patience
from sriov_operator.process.settings import from_environment

ACCOUNT = "sriov-network-operator"
DEADLINE_S = 30.0
T = TypeVar("T")

GROUP = "sriovnetwork.openshift.io"
NETWORKS = ["sriovnetworks", "sriovibnetworks", "ovsnetworks"]
READ = ["get", "list", "watch"]
RULES: tuple[dict[str, Any], ...] = (
    {"apiGroups": [GROUP], "resources": ["*"], "verbs": READ},
    {"apiGroups": [GROUP], "resources": NETWORKS, "verbs": ["patch"]},
    {"apiGroups": [GROUP], "resources": [f"{plural}/status" for plural in NETWORKS], "verbs": ["patch"]},
    {
        "apiGroups": ["k8s.cni.cncf.io"],
        "resources": ["network-attachment-definitions"],
        "verbs": [*READ, "create", "update", "delete"],
    },
    {"apiGroups": [""], "resources": ["nodes", "namespaces"], "verbs": READ},
    {"apiGroups": ["events.k8s.io"], "resources": ["events"], "verbs": ["create", "patch"]},
    {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["get", "create", "update"]},
)
"""What the process itself and its controller of networks need."""


def until(what: Callable[[], T | None], seconds: float = DEADLINE_S) -> T:
    """What it gives as soon as that is something; the test fails when it does not come."""
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.02)
    return found


def account(server: Server, namespace: str, *, url: str = "") -> Path:
    """The kubeconfig of the operator's service account in that namespace, which may do what `RULES` say."""
    name = f"operator-in-{namespace}"
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": name}}
    server.admin.apply({**role, "rules": list(RULES)})
    subject = {"kind": "ServiceAccount", "name": ACCOUNT, "namespace": namespace}
    bound = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name}
    server.admin.apply({**role, "kind": "ClusterRoleBinding", "subjects": [subject], "roleRef": bound})
    token = server.token(namespace, ACCOUNT)
    user = f"system:serviceaccount:{namespace}:{ACCOUNT}"
    path = server.folder / f"{name}{'-by-proxy' if url else ''}.kubeconfig"
    return server.kubeconfig(user, credentials=token, path=path, url=url)


@attrs.define
class Running:
    """One operator in threads of this process. What it measured stays after its end."""

    operator: Operator
    metrics: Metrics
    health: Health
    levels: list[int]
    sent: Noting
    _stop: threading.Event = attrs.field(factory=threading.Event)
    _code: list[int] = attrs.field(factory=list)
    _thread: threading.Thread = attrs.field(init=False)

    @classmethod
    def start(
        cls,
        kubeconfig: Path,
        namespace: str,
        *,
        only: frozenset[str] = frozenset({"networks"}),
        make: Mapping[str, Make] | None = None,
        timing: Timing | None = None,
        patience: Patience | None = None,
        environment: Mapping[str, str] | None = None,
        way: Callable[[Transport], Transport] | None = None,
    ) -> "Running":
        """Started; it may still wait for its Lease. ``way`` is what lies between it and the API server."""
        least = {"NAMESPACE": namespace, "RESOURCE_PREFIX": "openshift.io", "POD_NAME": "operator"}
        settings = from_environment({**least, **(environment or {})})
        health = Health()
        metrics, levels = Metrics(health, strict=True), list[int]()
        transport = connect(str(kubeconfig), user_agent="sriov-operator/test")
        sent = Noting(way(transport) if way else transport)
        operator = Operator(
            settings,
            sent,
            metrics=metrics,
            health=health,
            make=parts(only) if make is None else make,
            timing=timing,
            patience=patience,
            set_level=levels.append,
        )
        return cls(operator, metrics, health, levels, sent)

    def __attrs_post_init__(self) -> None:
        self._thread = threading.Thread(target=self._run, name="operator", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        self._code.append(self.operator.run(self._stop))

    @property
    def leads(self) -> bool:
        """True once it leads and its shared caches are filled."""
        verdict = self.health.ready()
        return verdict.good and verdict.text == "leading"

    def tell(self) -> None:
        """As SIGTERM does."""
        self._stop.set()

    def ended(self, seconds: float = DEADLINE_S) -> int:
        """The exit code, when it has ended within that time."""
        self._thread.join(seconds)
        assert not self._thread.is_alive(), f"still running after {seconds} s"
        return self._code[0]

    def stop(self) -> int:
        """Tell it, and wait for the exit code."""
        self.tell()
        return self.ended()

    def counted(self, name: str, **labels: str) -> float:
        """A sample of its metrics; the sum over all that have these labels."""
        wanted = [f'{key}="{value}"' for key, value in labels.items()]
        return sum(value for sample, value in self._samples(name) if all(one in sample for one in wanted))

    @property
    def writes(self) -> int:
        """Requests so far that change something, its Lease and events left out."""
        changing = (path.partition("?")[0].split("/") for method, path in self.sent.requests if method != "GET")
        return sum("leases" not in parts and "events" not in parts for parts in changing)

    def _samples(self, name: str) -> list[tuple[str, float]]:
        """All of one moment."""
        lines = self.metrics.text().decode().splitlines()
        starts = (f"sriov_operator_{name}{{", f"sriov_operator_{name} ")
        found = (line.rsplit(" ", 1) for line in lines if line.startswith(starts))
        return [(sample, float(value)) for sample, value in found]


def lease(server: Server, namespace: str) -> dict[str, Any]:
    """The spec of the operator's Lease."""
    path = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/{ACCOUNT}"
    return (server.admin.find(path) or {}).get("spec") or {}


def holder(server: Server, namespace: str) -> str:
    """Who leads, if anybody."""
    return str(lease(server, namespace).get("holderIdentity") or "")


def configured(server: Server, namespace: str, **spec: Any) -> str:
    """Make the configuration; the path of its collection."""
    path = f"/apis/sriovnetwork.openshift.io/v1/namespaces/{namespace}/sriovoperatorconfigs"
    body = {
        "apiVersion": "sriovnetwork.openshift.io/v1",
        "kind": "SriovOperatorConfig",
        "metadata": {"name": "default"},
    }
    server.admin.done("POST", path, {**body, "spec": spec})
    return path


@attrs.define
class Process:
    """`sriov-operator run` as a process of its own, with the controller of networks alone; its log is a JSON file."""

    log: Path
    _process: "subprocess.Popen[bytes]"

    @classmethod
    def start(cls, log: Path, kubeconfig: Path, namespace: str, *options: str, **environment: str) -> "Process":
        """Started, with metrics and probes on ports of loopback."""
        addresses = ("--metrics-bind-address", "127.0.0.1:0", "--health-probe-bind-address", "127.0.0.1:0")
        argv = [sys.executable, "-m", "sriov_operator", "run", "--kubeconfig", str(kubeconfig), "--log-format", "json"]
        least = {"NAMESPACE": namespace, "RESOURCE_PREFIX": "openshift.io", "POD_NAME": "operator"}
        least["DISABLED_CONTROLLERS"] = "nodestates,deployment,pools,drain"
        least["PATH"] = os.environ["PATH"]
        with log.open("wb") as told:
            process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "--", *argv, *addresses, *options],
                env=least | environment,
                stdin=subprocess.DEVNULL,
                stdout=told,
                stderr=told,
                start_new_session=True,
            )
        return cls(log, process)

    @property
    def lines(self) -> list[str]:
        """What it has told so far."""
        whole, _, _ = self.log.read_text().rpartition("\n")  # the last line may be half written
        return [json.loads(line)["text"] for line in whole.splitlines()]

    def told(self, pattern: str, seconds: float = DEADLINE_S) -> "re.Match[str]":
        """Wait for a line of the log."""

        def found() -> "re.Match[str] | None":
            return next(filter(None, (re.search(pattern, line) for line in self.lines)), None)

        return until(found, seconds)

    def page(self, path: str) -> tuple[int, str]:
        """The status and text of a page, wherever it is served."""
        port = self.told(rf"serves .*{path}.* on port (\d+)")[1]
        line = http.client.HTTPConnection("127.0.0.1", int(port), timeout=DEADLINE_S)
        try:
            line.request("GET", path)
            reply = line.getresponse()
            return reply.status, reply.read().decode()
        finally:
            line.close()

    def send(self, how: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(how)

    def ended(self, seconds: float = DEADLINE_S) -> int:
        """Wait for its exit code."""
        return self._process.wait(seconds)

    def end(self) -> None:
        """Whatever it does, it runs no more."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait(DEADLINE_S)
