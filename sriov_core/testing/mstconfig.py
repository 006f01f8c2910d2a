"""mstconfig and mstfwreset of mstflint, as functions on the firmware of cards: what they say and what they change.

Their words are those of mstflint's sources: mlxconfig/mlxcfg_ui.cpp, mlxcfg_tlv.cpp (limits), mlxcfg_param.cpp
(values), mlxcfg_commander.cpp (devices), and small_utils/mstfwreset.py; exit codes are mlxcfg_ui.h's (mlxCfgStatus).
Under kernel lockdown the tool fails on its access to the configuration space of the device.
"""

import re
from collections.abc import Mapping, Sequence

import attrs

from sriov_core.plugin.reader import Answer
from sriov_core.testing import mstconfig_table as printed
from sriov_core.testing.facts import CardFacts, TableLayout
from sriov_core.testing.tree import Tree

PROGRAMS = ("mstconfig", "mstfwreset")
_ABORTED, _ERROR = 2, 3
_ARGUMENT = re.compile(r"(?P<name>[^=]+)=(?P<value>.+)")
_SHOWN = re.compile(r"(?P<word>[^()]+)\((?P<number>\d+)\)")
_ENUMS: Mapping[str, Mapping[str, int]] = {
    "LINK_TYPE_P": {"IB": 1, "ETH": 2, "VPI": 3},
    "INTERNAL_CPU_MODEL": {"SEPARATED_HOST": 0, "EMBEDDED_CPU": 1},
    "INTERNAL_CPU_OFFLOAD_ENGINE": {"ENABLED": 0, "DISABLED": 1},
    "INTERNAL_CPU_": {"ECPF": 0, "EXT_HOST_PF": 1},
}
_BOOL = {"False": 0, "True": 1}
_SEMAPHORE = "write counter to semaphore: Operation not permitted\n"


class _Failed(Exception):
    """The tool ends with an error of its own."""


@attrs.frozen(kw_only=True)
class _Call:
    """A command line, taken apart."""

    device: str = ""
    verbose: bool = False
    yes: bool = False
    command: str = ""
    words: tuple[str, ...] = ()
    level: str = ""


def run(tree: Tree, argv: Sequence[str]) -> Answer | None:
    """The program's answer on a machine; None when it is not installed there, as on every one without such cards."""
    if not tree.cards or argv[0] not in PROGRAMS or argv[0] in tree.node.missing_tools:
        return None
    return answer(tree.cards, argv, lockdown=tree.node.lockdown, table=tree.node.mstconfig_table)


def answer(
    cards: Sequence[CardFacts], argv: Sequence[str], *, lockdown: str = "none", table: TableLayout = "wide"
) -> Answer:
    """What ``mstconfig`` or ``mstfwreset`` answers; a set changes ``next`` of the card."""
    call = _parsed(argv[1:])
    if argv[0] == "mstfwreset":
        return _reset(cards, call, lockdown)
    if call.command not in ("q", "query", "s", "set"):
        return _error("No command found. For more information please run mstconfig -h|--help")
    try:
        card = _opened(cards, call.device)
    except _Failed as err:
        return _error(str(err))
    if lockdown != "none":
        return attrs.evolve(_error("Failed to open the device"), err=_SEMAPHORE)
    return _query(card, call, table) if call.command.startswith("q") else _set(card, call, table)


def boot(card: CardFacts) -> None:
    """The card loads its firmware anew: what was set for the next boot is in effect."""
    card.current = {**card.current, **card.next}
    card.next = {}


def setting(card: CardFacts, name: str) -> str | None:
    """A setting as it is in effect, as the tool prints it; None when the card has none of that name."""
    return printed.values(card, "current").get(name)


def _query(card: CardFacts, call: _Call, table: TableLayout) -> Answer:
    head = printed.opening(card, call.device, 1, table)
    if unknown := [name for name in call.words if name not in card.default]:
        return _error(f"The Device doesn't support {unknown[0]} parameter", head)
    return Answer(code=0, out=head + printed.queried(call.words or card.default, card, table, verbose=call.verbose))


