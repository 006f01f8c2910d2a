"""What holds of every rendering, whatever the policies."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from three_ports import nic, policy

from sriov_core.api.nodepolicy import NodePolicy
from sriov_core.model.codec import to_builtins
from sriov_core.policy.explain import lines, rows
from sriov_core.policy.render import render
from sriov_core.policy.validation import validate

PORTS = (nic(0, alt_names=("lan0",)), nic(1, total_vfs=8), nic(2))
NAMES = ("ens803f0", "lan0", "ens803f1", "ens803f2", "ghost")
BAD = st.sampled_from(
    [
        {"pf_names": ("ens803f0#5",)},
        {"pf_names": ("../../etc",)},
        {"pf_names": ("ens803f1#0-9",), "num_vfs": 4},
        {"vendor": "8086", "device_type": "vfio-pci", "is_rdma": True},
        {"vendor": "8086", "vdpa_type": "vhost"},
        {"vendor": "8086", "resource_name": "a/b"},
        {"vendor": "0x8086"},
        {"pf_names": ()},
    ]
)


@st.composite
def good(draw: st.DrawFn, name: str) -> NodePolicy:
    num_vfs = draw(st.integers(0, 10))
    entries = []
    for pf in draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=3)):
        first = draw(st.integers(0, max(num_vfs - 1, 0)))
        last = draw(st.integers(first, max(num_vfs - 1, first)))
        entries.append(f"{pf}#{first}-{last}" if num_vfs and draw(st.booleans()) else pf)
    selector: dict[str, Any] = draw(st.sampled_from([{"vendor": "8086"}, {"pf_names": tuple(entries)}]))
    return policy(
        name,
        **selector,
        num_vfs=num_vfs,
        priority=draw(st.sampled_from([10, 50, 99])),
        mtu=draw(st.sampled_from([0, 1500, 9000])),
        device_type=draw(st.sampled_from(["", "netdevice", "vfio-pci"])),
        resource_name=draw(st.sampled_from(["fast", "slow"])),
        externally_managed=draw(st.booleans()),
    )


POLICIES = st.lists(st.sampled_from("abcdef"), unique=True, max_size=6).flatmap(
    lambda names: st.tuples(*(good(name) for name in names))
)


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
