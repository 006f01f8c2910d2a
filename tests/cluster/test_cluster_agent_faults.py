"""What goes wrong around the agent: servers that are away, refuse or are killed, and the agent killed itself."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest
import servers_install
from agent_runs import ENDS_WITHIN_S, GROUP, PF, Objects, boots, count, drivers_of, interface, made, running, world
from kube_clients import PATIENCE_S, Gate, Way, admin, client_at, until
from servers import Server

from sriov_core.api import keys
from sriov_core.engine.journal import Journal, Memory
from sriov_core.kube.client import Answer, Client
from sriov_core.kube.connection import connect
from sriov_core.testing.faults import Crash


@pytest.fixture
def client(server: Server) -> Client:
    return admin(server)


@pytest.fixture
def objects(server: Server, namespace: str) -> Iterator[Objects]:
    one = Objects(server.admin, namespace, f"worker-{namespace}")
    one.create()
    yield one
    server.admin.remove(f"/api/v1/nodes/{one.node}")


@pytest.fixture
def own(binaries: Any, tmp_path: Path) -> Iterator[Server]:
    """A server that a test may kill."""
    started = Server.start(tmp_path / "own", binaries)
    try:
        servers_install.definitions(started.admin)
        yield started
    finally:
        started.stop()


def test_drift_is_healed_while_the_api_server_is_away_and_told_when_it_is_back(server, objects, tmp_path):
    gate = Gate(server.url)
    through = client_at(server.kubeconfig("agent", ["system:masters"], url=gate.url, path=tmp_path / "kubeconfig"))
    host = world()
    try:
        with running(through, objects, host) as agent:
            objects.wish(interface())
            objects.synced()
            gate.shut()
            host.zero_behind_our_back(PF)
            agent.notice()
            until(lambda: len(drivers_of(host)) == 2)
            host.set_mtu(PF, 1700)
            agent.notice()
            gate.open()
            until(lambda: objects.status()["interfaces"][0]["mtu"] == 1700)
            objects.synced()
    finally:
        gate.shut()


def test_a_wish_written_while_the_agent_could_not_see_it_is_taken_up_afterwards(server, objects, tmp_path):
    gate = Gate(server.url)
    through = client_at(server.kubeconfig("agent", ["system:masters"], url=gate.url, path=tmp_path / "kubeconfig"))
    host = world()
    try:
        with running(through, objects, host):
            objects.wish(interface())
            objects.synced()
            gate.shut()
            objects.wish(interface(vfs=5))
            gate.open()
            objects.synced()
            assert len(drivers_of(host)) == 5
    finally:
        gate.shut()


def test_an_api_server_killed_in_the_middle_of_the_work_makes_nothing_happen_twice(own):
    objects = Objects(own.admin, "default", "worker")
    objects.create()
    host, journal = world(), Journal(path=None)
    resized = count(host, "set_num_vfs")
    killed, wished = [], threading.Event()

    def kill(verb: Any) -> bool:
        if verb.name == "set_num_vfs" and not killed:
            wished.wait(PATIENCE_S)  # the agent may be here before the answer is with whoever wishes
            killed.append(verb)
            own.kill()
        return False

    with running(admin(own), objects, host, journal):
        objects.synced()
        host.crash(kill)
        objects.wish(interface(vfs=3))
        wished.set()
        until(lambda: killed)
        until(lambda: drivers_of(host) == ["igbvf"] * 3)
        own.revive()
        objects.synced()
        objects.asked("Idle")
    assert resized == [str(PF)]


@attrs.define
class Moody(Way):
    """A transport that answers so many writes with a refusal before it lets one through, again and again."""

    status: int
    refusals: int
    refused: int = 0
    _lock: threading.Lock = attrs.field(factory=threading.Lock)

    def request(self, method: str, path: str, **facts: Any) -> Answer:
        with self._lock:
            refuse = method != "GET" and self.refused % (self.refusals + 1) < self.refusals
            self.refused += method != "GET"
        if refuse:
            body = b'{"kind": "Status", "reason": "Test", "message": "not now"}'
            return Answer(self.status, {"content-type": "application/json"}, body)
        return super().request(method, path, **facts)


@pytest.mark.parametrize("status", [409, 500, 429, 403], ids=["conflicts", "broken", "throttled", "forbidden"])
def test_a_server_that_refuses_writes_again_and_again_is_asked_until_it_does_not(server, objects, status):
    way = Moody(connect(str(server.admin_kubeconfig), user_agent="sriov-test"), status, refusals=1)
    host = world()
    resized = count(host, "set_num_vfs")
    with running(Client(way, manager="sriov-core-agent"), objects, host):
        objects.wish(interface())
        objects.synced()
        host.move_to_namespace(host.vf_addresses(PF)[0], "pod-1")
        objects.wish()
        objects.drain()
        objects.synced()
        objects.asked("Idle")
    assert resized == [str(PF), str(PF)]


@attrs.define
class Trap:
    """Lets so many things happen; from then on the process is dead, whichever thread asks."""

    left: int | None = None
    passed: int = 0
    lock: threading.Lock = attrs.field(factory=threading.Lock)

    def here(self, *_: Any) -> bool:
        with self.lock:
            self.passed += 1
            dead = self.left is not None and self.passed > self.left
        if dead:
            raise Crash("killed")
        return False


@attrs.define
class DyingTransport(Way):
    """A transport on whose writes the process may die, before and after."""

    trap: Trap

    def request(self, method: str, path: str, **facts: Any) -> Answer:
        if method == "GET":
            return super().request(method, path, **facts)
        self.trap.here()
        answer = super().request(method, path, **facts)
        self.trap.here()
        return answer


@attrs.define
class DyingJournal(Journal):
    """A journal on whose writes the process may die, before and after."""

    trap: Trap = attrs.field(factory=Trap, kw_only=True)

    def write(self, memory: Memory) -> None:
        self.trap.here()
        Journal.write(self, memory)
        self.trap.here()


class Scene:
    """A node with VFs in use, and an agent that will die on its way to a wish that costs a drain and a reboot."""

    def __init__(self, server: Server, namespace: str, number: int, transport: Any) -> None:
        self.objects = Objects(server.admin, namespace, f"worker-{namespace}-{number}")
        self.trap, self.host = Trap(), world(other_net_namespaces=1)
        self.journal = DyingJournal(path=None, trap=self.trap)
        self.client = Client(DyingTransport(transport, self.trap), manager="sriov-core-agent")
        self.number = number
        self.resized: list[str] = []
        self.agent: Any = None

    def settle(self) -> None:
        """Begin with VFs."""
        meta = {"metadata": {"name": self.objects.node}}
        self.objects.admin.create({"apiVersion": "v1", "kind": "Node", **meta})
        self.objects.make_state()
        self.objects.wish(interface())
        self.begin()

    def arm(self) -> None:
        """One of the VFs goes to a pod, and from now on the agent can die."""
        self.objects.synced()
        self.end()
        self.host.move_to_namespace(self.host.vf_addresses(PF)[0], "pod-1")
        self.host.crash(self.trap.here)
        self.resized = count(self.host, "set_num_vfs")
        self.host.crash(self.trap.here, after=True)
        self.trap.passed = 0

    def begin(self) -> None:
        self.agent = made(self.client, self.objects, self.host, self.journal)
        self.agent.start()

    def end(self) -> None:
        self.agent.stop()
        assert self.agent.join(ENDS_WITHIN_S)

    def wish(self) -> None:
        self.objects.wish(interface(vfs=4), rdmaMode="exclusive")

    @property
    def is_over(self) -> bool:
        asked, answered = self.objects.notes()
        return (asked, answered, boots(self.host), len(drivers_of(self.host))) == ("Idle", "Idle", 1, 4)


@contextmanager
def operator(server: Server, namespace: str, nodes: Callable[[], list[str]]) -> Iterator[None]:
    """The operator's half of the drain protocol for every node, without a budget."""
    stop = threading.Event()
    place = f"/apis/{GROUP}/v1/namespaces/{namespace}/sriovnetworknodestates"

    def answer(state: dict[str, Any]) -> str | None:
        notes = state["metadata"].get("annotations", {})
        asked, answered = notes.get(keys.DESIRED_STATE), notes.get(keys.CURRENT_STATE)
        if asked in (None, "Idle"):
            return "Idle" if answered != "Idle" else None
        return {"Idle": "Draining", "Draining": "DrainComplete"}.get(answered)

    def work() -> None:
        while not stop.wait(0.05):
            for state in server.admin.done("GET", place)["items"]:
                word = answer(state)
                if word and state["metadata"]["name"] in nodes():
                    Objects(server.admin, namespace, state["metadata"]["name"]).answer(word)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(ENDS_WITHIN_S)


