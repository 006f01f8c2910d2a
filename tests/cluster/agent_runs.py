"""Agents of simulated machines at the test server, the objects that they live by, and the operator's half by hand."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import attrs
from kube_clients import until
from servers_admin import MERGE, Admin

from sriov_core.agent.assembly import Setting, cluster_agent
from sriov_core.agent.attempts import Attempts
from sriov_core.agent.service import Agent
from sriov_core.api import keys
from sriov_core.engine.converge import Engine
from sriov_core.engine.journal import Journal
from sriov_core.kube.client import Client
from sriov_core.kube.recorder import Recorder
from sriov_core.model.address import Address
from sriov_core.plugin.loading import load
from sriov_core.plugin.registry import drivers
from sriov_core.testing.tree import FORMAT, FunctionFacts, LinkFacts, NodeFacts, SriovFacts, Tree
from sriov_core.testing.world import FakeWorld

GROUP = "sriovnetwork.openshift.io"
PF, OTHER = Address("0000:01:00.0"), Address("0000:41:00.0")
CATALOGUE = load()
DRIVERS = drivers(CATALOGUE)
ENDS_WITHIN_S = 30.0


def port(address: Address, number: int) -> FunctionFacts:
    """A port of an igb card with seven VFs to make."""
    mac = f"02:00:00:00:00:{number:02x}"
    sriov = SriovFacts(total_vfs=7, vf_device="10ca", vf_kernel_driver="igbvf", vf_offset=128, vf_stride=2)
    link = LinkFacts(name=f"eth{number}", mac=mac, permanent_mac=mac, min_mtu=68, max_mtu=9216, mtu=1500, up=True)
    return FunctionFacts(
        address=str(address), vendor="8086", device="10c9", kernel_driver="igb", serial=mac, links=[link], sriov=sriov
    )


def world(**node: Any) -> FakeWorld:
    """A machine with two ports of two cards."""
    seen = {"iommu_groups": 9, "modules": ["vfio_pci"], "boot_manager": "grub", "rdma_mode": "shared"}
    facts = NodeFacts(**{**seen, "boot_id": "00000000-0000-0000-0000-000000000001", **node})
    return FakeWorld(Tree(format=FORMAT, node=facts, functions=[port(PF, 0), port(OTHER, 1)]))


def interface(address: Address = PF, vfs: int = 2, **facts: Any) -> dict[str, Any]:
    group = {"vfRange": f"0-{vfs - 1}", "resourceName": "fast", "deviceType": "netdevice"}
    return {"pciAddress": str(address), "numVfs": vfs, "vfGroups": [group] if vfs else [], **facts}


def drivers_of(host: FakeWorld, address: Address = PF) -> list[str | None]:
    """The kernel drivers of the VFs there are."""
    function = next(entry for entry in host.tree().functions if entry.address == str(address))
    return [vf.kernel_driver for vf in function.sriov.vfs] if function.sriov else []


def boots(host: FakeWorld) -> int:
    """How many times the machine was rebooted."""
    return int(host.node().boot_id[-12:], 16) - 1


def count(host: FakeWorld, verb: str) -> list[str]:
    """The targets of every such verb that is done from now on."""
    done: list[str] = []

    def note(one: Any) -> bool:
        if one.name == verb:
            done.append(str(one.target))
        return False

    host.crash(note, after=True)
    return done


@attrs.frozen
class Objects:
    """The objects of one node, as an administrator sees and changes them."""

    admin: Admin
    namespace: str
    node: str

    @property
    def path(self) -> str:
        return f"/apis/{GROUP}/v1/namespaces/{self.namespace}/sriovnetworknodestates/{self.node}"

    def create(self) -> None:
        """What an agent needs: the Node, the configuration, the node state."""
        self.admin.create({"apiVersion": "v1", "kind": "Node", "metadata": {"name": self.node}})
        self.configure()
        self.make_state()

    def configure(self, **spec: Any) -> None:
        """The operator's configuration, made or replaced."""
        meta = {"name": "default", "namespace": self.namespace}
        self.admin.apply({"apiVersion": f"{GROUP}/v1", "kind": "SriovOperatorConfig", "metadata": meta, "spec": spec})

    def make_state(self) -> None:
        """The node state as the operator makes it: without a wish, at rest."""
        meta = {"name": self.node, "namespace": self.namespace}
        notes = {keys.DESIRED_STATE: "Idle", keys.CURRENT_STATE: "Idle"}
        made = {
            "apiVersion": f"{GROUP}/v1",
            "kind": "SriovNetworkNodeState",
            "metadata": {**meta, "annotations": notes},
        }
        self.admin.create(made)

    def wish(self, *interfaces: dict[str, Any], **system: str) -> int:
        """Another wish, written as the operator does; its generation."""
        spec = {"interfaces": list(interfaces), **({"system": system} if system else {"system": None})}
        stored = self.admin.done("PATCH", self.path, {"spec": spec}, content_type=MERGE)
        generation: int = stored["metadata"]["generation"]
        return generation

    def note(self, key: str, value: str | None) -> None:
        """Write or remove an annotation of the node state."""
        self.admin.done("PATCH", self.path, {"metadata": {"annotations": {key: value}}}, content_type=MERGE)

    def state(self) -> dict[str, Any]:
        found = self.admin.find(self.path)
        assert found, f"there is no node state {self.node}"
        return found

    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = self.state().get("status", {})
        return found

    def notes(self) -> tuple[str | None, str | None]:
        """The request and the answer."""
        found = self.state()["metadata"].get("annotations", {})
        return found.get(keys.DESIRED_STATE), found.get(keys.CURRENT_STATE)

    def node_note(self) -> str | None:
        """The request on the Node."""
        found = self.admin.find(f"/api/v1/nodes/{self.node}") or {}
        note: str | None = found.get("metadata", {}).get("annotations", {}).get(keys.NODE_STATE)
        return note

    def synced(self, *, status: str = "Succeeded") -> dict[str, Any]:
        """Wait until the node reports that, of the newest wish; the status."""

        def reported() -> dict[str, Any] | None:
            found = self.state()
            ready = condition(found.get("status", {}), "Ready")
            fresh = ready and ready.get("observedGeneration", 0) == found["metadata"]["generation"]
            return found["status"] if fresh and found["status"].get("syncStatus") == status else None

        answer: dict[str, Any] = until(reported)
        return answer

    def asked(self, request: str) -> None:
        """Wait until the agent asks for that, on both objects."""
        until(lambda: self.notes()[0] == request)
        until(lambda: self.node_note() == request)

    def answer(self, word: str) -> None:
        """What the operator writes."""
        self.note(keys.CURRENT_STATE, word)

    def drain(self, request: str = "Drain_Required") -> None:
        """The operator's half, from the request to the end of the drain."""
        self.asked(request)
        self.answer("Draining")
        self.answer("DrainComplete")


