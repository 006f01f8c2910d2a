"""The program around the verbs: exit codes, one line for an error, a light start, plugins that misbehave."""

import json
import os
import subprocess  # noqa: TID251  # the process itself is what is tested
import sys
from pathlib import Path

import pytest
from cli_runs import Cli, Files

from sriov_core.cli import program as program_module
from sriov_core.testing import trees

USAGE = {
    "an-unknown-verb": (("bogus",), "No such command 'bogus'. See `sriov-core --help`"),
    "no-file": (("plan",), "Missing option '-f' / '--file'. See `sriov-core plan --help`"),
    "an-unknown-option": (("probe", "--hots", "x"), "No such option"),
    "a-malformed-pin": (
        ("probe", "--pin", "intel"),
        (
            "Invalid value for '--pin': 'intel' is not of the form ADDRESS=PLUGIN, as in 0000:3b:00.0=generic. "
            "See `sriov-core probe --help`"
        ),
    ),
    "an-unknown-format": (("probe", "-o", "xml"), "Invalid value for '-o' / '--output'"),
    "an-unknown-plugin": (
        ("plugins", "--disable-plugin", "nope"),
        "--disable-plugin nope: no such plugin is installed (installed: ",
    ),
    "a-root-that-is-no-machine": (
        ("probe", "--root", "/nonexistent"),
        "--root /nonexistent holds no /sys, so it is no machine. Name the root of a file system",
    ),
}


@pytest.mark.parametrize(("words", "message"), USAGE.values(), ids=USAGE)
def test_a_wrong_command_line_exits_with_1_and_one_line(cli: Cli, words: tuple[str, ...], message: str) -> None:
    ran = cli(*words)
    assert ran.code == 1
    assert ran.out == ""
    assert len(ran.errors) == 1
    assert ran.errors[0].startswith(message)


def test_errors_are_json_objects_when_json_is_asked_for(cli: Cli, igb: Path) -> None:
    ran = cli("plan", "-o", "json", "-f", "/nonexistent/policy.yaml", "--host", igb)
    assert (ran.code, ran.out) == (1, "")
    assert json.loads(ran.err) == {"error": "cannot read /nonexistent/policy.yaml: No such file or directory"}


def test_no_verb_at_all_shows_the_help(cli: Cli) -> None:
    ran = cli()
    assert ran.code == 1
    assert "Commands:" in ran.err


def test_every_verb_has_help_that_names_its_exit_codes(cli: Cli) -> None:
    for verb in ("probe", "plan", "apply", "explain", "reset", "capture", "plugins"):
        ran = cli(verb, "--help")
        assert ran.code == 0
        assert "Exit code: 0" in " ".join(ran.out.split())