def test_agents_killed_at_any_point_end_their_work_and_repeat_nothing(server, namespace):
    way = connect(str(server.admin_kubeconfig), user_agent="sriov-test", connections=64)
    Objects(server.admin, namespace, "-").configure()
    calm = Scene(server, namespace, 0, way)
    calm.settle()
    calm.arm()
    nodes = [calm.objects.node]
    with operator(server, namespace, lambda: nodes):
        calm.begin()
        calm.wish()
        until(lambda: calm.is_over)
        calm.objects.synced()
        calm.end()
        expected, points = sorted(calm.resized), calm.trap.passed
        assert expected == [str(PF)] * 3, "down, up again, and up once more after the boot"
        assert points > 40
        scenes = [Scene(server, namespace, number, way) for number in range(1, points, 3)]
        for scene in scenes:
            scene.settle()
        for scene in scenes:
            scene.arm()
            scene.trap.left = scene.number
            nodes.append(scene.objects.node)
            scene.begin()
            scene.wish()
        for scene in scenes:
            until(lambda scene=scene: scene.agent.broken is not None or scene.is_over)
            scene.end()
            scene.trap.left = None
            scene.begin()
        for scene in scenes:
            until(lambda scene=scene: scene.is_over)
            scene.objects.synced()
            scene.end()
            found = (scene.number, boots(scene.host), sorted(scene.resized))
            assert found == (scene.number, 1, expected)
    for node in nodes:
        server.admin.remove(f"/api/v1/nodes/{node}")


