"""From one state of a NIC to another: which steps, in which order, and which VFs are left alone."""

import attrs
import pytest
from planning_values import PF, group, lines, look, nic, planned, spec, vf, vfio, vfs

from sriov_core.model.desired import DeviceType
from sriov_core.model.observed import LinkType
from sriov_core.model.steps import SetNumVfs, SetVfMac, vf_of

TAKES = {
    "nothing-wished-nothing-there": (nic(), spec(), []),
    "everything-as-wished": (nic(vfs=vfs("iavf", "vfio-pci")), spec(group(0, 0), vfio(1, 1)), []),
    "from-none-to-two-netdevices": (
        nic(),
        spec(group(0, 1)),
        [
            "driver autoprobe on -> off",
            "VFs 0 -> 2",
            "vf0: admin MAC none -> MAC0",
            "vf1: admin MAC none -> MAC1",
            "driver autoprobe off -> on",
            "vf0: kernel driver none -> default",
            "vf1: kernel driver none -> default",
        ],
    ),
    "from-none-to-vfio-only": (
        nic(),
        spec(vfio(0, 0)),
        [
            "driver autoprobe on -> off",
            "VFs 0 -> 1",
            "vf0: admin MAC none -> MAC0",
            "vf0: kernel driver none -> vfio-pci",
            "driver autoprobe off -> on",
        ],
    ),
    "from-none-where-the-administrator-has-autoprobe-off": (
        nic(autoprobe=False),
        spec(vfio(0, 0), group(1, 1)),
        [
            "VFs 0 -> 2",
            "vf0: admin MAC none -> MAC0",
            "vf1: admin MAC none -> MAC1",
            "vf0: kernel driver none -> vfio-pci",
            "driver autoprobe off -> on",
            "vf1: kernel driver none -> default",
            "driver autoprobe on -> off",
        ],
    ),
    "vfio-only-where-the-administrator-has-autoprobe-off": (
        nic(autoprobe=False),
        spec(vfio(0, 0)),
        ["VFs 0 -> 1", "vf0: admin MAC none -> MAC0", "vf0: kernel driver none -> vfio-pci"],
    ),
    "from-down-and-small-to-jumbo-frames": (
        nic(link_up=False),
        spec(group(0, 0, mtu=9000)),
        [
            "link down -> up",
            "MTU 1500 -> 9000",
            "driver autoprobe on -> off",
            "VFs 0 -> 1",
            "vf0: admin MAC none -> MAC0",
            "driver autoprobe off -> on",
            "vf0: kernel driver none -> default",
            "vf0: MTU ? -> 9000",
        ],
    ),
    "from-two-to-one-by-way-of-none": (
        nic(vfs=vfs("iavf", "iavf")),
        spec(group(0, 0)),
        [
            "VFs 2 -> 0",
            "driver autoprobe on -> off",
            "VFs 0 -> 1",
            "vf0: admin MAC none -> MAC0",
            "driver autoprobe off -> on",
            "vf0: kernel driver none -> default",
        ],
    ),
    "to-none": (nic(vfs=vfs("iavf", "vfio-pci")), spec(), ["VFs 2 -> 0"]),
    "one-of-three-becomes-vfio": (
        nic(vfs=vfs("iavf", "iavf", "vfio-pci")),
        spec(group(0, 0), vfio(1, 2)),
        ["vf1: kernel driver iavf -> vfio-pci"],
    ),
    "a-smaller-vfio-group-gives-its-vfs-back": (
        nic(vfs=vfs("vfio-pci", "vfio-pci")),
        spec(vfio(0, 0), num_vfs=2),
        ["vf1: kernel driver vfio-pci -> default"],
    ),
    "giving-back-with-autoprobe-off-switches-it-for-a-moment": (
        nic(vfs=vfs("vfio-pci"), autoprobe=False),
        spec(num_vfs=1),
        ["driver autoprobe off -> on", "vf0: kernel driver vfio-pci -> default", "driver autoprobe on -> off"],
    ),
    "from-one-userspace-driver-to-another": (
        nic(vfs=vfs("uio_pci_generic")),
        spec(vfio(0, 0)),
        ["vf0: kernel driver uio_pci_generic -> vfio-pci"],
    ),
    "a-vf-without-a-driver": (
        nic(vfs=vfs("iavf", None)),
        spec(group(0, 1)),
        ["vf1: kernel driver none -> default"],
    ),
    "a-vf-with-another-mtu": (
        nic(vfs=vfs("iavf", "iavf"), mtu=9000),
        spec(group(0, 0), group(1, 1, mtu=9000)),
        ["vf1: MTU 1500 -> 9000"],
    ),
    "a-vf-mtu-above-that-of-the-pf-raises-the-pf-first": (
        nic(vfs=vfs("iavf")),
        spec(group(0, 0, mtu=4000), mtu=2000),
        ["MTU 1500 -> 4000", "vf0: MTU 1500 -> 4000"],
    ),
    "a-larger-mtu-of-the-pf-is-left-alone": (nic(mtu=9000), spec(mtu=1500), []),
    "a-smaller-mtu-of-a-vf-is-not-a-floor": (
        nic(vfs=(vf(0, mtu=9000),), mtu=9000),
        spec(group(0, 0, mtu=1500)),
        ["vf0: MTU 9000 -> 1500"],
    ),
    "a-vf-in-a-pod-keeps-its-own-mtu": (
        nic(vfs=(vf(0, name=None, mtu=None, used_by="a pod"),), mtu=9000),
        spec(group(0, 0, mtu=9000)),
        [],
    ),
    "the-link-goes-up-for-vfs-only": (nic(link_up=False), spec(), []),
    "autoprobe-left-off-by-a-crash-is-switched-on": (
        nic(vfs=vfs("vfio-pci"), autoprobe=False),
        spec(vfio(0, 0), autoprobe=True),
        ["driver autoprobe off -> on"],
    ),
}


