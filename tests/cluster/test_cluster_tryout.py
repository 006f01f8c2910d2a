"""What docs/cluster.md has its readers do: the cluster of `make cluster`, both programs by hand, the files it names."""

import os
import signal
import subprocess  # noqa: TID251  # the programs as people start them are what is tested
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import attrs
import pytest
import yaml
from kubectl_scene import said
from servers import Binaries
from servers_admin import MERGE, Admin
from servers_tryout import NAMESPACE, NODE, SECOND

ROOT = Path(__file__).parent.parent.parent
LIVE = ROOT / "docs" / "demo" / "live"
HERE = str(Path(__file__).with_name("servers_tryout.py"))
MACHINES = {NODE: ROOT / "tests" / "trees" / "intel-82576-without-iommu.yaml"}
AGENTS = {NODE: "agent"}
"""Their names, and those of their kubeconfigs."""
OURS = f"/apis/sriovnetwork.openshift.io/v1/namespaces/{NAMESPACE}"
STATES, POLICY = f"{OURS}/sriovnetworknodestates", f"{OURS}/sriovnetworknodepolicies/fast"
PODS = "/api/v1/namespaces/default/pods"
BUDGETS = "/apis/policy/v1/namespaces/default/poddisruptionbudgets"
DEADLINE_S = 60.0
T = TypeVar("T")
Document = dict[str, Any]


