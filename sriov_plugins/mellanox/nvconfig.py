"""The card's non-volatile configuration: what its settings mean, whose they are, and which a wish needs. Pure.

NUM_OF_VFS and SRIOV_EN hold for every PF of a card, LINK_TYPE_P1 and _P2 for a port each; all take effect at the next
boot (mstflint's mlxconfig describes each parameter so).
"""

from collections.abc import Mapping

from sriov_core.plugin import LinkType, Nic, NicSpec, Setting
from sriov_plugins.mellanox.mstconfig import Table

NUM_OF_VFS = "NUM_OF_VFS"
SRIOV_EN = "SRIOV_EN"
MOST_VFS = 127
"""VFs a PF at most: "VF Network Function Limitations" in NVIDIA's firmware release notes of ConnectX-6 Lx and -7.

Cards that show more already keep more; NVIDIA's DOCA manual has the same figure for every ConnectX.
"""

_LINK_TYPES = {1: "LINK_TYPE_P1", 2: "LINK_TYPE_P2"}
ORDER = (SRIOV_EN, NUM_OF_VFS, *_LINK_TYPES.values())
"""All that we change, in the order in which we say it."""

_NUMBERED_TYPES = {"1": LinkType.IB, "2": LinkType.ETH}


def is_needed(nic: Nic, spec: NicSpec) -> bool:
    """True when the wish may need the firmware changed, so that it has to be looked at.

    A release changes of it only what was recorded, and that is recorded only where it was changed.
    """
    if spec.restore:
        return bool(spec.restore.settings)
    return wants_vfs(nic, spec) or wants_link_type(nic, spec)


def wants_vfs(nic: Nic, spec: NicSpec) -> bool:
    """True when more VFs are wanted than the kernel was offered at boot."""
    return spec.num_vfs > (nic.total_vfs or 0)


def wants_link_type(nic: Nic, spec: NicSpec) -> bool:
    """True when the port shall speak something else than now."""
    return None not in (spec.link_type, nic.link_type) and spec.link_type != nic.link_type


def understood(table: Table) -> dict[str, Setting]:
    """Of what the tool shows the settings that we change; fixed ones and values without sense are left out."""
    readers = {NUM_OF_VFS: _count, SRIOV_EN: _switch, **dict.fromkeys(_LINK_TYPES.values(), _type)}
    found: dict[str, Setting] = {}
    for name, read in readers.items():
        if name not in table.fixed and (setting := table.settings.get(name)):
            current, coming = read(setting.current), read(setting.next)
            if current is not None and coming is not None:
                found[name] = Setting(current=current, next=coming)
    return found


def _count(value: str) -> str | None:
    return str(int(value)) if value.isascii() and value.isdigit() and len(value) < 6 else None


def _switch(value: str) -> str | None:
    return {"true": "True", "1": "True", "false": "False", "0": "False"}.get(value.lower())


def _type(value: str) -> str | None:
    return next((kind.value for kind in LinkType if kind in value.upper()), _NUMBERED_TYPES.get(value, value))


def is_dpu(shown: Mapping[str, Setting]) -> bool:
    """True for a BlueField whose own processor manages the NIC, whatever this machine may wish for.

    Its firmware says so in five settings; newer firmware (BlueField-3) has the last two only.
    """
    now = {name.removeprefix("INTERNAL_CPU_"): setting.current for name, setting in shown.items()}
    others = [now[name] for name in ("PAGE_SUPPLIER", "ESWITCH_MANAGER", "IB_VPORT0") if name in now]
    engine = "ENABLED" in now.get("OFFLOAD_ENGINE", "")
    return engine and "EMBEDDED_CPU" in now.get("MODEL", "") and all("ECPF" in owner for owner in others)


def most_vfs(nic: Nic, settings: Mapping[str, Setting]) -> int | None:
    """How many VFs the firmware could be set to offer; None when it does not tell what it offers now."""
    if not {NUM_OF_VFS, SRIOV_EN} <= settings.keys():
        return None
    shown = settings[NUM_OF_VFS]
    return max(MOST_VFS, nic.total_vfs or 0, int(shown.current), int(shown.next))


def link_type_name(nic: Nic) -> str | None:
    """The setting with the port's link type; None when the card has too many functions to tell which port it is."""
    function = nic.address.name.rpartition(".")[2]
    two_at_most = nic.facts.get("functions") in ("1", "2")
    return _LINK_TYPES[int(function) + 1] if two_at_most and function in ("0", "1") else None


def card_name(nic: Nic) -> str:
    """The card's PCI address without a function."""
    return nic.address.name.rpartition(".")[0]
