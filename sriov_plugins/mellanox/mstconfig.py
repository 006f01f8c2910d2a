"""What `mstconfig -e -d <device> q` prints, as values. Pure; what cannot be read of it is left out, and nothing raises.

The form is that of mstflint, mlxconfig/mlxcfg_ui.cpp (printOpening, printConfHeader, printSingleParam): for each device
a few lines of its name, a heading with the columns, and a line for each parameter: ``*`` where the next boot differs,
``RO`` where it cannot be set, the name, and a value for each column. A value is a number or a name with its number,
``True(1)``; ``N/A`` stands for one that could not be read. Older firmware has no column Default or Current. Errors are
lines that begin with ``-E-``, and some of them come after a table that is right in all it shows.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

import attrs

from sriov_core.plugin import Answer, Setting

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_DEVICE = re.compile(r"Device #\d+:")
_COLUMNS = re.compile(r"Default|Current|Next Boot|New")
_USUAL_COLUMNS = ("Default", "Current", "Next Boot")
_HEADING = "Configurations:"
_MARKS = frozenset({"*", "RO", "*RO"})
_NAME = re.compile(r"[A-Z][A-Z0-9_]*")
_NUMBERED = re.compile(r"(.+)\(\w+\)")
_NOT_READ = "N/A"
_LONGEST_COMPLAINT = 200


@attrs.frozen(kw_only=True)
class Table:
    """The parameters of one device by name. ``fixed`` are those that cannot be set.

    ``complaint`` is why there is nothing to go by, in the tool's own words where it had some; empty beside parameters.
    """

    settings: Mapping[str, Setting] = attrs.field(factory=dict)
    fixed: frozenset[str] = frozenset()
    complaint: str = ""


def table(answer: Answer, device: str) -> Table:
    """The table of that device, else of the first one that the tool told of."""
    lines = [_ESCAPES.sub("", line) for line in answer.out.splitlines()]
    tables = [_parsed(part) for part in _parts(lines, device)]
    found = next((one for one in tables if one.settings), None)
    if found:
        return found
    columns = next((columns for line in lines if (columns := _columns(line))), ())
    if columns and "Current" not in columns:
        return Table(complaint="this firmware does not tell what is in effect, only what the next boot brings")
    return Table(complaint=_complaint(answer))


def _parts(lines: Sequence[str], device: str) -> list[list[str]]:
    """The lines of each device, those of the device in question first."""
    parts: list[list[str]] = [[]]
    for line in lines:
        if _DEVICE.match(line.strip()):
            parts.append([])
        parts[-1].append(line)
    return sorted(parts, key=lambda part: not any(_is_of(line, device) for line in part))


def _is_of(line: str, device: str) -> bool:
    words = line.split()
    return words[:1] == ["Device:"] and words[1:] in ([device], [device.removeprefix("0000:")])


def _parsed(lines: Sequence[str]) -> Table:
    settings: dict[str, Setting] = {}
    fixed: set[str] = set()
    for name, setting, changeable in _rows(lines):
        settings.setdefault(name, setting)
        if not changeable:
            fixed.add(name)
    return Table(settings=settings, fixed=frozenset(fixed))


def _rows(lines: Sequence[str]) -> Iterator[tuple[str, Setting, bool]]:
    columns: Sequence[str] = _USUAL_COLUMNS
    for line in lines:
        if line.strip().startswith(_HEADING):
            columns = _columns(line) or _USUAL_COLUMNS
            continue
        words = line.split()
        marks = [word for word in words[:2] if word in _MARKS]
        name, values = next(iter(words[len(marks) :]), ""), words[len(marks) + 1 :]
        if not _NAME.fullmatch(name) or len(values) < len(columns):
            continue
        shown = dict(zip(columns, values, strict=False))
        current, coming = shown.get("Current", _NOT_READ), shown.get("Next Boot", _NOT_READ)
        if _NOT_READ not in (current, coming):
            yield name, Setting(current=_plain(current), next=_plain(coming)), not any("RO" in mark for mark in marks)


def _columns(line: str) -> tuple[str, ...]:
    return tuple(_COLUMNS.findall(line.partition(_HEADING)[2]))


def _plain(value: str) -> str:
    """A value as the tool takes it back: without the number behind a name."""
    named = _NUMBERED.fullmatch(value)
    return named[1] if named else value


def _complaint(answer: Answer) -> str:
    told = [line.strip() for line in _ESCAPES.sub("", f"{answer.out}\n{answer.err}").splitlines() if line.strip()]
    errors = [line.removeprefix("-E-").strip() for line in told if line.startswith("-E-")]
    if errors:
        return _printable(errors[0])
    if answer.code:
        return _printable(f"it ended with code {answer.code}{f': {told[0]}' if told else ' and said nothing'}")
    return "its answer holds no table of parameters"


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in text)[:_LONGEST_COMPLAINT]
