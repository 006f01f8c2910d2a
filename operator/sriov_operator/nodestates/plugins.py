"""The plugin of each NIC, chosen from what the node reports of its NICs and its plugins. Nothing here does I/O."""

import enum
import re
from collections.abc import Collection, Iterable, Iterator, Mapping

import attrs
import msgspec

from sriov_core.api import keys
from sriov_core.api.conditions import Condition
from sriov_core.api.fault import Fault
from sriov_core.api.nodestate import InterfaceWish, NodeStateSpec, PluginMatch, PluginReport, UnmanagedInterface
from sriov_core.model.address import Address
from sriov_core.model.observed import Function
from sriov_core.plugin.info import Match, PluginInfo
from sriov_core.plugin.ownership import Choice, Refused, choose
from sriov_core.policy.pins import parse_pins
from sriov_operator.nodestates.facts import BAREMETAL, stands_for_itself
from sriov_operator.process.lean import LeanReport, LeanStatus

CONDITION = "PluginsChosen"
"""The condition of a node state that tells which NICs have no plugin, and why."""

_ETHERNET, _INFINIBAND = "020000", "020700"
_API = re.compile(r"([0-9]{1,6})\.([0-9]{1,6})")
_MOST_TOLD = 10


class Reason(enum.StrEnum):
    """Why the condition is as it is; of several, the first one counts."""

    UNREADABLE = "ReportNotUnderstood"
    CONFLICT = "Conflict"
    BLOCKED = "Blocked"
    UNMANAGED = "Unmanaged"
    PIN = "PinNotUnderstood"
    CHOSEN = "Chosen"


@attrs.frozen
class Remark:
    """One thing that an administrator may have to see to."""

    reason: Reason
    text: str


@attrs.frozen(kw_only=True)
class Chosen:
    """The wish with the plugin of each NIC (None: it stays as it is), and what there is to say about the plugins.

    ``is_judged`` is False where nothing could be chosen, so that nothing is to be said either.
    """

    wish: NodeStateSpec | None
    remarks: tuple[Remark, ...] = ()
    is_judged: bool = False

    def count(self, reason: Reason) -> int:
        """How many remarks have a reason."""
        return sum(one.reason is reason for one in self.remarks)


@attrs.frozen(kw_only=True)
class _Plugins:
    """What a node's agent has installed, who served which NIC so far, and what administrators say."""

    infos: tuple[PluginInfo, ...]
    refused: tuple[Refused, ...]
    served: Mapping[Address, str]
    pins: Mapping[Address, str]

    def choose(self, function: Function) -> Choice:
        return choose(function, self.infos, pins=self.pins, refused=self.refused, served=self.served)


def chosen(
    wish: NodeStateSpec | None,
    status: LeanStatus,
    *,
    platform: str,
    annotations: Mapping[str, str],
    disabled: Collection[str] = (),
) -> Chosen:
    """The wish with its plugins, for a report in which every address can be read.

    An agent that reports no plugins is one that knows of none: its wish stays as it is. A plugin that is ``disabled``
    by the configuration is no loss: others take its place.
    """
    if not status.plugins:
        return Chosen(wish=wish)
    given = parse_pins(annotations.get(keys.PINNED_PLUGINS, ""))
    infos, refused = _catalogue(status.plugins)
    served = {Address.parse(one.pci_address): one.plugin for one in status.interfaces if one.plugin not in disabled}
    plugins = _Plugins(infos=infos, refused=refused, served=served, pins=given.plugins)
    functions = _functions(status, platform)
    choices = {function.address: plugins.choose(function) for function in functions}
    return Chosen(
        wish=wish and _with_plugins(wish, choices),
        is_judged=True,
        remarks=(
            *(remark for address, choice in choices.items() for remark in _remarks(address, choice)),
            *(Remark(Reason.PIN, str(fault)) for fault in (*given.faults, *_strange_pins(given.plugins, choices))),
        ),
    )


def condition(remarks: Iterable[Remark], generation: int) -> Condition:
    """What the remarks come to; ``generation`` is the node state's."""
    told = sorted(remarks, key=lambda one: list(Reason).index(one.reason))
    if not told:
        text = "every NIC has a plugin"
        return Condition(
            type=CONDITION, status="True", reason=Reason.CHOSEN, message=text, observed_generation=generation
        )
    more = [f"and {len(told) - _MOST_TOLD} more"] if len(told) > _MOST_TOLD else []
    message = "; ".join((*(one.text for one in told[:_MOST_TOLD]), *more))
    return Condition(
        type=CONDITION, status="False", reason=told[0].reason, message=message, observed_generation=generation
    )


