"""Open vSwitch bridges: what to detach, make and remove, and hardware offload of their flows. Pure."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

import attrs

from sriov_core.model.address import Address
from sriov_core.model.bridges import Bridge, OpenVSwitch
from sriov_core.model.desired import NicSpec, NodeSpec
from sriov_core.model.nodesteps import RestartService, SetBridge, SetOvsOption, WriteFile
from sriov_core.model.observed import LinkType, Nic, Owner, Snapshot
from sriov_core.model.plan import Cost, NicPlan, PlannedStep, Problem
from sriov_core.model.step import Step
from sriov_core.model.steps import DetachUplink, SetEswitchMode
from sriov_core.planning.guard import objections

T = TypeVar("T")

_LONGEST_NAME = 15
"""IFNAMSIZ of the kernel (include/uapi/linux/if.h) without the zero: a bridge is a netdev, too."""

_DROP_IN = """\
# Written by sriov-core: without hardware offload, switchdev mode forwards nothing in the NIC.
[Service]
ExecStartPre=-/usr/bin/ovs-vsctl --no-wait --timeout=10 set Open_vSwitch . other_config:hw-offload=true
"""


@attrs.frozen(kw_only=True)
class BridgePlan:
    """The NICs' plans with uplinks detached where need be, the bridges' steps that come after them, and problems."""

    nics: tuple[NicPlan, ...]
    after: tuple[PlannedStep, ...] = ()
    problems: tuple[Problem, ...] = ()


def planned(snapshot: Snapshot, spec: NodeSpec, nics: Sequence[NicPlan]) -> BridgePlan:
    """What becomes of the bridges, each by itself: one that cannot be made stops no other.

    A bridge waits, untouched, while its uplink has problems or waits for a reboot. Of a bridge that nobody wishes for
    now (``kept_bridges``) nothing is a problem.
    """
    ovs, wished = snapshot.ovs, named((*spec.bridges, *spec.kept_bridges), snapshot.nics)
    faults = (*problems(ovs, wished, snapshot.nics), *_of_gone(ovs, spec.gone_bridges))
    faulty = {name for fault in faults for name in fault.bridges}
    detached = before(nics, ovs, faulty)
    away = {planned.step.nic for nic in detached for planned in nic.steps if isinstance(planned.step, DetachUplink)}
    waiting = {nic.nic for nic in nics if nic.problems or nic.later}
    ready = [bridge for bridge in wished if bridge.name not in faulty and not _waits(bridge, waiting)]
    untouched = {bridge.name for bridge in wished} - {bridge.name for bridge in ready}
    found = [step for step in steps(ovs, ready, away) if step.name not in untouched]
    taken = {step.name: tuple(_objections(step, snapshot, spec, away)) for step in found}
    asked = {bridge.name for bridge in spec.bridges}.union(spec.gone_bridges)
    return BridgePlan(
        nics=detached,
        after=tuple(_priced(step, snapshot, away) for step in found if not taken[step.name]),
        problems=(
            *(fault.problem for fault in faults if not asked.isdisjoint(fault.bridges)),
            *(problem for name, objections in taken.items() if name in asked for problem in objections),
        ),
    )


@attrs.frozen(kw_only=True)
class Fault:
    """Why some bridges cannot be made or taken away."""

    bridges: frozenset[str]
    problem: Problem


def before(nics: Sequence[NicPlan], ovs: OpenVSwitch | None, faulty: Collection[str] = ()) -> tuple[NicPlan, ...]:
    """The NICs' plans with the uplinks detached first whose eswitch changes, be it by the plan of another port.

    Flows that Open vSwitch offloaded bar the change. The bridge itself stays; `steps` attaches the PF again.
    """
    bridges = _by_uplink(bridge for bridge in (ovs.bridges if ovs else ()) if bridge.name not in faulty)
    return tuple(attrs.evolve(plan, steps=(*_detached(plan, bridges), *plan.steps)) for plan in nics)


def _detached(plan: NicPlan, bridges: Mapping[Address, str]) -> Iterator[PlannedStep]:
    changed = dict.fromkeys(planned.step.nic for planned in plan.steps if isinstance(planned.step, SetEswitchMode))
    for nic in changed:
        if nic in bridges:
            why = "the bridge has no uplink until the PF is attached again"
            yield PlannedStep(step=DetachUplink(nic=nic, bridge=bridges[nic]), cost=Cost.LINK_FLAP, why=why)


def _waits(bridge: Bridge, waiting: Collection[Address]) -> bool:
    return bridge.uplink is not None and bridge.uplink.nic in waiting


def _objections(step: SetBridge, snapshot: Snapshot, spec: NodeSpec, away: Collection[Address]) -> Iterator[Problem]:
    """Why a PF must not become a port: what the host depends on would lose its connection."""
    uplink = step.bridge.uplink if step.bridge else None
    nic = snapshot.nic(uplink.nic) if uplink else None
    if nic is None or nic.address in away or _is_port(step.was, nic.address):
        return
    owner = snapshot.owners.get(nic.address) or Owner(plugin="", reason="")
    yield from objections(nic, spec.nic(nic.address) or NicSpec(address=nic.address), owner)


def _priced(step: SetBridge, snapshot: Snapshot, away: Collection[Address]) -> PlannedStep:
    uplink = step.bridge.uplink if step.bridge else None
    nic = snapshot.nic(uplink.nic) if uplink else None
    if step.was and (step.bridge is None or (step.was.uplink and step.was.uplink.nic not in away)):
        return PlannedStep(step=step, cost=Cost.DRAIN, why="what runs over the bridge loses its connection")
    if nic and nic.uses and nic.address not in away:
        return PlannedStep(step=step, cost=Cost.DRAIN, why="; ".join(use.detail for use in nic.uses))
    return PlannedStep(step=step, cost=Cost.LINK_FLAP, why="the PF becomes a port of the bridge")


def _is_port(bridge: Bridge | None, nic: Address) -> bool:
    return bridge is not None and bridge.uplink is not None and bridge.uplink.nic == nic


def steps(ovs: OpenVSwitch | None, wished: Sequence[Bridge], detached: Collection[Address]) -> tuple[SetBridge, ...]:
    """Remove what is ours and not wished for, then make and alter what differs, each by name.

    ``detached`` are the PFs that are no ports any more when the steps come.
    """
    if ovs is None or ovs.error:
        return ()
    names = {bridge.name for bridge in wished}
    gone = (SetBridge(name=found.name, was=found, bridge=None) for found in ovs.bridges if found.name not in names)
    differing = (
        SetBridge(name=wish.name, was=found, bridge=wish)
        for wish in wished
        if (found := _left(ovs.bridge(wish.name), detached)) != wish
    )
    return (*sorted(gone, key=lambda step: step.name), *sorted(differing, key=lambda step: step.name))


def named(wished: Iterable[Bridge], nics: Sequence[Nic]) -> tuple[Bridge, ...]:
    """The wish with each uplink called as its PF is called now: the address says who it is."""
    names = {nic.address: nic.name for nic in nics if nic.name}
    return tuple(
        attrs.evolve(bridge, uplink=attrs.evolve(bridge.uplink, name=names[bridge.uplink.nic]))
        if bridge.uplink and bridge.uplink.nic in names
        else bridge
        for bridge in wished
    )


def problems(ovs: OpenVSwitch | None, wished: Sequence[Bridge], nics: Sequence[Nic]) -> tuple[Fault, ...]:
    """Why which bridges cannot be made; none without a wish for one."""
    if not wished:
        return ()
    return (*_of_open_vswitch(ovs, wished), *_of_names(wished), *_of_uplinks(wished, nics))


def offload(
    ovs: OpenVSwitch | None, files: Mapping[str, str], *, switchdev: bool, release: bool = False
) -> tuple[Step, ...]:
    """Have Open vSwitch offload its flows to the NIC, now and at each start, when a NIC is to be in switchdev mode.

    Nothing when it does already or is not there. ovs-vswitchd reads the setting when it starts
    (ovs-vswitchd.conf.db(5), other_config:hw-offload), so the setting comes after the restart, at which the drop-in
    says it: while it is unset, the restart is still owed. A release takes both back where the drop-in says it was us.
    """
    if ovs is None or ovs.error:
        return ()
    if switchdev and not ovs.hw_offload:
        option = SetOvsOption(key="hw-offload", value="true")
        if ovs.service is None:
            return (option,)
        # The database may be made anew at a boot; a file beside the vendor's unit outlives that and its updates.
        path = drop_in_path(ovs.service)
        drop_in = () if files.get(path) == _DROP_IN else (WriteFile(path=path, content=_DROP_IN),)
        return (*drop_in, RestartService(service=ovs.service, idle=ovs.idle), option)
    if release and not switchdev and ovs.service and drop_in_path(ovs.service) in files:
        return (
            SetOvsOption(key="hw-offload", value="false"),
            WriteFile(path=drop_in_path(ovs.service), content=None),
            RestartService(service=ovs.service, idle=ovs.idle),
        )
    return ()


def drop_in_path(service: str) -> str:
    """Our file beside the unit of a service (systemd.unit(5): drop-ins)."""
    return f"/etc/systemd/system/{service}.d/10-sriov-core.conf"


def is_drop_in(path: str) -> bool:
    """True for the path of a file of ours beside some service's unit."""
    return path.startswith("/etc/systemd/system/") and path.endswith(".d/10-sriov-core.conf")


