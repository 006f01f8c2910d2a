"""The folders are those of docs/architecture.md, no drawer is called utils, and no module keeps state."""

import subprocess  # noqa: TID251  # what an interpreter started in the root imports is what is tested
import sys

import pytest
from module_state import hidden_state
from sources import PRODUCT, ROOT, parsed, python_files, shown, tracked

CORE = {
    *("model", "api", "plugin", "planning", "policy", "admission", "injection"),
    *("host", "kube", "engine", "agent", "clusterview", "cli", "testing"),
}
DRIVERS = {"generic", "intel", "mellanox", "virtual"}
DRAWERS = {"util", "utils", "common", "base", "helper", "helpers", "misc", "shared"}
ROOT_FILES = {
    *(".gitignore", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "Makefile", "README.md"),
    *("plugins.md", "pyproject.toml"),
}
ROOT_FOLDERS = {".ci", "bench", "docs", "examples", "images", "operator", "sriov_core", "sriov_plugins", "tests"}


def folders_below(name):
    files = [path.relative_to(ROOT / name).parts for path in tracked() if path.is_relative_to(ROOT / name)]
    return {parts[0] for parts in files if len(parts) > 1}


def test_the_root_shows_what_a_visitor_needs_and_nothing_else():
    parts = [path.relative_to(ROOT).parts for path in tracked()]
    assert {part[0] for part in parts if len(part) == 1} == ROOT_FILES
    assert {part[0] for part in parts if len(part) > 1} <= ROOT_FOLDERS


def test_the_core_has_the_packages_of_the_architecture():
    assert folders_below("sriov_core") == CORE


def test_the_drivers_are_those_of_the_architecture():
    assert {"generic", "intel"} <= folders_below("sriov_plugins") <= DRIVERS


def test_every_package_of_the_product_is_typed_and_every_folder_a_package():
    for name in PRODUCT:
        assert (ROOT / name / "py.typed").is_file()
        missing = {shown(path.parent) for path in python_files(name) if not (path.parent / "__init__.py").is_file()}
        assert missing == set()


def test_no_module_or_folder_is_a_drawer():
    named = {part.removesuffix(".py") for path in python_files() for part in path.relative_to(ROOT).parts}
    assert named & DRAWERS == set()


def test_the_operator_folder_is_no_package_and_holds_no_tests():
    """As a package, or with tests in it, it takes the place of the standard library's `operator`."""
    directly = {path.name for path in python_files("operator") if path.parent == ROOT / "operator"}
    assert directly == set()
    below = {path.name for path in python_files("operator")}
    assert not {name for name in below if name == "conftest.py" or name.startswith("test_")}
    assert not (ROOT / "tests" / "operator").exists()


@pytest.mark.parametrize("module", ["operator", "functools", "collections"])
def test_an_interpreter_started_in_the_root_gets_the_standard_library(module):
    script = f"import sysconfig, {module}; print({module}.__file__.startswith(sysconfig.get_path('stdlib')))"
    environment = {"PYTHONPATH": ".", "PYTHONDONTWRITEBYTECODE": "1"}
    argv = [sys.executable, "-c", script]
    done = subprocess.run(argv, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "True\n", done.stderr


def test_no_module_of_the_product_keeps_state():
    found = {shown(path): hidden_state(parsed(path)) for name in PRODUCT for path in python_files(name)}
    assert {name: complaints for name, complaints in found.items() if complaints} == {}
