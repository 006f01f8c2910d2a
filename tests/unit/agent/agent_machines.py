"""A simulated machine with its agent, a source and a publisher in memory, and the operator's half of a drain."""

import attrs
import msgspec

from sriov_core.agent.attempts import Attempts
from sriov_core.agent.handshake import Request, Talk
from sriov_core.agent.offering import Offering
from sriov_core.agent.round import Round
from sriov_core.agent.seams import NoMeter
from sriov_core.agent.sources import Order
from sriov_core.agent.switches import Given, Switches, switches
from sriov_core.agent.voice import Voice
from sriov_core.agent.wish import SeenNodeState, Wish, of_node_state
from sriov_core.api import keys
from sriov_core.engine.converge import Engine
from sriov_core.engine.journal import Journal
from sriov_core.errors import SriovError
from sriov_core.kube.lean import LeanMeta
from sriov_core.model.address import Address
from sriov_core.model.plan import Cost
from sriov_core.plugin.loading import load
from sriov_core.plugin.registry import drivers
from sriov_core.testing.tree import FORMAT, FunctionFacts, LinkFacts, NodeFacts, SriovFacts, Tree
from sriov_core.testing.world import FakeWorld

PF = Address("0000:01:00.0")
OTHER = Address("0000:41:00.0")
CATALOGUE = load()
DRIVERS = drivers(CATALOGUE)


def port(address: Address, number: int, **facts) -> FunctionFacts:
    """A port of an igb card with seven VFs to make."""
    mac = f"02:00:00:00:00:{number:02x}"
    sriov = {"total_vfs": 7, "vf_device": "10ca", "vf_kernel_driver": "igbvf", "vf_offset": 128, "vf_stride": 2}
    netdev = LinkFacts(
        name=f"eth{number}", mac=mac, permanent_mac=mac, min_mtu=68, max_mtu=9216, carrier=True, mtu=1500, up=True
    )
    seen = {"vendor": "8086", "device": "10c9", "kernel_driver": "igb", "serial": f"serial-{number}"}
    return FunctionFacts(address=str(address), links=[netdev], sriov=SriovFacts(**sriov), **{**seen, **facts})


def world(**node) -> FakeWorld:
    seen = {"iommu_groups": 9, "modules": ["vfio_pci"], "boot_manager": "grub", "cpu_vendor": "GenuineIntel"}
    facts = NodeFacts(**{**seen, "rdma_mode": "shared", "boot_id": "00000000-0000-0000-0000-000000000001", **node})
    return FakeWorld(Tree(format=FORMAT, node=facts, functions=[port(PF, 0), port(OTHER, 1)]))


def interface(address: Address = PF, vfs: int = 2, *, device_type: str = "netdevice", **facts) -> dict:
    group = {"vfRange": f"0-{vfs - 1}", "resourceName": "fast", "deviceType": device_type}
    return {"pciAddress": str(address), "numVfs": vfs, "vfGroups": [group] if vfs else [], **facts}


def drivers_of(host: FakeWorld, address: Address = PF) -> list[str | None]:
    """The kernel drivers of the VFs there are."""
    function = next(entry for entry in host.tree().functions if entry.address == str(address))
    return [vf.kernel_driver for vf in function.sriov.vfs]


def used(host: FakeWorld, index: int = 0) -> None:
    """A VF moves into a pod."""
    host.move_to_namespace(host.vf_addresses(PF)[index], "pod-1")


def boots(host: FakeWorld) -> int:
    """How many times the machine was rebooted."""
    return int(host.node().boot_id[-12:], 16) - 1


@attrs.define
class Counted:
    """How often each verb was begun on a machine."""

    verbs: dict[str, int] = attrs.field(factory=dict)

    @classmethod
    def on(cls, host: FakeWorld) -> "Counted":
        counted = cls()

        def count(verb) -> bool:
            counted.verbs[verb.name] = counted.verbs.get(verb.name, 0) + 1
            return False

        host.fail(count, 0)
        return counted

    def __getitem__(self, name: str) -> int:
        return self.verbs.get(name, 0)


