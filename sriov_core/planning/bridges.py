"""Open vSwitch bridges: what to detach, make and remove, and hardware offload of their flows. Pure."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

import attrs

from sriov_core.model.address import Address
from sriov_core.model.bridges import Bridge, OpenVSwitch
from sriov_core.model.nodesteps import RestartService, SetBridge, SetOvsOption, WriteFile
from sriov_core.model.observed import LinkType, Nic
from sriov_core.model.plan import Cost, NicPlan, PlannedStep, Problem
from sriov_core.model.step import Step
from sriov_core.model.steps import DetachUplink, SetEswitchMode

T = TypeVar("T")

_LONGEST_NAME = 15
"""IFNAMSIZ of the kernel (include/uapi/linux/if.h) without the zero: a bridge is a netdev, too."""

_DROP_IN = """\
# Written by sriov-core: without hardware offload, switchdev mode forwards nothing in the NIC.
[Service]
ExecStartPre=-/usr/bin/ovs-vsctl --no-wait --timeout=10 set Open_vSwitch . other_config:hw-offload=true
"""


def before(nics: Sequence[NicPlan], ovs: OpenVSwitch | None) -> tuple[NicPlan, ...]:
    """The NICs' plans with the uplinks detached first whose eswitch changes.

    Flows that Open vSwitch offloaded bar the change. The bridge itself stays; `steps` attaches the PF again.
    """
    bridges = _by_uplink(ovs.bridges if ovs else ())
    return tuple(
        attrs.evolve(plan, steps=(_detached(plan.nic, bridges[plan.nic]), *plan.steps))
        if plan.nic in bridges and any(isinstance(planned.step, SetEswitchMode) for planned in plan.steps)
        else plan
        for plan in nics
    )


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


def problems(ovs: OpenVSwitch | None, wished: Sequence[Bridge], nics: Sequence[Nic]) -> tuple[Problem, ...]:
    """Why the bridges cannot be made; none without a wish for one."""
    if not wished:
        return ()
    return (*_of_open_vswitch(ovs, wished), *_of_names(wished), *_of_uplinks(wished, nics))


def offload(ovs: OpenVSwitch | None, *, switchdev: bool) -> tuple[Step, ...]:
    """Have Open vSwitch offload its flows to the NIC, now and at each start, when a NIC is to be in switchdev mode.

    Nothing when it does already or is not there. ovs-vswitchd reads the setting when it starts
    (ovs-vswitchd.conf.db(5), other_config:hw-offload).
    """
    if not switchdev or ovs is None or ovs.error or ovs.hw_offload:
        return ()
    option = SetOvsOption(key="hw-offload", value="true")
    if ovs.service is None:
        return (option,)
    # The database may be made anew at a boot; a file beside the vendor's unit outlives that and its updates.
    drop_in = WriteFile(path=drop_in_path(ovs.service), content=_DROP_IN)
    return (drop_in, option, RestartService(service=ovs.service))


def drop_in_path(service: str) -> str:
    """Our file beside the unit of a service (systemd.unit(5): drop-ins)."""
    return f"/etc/systemd/system/{service}.d/10-sriov-core.conf"


def _by_uplink(bridges: Iterable[Bridge]) -> dict[Address, str]:
    return {bridge.uplink.nic: bridge.name for bridge in bridges if bridge.uplink}


def _detached(nic: Address, bridge: str) -> PlannedStep:
    why = "the bridge has no uplink until the PF is attached again"
    return PlannedStep(step=DetachUplink(nic=nic, bridge=bridge), cost=Cost.LINK_FLAP, why=why)


def _left(found: Bridge | None, detached: Collection[Address]) -> Bridge | None:
    """What there is of the bridge when these PFs were detached."""
    if found and found.uplink and found.uplink.nic in detached:
        return attrs.evolve(found, uplink=None)
    return found


def _of_open_vswitch(ovs: OpenVSwitch | None, wished: Sequence[Bridge]) -> Iterator[Problem]:
    names = ", ".join(sorted(bridge.name for bridge in wished))
    what = f"bridge {names} is wished for" if len(wished) == 1 else f"bridges {names} are wished for"
    if ovs is None:
        remedy = "Install it (package openvswitch-switch or openvswitch), or leave bridges out of the wish"
        yield Problem(code="no-open-vswitch", text=f"{what}, and this host has no Open vSwitch", remedy=remedy)
    elif ovs.error:
        text = f"{what}, and Open vSwitch cannot be asked: {ovs.error}"
        yield Problem(code="open-vswitch-silent", text=text, remedy="Or leave bridges out of the wish")


def _of_names(wished: Sequence[Bridge]) -> Iterator[Problem]:
    for name in _repeated(bridge.name for bridge in wished):
        text = f"bridge {name} is wished for twice"
        yield Problem(code="bridge-twice", text=text, remedy="Leave out one of the two")
    for bridge in wished:
        if len(bridge.name.encode()) > _LONGEST_NAME:
            text = f"bridge {bridge.name} would be a netdev, whose name has at most {_LONGEST_NAME} bytes"
            yield Problem(code="bridge-name", text=text, remedy="Give it a shorter name")


def _of_uplinks(wished: Sequence[Bridge], nics: Sequence[Nic]) -> Iterator[Problem]:
    uplinks = [(bridge.name, bridge.uplink.nic) for bridge in wished if bridge.uplink]
    ports: Mapping[Address, Nic] = {nic.address: nic for nic in nics}
    for address in _repeated(address for _, address in uplinks):
        bridges = " and ".join(name for name, nic in uplinks if nic == address)
        text = f"it is to be the uplink of bridges {bridges}, and can be a port of one only"
        yield Problem(code="uplink-twice", nic=address, text=text, remedy="Leave out all but one")
    for name, address in uplinks:
        what, nic = f"it is to be the uplink of bridge {name}", ports.get(address)
        if nic is None:
            text = f"{what}, and this machine has no such NIC"
            yield Problem(code="no-such-nic", nic=address, text=text, remedy="Correct its address")
        elif nic.name is None:
            remedy = "Bind its network driver, or give its netdev back from the network namespace it is in"
            text = f"{what}, and has no netdev here"
            yield Problem(code="uplink-without-netdev", nic=address, text=text, remedy=remedy)
        elif nic.link_type is LinkType.IB:
            text, remedy = f"{what}, and a bridge has no InfiniBand ports", "Set linkType ETH, or wish for no bridge"
            yield Problem(code="uplink-infiniband", nic=address, text=text, remedy=remedy)


def _repeated(values: Iterable[T]) -> list[T]:
    return [value for value, times in Counter(values).items() if times > 1]
