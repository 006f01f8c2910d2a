"""A driver that raises or plans nonsense costs its own NIC only; a card's firmware is asked about once, as a whole."""

import attrs
import pytest
from planning_values import OTHER, PF, PORT1, codes, group, lines, look, nic, planned, plugin, spec

from sriov_core.model.nodesteps import LoadModule
from sriov_core.model.observed import Identity, Owner
from sriov_core.model.plan import Cost, Reboot
from sriov_core.model.steps import SetLink, SetMtu, SetNumVfs, SetVfMac, Step
from sriov_core.planning.planner import same_card
from sriov_core.plugin import Phase, hookimpl
from sriov_core.plugin.registry import drivers


def answering(hook, answer):
    """A hook that gives that answer, or raises it."""

    def ask(nic, spec):
        if isinstance(answer, Exception):
            raise answer
        return answer(nic)

    def ask_of_card(card, spec):
        return ask(card[0], spec)

    def ask_of_steps(nic, spec, steps):
        return ask(nic, spec)

    found = {"set_firmware": ask_of_card, "needs_reboot": ask_of_steps}.get(hook, ask)
    found.__name__ = hook
    return hookimpl(found)


@attrs.frozen(kw_only=True)
class Explode(Step):
    kind = "explode"
    nic: object

    def describe(self):
        return "bang"


class Raised(RuntimeError):
    pass


BROKEN = {
    "raises-in-check": ("check", Raised("bang"), "plugin acme failed in check"),
    "raises-while-planning": ("set_num_vfs", Raised("bang"), "plugin acme failed in set_num_vfs"),
    "raises-for-the-card": ("set_firmware", Raised("bang"), "plugin acme failed in set_firmware"),
    "raises-about-reboots": ("needs_reboot", Raised("bang"), "plugin acme failed in needs_reboot"),
    "answers-no-steps": ("set_num_vfs", lambda _: ("7",), "plugin acme answered ('7',) in set_num_vfs"),
    "ends-elsewhere": ("set_num_vfs", lambda _: (), "ends elsewhere: 0000:3b:00.0: number of VFs is 0, wanted 2"),
    "steps-for-another-nic": (
        "set_pf_options",
        lambda _: (SetMtu(nic=OTHER, was=1500, mtu=9000),),
        "has a step for another device: 0000:5e:00.0: MTU 1500 -> 9000",
    ),
    "firmware-for-another-card": (
        "set_firmware",
        lambda _: (SetMtu(nic=OTHER, was=1500, mtu=9000),),
        "has a step for another device: 0000:5e:00.0: MTU 1500 -> 9000",
    ),
    "steps-for-the-node": (
        "set_pf_options",
        lambda _: (LoadModule(module="acme"),),
        "has a step for another device: node: load module acme",
    ),
    "steps-for-a-vf-that-is-not-there": (
        "set_vf_options",
        lambda nic: (SetMtu(nic=nic.address, vf=9, was=1500, mtu=9000),),
        "has a step for what is not there: 0000:3b:00.0 vf9: MTU 1500 -> 9000",
    ),
    "mac-for-a-vf-that-is-not-there": (
        "set_pf_options",
        lambda nic: (SetVfMac(nic=nic.address, vf=0, was=None, mac="02::"),),
        "has a step for what is not there",
    ),
    "steps-of-its-own-invention": (
        "set_pf_options",
        lambda nic: (Explode(nic=nic.address),),
        "has a step of a kind that nobody can do: Explode",
    ),
}


@pytest.mark.parametrize(("hook", "answer", "text"), BROKEN.values(), ids=BROKEN)
def test_a_broken_driver_is_named_and_contained(hook, answer, text):
    by_name = drivers(plugin(answering(hook, answer)))
    owners = {PF: Owner(plugin="acme", reason="test"), OTHER: Owner(plugin="generic", reason="test")}
    seen = look(nic(), nic(OTHER), owners=owners)
    found = planned(seen, spec(group(0, 1)), spec(group(0, 0), address=OTHER), drivers=by_name)
    broken, sound = found.nics
    assert [problem.code for problem in broken.problems] == ["driver-failed"]
    assert text in broken.problems[0].text
    assert broken.problems[0].text.endswith("Report it to acme@example.org")
    assert not broken.steps
    assert not sound.problems
    assert sound.steps


def card(asked, *targets, reboot=False):
    """A plugin whose firmware steps set the link of the ports named; it counts how often it is asked."""

    @hookimpl
    def set_firmware(card, spec):
        asked.append([(port.address, wish.num_vfs) for port, wish in zip(card, spec, strict=True)])
        return tuple(SetLink(nic=target, was=True, up=True) for target in targets)

    @hookimpl
    def needs_reboot(nic, spec, steps):
        if reboot and any(isinstance(step, SetLink) for step in steps):
            return (Reboot(requirement="acme-firmware", reason="the firmware takes it at boot"),)
        return ()

    return drivers(plugin(set_firmware, needs_reboot))


PORTS = look(nic(PORT1), nic(), nic(OTHER), owner="acme")


