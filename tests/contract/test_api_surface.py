"""The plugin contract stays as tests/contract/api.txt records it, or its version says that it changed."""

import shutil
import subprocess  # noqa: TID251  # the command that records is what is tested
import sys

import pytest
from api_surface import RECORD, signature, surface, version


def test_the_contract_is_the_recorded_one():
    command = "python tests/contract/api_surface.py"
    assert surface().splitlines() == RECORD.read_text().splitlines(), (
        f"the plugin contract is no longer that of {version(RECORD.read_text())}: raise API in "
        f"sriov_core/plugin/version.py (minor: only additions), then record it with `{command}`"
    )


@pytest.mark.parametrize(
    ("line", "options", "code"),
    [
        pytest.param("name Gone", [], 1, id="another-contract-of-the-same-version"),
        pytest.param("name Gone", ["--unreleased"], 0, id="a-version-in-no-release"),
        pytest.param("", [], 0, id="the-same-contract"),
    ],
)
def test_recording_a_changed_contract_needs_another_version(tmp_path, line, options, code):
    script = shutil.copy(RECORD.parent / "api_surface.py", tmp_path)
    record = tmp_path / "api.txt"
    before = surface() + (f"{line}\n" if line else "")
    record.write_text(before)
    done = subprocess.run([sys.executable, script, *options], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == code
    assert record.read_text() == (before if code else surface())


def test_a_changed_signature_changes_the_surface():
    def discover(function: int, host: "list[str]") -> str | None:
        """Not the contract's."""

    assert signature(discover) == "(function: int, host: list[str]) -> str | None"
