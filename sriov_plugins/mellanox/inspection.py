"""What is read of a card only when a wish makes it worth it: firmware settings and the pool of GUIDs. Reads only.

mstconfig takes about a second a card and talks to its firmware, so no plain look runs it.
"""

import attrs

from sriov_core.errors import HostError
from sriov_core.plugin import HostReader, LinkType, Nic, NicSpec
from sriov_plugins.mellanox import guids, mstconfig, nvconfig

_VENDOR = "15b3"


def closer(nic: Nic, spec: NicSpec, host: HostReader) -> Nic:
    """The NIC with what this wish makes worth reading; what could not be read is a fault among its facts."""
    if not spec.externally_managed and nvconfig.is_needed(nic, spec):
        nic = with_firmware(nic, host)
    if nic.link_type is LinkType.IB and spec.num_vfs:
        nic = _with_guids(nic, spec, host)
    return nic


def with_firmware(nic: Nic, host: HostReader) -> Nic:
    """The NIC with its card's firmware settings.

    Facts: ``firmware`` is empty, or a fault as ``code: text``; ``functions`` counts the PFs of the card.
    """
    found = _table(nic, host)
    settings = nvconfig.understood(found)
    fault = found.complaint
    if not fault and nvconfig.is_dpu(found.settings):
        fault = "firmware-dpu-mode: the card is in DPU mode, so its own processor manages it and not this machine"
    facts = {"firmware": fault, "functions": str(_functions(nic, host))}
    limit = None if fault else nvconfig.most_vfs(nic, settings)
    return attrs.evolve(nic, settings=settings, vf_limit=limit, facts={**nic.facts, **facts})


def _table(nic: Nic, host: HostReader) -> mstconfig.Table:
    """The tool's table; its complaint is a fault with its code."""
    lockdown = host.node().lockdown
    if lockdown not in ("", "none"):
        text = f"firmware-lockdown: the kernel is locked down ({lockdown}), which bars mstconfig from the card"
        return mstconfig.Table(complaint=text)
    device = str(nic.address)
    try:
        answer = host.query(("mstconfig", "-e", "-d", device, "q"))
    except HostError as err:
        return mstconfig.Table(complaint=f"firmware-unreadable: {err}")
    if answer is None:
        return mstconfig.Table(complaint="firmware-tool-missing: mstconfig is not installed")
    found = mstconfig.table(answer, device)
    fault = f"firmware-unreadable: mstconfig -e -d {device} q: {found.complaint}" if found.complaint else ""
    return attrs.evolve(found, complaint=fault)


def _functions(nic: Nic, host: HostReader) -> int:
    card = f"{nvconfig.card_name(nic)}."
    mine = (one for one in host.functions() if one.vendor == _VENDOR and not one.is_vf)
    return sum(one.address.bus == "pci" and one.address.name.startswith(card) for one in mine)


def _with_guids(nic: Nic, spec: NicSpec, host: HostReader) -> Nic:
    """Facts: ``guids``, VF 0's first, where there is a pool for the PF; ``guid-pool`` is its fault, ``code: text``."""
    content = host.file(guids.POOL_PATH)
    if content is None:
        return nic
    try:
        pool = guids.pool(content, str(nic.address), nic.mac)
    except guids.PoolFault as err:
        return attrs.evolve(nic, facts={**nic.facts, "guid-pool": f"guid-pool: {guids.POOL_PATH}: {err}"})
    if pool is None:
        return nic
    facts = {"guids": " ".join(pool.guids(min(spec.num_vfs, nic.total_vfs or 0)))}
    if pool.size < spec.num_vfs:
        short = f"{guids.POOL_PATH} has {pool.size} GUIDs for VFs of this PF, and {spec.num_vfs} VFs are wanted"
        facts["guid-pool"] = f"guid-pool-exhausted: {short}"
    return attrs.evolve(nic, facts={**nic.facts, **facts})
