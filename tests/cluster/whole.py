"""Operator and agents together on the real API server, each with an identity and the roles of its own.

Only the test's own view, and what stands for kubelets and people, is the administrator's.
"""

import json
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import attrs
from agent_runs import Objects, world
from deployments import IMAGES, RBAC
from deployments import account as operator_account
from deployments import settings as operator_settings
from draining_history import ANSWER, CORDON, History
from kube_clients import admin, until
from nodestates_stage import Stage
from operator_runs import ACCOUNT, Process, Running
from servers import Server
from servers_admin import MERGE
from whole_machines import Kubelets, Machine, identity

from sriov_core.kube.election import Timing
from sriov_core.testing.world import FakeWorld
from sriov_operator.deployment import roles
from sriov_operator.deployment.names import CONFIG_DAEMON
from sriov_operator.process.settings import CONTROLLERS

RESOURCE = "openshift.io/fast"
QUICK = Timing(lease_s=6.0, renew_s=4.0, retry_s=0.5)
Document = dict[str, Any]


class Kept(Running):
    """An operator that is looked after."""

    @property
    def has_ended(self) -> bool:
        """True when it has ended by itself."""
        return not self._thread.is_alive()


@attrs.define(kw_only=True)
class Cluster:
    """One namespace of an operator with nodes of its own. ``stage`` speaks of policies, states and labels."""

    server: Server
    namespace: str
    folder: Path
    stage: Stage
    history: History
    kubelets: Kubelets
    operator_config: Path
    operators: list[Kept] = attrs.field(factory=list)
    processes: list[Process] = attrs.field(factory=list)
    _audited_from: int = 0
    _keeping: threading.Lock = attrs.field(factory=threading.Lock)

    # People

    def configure(self, **spec: Any) -> None:
        """The SriovOperatorConfig, made or replaced."""
        self.stage.configure(**spec)

    def policy(self, name: str = "fast", *, on: str = "", vfs: int = 2, **spec: Any) -> Document:
        """VFs of the first port, on one node or on all."""
        nics = {"nicSelector": {"pfNames": ["eth0"]}, "numVfs": vfs, "resourceName": "fast"}
        return self.stage.policy(name, on=on, **{**nics, **spec})

    def forget(self, policy: str = "fast") -> None:
        """Delete a policy."""
        self.stage.delete("SriovNetworkNodePolicy", policy)

    def pool(self, name: str = "pool", **spec: Any) -> Document:
        """A pool of all nodes here."""
        selector = {"matchLabels": {"stage": self.namespace}}
        return self.stage.put("SriovNetworkPoolConfig", name, {"nodeSelector": selector, **spec})

    def pod(self, name: str, machine: Machine, index: int | None = 0, **spec: Any) -> str:
        """A pod on that node, with that VF of its first port, or without one; its path."""
        amount = {"resources": {"requests": {RESOURCE: "1"}, "limits": {RESOURCE: "1"}}} if index is not None else {}
        container = {"name": "main", "image": "registry.example/user:1", **amount}
        meta = {"name": name, "namespace": self.namespace, "labels": {"app": name}}
        body = {"nodeName": machine.name, "containers": [container], **spec}
        document = {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": body}
        self.server.admin.create(document)
        path = self.server.admin.path(document)
        runs = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
        self.server.admin.done("PATCH", f"{path}/status", {"status": runs}, content_type=MERGE)
        if index is not None:
            machine.give(name, index)
        return path

    # Nodes and their agents

    def node(self, name: str, host: FakeWorld | None = None, *, start: bool = True, url: str = "") -> Machine:
        """A Node with a machine of two ports, and its agent."""
        self.stage.node(name)
        full = self.stage.name(name)
        machine = Machine(
            objects=Objects(self.server.admin, self.namespace, full),
            host=world() if host is None else host,
            kubeconfig=identity(self.server, self.namespace, full, url=url),
            journal=self.folder / full / "journal.json",
        )
        if start:
            machine.start()
        self.kubelets.machines[full] = machine
        return machine

    @property
    def machines(self) -> tuple[Machine, ...]:
        return tuple(self.kubelets.machines.values())

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.kubelets.machines)

    # The operator

    def operate(self, kubeconfig: Path | None = None, *, timing: Timing | None = None, **environment: str) -> Running:
        """An operator in this process with everything that it has, which comes back when it has lost its Lease."""
        running = self._started(kubeconfig, timing, environment)
        self.operators.append(running)
        place = len(self.operators) - 1

        def look() -> None:
            with self._keeping:
                if len(self.operators) > place and self.operators[place].has_ended:
                    self.operators[place] = self._started(kubeconfig, timing, environment)

        self.kubelets.others.append(look)
        return running

    def rest(self) -> None:
        """End the operators in an orderly way."""
        with self._keeping:
            self.kubelets.others.clear()
            resting = self.operators[:]
            self.operators.clear()
        for running in resting:
            running.stop()

    def _started(self, kubeconfig: Path | None, timing: Timing | None, environment: Mapping[str, str]) -> Kept:
        running = Kept.start(
            kubeconfig or self.operator_config,
            self.namespace,
            only=frozenset(CONTROLLERS),
            environment={**IMAGES, "STALE_NODE_STATE_CLEANUP_DELAY_MINUTES": "0", **environment},
            timing=timing,
        )
        assert isinstance(running, Kept)
        return running

    def spawn(self, kubeconfig: Path | None = None, **environment: str) -> Process:
        """An operator as a process of its own."""
        log = self.folder / f"operator-{len(self.processes)}.log"
        given = {**IMAGES, "STALE_NODE_STATE_CLEANUP_DELAY_MINUTES": "0", "DISABLED_CONTROLLERS": "", **environment}
        process = Process.start(log, kubeconfig or self.operator_config, self.namespace, **given)
        self.processes.append(process)
        return process

    def operator_through(self, url: str) -> Path:
        """The kubeconfig of the operator's account for a way around."""
        user = f"system:serviceaccount:{self.namespace}:{ACCOUNT}"
        token = self.server.token(self.namespace, ACCOUNT)
        return self.server.kubeconfig(user, credentials=token, url=url, path=self.folder / "operator.kubeconfig")

    # Looking

    def until(self, what: Callable[[], Any]) -> Any:
        """What it gives as soon as that is something; the test fails, with how everything stands, when it does not."""
        try:
            return until(what)
        except AssertionError as err:
            raise AssertionError(f"{err}\n{self.picture()}") from None

    def picture(self) -> str:
        """How every node stands, for whoever reads of a failure."""
        lines = []
        for machine in self.machines:
            state = self.server.admin.find(machine.objects.path) or {}
            status, meta = state.get("status", {}), state.get("metadata", {})
            lines += [
                f"{machine.name}: {machine.vfs} VFs, {machine.deeds}, {machine.crashes} crashes",
                f"  generation {meta.get('generation')}, request on the Node {machine.objects.node_note()}",
                f"  {meta.get('annotations')}",
                f"  cordoned {self.cordoned(machine)}, answers {self.history.answers(machine.name)}",
                f"  {status.get('syncStatus')} {status.get('lastSyncError')}",
            ]
            lines += [f"  {one}" for one in status.get("conditions", [])]
        lines += [f"ledger: {self.ledger()}", f"kubelets: {self.kubelets.mistakes}", "history:"]
        return "\n".join([*lines, self.history.told(self.names)])

    def cordoned(self, machine: Machine) -> bool:
        node = self.server.admin.find(f"/api/v1/nodes/{machine.name}") or {}
        return bool(node.get("spec", {}).get("unschedulable"))

    def condition(self, machine: Machine, kind: str) -> Document:
        """One of the node state; empty when it is not there."""
        found = self.server.admin.find(machine.objects.path) or {}
        conditions = found.get("status", {}).get("conditions", [])
        return next((one for one in conditions if one["type"] == kind), {})

    def events(self, name: str) -> list[tuple[str, str, str]]:
        """Type, reason and text of what was told about an object."""
        path = f"/apis/events.k8s.io/v1/namespaces/{self.namespace}/events"
        found = self.server.admin.done("GET", path)["items"]
        return [(one["type"], one["reason"], one["note"]) for one in found if one["regarding"]["name"] == name]

    def reasons(self, name: str) -> set[tuple[str, str]]:
        """Types and reasons of those."""
        return {(kind, reason) for kind, reason, _ in self.events(name)}

    def audited(self) -> list[Document]:
        """The requests since this cluster is there, oldest first."""
        with self.server.audit_log.open("rb") as log:
            log.seek(self._audited_from)
            whole, _, _ = log.read().rpartition(b"\n")
        return [json.loads(line) for line in whole.splitlines()]

    def evictions(self) -> list[str]:
        """The pods whose eviction was asked for and granted, each as often as that was so."""
        return [
            one["objectRef"]["name"]
            for one in self.audited()
            if one.get("objectRef", {}).get("subresource") == "eviction"
            and one["objectRef"].get("namespace") == self.namespace
            and one.get("responseStatus", {}).get("code") == 201
        ]

    def at_rest(self, machine: Machine) -> bool:
        """True when the node is as wished, serves, and nobody asks for anything."""
        objects = machine.objects
        state = self.server.admin.find(objects.path)
        if state is None or state.get("status", {}).get("syncStatus") != "Succeeded":
            return False
        conditions = {one["type"]: one for one in state["status"].get("conditions", [])}
        ready, drained = conditions.get("Ready", {}), conditions.get("Drained", {})
        current = ready.get("observedGeneration") == state["metadata"]["generation"] and ready["status"] == "True"
        idle = objects.notes() == ("Idle", "Idle") and objects.node_note() == "Idle"
        told = not drained or drained["reason"] == "Idle"
        return bool(current and idle and told and not self.cordoned(machine))

    def settled(self, vfs: int, *machines: Machine) -> None:
        """Wait until all nodes, or these, have so many VFs on their first port and rest."""
        for machine in machines or self.machines:
            self.until(lambda machine=machine: machine.vfs == vfs and self.at_rest(machine) and self._known(machine))

    def followed(self) -> None:
        """Around an outage: wait until the history has all before it, and is told of changes again after it.

        The API server finds etcd again for one kind after the other.
        """
        mark = {"metadata": {"annotations": {"test.example/seen": secrets.token_hex(4)}}}
        for machine in self.machines:
            for path in (f"/api/v1/nodes/{machine.name}", machine.objects.path):
                self.until(
                    lambda path=path: self.server.admin.request("PATCH", path, mark, content_type=MERGE)[0] == 200
                )
        for machine in self.machines:
            self.until(lambda machine=machine: self._known(machine))

    def _known(self, machine: Machine) -> bool:
        """The history has everything up to now."""
        places = {CORDON: f"/api/v1/nodes/{machine.name}", ANSWER: machine.objects.path}
        found = {what: self.server.admin.find(path) for what, path in places.items()}
        return all(
            one is not None and self.history.knows(machine.name, what, one["metadata"]["resourceVersion"])
            for what, one in found.items()
        )

    def ledger(self) -> Mapping[str, str]:
        """The places that are taken."""
        found = self.server.admin.find(f"/api/v1/namespaces/{self.namespace}/configmaps/sriov-drain-ledger") or {}
        data: Mapping[str, str] = found.get("data") or {}
        return data

    def unharmed(self) -> None:
        """Nothing was taken from a pod, and nothing broke."""
        assert {machine.name: machine.taken for machine in self.machines if machine.taken} == {}
        assert self.kubelets.mistakes == []

    # The end

    def end(self) -> None:
        self.server.revive()
        for machine in self.machines:
            machine.heal()
        self.kubelets.stop()
        for machine in self.machines:
            machine.stop()
        for process in self.processes:
            process.end()
        if self.processes:  # the next one need not wait until it expires
            lease = f"/apis/coordination.k8s.io/v1/namespaces/{self.namespace}/leases/sriov-network-operator"
            self.server.admin.remove(lease)
        if self.server.admin.find(self.stage.path("SriovOperatorConfig", "default")):
            self.server.admin.done("DELETE", self.stage.path("SriovOperatorConfig", "default"))
            until(self._is_cleaned_up)
        for running in self.operators:
            running.stop()
        self.stage.end()
        self.history.stop()

    def _is_cleaned_up(self) -> bool:
        """An operator works at it: of one that has lost its Lease, nobody else takes the place any more."""
        if all(running.has_ended for running in self.operators):
            self.operate(timing=QUICK)
        return self.server.admin.find(self.stage.path("SriovOperatorConfig", "default")) is None


