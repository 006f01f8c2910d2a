"""``sriov-core agent`` as a process: finds its node, serves metrics, ends on SIGTERM, and says what it lacks."""

import os
import re
import signal
import socket
import subprocess  # noqa: TID251  # the process under test
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import urllib3
from agent_runs import Objects, condition
from kube_clients import until
from servers import Server

LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (INFO|WARNING) sriov_core\.agent: .+")
TREE = Path(__file__).parents[1] / "trees" / "intel-82576.yaml"
ENDS_WITHIN_S = 30.0
Begin = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def begin() -> Iterator[Begin]:
    """Starts the program with these arguments; it does not outlive the test."""
    running: list[subprocess.Popen[str]] = []

    def start(*arguments: str | Path, **environment: str) -> subprocess.Popen[str]:
        kept = {
            name: value for name, value in os.environ.items() if name not in ("KUBECONFIG", "NODE_NAME", "NAMESPACE")
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "sriov_core", "agent", *map(str, arguments)],
            env={**kept, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        return process

    yield start
    for process in running:
        process.kill()
        process.communicate()


@pytest.fixture
def objects(server: Server, namespace: str) -> Iterator[Objects]:
    made = Objects(server.admin, namespace, f"worker-{namespace}")
    made.create()
    yield made
    server.admin.remove(f"/api/v1/nodes/{made.node}")


@pytest.fixture
def ports() -> Iterator[tuple[int, int]]:
    """Two that nobody else gets meanwhile; the program can listen there, and until then whoever connects is refused."""
    with socket.socket() as one, socket.socket() as other:
        for held in (one, other):
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            held.bind(("127.0.0.1", 0))
        yield one.getsockname()[1], other.getsockname()[1]


def test_the_program_serves_its_node_and_its_metrics_until_it_is_told_to_end(begin, server, objects, ports, tmp_path):
    port, probes = ports
    process = begin(
        f"--metrics-bind-address=127.0.0.1:{port}",
        f"--health-probe-bind-address=127.0.0.1:{probes}",
        f"--host={TREE}",
        f"--journal={tmp_path / 'journal.json'}",
        KUBECONFIG=str(server.admin_kubeconfig),
        NODE_NAME=objects.node,
        NAMESPACE=objects.namespace,
    )
    found = objects.synced()["interfaces"]
    pf = next(nic for nic in found if nic.get("totalvfs"))
    objects.wish({"pciAddress": pf["pciAddress"], "numVfs": 3})
    status = objects.synced()
    assert [len(nic.get("Vfs", [])) for nic in status["interfaces"] if nic["pciAddress"] == pf["pciAddress"]] == [3]
    assert condition(status, "Ready")["status"] == "True"
    page = urllib3.request("GET", f"http://127.0.0.1:{port}/metrics").data.decode()
    assert 'sriov_agent_steps_total{kind="set-num-vfs",outcome="done"} 1.0' in page
    assert "sriov_agent_api_requests_total" in page
    for address in (port, probes):
        answers = [
            urllib3.request("GET", f"http://127.0.0.1:{address}/{name}").status for name in ("healthz", "readyz")
        ]
        assert answers == [200, 200]
    process.send_signal(signal.SIGTERM)
    assert process.wait(ENDS_WITHIN_S) == 0
    lines = process.stderr.read().splitlines()
    assert all(LINE.fullmatch(line) for line in lines)
    told = [line.partition(": ")[2] for line in lines]
    assert told[0].startswith("sriov-core ")
    assert f"begins: API server {server.url}, Node {objects.node}" in told[0]
    of_state = f"SriovNetworkNodeState {objects.namespace}/{objects.node}"
    (taken,) = (line for line in told if line.startswith(f"takes the wish of {of_state}") and line.endswith(": 1 NIC"))
    plan, done, verdict = told[told.index(taken) + 1 :][:3]
    assert " done in " in done
    assert plan.startswith("plan: ")
    assert verdict == "Succeeded: 1 NIC as wished"
    assert told[-1] == "has ended"


def test_a_node_that_the_cluster_does_not_know_is_named(begin, server):
    process = begin("--node-name=nobody", f"--host={TREE}", KUBECONFIG=str(server.admin_kubeconfig))
    assert process.wait(ENDS_WITHIN_S) == 1
    assert "the cluster has no Node nobody. Name this machine's with --node-name or NODE_NAME" in process.stderr.read()


def test_it_ends_while_it_still_waits_for_an_api_server(begin, server, ports, tmp_path):
    path = server.kubeconfig("nobody", path=tmp_path / "kubeconfig", url=f"https://127.0.0.1:{ports[0]}")
    process = begin("--node-name=worker", f"--host={TREE}", f"--kubeconfig={path}")
    said: list[str] = []
    until(lambda: "trying again" in (said.append(process.stderr.readline()) or said[-1]))
    process.send_signal(signal.SIGTERM)
    assert process.wait(ENDS_WITHIN_S) == 0


MISTAKES = {
    "no-node": ([], "Give it with --node-name or NODE_NAME, or a file: --node-state"),
    "both-wishes": (["--node-state=x", "--node-config-map"], "--node-config-map needs a cluster"),
    "units-without-a-cluster": (["--node-state=x", "--use-systemd-service"], "--use-systemd-service needs a cluster"),
    "a-long-name": ([f"--node-name={'n' * 64}", "--node-config-map"], "the label of its ConfigMap takes 63"),
    "an-empty-plugin": (["--disable-plugins=a,,b", "--node-state=x"], "has an empty name in it"),
    "an-unknown-plugin": (["--disable-plugins=nonsense", "--node-state=x", f"--host={TREE}"], "no such plugin"),
    "no-address": (["--metrics-bind-address=x", "--node-state=x", f"--host={TREE}"], "wanted host:port"),
    "no-kubeconfig": (["--node-name=n", "--kubeconfig=/nonexistent"], "/nonexistent"),
}


@pytest.mark.parametrize("row", MISTAKES.values(), ids=MISTAKES)
def test_what_it_cannot_do_it_says_in_one_line(begin, row):
    arguments, words = row
    process = begin(*arguments, HOME="/nonexistent")
    assert process.wait(ENDS_WITHIN_S) == 1
    (line,) = process.stderr.read().splitlines()
    assert words in line


def test_a_file_is_enough(begin, tmp_path):
    wish = tmp_path / "wish.yaml"
    state = "apiVersion: sriovnetwork.openshift.io/v1\nkind: SriovNetworkNodeState\nmetadata: {name: x}\n"
    wish.write_text(f'{state}spec: {{interfaces: [{{pciAddress: "0000:01:00.0", numVfs: 3}}]}}\n')
    process = begin(f"--node-state={wish}", f"--host={TREE}")
    until(lambda: "Succeeded: 1 NIC as wished" in process.stderr.readline())
    process.send_signal(signal.SIGTERM)
    assert process.wait(ENDS_WITHIN_S) == 0