def _set(card: CardFacts, call: _Call, table: TableLayout) -> Answer:
    head = printed.opening(card, call.device, 1, table)
    try:
        new = dict(_wanted(card, word) for word in call.words)
    except _Failed as err:
        return _error(str(err), head)
    if not new:
        return _error("No parameters to set were given")
    asked = f"{head}{printed.changed(new, card, table)}\n Apply new Configuration? (y/n) [n] : "
    if not call.yes:  # nobody answers: standard input is at its end
        return Answer(code=_ABORTED, out=f"{asked}-E- Aborted by user.\n")
    if too_large := [name for name, value in new.items() if name == "NUM_OF_VFS" and int(value) > card.max_vfs]:
        text = f"Parameter {too_large[0]}' value is larger than maximum allowed {card.max_vfs}"
        return _error(text, f"{asked}y\nApplying... Failed!\n")
    card.next = {**card.next, **new}
    done = "Applying... Done!\n-I- Please reboot machine to load new configurations.\n"
    return Answer(code=0, out=f"{asked}y\n{done}")


def _wanted(card: CardFacts, word: str) -> tuple[str, str]:
    match = _ARGUMENT.fullmatch(word)
    if match is None:
        raise _Failed(f"Invalid TLV configuration {word}")
    name, value = match["name"].upper(), match["value"]
    if name not in card.default:
        raise _Failed(f"The Device doesn't support {name} parameter")
    if name in card.read_only:
        raise _Failed(f"Parameter {name} is read only")
    shown = _SHOWN.fullmatch(card.default[name])
    return name, _in_words(name, shown["word"], value) if shown else _as_number(value)


def _in_words(name: str, example: str, value: str) -> str:
    """An enumeration takes its words in any case, and its numbers (EnumParamValue::parseValue)."""
    known = _BOOL if example in _BOOL else next((words for stem, words in _ENUMS.items() if name.startswith(stem)), {})
    for word, number in known.items():
        if value.lower() == word.lower() or value == str(number):
            return f"{word}({number})"
    raise _Failed(f"Unknown value {value}")


def _as_number(value: str) -> str:
    try:
        return str(int(value, 0))
    except ValueError:
        raise _Failed("Cannot parse the value") from None


def _reset(cards: Sequence[CardFacts], call: _Call, lockdown: str) -> Answer:
    if call.command not in ("r", "reset"):
        return Answer(code=2, out="", err="mstfwreset: error: the following arguments are required: command\n")
    if lockdown != "none":
        return Answer(code=1, out="-E- The tool is not supported on UEFI Secure Boot.\n")
    try:
        card = _opened(cards, call.device)
    except _Failed:
        return Answer(code=1, out=f"-E- Failed to Identify Device: {call.device}.\n")
    if card.reset_failure:
        return Answer(code=1, out=f"-E- {card.reset_failure}.\n")
    if call.level and call.level != "3":
        text = f"Reset-level '{call.level}' is not supported in the current state of this device"
        return Answer(code=1, out=f"-E- {text}.\n")
    head = f"\nRequested reset level for device, {call.device}:\n\n3: Driver restart and PCI reset\n"
    if not call.yes:
        return Answer(code=1, out=f"{head}Continue with reset?[y/N] -E- Aborted by user.\n")
    stages = ("Sending Reset Command To Fw", "Resetting PCI")
    lines = [f"-I- {stage:40}-Done" for stage in stages]
    boot(card)
    return Answer(
        code=0, out="\n".join((f"{head}Continue with reset?[y/N] y", *lines, "-I- FW was loaded successfully.\n"))
    )


def _opened(cards: Sequence[CardFacts], device: str) -> CardFacts:
    """The card of a PCI address, which may leave out domain 0."""
    for card in cards:
        if any(device in (address, address.removeprefix("0000:")) for address in card.functions):
            if card.failure:
                raise _Failed(card.failure)
            return card
    raise _Failed("Failed to open the device")


def _parsed(words: Sequence[str]) -> _Call:
    call, left = _Call(), list(words)
    while left:
        word = left.pop(0)
        if word in ("-d", "--dev", "--device") and left:
            call = attrs.evolve(call, device=left.pop(0))
        elif word in ("-l", "--level") and left:
            call = attrs.evolve(call, level=left.pop(0))
        elif word in ("-e", "--enable_verbosity"):
            call = attrs.evolve(call, verbose=True)
        elif word in ("-y", "--yes"):
            call = attrs.evolve(call, yes=True)
        elif not word.startswith("-"):
            call = _with_word(call, word)
    return call


def _with_word(call: _Call, word: str) -> _Call:
    return attrs.evolve(call, words=(*call.words, word)) if call.command else attrs.evolve(call, command=word)


def _error(text: str, before: str = "") -> Answer:
    return Answer(code=_ERROR, out=f"{before}-E- {text}\n")
