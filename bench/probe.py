"""How long `probe` takes and how much memory, as a cold process on a large machine, beside what Python alone takes."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import attrs

from bench.figure import Figure
from bench.process import Run, side_by_side
from sriov_core.model.address import Address
from sriov_core.model.observed import LinkType, Nic, Vf
from sriov_core.testing import trees
from sriov_core.testing.simulated import tree_of
from tests.host.tree import large

PFS, VFS = 16, 64
LIMIT_S, LIMIT_MB = 0.4, 60.0
REPEATS = 9

READ = "import json,sys\nfor name in json.load(open(sys.argv[1])):\n try: open(name,'rb').read()\n except OSError: pass"
"""The floor: Python, and the files that `probe` opens, each read once."""

WATCH = """
import json, os, sys
opened = []
root = sys.argv[2]
def watch(event, arguments):
    if event == "open" and isinstance(arguments[0], (str, bytes)):
        name = os.path.abspath(os.fsdecode(arguments[0]))
        if name.startswith(root) and os.path.isfile(name):
            opened.append(name)
sys.addaudithook(watch)
from sriov_core.cli.program import program
try:
    program.main(sys.argv[3:], prog_name="sriov-core")
finally:
    json.dump(opened, open(sys.argv[1], "w"))
"""


def figures(folder: Path) -> Iterator[Figure]:
    """The figures on a machine in a file and on one in a folder, and what importing the program takes."""
    environment = _environment(folder)
    tree = folder / "machine.json"
    tree.write_text(trees.dump_json(tree_of(_nics(), hostname="large")))
    root = folder / "root"
    root.mkdir()
    large(root, PFS, VFS)
    machines = {"host-file": ("--host", str(tree), str(tree)), "root-dir": ("--root", str(root), str(root))}
    commands: dict[str, list[str]] = {"python": [sys.executable, "-c", "pass"]}
    commands["import"] = [sys.executable, "-c", "import sriov_core.cli.program, sriov_core.cli.probe"]
    for name, (option, value, below) in machines.items():
        listing = folder / f"{name}.json"
        side_by_side({name: [sys.executable, "-c", WATCH, str(listing), below, "probe", option, value]}, environment, 1)
        if not json.loads(listing.read_text()):
            raise SystemExit(f"probe {option} {value} opened no file, so there is no floor to measure")
        commands[f"{name} floor"] = [sys.executable, "-c", READ, str(listing)]
        commands[name] = [sys.executable, "-m", "sriov_core", "probe", option, value]
    runs = side_by_side(commands, environment, REPEATS)
    for name in machines:
        yield from _of_machine(name, runs[name], runs[f"{name} floor"])
    detail = "importing what `probe` needs, as a cold process; the floor is `python -c pass`"
    yield Figure(name="import", value=runs["import"].wall_s, unit="s", floor=runs["python"].wall_s, detail=detail)


def _of_machine(name: str, run: Run, floor: Run) -> Iterator[Figure]:
    detail = f"cold `probe` of {PFS} PFs x {VFS} VFs ({name}), median of {REPEATS}; the floor reads the same files"
    wall = Figure(name=f"probe-{name}-wall", value=run.wall_s, best=run.best_s, unit="s", limit=LIMIT_S, detail=detail)
    yield attrs.evolve(wall, floor=floor.wall_s)
    yield Figure(
        name=f"probe-{name}-rss", value=run.peak_mb, unit="MB", floor=floor.peak_mb, limit=LIMIT_MB, detail=detail
    )


def _environment(folder: Path) -> dict[str, str]:
    """As on a user's machine, where the modules are compiled; compiled files go to the folder, not into the tree."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return {**kept, "PYTHONPYCACHEPREFIX": str(folder / "pycache")}


def _nics() -> list[Nic]:
    return [_nic(number) for number in range(1, PFS + 1)]


def _nic(number: int) -> Nic:
    mac = f"02:00:00:00:{number:02x}:00"
    vfs = tuple(
        Vf(
            index=index,
            address=Address(f"0000:{number:02x}:{(8 + index) >> 3:02x}.{index & 7}"),
            kernel_driver="iavf",
            name=f"ens{number}v{index}",
            mac=f"02:00:00:01:{number:02x}:{index:02x}",
            mtu=1500,
            iommu_group=number * 256 + index,
        )
        for index in range(VFS)
    )
    return Nic(
        address=Address(f"0000:{number:02x}:00.0"),
        vendor="8086",
        device="1592",
        kernel_driver="ice",
        name=f"ens{number}",
        link_type=LinkType.ETH,
        mac=mac,
        mtu=1500,
        link_up=True,
        total_vfs=128,
        num_vfs=VFS,
        vfs=vfs,
    )
