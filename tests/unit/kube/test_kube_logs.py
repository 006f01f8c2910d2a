"""The log of agent and operator: one line a fact, as text or JSON, and as much as the SriovOperatorConfig asks for."""

import json
import logging
import re

import pytest

from sriov_core.kube.logs import formatter, log_to_stderr, set_level

LOG = logging.getLogger("sriov_operator.networks")


def failed() -> None:
    try:
        int("a bug")
    except ValueError:
        LOG.exception("went wrong")


def test_a_line_of_text_has_time_level_area_and_text(capsys):
    with log_to_stderr("text"):
        LOG.info("made %s", "a/b")
    line = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z INFO sriov_operator\.networks: made a/b\n"
    assert re.fullmatch(line, capsys.readouterr().err)


def test_what_comes_from_objects_starts_no_line_and_steers_no_terminal(capsys):
    with log_to_stderr("text"):
        LOG.warning("refused: %s", "a\nERROR forged\x1b[2J\u009b")
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "refused: a ERROR forged [2J " in told


def test_json_has_one_object_a_line(capsys):
    with log_to_stderr("json"):
        LOG.warning("refused: %s", "a\nb")
    told = capsys.readouterr().err
    facts = json.loads(told)
    assert told.count("\n") == 1
    assert facts["text"] == "refused: a\nb"
    assert (facts["level"], facts["area"]) == ("warning", "sriov_operator.networks")
    assert facts["time"].endswith("Z")


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_name_that_is_no_unicode_can_be_written(form):
    # Formatted by hand: pytest cannot pass on what it captures of such a line.
    record = logging.LogRecord("sriov_core.agent", logging.INFO, "", 0, "refused: \ud800", (), None)
    assert formatter(form).format(record).encode("ascii")


def test_bugs_come_with_their_traceback(capsys):
    with log_to_stderr("text"):
        failed()
    assert "ValueError: invalid literal" in capsys.readouterr().err
    with log_to_stderr("json"):
        failed()
    assert "ValueError: invalid literal" in json.loads(capsys.readouterr().err)["traceback"]


AREAS = {
    "agent": "sriov_core.agent",
    "operator": "sriov_operator.drain",
    "requests": "sriov_core.kube.requests",
    "libraries": "urllib3",
}


@pytest.mark.parametrize(
    ("level", "facts", "details"),
    [
        pytest.param(-1, [], [], id="warnings"),
        pytest.param(0, ["agent", "operator", "requests"], [], id="facts"),
        pytest.param(1, ["agent", "operator", "requests"], ["agent", "operator"], id="details"),
        pytest.param(2, ["agent", "operator", "requests"], ["agent", "operator", "requests"], id="requests"),
        pytest.param(9, ["agent", "operator", "requests"], ["agent", "operator", "requests"], id="more-than-there-is"),
    ],
)
def test_the_level_of_the_configuration_decides_how_much_is_told(capsys, level, facts, details):
    with log_to_stderr("text"):
        set_level(level)
        for what, area in AREAS.items():
            logging.getLogger(area).debug("detail %s", what)
            logging.getLogger(area).info("fact %s", what)
            logging.getLogger(area).warning("warning %s", what)
    told = [line.rpartition(": ")[2].split() for line in capsys.readouterr().err.splitlines()]
    assert [what for kind, what in told if kind == "detail"] == details
    assert [what for kind, what in told if kind == "fact"] == facts
    assert [what for kind, what in told if kind == "warning"] == list(AREAS)


def test_the_log_is_as_it_was_afterwards():
    def state():
        areas = ("sriov_core", "sriov_core.kube", "sriov_operator")
        return [logging.getLogger(area).level for area in areas], logging.getLogger().handlers[:]

    before = state()
    with log_to_stderr("json"):
        set_level(2)
    assert state() == before
