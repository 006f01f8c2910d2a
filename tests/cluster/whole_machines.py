"""Nodes with a simulated machine each, its agent with a token of its own, and what a kubelet does."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import msgspec
import urllib3
from agent_runs import ENDS_WITHIN_S, PF, Objects, made
from servers import Server
from servers_admin import Admin

from sriov_core.agent.node import read_node
from sriov_core.agent.publish import MANAGER
from sriov_core.agent.service import Agent
from sriov_core.cli.agentsetup import COMPONENT
from sriov_core.engine.journal import Journal
from sriov_core.kube.client import Client
from sriov_core.kube.connection import connect
from sriov_core.kube.informer import Informer
from sriov_core.kube.lean import LeanMeta
from sriov_core.kube.recorder import Recorder
from sriov_core.kube.resource import PODS
from sriov_core.model.address import Address
from sriov_core.testing.faults import Crash, Matcher, Verb
from sriov_core.testing.world import FakeWorld
from sriov_operator.deployment.names import CONFIG_DAEMON

LOOKS_EACH_S = 0.05
EVENTS_WITHIN_S = 10.0


class SeenPod(msgspec.Struct, frozen=True):
    """A pod as a kubelet of the tests sees it."""

    metadata: LeanMeta


def identity(server: Server, namespace: str, node: str, *, url: str = "") -> Path:
    """The kubeconfig of the agent on that node: its token is bound to its pod, as those of pods are.

    The pod belongs to the DaemonSet, or a drain would take it away.
    """
    name = f"{CONFIG_DAEMON}-{node}"
    owner = {"apiVersion": "apps/v1", "kind": "DaemonSet", "name": CONFIG_DAEMON, "uid": "0", "controller": True}
    container = {"name": CONFIG_DAEMON, "image": "registry.example/agent:1"}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "ownerReferences": [owner]},
        "spec": {"serviceAccountName": CONFIG_DAEMON, "nodeName": node, "containers": [container]},
    }
    server.admin.create(pod)
    token = server.token(namespace, CONFIG_DAEMON, pod=name, node=node)
    user = f"system:serviceaccount:{namespace}:{CONFIG_DAEMON}"
    return server.kubeconfig(user, credentials=token, url=url, path=server.folder / f"{name}.kubeconfig")


@attrs.define(kw_only=True)
class Machine:
    """One node. What its agent does to the machine is noted from the start, and when that is taken from a pod."""

    objects: Objects
    host: FakeWorld
    kubeconfig: Path
    journal: Path
    deeds: list[str] = attrs.field(factory=list)
    """The writes of the number of VFs (by port) and the reboots (as ``reboot``), in their order."""
    taken: list[str] = attrs.field(factory=list)
    """VFs that ended while a pod had them. There must never be one."""
    crashes: int = 0
    agent: Agent | None = None
    _recorder: Recorder | None = None
    _holders: dict[str, Address] = attrs.field(factory=dict)
    _keeping: threading.RLock = attrs.field(factory=threading.RLock)

    def __attrs_post_init__(self) -> None:
        self.heal()

    @property
    def name(self) -> str:
        """Of the Node."""
        return self.objects.node

    @property
    def vfs(self) -> int:
        """Those of the first port."""
        return len(self.host.vf_addresses(PF))

    @property
    def reboots(self) -> int:
        return self.deeds.count("reboot")

    def heal(self) -> None:
        """No more accidents but that a reboot ends the agent, too."""
        self.host.heal()
        self.host.crash(self._before)
        self.host.crash(self._after, after=True)
        self.host.crash(lambda verb: verb.name == "start_reboot", after=True)

    def kill_at(self, matches: Matcher, *, after: bool = False) -> None:
        """Have the agent die once, before or after the first verb that matches."""
        left = [True]

        def once(verb: Verb) -> bool:
            return bool(left and matches(verb) and left.pop())

        self.host.crash(once, after=after)

    def start(self) -> None:
        """Start the agent, as the process does."""
        with self._keeping:
            transport = connect(str(self.kubeconfig), user_agent=MANAGER, connections=8)
            client = Client(transport, manager=MANAGER)
            read_node(client, self.name, threading.Event())
            self._recorder = Recorder(client, component=COMPONENT, instance=self.name)
            journal = Journal(path=str(self.journal))
            self.agent = made(client, self.objects, self.host, journal, recorder=self._recorder)
            self.agent.start()

    def stop(self) -> None:
        """End the agent in an orderly way."""
        with self._keeping:
            agent, self.agent = self.agent, None
            if agent is None:
                return
            agent.stop()
            assert agent.join(ENDS_WITHIN_S), "the agent ends in time"
            assert isinstance(agent.broken, Crash | None), agent.broken
            if self._recorder:
                self._recorder.close(EVENTS_WITHIN_S)

    def revive(self) -> None:
        """Start the agent anew when it was killed, as the kubelet does."""
        with self._keeping:
            if self.agent is None or not isinstance(self.agent.broken, Crash):
                return
            if self.agent.join(0.0):
                self.crashes += 1
                if self._recorder:
                    self._recorder.close(0.0)
                self.start()

    def give(self, pod: str, index: int, pf: Address = PF) -> None:
        """A pod gets a VF."""
        address = self.host.vf_addresses(pf)[index]
        self.host.move_to_namespace(address, pod)
        self._holders[pod] = address

    def take_back(self, pod: str) -> None:
        """The pod has ended."""
        address = self._holders.pop(pod, None)
        if address is not None:
            self.host.move_to_namespace(address, None)

    def _before(self, verb: Verb) -> bool:
        """Called before each verb, while nothing else happens to the machine."""
        is_reboot = verb.name == "start_reboot"
        if is_reboot or verb.name == "set_num_vfs":
            for function in self.host.tree().functions:
                if function.sriov and (is_reboot or function.address == str(verb.target)):
                    self.taken += [vf.address for vf in function.sriov.vfs if vf.link and vf.link.netns]
        return False

    def _after(self, verb: Verb) -> bool:
        """Called after each verb that had its effect."""
        if verb.name in ("set_num_vfs", "start_reboot"):
            self.deeds.append("reboot" if verb.name == "start_reboot" else str(verb.target))
        return False


class Kubelets:
    """What the kubelets of all nodes do: pods that are told to end give their VFs back and go, and killed agents come
    back."""

    def __init__(self, client: Client, admin: Admin, namespace: str) -> None:
        self._admin, self._namespace = admin, namespace
        self._pods: Informer[SeenPod] = Informer(client, PODS, SeenPod, namespace=namespace)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="kubelets", daemon=True)
        self.machines: dict[str, Machine] = {}
        self.others: list[Callable[[], None]] = []
        """What else is looked after all the time."""
        self.mistakes: list[str] = []
        self.revives = True
        """Whether killed agents come back."""

    def start(self) -> None:
        self._pods.start(self._stop)
        assert self._pods.wait_synced(60.0)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(ENDS_WITHIN_S)
        self._pods.join(ENDS_WITHIN_S)

    def _work(self) -> None:
        while not self._stop.wait(LOOKS_EACH_S):
            try:
                self._look()
            except urllib3.exceptions.HTTPError:
                continue  # the API server is away
            except Exception as err:  # noqa: BLE001  # the test tells of it
                self.mistakes.append(f"{type(err).__name__}: {err}")

    def _look(self) -> None:
        for pod in self._pods.items():
            if pod.metadata.deletion_timestamp:
                self._end(pod.metadata)
        for machine in tuple(self.machines.values()) if self.revives else ():
            machine.revive()
        for look in self.others:
            look()

    def _end(self, pod: LeanMeta) -> None:
        for machine in tuple(self.machines.values()):
            machine.take_back(pod.name)
        path = f"/api/v1/namespaces/{self._namespace}/pods/{pod.name}"
        options: dict[str, Any] = {"gracePeriodSeconds": 0, "preconditions": {"uid": pod.uid}}
        if not pod.finalizers:
            self._admin.request("DELETE", path, options)
