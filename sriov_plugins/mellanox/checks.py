"""Why a wish cannot be met that needs the card's firmware changed, or GUIDs for InfiniBand VFs. Pure."""

from collections.abc import Iterator

from sriov_core.plugin import LinkType, Nic, NicSpec, Problem, lacks_guid
from sriov_plugins.mellanox import guids, identity, nvconfig

_WITHOUT_VDPA = frozenset({"1011", "1013", "1015", "1017", "1019"})
"""Connect-IB to ConnectX-5 Ex: they have no virtio queues (mlx5/core/dev.c: is_vnet_supported)."""

_UNSEEN = "firmware-unreadable: nobody has looked at it for this wish"


def problems(nic: Nic, spec: NicSpec) -> Iterator[Problem]:
    """Every objection; the firmware's only where the wish needs it changed."""
    if nvconfig.is_needed(nic, spec):
        if spec.externally_managed:
            yield from _external(nic, spec)
        elif fault := nic.facts.get("firmware", _UNSEEN):
            yield _faulty(nic, spec, fault)
        else:
            yield from _vfs(nic, spec)
            yield from _link_type(nic, spec)
    yield from _guids(nic, spec)
    if nic.device in _WITHOUT_VDPA and any(group.vdpa_type for group in spec.groups):
        yield Problem(
            code="no-vdpa",
            nic=nic.address,
            text="vDPA devices are wanted, and cards before ConnectX-6 Dx cannot make any",
            remedy="Leave vdpaType out for this card, or select others",
        )


def _external(nic: Nic, spec: NicSpec) -> Iterator[Problem]:
    for wanted in _wants(nic, spec):
        yield Problem(
            code="external-firmware",
            nic=nic.address,
            text=f"{wanted}; that takes a change of the card's firmware, and the PF is externally managed",
            remedy="Have whoever manages the PF change it, or unset externallyManaged",
        )


def _faulty(nic: Nic, spec: NicSpec, fault: str) -> Problem:
    code, _, text = fault.partition(": ")
    wanted = "; ".join(_wants(nic, spec)) or "the firmware settings of before are to be put back"
    return Problem(code=code, nic=nic.address, text=f"{wanted}; {text}", remedy=_remedy(nic, spec, code))


def _wants(nic: Nic, spec: NicSpec) -> Iterator[str]:
    if nvconfig.wants_vfs(nic, spec):
        yield f"{spec.num_vfs} VFs are wanted, and the card offers {nic.total_vfs or 'none'} now"
    if nvconfig.wants_link_type(nic, spec):
        yield f"link type {spec.link_type} is wanted, and the port is {nic.link_type}"


def _remedy(nic: Nic, spec: NicSpec, code: str) -> str:
    ways = {
        "firmware-tool-missing": "Install mstflint, which holds it",
        "firmware-lockdown": f"Boot once without Secure Boot and {_by_hand(nic, spec)}",
        "firmware-dpu-mode": f"On the card's own system {_by_hand(nic, spec)}, or put the card into NIC mode",
    }
    way = ways.get(code, f"Correct what keeps `mstconfig -e -d {nic.address} q` from answering")
    if spec.restore:
        return f"{way}, or leave the firmware as it is: `sriov-core reset --forget {nic.address}`"
    if nvconfig.wants_vfs(nic, spec) and nic.total_vfs:
        return f"{way}, or ask for {nic.total_vfs} VFs or fewer (numVfs)"
    return way


def _by_hand(nic: Nic, spec: NicSpec) -> str:
    arguments = []
    if nvconfig.wants_vfs(nic, spec):
        arguments += [f"{nvconfig.SRIOV_EN}=True", f"{nvconfig.NUM_OF_VFS}={spec.num_vfs}"]
    if nvconfig.wants_link_type(nic, spec):
        arguments.append(f"{nvconfig.link_type_name(nic) or 'LINK_TYPE_P<port>'}={spec.link_type}")
    if spec.restore and not arguments:
        arguments = [f"{name}={value}" for name, value in spec.restore.settings.items()]
    return f"set it by hand (mstconfig -d {nic.address} set {' '.join(arguments)})"


def _vfs(nic: Nic, spec: NicSpec) -> Iterator[Problem]:
    if not nvconfig.wants_vfs(nic, spec):
        return
    missing = [name for name in (nvconfig.SRIOV_EN, nvconfig.NUM_OF_VFS) if name not in nic.settings]
    if missing:
        yield Problem(
            code="firmware-no-sriov",
            nic=nic.address,
            text=f"{'; '.join(_wants(nic, spec))}; its firmware has no {' and no '.join(missing)} that could be set",
            remedy=f"Ask for {nic.total_vfs or 0} VFs or fewer (numVfs), or update the card's firmware",
        )


def _link_type(nic: Nic, spec: NicSpec) -> Iterator[Problem]:
    if not nvconfig.wants_link_type(nic, spec):
        return
    name = nvconfig.link_type_name(nic)
    why = _fixed_link_type(nic, name)
    if why:
        yield Problem(
            code="link-type-fixed",
            nic=nic.address,
            text=f"link type {spec.link_type} is wanted, and the port is {nic.link_type}; {why}",
            remedy=f"Leave linkType out or at {nic.link_type}, or {_by_hand(nic, spec)} if you know better",
        )


def _fixed_link_type(nic: Nic, name: str | None) -> str:
    if name is None:
        functions = nic.facts.get("functions", "no")
        return f"the card has {functions} functions, so which of its ports this one is cannot be told"
    if name not in nic.settings:
        return f"its firmware has no {name} that could be set: the card was made for one link type"
    if nic.settings[name].current not in tuple(LinkType):
        return f"its firmware has {name} at {nic.settings[name].current}, which is neither ETH nor IB"
    return ""


def _guids(nic: Nic, spec: NicSpec) -> Iterator[Problem]:
    if fault := nic.facts.get("guid-pool"):
        code, _, text = fault.partition(": ")
        remedy = "Correct the file; without it, and for PFs that it leaves out, VFs get GUIDs derived from their PF's"
        if code == "guid-pool-exhausted":
            remedy = f"Add GUIDs for {nic.address} to the file, or ask for fewer VFs (numVfs)"
        yield Problem(code=code, nic=nic.address, text=text, remedy=remedy)
    elif nic.link_type is LinkType.IB and nic.name is not None:
        yield from _nameless(nic, spec)


def _nameless(nic: Nic, spec: NicSpec) -> Iterator[Problem]:
    lacking = (vf for vf in nic.vfs if vf.index < spec.num_vfs and lacks_guid(nic, spec, vf))
    zero = [vf.index for vf in lacking if identity.guid(nic, vf) is None]
    if zero:
        yield Problem(
            code="no-guid",
            nic=nic.address,
            text=f"{len(zero)} VFs need a node GUID and have none (vf{zero[0]} is the first), and the PF shows none of "
            "its own to derive theirs from",
            remedy=f"Add GUIDs for {nic.address} to {guids.POOL_PATH}",
        )
