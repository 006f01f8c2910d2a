"""docs/kubectl.md names every code, command and option that there is; objects that cannot be understood are told."""

import re
from pathlib import Path

import attrs
import click
from cluster_scene import codes, scene

from sriov_core.cli.kubectl.program import program
from sriov_core.clusterview.overview import every_finding

ROOT = Path(__file__).parent.parent.parent.parent
DOCS = (ROOT / "docs" / "kubectl.md").read_text()
CODE = re.compile(r"\b(?:K8S|POL|LIFE|NET|POD)-[0-9]{3}\b")


def commands(group, context):
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        yield name, command
        if isinstance(command, click.Group):
            yield from ((f"{name} {below}", one) for below, one in command.commands.items())


def test_every_code_is_documented_and_no_other():
    sources = (ROOT / "sriov_core" / "clusterview").glob("*.py")
    assert {code for path in sources for code in CODE.findall(path.read_text())} == set(CODE.findall(DOCS))


def test_every_command_and_option_is_documented():
    context = click.Context(program)
    for name, command in commands(program, context):
        if isinstance(command, click.Group):
            continue
        assert f"| `{name}" in DOCS
        for param in command.params:
            assert not isinstance(param, click.Option) or param.opts[-1] in DOCS or param.opts[0] in DOCS, param.opts


def test_an_object_that_cannot_be_understood_is_told_and_left_out():
    cluster = scene()
    broken = attrs.evolve(cluster.policies, unreadable=("sriov-network-operator/odd",))
    findings = every_finding(attrs.evolve(cluster, policies=broken))
    assert codes(findings) == ["K8S-406"]
    assert findings[0].about == "SriovNetworkNodePolicy sriov-network-operator/odd"
