"""NICs, VFs and plugins for the tests of planning, small enough to be read at a glance."""

from types import ModuleType

import attrs

from sriov_core.model.address import Address
from sriov_core.model.desired import DeviceType, NicSpec, NodeSpec, VfGroup
from sriov_core.model.observed import Identity, LinkType, Nic, Node, Owner, Snapshot, Vf
from sriov_core.model.plan import NicPlan, Plan
from sriov_core.planning.planner import plan
from sriov_core.plugin import API, Capability, Match, PluginInfo, hookimpl
from sriov_core.plugin.loading import Catalogue, Loaded, load, validate
from sriov_core.plugin.registry import drivers

PF = Address("0000:3b:00.0")
PORT1 = Address("0000:3b:00.1")
OTHER = Address("0000:5e:00.0")
INSTALLED = load()
DRIVERS = drivers(INSTALLED)
NODE = Node(boot_id="one", iommu_groups=40, cpu_vendor="GenuineIntel", boot_manager="grub", modules={"vfio_pci"})


def vf(index: int, kernel_driver: object = "iavf", **facts: object) -> Vf:
    """A VF of the PF; a netdevice has a netdev with MTU 1500, and every VF has an administrative MAC."""
    netdev = kernel_driver == "iavf"
    seen = {
        "address": Address(f"0000:3b:0{1 + index // 8}.{index % 8}"),
        "name": f"ens1v{index}" if netdev else None,
        "mtu": 1500 if netdev else None,
        "admin_mac": f"02:00:00:00:01:{index:02x}",
    }
    return Vf(index=index, kernel_driver=kernel_driver, **{**seen, **facts})


def vfs(*kernel_drivers: object) -> tuple[Vf, ...]:
    return tuple(vf(index, kernel_driver) for index, kernel_driver in enumerate(kernel_drivers))


def nic(address: Address = PF, **facts: object) -> Nic:
    """A port of an Intel card, up, with 64 VFs to make and none made."""
    seen = {
        "vendor": "8086",
        "device": "158b",
        "kernel_driver": "i40e",
        "name": "ens1",
        "link_type": LinkType.ETH,
        "mac": "02:00:00:00:00:01",
        "identity": Identity(permanent_mac=f"02:00:00:00:00:{address.name[-4:-2]}", serial="s1"),
        "mtu": 1500,
        "min_mtu": 68,
        "max_mtu": 9702,
        "link_up": True,
        "total_vfs": 64,
        "num_vfs": len(facts.get("vfs", ())),
    }
    return Nic(address=address, **{**seen, **facts})


def guest(address: Address = PF, **facts: object) -> Nic:
    """A VF that a virtual machine was given: it stands for itself."""
    return nic(address, vfs=vfs("iavf"), total_vfs=1, platform="virtual", **facts)


def group(first: int, last: int, device_type: DeviceType = DeviceType.NETDEVICE, **wish: object) -> VfGroup:
    return VfGroup(first=first, last=last, device_type=device_type, **wish)


def vfio(first: int, last: int, **wish: object) -> VfGroup:
    return group(first, last, DeviceType.VFIO_PCI, **wish)


def spec(*groups: VfGroup, **wish: object) -> NicSpec:
    """A wish for the PF; as many VFs as its groups reach to, unless said otherwise."""
    count = max((entry.last + 1 for entry in groups), default=0)
    return NicSpec(**{"address": PF, "groups": groups, "num_vfs": count, **wish})


def look(*nics: Nic, node: Node = NODE, owner: str = "intel", **facts: object) -> Snapshot:
    owners = {entry.address: Owner(plugin=owner, reason="test") for entry in nics}
    return Snapshot(**{"node": node, "nics": nics, "owners": owners, **facts})


def planned(seen: Nic | Snapshot, *wishes: NicSpec, **given: object) -> Plan:
    """The plan for the wishes; ``drivers`` may be given, the installed ones are the default."""
    snapshot = seen if isinstance(seen, Snapshot) else look(seen)
    return plan(snapshot, NodeSpec(nics=wishes), **{"drivers": DRIVERS, **given})


def lines(found: Plan | NicPlan) -> list[str]:
    return [entry.step.describe().removeprefix(f"{PF}").lstrip(": ") for entry in found.steps]


def after(seen: Nic, found: NicPlan) -> Nic:
    """The NIC as it will be after the steps."""
    for entry in found.steps:
        seen = entry.step.project(seen)
    return seen


def codes(found: Plan) -> list[str]:
    return [problem.code for problem in found.all_problems]


def plugin(*hooks: object, name: str = "acme", **says: object) -> Catalogue:
    """The base and a vendor's plugin for 8086 that has these hooks."""
    matches = (Match(vendor="8086", device="158b"),)
    told = {"api": API, "matches": matches, "maintainers": ("acme@example.org",), **says}
    info = PluginInfo(name=name, **{"capabilities": frozenset({Capability.SRIOV}), **told})
    module = ModuleType(name)

    @hookimpl
    def describe() -> PluginInfo:
        return info

    for hook in (describe, *hooks):
        setattr(module, hook.__name__, hook)
    base = [entry for entry in INSTALLED.loaded if entry.info.is_base]
    loaded = Loaded(info=info, module=module, distribution=name, hooks=validate(module))
    return attrs.evolve(INSTALLED, loaded=(*base, loaded))
