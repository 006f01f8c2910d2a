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
from servers import Binaries
from servers_admin import MERGE, Admin
from servers_tryout import NAMESPACE, NODE

ROOT = Path(__file__).parent.parent.parent
LIVE = ROOT / "docs" / "demo" / "live"
MACHINE = ROOT / "tests" / "trees" / "intel-82576-without-iommu.yaml"
OURS = f"/apis/sriovnetwork.openshift.io/v1/namespaces/{NAMESPACE}"
STATE, POLICY = f"{OURS}/sriovnetworknodestates/{NODE}", f"{OURS}/sriovnetworknodepolicies/fast"
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
            assert time.monotonic() < end, f"not within {DEADLINE_S} s\n{self.admin.find(STATE)}\n{logs}"
            time.sleep(0.1)
        return found

    def apply(self, name: str) -> None:
        for document in yaml.safe_load_all((LIVE / name).read_text()):
            self.admin.apply(document)

    def state(self, reason: str = "", kind: str = "Ready") -> Document | None:
        """The node state, once that condition has that reason."""
        found = self.admin.find(STATE)
        conditions = (found or {}).get("status", {}).get("conditions", ())
        return found if (kind, reason) in {(one["type"], one["reason"]) for one in conditions} else None

    def vf_drivers(self) -> list[str]:
        found = self.admin.find(STATE) or {}
        return [vf["driver"] for nic in found.get("status", {}).get("interfaces", ()) for vf in nic.get("Vfs", ())]


@pytest.fixture
def terminals(recent: Binaries, tmp_path: Path) -> Iterator[Terminals]:
    folder, programs = tmp_path / "cluster", dict[str, Program]()
    here = str(Path(__file__).with_name("servers_tryout.py"))
    settings = {"NAMESPACE": NAMESPACE, "RESOURCE_PREFIX": "openshift.io"}
    anywhere = ("--health-probe-bind-address", "127.0.0.1:0")
    try:
        cluster = programs["cluster"] = Program.start(tmp_path / "cluster.log", here, "--folder", str(folder))
        end = time.monotonic() + DEADLINE_S
        while "agent.kubeconfig" not in cluster.said:
            assert cluster.process.poll() is None, cluster.said
            assert time.monotonic() < end
            time.sleep(0.1)
        url = yaml.safe_load((folder / "admin.kubeconfig").read_text())["clusters"][0]["cluster"]["server"]
        files = {name: folder / name for name in ("ca.crt", "admin.crt", "admin.key")}
        admin = Admin.with_certificate(
            url, ca_file=files["ca.crt"], certificate=files["admin.crt"], key=files["admin.key"]
        )
        run = ("-m", "sriov_operator", "run", "--kubeconfig", str(folder / "operator.kubeconfig"), *anywhere)
        programs["operator"] = Program.start(tmp_path / "operator.log", *run, **settings)
        work = ("-m", "sriov_core", "agent", "--host", str(MACHINE), "--node-name", NODE)
        login = ("--kubeconfig", str(folder / "agent.kubeconfig"))
        programs["agent"] = Program.start(tmp_path / "agent.log", *work, *login)
        yield Terminals(folder, admin, programs)
        admin.close()
    finally:
        for program in programs.values():
            program.end()


def test_a_policy_a_drain_a_reboot_and_everything_given_back(terminals: Terminals) -> None:
    admin, until = terminals.admin, terminals.until
    terminals.apply("config.yaml")
    terminals.apply("policy.yaml")
    until(lambda: terminals.vf_drivers() == ["igbvf"] * 4)
    until(lambda: admin.find("/apis/k8s.cni.cncf.io/v1/namespaces/default/network-attachment-definitions/blue"))

    terminals.apply("workload.yaml")
    admin.done(
        "PATCH", "/api/v1/namespaces/default/pods/app/status", {"status": {"phase": "Running"}}, content_type=MERGE
    )
    admin.done("PATCH", POLICY, {"spec": {"deviceType": "vfio-pci"}}, content_type=MERGE)
    until(lambda: terminals.state("Blocked", "Drained"))
    waiting = until(lambda: terminals.state("WaitingForReboot"))
    assert "vfio-pci needs an IOMMU" in next(one["message"] for one in waiting["status"]["conditions"])
    assert admin.done("GET", f"/api/v1/nodes/{NODE}")["spec"]["unschedulable"]
    assert terminals.vf_drivers() == ["igbvf"] * 4

    admin.remove("/apis/policy/v1/namespaces/default/poddisruptionbudgets/app")
    until(lambda: terminals.vf_drivers() == ["vfio-pci"] * 4)
    until(lambda: terminals.state("Idle", "Drained"))
    assert "unschedulable" not in admin.done("GET", f"/api/v1/nodes/{NODE}")["spec"]
    assert admin.find("/api/v1/namespaces/default/pods/app") is None

    admin.remove(POLICY)
    until(lambda: not terminals.vf_drivers())
    login = ("--kubeconfig", str(terminals.folder / "admin.kubeconfig"))
    cleanup = Program.start(
        terminals.folder / "cleanup.log", "-m", "sriov_operator", "cleanup", "--namespace", NAMESPACE, *login
    )
    assert cleanup.process.wait(DEADLINE_S) == 0, cleanup.said
    assert admin.find(f"{OURS}/sriovoperatorconfigs/default") is None
    for name in ("agent", "operator", "cluster"):
        program = terminals.programs[name]
        assert program.interrupt() == 0, program.said
        assert "Traceback" not in program.said
