"""Node states to model values and back."""

from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from three_ports import F0, F1, nic

from sriov_core.api import nodestate as wire
from sriov_core.api.documents import read
from sriov_core.api.wire import ObjectMeta
from sriov_core.errors import SpecError
from sriov_core.model.address import Address
from sriov_core.model.desired import DeviceType, NicSpec, NodeSpec, VdpaType, VfGroup
from sriov_core.model.observed import UNKNOWN, EswitchMode, LinkType, Nic, Vf
from sriov_core.policy.nodereport import from_nic, to_nics
from sriov_core.policy.nodestate import from_spec, to_spec

MANIFESTS = Path(__file__).parents[2] / "vectors" / "manifests"


def state(**parts: Any) -> wire.NodeState:
    return wire.NodeState(metadata=ObjectMeta(name="node1"), **parts)


def wished(*interfaces: wire.InterfaceWish) -> wire.NodeState:
    return state(spec=wire.NodeStateSpec(interfaces=interfaces))


def reported(*interfaces: wire.InterfaceReport) -> wire.NodeState:
    return state(status=wire.NodeStateStatus(interfaces=interfaces))


def manifest(name: str) -> wire.NodeState:
    body = read((MANIFESTS / name).read_text(), name)[0].body
    assert isinstance(body, wire.NodeState)
    return body


ADDRESSES = st.builds(
    lambda bus, slot, port: Address(f"0000:{bus:02x}:{slot:02x}.{port}"),
    st.integers(0, 255),
    st.integers(0, 31),
    st.integers(0, 7),
)
WORDS = st.text(st.characters(min_codepoint=97, max_codepoint=122), max_size=8)
MTUS = st.none() | st.integers(1, 65535)
GROUPS = st.builds(
    lambda first, length, **rest: VfGroup(first=first, last=first + length, **rest),
    st.integers(0, 50),
    st.integers(0, 50),
    device_type=st.sampled_from(DeviceType),
    mtu=MTUS,
    is_rdma=st.booleans(),
    vdpa_type=st.none() | st.sampled_from(VdpaType),
    resource_name=WORDS,
    policy_name=WORDS,
)
NIC_SPECS = st.builds(
    NicSpec,
    address=ADDRESSES,
    name=WORDS,
    num_vfs=st.integers(0, 128),
    mtu=MTUS,
    eswitch_mode=st.sampled_from(EswitchMode),
    link_type=st.none() | st.sampled_from(LinkType),
    externally_managed=st.booleans(),
    groups=st.lists(GROUPS, max_size=3).map(tuple),
    named=st.just(True),
    plugin=st.none() | st.just("intel"),
)
NODE_SPECS = st.builds(
    NodeSpec,
    nics=st.lists(NIC_SPECS, max_size=4, unique_by=lambda spec: spec.address).map(tuple),
    rdma_mode=st.sampled_from(["", "shared", "exclusive"]),
)
TEXTS = st.none() | WORDS.filter(bool)
VFS = st.lists(st.integers(0, 200), unique=True, max_size=4).flatmap(
    lambda indexes: st.tuples(
        *(
            st.builds(
                Vf,
                index=st.just(index),
                address=ADDRESSES,
                vendor=WORDS,
                device=WORDS,
                kernel_driver=TEXTS,
                name=TEXTS,
                mac=TEXTS,
                mtu=MTUS,
                guid=TEXTS,
                vdpa_type=TEXTS,
                representor=TEXTS,
            )
            for index in sorted(indexes)
        )
    )
)
NICS = st.builds(
    Nic,
    address=ADDRESSES,
    vendor=WORDS,
    device=WORDS,
    kernel_driver=TEXTS,
    name=TEXTS,
    alt_names=st.lists(WORDS, max_size=3).map(tuple),
    link_type=st.none() | st.sampled_from(LinkType),
    mac=TEXTS,
    mtu=MTUS,
    link_up=st.none() | st.booleans(),
    speed_mbit=st.none() | st.integers(0, 800_000),
    total_vfs=st.none() | st.integers(1, 256),
    num_vfs=st.integers(0, 256),
    eswitch_mode=st.sampled_from(EswitchMode),
    net_filter=TEXTS,
    externally_managed=st.booleans(),
    vfs=VFS,
)


