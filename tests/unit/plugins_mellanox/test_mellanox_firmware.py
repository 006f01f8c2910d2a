"""The one change of a card's firmware for all of its ports, and the reboots that it takes.

Where a case differs from what the SR-IOV network operator does, its name ends in ``ours``. There are four such kinds:
a number that is large enough stays (theirs must be equal, so wanting fewer VFs reboots a node); SR-IOV is not switched
off for want of VFs (it does no harm, and theirs reboots for it); a release puts back what was there before instead of
0 VFs; and what the firmware cannot be asked is refused for the NIC that needs it, not for the node.
"""

import pytest
from mellanox_values import P1, P2, firmware, port, release, unwished, vfs, wish

from sriov_core.model.observed import EswitchMode, LinkType, Use
from sriov_plugins import mellanox


def changed(card, specs) -> dict[str, str]:
    """What the one firmware step of the card sets; nothing without one."""
    steps = [step for step in mellanox.set_firmware(card, specs) if step.kind == "set-firmware"]
    assert len(steps) <= 1
    return dict(steps[0].settings) if steps else {}


def required(nic, spec) -> list[str]:
    return [reboot.requirement for reboot in mellanox.needs_reboot(nic, spec)]


CARD = "firmware:0000:3b:00"
OFF = {"total_vfs": None}
SINGLE = [
    pytest.param(port(settings=firmware(8)), 16, {"NUM_OF_VFS": "16"}, [f"{CARD}:NUM_OF_VFS>=16"], id="more-vfs"),
    pytest.param(
        port(settings=firmware(0, on=False), **OFF),
        10,
        {"SRIOV_EN": "True", "NUM_OF_VFS": "10"},
        [f"{CARD}:SRIOV_EN=True", f"{CARD}:NUM_OF_VFS>=10"],
        id="all-switched-off",
    ),
    pytest.param(
        port(settings=firmware(10, on=False), **OFF),
        10,
        {"SRIOV_EN": "True"},
        [f"{CARD}:SRIOV_EN=True"],
        id="sriov-off",
    ),
    pytest.param(
        port(settings=firmware(0, on=True), **OFF), 10, {"NUM_OF_VFS": "10"}, [f"{CARD}:NUM_OF_VFS>=10"], id="no-number"
    ),
    pytest.param(port(settings=firmware(8)), 8, {}, [], id="just-enough"),
    pytest.param(port(settings=firmware(8)), 4, {}, [], id="fewer-vfs-ours"),
    pytest.param(port(settings=firmware(8)), 0, {}, [], id="no-vfs-ours"),
    pytest.param(port(settings=firmware(0, on=False), **OFF), 0, {}, [], id="no-vfs-and-none-offered"),
    pytest.param(port(settings=firmware(8, 16)), 16, {}, [f"{CARD}:NUM_OF_VFS>=16"], id="set-and-not-booted-yet"),
    pytest.param(
        port(settings=firmware(8, 32)), 16, {}, [f"{CARD}:NUM_OF_VFS>=16"], id="set-to-more-and-not-booted-yet"
    ),
    pytest.param(
        port(settings=firmware(10, 0), total_vfs=10), 10, {"NUM_OF_VFS": "10"}, [], id="lost-at-the-next-boot"
    ),
    pytest.param(
        port(settings=firmware(10, 0, True, False), total_vfs=10),
        6,
        {"SRIOV_EN": "True", "NUM_OF_VFS": "6"},
        [],
        id="switched-off-at-the-next-boot",
    ),
    pytest.param(
        port(settings=firmware(16)), 16, {}, [f"{CARD}:NUM_OF_VFS>=16"], id="in-effect-since-the-kernel-looked"
    ),
]


@pytest.mark.parametrize(("nic", "num_vfs", "expected", "reboots"), SINGLE)
def test_a_single_port_gets_what_its_wish_needs(nic, num_vfs, expected, reboots):
    assert changed([nic], [wish(num_vfs)]) == expected
    assert required(nic, wish(num_vfs)) == reboots


DUAL = [
    pytest.param(firmware(8), 10, 20, {"NUM_OF_VFS": "20"}, id="the-second-wants-more"),
    pytest.param(firmware(8), 20, 10, {"NUM_OF_VFS": "20"}, id="the-first-wants-more"),
    pytest.param(firmware(8), 4, 20, {"NUM_OF_VFS": "20"}, id="one-of-them-has-enough"),
    pytest.param(firmware(8), 4, 2, {}, id="both-have-enough-ours"),
    pytest.param(firmware(8, 4), 8, 2, {"NUM_OF_VFS": "8"}, id="the-next-boot-would-take-from-the-first"),
]


@pytest.mark.parametrize(("settings", "first", "second", "expected"), DUAL)
def test_two_ports_get_the_larger_number_in_one_step(settings, first, second, expected):
    card = [port(P1, settings), port(P2, settings)]
    assert changed(card, [wish(first), wish(second, P2)]) == expected


