"""The states that the suite walks through: counts, kernel drivers, MTUs, modes and autoprobe, mixed. Pure."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

import attrs

from sriov_core.model.desired import USERSPACE_DRIVERS, Baseline, DeviceType, NicSpec, VfGroup
from sriov_core.model.observed import EswitchMode, Nic
from sriov_core.plugin.info import Capability, PluginInfo

T = TypeVar("T")

_MANY = 3


@attrs.frozen(kw_only=True)
class State:
    """A wish with a name for messages."""

    name: str
    wish: NicSpec

    def __str__(self) -> str:
        return self.name


def states(nic: Nic, info: PluginInfo, userspace: DeviceType) -> tuple[State, ...]:
    """Every state of the walk that this NIC and its driver's declared capabilities allow."""
    many = min(_MANY, nic.total_vfs or 0)
    jumbo = min(9000, nic.max_mtu or 9000)
    found = [State(name=name, wish=_wish(nic, wish)) for name, wish in _legacy(nic, many, jumbo, userspace)]
    if Capability.SWITCHDEV in info.capabilities and nic.eswitch_mode is not None:
        found += [
            State(
                name=f"{name} in switchdev",
                wish=_wish(nic, attrs.evolve(wish, eswitch_mode=EswitchMode.SWITCHDEV)),
            )
            for name, wish in _switchdev(nic, many, jumbo, userspace)
        ]
    return tuple(found)


def _legacy(nic: Nic, many: int, jumbo: int, userspace: DeviceType) -> Iterator[tuple[str, NicSpec]]:
    none = NicSpec(address=nic.address)
    all_ = attrs.evolve(none, num_vfs=many)
    yield "no VFs", none
    yield "no VFs, jumbo frames, autoprobe off", attrs.evolve(none, mtu=jumbo, autoprobe=False)
    if not many:
        return
    yield "one netdevice", attrs.evolve(none, num_vfs=1, groups=(VfGroup(first=0, last=0),))
    yield f"one {userspace}", attrs.evolve(none, num_vfs=1, groups=(VfGroup(first=0, last=0, device_type=userspace),))
    yield f"{many} ungrouped, autoprobe on", attrs.evolve(all_, autoprobe=True)
    yield f"{many} netdevices, jumbo frames", attrs.evolve(all_, groups=(VfGroup(first=0, last=many - 1, mtu=jumbo),))
    every = VfGroup(first=0, last=many - 1, device_type=userspace)
    yield f"{many} {userspace}", attrs.evolve(all_, groups=(every,))
    yield f"{many} {userspace}, autoprobe off", attrs.evolve(all_, groups=(every,), autoprobe=False)
    if many > 1:
        yield f"{many}, the first {userspace}", split(all_, 1, jumbo, userspace)
        yield f"{many}, all but the last {userspace}", split(all_, many - 1, 1500, userspace)


def _switchdev(nic: Nic, many: int, jumbo: int, userspace: DeviceType) -> Iterator[tuple[str, NicSpec]]:
    none = NicSpec(address=nic.address)
    all_ = attrs.evolve(none, num_vfs=many)
    yield "no VFs", none
    if many > 1:
        yield f"{many} netdevices", attrs.evolve(all_, groups=(VfGroup(first=0, last=many - 1),))
        yield f"{many}, the first {userspace}", split(all_, 1, jumbo, userspace)


def split(wish: NicSpec, first: int, mtu: int, userspace: DeviceType) -> NicSpec:
    """The first VFs for userspace, the others as netdevices with that MTU."""
    groups = (
        VfGroup(first=0, last=first - 1, device_type=userspace),
        VfGroup(first=first, last=wish.num_vfs - 1, mtu=mtu),
    )
    return attrs.evolve(wish, groups=groups)


def release(nic: Nic) -> State:
    """The wish to have the NIC as it is now, by whatever means it takes."""
    baseline = Baseline(
        num_vfs=nic.num_vfs,
        mtu=nic.mtu if isinstance(nic.mtu, int) else None,
        link_up=nic.link_up,
        autoprobe=nic.autoprobe,
        eswitch_mode=nic.effective_mode,
    )
    wish = NicSpec(
        address=nic.address,
        num_vfs=baseline.num_vfs,
        eswitch_mode=baseline.eswitch_mode,
        autoprobe=baseline.autoprobe,
        restore=baseline,
        named=True,
    )
    return State(name="released", wish=wish)


def as_it_is(nic: Nic) -> NicSpec:
    """The wish for exactly what the NIC is, VF by VF; a VF without a kernel driver cannot be wished for."""
    groups = tuple(
        VfGroup(
            first=vf.index,
            last=vf.index,
            device_type=DeviceType(vf.kernel_driver) if vf.kernel_driver in USERSPACE_DRIVERS else DeviceType.NETDEVICE,
            mtu=vf.mtu if isinstance(vf.mtu, int) else None,
        )
        for vf in nic.vfs
    )
    return NicSpec(
        address=nic.address,
        num_vfs=nic.num_vfs,
        mtu=nic.mtu if isinstance(nic.mtu, int) else None,
        eswitch_mode=nic.effective_mode,
        autoprobe=nic.autoprobe,
        groups=groups,
        named=True,
    )


def every_pair(items: Sequence[T]) -> Iterator[T]:
    """A walk in which each item follows each item, itself included: a de Bruijn sequence of order two."""
    for position, first in enumerate(items):
        yield first
        for second in items[position + 1 :]:
            yield first
            yield second
    yield items[0]


def _wish(nic: Nic, wish: NicSpec) -> NicSpec:
    # Named, so that a NIC which the sample's host depends on is no reason to refuse: that is the engine's concern.
    return attrs.evolve(wish, name=nic.name or "", named=True)
