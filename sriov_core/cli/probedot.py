"""The picture of a machine in the language of Graphviz (graphviz.org/doc/info/lang.html). Pure."""

from collections.abc import Iterator

from sriov_core.cli.probepicture import Box, Kind, Picture

_FILL = {Kind.NUMA: "#e8eaf6", Kind.CARD: "#eceff1", Kind.PF: "#e3f2fd", Kind.VFS: "#e8f5e9", Kind.USER: "#fff8e1"}


def dot(picture: Picture) -> str:
    """The text of a .dot file, ending with a newline; `dot -Tsvg` or any of its kind draws it."""
    lines = [
        "digraph sriov {",
        "  rankdir=LR;",
        '  node [shape=box, style=filled, fontname="monospace", fontsize=10];',
        "  edge [arrowhead=none];",
        f"  label={_quoted(picture.caption)};",
    ]
    for number, box in enumerate(picture.boxes):
        lines += _box(box, f"n{number}")
    return "\n".join([*lines, "}", ""])


def _box(box: Box, name: str) -> Iterator[str]:
    border = ', color="#c62828", penwidth=2' if box.grave else ""
    label = "".join(f"{_escaped(line)}\\l" for line in box.lines)
    yield f'  {name} [label="{label}", fillcolor="{_FILL[box.kind]}"{border}];'
    for number, below in enumerate(box.below):
        yield from _box(below, f"{name}_{number}")
        yield f"  {name} -> {name}_{number};"


def _quoted(text: str) -> str:
    return f'"{_escaped(text)}"'


def _escaped(text: str) -> str:
    # Graphviz reads escapes (\N, \l) and entities (&lt;) in labels.
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;")
