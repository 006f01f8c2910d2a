"""Print every figure, then fail if one is over its limit. ``python -m bench NAME...`` measures only these.

A NAME is a part or a group of parts: ``node`` for what one machine shows, ``cluster`` for what takes an API server and
a quarter of an hour.
"""

import importlib
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from bench import lab, planning, probe, refusing, rendering
from bench.figure import Figure

GROUPS = {
    "node": ("probe", "planning", "rendering", "refusing", "lab"),
    "cluster": ("scale", "memory", "idle", "agents"),
}


def parts(folder: Path) -> dict[str, Callable[[], Iterator[Figure]]]:
    """The parts that can be measured, by name."""
    return {
        "probe": lambda: probe.figures(folder),
        "planning": planning.figures,
        "rendering": rendering.figures,
        "refusing": refusing.figures,
        "lab": lab.figures,
        **{name: partial(_in_cluster, name, folder) for name in GROUPS["cluster"]},
    }


def _in_cluster(name: str, folder: Path) -> Iterator[Figure]:
    """The figures of a part that needs an API server; there is nothing to measure where none can run."""
    from bench import cluster  # noqa: PLC0415  # what it imports is no part of what is measured without a cluster

    if reason := cluster.obstacle():
        print(f"{name}: not measured: {reason}", file=sys.stderr)
        return
    print(f"{name}: a cluster is filled, which takes a while; {cluster.load()}", file=sys.stderr)
    yield from importlib.import_module(f"bench.cluster_{name}").figures(folder)


def main(wanted: list[str]) -> int:
    """The exit code: 1 when a figure is over its limit."""
    with tempfile.TemporaryDirectory(prefix="sriov-core-bench-") as folder:
        known = parts(Path(folder))
        names = [name for one in wanted or GROUPS for name in GROUPS.get(one, (one,))]
        if unknown := sorted(set(names) - set(known)):
            there = f"there are {', '.join(known)}, and the groups {' and '.join(GROUPS)}"
            print(f"there is no part {unknown[0]}; {there}", file=sys.stderr)
            return 1
        exceeding = []
        for name in dict.fromkeys(names):
            for figure in known[name]():
                print(figure.line(), flush=True)
                exceeding += [figure.name] if figure.exceeds else []
    if exceeding:
        print(f"over the limit: {', '.join(exceeding)}", file=sys.stderr)
    return 1 if exceeding else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
