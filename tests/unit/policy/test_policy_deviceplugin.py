"""Policies to the device plugin's config of a node: each resource offers what its policies hold."""

from typing import Any

import pytest
from plugin_configs import NETWORK, NO_FLAGS, NO_NICS, codes, entries, guest, rendered, selectors
from three_ports import F0, F2, PORTS, nic, policy

from sriov_core.api.nodepolicy import NodePolicy
from sriov_core.api.pluginconfig import encode
from sriov_core.model.address import Address
from sriov_core.model.desired import NicSpec, NodeSpec, VdpaType, VfGroup
from sriov_core.model.observed import UNKNOWN, LinkType, Nic, Vf
from sriov_core.policy.nicids import DEFAULT
from sriov_core.policy.pluginremarks import RemarkCode, Severity
from sriov_core.policy.pooldevices import pool_devices


def switchdev(name: str = "p1", **spec: Any) -> NodePolicy:
    return policy(name, **{"eswitch_mode": "switchdev", **spec})


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param({"vendor": "8086"}, {"vendors": ["8086"]}, id="vendor"),
        pytest.param({"device_id": "158b"}, {"devices": ["154c"]}, id="the-id-of-the-vfs"),
        pytest.param({"device_id": "158b", "num_vfs": 0}, {"devices": ["158b"]}, id="the-pf-itself"),
        pytest.param({"vendor": "15b3", "device_id": "158b"}, {"vendors": ["15b3"]}, id="an-id-of-another-vendor"),
        pytest.param({"pf_names": ("b#0-1", "a")}, {"pfNames": ["a", "b#0-1"]}, id="pf-names-sorted"),
        pytest.param(
            {"pf_names": ("a#4-5", "a#0-1"), "num_vfs": 8}, {"pfNames": ["a#0-1,4-5"]}, id="one-entry-for-each-pf"
        ),
        pytest.param(
            {"root_devices": ("0000:86:00.1", "0000:3B:00.0")},
            {"rootDevices": ["0000:3b:00.0", "0000:86:00.1"]},
            id="root-devices",
        ),
        pytest.param(
            {"vendor": "8086", "link_type": "IB"}, {"vendors": ["8086"], "linkTypes": ["infiniband"]}, id="ib"
        ),
        pytest.param({"vendor": "8086", "link_type": "eth"}, {"vendors": ["8086"], "linkTypes": ["ether"]}, id="eth"),
        pytest.param(
            {"vendor": "8086", "link_type": "eth", "device_type": "vfio-pci"},
            {"vendors": ["8086"]},
            id="no-link-type-for-vfio",
        ),
        pytest.param({"vendor": "8086", "is_rdma": True}, {"vendors": ["8086"], "IsRdma": True}, id="rdma"),
        pytest.param(
            {"vendor": "8086", "need_vhost_net": True}, {"vendors": ["8086"], "NeedVhostNet": True}, id="vhost-net"
        ),
        pytest.param(
            {"vendor": "8086", "device_type": "vfio-pci"}, {"vendors": ["8086"]}, id="a-device-type-is-no-driver"
        ),
        pytest.param({"vendor": "8086", "externally_managed": True}, {"vendors": ["8086"]}, id="externally-managed"),
    ],
)
def test_a_policy_is_copied_field_by_field_on_a_node_without_a_report(
    spec: dict[str, Any], expected: dict[str, Any]
) -> None:
    found = rendered(policy(**spec), nics=NO_NICS)
    assert selectors(found) == {"p1res": {**NO_FLAGS, **expected}}
    assert found.remarks == ()


@pytest.mark.parametrize("kind", ["virtio", "vhost"])
@pytest.mark.parametrize(
    "nic_selector", [{"pf_names": ()}, {"vendor": "", "device_id": "ffff"}], ids=["no-selector", "an-unknown-id"]
)
def test_vdpa_alone_gives_its_type_and_two_false_flags(kind: str, nic_selector: dict[str, Any]) -> None:
    found = rendered(switchdev(vdpa_type=kind, **nic_selector), nics=NO_NICS)
    assert selectors(found) == {"p1res": {**NO_FLAGS, "vdpaType": kind}}


def test_exclude_topology_is_written_when_it_is_true() -> None:
    found = rendered(policy(resource_name="resX", pf_names=("eno1#0-3",), num_vfs=4, exclude_topology=True), nics=())
    assert encode(found.config) == (
        '{"resourceList":[{"resourceName":"resX","excludeTopology":true,"selectors":{"pfNames":["eno1#0-3"],'
        '"IsRdma":false,"NeedVhostNet":false},"SelectorObj":null}]}'
    )


