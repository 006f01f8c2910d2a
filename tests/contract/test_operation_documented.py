"""docs/operator.md and docs/agent.md name every variable, option, controller, gate and reason that there is."""

import re
from collections.abc import Iterator, Mapping

import click
import pytest
from markdown_pages import headings
from sources import ROOT

from sriov_core.api.featuregates import GATES
from sriov_core.cli.agent import verb as agent
from sriov_operator.attachments import Reason as NetworkReason
from sriov_operator.draining import verdicts
from sriov_operator.draining.protocol import ANSWERS, REQUESTS
from sriov_operator.nodestates.plugins import Reason as PluginReason
from sriov_operator.process.settings import CONTROLLERS, from_environment
from sriov_operator.program import program as operator

OPERATOR, AGENT = (ROOT / "docs" / name for name in ("operator.md", "agent.md"))
LEAST = {"NAMESPACE": "any", "RESOURCE_PREFIX": "openshift.io"}


class Asked(Mapping[str, str]):
    """An environment that remembers what it was asked for."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        self.names: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.names.add(name)
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


def section(path, heading: str) -> str:
    """The text below a heading, up to the next one of its kind."""
    assert heading in headings(path)
    return path.read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def first_cells(text: str) -> set[str]:
    return set(re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE))


def options(command: click.Command) -> set[str]:
    named = [param for param in command.params if isinstance(param, click.Option)]
    return {name for param in named for name in param.opts if name.startswith("--")}


def test_the_table_of_variables_has_those_that_the_operator_reads():
    environment = Asked(LEAST)
    from_environment(environment)
    assert first_cells(section(OPERATOR, "Environment")) == environment.names


@pytest.mark.parametrize(
    ("variable", "default"),
    re.findall(r"^\| `(\w+)` \| `([\w./-]+)` \|", section(OPERATOR, "Environment"), re.MULTILINE),
)
def test_a_default_that_is_documented_is_the_one_that_holds(variable, default):
    if default.isupper() and not default.isdecimal():
        return  # another variable stands in for it
    assert from_environment({**LEAST, variable: default}) == from_environment(LEAST)


@pytest.mark.parametrize("name", ["run", "webhook", "injector", "manifests", "cleanup"])
def test_every_option_of_the_operator_is_documented(name):
    command = operator.get_command(click.Context(operator), name)
    assert command is not None
    assert {option for option in options(command) if option not in OPERATOR.read_text()} == set()


def test_every_option_and_variable_of_the_agent_is_documented():
    text = AGENT.read_text()
    every = {*options(agent), *(options(agent.get_command(click.Context(agent), "wait-for-config")))}
    assert {option for option in every if option not in text} == set()
    assert {str(param.envvar) for param in agent.params if param.envvar} <= set(re.findall(r"`([A-Z_]+)`", text))


def test_every_command_of_the_operator_is_documented():
    assert set(operator.list_commands(click.Context(operator))) <= first_cells(OPERATOR.read_text())


def test_every_controller_and_gate_is_documented_with_its_default():
    assert first_cells(section(OPERATOR, "Controllers")) == set(CONTROLLERS)
    rows = re.findall(r"^\| `(\w+)` \| (on|off) \|", section(OPERATOR, "Feature gates"), re.MULTILINE)
    assert dict(rows) == {gate.name: "on" if gate.default else "off" for gate in GATES}


def test_the_words_of_the_handshake_and_the_reasons_are_documented():
    told = [
        *(verdicts.idle(), verdicts.external(), verdicts.waiting("x"), verdicts.draining("x"), verdicts.blocked("x")),
        *(verdicts.late("x", 60.0), verdicts.complete(), verdicts.absent(60.0, ready=True)),
    ]
    words = {*REQUESTS, *ANSWERS, *NetworkReason, *PluginReason}
    words |= {one.reason for one in told} | {one.event for one in told}
    text = OPERATOR.read_text()
    assert {word for word in words if f"`{word}`" not in text} == set()
