"""Ports of ConnectX cards as the driver's hooks get them, and the wishes for them."""

from sriov_core.model.address import Address
from sriov_core.model.desired import Baseline, NicSpec
from sriov_core.model.observed import EswitchMode, LinkType, Nic, Setting, Vf

P1 = Address("0000:3b:00.0")
P2 = Address("0000:3b:00.1")
IPOIB = "00:00:05:a9:fe:80:00:00:00:00:00:00:b8:59:9f:03:00:f9:8f:86"


def set_to(current: object, coming: object = None) -> Setting:
    """In effect, and at the next boot: the same unless said otherwise."""
    return Setting(current=str(current), next=str(current if coming is None else coming))


def firmware(vfs: object = 8, next_vfs: object = None, on: object = True, next_on: object = None, **types: str) -> dict:
    """A card's settings: ``p1="IB"`` in effect and next, ``p1="IB ETH"`` in effect and next."""
    shown = {"NUM_OF_VFS": set_to(vfs, next_vfs), "SRIOV_EN": set_to(on, next_on)}
    links = {f"LINK_TYPE_{port.upper()}": set_to(*types[port].split()) for port in types}
    return {**shown, **links}


def port(address: Address = P1, settings: dict | None = None, functions: int = 2, **facts: object) -> Nic:
    """A port that offers eight VFs, looked at closely when it has settings."""
    seen: dict[str, object] = {
        "vendor": "15b3",
        "device": "101d",
        "kernel_driver": "mlx5_core",
        "name": "ens1f0np0",
        "link_type": LinkType.ETH,
        "mac": "02:00:00:00:00:01",
        "link_up": True,
        "total_vfs": 8,
        "eswitch_mode": EswitchMode.LEGACY,
        "num_vfs": len(facts.get("vfs", ())),  # type: ignore[arg-type]  # a test's shorthand
    }
    if settings is not None:
        seen |= {"settings": settings, "facts": {"firmware": "", "functions": str(functions)}}
    return Nic(address=address, **{**seen, **facts})  # type: ignore[arg-type]


def faulty(fault: str, **facts: object) -> Nic:
    """A port whose firmware could not be read."""
    return port(facts={"firmware": fault, "functions": "2"}, **facts)


def ib(address: Address = P1, **facts: object) -> Nic:
    seen = {"link_type": LinkType.IB, "mac": IPOIB, "name": "ibp59s0f0", "eswitch_mode": None, "device": "101b"}
    return port(address, **{**seen, **facts})


def wish(num_vfs: int = 0, address: Address = P1, **facts: object) -> NicSpec:
    return NicSpec(address=address, num_vfs=num_vfs, **facts)  # type: ignore[arg-type]


def release(address: Address = P1, num_vfs: int = 0, **settings: object) -> NicSpec:
    """The wish to go back to those settings: ``NUM_OF_VFS=8``."""
    before = Baseline(num_vfs=num_vfs, settings={name: str(value) for name, value in settings.items()})
    return NicSpec(address=address, num_vfs=num_vfs, restore=before, named=True)


def vfs(count: int, kernel_driver: str | None = "mlx5_core", **facts: object) -> tuple[Vf, ...]:
    return tuple(Vf(index=index, kernel_driver=kernel_driver, **facts) for index in range(count))  # type: ignore[arg-type]


def unwished(nic: Nic) -> NicSpec:
    """As the planner wishes for a port that nobody names."""
    return NicSpec(address=nic.address, num_vfs=nic.num_vfs, eswitch_mode=nic.effective_mode)
