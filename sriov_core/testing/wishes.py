"""The states that the suite walks through: counts, kernel drivers, MTUs, modes, RDMA and vDPA, mixed. Pure."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

import attrs

from sriov_core.model.desired import USERSPACE_DRIVERS, Baseline, DeviceType, NicSpec, VdpaType, VfGroup
from sriov_core.model.observed import EswitchMode, LinkType, Nic
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


@attrs.frozen(kw_only=True)
class Abilities:
    """What a sample says that nobody can read of a NIC without VFs: whether those have RDMA devices, or make vDPA's.

    ``userspace`` is the userspace driver that can be tried on the machine, None where VFs are no devices.
    """

    userspace: DeviceType | None = None
    rdma: bool = False
    vdpa: bool = False


def states(nic: Nic, info: PluginInfo, can: Abilities) -> tuple[State, ...]:
    """Every state of the walk that this NIC and its driver's declared capabilities allow."""
    total = nic.total_vfs or 0
    if nic.link_type is LinkType.IB and Capability.INFINIBAND not in info.capabilities:
        total = 0
    none = _wish(nic)
    all_ = attrs.evolve(none, num_vfs=min(_MANY, total))
    rdma = list(_rdma(all_, can)) if Capability.RDMA in info.capabilities and can.rdma and total else []
    found = [*_plain(none, all_, nic), *_mixed(all_, nic, can), *rdma]
    if Capability.SWITCHDEV in info.capabilities and nic.eswitch_mode is not None:
        vdpa = _vdpa(all_, can) if Capability.VDPA in info.capabilities and can.vdpa and total else ()
        found += map(_in_switchdev, (*_switched(none, all_, nic, can), *rdma, *vdpa))
    return tuple(found)


def _plain(none: NicSpec, all_: NicSpec, nic: Nic) -> Iterator[State]:
    many, jumbo = all_.num_vfs, _jumbo(nic)
    yield State(name="no VFs", wish=none)
    if not many:
        yield State(name="no VFs, jumbo frames", wish=attrs.evolve(none, mtu=jumbo))
    else:
        yield State(name="no VFs, jumbo frames, autoprobe off", wish=attrs.evolve(none, mtu=jumbo, autoprobe=False))
        one = attrs.evolve(all_, num_vfs=1, groups=(VfGroup(first=0, last=0),))
        yield State(name="one netdevice", wish=one)
        yield State(name=f"{many} ungrouped, autoprobe on", wish=attrs.evolve(all_, autoprobe=True))
        netdevs = (VfGroup(first=0, last=many - 1, mtu=jumbo),)
        yield State(name=f"{many} netdevices, jumbo frames", wish=attrs.evolve(all_, groups=netdevs))


def _mixed(all_: NicSpec, nic: Nic, can: Abilities) -> Iterator[State]:
    many, userspace = all_.num_vfs, can.userspace
    if not many or userspace is None:
        return
    one = VfGroup(first=0, last=0, device_type=userspace)
    every = VfGroup(first=0, last=many - 1, device_type=userspace)
    yield State(name=f"one {userspace}", wish=attrs.evolve(all_, num_vfs=1, groups=(one,)))
    yield State(name=f"{many} {userspace}", wish=attrs.evolve(all_, groups=(every,)))
    off = attrs.evolve(all_, groups=(every,), autoprobe=False)
    yield State(name=f"{many} {userspace}, autoprobe off", wish=off)
    if many > 1:
        yield State(name=f"{many}, the first {userspace}", wish=split(all_, 1, _jumbo(nic), userspace))
        yield State(name=f"{many}, all but the last {userspace}", wish=split(all_, many - 1, 1500, userspace))


def _switched(none: NicSpec, all_: NicSpec, nic: Nic, can: Abilities) -> Iterator[State]:
    many = all_.num_vfs
    yield State(name="no VFs", wish=none)
    if many > 1:
        netdevs = (VfGroup(first=0, last=many - 1),)
        yield State(name=f"{many} netdevices", wish=attrs.evolve(all_, groups=netdevs))
        if can.userspace:
            wish = split(all_, 1, _jumbo(nic), can.userspace)
            yield State(name=f"{many}, the first {can.userspace}", wish=wish)


def _rdma(all_: NicSpec, can: Abilities) -> Iterator[State]:
    many = all_.num_vfs
    every = VfGroup(first=0, last=many - 1, is_rdma=True)
    yield State(name=f"{many} for RDMA", wish=attrs.evolve(all_, groups=(every,)))
    if many > 1 and can.userspace:
        groups = (VfGroup(first=0, last=0, device_type=can.userspace), attrs.evolve(every, first=1))
        yield State(name=f"{many}, the first {can.userspace}, others for RDMA", wish=attrs.evolve(all_, groups=groups))


def _vdpa(all_: NicSpec, can: Abilities) -> Iterator[State]:
    many = all_.num_vfs
    for kind in VdpaType:
        groups = (VfGroup(first=0, last=many - 1, vdpa_type=kind),)
        yield State(name=f"{many} vDPA {kind}", wish=attrs.evolve(all_, groups=groups))
    if many > 2 and can.userspace:
        mixed = (
            VfGroup(first=0, last=0, device_type=can.userspace),
            VfGroup(first=1, last=many - 2, vdpa_type=VdpaType.VIRTIO),
            VfGroup(first=many - 1, last=many - 1, vdpa_type=VdpaType.VHOST),
        )
        name = f"{many}, the first {can.userspace}, then vDPA virtio, the last vhost"
        yield State(name=name, wish=attrs.evolve(all_, groups=mixed))


def _in_switchdev(state: State) -> State:
    wish = attrs.evolve(state.wish, eswitch_mode=EswitchMode.SWITCHDEV)
    return State(name=f"{state.name} in switchdev", wish=wish)


def _jumbo(nic: Nic) -> int:
    return min(9000, nic.max_mtu or 9000)


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
        features=dict(nic.features),
        parameters=dict(nic.parameters),
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
            vdpa_type=VdpaType(vf.vdpa_type) if vf.vdpa_type else None,
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


def _wish(nic: Nic) -> NicSpec:
    # Named, so that a NIC which the sample's host depends on is no reason to refuse: that is the engine's concern.
    return NicSpec(address=nic.address, name=nic.name or "", named=True)