def test_an_unexpected_exception_is_one_line_without_a_traceback(
    cli: Cli, igb: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SRIOV_CORE_DEBUG", raising=False)
    monkeypatch.setattr(program_module, "Session", _broken_session)
    ran = cli("probe", "--host", igb)
    text = "internal error: ZeroDivisionError: a bug. Report it, with what SRIOV_CORE_DEBUG=1 prints in addition"
    assert (ran.code, ran.errors) == (1, [text])
    monkeypatch.setenv("SRIOV_CORE_DEBUG", "1")
    assert "Traceback" in cli("probe", "--host", igb).err


def _broken_session() -> object:
    class Broken(_SESSION):
        def show(self, *_: object) -> None:
            raise ZeroDivisionError("a bug")

    return Broken()


_SESSION = program_module.Session


def test_probe_starts_without_what_it_does_not_need(igb: Path, tmp_path: Path) -> None:
    host = tmp_path / "host.json"
    host.write_text(trees.dump_json(trees.load(igb)))
    heavy = ["pyroute2", "rich", "kubernetes", "pyudev", "yaml", "sriov_core.api.documents", "sriov_core.host.linux"]
    code = (
        "import sys\nfrom sriov_core.cli.program import program\n"
        f"try: program.main(['probe', '--host', {str(host)!r}])\n"
        f"except SystemExit as end: print([name for name in {heavy} if name in sys.modules], end.code)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "[] 0"


def test_a_closed_pipe_is_silent(igb: Path) -> None:
    ran = subprocess.run(
        ["/bin/sh", "-c", f"{sys.executable} -m sriov_core probe --host {igb} | true"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.stderr == ""


def test_an_interrupt_exits_with_130(cli: Cli, igb: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> object:
        class Interrupted(_SESSION):
            def show(self, *_: object) -> None:
                raise KeyboardInterrupt

        return Interrupted()

    monkeypatch.setattr(program_module, "Session", interrupted)
    ran = cli("probe", "--host", igb)
    assert (ran.code, ran.out) == (130, "")
    assert "Traceback" not in ran.err


PLUGINS = {
    "that-raises-at-import": ("raise RuntimeError('bang')", "RuntimeError: bang"),
    "of-another-api": (
        (
            "from sriov_core.plugin import Match, PluginInfo, hookimpl\n"
            "@hookimpl\ndef describe():\n"
            "    return PluginInfo(name='evil', api=(2, 0), matches=(Match(vendor='8086', device='10c9'),))\n"
        ),
        "plugin evil was written for API 2.0, this sriov-core offers 1.0: install a version of the plugin for API 1.x",
    ),
}


@pytest.mark.parametrize(("source", "reason"), PLUGINS.values(), ids=PLUGINS)
def test_a_broken_plugin_is_named_and_its_nics_are_not_touched(
    files: Files, igb: Path, tmp_path: Path, source: str, reason: str
) -> None:
    site = installed(tmp_path, source)
    listed = run(site, "plugins", "-o", "json")
    assert listed.returncode == 1
    refused = json.loads(listed.stdout)["refused"]
    assert refused == [{"name": "evil", "distribution": "evil 1.0", "reason": reason}]
    generic = files.write(igb.read_text().replace("vendor: '8086'\n  device", "vendor: '1b4b'\n  device"), "host.yaml")
    host = igb if "api" in reason.lower() else generic
    saved = tmp_path / "after.yaml"
    words = ("-f", files.policy(), "--host", host)
    applied = run(site, "apply", "-y", *words, "--save", saved)
    assert applied.returncode == 1
    assert "plugin evil is installed but refused" in applied.stderr
    assert not saved.exists()
    disabled = run(site, "apply", "-y", *words, "--save", saved, "--disable-plugin", "evil")
    assert disabled.returncode == 0


def test_a_plugin_that_raises_in_a_hook_costs_only_its_own_nic(files: Files, xl710: Path, tmp_path: Path) -> None:
    source = (
        "from sriov_core.plugin import API, Match, PluginInfo, hookimpl\n"
        "@hookimpl\ndef describe():\n"
        "    return PluginInfo(name='evil', api=API, matches=(Match(vendor='8086', device='1583'),),"
        " maintainers=('evil@example.org',))\n"
        "@hookimpl\ndef discover(function, host):\n"
        "    raise ValueError('bang')\n"
    )
    site = installed(tmp_path, source)
    host = files.write(xl710.read_text().replace("device: '1583'", "device: '1584'", 1), "host.yaml")
    probed = run(site, "probe", "--host", host)
    assert probed.returncode == 2
    assert "fail    HW-105 0000:86:00.1: it could not be looked at: plugin evil failed in discover" in probed.stdout
    assert "Report it to evil@example.org" in probed.stdout
    good = files.policy(nicSelector={"pfNames": ["ens803f0"]})
    assert run(site, "apply", "-y", "-f", good, "--host", host).returncode == 0


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_on_a_machine_of_files_apply_needs_root_and_looking_does_not() -> None:
    code = """
import os, tempfile
from sriov_core.cli.machine import must_be_able, open_machine
from sriov_core.cli.options import Settings
with tempfile.TemporaryDirectory() as root:
    os.makedirs(root + "/sys/bus/pci/devices")
    os.chmod(root, 0o755)
    open_machine(Settings(root=root)).engine.snapshot()  # loads what somebody else may not be able to read
    os.seteuid(65534)
    machine = open_machine(Settings(root=root))
    machine.engine.snapshot()
    os.seteuid(0)
    print(machine.rights.effective_uid)
    try:
        must_be_able("apply", machine.rights)
    except Exception as err:
        print(err)
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines() == [
        "65534",
        (
            "apply changes kernel settings and needs root, but this process runs as user id 65534. Nothing was "
            "changed. Run it with sudo; `sriov-core plan` shows without root what would be done"
        ),
    ]


def installed(folder: Path, source: str) -> Path:
    """A folder for PYTHONPATH that holds a plugin distribution named evil."""
    site = folder / "site"
    meta = site / "evil-1.0.dist-info"
    meta.mkdir(parents=True)
    (site / "evil_plugin.py").write_text(source)
    (meta / "METADATA").write_text("Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n")
    (meta / "entry_points.txt").write_text("[sriov_core.plugins]\nevil = evil_plugin\n")
    return site


def run(site: Path, *words: object) -> subprocess.CompletedProcess[str]:
    arguments = [sys.executable, "-m", "sriov_core", *map(str, words)]
    environment = {**os.environ, "PYTHONPATH": str(site)}
    return subprocess.run(arguments, capture_output=True, text=True, check=False, env=environment)


def test_a_question_is_not_followed_by_a_full_stop(cli: Cli) -> None:
    ran = cli("render", "--nmespace", "x")
    assert ran.code == 1
    assert "?." not in ran.err
    assert ran.err.rstrip().endswith("See `sriov-core render --help`")


@pytest.mark.parametrize(("closed", "said"), [("<&-", "it is closed"), (">&-", "the standard output is closed")])
def test_a_closed_stream_is_an_error(tmp_path: Path, closed: str, said: str) -> None:
    command = f"{sys.executable} -m sriov_core validate -f - {closed}"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 1
    assert said in done.stderr
    assert "internal error" not in done.stderr
