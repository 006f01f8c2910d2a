"""Who serves a function: the most specific match, whatever the order; a tie and a refusal are said, never guessed."""

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sriov_core.model.address import Address
from sriov_core.model.observed import Function
from sriov_core.plugin import API, Match, PluginInfo
from sriov_core.plugin.ownership import Refused, choose, specificity

NIC = Function(
    address=Address("0000:3b:00.0"),
    vendor="ac3e",
    device="0001",
    subsystem_vendor="1028",
    subsystem_device="0002",
    kernel_driver="acme_net",
)


def plugin(name, *matches, is_base=False) -> PluginInfo:
    return PluginInfo(name=name, api=API, matches=matches, is_base=is_base)


BASE = plugin("generic", Match(pci_class="02"), is_base=True)
VENDOR = plugin("acme", Match(vendor="ac3e"))
DEVICE = plugin("acme-special", Match(vendor="ac3e", device="0001"))


@pytest.mark.parametrize(
    ("match", "score"),
    [
        (Match(), 0),
        (Match(pci_class="02"), 1),
        (Match(pci_class="020000"), 1),
        (Match(kernel_driver="acme_net"), 2),
        (Match(platform="baremetal"), 4),
        (Match(vendor="ac3e"), 8),
        (Match(subsystem="1028:0002"), 8),
        (Match(device="0001"), 16),
        (Match(vendor="ac3e", device="0001", pci_class="02"), 25),
        (Match(vendor="8086"), None),
        (Match(vendor="ac3e", device="0002"), None),
        (Match(pci_class="0207"), None),
        (Match(platform="openstack"), None),
    ],
    ids=str,
)
def test_specificity_is_the_sum_of_what_fits_and_none_when_anything_does_not(match, score):
    assert specificity(match, NIC) == score


@pytest.mark.parametrize(
    ("installed", "owner", "reason"),
    [
        ([BASE], "generic", "matches pci class 02"),
        ([BASE, VENDOR], "acme", "matches vendor ac3e"),
        ([BASE, VENDOR, DEVICE], "acme-special", "matches device 0001, vendor ac3e"),
        ([], None, "no plugin drives ac3e:0001 class 020000 (installed: none)"),
        ([plugin("other", Match(vendor="8086"))], None, "(installed: other)"),
        (
            [plugin("a", Match(vendor="ac3e")), plugin("b", Match(vendor="ac3e"))],
            None,
            "a and b match it equally",
        ),
        ([plugin("a", Match(vendor="ac3e"), Match(vendor="ac3e"))], "a", "vendor ac3e"),
    ],
    ids=["base", "vendor", "device", "nobody", "stranger", "tie", "twice itself"],
)
def test_the_most_specific_match_wins_and_says_why(installed, owner, reason):
    choice = choose(NIC, installed)
    assert choice.plugin == owner
    assert reason in choice.reason
    assert choice.blocked is None


def test_a_tie_is_settled_by_a_pin():
    rivals = [plugin("a", Match(vendor="ac3e")), plugin("b", Match(vendor="ac3e"))]
    assert "pin one of them for 0000:3b:00.0" in choose(NIC, rivals).reason
    assert choose(NIC, rivals, pins={NIC.address: "b"}).plugin == "b"


def test_a_pin_beats_every_match_and_only_for_its_nic():
    pins = {NIC.address: "generic"}
    assert choose(NIC, [BASE, DEVICE], pins=pins).plugin == "generic"
    other = attrs.evolve(NIC, address=Address("0000:3b:00.1"))
    assert choose(other, [BASE, DEVICE], pins=pins).plugin == "acme-special"


def test_a_pin_to_what_is_not_there_leaves_the_nic_alone():
    choice = choose(NIC, [BASE], pins={NIC.address: "acme"})
    assert choice.plugin is None
    assert choice.reason == "pinned to plugin acme, but it is not installed (installed: generic)"


def test_a_pin_to_a_refused_plugin_says_why_it_was_refused():
    choice = choose(NIC, [BASE], pins={NIC.address: "acme"}, refused=[Refused(name="acme", reason="boom")])
    assert choice.plugin is None
    assert "it is refused (boom)" in choice.reason


@pytest.mark.parametrize(
    ("refused", "installed", "blocked"),
    [
        (Refused(name="acme", reason="boom", info=VENDOR), [BASE], True),
        (Refused(name="acme", reason="boom"), [BASE], True),
        (Refused(name="acme", reason="boom"), [BASE, VENDOR], False),
        (Refused(name="other", reason="boom", info=plugin("other", Match(vendor="8086"))), [BASE], False),
        (Refused(name="acme", reason="boom", info=VENDOR), [BASE, DEVICE], False),
        (Refused(name="acme-special", reason="boom", info=DEVICE), [BASE, VENDOR], True),
    ],
    ids=[
        "it would win",
        "it never said",
        "a vendor is there",
        "another's",
        "less exact",
        "more exact",
    ],
)
def test_a_refused_plugin_is_not_silently_replaced(refused, installed, blocked):
    choice = choose(NIC, installed, refused=[refused])
    assert choice.plugin is not None
    assert bool(choice.blocked) == blocked
    if blocked:
        assert f"plugin {refused.name} is installed but refused (boom)" in choice.blocked


