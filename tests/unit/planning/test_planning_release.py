"""Giving a NIC back: exactly to what was there before the first change, and never a NIC that was somebody else's."""

import attrs
import pytest
from planning_values import OTHER, PF, after, codes, group, lines, look, nic, planned, spec, vfs

from sriov_core.model.address import Address
from sriov_core.model.bridges import Bridge, Uplink
from sriov_core.model.desired import Baseline, NodeSpec
from sriov_core.model.observed import EswitchMode, LinkType, Use
from sriov_core.model.record import NicRecord, Records
from sriov_core.planning.wish import complete, released


def record(address: Address = PF, **facts: object) -> NicRecord:
    seen = Baseline(mtu=1500, link_up=True)
    return NicRecord(
        **{"address": address, "name": "ens1", "baseline": seen, "identity": nic(address).identity, **facts}
    )


BACK = {
    "vfs-are-taken-away": (nic(vfs=vfs("iavf", "vfio-pci")), {}, ["VFs 2 -> 0"]),
    "no-vfs-but-a-raised-mtu": (nic(mtu=9000), {}, ["MTU 9000 -> 1500"]),
    "no-vfs-but-the-link-set-up": (nic(), {"link_up": False}, ["link up -> down"]),
    "no-vfs-but-switchdev": (
        nic(eswitch_mode=EswitchMode.SWITCHDEV),
        {},
        ["eswitch switchdev -> legacy"],
    ),
    "the-vfs-first-then-mtu-and-link": (
        nic(vfs=vfs("iavf"), mtu=9000),
        {"link_up": False},
        ["VFs 1 -> 0", "MTU 9000 -> 1500", "link up -> down"],
    ),
    "autoprobe-as-the-administrator-had-it": (nic(), {"autoprobe": False}, ["driver autoprobe on -> off"]),
    "a-lowered-mtu-is-raised-again": (nic(mtu=1400), {}, ["MTU 1400 -> 1500"]),
    "everything-is-back-already": (nic(), {}, []),
    "an-mtu-of-another-link-type-is-left-alone": (
        nic(mtu=2044, max_mtu=4092, link_type=LinkType.IB),
        {"link_type": LinkType.ETH},
        [],
    ),
    "an-mtu-of-the-same-link-type": (nic(mtu=9000), {"link_type": LinkType.ETH}, ["MTU 9000 -> 1500"]),
    "an-mtu-that-the-nic-does-not-take": (nic(mtu=9000), {"mtu": 9703}, []),
    "what-was-not-known-is-left-alone": (nic(mtu=9000, link_up=False), {"mtu": None, "link_up": None}, []),
}


@pytest.mark.parametrize(("seen", "before", "steps"), BACK.values(), ids=BACK)
def test_a_release_puts_back(seen, before, steps):
    baseline = attrs.evolve(Baseline(mtu=1500, link_up=True), **before)
    found = planned(seen, *released([record(baseline=baseline)]))
    assert (lines(found), codes(found)) == (steps, [])
    assert found.nics[0].release


def test_a_nic_that_had_vfs_gets_as_many_with_their_default_driver():
    wishes = released([record(baseline=Baseline(num_vfs=3, mtu=1500, link_up=True))])
    end = after(nic(), planned(nic(), *wishes).nics[0])
    assert [entry.kernel_driver for entry in end.vfs] == ["default"] * 3


def test_a_nic_that_the_host_depends_on_may_be_given_back():
    seen = nic(vfs=vfs("iavf"), uses=(Use(kind="default-route", detail="the default route"),))
    assert lines(planned(seen, *released([record()]))) == ["VFs 1 -> 0"]


def test_an_externally_managed_nic_is_never_given_back():
    assert released([record(externally_managed=True)]) == ()


def test_a_card_that_is_gone_says_how_to_forget_it():
    found = planned(look(nic(OTHER)), *released([record()]))
    (problem,) = found.all_problems
    assert str(problem) == (
        "0000:3b:00.0: it shall be given back as it was, and this machine has no such NIC any more. "
        "If the card is gone for good, run `sriov-core reset --forget 0000:3b:00.0`"
    )


def test_only_a_release_gives_back_what_nobody_wishes_for():
    records = Records(nics={PF: record(), OTHER: record(OTHER)})
    wish = NodeSpec(nics=(spec(group(0, 0)),))
    assert [entry.address for entry in complete(wish, records, release=False).nics] == [PF]
    both = complete(wish, records, release=True)
    assert [(entry.address, entry.restore is not None) for entry in both.nics] == [(PF, False), (OTHER, True)]


AUTOPROBE = {
    "ours-goes-back-to-the-baseline": (spec(), record(baseline=Baseline(autoprobe=False)), False),
    "one-of-an-external-pf-is-its-managers": (
        spec(externally_managed=True),
        record(baseline=Baseline(autoprobe=False), externally_managed=True),
        None,
    ),
    "one-never-seen-stays-as-found": (spec(), None, None),
}


@pytest.mark.parametrize(("wish", "known", "autoprobe"), AUTOPROBE.values(), ids=AUTOPROBE)
def test_what_the_journal_knows_of_autoprobe(wish, known, autoprobe):
    found = complete(NodeSpec(nics=(wish,)), Records(nics={PF: known} if known else {}), release=False)
    assert found.nics[0].autoprobe is autoprobe


UPLINK = Uplink(nic=PF, name="ens1")
OURS = (Bridge(name="br-one", uplink=UPLINK), Bridge(name="br-two"))
BRIDGES = {
    "without-a-release-ours-stay": ((), False, ["br-one", "br-two"], ()),
    "with-a-release-others-go": ((Bridge(name="br-two"),), True, [], ("br-one",)),
    "a-wish-replaces-the-one-of-its-name": ((Bridge(name="br-two", fail_mode="secure"),), False, ["br-one"], ()),
    "a-wish-replaces-the-one-of-its-uplink": ((Bridge(name="br-new", uplink=UPLINK),), False, ["br-two"], ()),
}


@pytest.mark.parametrize(("wished", "release", "kept", "gone"), BRIDGES.values(), ids=BRIDGES)
def test_what_becomes_of_our_bridges(wished, release, kept, gone):
    found = complete(NodeSpec(bridges=wished), Records(bridges=OURS), release=release)
    assert found.bridges == wished
    assert ([bridge.name for bridge in found.kept_bridges], found.gone_bridges) == (kept, gone)


RDMA = {
    "given-back": ("", "shared", True, "shared"),
    "left-alone": ("", "shared", False, ""),
    "still-wished": ("exclusive", "shared", True, ""),
    "never-ours": ("", "", True, ""),
}


@pytest.mark.parametrize(("wished", "before", "release", "restored"), RDMA.values(), ids=RDMA)
def test_which_rdma_mode_is_given_back(wished, before, release, restored):
    found = complete(NodeSpec(rdma_mode=wished), Records(rdma_mode=before), release=release)
    assert (found.rdma_mode, found.restore_rdma_mode) == (wished, restored)
