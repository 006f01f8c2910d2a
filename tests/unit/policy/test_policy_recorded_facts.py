"""Cases with known results that the SR-IOV network operator's users rely on: policies to node states and configs."""

import msgspec
import pytest
from plugin_configs import rendered, selectors
from three_ports import F1, PORTS, groups, nic, policy

from sriov_core.api.nodepolicy import NodePolicy
from sriov_core.api.nodestate import NodeState, System
from sriov_core.api.poolconfig import PoolConfig, PoolConfigSpec
from sriov_core.api.wire import LabelSelector, ObjectMeta
from sriov_core.model.observed import EswitchMode, LinkType, Nic
from sriov_core.policy.fleet import Fleet
from sriov_core.policy.nodeoutcome import WORKER, NodeFacts
from sriov_core.policy.nodereport import to_nics
from sriov_core.policy.nodestate import from_spec
from sriov_core.policy.render import render

REPORTED = (nic(0, alt_names=("alt1", "alt2")), nic(1, alt_names=("alt3",)), nic(2))
SILENT = to_nics(NodeState(metadata=ObjectMeta(name="n1")))


def test_two_kinds_of_vdpa_of_equal_priority_share_a_port_and_the_later_one_stands_first() -> None:
    vdpa = {"eswitch_mode": "switchdev", "num_vfs": 4, "priority": 99}
    existing = policy("vhostvdpa", pf_names=("ens803f1#0-1",), vdpa_type="vhost", **vdpa)
    later = policy("virtiovdpa", pf_names=("ens803f1#2-3",), vdpa_type="virtio", **vdpa)
    (spec,) = render([later, existing], PORTS).spec.nics
    assert (spec.address, spec.num_vfs) == (F1, 4)
    assert [(group.resource_name, group.vf_range, str(group.vdpa_type)) for group in spec.groups] == [
        ("virtiovdpares", "2-3", "virtio"),
        ("vhostvdpares", "0-1", "vhost"),
    ]


@pytest.mark.parametrize(
    ("link_type", "wanted_link"),
    [pytest.param("eth", LinkType.ETH, id="ethernet"), pytest.param("", None, id="no-link-type")],
)
@pytest.mark.parametrize(
    ("mode", "wanted_mode"),
    [
        pytest.param("switchdev", EswitchMode.SWITCHDEV, id="switchdev"),
        pytest.param("legacy", EswitchMode.LEGACY, id="legacy"),
    ],
)
def test_link_type_and_mode_are_those_of_the_stronger_policy(
    link_type: str, wanted_link: LinkType | None, mode: str, wanted_mode: EswitchMode
) -> None:
    other_link, other_mode = "" if link_type else "eth", "legacy" if mode == "switchdev" else "switchdev"
    weak = policy("w", pf_names=("ens803f1#2-3",), num_vfs=4, link_type=other_link, eswitch_mode=other_mode)
    strong = policy("s", pf_names=("ens803f1#0-1",), num_vfs=4, link_type=link_type, eswitch_mode=mode, priority=10)
    for given in ([weak, strong], [strong, weak]):
        (spec,) = render(given, PORTS).spec.nics
        assert groups(spec) == ["sres netdevice 0-1", "wres netdevice 2-3"]
        assert (spec.link_type, spec.eswitch_mode) == (wanted_link, wanted_mode)


@pytest.mark.parametrize(
    ("nics", "given", "expected"),
    [
        pytest.param((), "alt1", "alt1", id="no-state"),
        pytest.param(SILENT, "alt1", "alt1", id="no-interfaces"),
        pytest.param(REPORTED, "ens803f0", "ens803f0", id="primary-name"),
        pytest.param(REPORTED, "alt1", "ens803f0", id="first-alternative"),
        pytest.param(REPORTED, "alt2", "ens803f0", id="second-alternative"),
        pytest.param(REPORTED, "alt3", "ens803f1", id="alternative-of-another-port"),
        pytest.param(REPORTED, "unknown", "unknown", id="unknown"),
        pytest.param(PORTS, "alt1", "alt1", id="no-alternatives"),
        pytest.param(REPORTED, "alt1#10-19", "ens803f0#10-19", id="alternative-with-a-range"),
        pytest.param((), "alt1#10-19", "alt1#10-19", id="range-without-a-state"),
    ],
)
def test_the_plugin_is_told_the_primary_name_of_a_port(nics: tuple[Nic, ...], given: str, expected: str) -> None:
    found = rendered(policy(pf_names=(given,), num_vfs=20), nics=nics)
    assert selectors(found)["p1res"]["pfNames"] == [expected]


def partition(name: str, entry: str, **spec: int) -> NodePolicy:
    return policy(name, pf_names=(entry,), num_vfs=5, **spec)


@pytest.mark.parametrize(
    ("first", "second", "mtus"),
    [
        pytest.param({"mtu": 9000}, {}, {"2-4": 9000, "0-1": None}, id="the-first"),
        pytest.param({}, {"mtu": 9000}, {"2-4": None, "0-1": 9000}, id="the-second"),
        pytest.param({"mtu": 9000}, {"mtu": 2000}, {"2-4": 9000, "0-1": 2000}, id="both"),
        pytest.param({}, {}, {"2-4": None, "0-1": None}, id="none"),
    ],
)
def test_a_partitioned_port_has_all_groups_each_with_the_mtu_of_its_policy(
    first: dict[str, int], second: dict[str, int], mtus: dict[str, int | None]
) -> None:
    policies = [partition("first", "ens803f1#2-4", **first), partition("second", "ens803f1#0-1", **second)]
    (wish,) = msgspec.to_builtins(from_spec(render(policies, PORTS).spec))["interfaces"]
    assert wish["numVfs"] == 5
    assert {group["vfRange"]: group.get("mtu") for group in wish["vfGroups"]} == mtus
    assert {group["vfRange"]: group["resourceName"] for group in wish["vfGroups"]} == {
        "2-4": "firstres",
        "0-1": "secondres",
    }


def test_the_rdma_mode_of_a_pool_comes_to_the_nodes_that_it_selects_and_to_no_others() -> None:
    fleet = Fleet()
    for name, labels in (("in", {**WORKER, "test": ""}), ("out", WORKER)):
        fleet.put_node(NodeFacts(name=name, labels=labels, nics=PORTS))
    spec = PoolConfigSpec(rdma_mode="exclusive", node_selector=LabelSelector(match_labels={"test": ""}))
    fleet.put_pools([PoolConfig(metadata=ObjectMeta(name="pool"), spec=spec)])
    wishes = [fleet.outcome(name).wish for name in ("in", "out")]
    assert [wish.system if wish else None for wish in wishes] == [System(rdma_mode="exclusive"), System()]
