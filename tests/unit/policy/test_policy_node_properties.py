"""What holds of everything that is written for a node, whatever the policies."""

from collections.abc import Iterable
from typing import Any

import msgspec
from drawn_policies import BAD, POLICIES, PORTS
from hypothesis import given
from hypothesis import strategies as st
from three_ports import policy

from sriov_core.api.nodepolicy import NodePolicy
from sriov_core.policy.judging import candidates
from sriov_core.policy.nodeoutcome import NodeFacts, NodeOutcome, Settings, rendered

NICS = st.sampled_from([PORTS, PORTS[:1], ()])


def outcome_of(policies: Iterable[NodePolicy], nics: Any = PORTS) -> NodeOutcome:
    return rendered(NodeFacts(name="node1", nics=nics), candidates(policies), "", Settings(bridges=True))


def written(found: NodeOutcome) -> bytes:
    """What would be sent to the API server."""
    return msgspec.json.encode([found.wish, found.plugin.config])


@given(POLICIES, st.lists(BAD, max_size=3), NICS, st.randoms(use_true_random=False))
def test_any_policies_give_an_outcome_that_does_not_depend_on_their_order(policies, mistakes, nics, random):
    bad = [policy(f"bad{position}", **{"vendor": "", **one}) for position, one in enumerate(mistakes)]
    shuffled, ports = [*policies, *bad], list(nics)
    random.shuffle(shuffled)
    random.shuffle(ports)
    assert written(outcome_of(shuffled, tuple(ports))) == written(outcome_of([*policies, *bad], nics))


@given(POLICIES, NICS)
def test_rendering_twice_is_equal(policies, nics):
    assert outcome_of(policies, nics) == outcome_of(policies, nics)


@given(POLICIES, BAD)
def test_a_bad_policy_changes_nothing_of_what_others_get(policies, mistake):
    bad = policy("bad", **{"vendor": "", **mistake})
    alone, together = outcome_of(policies), outcome_of([bad, *policies])
    assert together.wish == alone.wish
    others = [one for one in together.plugin.config.resources if one.resource_name != "badres"]
    assert others == list(alone.plugin.config.resources)


@given(POLICIES)
def test_a_policy_that_selects_nothing_changes_no_wish_and_no_other_resource(policies):
    idle = policy("idle", pf_names=("nowhere",), resource_name="idle")
    alone, together = outcome_of(policies), outcome_of([idle, *policies])
    assert together.wish == alone.wish
    others = [one for one in together.plugin.config.resources if one.resource_name != "idle"]
    assert others == list(alone.plugin.config.resources)
    assert "selects-nothing" in {remark.code for remark in together.plugin.remarks if remark.resource == "idle"}


@given(POLICIES)
def test_the_wish_is_read_back_as_it_was_written(policies):
    found = outcome_of(policies).wish
    assert msgspec.json.decode(msgspec.json.encode(found), type=type(found)) == found
