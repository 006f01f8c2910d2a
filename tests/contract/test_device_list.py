"""docs/devices.md says what the drivers say, and the drivers say nothing that cannot be."""

import re
from collections import Counter

import pytest
from device_list import DOCUMENT, document, drivers

from sriov_core.model.address import Address
from sriov_core.model.observed import Function
from sriov_core.plugin import API, Match, Model, PluginInfo, Tier
from sriov_core.plugin.ownership import specificity

ENTRIES = [pytest.param(info, model, id=model.name) for info in drivers() for model in info.models]


def test_the_page_is_what_the_drivers_say_now():
    command = "python tests/contract/device_list.py"
    assert DOCUMENT.read_text().splitlines() == document(drivers()).splitlines(), f"write it anew with `{command}`"


@pytest.mark.parametrize(("info", "model"), ENTRIES)
def test_a_card_is_one_that_its_driver_would_own(info, model):
    for device in model.devices:
        assert re.fullmatch("[0-9a-f]{4}:[0-9a-f]{4}", device), f"{device!r} is no vendor:device pair"
        vendor, _, number = device.partition(":")
        functions = [
            Function(
                address=Address("0000:00:00.0"),
                vendor=vendor,
                device=number,
                kernel_driver=model.kernel_driver,
                platform=match.platform or "baremetal",
            )
            for match in info.matches
        ]
        fits = [specificity(match, function) for match in info.matches for function in functions]
        assert any(score is not None for score in fits), f"{info.name} lists {device} and does not match it"


def test_no_card_is_listed_twice_by_one_driver():
    for info in drivers():
        counted = Counter(device for model in info.models for device in model.devices)
        assert [device for device, times in counted.items() if times > 1] == [], info.name


@pytest.mark.parametrize(("info", "model"), ENTRIES)
def test_who_claims_production_says_where(info, model):
    assert model.tier is not Tier.PRODUCTION or info.tested_on


def test_a_bar_in_a_note_does_not_break_the_table():
    model = Model(name="X|1", devices=("ee01:0001",), kernel_driver="x1_net", notes="a | b")
    page = document([PluginInfo(name="x", api=API, matches=(Match(vendor="ee01"),), models=(model,))])
    assert r"| X\|1 | `ee01:0001` | `x1_net` | x | sriov | plain | a \| b |" in page.splitlines()
