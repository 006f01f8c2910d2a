"""What must not be touched is not touched: the host's own NICs, another card, absent and refused ones."""

import attrs
import pytest
from planning_values import DRIVERS, OTHER, PF, codes, group, look, nic, planned, plugin, spec, vf, vfio, vfs

from sriov_core.model.desired import VdpaType
from sriov_core.model.observed import EswitchMode, Function, Identity, LinkType, Owner, Unmanaged, Use
from sriov_core.model.steps import SetMtu
from sriov_core.planning.guard import identity_change
from sriov_core.plugin import hookimpl
from sriov_core.plugin.registry import drivers

ROUTE = Use(kind="default-route", detail="the default route goes through ens1")
USED = nic(uses=(ROUTE,))


def test_a_nic_that_the_host_depends_on_is_refused_with_the_reason():
    found = planned(USED, spec(group(0, 0)))
    assert (codes(found), found.steps) == (["in-use"], ())
    assert "the default route goes through ens1" in found.all_problems[0].text


FINE_ALL_THE_SAME = {
    "when-named": (USED, spec(group(0, 0), named=True)),
    "when-it-is-as-wished": (nic(uses=(ROUTE,), vfs=vfs("iavf")), spec(group(0, 0))),
}


@pytest.mark.parametrize(("seen", "wish"), FINE_ALL_THE_SAME.values(), ids=FINE_ALL_THE_SAME)
def test_a_nic_that_the_host_depends_on_is_fine(seen, wish):
    assert codes(planned(seen, wish)) == []


@hookimpl
def set_vf_options(nic, spec):
    return (SetMtu(nic=nic.address, was=nic.mtu, mtu=nic.mtu),)


UNTOUCHABLE = {
    "in-use": (attrs.evolve(nic(), uses=(ROUTE,)), Owner(plugin="acme", reason="test"), "in-use"),
    "refused-plugin": (nic(), Owner(plugin="acme", reason="test", blocked="it is broken"), "plugin-refused"),
}


@pytest.mark.parametrize(("seen", "owner", "code"), UNTOUCHABLE.values(), ids=UNTOUCHABLE)
def test_steps_that_a_driver_plans_beyond_the_wish_are_guarded_as_well(seen, owner, code):
    by_name = drivers(plugin(set_vf_options))
    found = planned(look(seen, owners={PF: owner}), spec(), drivers=by_name)
    assert (codes(found), found.steps) == ([code], ())


def test_a_blocked_owner_may_look_but_not_touch():
    owner = {PF: Owner(plugin="intel", reason="test", blocked="plugin acme is installed but refused")}
    assert codes(planned(look(nic(), owners=owner), spec(group(0, 0)))) == ["plugin-refused"]
    assert codes(planned(look(nic(), owners=owner), spec())) == []


SAME = Identity(permanent_mac="02:00:00:00:00:00", serial="s1")
CARDS = {
    "the-same": (SAME, SAME, None),
    "another-serial": (SAME, attrs.evolve(SAME, serial="s2"), "serial number was s1, is s2"),
    "another-mac": (SAME, attrs.evolve(SAME, permanent_mac="02::9"), "permanent MAC was 02:00:00:00:00:00, is 02::9"),
    "another-slot-is-the-same-card": (attrs.evolve(SAME, slot="1"), attrs.evolve(SAME, slot="2"), None),
    "what-is-unknown-tells-nothing": (SAME, Identity(), None),
    "what-was-unknown-tells-nothing": (Identity(), SAME, None),
}


@pytest.mark.parametrize(("before", "now", "change"), CARDS.values(), ids=CARDS)
def test_cards_are_told_apart(before, now, change):
    assert identity_change(before, now) == change
    found = planned(nic(identity=now), spec(group(0, 0), identity=before))
    assert codes(found) == (["another-card"] if change else [])
    assert bool(found.steps) is not bool(change)


