"""The pages of docs/reference, made from the program itself: every field of the kinds, every verb and option.

``python docs/building/references.py`` writes them anew; with ``--check`` it writes nothing, and exits 1 when one is not
as it would be.
"""

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from sriov_core.api.crd import definitions
from sriov_core.cli.program import program as core
from sriov_operator.program import program as operator

FOLDER = Path(__file__).parents[1] / "reference"
MADE = "Made from the program; `python docs/building/references.py` writes this page anew."
PROGRAMS = {"sriov-core": core, "sriov-operator": operator}
_LIMITS = {"minimum": "from", "maximum": "to", "maxLength": "at most, characters:", "maxItems": "at most, entries:"}
Schema = dict[str, Any]


def fields() -> str:
    """Every field of every kind, as the definitions that the API server gets say it."""
    lines = [
        "# Fields of the kinds",
        "",
        f"{MADE} `sriov-core crds` prints the definitions themselves.",
        "",
        "`[]` is each entry of a list, `{}` each value of a map. The spec is the wish, the status the report.",
    ]
    for definition in definitions():
        lines += list(_kind(definition))
    return "\n".join(lines) + "\n"


def _kind(definition: dict[str, Any]) -> Iterator[str]:
    names, version = definition["spec"]["names"], definition["spec"]["versions"][0]
    schema = version["schema"]["openAPIV3Schema"]
    yield from ("", f"## {names['kind']}", "")
    short = ", ".join(f"`{name}`" for name in names.get("shortNames", ()))
    yield f"`{names['plural']}.{definition['spec']['group']}`" + (f", in short {short}" if short else "") + "."
    if said := schema.get("description"):
        yield from ("", _cell(said))
    for part in ("spec", "status"):
        rows = list(_rows(schema["properties"].get(part, {}), ""))
        if rows:
            yield from ("", f"### {part} of {names['kind']}", "", "| field | type | meaning |", "|---|---|---|", *rows)


def _rows(schema: Schema, above: str) -> Iterator[str]:
    required = schema.get("required", ())
    for name, inner in schema.get("properties", {}).items():
        path = f"{above}{name}"
        marks = ", required" if name in required else ""
        default = f" Unless given: `{_plain(inner['default'])}`." if "default" in inner else ""
        yield f"| `{path}` | {_type(inner)}{marks} | {_cell(inner.get('description', ''))}{default} |"
        yield from _below(inner, path)


def _below(schema: Schema, path: str) -> Iterator[str]:
    yield from _rows(schema, f"{path}.")
    if isinstance(items := schema.get("items"), dict):
        yield from _below(items, f"{path}[]")
    if isinstance(values := schema.get("additionalProperties"), dict):
        yield from _below(values, f"{path}{{}}")


def _type(schema: Schema) -> str:
    if "enum" in schema:
        return " or ".join(f"`{_plain(one)}`" for one in schema["enum"])
    if isinstance(items := schema.get("items"), dict):
        return f"list of {_type(items)}"
    if isinstance(values := schema.get("additionalProperties"), dict):
        return f"map to {_type(values)}"
    base = schema.get("type") or ("integer or string" if schema.get("x-kubernetes-int-or-string") else "anything")
    limits = [f"{word} {schema[key]}" for key, word in _LIMITS.items() if key in schema]
    return " ".join([base, *limits])


def _plain(value: object) -> str:
    return (
        {True: "true", False: "false", "": '""'}.get(value, str(value)) if isinstance(value, bool | str) else str(value)
    )


def commands() -> str:
    """Every verb with its options, as ``--help`` tells them."""
    lines = ["# Verbs and options", "", f"{MADE} What verbs print and mean is told in [the command line](../cli.md),"]
    lines += ["[the operator](../operator.md) and [the agent](../agent.md)."]
    for name, program in PROGRAMS.items():
        lines += list(_group(name, program))
    return "\n".join(lines) + "\n"


def _group(name: str, program: click.Command) -> Iterator[str]:
    context = click.Context(program, info_name=name)
    yield from ("", f"## {name}", "", *_told(program))
    yield from _options(program, context)
    for verb, command in _verbs(program, context):
        yield from _command(f"{name} {verb}", command, context)


def _command(path: str, command: click.Command, parent: click.Context) -> Iterator[str]:
    context = click.Context(command, info_name=path.rpartition(" ")[2], parent=parent)
    usage = " ".join(piece for piece in command.collect_usage_pieces(context))
    yield from ("", f"### {path}", "", "```text", f"{path} {usage}", "```", "", *_told(command))
    yield from _options(command, context)
    for verb, inner in _verbs(command, context):
        yield from _command(f"{path} {verb}", inner, context)


def _verbs(command: click.Command, context: click.Context) -> Iterator[tuple[str, click.Command]]:
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            if found is not None and not found.hidden:
                yield name, found


def _told(command: click.Command) -> list[str]:
    text = inspect.cleandoc((command.help or command.short_help or "").partition("\f")[0])
    return [line.replace("\b", "").replace("<", "&lt;") for line in text.splitlines()]


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    shown = [one for one in command.params if isinstance(one, click.Option) and not one.hidden]
    if shown:
        yield from ("", "| option | meaning |", "|---|---|")
    for one in shown:
        record = one.get_help_record(context)
        if record is not None:
            told = _cell(record[1])
            variable = f" Variable: `{one.envvar}`." if isinstance(one.envvar, str) else ""
            yield f"| `{record[0].replace('|', chr(92) + '|')}` | {told}{variable} |"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;").replace("[", "\\[")


PAGES = {"fields.md": fields, "commands.md": commands}


def main(arguments: list[str]) -> int:
    """Write the pages, or with ``--check`` tell which are stale; the exit code."""
    made = {FOLDER / name: make() for name, make in PAGES.items()}
    stale = [path for path, text in made.items() if not path.is_file() or path.read_text() != text]
    if "--check" in arguments:
        for path in stale:
            sys.stderr.write(
                f"docs/reference/{path.name} is stale: python docs/building/references.py writes it anew\n"
            )
        return 1 if stale else 0
    FOLDER.mkdir(exist_ok=True)
    for path, text in made.items():
        path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