def test_two_vendors_under_one_resource_are_united_without_drivers() -> None:
    ports = {"resource_name": "mix", "root_devices": ("0000:86:00.0",)}
    intel = policy("a", **ports, vendor="8086", device_type="vfio-pci")
    mellanox = policy("b", resource_name="mix", vendor="15b3", root_devices=("0000:3b:00.0",), is_rdma=True)
    found = selectors(rendered(intel, mellanox, nics=NO_NICS))
    assert set(found) == {"mix"}
    assert found["mix"]["vendors"] == ["15b3", "8086"]
    assert found["mix"]["rootDevices"] == ["0000:3b:00.0", "0000:86:00.0"]
    assert "drivers" not in found["mix"]


@pytest.mark.parametrize("nics", [NO_NICS, (nic(0, name="ens0"),)], ids=["no-report", "reported"])
def test_two_resources_of_one_pf_keep_their_ranges(nics: tuple[Nic, ...]) -> None:
    vfio = policy(
        "a", resource_name="resvfiopci", vendor="8086", pf_names=("ens0#0-9",), num_vfs=20, device_type="vfio-pci"
    )
    net = policy("b", resource_name="resnetdevice", vendor="8086", pf_names=("ens0#10-19",), num_vfs=20)
    found = rendered(vfio, net, nics=nics)
    assert selectors(found) == {
        "resnetdevice": {"vendors": ["8086"], "pfNames": ["ens0#10-19"], **NO_FLAGS},
        "resvfiopci": {"vendors": ["8086"], "pfNames": ["ens0#0-9"], **NO_FLAGS},
    }
    assert [entry["resourceName"] for entry in entries(found)] == ["resnetdevice", "resvfiopci"]
    assert found.remarks == ()


def test_a_policy_for_other_nodes_and_one_called_default_are_not_looked_at() -> None:
    elsewhere = policy("a", node_selector={"kind": "worker"})
    found = rendered(elsewhere, policy("default"), labels={"kind": "master"})
    assert encode(found.config) == '{"resourceList":null}'
    assert found.remarks == ()
    assert set(selectors(rendered(elsewhere, labels={"kind": "worker"}))) == {"ares"}


def test_an_alternative_name_becomes_the_primary_one_and_keeps_its_range() -> None:
    port = nic(0, alt_names=("lan0", "enp134"))
    found = rendered(policy(pf_names=("enp134#0-1", "ens803f0#4-5"), num_vfs=8), nics=(port,))
    assert selectors(found)["p1res"]["pfNames"] == ["ens803f0#0-1,4-5"]
    assert codes(found) == [(RemarkCode.ALT_NAME, "p1res", "p1")]


def test_a_vdpa_policy_with_rdma_is_written_without_it_because_both_would_stop_the_plugin() -> None:
    for nics in (NO_NICS, (nic(1, vendor="15b3", device="1017"),)):
        found = rendered(switchdev(vdpa_type="vhost", is_rdma=True), nics=nics)
        assert selectors(found) == {"p1res": {"pfNames": ["ens803f1"], **NO_FLAGS, "vdpaType": "vhost"}}
        assert codes(found) == [(RemarkCode.RDMA_WITH_VDPA, "p1res", "p1")]


def test_net_filter_lists_the_nics_of_that_network() -> None:
    guests = tuple(guest(port, network) for port, network in ((0, NETWORK), (1, "openstack/NetworkID:other")))
    found = rendered(policy(net_filter=NETWORK, num_vfs=1), nics=guests)
    assert selectors(found) == {"p1res": {"pciAddresses": ["0000:86:00.0"], **NO_FLAGS}}
    assert found.remarks == ()


def test_net_filter_on_a_node_without_a_report_offers_nothing_and_disturbs_nobody() -> None:
    found = rendered(policy(net_filter=NETWORK), policy("b"), nics=NO_NICS)
    assert set(selectors(found)) == {"bres"}
    assert codes(found) == [(RemarkCode.SELECTS_NOTHING, "p1res", "p1")]


def test_a_range_on_a_nic_that_is_its_own_vf_is_written_by_address() -> None:
    found = rendered(policy(pf_names=("ens803f1#0-0",), num_vfs=1), nics=(guest(1),))
    assert selectors(found) == {"p1res": {"pciAddresses": ["0000:86:00.1"], **NO_FLAGS}}


