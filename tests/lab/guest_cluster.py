"""The guest as a node of a cluster: API server and operator run on this machine, the agent runs in the guest."""

import json
import re
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import attrs
import deployments
import servers_install
import urllib3
from debian import LabError
from guest_history import History
from operator_runs import Running
from servers import Binaries, Refused, Server
from servers_admin import MERGE
from vm import HOST, Job, Vm

from sriov_core.api.wire import API_VERSION, GROUP
from sriov_core.kube.client import Client
from sriov_core.kube.connection import connect
from sriov_core.kube.informer import Informer
from sriov_core.kube.resource import NODE_STATES, NODES
from sriov_operator.deployment import names, roles
from sriov_operator.process.lean import LeanNode, LeanNodeState
from sriov_operator.process.settings import CONTROLLERS

NODE = "lab"
SPARE = "spare"
"""A Node of which there is no more than the object: where there is no other node, nobody is drained for a reboot."""
NAMESPACE = "sriov-network-operator"
APPS = "apps"
"""The namespaces of the operator and of pods."""
KUBECONFIG = "/etc/sriov-core/kubeconfig"
METRICS_PORT = 9110
DEADLINE_S = 240.0
"""Longer than a guest needs that gets a fifth of a processor."""

TRACE = (
    "mount -t tracefs tracefs /sys/kernel/tracing; cd /sys/kernel/tracing && "
    "echo 'p:numvfs sriov_numvfs_store nic=+0(+0(%di)):string vfs=+0(%dx):string' > kprobe_events && "
    "echo 1 > events/kprobes/numvfs/enable"
)
"""Has the kernel itself note each write of a number of VFs: `sriov_numvfs_store(device, attribute, buffer, size)` of
drivers/pci/iov.c, where the name of a device is its first field (include/linux/device.h, kobject.h)."""

SYSTEMD_RUN = "/usr/local/bin/systemd-run"
NOTES_REBOOT = "#!/bin/sh\ncat /proc/sys/kernel/random/boot_id >> /persist/reboots\n"
"""No systemd runs in the guest: the boot that is told to end is noted, and `Cluster.reboot` does what systemd would."""
LATE = re.compile(r"did not answer within|has not yet answered")
JOURNAL = "/var/lib/sriov-core/journal.json"

Document = dict[str, Any]
T = TypeVar("T")


