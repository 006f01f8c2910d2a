"""The printed plans for NICs in switchdev mode, line by line as somebody read and approved them."""

import pytest
from golden_plans import HERE, texts

KEPT = sorted(path.stem for path in HERE.glob("*.txt"))


@pytest.fixture(scope="module")
def printed() -> dict[str, str]:
    return dict(texts())


def test_every_plan_is_kept_and_every_kept_plan_is_made(printed):
    assert sorted(printed) == KEPT


@pytest.mark.parametrize("name", KEPT)
def test_a_plan_reads_as_it_was_approved(printed, name):
    rewrite = "if this is meant, run python tests/golden/golden_plans.py and read the difference"
    assert printed[name] == (HERE / f"{name}.txt").read_text(), rewrite


@pytest.mark.parametrize("name", KEPT)
def test_every_line_fits_a_terminal_or_says_why_not(printed, name):
    without_reasons = [line.partition("  [")[0] for line in printed[name].splitlines()[:-1]]
    assert max(map(len, without_reasons)) <= 100
