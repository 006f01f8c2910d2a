"""A runner for the command line on simulated machines: arguments in, exit code and text out."""

from pathlib import Path

import pytest
from cli_runs import Cli, Files, Ran
from click.testing import CliRunner

from sriov_core.cli.program import program

TREES = Path(__file__).parents[2] / "trees"
MANIFESTS = Path(__file__).parents[2] / "vectors" / "manifests"


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """Run the program; model names come from a folder without a pci.ids, so that output does not vary."""

    def run(*words: object, stdin: str | bytes | None = None) -> Ran:
        arguments = [str(word) for word in words]
        if "--host" in arguments and "--root" not in arguments:
            arguments += ["--root", str(tmp_path)]
        result = CliRunner().invoke(program, arguments, input=stdin, prog_name="sriov-core")
        return Ran(result.exit_code, result.stdout, result.stderr)

    return run


@pytest.fixture
def igb() -> Path:
    """One port of an 82576: at most 7 VFs, MTU 68 to 9216, legacy only."""
    return TREES / "intel-82576.yaml"


@pytest.fixture
def xl710() -> Path:
    """Two ports of an XL710."""
    return TREES / "intel-xl710.yaml"


@pytest.fixture
def manifests() -> Path:
    """The example manifests."""
    return MANIFESTS


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """Where a test writes its input."""
    folder = tmp_path / "input"
    folder.mkdir()
    return Files(folder)
