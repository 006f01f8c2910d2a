"""The program that the agent's image puts on nodes: it runs there from another place, with nothing of the node."""

import json
import subprocess  # noqa: TID251  # the copied program is what is tested
from pathlib import Path

import pytest
from images_build import ROOT, Image
from images_container import DEADLINE_S, run

SAMPLE = ROOT / "tests/trees/intel-x550.yaml"
COPY = ("cp", "--recursive", "--remove-destination", "--context=system_u:object_r:bin_t:s0", "/opt/sriov-core/.")
WHAT_IS_LOADED = """
import json, sys
import ctypes.util, ssl, grpc, msgspec, pyroute2, pyudev, yaml, sriov_core.cli.program
pyudev.Context()
mapped = {line.split()[-1] for line in open("/proc/self/maps") if "/" in line and ".so" in line or "loader" in line}
print(json.dumps([sys.executable, sys.prefix, sys.path, sorted(mapped)]))
"""


@pytest.fixture
def node(agent: Image, tmp_path: Path) -> Path:
    """Where the program is on a node after the image's init container has run."""
    (tmp_path / "var/lib").mkdir(parents=True)
    done = run(agent, [*COPY, "/tmp/host/var/lib/sriov-core"], volumes={tmp_path: "/tmp/host"})
    assert done.returncode == 0, done.stderr
    return tmp_path / "var/lib/sriov-core"


def on_node(*argv: str) -> str:
    """With an empty environment, as from a unit that sets nothing."""
    done = subprocess.run(
        argv, env={}, cwd="/", stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=DEADLINE_S, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_copy_probes_from_its_new_place(node: Path) -> None:
    assert "0000:05:00.0" in on_node(f"{node}/bin/sriov-core", "probe", "--host", str(SAMPLE))


def test_the_copy_is_found_through_a_link(node: Path, tmp_path: Path) -> None:
    (tmp_path / "sriov-core").symlink_to(node / "bin/sriov-core")
    assert "sriov-core" in on_node(str(tmp_path / "sriov-core"), "--version")


def test_the_copy_has_its_drivers(node: Path) -> None:
    assert {"generic", "intel", "mellanox", "virtual"} <= set(on_node(f"{node}/bin/sriov-core", "plugins").split())


def test_the_copy_loads_nothing_of_the_node(node: Path) -> None:
    executable, prefix, path, mapped = json.loads(on_node(f"{node}/bin/python3", "-I", "-c", WHAT_IS_LOADED))
    assert executable == f"{node}/bin/python3"
    assert prefix == str(node)
    assert [entry for entry in (*path, *mapped) if not entry.startswith(f"{node}/")] == []
    assert len(mapped) > 10


def test_the_copy_writes_nothing_beside_itself(node: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in node.rglob("*")}
    on_node(f"{node}/bin/sriov-core", "probe", "--host", str(SAMPLE))
    assert {path: path.stat().st_mtime_ns for path in node.rglob("*")} == before


def test_a_second_copy_over_the_first_one_works(agent: Image, node: Path, tmp_path: Path) -> None:
    """At each start of the agent's pod."""
    done = run(agent, [*COPY, "/tmp/host/var/lib/sriov-core"], volumes={tmp_path: "/tmp/host"})
    assert done.returncode == 0, done.stderr
    assert "sriov-core" in on_node(f"{node}/bin/sriov-core", "--version")
