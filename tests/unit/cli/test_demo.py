"""The demonstration is a test: it insists on the exit code of each of its commands."""

import os
import subprocess  # noqa: TID251  # the script is what is tested
import sys
from pathlib import Path

DEMO = Path(__file__).parents[3] / "docs" / "demo" / "demo.sh"


def test_the_demonstration_runs_to_its_end_and_leaves_nothing_behind(tmp_path: Path) -> None:
    command = tmp_path / "sriov-core"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m sriov_core "$@"\n')
    command.chmod(0o755)
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    environment = {
        "PATH": os.environ["PATH"],
        "SRIOV_CORE": str(command),
        "TMPDIR": str(temporary),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    ran = subprocess.run(["/bin/sh", str(DEMO)], env=environment, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr.count("Traceback")) == (0, 0), ran.stderr
    assert "pfName: unknown field. Did you mean pfNames?" in ran.stderr
    assert "7 VFs (vf0-vf2 on vfio-pci, vf3-vf6 on iavf), MTU 9000" in ran.stdout
    assert list(temporary.iterdir()) == []