@given(NODE_SPECS)
def test_a_wish_survives_the_way_to_the_wire_and_back(spec: NodeSpec) -> None:
    assert to_spec(state(spec=from_spec(spec))) == spec


@given(st.lists(NICS, max_size=3, unique_by=lambda port: port.address))
def test_a_nic_survives_the_way_to_the_wire_and_back(nics: list[Nic]) -> None:
    assert to_nics(reported(*map(from_nic, nics))) == tuple(sorted(nics, key=lambda port: port.address))


def test_the_rendered_example_is_read_and_written_unchanged() -> None:
    example = manifest("nodestate-xl710.yaml")
    spec = to_spec(example)
    group = VfGroup(
        first=0,
        last=3,
        device_type=DeviceType.VFIO_PCI,
        mtu=1500,
        resource_name="intelnics",
        policy_name="policy-1",
    )
    assert spec.nics == (NicSpec(address=F0, name="ens803f0", num_vfs=4, mtu=1500, groups=(group,), named=True),)
    assert from_spec(spec) == example.spec


def test_an_example_host_without_vfs_is_read() -> None:
    nics = to_nics(manifest("nodestate-connectx5.yaml"))
    assert nics[0] == Nic(
        address=Address("0000:5f:00.0"),
        vendor="15b3",
        device="1017",
        kernel_driver="mlx5_core",
        name="ens41f0np0",
        link_type=LinkType.ETH,
        mac="08:c0:eb:f4:85:ab",
        mtu=1500,
        link_up=True,
        speed_mbit=25000,
        total_vfs=3,
        eswitch_mode=EswitchMode.LEGACY,
    )


def test_the_mac_may_be_absent() -> None:
    assert to_nics(manifest("nodestate-xl710.yaml"))[1].mac is None


@pytest.mark.parametrize(
    ("written", "read_as", "written_again"),
    [
        pytest.param("25000 Mb/s", 25000, "25000 Mb/s", id="up"),
        pytest.param("-1 Mb/s", None, "", id="down"),
        pytest.param("", None, "", id="unknown"),
    ],
)
def test_a_link_speed_is_a_figure(written: str, read_as: int | None, written_again: str) -> None:
    found = to_nics(reported(wire.InterfaceReport(pci_address=str(F0), link_speed=written)))[0]
    assert found.speed_mbit == read_as
    assert from_nic(found).link_speed == written_again


def test_what_the_kernel_has_not_decided_yet_is_reported_as_absent() -> None:
    port = nic(1, mtu=UNKNOWN, vfs=(Vf(index=0, address=F0, kernel_driver=UNKNOWN, mtu=UNKNOWN),))
    report = from_nic(port, plugin="intel")
    assert (report.mtu, report.vfs[0].driver, report.vfs[0].mtu, report.plugin) == (0, "", 0, "intel")


def test_a_vf_that_does_not_exist_yet_is_not_reported() -> None:
    assert from_nic(nic(1, vfs=(Vf(index=0),))).vfs == ()


def test_a_nic_without_an_eswitch_is_reported_and_read_as_legacy() -> None:
    assert from_nic(nic(1, eswitch_mode=None)).eswitch_mode == "legacy"
    assert to_nics(reported(wire.InterfaceReport(pci_address=str(F0))))[0].eswitch_mode is EswitchMode.LEGACY


def test_vfs_are_put_in_order_of_their_index() -> None:
    vfs = tuple(wire.VfReport(pci_address=f"0000:86:02.{index}", vf_id=index) for index in (1, 0, 3, 2))
    found = to_nics(reported(wire.InterfaceReport(pci_address=str(F0), num_vfs=4, vfs=vfs)))[0]
    assert [vf.index for vf in found.vfs] == [0, 1, 2, 3]


def test_what_only_the_host_knows_stays_off_the_wire() -> None:
    spec = NodeSpec(nics=(NicSpec(address=F1, autoprobe=False, named=True),))
    back = to_spec(state(spec=from_spec(spec)))
    assert back.nics == (attrs.evolve(spec.nics[0], autoprobe=None),)


