"""Whatever two ports of a card wish for: one change and at most one boot meet it, and nothing is ever taken away."""

import attrs
from hypothesis import given
from hypothesis import strategies as st
from mellanox_values import P1, P2, firmware, port, wish

from sriov_core.model.observed import LinkType, Setting
from sriov_plugins import mellanox
from sriov_plugins.mellanox.nvconfig import NUM_OF_VFS, SRIOV_EN

COUNTS = st.integers(0, 40)
TYPES = st.sampled_from(["ETH", "IB"])
CARDS = st.builds(
    firmware, COUNTS, COUNTS, st.booleans(), st.booleans(), p1=st.tuples(TYPES, TYPES).map(" ".join), p2=TYPES
)
WISHES = st.tuples(COUNTS, st.sampled_from([None, *LinkType]))


def ports(settings):
    """Both ports as the kernel found them at boot, looked at closely."""
    offered = int(settings[NUM_OF_VFS].current) if settings[SRIOV_EN].current == "True" else 0
    speaks = [LinkType(settings[f"LINK_TYPE_P{number}"].current) for number in (1, 2)]
    return [
        port(address, settings, total_vfs=offered or None, link_type=kind)
        for address, kind in zip((P1, P2), speaks, strict=True)
    ]


def specs(wishes):
    return [wish(count, address, link_type=kind) for address, (count, kind) in zip((P1, P2), wishes, strict=True)]


def changed(settings, steps):
    """The settings after the steps: what is set shows at the next boot."""
    nic = port(settings=settings)
    for step in steps:
        nic = step.project(attrs.evolve(nic, address=step.nic))
    return dict(nic.settings)


def booted(settings):
    return {name: Setting(current=setting.next, next=setting.next) for name, setting in settings.items()}


def reboots(settings, wishes):
    pairs = zip(ports(settings), specs(wishes), strict=True)
    return [reboot for nic, spec in pairs for reboot in mellanox.needs_reboot(nic, spec)]


@given(CARDS, WISHES, WISHES)
def test_one_change_and_one_boot_meet_both_wishes(settings, first, second):
    wishes = (first, second)
    steps = mellanox.set_firmware(ports(settings), specs(wishes))
    assert len(steps) <= 1
    after = changed(settings, steps)
    assert mellanox.set_firmware(ports(after), specs(wishes)) == (), "the change was not enough"
    assert reboots(booted(after), wishes) == []


@given(CARDS, WISHES, WISHES)
def test_a_wish_never_lowers_the_next_boots_vfs_and_never_switches_them_off(settings, first, second):
    after = changed(settings, mellanox.set_firmware(ports(settings), specs((first, second))))
    assert int(after[NUM_OF_VFS].next) >= int(settings[NUM_OF_VFS].next)
    assert (settings[SRIOV_EN].next, after[SRIOV_EN].next) != ("True", "False")


@given(CARDS, WISHES, WISHES)
def test_the_order_of_the_boots_requirements_is_the_same_every_time(settings, first, second):
    assert reboots(settings, (first, second)) == reboots(settings, (first, second))


@given(CARDS, WISHES)
def test_a_boot_is_asked_for_only_for_what_is_not_in_effect(settings, first):
    nic, _ = ports(settings)
    spec = wish(first[0], link_type=first[1])
    unmet = first[0] > (nic.total_vfs or 0) or first[1] not in (None, nic.link_type)
    assert bool(mellanox.needs_reboot(nic, spec)) is unmet
