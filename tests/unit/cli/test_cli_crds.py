"""`crds`: the definitions as a YAML stream or a List, ready for `kubectl apply`."""

import pytest
import yaml
from cli_runs import Cli

from sriov_core.api.crd import definitions


def test_the_definitions_are_a_yaml_stream_that_reads_back_as_it_was(cli: Cli) -> None:
    ran = cli("crds")
    assert (ran.code, ran.err) == (0, "")
    assert tuple(yaml.safe_load_all(ran.out)) == definitions()
    assert ran.out.count("\n---\n") == len(definitions()) - 1


def test_with_json_they_are_one_list(cli: Cli) -> None:
    ran = cli("crds", "-o", "json")
    assert ran.code == 0
    assert ran.data == {"apiVersion": "v1", "kind": "List", "items": list(definitions())}


def test_the_yaml_is_in_blocks_without_references(cli: Cli) -> None:
    lines = cli("crds").out.splitlines()
    assert [line for line in lines if line.lstrip(" -").startswith(("&", "*", "{", "["))] == []
    assert max(map(len, lines)) < 150


@pytest.mark.parametrize("word", ['- "off"', '- "on"', '- "False"'])
def test_words_that_yaml_readers_take_for_truth_values_are_quoted(cli: Cli, word: str) -> None:
    assert word in [line.strip() for line in cli("crds").out.splitlines()]


def test_another_format_is_a_wrong_command_line(cli: Cli) -> None:
    ran = cli("crds", "-o", "text")
    assert (ran.code, ran.out) == (1, "")
    assert "'text' is not one of 'yaml', 'json'" in ran.err
