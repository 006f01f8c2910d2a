"""A rendering in words, and the project's example manifests from text to wish."""

from pathlib import Path

from three_ports import F0, PORTS, groups, nic, policy

from sriov_core.api.documents import Body, read
from sriov_core.api.nodepolicy import NodePolicy
from sriov_core.api.nodestate import NodeState
from sriov_core.policy.explain import Row, lines, rows
from sriov_core.policy.nodereport import to_nics
from sriov_core.policy.nodestate import from_spec
from sriov_core.policy.render import render
from sriov_core.policy.verdict import Rendering

MANIFESTS = Path(__file__).parents[2] / "vectors" / "manifests"


def manifest(name: str) -> Body | None:
    return read((MANIFESTS / name).read_text(), name)[0].body


def rendered(policy_name: str, host_name: str) -> Rendering:
    wish, host = manifest(policy_name), manifest(host_name)
    assert isinstance(wish, NodePolicy)
    assert isinstance(host, NodeState)
    return render([wish], to_nics(host))


def test_the_story_of_two_policies_is_told_strongest_first() -> None:
    policies = [policy("weak", vendor="8086"), policy("strong", priority=10, num_vfs=4, pf_names=("ens803f0#2-3",))]
    assert lines(render(policies, PORTS[:2])) == (
        "policy strong (priority 10)",
        "  0000:86:00.0 (ens803f0): taken: VFs 2-3",
        "  0000:86:00.1 (ens803f1): not matched: nicSelector.pfNames wants ens803f0, the NIC has ens803f1",
        "policy weak (priority 99)",
        "  0000:86:00.0 (ens803f0): taken: VFs 0-1",
        "  0000:86:00.1 (ens803f1): taken: VFs 0-1",
    )


def test_a_policy_that_takes_nothing_is_told_with_what_came_closest() -> None:
    wish = policy(vendor="8086", pf_names=("ens1f0",))
    assert lines(render([wish, policy("default")], [nic(0, name="ens1f0np0")])) == (
        "policy p1 (priority 99): takes no NIC of this node",
        (
            "  0000:86:00.0 (ens1f0np0): not matched: nicSelector.pfNames wants ens1f0, the NIC has ens1f0np0 "
            "(ens1f0 exists as ens1f0np0)"
        ),
        "  nearest: 0000:86:00.0 (ens1f0np0)",
        "policy default (priority 99): skipped: a policy named default is never applied",
        "not here: policy p1: spec.nicSelector.pfNames[0]: this machine has no PF ens1f0. Did you mean ens1f0np0?",
    )


def test_an_invalid_policy_is_told_with_its_faults() -> None:
    wish = policy(pf_names=("ens803f0#5",))
    assert lines(render([wish], PORTS[:1])) == (
        "policy p1 (priority 99): invalid",
        "  0000:86:00.0 (ens803f0): invalid: spec.nicSelector.pfNames[0]: 'ens803f0#5': the range '5' has no '-'",
        (
            "problem: policy p1: spec.nicSelector.pfNames[0]: 'ens803f0#5': the range '5' has no '-'. "
            "Write 5-5 for that one VF"
        ),
    )


def test_a_row_has_a_cell_for_each_fact() -> None:
    assert rows(render([policy(pf_names=("ens803f0",))], PORTS[:1])) == (
        Row(
            policy="p1",
            priority=99,
            nic="0000:86:00.0",
            name="ens803f0",
            outcome="taken",
            vfs="0-1",
            resource="p1res",
            reason="VFs 0-1",
        ),
    )


def test_text_of_a_policy_cannot_steer_the_terminal() -> None:
    rendering = render([policy("evil\x1b[2J", pf_names=("a\x1b[2J",))], PORTS, {})
    assert all(line.isprintable() for line in lines(rendering))


def test_the_vfio_example_gives_four_vfs_on_the_first_port() -> None:
    rendering = rendered("vfio-policy.yaml", "nodestate-xl710.yaml")
    assert [(spec.address, spec.num_vfs, groups(spec)) for spec in rendering.spec.nics] == [
        (F0, 4, ["intelnics vfio-pci 0-3"])
    ]
    host = manifest("nodestate-xl710.yaml")
    assert isinstance(host, NodeState)
    assert from_spec(rendering.spec) == host.spec
    assert (rendering.problems, rendering.unmatched) == ((), ())


def test_the_switchdev_example_takes_both_ports() -> None:
    rendering = rendered("switchdev-policy.yaml", "nodestate-connectx5.yaml")
    assert [(spec.name, spec.eswitch_mode, groups(spec)) for spec in rendering.spec.nics] == [
        ("ens41f0np0", "switchdev", ["cx_sriov_switchdev netdevice 0-2"]),
        ("ens41f1np1", "switchdev", ["cx_sriov_switchdev netdevice 0-2"]),
    ]
    assert (rendering.problems, rendering.unmatched) == ((), ())