def test_a_port_that_nobody_wishes_for_keeps_the_vfs_it_has():
    busy = port(P2, vfs=vfs(8))
    assert changed([port(settings=firmware(8, 2)), busy], [wish(4), unwished(busy)]) == {"NUM_OF_VFS": "8"}


def test_a_port_that_was_not_looked_at_closely_learns_of_the_card_from_the_other():
    quiet = port(P1)
    assert changed([quiet, port(P2, firmware(8))], [unwished(quiet), wish(16, P2)]) == {"NUM_OF_VFS": "16"}
    assert required(quiet, unwished(quiet)) == []


def test_without_a_look_at_the_firmware_nothing_is_changed():
    assert list(mellanox.set_firmware([port()], [wish(16)])) == []
    assert required(port(), wish(16)) == []


@pytest.mark.parametrize(
    ("settings", "first", "second", "expected"),
    [
        pytest.param(firmware(p1="ETH"), LinkType.IB, None, {"LINK_TYPE_P1": "IB"}, id="the-first"),
        pytest.param(firmware(p1="ETH", p2="ETH"), None, LinkType.IB, {"LINK_TYPE_P2": "IB"}, id="the-second"),
        pytest.param(
            firmware(p1="ETH", p2="ETH"),
            LinkType.IB,
            LinkType.IB,
            {"LINK_TYPE_P1": "IB", "LINK_TYPE_P2": "IB"},
            id="both-in-one-step",
        ),
        pytest.param(firmware(p1="ETH IB"), LinkType.IB, None, {}, id="set-and-not-booted-yet"),
        pytest.param(firmware(p1="ETH IB"), LinkType.ETH, None, {"LINK_TYPE_P1": "ETH"}, id="lost-at-the-next-boot"),
        pytest.param(firmware(p1="ETH", p2="ETH"), LinkType.ETH, None, {}, id="as-wished"),
        pytest.param(firmware(), LinkType.IB, None, {}, id="not-in-this-firmware"),
    ],
)
def test_each_port_has_its_own_link_type(settings, first, second, expected):
    card = [port(P1, settings), port(P2, settings)]
    assert changed(card, [wish(link_type=first), wish(address=P2, link_type=second)]) == expected


def test_a_link_type_takes_a_reboot_of_its_own():
    nic = port(P2, firmware(8, p2="ETH"))
    needed = mellanox.needs_reboot(nic, wish(16, P2, link_type=LinkType.IB))
    assert [reboot.requirement for reboot in needed] == [f"{CARD}:NUM_OF_VFS>=16", f"{CARD}:LINK_TYPE_P2=IB"]
    assert all("next boot" in reboot.reason and "0000:3b:00" in reboot.reason for reboot in needed)


def test_of_more_than_two_functions_none_is_taken_for_a_port():
    nic = port(settings=firmware(p1="ETH"), functions=4)
    assert changed([nic], [wish(link_type=LinkType.IB)]) == {}


def test_everything_goes_into_one_call_on_the_first_function():
    card = [port(P1, firmware(8, on=False, p1="IB", p2="IB"), total_vfs=None, link_type=LinkType.IB), port(P2)]
    specs = [wish(10, link_type=LinkType.ETH), unwished(card[1])]
    (step,) = mellanox.set_firmware(card, specs)
    assert step.nic == P1
    assert " ".join(step.argv) == "mstconfig -d 0000:3b:00.0 -y set SRIOV_EN=True NUM_OF_VFS=10 LINK_TYPE_P1=ETH"
    assert step.describe() == (
        "0000:3b:00.0: firmware SRIOV_EN False -> True, NUM_OF_VFS 8 -> 10, LINK_TYPE_P1 IB -> ETH"
    )


def test_an_externally_managed_port_is_never_written():
    nic = port(settings=firmware(8, p1="ETH"))
    theirs = wish(4, externally_managed=True, link_type=LinkType.IB)
    assert changed([nic], [theirs]) == {}
    assert required(nic, theirs) == []


BACK = [
    pytest.param(firmware(16), [release(NUM_OF_VFS=8, SRIOV_EN=True)], {"NUM_OF_VFS": "8"}, id="to-fewer-vfs"),
    pytest.param(firmware(16), [release(NUM_OF_VFS=16, SRIOV_EN=True)], {}, id="as-before"),
    pytest.param(
        firmware(16), [release(NUM_OF_VFS=0, SRIOV_EN=False)], {"SRIOV_EN": "False", "NUM_OF_VFS": "0"}, id="to-none"
    ),
    pytest.param(firmware(16), [release(num_vfs=12, NUM_OF_VFS=8)], {"NUM_OF_VFS": "12"}, id="not-below-its-own-vfs"),
    pytest.param(
        firmware(16),
        [release(NUM_OF_VFS=0, SRIOV_EN=False), wish(4, P2)],
        {"NUM_OF_VFS": "4"},
        id="not-below-what-the-other-port-needs",
    ),
    pytest.param(
        firmware(16), [release(NUM_OF_VFS=8), release(P2, NUM_OF_VFS=16)], {"NUM_OF_VFS": "8"}, id="both-the-least-seen"
    ),
    pytest.param(
        firmware(16, p1="IB"), [release(LINK_TYPE_P1="ETH", LINK_TYPE_P2="ETH")], {"LINK_TYPE_P1": "ETH"}, id="type"
    ),
    pytest.param(firmware(16), [release(NUM_OF_VFS="many")], {}, id="a-number-that-is-none"),
    pytest.param(firmware(16), [release()], {}, id="nothing-known-of-before"),
]