def condition(status: dict[str, Any], kind: str, address: Address | None = None) -> dict[str, Any] | None:
    """A condition, of the node or of a NIC."""
    part = status
    if address:
        part = next((nic for nic in status.get("interfaces", []) if nic["pciAddress"] == str(address)), {})
    return next((one for one in part.get("conditions", []) if one["type"] == kind), None)


def engine(host: Any, journal: Journal) -> Engine:
    return Engine(host=host, catalogue=CATALOGUE, drivers=DRIVERS, journal=journal)


def impatient() -> Attempts:
    """What fails is tried again at once."""
    return Attempts(first_s=0.1, longest_s=0.5)


def made(
    client: Client,
    objects: Objects,
    host: Any,
    journal: Journal | None = None,
    *,
    recorder: Recorder | None = None,
    config_maps: bool = False,
    **facts: Any,
) -> Agent:
    """An agent of that machine, not started."""
    setting = Setting(engine=engine(host, journal or Journal(path=None)), attempts=impatient, **facts)
    options: dict[str, Any] = {"recorder": recorder, "config_maps": config_maps, "pace_s": 0.02, "retry_s": 0.05}
    return cluster_agent(client, setting, node=objects.node, namespace=objects.namespace, **options)


@contextmanager
def running(
    client: Client, objects: Objects, host: Any, journal: Journal | None = None, **facts: Any
) -> Iterator[Agent]:
    """An agent of that machine for as long as the block lasts; it ends by itself only when it broke."""
    agent = made(client, objects, host, journal, **facts)
    agent.start()
    try:
        yield agent
    finally:
        agent.stop()
        assert agent.join(ENDS_WITHIN_S), "the agent ends in time"
        assert agent.broken is None
