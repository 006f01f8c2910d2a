"""The log: one line a fact, plain or JSON, and the level that the SriovOperatorConfig asks for."""

import io
import json
import logging
import re
from collections.abc import Iterator

import pytest

from sriov_operator.process import logs

LOG = logging.getLogger("sriov_operator.networks")


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    areas = {area: logging.getLogger(area).level for area in logs.AREAS}
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for area, before in areas.items():
        logging.getLogger(area).setLevel(before)


def told(form: logs.Format, level: int = 1) -> io.StringIO:
    stream = io.StringIO()
    logs.begin(form, stream)
    logs.set_level(level)
    return stream


def failed() -> None:
    try:
        int("a bug")
    except ValueError:
        LOG.exception("went wrong")


def test_a_plain_line_has_time_level_area_and_text() -> None:
    stream = told("plain")
    LOG.info("made %s", "a/b")
    line = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z INFO sriov_operator\.networks: made a/b\n"
    assert re.fullmatch(line, stream.getvalue())


def test_what_comes_from_objects_starts_no_line_and_steers_no_terminal() -> None:
    stream = told("plain")
    LOG.warning("refused: %s", "a\nERROR forged\x1b[2J\ud800")
    assert stream.getvalue().count("\n") == 1
    assert "refused: a ERROR forged [2J " in stream.getvalue()


def test_json_has_one_object_a_line() -> None:
    stream = told("json")
    LOG.warning("refused: %s", "a\nb \ud800")
    facts = json.loads(stream.getvalue())
    assert stream.getvalue().count("\n") == 1
    assert facts["text"] == "refused: a\nb \ud800"
    assert (facts["level"], facts["area"]) == ("warning", "sriov_operator.networks")
    assert facts["time"].endswith("Z")


def test_bugs_come_with_their_traceback() -> None:
    plain, structured = told("plain"), None
    failed()
    assert "ValueError: invalid literal" in plain.getvalue()
    structured = told("json")
    failed()
    assert "ValueError: invalid literal" in json.loads(structured.getvalue())["traceback"]


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        pytest.param(0, ["warning"], id="quiet"),
        pytest.param(1, ["info", "warning"], id="facts"),
        pytest.param(2, ["debug", "info", "warning"], id="details"),
        pytest.param(9, ["debug", "info", "warning"], id="more-than-there-is"),
        pytest.param(-1, ["warning"], id="less-than-nothing"),
    ],
)
@pytest.mark.parametrize("area", ["sriov_operator.drain", "sriov_core.kube.election"])
def test_the_level_of_the_configuration_decides(level: int, expected: list[str], area: str) -> None:
    stream = told("json", level)
    log = logging.getLogger(area)
    log.debug("d")
    log.info("i")
    log.warning("w")
    assert [json.loads(line)["level"] for line in stream.getvalue().splitlines()] == expected


def test_libraries_are_heard_when_something_is_wrong_only() -> None:
    stream = told("json", 2)
    logging.getLogger("urllib3").info("noise")
    logging.getLogger("urllib3").warning("broken")
    assert [json.loads(line)["text"] for line in stream.getvalue().splitlines()] == ["broken"]