BAD_WISHES = [
    pytest.param(
        [wire.InterfaceWish(pci_address="../../etc")],
        "node state node1: spec.interfaces[0].pciAddress: '../../etc' is no PCI address. Write it as in 0000:3b:00.0",
        id="address",
    ),
    pytest.param(
        [wire.InterfaceWish(pci_address=str(F0), vf_groups=(wire.VfGroup(vf_range="0,2"),))],
        "node state node1: spec.interfaces[0].vfGroups[0].vfRange: the range '0,2' has no '-'. "
        "Write it as first-last, as in 0-3",
        id="range",
    ),
    pytest.param(
        [wire.InterfaceWish(pci_address=str(F0), vf_groups=(wire.VfGroup(vf_range="3-1"),))],
        "node state node1: spec.interfaces[0].vfGroups[0].vfRange: the range '3-1' ends before it starts. Write 1-3",
        id="backward-range",
    ),
    pytest.param(
        [wire.InterfaceWish(pci_address=str(F0), eswitch_mode="switch")],
        "node state node1: spec.interfaces[0].eSwitchMode: found 'switch', wanted one of legacy, switchdev. "
        "Write one of them",
        id="eswitch-mode",
    ),
    pytest.param(
        [wire.InterfaceWish(pci_address=str(F0), link_type="wifi")],
        "node state node1: spec.interfaces[0].linkType: found 'wifi', wanted one of ETH, IB. Write one of them",
        id="link-type",
    ),
    pytest.param(
        [
            wire.InterfaceWish(
                pci_address=str(F0),
                vf_groups=(wire.VfGroup(vf_range="0-1", device_type="vfio", vdpa_type="virt"),),
            )
        ],
        "node state node1: spec.interfaces[0].vfGroups[0].deviceType: found 'vfio', wanted one of netdevice, vfio-pci, "
        "uio_pci_generic, igb_uio. Write one of them\n"
        "node state node1: spec.interfaces[0].vfGroups[0].vdpaType: found 'virt', wanted one of virtio, vhost. "
        "Write one of them",
        id="every-fault-of-a-group",
    ),
    pytest.param(
        [wire.InterfaceWish(pci_address="0000:3b:00.0"), wire.InterfaceWish(pci_address="0000:3B:00.0")],
        "node state node1: spec.interfaces[1].pciAddress: '0000:3B:00.0' is given in spec.interfaces[0] too. "
        "Remove one of them",
        id="address-given-twice",
    ),
]


@pytest.mark.parametrize(("interfaces", "text"), BAD_WISHES)
def test_a_malformed_wish_is_refused_in_words(interfaces: list[wire.InterfaceWish], text: str) -> None:
    with pytest.raises(SpecError) as raised:
        to_spec(wished(*interfaces))
    assert str(raised.value) == text


def _vf(index: int) -> wire.VfReport:
    return wire.VfReport(pci_address="0000:86:02.0", vf_id=index)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        pytest.param(
            {"link_admin_state": "on"},
            "linkAdminState: found 'on', wanted one of up, down. Write one of them",
            id="link",
        ),
        pytest.param(
            {"link_speed": "fast"},
            "linkSpeed: found 'fast', which is no speed. Write it as in 25000 Mb/s",
            id="speed",
        ),
        pytest.param(
            {"vfs": (_vf(-1),)},
            "Vfs[0].vfID: found -1, which is no index of a VF. Number the VFs of a NIC from 0",
            id="vf-without-index",
        ),
        pytest.param(
            {"vfs": (_vf(0), _vf(0))},
            "Vfs[1].vfID: found 0, which is given twice. Number the VFs of a NIC from 0",
            id="vf-twice",
        ),
    ],
)
def test_a_malformed_report_is_refused_in_words(fields: dict[str, Any], text: str) -> None:
    with pytest.raises(SpecError) as raised:
        to_nics(reported(wire.InterfaceReport(pci_address=str(F0), **fields)))
    assert str(raised.value) == f"node state node1: status.interfaces[0].{text}"
