"""Which plugin serves a function: the most specific match wins, a tie is an error, load order never matters. Pure."""

from collections.abc import Iterable, Mapping

import attrs

from sriov_core.model.address import Address
from sriov_core.model.observed import Function
from sriov_core.plugin.info import Match, PluginInfo

_WEIGHTS = {"device": 16, "vendor": 8, "subsystem": 8, "platform": 4, "kernel_driver": 2, "pci_class": 1}


@attrs.frozen(kw_only=True)
class Refused:
    """A plugin that is installed but cannot serve: why, and what it would drive (None: it never got to say)."""

    name: str
    reason: str
    distribution: str = ""
    info: PluginInfo | None = None


@attrs.frozen(kw_only=True)
class Choice:
    """The owner of a function. ``plugin`` None means unmanaged; ``blocked`` says why nothing may be changed.

    ``rivals`` are the plugins that match it equally well, none unless there is a tie.
    """

    plugin: str | None
    reason: str
    blocked: str | None = None
    rivals: tuple[str, ...] = ()


def choose(
    function: Function,
    plugins: Iterable[PluginInfo],
    *,
    pins: Mapping[Address, str] | None = None,
    refused: Iterable[Refused] = (),
    served: Mapping[Address, str] | None = None,
) -> Choice:
    """Choose the owner of a function among the installed plugins.

    ``pins`` is the administrator's word and beats every match. A refused plugin that would have won, or that could
    have won because it never said what it drives, blocks a fall back to the base instead of being replaced by it.
    ``served`` maps a NIC to the plugin that served it so far: when that one is gone, nobody takes its place unasked.
    """
    by_name, refused = {info.name: info for info in plugins}, tuple(refused)
    pinned = (pins or {}).get(function.address)
    if pinned is not None:
        return _pinned(pinned, by_name, refused)
    before = (served or {}).get(function.address)
    if before and before not in {*by_name, *(entry.name for entry in refused)}:
        return Choice(plugin=None, reason=_gone(before, function, by_name))
    ranked = _ranked(function, by_name.values())
    if not ranked:
        return Choice(plugin=None, reason=_no_match(function, by_name.values()))
    score, info, match = ranked[0]
    rivals = sorted(other.name for other_score, other, _ in ranked if other_score == score)
    if len(rivals) > 1:
        reason = f"plugins {' and '.join(rivals)} match it equally well; pin one of them for {function.address}"
        return Choice(plugin=None, reason=reason, rivals=tuple(rivals))
    reason = f"matches {_text(match)}"
    return Choice(plugin=info.name, reason=reason, blocked=_blocked(function, info, score, refused))


def specificity(match: Match, function: Function) -> int | None:
    """How exactly a match describes a function; None when it does not match at all."""
    facts = {
        "vendor": function.vendor,
        "device": function.device,
        "subsystem": f"{function.subsystem_vendor}:{function.subsystem_device}",
        "kernel_driver": function.kernel_driver,
        "platform": function.platform,
    }
    score = 0
    for field, weight in _WEIGHTS.items():
        wanted = getattr(match, field)
        if wanted is None:
            continue
        fits = function.pci_class.startswith(wanted) if field == "pci_class" else facts[field] == wanted
        if not fits:
            return None
        score += weight
    return score


def _ranked(function: Function, infos: Iterable[PluginInfo]) -> list[tuple[int, PluginInfo, Match]]:
    best = []
    for info in infos:
        scores = [(score, match) for match in info.matches if (score := specificity(match, function)) is not None]
        if scores:
            score, match = max(scores, key=lambda pair: pair[0])
            best.append((score, info, match))
    return sorted(best, key=lambda entry: (-entry[0], entry[1].name))


def _pinned(name: str, by_name: Mapping[str, PluginInfo], refused: Iterable[Refused]) -> Choice:
    if name in by_name:
        return Choice(plugin=name, reason="pinned by the administrator")
    broken = next((entry.reason for entry in refused if entry.name == name), None)
    installed = ", ".join(sorted(by_name)) or "none"
    cause = f"it is refused ({broken})" if broken else f"it is not installed (installed: {installed})"
    return Choice(plugin=None, reason=f"pinned to plugin {name}, but {cause}")


def _gone(before: str, function: Function, by_name: Mapping[str, PluginInfo]) -> str:
    installed = ", ".join(sorted(by_name)) or "none"
    return (
        f"plugin {before} served it so far and is not installed any more (installed: {installed}); install it again, "
        f"pin another one (--pin {function.address}=PLUGIN, or plugin in spec.interfaces), or give the NIC up with "
        f"`sriov-core reset --forget {function.address}`"
    )


def _blocked(function: Function, winner: PluginInfo, score: int, refused: Iterable[Refused]) -> str | None:
    for entry in sorted(refused, key=lambda entry: entry.name):
        if entry.info is None:
            could_win = winner.is_base
        else:
            ranked = _ranked(function, [entry.info])
            could_win = bool(ranked) and ranked[0][0] >= score
        if could_win:
            return (
                f"plugin {entry.name} is installed but refused ({entry.reason}), so {winner.name} does not take its "
                f"place; fix or remove it, or disable it by name"
            )
    return None


def _no_match(function: Function, infos: Iterable[PluginInfo]) -> str:
    names = ", ".join(sorted(info.name for info in infos)) or "none"
    return f"no plugin drives {function.vendor}:{function.device} class {function.pci_class} (installed: {names})"


def _text(match: Match) -> str:
    fields = ((field, getattr(match, field)) for field in _WEIGHTS)
    # Bare metal is what everybody expects, so only another platform is worth a word.
    told = ((field, value) for field, value in fields if value not in (None, "baremetal"))
    given = [f"{field.replace('_', ' ')} {value}" for field, value in told]
    return ", ".join(given) or "everything"
