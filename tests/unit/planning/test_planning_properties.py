"""What holds for every NIC and every wish that can be met."""

import attrs
from hypothesis import given
from hypothesis import strategies as st
from planning_values import OTHER, PF, after, look, nic, planned, spec, vf

from sriov_core.model.address import Address
from sriov_core.model.desired import Baseline, DeviceType, NicSpec, VfGroup
from sriov_core.model.observed import EswitchMode, LinkType, Nic, Use
from sriov_core.model.steps import SetNumVfs, SetVfMac, vf_of
from sriov_core.planning.difference import differences, driver_fits

MTUS = st.sampled_from([None, 68, 1500, 9000, 9702])
DRIVERS_OF_VFS = st.sampled_from(["iavf", "iavf", "vfio-pci", "uio_pci_generic", None])
SWITCHABLE = st.sampled_from([None, EswitchMode.LEGACY, EswitchMode.SWITCHDEV])


@st.composite
def nics(draw, address: Address = PF) -> Nic:
    drivers = draw(st.lists(DRIVERS_OF_VFS, max_size=6))
    found = []
    for index, driver in enumerate(drivers):
        admin_mac = draw(st.sampled_from([None, "02:00:00:00:01:01"]))
        user = draw(st.sampled_from([None, None, "a pod"]))
        seen = vf(index, driver, admin_mac=admin_mac, used_by=user)
        in_pod = {"name": None, "mtu": None} if user else {}
        mtu = {"mtu": draw(st.sampled_from([1500, 9000]))} if driver == "iavf" else {}
        found.append(attrs.evolve(seen, **{**mtu, **in_pod}))
    return nic(
        address,
        vfs=tuple(found),
        mtu=draw(st.sampled_from([1500, 2000, 9000, 9702])),
        link_up=draw(st.booleans()),
        autoprobe=draw(st.booleans()),
        eswitch_mode=draw(SWITCHABLE),
        link_type=draw(st.sampled_from([LinkType.ETH, None])),
    )


@st.composite
def groups(draw, count: int) -> tuple[VfGroup, ...]:
    """Groups that do not overlap; some VFs may be in none."""
    found, first = [], 0
    while first < count:
        last = draw(st.integers(first, count - 1))
        if draw(st.booleans()):
            found.append(VfGroup(first=first, last=last, device_type=draw(st.sampled_from(DeviceType)), mtu=draw(MTUS)))
        first = last + 1
    return tuple(draw(st.permutations(found)))


@st.composite
def wishes(draw, seen: Nic) -> NicSpec:
    """A wish that this NIC can meet."""
    external = draw(st.booleans()) and draw(st.booleans())
    count = draw(st.integers(0, len(seen.vfs) if external else 7))
    mode = seen.effective_mode if external or seen.eswitch_mode is None else draw(st.sampled_from(EswitchMode))
    wish = spec(
        *draw(groups(count)),
        num_vfs=count,
        address=seen.address,
        eswitch_mode=mode,
        externally_managed=external,
        named=True,
    )
    if external:
        fitting = tuple(attrs.evolve(group, mtu=None) for group in wish.groups)
        return attrs.evolve(wish, groups=fitting)
    autoprobe = draw(st.sampled_from([None, True, False]))
    restore = None
    if draw(st.booleans()) and draw(st.booleans()):
        restore = Baseline(mtu=draw(MTUS), link_up=draw(st.sampled_from([None, True, False])), num_vfs=count)
        wish = attrs.evolve(wish, groups=())
    return attrs.evolve(wish, autoprobe=autoprobe, mtu=draw(MTUS), restore=restore)


@st.composite
def cases(draw, address: Address = PF) -> tuple[Nic, NicSpec]:
    seen = draw(nics(address))
    return seen, draw(wishes(seen))


def plan_of(seen: Nic, wish: NicSpec):
    found = planned(seen, wish)
    assert not found.all_problems
    return found.nics[0]


def walk(seen: Nic, steps):
    """Each step with the NIC right before it."""
    for entry in steps:
        yield seen, entry.step
        seen = entry.step.project(seen)


@given(cases())
def test_the_end_of_a_plan_is_the_wish(case):
    seen, wish = case
    assert differences(after(seen, plan_of(seen, wish)), wish) == ()