SERVED = {NIC.address: "acme"}
OTHER_NIC = {Address("0000:3b:00.1"): "acme"}
ACME_REFUSED = Refused(name="acme", reason="boom", info=VENDOR)


@pytest.mark.parametrize(
    ("installed", "options", "owner"),
    [
        pytest.param([BASE], {"served": SERVED}, None, id="gone-leaves-it-to-nobody"),
        pytest.param([BASE, plugin("acme2", Match(vendor="ac3e"))], {"served": SERVED}, None, id="nor-to-a-namesake"),
        pytest.param([BASE], {"served": OTHER_NIC}, "generic", id="it-is-remembered-nic-by-nic"),
        pytest.param([BASE, VENDOR], {"served": SERVED}, "acme", id="still-there"),
        pytest.param([BASE, VENDOR, DEVICE], {"served": SERVED}, "acme-special", id="a-better-match-came"),
        pytest.param([BASE, VENDOR], {"served": {NIC.address: "generic"}}, "acme", id="the-vendor-came"),
        pytest.param([BASE, plugin("acme", Match(vendor="8086"))], {"served": SERVED}, "generic", id="it-gave-it-up"),
        pytest.param([BASE], {"served": SERVED, "pins": {NIC.address: "generic"}}, "generic", id="a-pin-settles-it"),
        pytest.param([BASE], {"served": {NIC.address: ""}}, "generic", id="an-old-record-does-not-know"),
        pytest.param([BASE], {"served": SERVED, "refused": [ACME_REFUSED]}, "generic", id="refused-is-not-gone"),
    ],
)
def test_nobody_takes_the_place_of_a_plugin_that_is_gone(installed, options, owner):
    assert choose(NIC, installed, **options).plugin == owner


def test_a_nic_whose_plugin_is_gone_says_what_to_do():
    reason = choose(NIC, [BASE], served=SERVED).reason
    assert "plugin acme served it so far and is not installed any more (installed: generic)" in reason
    assert "install it again" in reason
    assert "--pin 0000:3b:00.0=PLUGIN" in reason
    assert "`sriov-core reset --forget 0000:3b:00.0`" in reason


def test_a_refused_plugin_that_served_the_nic_blocks_the_base():
    choice = choose(NIC, [BASE], served=SERVED, refused=iter([ACME_REFUSED]))
    assert choice.plugin == "generic"
    assert "plugin acme is installed but refused (boom)" in str(choice.blocked)


FIELDS = {
    "vendor": st.sampled_from(["ac3e", "8086", None]),
    "device": st.sampled_from(["0001", "0002", None]),
    "subsystem": st.sampled_from(["1028:0002", "1028:0003", None]),
    "kernel_driver": st.sampled_from(["acme_net", "igb", None]),
    "pci_class": st.sampled_from(["02", "0207", None]),
    "platform": st.sampled_from(["baremetal", "openstack", None]),
}
MATCHES = st.lists(st.builds(Match, **FIELDS), min_size=1, max_size=3).map(tuple)
CATALOGUES = st.dictionaries(st.sampled_from(["a", "b", "c", "d"]), MATCHES, max_size=4).map(
    lambda found: [plugin(name, *matches) for name, matches in found.items()]
)


@settings(deadline=None)  # a busy machine is no failure
@given(CATALOGUES, st.randoms(use_true_random=False))
def test_the_order_of_loading_never_matters(installed, random):
    shuffled = list(installed)
    random.shuffle(shuffled)
    assert choose(NIC, shuffled) == choose(NIC, installed)


def _best(info: PluginInfo) -> int:
    return max(-1 if (score := specificity(match, NIC)) is None else score for match in info.matches)


@settings(deadline=None)  # a busy machine is no failure
@given(CATALOGUES)
def test_an_owner_is_more_specific_than_every_other(installed):
    owner = choose(NIC, installed).plugin
    scores = {info.name: _best(info) for info in installed}
    highest = max(scores.values(), default=-1)
    winners = [name for name, score in scores.items() if score == highest and score >= 0]
    assert owner == (winners[0] if len(winners) == 1 else None)


@settings(deadline=None)  # a busy machine is no failure
@given(CATALOGUES, MATCHES)
def test_a_plugin_that_does_not_match_changes_nothing_about_the_owner(installed, matches):
    stranger = plugin("z", *(attrs.evolve(match, vendor="fffe") for match in matches))
    assert choose(NIC, [*installed, stranger]).plugin == choose(NIC, installed).plugin
