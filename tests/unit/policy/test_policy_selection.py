"""The device plugin's rules: which resource gets which device, and which configs it refuses."""

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sriov_core.api.pluginconfig import PluginConfig, Resource, Selectors
from sriov_core.policy.pfitems import PfItem, joined_items, joined_ranges, parse_item
from sriov_core.policy.ranges import Malformed, Range
from sriov_core.policy.selection import PoolDevice, check, select

PPPOE = "E710 PPPoE and PPPoL2TPv2"
FACTS = (
    ("vendor", ("8086", "8086", "1111", "2222", "3333")),
    ("device", ("abcd", "123a", "abcd", "2222", "1024")),
    ("driver", ("igb_uio", "igb_uio", "igb_uio", "iavf", "vfio-pci")),
    ("address", tuple(f"0000:03:02.{number}" for number in range(5))),
    ("pf_name", ("eth0", "eth0", "eth1", "net0", "net0")),
    ("pf_address", tuple(f"0000:86:00.{number}" for number in range(5))),
    ("link_type", ("ether", "infiniband", "ether", "ether", "fake")),
    ("ddp_profile", (PPPOE, "fake", "fake", "gtp", "profile")),
    ("is_rdma", (False, True, False, False, True)),
    ("vdpa_type", ("vhost", "vhost", "", "", "virtio")),
)
FIVE = tuple(PoolDevice(**{fact: values[number] for fact, values in FACTS}) for number in range(5))


def resource(name: str = "a", **selectors: Any) -> Resource:
    return Resource(resource_name=name, selectors=Selectors(**selectors))


def config(*resources: Resource) -> PluginConfig:
    return PluginConfig(resource_list=resources or None)


def taken(devices: tuple[PoolDevice, ...], /, **selectors: Any) -> list[int]:
    """The positions of the devices that the selectors take."""
    return [devices.index(device) for device in select(config(resource(**selectors)), devices).of("a").devices]


@pytest.mark.parametrize(
    ("selectors", "expected"),
    [
        pytest.param({"vendors": ("8086",)}, [0, 1], id="vendors"),
        pytest.param({"devices": ("abcd",)}, [0, 2], id="devices"),
        pytest.param({"drivers": ("igb_uio",)}, [0, 1, 2], id="drivers"),
        pytest.param({"pci_addresses": ("0000:03:02.0", "0000:03:02.3")}, [0, 3], id="addresses"),
        pytest.param({"pf_names": ("net0", "eth1")}, [2, 3, 4], id="pf-names"),
        pytest.param({"root_devices": ("0000:86:00.0", "0000:86:00.4")}, [0, 4], id="root-devices"),
        pytest.param({"link_types": ("infiniband",)}, [1], id="link-type"),
        pytest.param({"link_types": ("infiniband", "fake")}, [1, 4], id="two-link-types"),
        pytest.param({"ddp_profiles": (PPPOE,)}, [0], id="ddp-profiles"),
        pytest.param({"is_rdma": True}, [1, 4], id="rdma"),
        pytest.param({"vdpa_type": "vhost"}, [0, 1], id="vdpa-vhost"),
        pytest.param({"vdpa_type": "virtio"}, [4], id="vdpa-virtio"),
        pytest.param({}, [0, 1, 2, 3, 4], id="nothing-given-takes-everything"),
        pytest.param({"need_vhost_net": True}, [0, 1, 2, 3, 4], id="vhost-net-is-no-filter"),
        pytest.param({"vendors": ("8086",), "is_rdma": True}, [1], id="fields-must-all-agree"),
        pytest.param({"vendors": ("8086",), "pf_names": ("net0",)}, [], id="fields-that-exclude-each-other"),
        pytest.param({"vendors": ("808",)}, [], id="only-the-whole-text-agrees"),
    ],
)
def test_each_field_takes_the_devices_that_agree(selectors: dict[str, Any], expected: list[int]) -> None:
    assert taken(FIVE, **selectors) == expected


def test_texts_of_the_firmware_are_compared_whole() -> None:
    devices = (PoolDevice(pkey="0x1", acpi_index="101"), PoolDevice(pkey="0x2", acpi_index=""))
    assert taken(devices, p_keys=("0x2",)) == [1]
    assert taken(devices, acpi_indexes=("101",)) == [0]


NAMED = (("ens0", -1), ("eth0", -1), ("ens2f0", 1), *(("ens2f1", index) for index in range(8)))
ROOTED = (("0000:86:00.0", -1), ("0000:86:00.1", 1), *(("0000:86:00.2", index) for index in range(8)))


def test_pf_names_take_whole_pfs_single_vfs_and_ranges() -> None:
    devices = tuple(PoolDevice(pf_name=name, index=index) for name, index in NAMED)
    found = taken(devices, pf_names=("ens0", "ens2f0#1", "ens2f1#0,3-5,7"))
    assert [NAMED[place] for place in found] == [
        ("ens0", -1), ("ens2f0", 1), ("ens2f1", 0), ("ens2f1", 3), ("ens2f1", 4), ("ens2f1", 5), ("ens2f1", 7),
    ]  # fmt: skip