def is_told(before: Iterable[Condition], wanted: Condition) -> bool:
    """True when the node state says it already, or when all is well and it never said anything."""
    found = next((one for one in before if one.type == wanted.type), None)
    if found is None:
        return wanted.status == "True"
    return (found.status, found.reason, found.message) == (wanted.status, wanted.reason, wanted.message)


def _with_plugins(wish: NodeStateSpec, choices: Mapping[Address, Choice]) -> NodeStateSpec:
    wishes = tuple(_with_plugin(one, choices) for one in wish.interfaces)
    return msgspec.structs.replace(wish, interfaces=wishes)


def _with_plugin(wish: InterfaceWish, choices: Mapping[Address, Choice]) -> InterfaceWish:
    choice = choices.get(Address.parse(wish.pci_address))
    return msgspec.structs.replace(wish, plugin=(choice.plugin if choice else None) or "")


def _functions(status: LeanStatus, platform: str) -> tuple[Function, ...]:
    """What a plugin can be chosen for; a function that stands in both lists counts once, as a NIC."""
    nics = [
        _function(one, platform if stands_for_itself(one, platform) else BAREMETAL, one.link_type)
        for one in status.interfaces
    ]
    known = {function.address for function in nics}
    others = [_function(one, platform) for one in status.unmanaged if _is_address(one.pci_address)]
    return (*nics, *(function for function in others if function.address not in known))


def _function(report: LeanReport | UnmanagedInterface, platform: str, link_type: str = "") -> Function:
    vendor, _, device = report.subsystem.partition(":")
    return Function(
        address=Address.parse(report.pci_address),
        vendor=report.vendor,
        device=report.device_id,
        subsystem_vendor=vendor,
        subsystem_device=device,
        pci_class=report.pci_class or (_INFINIBAND if link_type.upper() == "IB" else _ETHERNET),
        kernel_driver=report.driver or None,
        platform=platform,
    )


def _is_address(text: str) -> bool:
    try:
        Address.parse(text)
    except ValueError:
        return False
    return True


def _catalogue(reports: Iterable[PluginReport]) -> tuple[tuple[PluginInfo, ...], tuple[Refused, ...]]:
    """The plugins that can serve and those that cannot; one whose report makes no sense counts as refused."""
    infos: list[PluginInfo] = []
    refused: list[Refused] = []
    for report in reports:
        reason = report.refused
        info: PluginInfo | None = None
        try:
            info = _info(report)
        except ValueError as err:
            reason = reason or f"what it says of itself makes no sense: {err}"
        if reason or info is None:
            refused.append(Refused(name=report.name, reason=reason, distribution=report.version, info=info))
        else:
            infos.append(info)
    return tuple(infos), tuple(refused)


def _info(report: PluginReport) -> PluginInfo | None:
    """What a plugin says of itself; None for a refused one that never got to say. ValueError for nonsense."""
    if report.refused and not report.matches:
        return None
    version = _API.fullmatch(report.api)
    return PluginInfo(
        name=report.name,
        api=(int(version[1]), int(version[2])) if version else (0, 0),
        matches=tuple(map(_match, report.matches)),
        is_base=report.base,
    )


def _match(match: PluginMatch) -> Match:
    return Match(
        vendor=match.vendor or None,
        device=match.device or None,
        subsystem=match.subsystem or None,
        kernel_driver=match.kernel_driver or None,
        pci_class=match.pci_class or None,
        platform=match.platform or None,
    )


def _remarks(address: Address, choice: Choice) -> Iterator[Remark]:
    if choice.blocked:
        yield Remark(Reason.BLOCKED, f"{address}: {choice.blocked}")
    elif choice.plugin is None:
        remedy = f"The annotation {keys.PINNED_PLUGINS}: {address}=PLUGIN of this node state pins one"
        reason = Reason.CONFLICT if choice.rivals else Reason.UNMANAGED
        yield Remark(reason, f"{address}: {choice.reason}. {remedy}")


def _strange_pins(pins: Mapping[Address, str], choices: Mapping[Address, Choice]) -> Iterator[Fault]:
    for address in sorted(set(pins) - set(choices)):
        path = f"metadata.annotations[{keys.PINNED_PLUGINS}]"
        yield Fault(path, f"the node reports no NIC {address}", "Remove the pin, or correct the address")
