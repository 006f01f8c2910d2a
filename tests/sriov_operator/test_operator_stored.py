"""What an object says as the API server stores it, and what is told of fields that nobody acts on."""

import pytest

from sriov_core.api.conditions import ACCEPTED, Condition
from sriov_operator.stored import acceptance, accepted, conditions, joined, mistakes

API = "sriovnetwork.openshift.io/v1"
NOW = "2026-11-21T19:00:00Z"
READY = Condition(type="Ready", status="True", reason="Applied", last_transition_time=NOW)
UNKNOWN = Condition(type=ACCEPTED, status="False", reason="UnknownFields", message="x", last_transition_time=NOW)


def stored(kind: str, spec: dict, **more):
    metadata = {"name": "a", "namespace": "sriov", "uid": "1", "generation": 7}
    return {"apiVersion": API, "kind": kind, "metadata": metadata, "spec": spec, **more}


POLICY = {"resourceName": "r", "nodeSelector": {}, "numVfs": 2, "nicSelector": {"vendor": "8086"}}


@pytest.mark.parametrize(
    ("kind", "spec", "told"),
    [
        pytest.param("SriovNetworkNodePolicy", POLICY, "", id="policy-as-it-should-be"),
        pytest.param(
            "SriovNetworkNodePolicy",
            {**POLICY, "numVFs": 3},
            "spec.numVFs: unknown field. Did you mean numVfs?",
            id="policy",
        ),
        pytest.param(
            "SriovNetworkNodePolicy",
            {**POLICY, "nicSelector": {"vendor": "8086", "pfName": ["a"]}},
            "spec.nicSelector.pfName: unknown field. Did you mean pfNames?",
            id="below-the-spec",
        ),
        pytest.param(
            "SriovNetworkPoolConfig",
            {"maxUnavaliable": 1},
            "spec.maxUnavaliable: unknown field. Did you mean maxUnavailable?",
            id="pool",
        ),
        pytest.param(
            "SriovOperatorConfig",
            {"enableInjektor": True, "featureGates": {"any": True}},
            "spec.enableInjektor: unknown field. Did you mean enableInjector?",
            id="configuration-whose-gates-have-any-name",
        ),
        pytest.param(
            "OVSNetwork",
            {"resourceName": "r", "brige": "b"},
            "spec.brige: unknown field. Did you mean bridge?",
            id="network",
        ),
        pytest.param(
            "SriovNetworkNodePolicy",
            {**POLICY, "numVfs": "2", "mtuu": 1},
            "spec.mtuu: unknown field. Did you mean mtu?",
            id="beside-a-mistake",
        ),
    ],
)
def test_fields_that_a_kind_does_not_have_are_told_with_what_was_meant(kind, spec, told):
    found = acceptance(stored(kind, spec))
    assert (found.message if found else "") == (f"nobody acts on these; {told}" if told else "")
    assert found is None or (found.type, found.status, found.observed_generation) == (ACCEPTED, "False", 7)


def test_what_stands_outside_the_spec_is_not_for_people_to_mend():
    assert acceptance(stored("SriovNetworkNodePolicy", POLICY, status={"colour": "blue"}, more=1)) is None


def test_a_text_of_very_many_fields_stays_short():
    found = acceptance(stored("SriovNetworkNodePolicy", {**POLICY, **{f"x{number}": 1 for number in range(500)}}))
    assert found is not None
    assert found.message.endswith("; and 490 more")


@pytest.mark.parametrize(
    ("current", "found", "types"),
    [
        pytest.param((READY,), None, ["Ready"], id="none-before-and-after"),
        pytest.param((), UNKNOWN, ["Ready", ACCEPTED], id="comes"),
        pytest.param((READY, UNKNOWN), UNKNOWN, ["Ready", ACCEPTED], id="stays"),
        pytest.param((UNKNOWN, READY), None, ["Ready"], id="goes"),
    ],
)
def test_the_condition_is_there_while_there_are_such_fields(current, found, types):
    after = joined(current, (READY,), found, NOW)
    assert [one.type for one in after] == types
    assert accepted(after) == found
    assert joined(after, (READY,), found, NOW) == after


def test_of_an_object_that_cannot_be_read_what_can_be_is():
    found = stored("SriovNetworkNodePolicy", {**POLICY, "numVfs": "many"}, status={"conditions": [{"type": "A"}, 3]})
    assert "spec.numVfs" in [fault.path for fault in mistakes(found)]
    assert conditions(found) == ()
