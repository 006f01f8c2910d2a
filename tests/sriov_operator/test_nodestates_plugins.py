"""Which plugin a NIC gets, and what is said where none can be chosen."""

from typing import Any

import pytest
from some_nodestates import CX6, GENERIC, INTEL, PLUGINS, VIRTUAL, X710, pins, reported

from sriov_core.api import keys
from sriov_core.api.nodestate import InterfaceWish, NodeStateSpec
from sriov_operator.nodestates.plugins import Chosen, Reason, chosen, condition, is_told

X710_AT, CX6_AT = X710["pciAddress"], CX6["pciAddress"]
RIVAL = {**INTEL, "name": "rival"}
WISH = NodeStateSpec(interfaces=(InterfaceWish(pci_address=X710_AT, num_vfs=4), InterfaceWish(pci_address=CX6_AT)))


def choice(
    *nics: dict[str, Any],
    pins: dict[str, str] | None = None,
    plugins: Any = PLUGINS,
    where: str = "baremetal",
    disabled: tuple[str, ...] = (),
    **status: Any,
) -> Chosen:
    found = reported("n1", *(nics or (X710, CX6)), plugins=plugins, **status)
    return chosen(WISH, found.status, platform=where, annotations=pins or {}, disabled=disabled)


def names(found: Chosen) -> list[str]:
    assert found.wish is not None
    return [one.plugin for one in found.wish.interfaces]


@pytest.mark.parametrize(
    ("given", "plugins"),
    [
        pytest.param({}, ["intel", "generic"], id="the-most-specific-match"),
        pytest.param({"pins": pins(f"{X710_AT}=generic")}, ["generic", "generic"], id="a-pin-wins"),
        pytest.param({"pins": pins("nonsense")}, ["intel", "generic"], id="a-pin-that-is-none"),
        pytest.param({"plugins": []}, ["", ""], id="an-agent-without-a-catalogue"),
        pytest.param({"plugins": [INTEL]}, ["intel", ""], id="nobody-drives-it"),
        pytest.param({"plugins": [INTEL, RIVAL, GENERIC]}, ["", "generic"], id="a-tie"),
    ],
)
def test_each_nic_gets_the_plugin_that_ownership_gives(given, plugins):
    assert names(choice(**given)) == plugins


def test_what_is_wished_stays_as_it_is_beside_the_plugin():
    found = choice()
    assert found.wish is not None
    assert [(one.pci_address, one.num_vfs) for one in found.wish.interfaces] == [(X710_AT, 4), (CX6_AT, 0)]


def test_a_node_that_reports_nothing_to_wish_for_is_judged_all_the_same():
    other = {"pciAddress": "0000:05:00.0", "vendor": "1af4", "deviceID": "1000", "pciClass": "020000"}
    status = reported("n1", plugins=[INTEL], unmanaged=[other]).status
    found = chosen(None, status, platform="baremetal", annotations={})
    assert found.wish is None
    assert [remark.reason for remark in found.remarks] == [Reason.UNMANAGED]


@pytest.mark.parametrize(
    ("nic", "plugin"),
    [
        pytest.param({"totalvfs": 1, "numVfs": 1}, "virtual", id="a-vf-in-a-virtual-machine"),
        pytest.param({"totalvfs": 64}, "intel", id="a-pf-in-a-virtual-machine"),
    ],
)
def test_a_pf_in_a_virtual_machine_goes_to_its_vendor(nic, plugin):
    assert names(choice({**X710, **nic}, CX6, where="openstack"))[0] == plugin


def test_a_plugin_that_has_gone_leaves_its_nics_alone():
    found = choice({**X710, "plugin": "gone"}, CX6)
    assert names(found) == ["", "generic"]
    (remark,) = found.remarks
    assert remark.reason is Reason.UNMANAGED
    assert "gone" in remark.text
    assert keys.PINNED_PLUGINS in remark.text


def test_a_plugin_that_was_disabled_leaves_its_nics_to_others():
    found = choice({**X710, "plugin": "intel"}, CX6, plugins=[GENERIC], disabled=("intel",))
    assert names(found) == ["generic", "generic"]
    assert found.remarks == ()


BLOCKED = {**INTEL, "refused": "it was written for API 2.0"}
MUTE = {"name": "mute", "refused": "it cannot be imported"}
SENSELESS = {**INTEL, "name": "Sense less"}
REMARKS = {
    "all-well": ({}, Reason.CHOSEN, "every NIC has a plugin"),
    "tie": ({"plugins": [INTEL, RIVAL, GENERIC]}, Reason.CONFLICT, "plugins intel and rival match it equally well"),
    "nobody": ({"plugins": [INTEL]}, Reason.UNMANAGED, "no plugin drives 15b3:101d"),
    "refused": ({"plugins": [BLOCKED, GENERIC]}, Reason.BLOCKED, "it was written for API 2.0"),
    "refused-and-mute": ({"plugins": [MUTE, GENERIC]}, Reason.BLOCKED, "it cannot be imported"),
    "senseless": ({"plugins": [SENSELESS, GENERIC]}, Reason.BLOCKED, "makes no sense"),
    "pin-of-nothing": ({"pins": pins("0000:01:00.0=intel")}, Reason.PIN, "no NIC 0000:01:00.0"),
    "pin-of-an-unknown-plugin": ({"pins": pins(f"{X710_AT}=intle")}, Reason.UNMANAGED, "pinned to plugin intle"),
    "conflict-before-others": (
        {"plugins": [INTEL, RIVAL], "pins": pins("x")},
        Reason.CONFLICT,
        "found 'x'",
    ),
}


@pytest.mark.parametrize(("given", "reason", "told"), REMARKS.values(), ids=REMARKS.keys())
def test_what_is_told_of_the_plugins_of_a_node(given, reason, told):
    found = condition(choice(**given).remarks, 5)
    assert found.reason == reason
    assert told in found.message
    assert found.status == ("True" if reason is Reason.CHOSEN else "False")
    assert found.observed_generation == 5


def test_a_function_that_no_plugin_serves_is_told_of():
    other = {"pciAddress": "0000:05:00.0", "vendor": "1af4", "deviceID": "1000", "pciClass": "020000"}
    found = choice(plugins=[INTEL, VIRTUAL], unmanaged=[other, {"pciAddress": "garbage"}])
    assert [remark.text.partition(" ")[0] for remark in found.remarks] == [f"{CX6_AT}:", "0000:05:00.0:"]
    assert found.count(Reason.UNMANAGED) == 2


def test_many_remarks_are_cut():
    nics = [{**CX6, "pciAddress": f"0000:{bus:02x}:00.0"} for bus in range(30)]
    assert condition(choice(*nics, plugins=[INTEL]).remarks, 1).message.endswith("and 20 more")


def test_a_node_on_which_all_is_well_needs_no_word():
    good, bad = condition((), 1), condition(choice(plugins=[INTEL]).remarks, 1)
    assert is_told([], good)
    assert not is_told([], bad)
    assert is_told([bad], condition(choice(plugins=[INTEL]).remarks, 2))
    assert not is_told([bad], good)
