"""The guards of tests/conftest.py catch what they are there to catch, and let through what is fine."""

import os
import shutil
import socket
import subprocess  # noqa: TID251  # a test run of its own is what is tested
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).parent.parent / "conftest.py"
SKIPS = """
import pytest

def test_that_runs():
    pass

@pytest.mark.skip(reason="the moon is not full")
def test_that_is_skipped():
    pass
"""
TOUCHES = {
    "reads-sys": "open('/sys/class/net/uevent')",
    "lists-sys": "import os; os.listdir('/sys/bus')",
    "writes-outside": "open('/tmp/../var/tmp/sriov-core-guard', 'w')",
    "removes-outside": "import os; os.remove('/var/tmp/sriov-core-guard')",
    "connects": "import socket; socket.create_connection(('127.0.0.1', 9), 1)",
    "hides-it": """
    try:
        open('/sys/class/net/uevent')
    except Exception:
        pass""",
}


def run(folder, *options, ci):
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "CI"))}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", folder, *options, folder]
    done = subprocess.run(
        list(map(str, command)),
        env={**environment, **({"CI": "true"} if ci else {})},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def suite(tmp_path):
    shutil.copy(CONFTEST, tmp_path / "conftest.py")
    (tmp_path / "unit").mkdir()
    (tmp_path / "host").mkdir()
    return tmp_path


@pytest.mark.parametrize("options", [pytest.param((), id="one-process"), pytest.param(("-n", "2"), id="two-processes")])
def test_a_skipped_test_fails_the_run_of_ci_and_is_named_with_its_reason(suite, options):
    (suite / "unit/test_it.py").write_text(SKIPS)
    code, printed = run(suite, *options, ci=True)
    assert code == 1, printed
    assert "unit/test_it.py::test_that_is_skipped: Skipped: the moon is not full" in printed


def test_a_skipped_test_is_fine_on_a_developers_machine(suite):
    (suite / "unit/test_it.py").write_text(SKIPS)
    assert run(suite, ci=False)[0] == 0


def test_a_test_of_values_that_touches_the_machine_fails_and_one_of_the_host_may(suite):
    bodies = "\n".join(f"def test_{name.replace('-', '_')}():\n    {body}\n" for name, body in TOUCHES.items())
    (suite / "unit/test_it.py").write_text(bodies)
    (suite / "host/test_host.py").write_text("import os\n\ndef test_lists():\n    os.listdir('/sys')\n")
    code, printed = run(suite, ci=False)
    assert code == 1
    assert f"{len(TOUCHES)} failed, 1 passed" in printed, printed
    assert printed.count("conftest.TouchedTheMachine: ") >= len(TOUCHES)


def test_what_is_fine_passes_the_guard(guard, tmp_path):
    guard.on = True
    try:
        (tmp_path / "file").write_text("a test writes below tmp_path")
        Path(os.devnull).write_text("")
        Path(__file__).read_text()
        for end in socket.socketpair():
            end.close()
    finally:
        guard.on = False
