"""Print every figure, then fail if one is over its limit. ``python -m bench NAME...`` measures only those parts."""

import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from bench import lab, planning, probe, refusing, rendering
from bench.figure import Figure


def parts(folder: Path) -> dict[str, Callable[[], Iterator[Figure]]]:
    """The parts that can be measured, by name."""
    return {
        "probe": lambda: probe.figures(folder),
        "planning": planning.figures,
        "rendering": rendering.figures,
        "refusing": refusing.figures,
        "lab": lab.figures,
    }


def main(wanted: list[str]) -> int:
    """The exit code: 1 when a figure is over its limit."""
    with tempfile.TemporaryDirectory(prefix="sriov-core-bench-") as folder:
        known = parts(Path(folder))
        if unknown := sorted(set(wanted) - set(known)):
            print(f"there is no part {unknown[0]}; there are {', '.join(known)}", file=sys.stderr)
            return 1
        exceeding = []
        for name in wanted or known:
            for figure in known[name]():
                print(figure.line(), flush=True)
                exceeding += [figure.name] if figure.exceeds else []
    if exceeding:
        print(f"over the limit: {', '.join(exceeding)}", file=sys.stderr)
    return 1 if exceeding else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
