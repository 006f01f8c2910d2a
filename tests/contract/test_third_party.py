"""A vendor's package outside this repository: built and installed by pip, found by its entry point, passing the kit."""

import json
import os
import shutil
import subprocess  # noqa: TID251  # pip and a fresh interpreter are what is tested
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "vendor_acme"
DEADLINE_S = 120

CHOOSE = """
import json, sys
from sriov_core.plugin.loading import load
from sriov_core.plugin.ownership import choose
from sriov_core.testing import trees
from sriov_core.testing.kernel import FakeKernel
catalogue = load(disabled=sys.argv[2:])
functions = FakeKernel(trees.load(sys.argv[1])).functions()
choices = {str(found.address): choose(found, catalogue.infos, refused=catalogue.refused) for found in functions}
(acme,) = [plugin for plugin in catalogue.loaded if plugin.info.name == "acme"] or [None]
print(json.dumps({
    "file": acme and acme.module.__file__,
    "distribution": acme and acme.distribution,
    "owners": {address: choice.plugin for address, choice in choices.items()},
    "refused": [entry.reason for entry in catalogue.refused],
}))
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The folder that pip installed the package into, from a copy of its source."""
    source = tmp_path_factory.mktemp("source") / "vendor_acme"
    shutil.copytree(PACKAGE, source, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    target = tmp_path_factory.mktemp("site")
    argv = ["install", "--no-index", "--no-build-isolation", "--no-deps", "--no-cache-dir", "--target", target, source]
    run(sys.executable, "-m", "pip", "--disable-pip-version-check", *argv)
    return target


def run(*argv, path=""):
    """Run to the end; a failure shows what was said."""
    # Without the variables that a test run sets for itself, pip and pytest behave as on a user's machine.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "PYTHON"))}
    environment = {**inherited, "PYTHONPATH": str(path), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        list(map(str, argv)), env=environment, capture_output=True, text=True, timeout=DEADLINE_S, check=False
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def chosen(installed, *disabled):
    tree = PACKAGE / "trees" / "acme.yaml"
    return json.loads(run(sys.executable, "-c", CHOOSE, tree, *disabled, path=installed))


def test_the_driver_has_less_than_a_hundred_lines():
    lines = sum(len(path.read_text().splitlines()) for path in PACKAGE.glob("sriov_plugin_acme/**/*.py"))
    assert lines < 100


def test_the_driver_imports_the_plugin_contract_and_nothing_else_of_the_project():
    text = (PACKAGE / "sriov_plugin_acme" / "__init__.py").read_text()
    imports = {line.split()[1] for line in text.splitlines() if line.startswith(("from sriov", "import sriov"))}
    assert imports == {"sriov_core.plugin"}


def test_the_installed_package_gets_its_nics_instead_of_generic(installed):
    found = chosen(installed)
    assert set(found["owners"].values()) == {"acme"}
    assert found["distribution"] == "sriov-plugin-acme 1.0"
    assert Path(found["file"]).is_relative_to(installed)
    assert found["refused"] == []


def test_disabled_by_name_it_leaves_its_nics_to_generic(installed):
    assert set(chosen(installed, "acme")["owners"].values()) == {"generic"}


def test_the_installed_package_passes_its_conformance_test(installed):
    # From a copy beside the installed package, so that nothing of the source tree is imported instead.
    workplace = installed / "workplace"
    for part in ("tests", "trees"):
        shutil.copytree(PACKAGE / part, workplace / part)
    command = (
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        workplace,
        workplace / "tests",
    )
    printed = run(*command, path=installed)
    assert " passed" in printed
    assert " skipped" not in printed