def _by_uplink(bridges: Iterable[Bridge]) -> dict[Address, str]:
    return {bridge.uplink.nic: bridge.name for bridge in bridges if bridge.uplink}


def _left(found: Bridge | None, detached: Collection[Address]) -> Bridge | None:
    """What there is of the bridge when these PFs were detached."""
    if found and found.uplink and found.uplink.nic in detached:
        return attrs.evolve(found, uplink=None)
    return found


def _of_open_vswitch(ovs: OpenVSwitch | None, wished: Sequence[Bridge]) -> Iterator[Fault]:
    every = frozenset(bridge.name for bridge in wished)
    what = f"bridge {_listed(every)} is wished for" if len(every) == 1 else f"bridges {_listed(every)} are wished for"
    if ovs is None:
        remedy = "Install it (package openvswitch-switch or openvswitch), or leave bridges out of the wish"
        text = f"{what}, and this host has no Open vSwitch"
        yield Fault(bridges=every, problem=Problem(code="no-open-vswitch", text=text, remedy=remedy))
    elif ovs.error:
        text = f"{what}, and Open vSwitch cannot be asked: {ovs.error}"
        remedy = "Or leave bridges out of the wish"
        yield Fault(bridges=every, problem=Problem(code="open-vswitch-silent", text=text, remedy=remedy))