def test_a_pf_is_offered_itself_when_no_vfs_are_asked_for() -> None:
    pf = policy(num_vfs=0, pf_names=("ens803f2",))
    assert selectors(rendered(pf, nics=(nic(2, num_vfs=0),))) == {"p1res": {"pfNames": ["ens803f2"], **NO_FLAGS}}
    assert selectors(rendered(pf, nics=PORTS)) == {"p1res": {"pciAddresses": ["0000:86:00.2"], **NO_FLAGS}}


def test_whoever_wants_the_device_id_of_vfs_is_told_that_of_the_pf():
    found = rendered(policy("a", vendor="8086", device_id="154c"), policy("b", pf_names=("ens803f0",)))
    (remark,) = (one for one in found.remarks if one.code is RemarkCode.CLAIMED_TWICE)
    assert remark.remedy == "They go to bres. deviceID 154c of policy a is the id of VFs of ens803f0; write 158b"


@pytest.mark.parametrize(
    ("policies", "expected", "said"),
    [
        pytest.param(
            [policy("a", vendor="8086", num_vfs=4), policy("b", pf_names=("ens803f0#0-1",), num_vfs=4, priority=10)],
            {
                "ares": {"rootDevices": ["0000:86:00.1#0-3", "0000:86:00.2#0-3"]},
                "bres": {"pfNames": ["ens803f0#0-1"]},
            },
            [(RemarkCode.CLAIMED_TWICE, "ares", ""), (RemarkCode.PRECISE, "ares", "")],
            id="a-weaker-policy-would-take-what-a-stronger-one-holds",
        ),
        pytest.param(
            [
                policy("a", resource_name="r", pf_names=("ens803f0#0-1",), num_vfs=4),
                policy("b", resource_name="r", root_devices=("0000:86:00.2",), num_vfs=4),
            ],
            {"r": {"rootDevices": ["0000:86:00.0#0-1", "0000:86:00.2#0-3"]}},
            [(RemarkCode.PRECISE, "r", "")],
            id="united-fields-that-exclude-each-other",
        ),
        pytest.param(
            [
                policy("a", resource_name="r", vendor="8086", pf_names=("ens803f0#0-1", "ens803f2#0-1"),
                       device_id="158b", num_vfs=4),
                policy("b", resource_name="r", vendor="8086", pf_names=("ens803f1#0-1", "ens803f2#2-3"),
                       device_id="1015", num_vfs=4),
            ],
            {"r": {"rootDevices": ["0000:86:00.0#0-1", "0000:86:00.2#2-3"]}},
            [(RemarkCode.PRECISE, "r", "")],
            id="united-fields-of-two-models",
        ),
        pytest.param(
            [
                policy("a", resource_name="r", pf_names=("ens803f0",)),
                policy("b", resource_name="r", pf_names=("ens803f1",), is_rdma=True),
            ],
            {
                "r": [
                    {"rootDevices": ["0000:86:00.0#0-1"]},
                    {"rootDevices": ["0000:86:00.1#0-1"], "IsRdma": True},
                ]
            },
            [(RemarkCode.PRECISE, "r", "")],
            id="policies-that-differ-in-rdma",
        ),
        pytest.param(
            [
                policy("a", resource_name="r", pf_names=("ghost",), need_vhost_net=True),
                policy("b", resource_name="r", pf_names=("ens803f1",)),
            ],
            {"r": {"pfNames": ["ens803f1"]}},
            [],
            id="a-policy-for-other-nics-does-not-lend-its-flags",
        ),
        pytest.param(
            [policy("a", pf_names=("ens803f1",), num_vfs=4), policy("b", pf_names=("ens803f1#2-3",), num_vfs=4)],
            {"bres": {"pfNames": ["ens803f1#2-3"]}},
            [(RemarkCode.CLAIMED_TWICE, "ares", ""), (RemarkCode.DISPLACED, "ares", "a")],
            id="a-policy-that-lost-everything",
        ),
        pytest.param(
            [
                policy("a", resource_name="r", pf_names=("ens803f1#0-3",), num_vfs=8),
                policy("b", resource_name="r", pf_names=("ens803f1#2-3",), num_vfs=8, priority=10),
            ],
            {"r": {"pfNames": ["ens803f1#2-3"]}},
            [(RemarkCode.DISPLACED, "r", "a")],
            id="a-policy-that-lost-everything-to-its-own-resource",
        ),
        pytest.param(
            [policy("a", resource_name="r", device_id="1015", num_vfs=2)],
            {"r": {"rootDevices": ["0000:86:00.2#0-1"]}},
            [(RemarkCode.PRECISE, "r", "")],
            id="a-device-id-whose-vfs-nobody-knows",
        ),
        pytest.param(
            [policy("a", num_vfs=0, device_id="158b", pf_names=("ens803f1",)), policy("b")],
            {"ares": {"devices": ["158b"], "pfNames": ["ens803f1"]}, "bres": {"pfNames": ["ens803f1"]}},
            [(RemarkCode.SELECTS_NOTHING, "ares", "")],
            id="a-pf-that-is-wanted-itself-and-has-vfs",
        ),
        pytest.param(
            [policy("a", pf_names=("ghost",)), policy("b")],
            {"ares": {"pfNames": ["ghost"]}, "bres": {"pfNames": ["ens803f1"]}},
            [(RemarkCode.SELECTS_NOTHING, "ares", "")],
            id="a-policy-without-a-nic-stays-when-it-disturbs-nobody",
        ),
        pytest.param(
            [policy("a", device_id="ffff"), policy("b")],
            {"bres": {"pfNames": ["ens803f1"]}},
            [(RemarkCode.CLAIMED_TWICE, "ares", ""), (RemarkCode.SELECTS_NOTHING, "ares", "")],
            id="a-policy-without-a-nic-goes-when-it-would-take-everything",
        ),
        pytest.param(
            [policy("a", vendor="8086", device_type="vfio-pci", is_rdma=True), policy("b")],
            {"bres": {"pfNames": ["ens803f1"]}},
            [(RemarkCode.INVALID, "ares", "a")],
            id="an-invalid-policy",
        ),
    ],
)  # fmt: skip
def test_a_resource_offers_what_its_policies_hold(
    policies: list[NodePolicy], expected: dict[str, Any], said: list[tuple[RemarkCode, str, str]]
) -> None:
    found = rendered(*policies)
    assert selectors(found) == {name: flagged(one) for name, one in expected.items()}
    assert codes(found) == said


