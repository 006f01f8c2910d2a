"""A vendor's package outside this repository, copied from the template as its README says: built and installed by pip,
found by its entry point, passing the kit; and what becomes of its NICs when it goes.
"""

import json
import os
import shutil
import subprocess  # noqa: TID251  # pip and a fresh interpreter are what is tested
import sys
from pathlib import Path

import pytest
from markdown_pages import blocks
from sources import ROOT

PACKAGE = ROOT / "examples" / "sriov-plugin-template"
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
(mine,) = [plugin for plugin in catalogue.loaded if plugin.info.name == "mycard"] or [None]
print(json.dumps({
    "file": mine and mine.module.__file__,
    "distribution": mine and mine.distribution,
    "owners": {address: choice.plugin for address, choice in choices.items()},
    "refused": [entry.reason for entry in catalogue.refused],
}))
"""


RENAME = [line for block in blocks(PACKAGE / "README.md") for line in block.text.splitlines() if "$ " in line][:3]
"""The README's own commands, up to the one that installs."""


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A copy of the template under another vendor's name, made by the README's commands."""
    folder = tmp_path_factory.mktemp("source")
    shutil.copytree(PACKAGE, folder / PACKAGE.relative_to(ROOT), ignore=shutil.ignore_patterns("__pycache__"))
    run("bash", "-ec", "\n".join(line.removeprefix("$ ") for line in RENAME), cwd=folder)
    return folder / "sriov-plugin-mycard"


@pytest.fixture(scope="module")
def installed(source, tmp_path_factory):
    """The folder that pip installed the copy into."""
    target = tmp_path_factory.mktemp("site")
    argv = ["install", "--no-index", "--no-build-isolation", "--no-deps", "--no-cache-dir", "--target", target, source]
    run(sys.executable, "-m", "pip", "--disable-pip-version-check", *argv)
    return target


def run(*argv, path="", cwd=None, codes=(0,)):
    """Run to the end; an exit code that is not expected shows what was said."""
    # Without the variables that a test run sets for itself, pip and pytest behave as on a user's machine.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "PYTHON"))}
    environment = {**inherited, "PYTHONPATH": str(path), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        list(map(str, argv)), env=environment, cwd=cwd, capture_output=True, text=True, timeout=DEADLINE_S, check=False
    )
    assert done.returncode in codes, f"{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


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
    assert set(found["owners"].values()) == {"mycard"}
    assert found["distribution"] == "sriov-plugin-mycard 1.0"
    assert Path(found["file"]).is_relative_to(installed)
    assert found["refused"] == []


def test_disabled_by_name_it_leaves_its_nics_to_generic(installed):
    assert set(chosen(installed, "mycard")["owners"].values()) == {"generic"}


def test_the_installed_package_passes_its_conformance_test(source, installed):
    # From a copy beside the installed package, so that nothing of the source tree is imported instead.
    workplace = installed / "workplace"
    for part in ("tests", "trees"):
        shutil.copytree(source / part, workplace / part)
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


def test_its_conformance_test_has_ten_lines_of_code():
    lines = (PACKAGE / "tests" / "test_conformance.py").read_text().splitlines()
    assert len([line for line in lines if line.strip()]) <= 10


POLICY = """
apiVersion: sriovnetwork.openshift.io/v1
kind: SriovNetworkNodePolicy
metadata: {name: pods, namespace: operators}
spec:
  resourceName: pods
  nodeSelector: {}
  numVfs: NUMBER
  nicSelector: {rootDevices: ["0000:3b:00.0"]}
"""


@pytest.fixture
def machine(tmp_path):
    """Runs `sriov-core` on a simulated machine with one such card, which keeps its state and its journal."""
    state = tmp_path / "machine.yaml"
    shutil.copy(PACKAGE / "trees" / "acme.yaml", state)

    def sriov_core(verb, *, vfs, path="", codes=(0,), options=()):
        policy = tmp_path / "policy.yaml"
        policy.write_text(POLICY.replace("NUMBER", str(vfs)))
        save = ("--yes", "--save", state) if verb == "apply" else ()
        argv = [verb, "-f", policy, "--host", state, "--journal", tmp_path / "journal.json", *save, *options]
        return run(sys.executable, "-m", "sriov_core", *argv, path=path, codes=codes)

    return sriov_core


def test_it_takes_over_a_nic_that_generic_served(installed, machine):
    assert "by plugin generic" in machine("apply", vfs=2)
    assert "by plugin mycard" in machine("apply", vfs=3, path=installed)


def test_when_it_is_removed_its_nic_is_left_alone_until_somebody_says_otherwise(installed, machine):
    machine("apply", vfs=2, path=installed)
    refused = machine("apply", vfs=3, codes=(1,))
    assert "plugin mycard" in refused
    assert "--pin" in refused
    pinned = ("--pin", "0000:3b:00.0=generic")
    assert "by plugin generic" in machine("apply", vfs=3, options=pinned)
    assert "by plugin generic" in machine("apply", vfs=4), "from now on it is generic's"