@pytest.mark.parametrize(("seen", "wish", "steps"), TAKES.values(), ids=TAKES)
def test_a_wish_takes_exactly_these_steps(seen, wish, steps):
    found = planned(seen, wish)
    macs = {entry.step.mac: entry.step.vf for entry in found.steps if isinstance(entry.step, SetVfMac)}
    shown = "\n".join(lines(found))
    for mac, index in macs.items():
        shown = shown.replace(mac, f"MAC{index}")
    assert (shown.splitlines(), found.all_problems) == (steps, ())


def test_a_changed_group_touches_only_its_own_vfs():
    seen = nic(vfs=vfs(*["iavf"] * 8, *["vfio-pci"] * 8))
    found = planned(seen, spec(group(0, 3), vfio(4, 15)))
    assert {vf_of(entry.step).index for entry in found.steps} == {4, 5, 6, 7}


def test_a_vf_bound_without_a_guid_is_unbound_told_its_address_and_bound_in_this_order():
    zero = vf(0, "mlx5_core", admin_mac=None, mac="02:aa:00:00:00:07", guid="00:00:00:00:00:00:00:00")
    found = planned(look(nic(vfs=(zero,)), owner="generic"), spec(group(0, 0, is_rdma=True)))
    assert lines(found) == [
        "vf0: kernel driver mlx5_core -> none",
        "vf0: admin MAC none -> 02:aa:00:00:00:07",
        "vf0: kernel driver none -> default",
    ]


EXTERNAL = {
    "raised-mtu-and-link": nic(vfs=vfs("iavf", "vfio-pci"), mtu=9000, link_up=False),
    "more-vfs-than-wished": nic(vfs=vfs("iavf", "vfio-pci", "iavf", None)),
    "autoprobe-switched-by-its-manager": nic(vfs=vfs("iavf", "vfio-pci"), autoprobe=False),
}


@pytest.mark.parametrize("seen", EXTERNAL.values(), ids=EXTERNAL)
def test_an_externally_managed_pf_that_fits_costs_nothing_however_often_it_is_planned(seen):
    wish = spec(group(0, 0), vfio(1, 1), externally_managed=True)
    assert planned(seen, wish).is_empty
    assert codes_of(seen, wish) == []