def flagged(one: Any) -> Any:
    return [flagged(part) for part in one] if isinstance(one, list) else {**NO_FLAGS, **one}


def test_the_vfs_that_a_node_reports_say_which_device_id_they_have() -> None:
    """The table knows another id for this PF, so the selector by device would take nothing."""
    reported = Vf(index=0, address=Address("0000:86:02.0"), vendor="8086", device="beef")
    found = rendered(policy(device_id="158b", num_vfs=2), nics=(nic(0, vfs=(reported,)),))
    assert selectors(found) == {"p1res": {"rootDevices": ["0000:86:00.0#0-1"], **NO_FLAGS}}


def test_a_port_whose_vfs_somebody_else_made_is_offered_as_far_as_the_policy_goes() -> None:
    found = rendered(policy(externally_managed=True, num_vfs=2), nics=(nic(1, num_vfs=6),))
    assert selectors(found) == {"p1res": {"rootDevices": ["0000:86:00.1#0-1"], **NO_FLAGS}}


@pytest.mark.parametrize(("weak", "strong"), [(True, False), (False, True)])
@pytest.mark.parametrize("nics", [NO_NICS, PORTS], ids=["no-report", "reported"])
def test_the_stronger_policy_decides_about_topology(weak: bool, strong: bool, nics: tuple[Nic, ...]) -> None:
    found = rendered(
        policy("a", resource_name="r", pf_names=("ens803f0",), exclude_topology=weak),
        policy("b", resource_name="r", pf_names=("ens803f1",), exclude_topology=strong, priority=10),
        nics=nics,
    )
    assert ["excludeTopology" in entry for entry in entries(found)] == [strong]
    assert codes(found) == [(RemarkCode.EXCLUDE_TOPOLOGY, "r", "")]


def test_only_policies_that_hold_something_decide_about_topology() -> None:
    holder = policy("a", resource_name="r", pf_names=("ens803f1",))
    elsewhere = policy("b", resource_name="r", pf_names=("ghost",), exclude_topology=True, priority=10)
    found = rendered(holder, elsewhere)
    assert entries(found) == [
        {"resourceName": "r", "selectors": {"pfNames": ["ens803f1", "ghost"], **NO_FLAGS}, "SelectorObj": None}
    ]
    assert found.remarks == ()


