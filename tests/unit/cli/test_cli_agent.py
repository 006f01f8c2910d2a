"""``sriov-core agent``: options that nobody would heed, its log and how much it tells, and an end that is noticed."""

import json
import re

import pytest
from cli_runs import Cli

from sriov_core.agent.service import Agent
from sriov_core.agent.sources import FileSource
from sriov_core.agent.switches import Given
from sriov_core.cli.agent import _ended

LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z [A-Z]+ sriov_core\.[a-z.]+: \S.*")

UNHEEDED = {
    "a-node": (["--node-state=x", "--node-name=worker"], "--node-name is for a cluster, and --node-state means none"),
    "a-kubeconfig": (
        ["--node-state=x", "--kubeconfig=k"],
        "--kubeconfig is for a cluster, and --node-state means none",
    ),
    "a-namespace": (["--node-state=x", "--namespace=n"], "--namespace is for a cluster, and --node-state means none"),
    "a-cost": (["--node-name=worker", "--max-cost=none"], "--max-cost is for nodes that nobody drains"),
}


@pytest.mark.parametrize("row", UNHEEDED.values(), ids=UNHEEDED)
def test_an_option_that_nobody_would_heed_is_refused(cli: Cli, row):
    arguments, words = row
    ran = cli("agent", *arguments)
    assert ran.code == 1
    (error,) = ran.errors
    assert words in error
    assert "eave " in error, "it says what to do"


def test_what_keeps_the_agent_from_its_work_is_a_line_of_its_log(cli: Cli, igb):
    arguments = ["agent", "--node-state=x", f"--host={igb}", "--disable-plugins=nonsense"]
    ran = cli(*arguments)
    (line,) = ran.err.splitlines()
    assert (ran.code, "no such plugin is installed" in line) == (1, True)
    assert LINE.fullmatch(line)
    facts = json.loads(cli(*arguments, "--log-format=json").err)
    assert (facts["level"], facts["area"]) == ("error", "sriov_core.agent")


def test_an_agent_that_is_stuck_ends_at_once_so_that_another_one_is_started(caplog):
    agent = Agent(round=lambda _: None, source=FileSource("x", Given()), stuck=lambda: "nothing was done.")
    codes: list[int] = []
    _ended(agent, codes.append)
    assert (codes, agent.stopping.is_set()) == ([1], True)
    assert "nothing was done. The process ends, so that another one is started" in caplog.text