def test_root_devices_take_whole_pfs_single_vfs_and_ranges() -> None:
    devices = tuple(PoolDevice(pf_address=address, index=index) for address, index in ROOTED)
    found = taken(devices, root_devices=("0000:86:00.0", "0000:86:00.1#1", "0000:86:00.2#0-2,5,7"))
    assert [ROOTED[place] for place in found] == [
        ("0000:86:00.0", -1), ("0000:86:00.1", 1), ("0000:86:00.2", 0), ("0000:86:00.2", 1), ("0000:86:00.2", 2),
        ("0000:86:00.2", 5), ("0000:86:00.2", 7),
    ]  # fmt: skip


PORT = tuple(PoolDevice(pf_name="eth0", pf_address="0000:86:00.0", index=index) for index in range(-1, 8))


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        pytest.param(("eth0#0", "eth0#5"), [0], id="a-second-entry-of-a-pf-is-dead"),
        pytest.param(("eth0#0,5",), [0, 5], id="one-entry-with-both"),
        pytest.param(("ETH0#3",), [3], id="case-does-not-matter"),
        pytest.param(("eth0",), [-1, 0, 1, 2, 3, 4, 5, 6, 7], id="without-ranges-the-pf-too"),
        pytest.param(("eth0#0-99",), [0, 1, 2, 3, 4, 5, 6, 7], id="with-ranges-never-the-pf"),
        pytest.param(("eth0#1#2",), [], id="two-hash-signs"),
        pytest.param(("eth0#1-2-3",), [], id="two-dashes"),
        pytest.param(("eth0#a",), [], id="no-integer"),
        pytest.param(("eth0#",), [], id="no-ranges"),
        pytest.param(("eth",), [], id="half-a-name"),
    ],
)
def test_an_entry_of_pf_names_takes_functions_of_its_pf(entries: tuple[str, ...], expected: list[int]) -> None:
    assert [PORT[place].index for place in taken(PORT, pf_names=entries)] == expected


def test_a_device_without_a_pf_never_agrees_with_a_selector_by_pf() -> None:
    assert taken((PoolDevice(),), pf_names=("eth0",)) == []
    assert taken((PoolDevice(),), root_devices=("0000:86:00.0",)) == []


def test_an_unknown_fact_agrees_with_everything() -> None:
    assert taken(
        (PoolDevice(pf_name="eth0"),), vendors=("8086",), devices=("154c",), drivers=("iavf",), is_rdma=True,
        pci_addresses=("0000:03:02.0",), link_types=("ether",), vdpa_type="vhost", pf_names=("eth0",),
    ) == [0]  # fmt: skip


def test_a_list_of_selectors_takes_what_any_of_them_takes() -> None:
    both = (Selectors(pci_addresses=("0000:03:02.0",)), Selectors(pci_addresses=("0000:03:02.3",)))
    share = select(config(Resource(resource_name="a", selectors=both)), FIVE).of("a")
    assert share.devices == (FIVE[0], FIVE[3])


def test_a_device_goes_to_the_first_resource_that_takes_it_and_the_second_is_told_so() -> None:
    found = select(config(resource("z", vendors=("8086",)), resource("b", is_rdma=True)), FIVE)
    assert found.of("z").devices == FIVE[:2]
    assert found.of("b").devices == (FIVE[4],)
    assert [(entry.device, entry.by) for entry in found.of("b").taken] == [(FIVE[1], "z")]
    assert found.empty == ()


def test_a_resource_that_comes_too_late_for_all_its_devices_is_empty() -> None:
    found = select(config(resource("a", vendors=("8086",)), resource("b", devices=("123a",))), FIVE)
    assert found.empty == ("b",)


def test_a_pf_without_vfs_is_offered_when_the_selectors_agree() -> None:
    pf = PoolDevice(vendor="8086", device="1572", pf_name="eth0", pf_address="0000:86:00.0", index=-1)
    assert taken((pf,), vendors=("8086",)) == [0]


def test_a_resource_of_another_kind_gets_no_net_device() -> None:
    aux = Resource(resource_name="a", device_type="auxNetDevice", selectors=Selectors(aux_types=("sf",)))
    assert select(config(aux, resource("b", vendors=("8086",))), FIVE).empty == ("a",)


def test_a_share_of_a_resource_that_is_not_there_is_asked_for_in_vain() -> None:
    with pytest.raises(LookupError, match="no resource x"):
        select(config(), FIVE).of("x")


IB = {"vendors": ("15b3",), "is_rdma": True}
VDPA = {"vendors": ("15b3",), "vdpa_type": "vhost"}


def listed(*selectors: dict[str, Any]) -> Resource:
    return Resource(resource_name="a", selectors=tuple(Selectors(**one) for one in selectors))


def typed(kind: str, **selectors: Any) -> Resource:
    return Resource(resource_name="a", device_type=kind, selectors=Selectors(**selectors))


