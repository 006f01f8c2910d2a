"""The one change of a card's firmware for all of its ports together, and which reboots it takes. Pure.

The number of VFs is a floor: the firmware may offer more than anybody wants, so wanting fewer VFs changes nothing and
costs no reboot.
"""

from collections.abc import Iterator, Mapping, Sequence

from sriov_core.plugin import (
    BindDriver,
    EswitchMode,
    Nic,
    NicSpec,
    Reboot,
    ResetFirmware,
    SetEswitchMode,
    SetFirmware,
    SetNumVfs,
    Setting,
    Step,
)
from sriov_plugins.mellanox.nvconfig import (
    NUM_OF_VFS,
    ORDER,
    SRIOV_EN,
    card_name,
    link_type_name,
    wants_link_type,
    wants_vfs,
)


def steps(card: Sequence[Nic], specs: Sequence[NicSpec]) -> Iterator[Step]:
    """The one change of the card's firmware for all wishes together, and a reset of the card where that is wished."""
    settings = _of_card(card)
    changes = {name: value for name, value in _wanted(card, specs, settings).items() if settings[name].next != value}
    first = card[0].address
    if changes:
        ordered = {name: changes[name] for name in ORDER if name in changes}
        arguments = (f"{name}={value}" for name, value in ordered.items())
        yield SetFirmware(
            nic=first,
            was={name: settings[name].next for name in ordered},
            settings=ordered,
            argv=("mstconfig", "-d", str(first), "-y", "set", *arguments),
        )
    if _may_reset(card, specs):
        for nic in card:
            yield from _without_vfs(nic)
        yield ResetFirmware(nic=first, argv=("mstfwreset", "-d", str(first), "--skip_driver", "-l", "3", "-y", "reset"))


def _of_card(card: Sequence[Nic]) -> dict[str, Setting]:
    """The settings as whichever port was looked at shows them: all of them show the card's."""
    found: dict[str, Setting] = {}
    for nic in card:
        found = {**nic.settings, **found}
    return found


def _wanted(card: Sequence[Nic], specs: Sequence[NicSpec], settings: Mapping[str, Setting]) -> dict[str, str]:
    before = [spec.restore.settings for spec in specs if spec.restore]
    need = max(spec.num_vfs for spec in specs)
    wanted: dict[str, str] = {}
    if {NUM_OF_VFS, SRIOV_EN} <= settings.keys():
        wanted = dict(_vfs(need, before, settings))
    for nic, spec in zip(card, specs, strict=True):
        name = link_type_name(nic)
        if name and name in settings and not spec.externally_managed:
            kind = spec.restore.settings.get(name) if spec.restore else spec.link_type
            if kind:
                wanted[name] = str(kind)
    return wanted


def _vfs(need: int, before: Sequence[Mapping[str, str]], settings: Mapping[str, Setting]) -> Iterator[tuple[str, str]]:
    counts = [int(found[NUM_OF_VFS]) for found in before if found.get(NUM_OF_VFS, "").isdigit()]
    if need > int(settings[NUM_OF_VFS].next):
        yield NUM_OF_VFS, str(need)
    elif counts:  # of ports recorded one after the other, the first saw the least of what we did
        yield NUM_OF_VFS, str(max(need, min(counts)))
    if need:
        yield SRIOV_EN, "True"
    elif any(found.get(SRIOV_EN) == "False" for found in before):
        yield SRIOV_EN, "False"


def _may_reset(card: Sequence[Nic], specs: Sequence[NicSpec]) -> bool:
    """Only where a wish waits for what the card would load, and nobody else's port goes down with the card.

    Whether the settings change now or did so before: they may be set since a run that ended half-way, or one without a
    reset.
    """
    ports = list(zip(card, specs, strict=True))
    asked = any(spec.reset_firmware and _waits_for_loading(nic, spec) for nic, spec in ports)
    return asked and not any(spec.externally_managed or (nic.uses and not spec.named) for nic, spec in ports)


def _waits_for_loading(nic: Nic, spec: NicSpec) -> bool:
    """True when something that the wish needs is not in effect in the card itself; a reboot follows in any case."""
    settings, name = nic.settings, link_type_name(nic)
    few = False
    if wants_vfs(nic, spec) and {NUM_OF_VFS, SRIOV_EN} <= settings.keys():
        few = settings[SRIOV_EN].current == "False" or int(settings[NUM_OF_VFS].current) < spec.num_vfs
    other = wants_link_type(nic, spec) and name in settings and settings[str(name)].current != spec.link_type
    return few or other


def _without_vfs(nic: Nic) -> Iterator[Step]:
    if not nic.num_vfs:
        return
    if nic.effective_mode is EswitchMode.SWITCHDEV:  # its kernel driver changes the count in legacy mode only
        for vf in nic.vfs:
            if vf.kernel_driver is not None:
                yield BindDriver(nic=nic.address, vf=vf.index, was=vf.kernel_driver, kernel_driver=None)
        yield SetEswitchMode(nic=nic.address, was=nic.effective_mode, mode=EswitchMode.LEGACY)
    yield SetNumVfs(nic=nic.address, was=nic.num_vfs, count=0)


def reboots(nic: Nic, spec: NicSpec) -> Iterator[Reboot]:
    """One for each requirement that only a boot meets; the text of each holds the value, so another one asks anew.

    So does the wish for a reset: where a reboot alone had no effect, one with a reset may have some.
    """
    settings, card, reset = nic.settings, card_name(nic), "+reset" if spec.reset_firmware else ""
    if spec.externally_managed or not settings:
        return
    if wants_vfs(nic, spec) and {NUM_OF_VFS, SRIOV_EN} <= settings.keys():
        if settings[SRIOV_EN].current == "False":
            reason = f"the firmware of card {card} has SR-IOV off ({SRIOV_EN}=False) until the next boot"
            yield Reboot(requirement=f"firmware:{card}:{SRIOV_EN}=True{reset}", reason=reason)
        offered = int(settings[NUM_OF_VFS].current)
        if offered < spec.num_vfs or settings[SRIOV_EN].current == "True":
            reason = (
                f"{spec.num_vfs} VFs need {NUM_OF_VFS} of at least {spec.num_vfs} in the firmware of card {card}; "
                f"it offers {nic.total_vfs or 0} until the next boot"
            )
            yield Reboot(requirement=f"firmware:{card}:{NUM_OF_VFS}>={spec.num_vfs}{reset}", reason=reason)
    name = link_type_name(nic)
    if wants_link_type(nic, spec) and name in settings:
        reason = f"link type {spec.link_type} ({name} in the firmware of card {card}) takes effect at the next boot"
        yield Reboot(requirement=f"firmware:{card}:{name}={spec.link_type}{reset}", reason=reason)
