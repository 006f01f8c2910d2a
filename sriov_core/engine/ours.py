"""What a look and a wish make of the memory: whose the NICs and bridges are, and what was there before us. Pure."""

from collections.abc import Iterable, Mapping

import attrs

from sriov_core.engine.journal import Memory
from sriov_core.model import predecessor
from sriov_core.model.address import Address
from sriov_core.model.bridges import Bridge
from sriov_core.model.desired import USERSPACE_DRIVERS, Baseline, DeviceType, NodeSpec, VdpaType, VfGroup
from sriov_core.model.nodesteps import WriteFile
from sriov_core.model.observed import Nic, Node, Snapshot, Vf
from sriov_core.model.plan import NicPlan, Plan
from sriov_core.model.record import NicRecord
from sriov_core.model.steps import SetFirmware
from sriov_core.planning.planner import same_card
from sriov_core.planning.udevrules import rule_path

_KERNELS_RDMA_MODE = "shared"


@attrs.frozen(kw_only=True)
class Look:
    """What a look at the machine gave, and what is left to do according to it."""

    snapshot: Snapshot
    memory: Memory
    plan: Plan


def ours(look: Look, spec: NodeSpec) -> Memory:
    """The memory with all that this wish makes ours: NICs, bridges, the RDMA mode, each with what was there before."""
    kept = tuple(bridge for bridge in look.memory.bridges if not named(bridge, spec.bridges))
    before = look.memory.rdma_mode or (_rdma_mode_before(look.snapshot.node) if spec.rdma_mode else "")
    return attrs.evolve(look.memory, nics=owned(look, spec), bridges=(*kept, *spec.bridges), rdma_mode=before)


def _rdma_mode_before(node: Node) -> str:
    """What it was before anybody wished for one: the other operator, whose note tells that it did, set it, too."""
    return (None if predecessor.RDMA_OPTIONS in node.files else node.rdma_mode) or _KERNELS_RDMA_MODE


def named(bridge: Bridge, others: Iterable[Bridge]) -> bool:
    """True when one of the others has the bridge's name."""
    return any(bridge.name == other.name for other in others)


def kept_bridges(look: Look, spec: NodeSpec, bridges: Iterable[Bridge], *, release: bool) -> tuple[Bridge, ...]:
    """The bridges less those that were to be taken away and are gone."""
    ovs = look.snapshot.ovs
    if not release or (ovs and ovs.error):
        return tuple(bridges)
    there = {bridge.name for bridge in ovs.bridges} if ovs else set()
    return tuple(bridge for bridge in bridges if named(bridge, spec.bridges) or bridge.name in there)


def owned(look: Look, spec: NodeSpec) -> dict[Address, NicRecord]:
    """The records, with a new one for each NIC of the wish that had none: its baseline is what was just seen.

    A PF that was somebody else's so far becomes ours with what is there now as its baseline.
    """
    records = dict(look.memory.nics)
    for wish in spec.nics:
        nic, known = look.snapshot.nic(wish.address), records.get(wish.address)
        if nic is None or _refused(look.plan, wish.address):
            continue
        if known is None or (known.externally_managed and not wish.externally_managed):
            known = _record(nic)
        records[nic.address] = attrs.evolve(
            known,
            externally_managed=wish.externally_managed,
            plugin=look.snapshot.owners[nic.address].plugin,
            net_filter=nic.net_filter or known.net_filter,
            baseline=attrs.evolve(
                known.baseline,
                features={**nic.features, **known.baseline.features},
                parameters={**nic.parameters, **known.baseline.parameters},
                settings={**_settings(look, nic, records), **known.baseline.settings},
            ),
        )
    return records


def _settings(look: Look, nic: Nic, records: Mapping[Address, NicRecord]) -> dict[str, str]:
    """What the firmware of the NIC's card was set to before us; nothing as long as we do not change it.

    A port that is wished for later than its neighbour finds what was changed for that one, so the neighbour's record
    tells what was there before.
    """
    mates = [mate for mate in look.snapshot.nics if same_card(nic, mate)]
    for mate in mates:
        if mate.address in records and (before := records[mate.address].baseline.settings):
            return dict(before)
    changed = {
        planned.step.nic for plan in look.plan.nics for planned in plan.steps if isinstance(planned.step, SetFirmware)
    }
    if not any(mate.address in changed for mate in mates):
        return {}
    return {name: setting.next for mate in mates for name, setting in mate.settings.items()}


def without_released(records: Mapping[Address, NicRecord], look: Look) -> dict[Address, NicRecord]:
    """The records less those of NICs that were given back and found so."""
    left = {planned.step.path for planned in look.plan.node if isinstance(planned.step, WriteFile)}
    given_back = {
        nic.nic
        for nic in look.plan.nics
        if nic.release and _is_done(nic) and left.isdisjoint({rule_path(nic.nic), *predecessor.files_about(nic.nic)})
    }
    return {address: record for address, record in records.items() if address not in given_back}


def _is_done(nic: NicPlan) -> bool:
    return not (nic.steps or nic.problems or nic.later or nic.reboots)


def _refused(plan: Plan, address: Address) -> bool:
    return any(nic.problems for nic in plan.nics if nic.nic == address)


def _record(nic: Nic) -> NicRecord:
    return NicRecord(
        address=nic.address,
        name=nic.name or "",
        identity=nic.identity,
        baseline=Baseline(
            num_vfs=nic.num_vfs,
            mtu=nic.mtu if isinstance(nic.mtu, int) else None,
            link_up=nic.link_up,
            autoprobe=nic.autoprobe,
            eswitch_mode=nic.effective_mode,
            groups=tuple(group for vf in nic.vfs if (group := _own_group(vf))),
            link_type=nic.link_type,
        ),
    )


def _own_group(vf: Vf) -> VfGroup | None:
    """What a VF was for before us, None for a VF like any new one."""
    userspace = vf.kernel_driver in USERSPACE_DRIVERS
    device_type = DeviceType(str(vf.kernel_driver)) if userspace else DeviceType.NETDEVICE
    mtu = vf.mtu if isinstance(vf.mtu, int) else None
    vdpa = VdpaType(vf.vdpa_type) if vf.vdpa_type else None
    if not (userspace or mtu or vdpa):
        return None
    return VfGroup(first=vf.index, last=vf.index, device_type=device_type, mtu=mtu, vdpa_type=vdpa)
