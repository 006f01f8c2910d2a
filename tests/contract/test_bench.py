"""What `make bench` measures is what it says, and a figure over its limit fails the run."""

import json
import os
import sys

import pytest

from bench import __main__ as program
from bench.figure import Figure
from bench.process import side_by_side


@pytest.mark.parametrize(
    ("value", "limit", "exceeds"),
    [
        pytest.param(0.3, 0.4, False, id="below"),
        pytest.param(0.4, 0.4, False, id="at-the-limit"),
        pytest.param(0.5, 0.4, True, id="above"),
        pytest.param(0.5, None, False, id="no-limit"),
    ],
)
def test_a_figure_says_when_it_is_over_its_limit(value, limit, exceeds):
    figure = Figure(name="probe", value=value, unit="s", detail="a test", limit=limit)
    assert figure.exceeds is exceeds
    assert json.loads(figure.line()).get("exceeds", False) is exceeds


def test_the_memory_of_a_process_is_its_own_and_not_that_of_who_started_it():
    ballast = bytearray(200 << 20)
    commands = {
        "small": [sys.executable, "-I", "-S", "-c", "pass"],
        "large": [sys.executable, "-I", "-S", "-c", "bytearray(80 << 20)"],
    }
    runs = side_by_side(commands, dict(os.environ), repeats=1)
    assert len(ballast) > 100 << 20
    assert runs["small"].peak_mb < 40
    assert 80 < runs["large"].peak_mb < 120


def test_a_command_that_fails_is_no_measurement():
    with pytest.raises(SystemExit):
        side_by_side({"broken": [sys.executable, "-c", "raise SystemExit(1)"]}, dict(os.environ), repeats=1)


def test_a_part_that_does_not_exist_is_refused(capsys):
    assert program.main(["prbe"]) == 1
    told = capsys.readouterr().err
    assert "there is no part prbe; there are probe, planning, rendering, refusing, lab, scale, memory, idle" in told
    assert "and the groups node and cluster" in told
