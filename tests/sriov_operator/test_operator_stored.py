"""What an object says as the API server stores it, and what is told of fields that nobody acts on."""

import msgspec
import pytest

from sriov_core.api.conditions import ACCEPTED, Condition
from sriov_operator.stored import ReadPool, acceptance, accepted, conditions, joined, mistakes, unknown_of

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


@pytest.mark.parametrize(
    ("status", "names", "told"),
    [
        pytest.param("True", ["prioritty"], "x, but spec.prioritty is no field that anybody reads", id="one"),
        pytest.param("False", ["prioritty"], "x; spec.prioritty is no field that anybody reads", id="not-ready"),
        pytest.param("True", ["aa", "bb"], "x, but spec.aa, spec.bb are no fields that anybody reads", id="two"),
        pytest.param(
            "True",
            [f"x{number:03}" for number in range(20)],
            "x, but spec.x000, spec.x001, spec.x002 and others are no fields that anybody reads",
            id="many",
        ),
        pytest.param("True", ["a b"], "x, but it has fields that nobody reads", id="a-name-with-a-blank"),
    ],
)
def test_ready_names_the_fields_too(status, names, told):
    found = acceptance(stored("SriovNetworkNodePolicy", {**POLICY, **dict.fromkeys(names, 1)}))
    ready = msgspec.structs.replace(READY, status=status, message="x")
    once = joined((), (ready,), found, NOW)
    assert once[0].message == f"{told}: see Accepted"
    assert once[0].status == status
    assert joined(once, (once[0],), found, NOW) == once


@pytest.mark.parametrize(
    ("spec", "unknown"),
    [
        pytest.param({"maxUnavailable": 2, "nodeSelector": {"matchLabels": {"any": "label"}}}, (), id="known"),
        pytest.param({"maxUnavaliable": 2}, ("spec.maxUnavaliable",), id="misspelled"),
        pytest.param({"unknown": 5}, ("spec.unknown",), id="called-as-ours"),
        pytest.param({"nodeSelector": {"matchLabel": {}}}, ("spec.nodeSelector.matchLabel",), id="below"),
    ],
)
def test_a_cached_pool_knows_the_fields_of_its_spec_that_nobody_reads(spec, unknown):
    pool = msgspec.json.decode(msgspec.json.encode(stored("SriovNetworkPoolConfig", spec)), type=ReadPool)
    assert unknown_of(pool) == unknown
    assert pool.spec.max_unavailable == spec.get("maxUnavailable")


def test_a_cached_pool_that_does_not_fit_its_kind_is_refused():
    text = msgspec.json.encode(stored("SriovNetworkPoolConfig", {"maxUnavailable": [2]}))
    with pytest.raises(msgspec.ValidationError, match="maxUnavailable"):
        msgspec.json.decode(text, type=ReadPool)


def test_of_an_object_that_cannot_be_read_what_can_be_is():
    found = stored("SriovNetworkNodePolicy", {**POLICY, "numVfs": "many"}, status={"conditions": [{"type": "A"}, 3]})
    assert "spec.numVfs" in [fault.path for fault in mistakes(found)]
    assert conditions(found) == ()