def test_the_stronger_policy_decides_about_topology_when_others_are_left_out_too() -> None:
    found = rendered(
        policy("a", resource_name="r", pf_names=("ghost",), need_vhost_net=True),
        policy("b", resource_name="r", pf_names=("ens803f0",)),
        policy("c", resource_name="r", pf_names=("ens803f1",), exclude_topology=True),
    )
    assert selectors(found) == {"r": {"pfNames": ["ens803f0", "ens803f1"], **NO_FLAGS}}
    assert [entry["excludeTopology"] for entry in entries(found)] == [True]


def test_a_selector_that_filters_nothing_is_not_written_even_where_it_takes_the_right_vfs() -> None:
    found = rendered(policy(device_id="f00d"), nics=(nic(0, device="f00d"),))
    assert selectors(found) == {"p1res": {"rootDevices": ["0000:86:00.0#0-1"], **NO_FLAGS}}


def test_flags_that_differ_are_those_of_the_weakest_until_the_node_reports() -> None:
    policies = [
        policy("a", resource_name="r", pf_names=("ens803f0",), is_rdma=True),
        policy("b", resource_name="r", pf_names=("ens803f1",), priority=10),
    ]
    found = rendered(*policies, nics=NO_NICS)
    assert selectors(found)["r"]["IsRdma"] is True
    assert codes(found) == [(RemarkCode.FLAGS, "r", "")]


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        pytest.param({"pf_names": ("p#",)}, RemarkCode.INVALID, id="no-range"),
        pytest.param({"pf_names": ("p#3-1",)}, RemarkCode.INVALID, id="backward-range"),
        pytest.param({"vendor": "8086", "resource_name": "a.b"}, RemarkCode.INVALID, id="a-name-the-plugin-refuses"),
        pytest.param({"pf_names": ()}, RemarkCode.UNFILTERED, id="no-selector"),
        pytest.param({"device_id": "ffff"}, RemarkCode.UNFILTERED, id="an-id-nobody-knows"),
    ],
)
def test_a_policy_that_the_plugin_would_misunderstand_is_left_out_before_the_report_too(
    bad: dict[str, Any], code: RemarkCode
) -> None:
    found = rendered(policy("bad", **bad), policy(), nics=NO_NICS)
    assert set(selectors(found)) == {"p1res"}
    assert [remark.code for remark in found.remarks] == [code]


def test_two_policies_of_one_name_are_both_left_out_whatever_their_order() -> None:
    twins = [policy(pf_names=("ens803f0",)), policy(pf_names=("ens803f1",), resource_name="other")]
    assert rendered(*twins) == rendered(*twins[::-1])
    assert entries(rendered(*twins)) == []
    assert entries(rendered(*twins, nics=NO_NICS)) == []


def test_a_remark_says_what_is_meant_and_what_to_do() -> None:
    found = rendered(policy("a", vendor="8086"), policy("b", pf_names=("ens803f0#0-1",), priority=10))
    contested, precise = (str(remark) for remark in found.remarks)
    assert contested == (
        "resource ares: its selectors match VFs 0-1 of ens803f0 too, which policy b holds for bres. "
        "They go to bres. Give the policies ranges (pfNames) or NICs that do not overlap"
    )
    assert precise == (
        "resource ares: its devices are listed one by one, because the selectors of its policies together would also "
        "take VFs 0-1 of ens803f0. Nothing has to be done"
    )
    assert [remark.severity for remark in found.remarks] == [Severity.WARNING, Severity.INFO]


def test_the_functions_of_a_node_are_the_vfs_to_come_and_the_pfs_without_any() -> None:
    group = VfGroup(first=0, last=0, vdpa_type=VdpaType.VHOST, resource_name="r", policy_name="p")
    wish = NodeSpec(nics=(NicSpec(address=F0, num_vfs=2, link_type=LinkType.IB, groups=(group,)),))
    found = pool_devices((nic(0, num_vfs=0), nic(2, num_vfs=0, link_type=None)), wish, DEFAULT)
    facts = [
        (one.function, one.address, one.vendor, one.device, one.pf_name, one.link_type, one.vdpa_type) for one in found
    ]
    assert facts == [
        ((str(F0), 0), f"{F0} vf0", "8086", "154c", "ens803f0", "infiniband", "vhost"),
        ((str(F0), 1), f"{F0} vf1", "8086", "154c", "ens803f0", "infiniband", UNKNOWN),
        ((str(F2), -1), str(F2), "8086", "1015", "ens803f2", UNKNOWN, UNKNOWN),
    ]
    assert {one.is_rdma for one in found} == {UNKNOWN}