def test_an_agent_whose_report_is_refused_changes_nothing_until_it_is_taken(server, objects, tmp_path, caplog):
    """As one does that was started with the token of another node's agent: it may read, and report nothing."""
    user = f"reader-{objects.namespace}"
    reader = client_at(server.kubeconfig(user, path=tmp_path / "kubeconfig"))
    host = world()
    objects.wish(interface())
    with _allowed(server, user, "get", "list", "watch"), running(reader, objects, host) as agent:
        until(lambda: "nothing is changed on this machine before the cluster takes this agent's report" in caplog.text)
        host.set_mtu(PF, 1700)
        for _ in range(3):
            agent.notice()
        assert (drivers_of(host), "cannot patch resource" in caplog.text) == ([], True)
        with _allowed(server, user, "patch"):
            until(lambda: len(drivers_of(host)) == 2)
            objects.synced()


@contextmanager
def _allowed(server: Server, user: str, *verbs: str) -> Iterator[None]:
    """That user may do this with everything for as long as the block lasts."""
    group, name = "rbac.authorization.k8s.io", f"{user}-{verbs[0]}"
    path = f"/apis/{group}/v1"
    head = {"apiVersion": f"{group}/v1", "metadata": {"name": name}}
    rule = {"apiGroups": ["*"], "resources": ["*"], "verbs": list(verbs)}
    who = {"apiGroup": group, "kind": "User", "name": user}
    role = {"apiGroup": group, "kind": "ClusterRole", "name": name}
    server.admin.done("POST", f"{path}/clusterroles", {**head, "kind": "ClusterRole", "rules": [rule]})
    binding = {**head, "kind": "ClusterRoleBinding", "subjects": [who], "roleRef": role}
    server.admin.done("POST", f"{path}/clusterrolebindings", binding)
    try:
        yield
    finally:
        for kind in ("clusterrolebindings", "clusterroles"):
            server.admin.remove(f"{path}/{kind}/{name}")