@pytest.mark.parametrize(("settings", "specs", "expected"), BACK)
def test_a_release_puts_back_what_the_next_boot_would_have_brought(settings, specs, expected):
    card = [port(address, settings, total_vfs=16) for address in (P1, P2)[: len(specs)]]
    assert changed(card, specs) == expected
    assert [required(nic, spec) for nic, spec in zip(card, specs, strict=True)] == [[]] * len(specs)


def kinds(card, specs) -> list[str]:
    return [f"{step.kind} {step.nic}" for step in mellanox.set_firmware(card, specs)]


RESET = {"reset_firmware": True}
TO_IB = {"link_type": LinkType.IB}


@pytest.mark.parametrize(
    ("others", "spec", "expected"),
    [
        pytest.param({}, wish(16, **RESET), ["reset-firmware"], id="no-vfs-anywhere"),
        pytest.param(
            {"vfs": vfs(4)}, wish(16, **RESET), ["set-num-vfs", "reset-firmware"], id="the-other-port-has-vfs"
        ),
        pytest.param(
            {"vfs": vfs(2), "eswitch_mode": EswitchMode.SWITCHDEV},
            wish(16, **RESET),
            ["bind-driver", "bind-driver", "set-eswitch-mode", "set-num-vfs", "reset-firmware"],
            id="the-other-port-is-in-switchdev",
        ),
        pytest.param({}, wish(16), [], id="not-wished"),
        pytest.param({"uses": (Use(kind="route", detail="the default route"),)}, wish(16, **RESET), [], id="in-use"),
    ],
)
def test_a_reset_takes_the_vfs_of_all_ports_first(others, spec, expected):
    card = [port(settings=firmware(8)), port(P2, **others)]
    planned = kinds(card, [spec, unwished(card[1])])
    targets = [P1 if kind == "reset-firmware" else P2 for kind in expected]
    assert planned == [f"set-firmware {P1}", *(f"{kind} {nic}" for kind, nic in zip(expected, targets, strict=True))]


@pytest.mark.parametrize(
    ("nic", "spec"),
    [
        pytest.param(port(settings=firmware(10, 0), total_vfs=10), wish(10, **RESET), id="no-reboot-follows"),
        pytest.param(port(settings=firmware(16)), wish(16, **RESET), id="loaded-since-the-kernel-looked"),
        pytest.param(
            port(settings=firmware(p1="IB")), wish(**RESET, **TO_IB), id="type-loaded-since-the-kernel-looked"
        ),
        pytest.param(port(settings=firmware(8, 16)), wish(16), id="not-wished"),
        pytest.param(port(settings=firmware(8, 16)), wish(16, externally_managed=True, **RESET), id="somebody-elses"),
    ],
)
def test_no_card_is_reset_for_nothing(nic, spec):
    assert "reset-firmware" not in [step.kind for step in mellanox.set_firmware([nic], [spec])]


@pytest.mark.parametrize(
    ("settings", "spec"),
    [
        pytest.param(firmware(8, 16), wish(16, **RESET), id="more-vfs"),
        pytest.param(firmware(16, on=False, next_on=True), wish(16, **RESET), id="switched-on"),
        pytest.param(firmware(8, p1="ETH IB"), wish(**RESET, **TO_IB), id="another-link-type"),
    ],
)
def test_what_was_set_before_and_is_not_in_effect_is_loaded_by_a_reset_alone(settings, spec):
    other = port(P2, vfs=vfs(2))
    assert kinds([port(settings=settings), other], [spec, unwished(other)]) == [
        f"set-num-vfs {P2}",
        f"reset-firmware {P1}",
    ]


def test_a_boot_with_a_reset_is_another_one_than_a_boot_without():
    nic = port(settings=firmware(0, on=False, p1="ETH"), **OFF)
    spec = wish(10, **TO_IB)
    with_reset = wish(10, **RESET, **TO_IB)
    assert len(required(nic, spec)) == 3
    assert required(nic, with_reset) == [f"{requirement}+reset" for requirement in required(nic, spec)]


def test_a_card_with_somebody_elses_port_is_not_reset():
    card = [port(settings=firmware(8)), port(P2, vfs=vfs(2))]
    theirs = wish(2, P2, externally_managed=True)
    assert kinds(card, [wish(16, **RESET), theirs]) == [f"set-firmware {P1}"]


def test_the_reset_is_done_by_the_vendors_tool():
    *_, reset = mellanox.set_firmware([port(settings=firmware(8))], [wish(16, **RESET)])
    assert " ".join(reset.argv) == "mstfwreset -d 0000:3b:00.0 --skip_driver -l 3 -y reset"
    assert reset.optional