@attrs.define
class Program:
    """A program in a terminal of its own, with its output in a file."""

    log: Path
    process: "subprocess.Popen[bytes]"

    @classmethod
    def start(cls, log: Path, *argv: str, **environment: str) -> "Program":
        with log.open("wb") as told:
            process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "--", sys.executable, *argv],
                cwd=ROOT,
                env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **environment},
                stdin=subprocess.DEVNULL,
                stdout=told,
                stderr=told,
                start_new_session=True,
            )
        return cls(log, process)

    @property
    def said(self) -> str:
        return self.log.read_text()

    def interrupt(self) -> int:
        """As Ctrl-C does; its exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(DEADLINE_S)

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(DEADLINE_S)


@attrs.frozen
class Terminals:
    """The cluster, the operator and the agent, and the administrator."""

    folder: Path
    admin: Admin
    programs: dict[str, Program]

    def until(self, what: Callable[[], T | None]) -> T:
        end = time.monotonic() + DEADLINE_S
        while not (found := what()):
            logs = "\n".join(f"--- {name}\n{program.said}" for name, program in self.programs.items())
            assert time.monotonic() < end, f"not within {DEADLINE_S} s\n{self.admin.done('GET', STATES)}\n{logs}"
            time.sleep(0.1)
        return found

    def apply(self, name: str) -> None:
        for document in yaml.safe_load_all((LIVE / name).read_text()):
            self.admin.apply(document)

    def agent(self, node: str) -> None:
        """Start it in a terminal of its own."""
        name = AGENTS[node]
        work = ("-m", "sriov_core", "agent", "--host", str(MACHINES[node]), "--node-name", node)
        login = ("--kubeconfig", str(self.folder / f"{name}.kubeconfig"))
        self.programs[name] = Program.start(self.folder.parent / f"{name}.log", *work, *login)

    def explained(self, pod: str) -> str:
        """Why it is Pending. A node that is not ready would be the cause, before the device plugin."""
        return said(self.folder / "admin.kubeconfig", f"explain pod {pod} --namespace default")

    def runs(self, pod: str) -> None:
        """As its kubelet would say."""
        running = {"status": {"phase": "Running"}}
        self.admin.done("PATCH", f"{PODS}/{pod}/status", running, content_type=MERGE)

    def state(self, reason: str = "", kind: str = "Ready") -> Document | None:
        """The node state, once that condition has that reason."""
        found = self.admin.find(f"{STATES}/{NODE}")
        conditions = (found or {}).get("status", {}).get("conditions", ())
        return found if (kind, reason) in {(one["type"], one["reason"]) for one in conditions} else None

    def interrupted(self, *names: str) -> None:
        """End them as Ctrl-C does, without a word of trouble."""
        for name in names:
            program = self.programs[name]
            assert program.interrupt() == 0, program.said
            assert "Traceback" not in program.said

    def vf_drivers(self) -> list[str]:
        found = self.admin.find(f"{STATES}/{NODE}") or {}
        return [vf["driver"] for nic in found.get("status", {}).get("interfaces", ()) for vf in nic.get("Vfs", ())]


def cluster(log: Path, folder: Path) -> Program:
    """One that is ready."""
    found = Program.start(log, HERE, "--folder", str(folder))
    end = time.monotonic() + DEADLINE_S
    while "agent-2.kubeconfig" not in found.said:
        assert found.process.poll() is None, found.said
        assert time.monotonic() < end
        time.sleep(0.1)
    return found


@pytest.fixture
def terminals(recent: Binaries, tmp_path: Path) -> Iterator[Terminals]:
    folder, programs = tmp_path / "cluster", dict[str, Program]()
    settings = {"NAMESPACE": NAMESPACE, "RESOURCE_PREFIX": "openshift.io"}
    anywhere = ("--health-probe-bind-address", "127.0.0.1:0")
    try:
        programs["cluster"] = cluster(tmp_path / "cluster.log", folder)
        url = yaml.safe_load((folder / "admin.kubeconfig").read_text())["clusters"][0]["cluster"]["server"]
        files = {name: folder / name for name in ("ca.crt", "admin.crt", "admin.key")}
        admin = Admin.with_certificate(
            url, ca_file=files["ca.crt"], certificate=files["admin.crt"], key=files["admin.key"]
        )
        run = ("-m", "sriov_operator", "run", "--kubeconfig", str(folder / "operator.kubeconfig"), *anywhere)
        programs["operator"] = Program.start(tmp_path / "operator.log", *run, **settings)
        found = Terminals(folder, admin, programs)
        found.agent(NODE)
        yield found
        admin.close()
    finally:
        for program in programs.values():
            program.end()


def test_a_policy_drains_a_reboot_and_everything_given_back(terminals: Terminals) -> None:
    admin, until = terminals.admin, terminals.until
    terminals.apply("config.yaml")
    terminals.apply("policy.yaml")
    until(lambda: terminals.vf_drivers() == ["igbvf"] * 4)
    until(lambda: admin.find("/apis/k8s.cni.cncf.io/v1/namespaces/default/network-attachment-definitions/blue"))
    terminals.apply("pod.yaml")
    until(lambda: "no DaemonSet sriov-device-plugin" in terminals.explained("server"))
    admin.remove(f"{PODS}/server")

    terminals.apply("workload.yaml")
    terminals.runs("app")
    admin.done("PATCH", POLICY, {"spec": {"deviceType": "vfio-pci"}}, content_type=MERGE)
    until(lambda: terminals.state("Blocked", "Drained"))
    waiting = until(lambda: terminals.state("WaitingForReboot"))
    ready = next(one for one in waiting["status"]["conditions"] if one["type"] == "Ready")
    assert "vfio-pci needs an IOMMU" in ready["message"]
    assert admin.done("GET", f"/api/v1/nodes/{NODE}")["spec"]["unschedulable"]
    assert terminals.vf_drivers() == ["igbvf"] * 4

    admin.remove(f"{BUDGETS}/app")
    until(lambda: terminals.vf_drivers() == ["vfio-pci"] * 4)
    until(lambda: terminals.state("Idle", "Drained"))
    assert "unschedulable" not in admin.done("GET", f"/api/v1/nodes/{NODE}")["spec"]
    assert admin.find(f"{PODS}/app") is None

    admin.done("DELETE", f"{OURS}/sriovnetworks/blue")
    until(lambda: admin.find(f"{OURS}/sriovnetworks/blue") is None)
    admin.remove(POLICY)
    until(lambda: not terminals.vf_drivers())
    login = ("--kubeconfig", str(terminals.folder / "admin.kubeconfig"), "--watch-timeout", f"{DEADLINE_S:.0f}")
    cleanup = Program.start(
        terminals.folder.parent / "cleanup.log", "-m", "sriov_operator", "cleanup", "--namespace", NAMESPACE, *login
    )
    assert cleanup.process.wait(2 * DEADLINE_S) == 0, cleanup.said
    assert admin.find(f"{OURS}/sriovoperatorconfigs/default") is None
    until(lambda: admin.find(f"/apis/rbac.authorization.k8s.io/v1/namespaces/{NAMESPACE}/roles/sriov-plugin") is None)
    # First who holds a Lease there: a leader whose Lease is deleted ends with 1.
    terminals.interrupted(AGENTS[NODE], "operator")
    admin.done("DELETE", f"/api/v1/namespaces/{NAMESPACE}")
    until(lambda: admin.find(f"/api/v1/namespaces/{NAMESPACE}") is None)
    terminals.interrupted("cluster")
    assert not terminals.folder.exists(), "what it made is gone"


def test_the_pod_of_an_agent_is_ready_while_the_agent_runs_and_nodes_say_when_not(terminals: Terminals) -> None:
    admin, until = terminals.admin, terminals.until
    pod = f"/api/v1/namespaces/{NAMESPACE}/pods/sriov-network-config-daemon-{NODE}"

    def status(node: str) -> Document:
        found: Document = admin.done("GET", pod.replace(NODE, node))["status"]
        return found

    def ready() -> str:
        """Empty before the first look."""
        told = status(NODE).get("conditions", ())
        return next((one["status"] for one in told if one["type"] == "Ready"), "")

    terminals.apply("config.yaml")
    until(lambda: ready() == "True")
    until(lambda: terminals.state("Configured"))
    other = until(lambda: told if "containerStatuses" in (told := status(SECOND)) else None)
    assert (other["phase"], other["containerStatuses"][0]["state"]["waiting"]["reason"]) == ("Pending", "NoAgent")

    terminals.programs[AGENTS[NODE]].process.kill()
    until(lambda: ready() == "False")
    terminals.apply("policy.yaml")
    until(lambda: f"{pod.rpartition('/')[2]} of its agent is not ready" in str(admin.done("GET", POLICY)))

    terminals.programs[AGENTS[NODE]].end()
    terminals.agent(NODE)
    until(lambda: ready() == "True")
    until(lambda: terminals.vf_drivers() == ["igbvf"] * 4)
    nodes = admin.done("GET", "/api/v1/nodes")["items"]
    assert {one["metadata"]["labels"]["kubernetes.io/hostname"] for one in nodes} == {NODE, SECOND, "control-1"}
    assert [one["spec"].get("taints") for one in nodes] == [None] * 3, "they take pods"


def test_two_clusters_do_not_share_a_folder_and_a_dead_one_says_so(recent: Binaries, tmp_path: Path) -> None:
    folder = tmp_path / "cluster"
    first = cluster(tmp_path / "first.log", folder)
    second = Program.start(tmp_path / "second.log", HERE, "--folder", str(folder))
    try:
        assert second.process.wait(DEADLINE_S) == 1
        assert f"a cluster runs in {folder} already, pid " in second.said
        login = (folder / "admin.kubeconfig").read_text()
        (apiserver,) = [pid for pid, name in children(first.process.pid) if name == "kube-apiserver"]
        os.kill(apiserver, signal.SIGKILL)
        assert first.process.wait(DEADLINE_S) == 1
        dead = next(line for line in first.said.splitlines() if "has ended" in line)
        assert dead == "kube-apiserver has ended: killed by signal 9 (SIGKILL). The last lines of its log:"
        assert len(first.said.partition(dead)[2].splitlines()) < 7, first.said
        assert f"Its logs are in {folder}" in first.said
        third = cluster(tmp_path / "third.log", folder)
        assert (folder / "admin.kubeconfig").read_text() != login, "what a dead one left is not used"
        assert third.interrupt() == 0
        assert not folder.exists()
    finally:
        first.end()
        second.end()


def children(pid: int) -> list[tuple[int, str]]:
    """The processes that this one has started, with their names."""
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [(int(child), Path(f"/proc/{child}/comm").read_text().strip()) for child in found]


def test_a_folder_with_other_files_is_not_emptied(binaries: Binaries, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    refused = Program.start(tmp_path.parent / f"{tmp_path.name}.log", HERE, "--folder", str(tmp_path))
    assert refused.process.wait(DEADLINE_S) == 1
    assert "holds other files" in refused.said
    assert (tmp_path / "notes.txt").read_text() == "mine"
