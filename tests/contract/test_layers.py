"""Imports run one way: the contracts of pyproject.toml hold, and each notices a breach that is planted."""

import shutil
import subprocess  # noqa: TID251  # the checker runs on a copy, in a process of its own
import sys

import pytest
from sources import ROOT

LINT = "from importlinter.cli import lint_imports_command; lint_imports_command()"

BREACHES = {
    "a-lower-layer-imports-a-higher-one": (
        "layers",
        "sriov_core/model/planted.py",
        "import sriov_core.engine.converge",
    ),
    "deciding-imports-the-machine": ("layers", "sriov_core/planning/planted.py", "import sriov_core.host.sysfs"),
    "the-machine-imports-deciding": ("layers", "sriov_core/host/planted.py", "import sriov_core.planning.planner"),
    "the-wire-imports-the-model": ("layers", "sriov_core/api/planted.py", "import sriov_core.model.address"),
    "a-package-without-a-layer": ("layers", "sriov_core/planted/__init__.py", ""),
    "the-engine-imports-the-kit": ("layers", "sriov_core/engine/planted.py", "import sriov_core.testing.kernel"),
    "a-verb-imports-the-kit": ("kit", "sriov_core/cli/planted.py", "import sriov_core.testing.kernel"),
    "the-clusters-view-does-no-io": ("pure", "sriov_core/clusterview/planted.py", "import os"),
    "the-clusters-view-imports-the-agent": (
        "layers",
        "sriov_core/clusterview/planted.py",
        "import sriov_core.agent.wish",
    ),
    "the-model-imports-os": ("pure", "sriov_core/model/planted.py", "import os"),
    "planning-imports-time-inside-a-function": ("pure", "sriov_core/planning/planted.py", "def f():\n    import time"),
    "policy-imports-pathlib": ("pure", "sriov_core/policy/planted.py", "from pathlib import Path"),
    "the-wire-imports-sockets": ("pure", "sriov_core/api/planted.py", "import socket"),
    "a-driver-imports-the-model": ("plugins", "sriov_plugins/intel/planted.py", "import sriov_core.model.steps"),
    "a-driver-imports-the-host": ("plugins", "sriov_plugins/intel/planted.py", "import sriov_core.host.sysfs"),
    "a-driver-imports-another": ("vendors", "sriov_plugins/intel/planted.py", "import sriov_plugins.generic.steps"),
    "the-core-imports-a-driver": ("neutral", "sriov_core/engine/planted.py", "import sriov_plugins.intel"),
    "the-engine-imports-pyroute2": ("netlink", "sriov_core/engine/planted.py", "import pyroute2"),
    "the-engine-starts-processes": ("processes", "sriov_core/engine/planted.py", "import subprocess"),
    "the-core-imports-kubernetes": ("kubernetes", "sriov_core/engine/planted.py", "import kubernetes"),
    "the-cluster-imports-the-machine": ("layers", "sriov_core/kube/planted.py", "import sriov_core.host.sysfs"),
    "the-core-imports-a-framework": ("frameworks", "sriov_core/engine/planted.py", "import kopf"),
}


def lint(folder, *options):
    argv = [sys.executable, "-c", LINT, "--no-cache", "--no-logo", *options]
    return subprocess.run(argv, cwd=folder, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def copy(tmp_path):
    for name in ("sriov_core", "sriov_plugins", "operator/sriov_operator"):
        shutil.copytree(
            ROOT / name, tmp_path / name.removeprefix("operator/"), ignore=shutil.ignore_patterns("__pycache__")
        )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_every_contract_is_kept():
    done = lint(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("contract", "path", "source"), BREACHES.values(), ids=BREACHES.keys())
def test_a_planted_breach_is_noticed(copy, contract, path, source):
    planted = copy / path
    planted.parent.mkdir(exist_ok=True)
    planted.write_text(source + "\n")
    done = lint(copy, "--contract", contract)
    assert done.returncode == 1
    assert "BROKEN" in done.stdout or "planted" in done.stdout + done.stderr


def test_what_is_slow_to_import_is_not_imported_with_the_program():
    """`probe` starts in tens of milliseconds; each of these alone would double that."""
    script = "import sys, sriov_core.cli.program, sriov_core.cli.probe; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert {"click", "msgspec", "attrs"} & set(done.stdout.split())
    assert set(done.stdout.split()) & {"pyroute2", "pyudev", "rich", "yaml", "kubernetes"} == set()