@given(cases())
def test_planning_the_end_of_a_plan_gives_an_empty_one(case):
    seen, wish = case
    assert plan_of(after(seen, plan_of(seen, wish)), wish).steps == ()


@given(cases())
def test_without_a_difference_there_is_no_step(case):
    seen, wish = case
    target = attrs.evolve(wish, autoprobe=seen.autoprobe if wish.autoprobe is None else wish.autoprobe)
    assert bool(plan_of(seen, wish).steps) is bool(differences(seen, target))


@given(cases())
def test_a_vf_that_fits_is_not_touched_unless_count_or_mode_change(case):
    seen, wish = case
    found = plan_of(seen, wish)
    stays = seen.num_vfs == wish.num_vfs and seen.effective_mode == wish.eswitch_mode
    if not (stays or wish.externally_managed):
        return
    different = {entry.subject.index for entry in differences(seen, wish) if not isinstance(entry.subject, Address)}
    assert not [entry for entry in found.steps if isinstance(entry.step, SetNumVfs)]
    assert {ref.index for entry in found.steps if (ref := vf_of(entry.step))} <= different


@given(cases())
def test_a_count_changes_by_way_of_none_only(case):
    seen, wish = case
    for before, step in walk(seen, plan_of(seen, wish).steps):
        if isinstance(step, SetNumVfs):
            assert step.was == before.num_vfs
            assert 0 in (before.num_vfs, step.count)


@given(cases())
def test_autoprobe_ends_as_wished_or_as_found(case):
    seen, wish = case
    end = after(seen, plan_of(seen, wish))
    assert end.autoprobe is (seen.autoprobe if wish.autoprobe is None else wish.autoprobe)


@given(cases())
def test_a_vf_for_userspace_never_meets_the_default_driver(case):
    seen, wish = case
    for before, step in walk(seen, plan_of(seen, wish).steps):
        if isinstance(step, SetNumVfs) and step.count:
            assert not before.autoprobe
    for entry in plan_of(seen, wish).steps:
        if getattr(entry.step, "kernel_driver", None) == "default":
            assert wish.device_type(entry.step.vf) is DeviceType.NETDEVICE


@given(cases())
def test_an_administrative_address_is_told_before_the_bind_and_only_where_none_is_set(case):
    seen, wish = case
    for before, step in walk(seen, plan_of(seen, wish).steps):
        if isinstance(step, SetVfMac):
            told = before.vf(step.vf)
            assert told.admin_mac is None
            assert not driver_fits(told, wish.device_type(step.vf).userspace_driver)


@given(cases())
def test_the_pf_never_ends_below_a_vf_that_has_a_wished_mtu(case):
    seen, wish = case
    if wish.restore:
        return
    end = after(seen, plan_of(seen, wish))
    for found in end.vfs[: wish.num_vfs]:
        group = wish.group_of(found.index)
        assert not (group and group.mtu) or end.mtu >= group.mtu


@given(cases())
def test_no_step_of_a_plan_costs_more_than_the_plan(case):
    found = planned(*case)
    assert all(entry.cost <= found.nics[0].cost <= found.cost for entry in found.nics[0].steps)
    assert all(bool(entry.why) is bool(entry.cost) for entry in found.steps)


@given(cases(PF), cases(OTHER), st.booleans(), st.booleans())
def test_the_order_of_nics_in_snapshot_and_wish_changes_nothing(one, other, turn_snapshot, turn_wish):
    def ordered(values, turn):
        return tuple(reversed(values)) if turn else tuple(values)

    straight = planned(look(one[0], other[0]), one[1], other[1])
    turned = planned(look(*ordered((one[0], other[0]), turn_snapshot)), *ordered((one[1], other[1]), turn_wish))
    assert {entry.nic: entry for entry in turned.nics} == {entry.nic: entry for entry in straight.nics}
    assert set(turned.node) == set(straight.node)
    assert turned.cost is straight.cost


@given(cases())
def test_a_nic_in_use_is_planned_only_when_named(case):
    seen, wish = case
    used = attrs.evolve(seen, uses=(Use(kind="bond", detail="ens1 belongs to bond0"),))
    found = planned(used, attrs.evolve(wish, named=False))
    if wish.restore or not plan_of(seen, wish).steps:
        assert not found.all_problems
    else:
        assert ([problem.code for problem in found.all_problems], found.steps) == (["in-use"], ())
