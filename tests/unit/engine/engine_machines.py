"""A machine with two ports of two cards, an engine for it, and the wishes that the tests have."""

import attrs

from sriov_core.engine.converge import Engine
from sriov_core.engine.journal import Journal
from sriov_core.model.address import Address
from sriov_core.model.desired import DeviceType, NicSpec, NodeSpec, VfGroup
from sriov_core.plugin.loading import load
from sriov_core.plugin.registry import drivers
from sriov_core.testing.faults import Faults
from sriov_core.testing.guards import struck
from sriov_core.testing.tree import FORMAT, FunctionFacts, LinkFacts, NodeFacts, SriovFacts, Tree
from sriov_core.testing.world import FakeWorld

PF = Address("0000:01:00.0")
OTHER = Address("0000:41:00.0")
CATALOGUE = load()
DRIVERS = drivers(CATALOGUE)


def port(address: Address, number: int, **facts) -> FunctionFacts:
    """A port of an igb card with seven VFs to make; keyword arguments change a fact each."""
    mac = f"02:00:00:00:00:{number:02x}"
    link = {"mtu": 1500, "up": False, **facts.pop("link", {})}
    sriov = {"total_vfs": 7, "vf_device": "10ca", "vf_kernel_driver": "igbvf", "vf_offset": 128, "vf_stride": 2}
    seen = {"vendor": "8086", "device": "10c9", "kernel_driver": "igb", "serial": f"serial-{number}"}
    netdev = LinkFacts(name=f"eth{number}", mac=mac, permanent_mac=mac, min_mtu=68, max_mtu=9216, carrier=True, **link)
    return FunctionFacts(
        address=str(address),
        links=[netdev],
        sriov=SriovFacts(**{**sriov, **facts.pop("sriov", {})}),
        **{**seen, **facts},
    )


def tree(*ports: FunctionFacts, **node) -> Tree:
    seen = {"iommu_groups": 9, "modules": ["vfio_pci"], "boot_manager": "grub", "cpu_vendor": "GenuineIntel"}
    both = [port(PF, 0), port(OTHER, 1)]
    return Tree(format=FORMAT, node=NodeFacts(**{**seen, **node}), functions=list(ports) or both)


def world(*ports: FunctionFacts, **node) -> FakeWorld:
    return FakeWorld(tree(*ports, **node))


def engine(host, journal: Journal | None = None, **facts) -> Engine:
    given = {"catalogue": CATALOGUE, "drivers": DRIVERS, "journal": journal or Journal(path=None)}
    return Engine(host=host, **{**given, **facts})


def wish(address: Address = PF, vfio: int = 2, netdevs: int = 2, **facts) -> NicSpec:
    """The first VFs for vfio-pci, the others as netdevices with jumbo frames."""
    groups = []
    if vfio:
        groups.append(VfGroup(first=0, last=vfio - 1, device_type=DeviceType.VFIO_PCI))
    if netdevs:
        groups.append(VfGroup(first=vfio, last=vfio + netdevs - 1, mtu=9000))
    return NicSpec(**{"address": address, "num_vfs": vfio + netdevs, "groups": tuple(groups), **facts})


def spec(*wishes: NicSpec) -> NodeSpec:
    return NodeSpec(nics=wishes or (wish(),))


def agreed(plan) -> None:
    """Approves of every plan."""


def converge(machine, wishes: NodeSpec, *, release=False, approve=agreed, **told):
    """Converge once, with a fresh engine for a host and with the engine itself otherwise."""
    working = machine if isinstance(machine, Engine) else engine(machine)
    return working.converge(wishes, release=release, approve=approve, **told)


def failing(host, matches, code: int):
    """The host, refusing every verb that matches with that errno."""
    faults = Faults()
    faults.plan(matches, code)
    return struck(host, faults)


def crashing(host, ordinal: int, *, after: bool):
    """The host, dying around the verb with that ordinal; also what tells how many verbs were begun."""
    faults = Faults()
    faults.plan(lambda verb: verb.ordinal == ordinal, None, after=after)
    return struck(host, faults), faults


def idle(*_, **__) -> None:
    """A verb that says it was done and did nothing."""


class Doing:
    """A host whose named verbs are replaced; everything else is the host's own."""

    def __init__(self, host, **verbs) -> None:
        self._host = host
        self._verbs = verbs

    def __getattr__(self, name):
        return self._verbs.get(name) or getattr(self._host, name)


def state(host, address: Address = PF) -> dict[str, object]:
    """What the tests compare of a PF, read from the tree and not through the engine."""
    function = next(entry for entry in host.tree().functions if entry.address == str(address))
    link, sriov = function.links[0], function.sriov
    return {
        "vfs": [vf.kernel_driver for vf in sriov.vfs],
        "vf_mtus": [vf.link.mtu if vf.link else None for vf in sriov.vfs],
        "mtu": link.mtu,
        "up": link.up,
        "autoprobe": sriov.autoprobe,
    }


FRESH = {"vfs": [], "vf_mtus": [], "mtu": 1500, "up": False, "autoprobe": True}
WISHED = {
    "vfs": ["vfio-pci", "vfio-pci", "igbvf", "igbvf"],
    "vf_mtus": [None, None, 9000, 9000],
    "mtu": 9000,
    "up": True,
    "autoprobe": True,
}


def ifindexes(host, address: Address = PF) -> list[int | None]:
    """The VFs' netdevs; one that was bound anew has another index."""
    function = next(entry for entry in host.tree().functions if entry.address == str(address))
    return [vf.link.ifindex if vf.link else None for vf in function.sriov.vfs]


def with_facts(made: Tree, address: Address, **facts) -> Tree:
    """The tree with facts of one function changed."""
    for function in made.functions:
        if function.address == str(address):
            for name, value in facts.items():
                setattr(function, name, value)
    return made


def remembered(journal: Journal, address: Address = PF):
    return journal.read().nics.get(address)


def baseline_of(journal: Journal, address: Address = PF) -> dict[str, object]:
    return attrs.asdict(journal.read().nics[address].baseline)
