"""What holds of every rendering, whatever the policies."""

from typing import Any

from drawn_policies import BAD, POLICIES, PORTS
from hypothesis import given
from hypothesis import strategies as st
from three_ports import policy

from sriov_core.api.nodepolicy import NodePolicy
from sriov_core.model.codec import to_builtins
from sriov_core.policy.explain import lines, rows
from sriov_core.policy.render import render
from sriov_core.policy.validation import validate


@given(POLICIES)
def test_the_policies_drawn_here_are_valid(policies: tuple[NodePolicy, ...]) -> None:
    assert [validate(entry) for entry in policies] == [()] * len(policies)


@given(POLICIES, st.randoms(use_true_random=False))
def test_the_order_of_the_input_changes_nothing(policies: tuple[NodePolicy, ...], random: Any) -> None:
    shuffled, ports = list(policies), list(PORTS)
    random.shuffle(shuffled)
    random.shuffle(ports)
    assert render(shuffled, ports) == render(policies, PORTS)


@given(POLICIES)
def test_groups_of_a_pf_never_overlap_and_stay_within_its_vfs(policies: tuple[NodePolicy, ...]) -> None:
    for spec in render(policies, PORTS).spec.nics:
        taken = [index for group in spec.groups for index in range(group.first, group.last + 1)]
        assert taken
        assert len(taken) == len(set(taken))
        assert max(taken) < spec.num_vfs
        assert spec.num_vfs <= 10


@given(POLICIES, BAD)
def test_a_bad_policy_changes_nothing_of_what_the_others_give(
    policies: tuple[NodePolicy, ...], mistake: dict[str, Any]
) -> None:
    bad = policy("bad", **{"vendor": "", **mistake})
    alone, together = render(policies, PORTS), render([bad, *policies], PORTS)
    assert together.spec == alone.spec
    assert [entry for entry in together.summaries if entry.policy != "bad"] == list(alone.summaries)
    assert together.unmatched == alone.unmatched
    assert len(together.problems) > len(alone.problems)


@given(POLICIES)
def test_every_policy_has_one_verdict_on_every_nic_and_a_reason(policies: tuple[NodePolicy, ...]) -> None:
    rendering = render(policies, PORTS)
    pairs = [(entry.policy, entry.nic) for entry in rendering.verdicts]
    assert sorted(pairs) == sorted((entry.metadata.name, port.address) for entry in policies for port in PORTS)
    assert all(entry.reason for entry in rendering.verdicts)


@given(POLICIES)
def test_what_is_held_is_what_is_wished(policies: tuple[NodePolicy, ...]) -> None:
    rendering = render(policies, PORTS)
    for spec in rendering.spec.nics:
        held = [group for entry in rendering.verdicts if entry.nic == spec.address for group in entry.groups]
        assert sorted(held, key=lambda group: group.first) == sorted(spec.groups, key=lambda group: group.first)


@given(POLICIES)
def test_a_rendering_can_be_explained_and_written(policies: tuple[NodePolicy, ...]) -> None:
    rendering = render(policies, PORTS)
    assert len(rows(rendering)) == len(rendering.verdicts)
    assert all("\n" not in line for line in lines(rendering))
    assert set(to_builtins(rendering)) == {"spec", "summaries", "problems", "unmatched"}
