"""Drains and offload pools with the machine configuration of OpenShift, whose kinds are served here for real."""

from collections.abc import Iterator
from typing import Any

import attrs
import pytest
import servers_install
from draining_stage import COMPLETE, DRAIN, DRAINING, IDLE, Stage, stage, stays
from servers import Server
from servers_admin import MERGE

from sriov_core.api import keys

MACHINES = "/apis/machineconfiguration.openshift.io/v1"
INFRASTRUCTURE = "/apis/config.openshift.io/v1/infrastructures/cluster"
KINDS = (
    ("machineconfiguration.openshift.io", "machineconfigs", "MachineConfig"),
    ("machineconfiguration.openshift.io", "machineconfigpools", "MachineConfigPool"),
    ("config.openshift.io", "infrastructures", "Infrastructure"),
)
ROLE = "machineconfiguration.openshift.io/role"
OPENSHIFT = {"CLUSTER_TYPE": "openshift"}

Document = dict[str, Any]


@pytest.fixture(scope="module")
def openshift(binaries: Any, recent: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of its own: it has kinds that others must not find."""
    started = Server.start(tmp_path_factory.mktemp("openshift"), binaries, audit=True)
    try:
        servers_install.definitions(started.admin)
        documents = [_definition(*one) for one in KINDS]
        for document in documents:
            started.admin.apply(document)
        servers_install.served(started.admin, documents)
        yield started
    finally:
        started.stop()


@attrs.frozen
class Machines:
    """A stage with machine config pools; none of their controllers runs, the test does what they would do."""

    stage: Stage

    def pool(self, name: str, wanted: str = "rendered-1", there: str = "rendered-1", **spec: Any) -> None:
        selector = {"matchLabels": {"machines": name}}
        self._create(
            "machineconfigpools",
            "MachineConfigPool",
            name,
            [],
            {
                "spec": {"configuration": {"name": wanted}, "nodeSelector": selector, "paused": False, **spec},
                "status": {"configuration": {"name": there}},
            },
        )

    def config(self, name: str, *owners: tuple[str, str]) -> None:
        references = [
            {"apiVersion": "machineconfiguration.openshift.io/v1", "kind": kind, "name": owner, "uid": "1"}
            for kind, owner in owners
        ]
        self._create("machineconfigs", "MachineConfig", name, references, {"spec": {"config": {}}})

    def node(self, name: str, request: str = IDLE, *, config: str = "rendered-1", machines: str = "worker") -> None:
        """A Node with that machine configuration."""
        self.stage.node(name, IDLE, machines=machines)
        patch = {"metadata": {"annotations": {keys.DESIRED_MACHINE_CONFIG: config}}} if config else {}
        self.stage.server.admin.done("PATCH", self.stage.node_path(name), patch, content_type=MERGE)
        self.stage.ask(name, request)

    def patch(self, name: str, patch: Document) -> None:
        path = f"{MACHINES}/machineconfigpools/{name}"
        self.stage.server.admin.done("PATCH", path, patch, content_type=MERGE)

    def paused(self, name: str = "worker") -> tuple[bool, str]:
        """Whether it is paused, and what our annotation says."""
        found = self.stage.server.admin.done("GET", f"{MACHINES}/machineconfigpools/{name}")
        return found["spec"]["paused"], found["metadata"].get("annotations", {}).get(keys.POOL_STATE, "")

    def offload(self, name: str) -> Document | None:
        """The MachineConfig for offload of that machine config pool."""
        return self.stage.server.admin.find(f"{MACHINES}/machineconfigs/00-{name}-ovs-hw-offload")

    def infrastructure(self, topology: str) -> None:
        admin = self.stage.server.admin
        admin.remove(INFRASTRUCTURE)
        head = {"apiVersion": "config.openshift.io/v1", "kind": "Infrastructure", "metadata": {"name": "cluster"}}
        admin.create({**head, "status": {"controlPlaneTopology": topology}})

    def clear(self) -> None:
        """What stands outside of the namespace."""
        admin = self.stage.server.admin
        for plural in ("machineconfigs", "machineconfigpools"):
            for one in admin.done("GET", f"{MACHINES}/{plural}")["items"]:
                admin.remove(f"{MACHINES}/{plural}/{one['metadata']['name']}")

    def _create(self, plural: str, kind: str, name: str, owners: list[Document], body: Document) -> None:
        head = {"apiVersion": "machineconfiguration.openshift.io/v1", "kind": kind}
        meta = {"name": name, "ownerReferences": owners}
        self.stage.server.admin.done("POST", f"{MACHINES}/{plural}", {**head, "metadata": meta, **body})


@pytest.fixture
def machines(openshift: Server, _numbers: Iterator[int]) -> Iterator[Machines]:
    name = f"test-{next(_numbers)}"
    openshift.admin.create_namespace(name)
    with stage(openshift, name) as made:
        found = Machines(made)
        found.infrastructure("HighlyAvailable")
        try:
            yield found
        finally:
            for one in made.operators:
                one.stop()  # before what it would make again is taken away
            found.clear()
    openshift.admin.remove_namespace(name)


def ordinary(machines: Machines) -> Stage:
    """A settled pool with its configuration."""
    machines.pool("worker")
    machines.config("rendered-1", ("Other", "x"), ("MachineConfigPool", "worker"))
    return machines.stage


# --- drains


def test_the_machine_config_pool_is_paused_during_a_drain(machines):
    made = ordinary(machines)
    machines.node("a", DRAIN)
    machines.node("b")
    made.operate(**OPENSHIFT)
    made.until(lambda: made.answer("a") == COMPLETE)
    assert machines.paused() == (True, "Paused")
    assert made.is_cordoned("a")
    made.serve("a")
    assert machines.paused() == (False, "Idle")
    assert not made.is_cordoned("a")


def test_the_last_node_that_is_done_resumes_the_pool(machines):
    made = ordinary(machines)
    made.pool(limit=2)
    for name in "ab":
        machines.node(name, DRAIN)
    made.operate(**OPENSHIFT)
    made.until(lambda: [made.answer(name) for name in "ab"] == [COMPLETE, COMPLETE])
    made.ask("a", IDLE)
    made.until(lambda: made.answer("a") == IDLE)
    assert machines.paused() == (True, "Paused")
    made.serve("b")
    assert machines.paused() == (False, "Idle")


def test_a_pool_that_changes_its_nodes_is_waited_for(machines):
    made = machines.stage
    machines.pool("worker", wanted="rendered-2")
    machines.config("rendered-1", ("MachineConfigPool", "worker"))
    machines.node("a", DRAIN)
    machines.node("b")
    made.operate(**OPENSHIFT)
    made.until(
        lambda: made.told("a") == ("Draining", "machine config pool worker is changing its nodes, and is waited for")
    )
    assert stays(lambda: (made.answer("a"), made.is_cordoned("a"), machines.paused()[0]) == (DRAINING, False, False))
    machines.patch("worker", {"status": {"configuration": {"name": "rendered-2"}}})
    made.until(lambda: made.answer("a") == COMPLETE)
    assert machines.paused() == (True, "Paused")


def test_a_pause_of_an_administrator_is_used_and_left(machines):
    made = ordinary(machines)
    machines.patch("worker", {"spec": {"paused": True}})
    machines.node("a", DRAIN)
    machines.node("b")
    made.operate(**OPENSHIFT)
    made.until(lambda: made.answer("a") == COMPLETE)
    made.serve("a")
    assert machines.paused() == (True, "")


@pytest.mark.parametrize(
    ("config", "owners", "pools", "says"),
    [
        pytest.param("", [], [], "has no annotation", id="no-annotation"),
        pytest.param("rendered-9", [], [], "names MachineConfig 'rendered-9', which is not there", id="no-config"),
        pytest.param("rendered-1", [("Other", "x")], [], "belongs to no MachineConfigPool", id="no-owner"),
        pytest.param(
            "rendered-1",
            [("MachineConfigPool", "gone")],
            [],
            "MachineConfigPool 'gone', which is not there",
            id="no-pool",
        ),
    ],
)
def test_a_node_whose_pool_cannot_be_found_is_told(machines, config, owners, pools, says):
    made = machines.stage
    machines.config("rendered-1", *owners)
    machines.node("a", DRAIN, config=config)
    machines.node("b")
    made.operate(**OPENSHIFT)
    made.until(lambda: made.told("a")[0] == "Blocked")
    assert says in made.told("a")[1]
    assert not made.is_cordoned("a")


def test_where_the_control_plane_is_hosted_no_pool_is_asked_for(machines):
    made = machines.stage
    machines.infrastructure("External")
    machines.node("a", DRAIN, config="")
    machines.node("b")
    made.operate(**OPENSHIFT)
    made.until(lambda: made.answer("a") == COMPLETE)
    made.serve("a")


def test_a_node_that_is_gone_does_not_leave_its_pool_paused(machines):
    made = ordinary(machines)
    machines.node("a", DRAIN)
    machines.node("b")
    made.operate(**OPENSHIFT)
    made.until(lambda: made.answer("a") == COMPLETE)
    made.remove(made.node_path("a"))
    made.until(lambda: machines.paused() == (False, "Idle"))
    made.until(lambda: made.ledger() == {})


def test_a_pool_that_selects_a_node_of_another_one_is_resumed_too(machines):
    """Labels may put a node into a pool that its configuration does not come from."""
    made = ordinary(machines)
    machines.pool("infra")
    machines.config("rendered-infra", ("MachineConfigPool", "infra"))
    made.pool(limit=2)
    machines.node("a", DRAIN)
    machines.node("b", DRAIN, config="rendered-infra", machines="worker")
    made.operate(**OPENSHIFT)
    made.until(lambda: [made.answer(name) for name in "ab"] == [COMPLETE, COMPLETE])
    made.serve("a")
    assert machines.paused("worker") == (True, "Paused")
    made.serve("b")
    assert [machines.paused(name) for name in ("worker", "infra")] == [(False, "Idle")] * 2


def test_a_pause_that_an_operator_before_left_is_ended(machines):
    """It was ended when the node was gone already, and had no place in the ledger."""
    made = ordinary(machines)
    made.pool(limit=None)
    machines.node("a")
    machines.patch("worker", {"metadata": {"annotations": {keys.POOL_STATE: "Paused"}}, "spec": {"paused": True}})
    made.operate(**OPENSHIFT)
    made.until(lambda: machines.paused() == (False, "Idle"))


# --- offload


def ready(made: Stage, reason: str) -> str:
    """The message of the pool's condition, once it has that reason."""

    def found() -> str | None:
        conditions = made.pool_status().get("conditions", [])
        return next((one["message"] for one in conditions if one["reason"] == reason), None)

    message: str = made.until(found)
    return message


def test_offload_is_switched_on_and_off_with_the_pool(machines):
    made = machines.stage
    machines.pool("worker")
    made.put_pool({"ovsHardwareOffloadConfig": {"name": "worker"}})
    made.operate(**OPENSHIFT)
    found = made.until(lambda: machines.offload("worker"))
    assert found["metadata"]["labels"] == {ROLE: "worker"}
    (unit,) = found["spec"]["config"]["systemd"]["units"]
    assert unit["name"] == "ovs-vswitchd.service"
    assert "other_config:hw-offload=true" in unit["dropins"][0]["contents"]
    ready(made, "Offloads")
    made.server.admin.done("DELETE", made.pool_path())
    made.until(lambda: made.server.admin.find(made.pool_path()) is None)
    assert machines.offload("worker") is None


def test_offload_goes_with_a_name_that_is_cleared_or_changed(machines):
    made = machines.stage
    for name in ("worker", "infra"):
        machines.pool(name)
    made.put_pool({"ovsHardwareOffloadConfig": {"name": "worker"}})
    made.operate(**OPENSHIFT)
    made.until(lambda: machines.offload("worker"))
    made.until(lambda: made.pool_meta().get("annotations"))
    made.put_pool({"ovsHardwareOffloadConfig": {"name": "infra"}})
    made.until(lambda: machines.offload("infra") and not machines.offload("worker"))
    made.put_pool({"maxUnavailable": 1})
    made.until(lambda: not made.pool_meta().get("finalizers"))
    assert machines.offload("infra") is None


def test_what_the_incumbent_left_without_a_name_is_removed_and_what_others_name_stays(machines):
    made = machines.stage
    for name in ("worker", "infra"):
        machines.pool(name)
        machines.config(f"00-{name}-ovs-hw-offload")
    made.pool()
    made.finalize("poolconfig.finalizers.sriovnetwork.openshift.io")
    made.put_pool({"ovsHardwareOffloadConfig": {"name": "infra"}}, "other")
    made.operate(**OPENSHIFT)
    made.until(lambda: not made.pool_meta().get("finalizers"))
    assert machines.offload("worker") is None
    assert machines.offload("infra") is not None


def test_a_machine_config_of_the_incumbent_that_does_the_same_is_not_written(machines):
    made = machines.stage
    machines.pool("worker")
    contents = "[Service]\nExecStartPre=/bin/ovs-vsctl set Open_vSwitch . other_config:hw-offload=true\n"
    unit = {"name": "ovs-vswitchd.service", "dropins": [{"name": "10-hw-offload.conf", "contents": contents}]}
    head = {"apiVersion": "machineconfiguration.openshift.io/v1", "kind": "MachineConfig"}
    meta = {"name": "00-worker-ovs-hw-offload", "labels": {ROLE: "worker"}}
    spec = {"config": {"ignition": {"version": "3.1.0"}, "systemd": {"units": [unit]}}}
    before = made.server.admin.done("POST", f"{MACHINES}/machineconfigs", {**head, "metadata": meta, "spec": spec})
    made.put_pool({"ovsHardwareOffloadConfig": {"name": "worker"}})
    made.operate(**OPENSHIFT)
    ready(made, "Offloads")
    assert machines.offload("worker") == before


def test_a_machine_config_that_somebody_changed_is_mended(machines):
    made = machines.stage
    machines.pool("worker")
    machines.config("00-worker-ovs-hw-offload")
    made.put_pool({"ovsHardwareOffloadConfig": {"name": "worker"}})
    made.operate(**OPENSHIFT)
    made.until(lambda: "systemd" in (machines.offload("worker") or {})["spec"]["config"])


def test_a_machine_config_pool_that_is_not_there_is_told_until_it_is(machines):
    made = machines.stage
    made.put_pool({"ovsHardwareOffloadConfig": {"name": "worker"}})
    made.operate(**OPENSHIFT)
    assert "there is no MachineConfigPool worker" in ready(made, "OffloadFailed")
    assert machines.offload("worker") is None
    machines.pool("worker")
    made.put_pool({"ovsHardwareOffloadConfig": {"name": "worker"}, "rdmaMode": "shared"})
    made.until(lambda: machines.offload("worker"))


def test_control_planes_are_left_alone(machines):
    made = machines.stage
    made.put_pool({"ovsHardwareOffloadConfig": {"name": "master"}})
    made.operate(**OPENSHIFT)
    ready(made, "Offloads")
    assert made.server.admin.done("GET", f"{MACHINES}/machineconfigs")["items"] == []


def _definition(group: str, plural: str, kind: str) -> Document:
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    version = {"name": "v1", "served": True, "storage": True, "schema": schema}
    names = {"plural": plural, "singular": kind.lower(), "kind": kind, "listKind": f"{kind}List"}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"{plural}.{group}",
            "annotations": {"api-approved.kubernetes.io": "unapproved, for tests"},
        },
        "spec": {"group": group, "scope": "Cluster", "names": names, "versions": [version]},
    }