@attrs.define
class Cluster:
    """A node's object in memory, with what agent and operator write on it. Both the source and the publisher."""

    spec: dict = attrs.field(factory=dict)
    notes: dict[str, str] = attrs.field(factory=dict)
    generation: int = 1
    uid: str = "u1"
    gone: bool = False
    on: Switches | None = attrs.field(factory=lambda: switches(None, Given()))
    status: object = None
    statuses: list = attrs.field(factory=list)
    told: list = attrs.field(factory=list)
    written: Request | None = None
    in_cluster: bool = True
    requests: list[str] = attrs.field(factory=list)
    takes: bool = True

    def wishes(self, *interfaces: dict, **system: str) -> None:
        """The operator writes another wish."""
        self.spec = {"interfaces": list(interfaces), **({"system": system} if system else {})}
        self.generation += 1

    def seen(self) -> SeenNodeState:
        of_object = {"uid": self.uid, "generation": self.generation, "annotations": dict(self.notes)}
        status = msgspec.to_builtins(self.status) if self.status else {}
        meta = LeanMeta(name="worker", namespace="sriov", **of_object)
        return SeenNodeState(metadata=meta, spec=self.spec, status=status)

    @property
    def request(self) -> str | None:
        return self.notes.get(keys.DESIRED_STATE)

    @property
    def answer(self) -> str | None:
        return self.notes.get(keys.CURRENT_STATE)

    @answer.setter
    def answer(self, word: str) -> None:
        self.notes[keys.CURRENT_STATE] = word

    def order(self) -> Order:
        hidden = self.gone or not self.in_cluster
        return Order(switches=self.on, state=None if hidden else self.seen(), why="no config")

    def wish(self, order, snapshot) -> Wish | None:
        return None if self.gone else of_node_state(self.seen())

    def want(self, status, talk: Talk, about: str) -> None:
        if self.gone:
            return
        self.status = status or self.status
        self.statuses.append(status)
        if talk.request is not None and talk.request != self.request:
            self.notes[keys.DESIRED_STATE] = talk.request.value
            self.written = talk.request
            self.requests.append(talk.request.value)

    def tell(self, told) -> None:
        self.told.append(told)

    def flush(self, timeout_s: float) -> bool:
        return True

    def may_begin(self, timeout_s: float) -> bool:
        return self.takes

    @property
    def sync(self) -> tuple[str, str]:
        return self.status.sync_status, self.status.last_sync_error

    def condition(self, kind: str, address: Address | None = None) -> tuple[str, str]:
        """Status and reason of a condition, of the node or a NIC."""
        part = self.status
        if address:
            part = next(entry for entry in part.interfaces if entry.pci_address == str(address))
        return next((one.status, one.reason) for one in part.conditions if one.type == kind)


@attrs.define
class Plugin:
    """The device plugin's pods: what was done to them, and why it cannot be done now."""

    done: list[str] = attrs.field(factory=list)
    refuses: str = ""

    def restart(self, reason: str) -> None:
        if self.refuses:
            raise SriovError(self.refuses)
        self.done.append("restart")

    def unblock(self) -> None:
        self.done.append("unblock")


def agent(host, cluster: Cluster, journal: Journal | None = None, *, plugin=None, assigned=None, **facts) -> Round:
    """A fresh agent, as after a start of its process."""
    kept = journal or Journal(path=None)
    engine = Engine(host=host, catalogue=CATALOGUE, drivers=DRIVERS, journal=kept)
    voice = Voice(publisher=cluster, meter=NoMeter(), assigned=assigned or dict, catalogue=CATALOGUE)
    given = {"stopped": lambda: False, "attempts": Attempts(first_s=0.0), "most": Cost.VF_LOSS}
    return Round(
        engine=engine,
        source=cluster,
        voice=voice,
        offering=Offering(journal=kept, plugin=plugin or Plugin()),
        **{**given, **facts},
    )


def operate(cluster: Cluster) -> None:
    """The operator's half of the drain protocol, with a free budget: one step of it."""
    if cluster.request in (None, "Idle"):
        cluster.answer = "Idle"
    else:
        cluster.answer = "Draining" if cluster.answer in (None, "Idle") else "DrainComplete"
