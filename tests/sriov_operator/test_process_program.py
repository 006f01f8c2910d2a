"""The program: help that loads nothing, errors in words, and no traceback for anybody."""

import subprocess  # noqa: TID251  # the program as it is started is what is tested
import sys
from pathlib import Path

import pytest

DEADLINE_S = 60
COMMANDS = ("run", "webhook", "injector", "manifests", "cleanup", "version")
HEAVY = {"kubernetes", "aiohttp", "prometheus_client", "cryptography", "yaml", "http.server"}


def run(*arguments: str, code: int = 0, **environment: str) -> str:
    argv = [sys.executable, "-m", "sriov_operator", *arguments]
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def test_help_names_every_command() -> None:
    printed = run("--help")
    assert [line.split()[0] for line in printed.partition("Commands:")[2].splitlines() if line] == list(COMMANDS)


def test_help_loads_no_command() -> None:
    script = "import sys; from sriov_operator.program import program; sys.argv=['x', '--help']\n"
    script += "try:\n    program.main(prog_name='x')\nexcept SystemExit:\n    print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=DEADLINE_S, check=True
    )
    assert set(done.stdout.split()) & HEAVY == set()


def test_the_version_is_printed() -> None:
    assert run("version") == run("--version")
    assert run("version").startswith("sriov-operator ")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str) -> None:
    assert f"sriov-operator {command}" in run(command, "--help")


def test_an_empty_environment_is_told_variable_by_variable() -> None:
    lines = run("run", code=1).splitlines()
    assert [line.partition(": ")[2].split(":")[0] for line in lines] == [
        "environment variable NAMESPACE",
        "environment variable RESOURCE_PREFIX",
    ]
    assert all(line.startswith("error: ") for line in lines)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param(("rnu",), "No such command 'rnu'", id="no-such-command"),
        pytest.param(("run", "--log-format", "xml"), "'xml' is not one of 'text', 'json'", id="no-such-format"),
        pytest.param(("run", "--metrics"), "See `sriov-operator run --help`", id="no-such-option"),
    ],
)
def test_a_typing_error_gets_one_line_with_where_to_look(arguments: tuple[str, ...], expected: str) -> None:
    (line,) = run(*arguments, code=1).splitlines()
    assert line.startswith("error: ")
    assert expected in line
    assert "--help`" in line


LEAST = {"NAMESPACE": "operators", "RESOURCE_PREFIX": "openshift.io"}


def test_without_a_way_to_the_api_server_it_says_where_it_looked(tmp_path: Path) -> None:
    missing = str(tmp_path / "none")
    assert f"No way to the API server was found in {missing}" in run("run", "--kubeconfig", missing, code=1, **LEAST)


def test_an_address_that_is_none_is_refused(tmp_path: Path) -> None:
    kubeconfig = tmp_path / "config"
    cluster = "{name: c, cluster: {server: 'https://127.0.0.1:1'}}"
    context = "{name: c, context: {cluster: c, user: u}}"
    users = "users: [{name: u, user: {token: t}}]"
    kubeconfig.write_text(f"clusters: [{cluster}]\ncontexts: [{context}]\n{users}\ncurrent-context: c\n")
    options = ("run", "--kubeconfig", str(kubeconfig), "--metrics-bind-address", "nowhere")
    assert "--metrics-bind-address: found 'nowhere', wanted host:port" in run(
        *options, "--health-probe-bind-address", "0", code=1, **LEAST
    )
