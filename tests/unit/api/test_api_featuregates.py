"""Feature gates: the defaults, what is laid over them, and what means nothing."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sriov_core.api.featuregates import GATES, gates

DEFAULTS = {
    "parallelNicConfig": False,
    "resourceInjectorMatchCondition": False,
    "metricsExporter": False,
    "manageSoftwareBridges": False,
    "blockDevicePluginUntilConfigured": True,
    "mellanoxFirmwareReset": True,
}
NAMES = st.sampled_from(sorted(DEFAULTS))


def test_there_are_these_gates_with_these_defaults() -> None:
    assert {gate.name: gate.default for gate in GATES} == DEFAULTS


@pytest.mark.parametrize("gate", GATES, ids=lambda gate: gate.name)
def test_every_gate_says_what_it_is_about_in_a_sentence(gate) -> None:
    assert gate.about[0].isupper()
    assert gate.about.endswith(".")


# The incumbent reads every gate as off until its first pass over the configuration.
@pytest.mark.parametrize(("name", "state"), DEFAULTS.items(), ids=DEFAULTS)
def test_without_a_wish_a_gate_is_at_its_default_from_the_start(name: str, state: bool) -> None:
    assert gates({}).is_on(name) is state


@pytest.mark.parametrize("name", DEFAULTS)
@pytest.mark.parametrize("state", [True, False], ids=["on", "off"])
def test_a_wish_overrides_the_default_of_its_gate_and_of_no_other(name: str, state: bool) -> None:
    found = gates({name: state})
    assert found.states == {**DEFAULTS, name: state}
    assert found.is_on(name) is state
    assert found.faults == ()


def test_a_gate_that_does_not_exist_is_off_even_if_it_is_asked_for() -> None:
    found = gates({"fasterThanLight": True, "metricsExporter": True})
    assert not found.is_on("fasterThanLight")
    assert not found.is_on("")
    assert found.is_on("metricsExporter")
    assert found.states.keys() == DEFAULTS.keys()


FAULTS = {
    "misspelled": (
        {"metricExporter": True},
        "spec.featureGates.metricExporter: there is no such feature gate. Did you mean metricsExporter?",
    ),
    "in-another-case": (
        {"METRICSEXPORTER": True},
        "spec.featureGates.METRICSEXPORTER: there is no such feature gate. Did you mean metricsExporter?",
    ),
    "unlike-any": (
        {"x": True},
        f"spec.featureGates.x: there is no such feature gate. Allowed here: {', '.join(DEFAULTS)}",
    ),
    "steers-a-terminal": (
        {"\x1b[2J": True},
        f"spec.featureGates.'\\x1b[2J': there is no such feature gate. Allowed here: {', '.join(DEFAULTS)}",
    ),
    "text": (
        {"metricsExporter": "true"},
        "spec.featureGates.metricsExporter: found the text 'true', wanted true or false. Write true or false",
    ),
    "number": (
        {"metricsExporter": 1},
        "spec.featureGates.metricsExporter: found the integer 1, wanted true or false. Write true or false",
    ),
    "nothing": (
        {"metricsExporter": None},
        "spec.featureGates.metricsExporter: found nothing, wanted true or false. Write true or false",
    ),
    "list": (
        {"metricsExporter": [True]},
        "spec.featureGates.metricsExporter: found a list, wanted true or false. Write true or false",
    ),
}


@pytest.mark.parametrize(("asked", "message"), FAULTS.values(), ids=FAULTS)
def test_what_means_nothing_is_told_and_leaves_every_gate_at_its_default(
    asked: dict[str, object], message: str
) -> None:
    found = gates(asked)
    assert [str(fault) for fault in found.faults] == [message]
    assert found.states == DEFAULTS


def test_one_mistake_does_not_stop_the_other_gates() -> None:
    found = gates({"bogus": True, "metricsExporter": "yes", "parallelNicConfig": True, "mellanoxFirmwareReset": False})
    assert [fault.path for fault in found.faults] == ["spec.featureGates.bogus", "spec.featureGates.metricsExporter"]
    assert found.states == {**DEFAULTS, "parallelNicConfig": True, "mellanoxFirmwareReset": False}


def test_faults_are_named_below_the_path_that_was_given() -> None:
    (fault,) = gates({"bogus": True}, "featureGates").faults
    assert fault.path == "featureGates.bogus"


@given(st.dictionaries(NAMES, st.booleans()))
@settings(max_examples=50)
def test_known_gates_are_as_asked_and_the_others_at_their_defaults(asked: dict[str, bool]) -> None:
    found = gates(asked)
    assert found.states == DEFAULTS | asked
    assert found.faults == ()


@given(st.dictionaries(NAMES | st.text(max_size=8), st.none() | st.booleans() | st.integers() | st.text(max_size=4)))
@settings(max_examples=100)
def test_every_entry_is_either_in_force_or_a_fault(asked: dict[str, object]) -> None:
    found = gates(asked)
    in_force = [name for name, value in asked.items() if isinstance(value, bool) and found.states.get(name) is value]
    assert len(in_force) + len(found.faults) == len(asked)
    assert found.states.keys() == DEFAULTS.keys()