@attrs.define
class Cluster:
    """A cluster whose node is the guest; it has what an administrator installs, and nothing else runs there."""

    server: Server
    vm: Vm
    history: History = attrs.field(factory=History)
    agent: Job | None = None
    operator: Running | None = None
    _over: threading.Event = attrs.field(factory=threading.Event)

    @classmethod
    def start(cls, folder: Path, binaries: Binaries, vm: Vm) -> "Cluster":
        """The API server with all objects, and the operator; the agent is started by `join`."""
        server = Server.start(folder, binaries, audit=True, names=[HOST])
        cluster = cls(server, vm)
        try:
            cluster._install()
            cluster._listen()
            cluster.operate()
        except BaseException:
            cluster.stop()
            raise
        return cluster

    def stop(self) -> None:
        """End all of it but the guest."""
        self._over.set()
        self.retire()
        self.server.stop()

    def operate(self) -> None:
        """Run the operator with its own roles, in the place of one that runs or has lost its Lease."""
        self.retire()
        kubeconfig, _ = deployments.account(self.server, deployments.settings(NAMESPACE))
        self.operator = Running.start(kubeconfig, NAMESPACE, only=frozenset(CONTROLLERS))

    def retire(self) -> None:
        """End the operator, if one runs."""
        if self.operator:
            self.operator.stop()
            self.operator = None

    def join(self) -> None:
        """Start the agent in the guest, as the kubelet does after each boot, and watch what is written."""
        self.vm.put(KUBECONFIG, self._agents_kubeconfig(), mode=0o600)
        self.vm.put(SYSTEMD_RUN, NOTES_REBOOT, mode=0o755)
        self.vm.sh(TRACE)
        argv = [
            "sriov-core",
            "agent",
            "--kubeconfig",
            KUBECONFIG,
            "--metrics-bind-address",
            f"127.0.0.1:{METRICS_PORT}",
        ]
        env = {"NODE_NAME": NODE, "NAMESPACE": NAMESPACE, "RESOURCE_PREFIX": "openshift.io"}
        self.agent = self.vm.spawn(argv, env=env)

    def boot(self) -> None:
        """Switch the guest on again after a power cut, and start its agent."""
        self.vm.boot()
        self.join()

    def end_agent(self) -> None:
        """As the kubelet does, by SIGTERM; it ends well."""
        assert self.agent
        self.agent.kill(signal.SIGTERM)
        ended = self.agent.wait(DEADLINE_S)
        assert ended.rc == 0, ended

    def reboot(self) -> None:
        """Wait until the agent has the machine reboot, and do it: services end, files reach the disk, and it boots."""
        boot_id = self.boot_id()
        self.until(lambda: boot_id in self.reboots(), "a reboot")
        self.end_agent()
        self.vm.sh("sync")
        self.vm.power_cut()
        self.boot()

    # Looking

    def until(self, what: Callable[[], T | None], wanted: str) -> T:
        """What it gives as soon as that is something; the test fails when it does not come."""
        end = time.monotonic() + DEADLINE_S
        while not (found := what()):
            if time.monotonic() > end:
                raise AssertionError(f"not within {DEADLINE_S:g} s: {wanted}\n{self._story()}")
            time.sleep(0.1)
        return found

    def state(self) -> Document:
        """The node state; empty while there is none."""
        return self.server.admin.find(f"{_place('sriovnetworknodestates')}/{NODE}") or {}

    def status(self) -> Document:
        """What the agent reports; empty while it reports nothing."""
        found: Document = self.state().get("status") or {}
        return found

    def interface(self, address: str) -> Document:
        """What is reported of one NIC."""
        reported = self.status().get("interfaces") or []
        return next((one for one in reported if one["pciAddress"] == address), {})

    def settled(self, vfs: Mapping[str, int]) -> Document:
        """The status, once the wish has so many VFs on each of the NICs and the agent says that it is fulfilled."""

        def found() -> Document | None:
            state = self.state()
            wished = {one["pciAddress"]: one["numVfs"] for one in (state.get("spec") or {}).get("interfaces", [])}
            status: Document = state.get("status") or {}
            ready = condition(status)
            current = ready.get("observedGeneration") == state.get("metadata", {}).get("generation")
            done = current and ready.get("status") == "True" and status.get("syncStatus") == "Succeeded"
            return status if done and wished == vfs else None

        return self.until(found, f"Ready with the VFs {dict(vfs)}")

    def told(self, reason: str, kind: str = "Ready") -> None:
        """Wait until a condition of the node state has this reason."""
        self.until(lambda: condition(self.status(), kind).get("reason") == reason, f"{kind} with the reason {reason}")

    def stands(self, asked: str, mirrored: str, answered: str, *, cordoned: bool) -> None:
        """Wait until agent and operator have said this last; the history hears of it a moment after it was written."""
        wanted = (asked, mirrored, answered, cordoned)
        self.until(lambda: self.history.now == wanted, f"the handshake at {wanted}")

    def writes(self) -> list[tuple[str, str]]:
        """Each number of VFs that was written since the boot, with its NIC, as the kernel saw it."""
        text = self.vm.sh("cat /sys/kernel/tracing/trace")
        return re.findall(r'numvfs: .* nic="([^"]+)" vfs="(\d+)', text)

    def boot_id(self) -> str:
        """Of the boot that the guest is in."""
        return self.vm.sh("cat /proc/sys/kernel/random/boot_id")

    def reboots(self) -> list[str]:
        """The boots that the agent had end, as often as it asked for that."""
        return self.vm.sh("cat /persist/reboots 2>/dev/null; true").split()

    def journal(self) -> Document:
        """What the agent remembers over a boot."""
        found: Document = json.loads(self.vm.get(JOURNAL))
        return found

    def evicted(self) -> Counter[str]:
        """How many evictions of each pod the API server has granted, as its audit log says."""
        granted = (one for one in self.server.audited() if one.get("responseStatus", {}).get("code", 0) < 300)
        about = [one["objectRef"] for one in granted if one["verb"] == "create" and "objectRef" in one]
        wanted = {"resource": "pods", "subresource": "eviction"}
        return Counter(one["name"] for one in about if wanted.items() <= one.items())

    def measured(self, name: str) -> float:
        """A sample of the agent's metrics; the sum over all with this name."""
        get = f"exec 3<>/dev/tcp/127.0.0.1/{METRICS_PORT}; printf 'GET /metrics HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3"
        return sum(float(value) for value in re.findall(rf"^{name}(?:{{.*}})? (\S+)$", self.vm.sh(get), re.MULTILINE))

    def refused(self) -> list[str]:
        """What agent and operator asked for without a right to it."""
        ours = f"system:serviceaccount:{NAMESPACE}:"
        return [
            f"{one['user']['username'].removeprefix(ours)}: {one['verb']} {one['requestURI']}"
            for one in self.server.audited()
            if one["user"]["username"].startswith(ours) and one.get("responseStatus", {}).get("code") == 403
        ]

    def failures(self) -> list[str]:
        """What the agent could not do, as its events say, but for what the kernel of a slow guest was late with."""
        path = f"/apis/events.k8s.io/v1/namespaces/{NAMESPACE}/events"
        found = self.server.admin.done("GET", path)["items"]
        notes = [one["note"] for one in found if one["reason"] == "ConfigurationFailed"]
        return [note for note in notes if not LATE.search(note)]

    # Changing

    def policy(self, name: str, pf: str, num_vfs: int, **spec: Any) -> None:
        """A policy for VFs of one NIC (``enp1s0#0-1``), made or replaced."""
        known = {"resourceName": name, "nodeSelector": {}, "numVfs": num_vfs, "nicSelector": {"pfNames": [pf]}}
        meta = {"name": name, "namespace": NAMESPACE}
        kind = {"apiVersion": API_VERSION, "kind": "SriovNetworkNodePolicy"}
        self.server.admin.apply({**kind, "metadata": meta, "spec": {**known, **spec}})

    def pool(self, **spec: Any) -> None:
        """A pool of every node, made or replaced."""
        meta = {"name": "all", "namespace": NAMESPACE}
        kind = {"apiVersion": API_VERSION, "kind": "SriovNetworkPoolConfig"}
        self.server.admin.apply({**kind, "metadata": meta, "spec": spec})

    def remove_policies(self) -> None:
        """All of them."""
        for found in self.server.admin.done("GET", _place("sriovnetworknodepolicies"))["items"]:
            self.server.admin.remove(f"{_place('sriovnetworknodepolicies')}/{found['metadata']['name']}")

    def _install(self) -> None:
        admin = self.server.admin
        servers_install.definitions(admin)
        for name in (NAMESPACE, APPS):
            admin.create_namespace(name)
        labels = {"kubernetes.io/os": "linux", "node-role.kubernetes.io/worker": ""}
        for name in (NODE, SPARE):
            admin.create({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}})
        address = {"addresses": [{"type": "InternalIP", "address": "10.0.2.15"}]}
        admin.done("PATCH", f"/api/v1/nodes/{NODE}/status", {"status": address}, content_type=MERGE)
        for kind, place, rules in (
            ("Role", {"namespace": NAMESPACE}, roles.AGENT),
            ("ClusterRole", {}, roles.AGENT_CLUSTER),
        ):
            head = {"apiVersion": f"{deployments.RBAC}/v1", "metadata": {"name": names.CONFIG_DAEMON, **place}}
            admin.create({**head, "kind": kind, "rules": roles.as_objects(rules)})
            subject = {"kind": "ServiceAccount", "name": names.CONFIG_DAEMON, "namespace": NAMESPACE}
            bound = {"apiGroup": deployments.RBAC, "kind": kind, "name": names.CONFIG_DAEMON}
            admin.create({**head, "kind": f"{kind}Binding", "subjects": [subject], "roleRef": bound})
        self._agents_pod()
        meta = {"name": "default", "namespace": NAMESPACE}
        admin.create({"apiVersion": API_VERSION, "kind": "SriovOperatorConfig", "metadata": meta, "spec": {}})

    def _agents_pod(self) -> None:
        """The agent's token is bound to it. As a pod of a DaemonSet it stays where it is when its node is drained."""
        owner = {"apiVersion": "apps/v1", "kind": "DaemonSet", "name": names.CONFIG_DAEMON, "uid": "none"}
        name = f"{names.CONFIG_DAEMON}-{NODE}"
        meta = {"name": name, "namespace": NAMESPACE, "ownerReferences": [{**owner, "controller": True}]}
        containers = [{"name": "main", "image": "none.example/none"}]
        spec = {"nodeName": NODE, "serviceAccountName": names.CONFIG_DAEMON, "containers": containers}
        account = {"apiVersion": "v1", "kind": "ServiceAccount"}
        self.server.admin.create({**account, "metadata": {"name": names.CONFIG_DAEMON, "namespace": NAMESPACE}})
        self.server.admin.create({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec})

    def _listen(self) -> None:
        client = Client(connect(str(self.server.admin_kubeconfig), user_agent="test"), manager="test")
        states = Informer(client, NODE_STATES, LeanNodeState, namespace=NAMESPACE, fields=f"metadata.name={NODE}")
        nodes = Informer(client, NODES, LeanNode, fields=f"metadata.name={NODE}")
        states.subscribe(self.history.state_changed)
        nodes.subscribe(self.history.node_changed)
        states.start(self._over)
        nodes.start(self._over)

    def _agents_kubeconfig(self) -> Path:
        """That of the agent's service account, with a token of a pod on this node."""
        user = f"system:serviceaccount:{NAMESPACE}:{names.CONFIG_DAEMON}"
        token = self.server.token(NAMESPACE, names.CONFIG_DAEMON, node=NODE)
        return self.server.kubeconfig(user, credentials=token, url=f"https://{HOST}:{self.server.port}")

    def _story(self) -> str:
        """How everything stands, for people who look for what went wrong."""
        looks: dict[str, Callable[[], object]] = {
            "history": lambda: self.history,
            "node state": self.state,
            "writes": self.writes,
            "reboots": self.reboots,
            "journal": self.journal,
            "agent": lambda: self.agent and self.agent.output().err[-6000:],
        }
        return "\n".join(f"{name}: {_or_why(look)}" for name, look in looks.items())


def condition(status: Document, kind: str = "Ready") -> Document:
    """One condition of a status, or of one of its NICs; empty when it has none of this kind."""
    return next((one for one in status.get("conditions") or [] if one["type"] == kind), {})


def _place(plural: str) -> str:
    return f"/apis/{GROUP}/v1/namespaces/{NAMESPACE}/{plural}"


def _or_why(look: Callable[[], object]) -> object:
    try:
        return look()
    except (LabError, Refused, urllib3.exceptions.HTTPError) as err:
        return err