def test_of_an_externally_managed_pf_only_its_vfs_are_touched():
    seen = nic(vfs=(vf(0, admin_mac=None), vf(1), vf(2)), link_up=False)
    found = planned(seen, spec(vfio(0, 1), externally_managed=True))
    assert [vf_of(entry.step).index for entry in found.steps] == [0, 0, 1]


NOT_EXTERNALLY = {
    "more-vfs-than-there-are": (spec(group(0, 3)), "external-too-few-vfs"),
    "a-larger-mtu": (spec(group(0, 0, mtu=9000)), "external-mtu"),
}


@pytest.mark.parametrize(("wish", "code"), NOT_EXTERNALLY.values(), ids=NOT_EXTERNALLY)
def test_what_only_the_manager_of_an_external_pf_can_do_is_refused(wish, code):
    seen = nic(vfs=vfs("iavf"))
    assert codes_of(seen, attrs.evolve(wish, externally_managed=True)) == [code]


def codes_of(seen, wish):
    return [problem.code for problem in planned(seen, wish).all_problems]


MACS = {
    "the-one-it-has": (vf(0, admin_mac=None, mac="02:aa:00:00:00:07"), "02:aa:00:00:00:07"),
    "none-where-one-is-set": (vf(0, mac="02:aa:00:00:00:07"), None),
    "a-derived-one-for-all-zeros": (vf(0, admin_mac=None, mac="00:00:00:00:00:00"), "derived"),
    "a-derived-one-for-none": (vf(0, admin_mac=None, mac=None), "derived"),
}


@pytest.mark.parametrize(("seen", "mac"), MACS.values(), ids=MACS)
def test_a_vf_that_is_bound_anew_gets_an_address_that_lasts(seen, mac):
    found = [step.step for step in planned(nic(vfs=(seen,)), spec(vfio(0, 0))).steps]
    told = [step.mac for step in found if isinstance(step, SetVfMac)]
    derived = planned(nic(), spec(vfio(0, 0))).steps[2].step.mac
    assert told == {None: [], "derived": [derived]}.get(mac, [mac])
    assert [type(step).__name__ for step in found][-1] == "BindDriver", "the address is told before the bind"


def test_a_derived_address_is_local_unicast_and_tells_vfs_apart():
    found = planned(nic(), spec(vfio(0, 63))).steps
    macs = [entry.step.mac for entry in found if isinstance(entry.step, SetVfMac)]
    assert len(set(macs)) == 64
    assert {int(mac[:2], 16) & 3 for mac in macs} == {2}
    again = [entry.step.mac for entry in planned(nic(), spec(vfio(0, 63))).steps if isinstance(entry.step, SetVfMac)]
    assert macs == again


NOBODY_TO_TELL = {"an-infiniband-port": {"link_type": LinkType.IB}, "a-pf-without-a-netdev-here": {"name": None}}


@pytest.mark.parametrize("facts", NOBODY_TO_TELL.values(), ids=NOBODY_TO_TELL)
def test_no_administrative_address_is_set_where_the_pf_cannot_be_told(facts):
    seen = nic(vfs=(vf(0, admin_mac=None, mac="02:aa:00:00:00:07"),), **facts)
    found = planned(look(seen, owner="generic"), spec(vfio(0, 0)))
    assert not [entry for entry in found.steps if isinstance(entry.step, SetVfMac)]


@pytest.mark.parametrize("kind", [kind for kind in DeviceType if kind.userspace_driver])
def test_a_userspace_driver_is_bound_while_autoprobe_is_off(kind):
    seen, off = nic(), False
    for entry in planned(seen, spec(group(0, 1, kind), group(2, 2))).steps:
        if getattr(entry.step, "kernel_driver", None) == kind.value or isinstance(entry.step, SetNumVfs):
            assert seen.autoprobe is False
            off = True
        seen = entry.step.project(seen)
    assert off
    assert seen.autoprobe


def test_a_pf_is_called_by_its_address_in_every_step_of_its_plan():
    assert {entry.step.nic for entry in planned(nic(), spec(vfio(0, 1))).steps} == {PF}