def test_a_card_is_asked_once_with_both_ports_in_order_of_address():
    asked = []
    planned(PORTS, spec(group(0, 1), address=PORT1), spec(group(0, 0)), drivers=card(asked))
    assert asked == [[(PF, 1), (PORT1, 2)]]


def test_a_port_that_nobody_wishes_for_is_asked_about_as_it_is():
    asked = []
    planned(PORTS, spec(group(0, 1), address=PORT1), drivers=card(asked))
    assert asked == [[(PF, 0), (PORT1, 2)]]


def test_a_wish_that_is_refused_does_not_reach_the_firmware():
    asked = []
    planned(PORTS, spec(num_vfs=99), spec(group(0, 0), address=PORT1), drivers=card(asked))
    assert asked == [[(PF, 0), (PORT1, 1)]]


def test_two_cards_are_asked_apart():
    asked = []
    planned(PORTS, spec(), spec(address=OTHER), drivers=card(asked))
    assert asked == [[(PF, 0), (PORT1, 0)], [(OTHER, 0)]]


def test_ports_of_one_card_with_two_owners_are_not_mixed():
    asked = []
    owners = {PF: Owner(plugin="acme", reason="pin"), PORT1: Owner(plugin="generic", reason="pin")}
    planned(look(nic(), nic(PORT1), owners=owners), spec(), spec(address=PORT1), drivers=card(asked))
    assert asked == [[(PF, 0)]]


SHARES = {
    "each-port-its-own": ((PF, PORT1), (PF, PORT1), {PF: [PF], PORT1: [PORT1]}),
    "all-on-the-first": ((PF, PORT1), (PF,), {PF: [PF], PORT1: []}),
    "of-a-port-not-wished-for": ((PORT1,), (PF,), {PORT1: [PF]}),
}


@pytest.mark.parametrize(("wished", "targets", "shares"), SHARES.values(), ids=SHARES)
def test_every_firmware_step_is_done_once(wished, targets, shares):
    found = planned(PORTS, *(spec(address=port) for port in wished), drivers=card([], *targets))
    assert not found.all_problems
    assert {entry.nic: [step.step.nic for step in entry.steps] for entry in found.nics} == shares


def test_with_a_reboot_only_the_firmware_is_done_now():
    found = planned(PORTS, spec(group(0, 0)), drivers=card([], PF, reboot=True))
    assert lines(found) == ["link up -> up"]
    assert [type(entry.step) for entry in found.nics[0].later][:2] != [SetLink]
    assert [entry.step for entry in found.nics[0].later if isinstance(entry.step, SetNumVfs)]
    assert ([reboot.requirement for reboot in found.reboots], found.cost) == (["acme-firmware"], Cost.REBOOT)
    assert not found.is_empty


def test_a_reboot_that_was_spent_is_not_asked_for_again():
    drivers_ = card([], PF, reboot=True)
    found = planned(PORTS, spec(group(0, 0)), drivers=drivers_, spent_reboots={"acme-firmware"})
    assert (codes(found), found.steps, found.reboots) == (["reboot-without-effect"], (), ())
    assert "the firmware takes it at boot" in found.all_problems[0].text
    assert not planned(PORTS, spec(group(0, 0)), drivers=drivers_, spent_reboots={"another"}).all_problems


def test_phases_run_in_the_drivers_order_and_backwards_to_none():
    order = []

    def noting(phase, hook):
        def ask(nic, spec):
            order.append(phase)

        ask.__name__ = hook
        return hookimpl(ask)

    hooks = {
        Phase.PF_OPTIONS: "set_pf_options",
        Phase.ESWITCH: "set_eswitch_mode",
        Phase.NUM_VFS: "set_num_vfs",
        Phase.VF_IDENTITY: "set_vf_identity",
        Phase.BIND: "bind_driver",
        Phase.VF_OPTIONS: "set_vf_options",
    }
    phases = (Phase.FIRMWARE, Phase.NUM_VFS, Phase.ESWITCH, Phase.PF_OPTIONS, *list(hooks)[3:])
    by_name = drivers(plugin(*(noting(phase, hook) for phase, hook in hooks.items()), phases=phases))
    planned(look(nic(), owner="acme"), spec(group(0, 0)), drivers=by_name)
    assert order == list(phases[1:])
    order.clear()
    planned(look(nic(), owner="acme"), spec(), drivers=by_name)
    assert order == list(reversed(phases[1:]))


CARDS = {
    "two-ports": (nic(), nic(PORT1), True),
    "itself": (nic(), nic(), True),
    "another-slot": (nic(), nic(OTHER), False),
    "another-serial-at-the-same-device": (nic(), nic(PORT1, identity=Identity(serial="s2")), False),
    "no-serial-at-all": (nic(identity=Identity()), nic(PORT1, identity=Identity()), True),
    "another-bus": (
        nic(attrs.evolve(PF, bus="sim", name="sim1")),
        nic(attrs.evolve(PF, bus="sim", name="sim2")),
        False,
    ),
}


@pytest.mark.parametrize(("one", "other", "same"), CARDS.values(), ids=CARDS)
def test_ports_share_firmware_when_they_are_functions_of_one_card(one, other, same):
    assert same_card(one, other) is same
    assert same_card(other, one) is same