@contextmanager
def cluster(server: Server, namespace: str, folder: Path) -> Iterator[Cluster]:
    """A cluster without nodes and without an operator; everything is taken away at the end."""
    with ExitStack() as held:
        kubeconfig, paths = operator_account(server, operator_settings(namespace))
        paths += bind(server, namespace, CONFIG_DAEMON, roles.AGENT, roles.AGENT_CLUSTER)
        held.callback(lambda: [server.admin.remove(path) for path in paths])
        until(lambda: _may_read_nodes(server, namespace))
        view = admin(server)
        made = Cluster(
            server=server,
            namespace=namespace,
            folder=folder,
            stage=Stage(server, namespace),
            history=History(view, namespace),
            kubelets=Kubelets(view, server.admin, namespace),
            operator_config=kubeconfig,
            audited_from=server.audit_log.stat().st_size if server.audit_log.exists() else 0,
        )
        made.history.start()
        made.kubelets.start()
        held.callback(made.end)
        yield made


def _may_read_nodes(server: Server, namespace: str) -> bool:
    """Whether the API server knows the agents' roles by now: an agent that is refused its Node does not start."""
    return server.admin.allows(f"system:serviceaccount:{namespace}:{CONFIG_DAEMON}", "get", "nodes")


def bind(
    server: Server, namespace: str, account: str, rules: tuple[roles.Rule, ...], everywhere: tuple[roles.Rule, ...]
) -> list[str]:
    """A service account with these rules in the namespace, and those in the cluster; the paths of its roles."""
    server.token(namespace, account)  # makes it
    name, paths = f"{account}-in-{namespace}", []
    subject = {"kind": "ServiceAccount", "name": account, "namespace": namespace}
    for kind, place, given in (("Role", {"namespace": namespace}, rules), ("ClusterRole", {}, everywhere)):
        head = {"apiVersion": f"{RBAC}/v1", "metadata": {"name": name, **place}}
        bound = {"apiGroup": RBAC, "kind": kind, "name": name}
        for document in (
            {**head, "kind": kind, "rules": roles.as_objects(given)},
            {**head, "kind": f"{kind}Binding", "subjects": [subject], "roleRef": bound},
        ):
            server.admin.apply(document)
            paths.append(server.admin.path(document))
    return paths