@pytest.mark.parametrize(
    ("resources", "paths"),
    [
        pytest.param([resource("sriov-net_0", vendors=("8086",))], [], id="good-name"),
        pytest.param([resource("junk.net.0", vendors=("8086",))], ["resourceList[0].resourceName"], id="dotted-name"),
        pytest.param([resource("", vendors=("8086",))], ["resourceList[0].resourceName"], id="no-name"),
        pytest.param([resource(**IB), resource(**VDPA)], ["resourceList[1].resourceName"], id="one-name-twice"),
        pytest.param(
            [resource(**IB), Resource(resource_name="a", resource_prefix="p", selectors=Selectors(**VDPA))],
            [],
            id="one-name-under-two-prefixes",
        ),
        pytest.param([resource(**IB)], [], id="rdma"),
        pytest.param([resource(**VDPA)], [], id="vdpa"),
        pytest.param([resource(**{**IB, **VDPA})], ["resourceList[0].selectors"], id="rdma-and-vdpa-in-one"),
        pytest.param([listed(IB, VDPA)], [], id="rdma-and-vdpa-in-two"),
        pytest.param([listed(IB, {**IB, **VDPA})], ["resourceList[0].selectors[1]"], id="rdma-and-vdpa-in-the-second"),
        pytest.param([listed()], ["resourceList[0].selectors"], id="an-empty-list"),
        pytest.param([resource()], ["resourceList[0].selectors"], id="nothing-filters"),
        pytest.param([resource(need_vhost_net=True)], ["resourceList[0].selectors"], id="vhost-net-filters-nothing"),
        pytest.param([resource(vdpa_type="vduse")], ["resourceList[0].selectors.vdpaType"], id="another-vdpa"),
        pytest.param([typed("netDevice", **IB)], [], id="net-device"),
        pytest.param([typed("gpu", **IB)], ["resourceList[0].deviceType"], id="unknown-kind"),
        pytest.param([typed("auxNetDevice", aux_types=("sf", "sf"))], [], id="aux-types"),
        pytest.param([typed("auxNetDevice", **IB)], ["resourceList[0].selectors.auxTypes"], id="no-aux-types"),
        pytest.param(
            [typed("auxNetDevice", aux_types=("sf", "eth"))], ["resourceList[0].selectors.auxTypes"], id="bad-aux-type"
        ),
        pytest.param(
            [resource(pf_names=("eth0#0", "eth1", "ETH0#5"))],
            ["resourceList[0].selectors.pfNames[2]"],
            id="a-dead-entry",
        ),
        pytest.param(
            [resource(root_devices=("0000:86:00.0#0-1-2",))],
            ["resourceList[0].selectors.rootDevices[0]"],
            id="bad-range",
        ),
        pytest.param([resource(pf_names=("#1",))], ["resourceList[0].selectors.pfNames[0]"], id="no-pf"),
        pytest.param([resource(pf_names=("p#3-1",))], ["resourceList[0].selectors.pfNames[0]"], id="backward-range"),
    ],
)
def test_what_the_plugin_refuses_or_misunderstands_is_found(resources: list[Resource], paths: list[str]) -> None:
    assert [fault.path for fault in check(config(*resources))] == paths


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        pytest.param(["eth0#4-5", "eth0#0-1"], ["eth0#0-1,4-5"], id="two-ranges"),
        pytest.param(["eth0#0-1", "eth0#2-3"], ["eth0#0-3"], id="touching-ranges"),
        pytest.param(["eth0#0-4", "eth0#1-2"], ["eth0#0-4"], id="one-within-the-other"),
        pytest.param(["eth0#0-1", "eth0"], ["eth0"], id="no-range-beats"),
        pytest.param(["eth1#0-1", "eth0#0-1", "eth1#0-1"], ["eth0#0-1", "eth1#0-1"], id="sorted-and-once"),
        pytest.param(["eth0#5", "eth0#7"], ["eth0#5-5,7-7"], id="single-vfs"),
        pytest.param(["Eth0#5-6", "eth0#7-8"], ["Eth0#5-8"], id="names-that-differ-in-case"),
        pytest.param(["eth0#", "eth0#0-1"], ["eth0#", "eth0#0-1"], id="an-unreadable-one-stays"),
        pytest.param([], [], id="none"),
    ],
)
def test_the_entries_of_one_pf_become_one(entries: list[str], expected: list[str]) -> None:
    assert list(joined_items(entries)) == expected


@pytest.mark.parametrize("text", ["#0", "a#", "a#0,", "a#-1", "a#0#1", "a#x", "a#2-1"])
def test_an_entry_that_the_plugin_skips_is_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse_item(text)


RANGES = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 4)).map(lambda one: Range(one[0], sum(one))), max_size=6)


@given(RANGES)
def test_joined_ranges_are_the_same_vfs_in_order_and_apart(ranges: list[Range]) -> None:
    def vfs(some: Any) -> list[int]:
        return [index for one in some for index in range(one.first, one.last + 1)]

    joined = joined_ranges(ranges)
    assert vfs(joined) == sorted(set(vfs(ranges)))
    assert all(left.last + 1 < right.first for left, right in itertools.pairwise(joined))


@given(RANGES.filter(bool))
def test_an_entry_is_read_back_as_it_was_written(ranges: list[Range]) -> None:
    item = PfItem("eth0", joined_ranges(ranges))
    assert parse_item(str(item)) == item