def _of_gone(ovs: OpenVSwitch | None, gone: Collection[str]) -> Iterator[Fault]:
    if gone and ovs and ovs.error:
        text = f"of bridge {_listed(gone)}, to be taken away, nothing is known: {ovs.error}"
        remedy = "Start Open vSwitch and run this again"
        problem = Problem(code="open-vswitch-silent", text=text, remedy=remedy)
        yield Fault(bridges=frozenset(gone), problem=problem)


def _of_names(wished: Sequence[Bridge]) -> Iterator[Fault]:
    for name in _repeated(bridge.name for bridge in wished):
        text = f"bridge {name} is wished for twice"
        problem = Problem(code="bridge-twice", text=text, remedy="Leave out one of the two")
        yield Fault(bridges=frozenset({name}), problem=problem)
    for bridge in wished:
        if len(bridge.name.encode()) > _LONGEST_NAME:
            text = f"bridge {bridge.name} would be a netdev, whose name has at most {_LONGEST_NAME} bytes"
            problem = Problem(code="bridge-name", text=text, remedy="Give it a shorter name")
            yield Fault(bridges=frozenset({bridge.name}), problem=problem)


def _of_uplinks(wished: Sequence[Bridge], nics: Sequence[Nic]) -> Iterator[Fault]:
    uplinks = [(bridge.name, bridge.uplink.nic) for bridge in wished if bridge.uplink]
    ports: Mapping[Address, Nic] = {nic.address: nic for nic in nics}
    for address in _repeated(address for _, address in uplinks):
        bridges = [name for name, nic in uplinks if nic == address]
        text = f"it is to be the uplink of bridges {' and '.join(bridges)}, and can be a port of one only"
        problem = Problem(code="uplink-twice", nic=address, text=text, remedy="Leave out all but one")
        yield Fault(bridges=frozenset(bridges), problem=problem)
    for name, address in uplinks:
        if unfit := _of_uplink(name, address, ports.get(address)):
            yield Fault(bridges=frozenset({name}), problem=unfit)


def _of_uplink(bridge: str, address: Address, nic: Nic | None) -> Problem | None:
    what = f"it is to be the uplink of bridge {bridge}"
    if nic is None:
        text = f"{what}, and this machine has no such NIC"
        return Problem(code="no-such-nic", nic=address, text=text, remedy="Correct its address")
    if nic.name is None:
        remedy = "Bind its network driver, or give its netdev back from the network namespace it is in"
        return Problem(code="uplink-without-netdev", nic=address, text=f"{what}, and has no netdev here", remedy=remedy)
    if nic.link_type is LinkType.IB:
        text, remedy = f"{what}, and a bridge has no InfiniBand ports", "Set linkType ETH, or wish for no bridge"
        return Problem(code="uplink-infiniband", nic=address, text=text, remedy=remedy)
    return None


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


def _repeated(values: Iterable[T]) -> list[T]:
    return [value for value, times in Counter(values).items() if times > 1]