ABSENT = {
    "no-such-nic": (look(nic(OTHER)), "no-such-nic", "this machine has no such NIC"),
    "no-driver": (
        look(unmanaged=(Unmanaged(function=Function(address=PF, vendor="1", device="2"), reason="a tie"),)),
        "unmanaged",
        "no driver serves it: a tie",
    ),
    "driver-raised": (look(failures={PF: "it burns"}), "driver-failed", "it burns"),
    "its-plugin-is-not-installed": (look(nic(), owner="acme"), "no-such-nic", "this machine has no such NIC"),
}


@pytest.mark.parametrize(("seen", "code", "text"), ABSENT.values(), ids=ABSENT)
def test_a_wish_for_a_nic_that_cannot_be_served_is_a_problem_and_never_success(seen, code, text):
    found = planned(seen, spec(group(0, 0)))
    assert [(problem.code, problem.text) for problem in found.all_problems] == [(code, text)]
    assert not found.steps


def test_a_problem_of_one_nic_leaves_the_others_their_steps():
    found = planned(look(nic(), nic(OTHER)), spec(group(0, 99)), spec(vfio(0, 0), address=OTHER))
    assert [(entry.nic, bool(entry.steps), bool(entry.problems)) for entry in found.nics] == [
        (PF, False, True),
        (OTHER, True, False),
    ]


UNDECLARED = {
    "vdpa": (nic(), spec(group(0, 0, vdpa_type=VdpaType.VHOST)), "vdpa"),
    "infiniband": (nic(link_type=LinkType.IB), spec(group(0, 0)), "infiniband"),
    "another-link-type": (nic(), spec(link_type=LinkType.IB), "link-type"),
}


@pytest.mark.parametrize(("seen", "wish", "capability"), UNDECLARED.values(), ids=UNDECLARED)
def test_what_the_driver_never_declared_is_refused(seen, wish, capability):
    problems = planned(look(seen, owner="generic"), wish).all_problems
    wanted = f"{capability} is wanted, and plugin generic does not offer it"
    assert wanted in [problem.text for problem in problems if problem.code == "not-capable"]


REFUSED = {
    "too-many": (nic(), spec(num_vfs=65), "too-many-vfs"),
    "no-capability": (nic(total_vfs=None), spec(num_vfs=1), "no-sriov"),
    "no-kernel-driver": (nic(kernel_driver=None), spec(num_vfs=1), "no-kernel-driver"),
    "no-eswitch": (nic(), spec(eswitch_mode=EswitchMode.SWITCHDEV), "no-eswitch"),
    "mtu-too-large": (nic(), spec(mtu=9703), "mtu-out-of-range"),
    "mtu-of-a-group-too-small": (nic(), spec(group(0, 0, mtu=67)), "mtu-out-of-range"),
    "overlapping-groups": (nic(), spec(group(0, 2), vfio(2, 3)), "groups-overlap"),
    "a-range-beyond-the-count": (nic(), spec(group(0, 2), num_vfs=2), "group-range"),
    "a-range-without-vfs": (nic(), spec(group(0, 2), num_vfs=0), "group-range"),
    "a-range-backwards": (nic(), spec(group(2, 1), num_vfs=4), "group-range"),
    "rdma-for-userspace": (nic(), spec(vfio(0, 0, is_rdma=True)), "rdma-needs-netdevice"),
    "unreadable": (nic(unreadable=("eswitch mode: EPERM",)), spec(), "unreadable"),
}


@pytest.mark.parametrize(("seen", "wish", "code"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_is_refused_and_nothing_is_planned(seen, wish, code):
    found = planned(seen, wish)
    assert (codes(found), found.steps) == ([code], ())
    assert all(problem.nic == PF and problem.remedy for problem in found.all_problems)


def test_every_objection_is_told_at_once():
    found = planned(USED, spec(group(0, 98), group(3, 4), mtu=1))
    assert codes(found) == ["in-use", "too-many-vfs", "mtu-out-of-range", "groups-overlap"]


def test_a_vf_in_a_pod_is_left_alone():
    used = vf(0, name=None, mtu=None, used_by="network namespace pod")
    assert planned(nic(vfs=(used, vf(1, "vfio-pci"))), spec(group(0, 1))).steps[0].step.vf == 1
    assert DRIVERS["intel"].info.name == "intel"
