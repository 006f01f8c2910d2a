"""What the guest's tests compare with: the programs of iproute2 and ethtool, and plain files. Never the project."""

import json
import subprocess  # noqa: TID251  # other programs judge
from pathlib import Path


def said(*argv):
    """What a program prints; its failure is the test's."""
    done = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, f"{' '.join(argv)}: {done.stdout}{done.stderr}"
    return done.stdout


def told(*argv):
    """The JSON that a program prints."""
    return json.loads(said(*argv))


def write(path, text):
    Path(path).write_text(text)


def read(path):
    return Path(path).read_text().strip()
