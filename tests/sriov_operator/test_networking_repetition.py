"""Complaints in ever different words are told now and then, everything else at once."""

import pytest

from sriov_core.api.conditions import Condition
from sriov_operator.networking.index import Key
from sriov_operator.networking.repetition import AGAIN_S, Repetition

NET, OTHER = Key("SriovNetwork", "ns/net"), Key("OVSNetwork", "ns/net")


class Clock:
    def __init__(self) -> None:
        self.now = 50.0

    def __call__(self) -> float:
        return self.now


def ready(message: str, reason: str = "Refused", status: str = "False", generation: int = 1) -> Condition:
    return Condition(
        type="Ready",
        status=status,  # type: ignore[arg-type]
        reason=reason,
        message=message,
        observed_generation=generation,
    )


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def repetition(clock: Clock) -> Repetition:
    made = Repetition(clock)
    assert not made.is_one(NET, (), ready("port 1"))
    return made


def test_other_words_a_moment_later_are_a_repetition(repetition: Repetition) -> None:
    assert repetition.is_one(NET, (ready("port 1"),), ready("port 2"))


def test_other_words_are_told_after_a_while(repetition: Repetition, clock: Clock) -> None:
    clock.now += AGAIN_S - 1
    assert repetition.is_one(NET, (ready("port 1"),), ready("port 2"))
    clock.now += 1
    assert not repetition.is_one(NET, (ready("port 1"),), ready("port 3"))
    assert repetition.is_one(NET, (ready("port 3"),), ready("port 4"))


@pytest.mark.parametrize(
    ("key", "held", "wanted"),
    [
        pytest.param(NET, (), ready("port 2"), id="nothing-is-said-any-more"),
        pytest.param(NET, (ready("port 1", status="True"),), ready("port 2"), id="it-was-well-in-between"),
        pytest.param(NET, (ready("port 1", reason="Other"),), ready("port 2"), id="for-another-reason"),
        pytest.param(NET, (ready("port 1"),), ready("port 2", generation=2), id="about-another-wish"),
        pytest.param(OTHER, (ready("port 1"),), ready("port 2"), id="of-another-network"),
    ],
)
def test_what_is_news_is_told(repetition: Repetition, key: Key, held: tuple[Condition, ...], wanted: Condition) -> None:
    assert not repetition.is_one(key, held, wanted)


def test_a_network_that_was_made_anew_begins_anew(repetition: Repetition) -> None:
    repetition.forget(NET)
    assert not repetition.is_one(NET, (ready("port 1"),), ready("port 2"))
