"""The table of supported NICs: what is in it, and what a ConfigMap makes of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sriov_core.policy.nicids import DEFAULT, NicId, NicIds, parse

I40E = NicId("8086", "1572", "154c")


@pytest.mark.parametrize(
    ("vendor", "pf", "vf"),
    [
        pytest.param("8086", "158b", "154c", id="xxv710"),
        pytest.param("8086", "1592", "1889", id="e810"),
        pytest.param("8086", "10c9", "10ca", id="igb"),
        pytest.param("15b3", "1017", "1018", id="connectx-5"),
        pytest.param("15b3", "a2dc", "101e", id="bluefield-3"),
        pytest.param("14e4", "1750", "1806", id="broadcom"),
        pytest.param("177d", "b900", "b903", id="octeon"),
        pytest.param("1d0f", "ec20", "ec20", id="amazon"),
        pytest.param("", "1017", "1018", id="vendor-not-given"),
        pytest.param("8086", "1017", None, id="another-vendor's-id"),
        pytest.param("8086", "ffff", None, id="unknown"),
        pytest.param("", "", None, id="nothing-given"),
    ],
)
def test_the_id_of_the_vfs_goes_by_vendor_and_pf(vendor: str, pf: str, vf: str | None) -> None:
    assert DEFAULT.vf_id(vendor, pf) == vf


def test_the_table_is_sorted_and_names_each_model_once() -> None:
    assert len(DEFAULT.models) == 48
    assert list(DEFAULT.models) == sorted(set(DEFAULT.models))
    assert {model.vendor for model in DEFAULT.models} == {"8086", "15b3", "14e4", "1077", "1af4", "177d", "1d0f"}


def test_a_model_is_looked_up_by_each_of_its_parts() -> None:
    assert DEFAULT.has_vendor("8086")
    assert not DEFAULT.has_vendor("10de")
    assert DEFAULT.has_device("158b")
    assert not DEFAULT.has_device("154c")
    assert DEFAULT.has_model("8086", "158b")
    assert not DEFAULT.has_model("15b3", "158b")
    assert not DEFAULT.has_model("", "158b")
    assert DEFAULT.has_vf("8086", "154c")
    assert not DEFAULT.has_vf("15b3", "154c")


def test_a_pf_id_of_two_vendors_is_certain_only_with_the_vendor_or_when_they_agree() -> None:
    table = NicIds((NicId("aaaa", "1000", "1001"), NicId("bbbb", "1000", "1002"), NicId("bbbb", "2000", "2001")))
    assert table.vf_id("aaaa", "1000") == "1001"
    assert table.vf_id("bbbb", "1000") == "1002"
    assert table.vf_id("", "1000") is None
    assert NicIds((*table.models, NicId("cccc", "2000", "2001"))).vf_id("", "2000") == "2001"


def test_the_data_of_a_config_map_is_read_whatever_its_keys_are() -> None:
    data = {"Intel_i40e_X710": "8086 1572 154c", "Nvidia_mlx5": " 15B3  101D 101E\n"}
    table, faults = parse(data)
    assert table == NicIds((I40E, NicId("15b3", "101d", "101e")))
    assert faults == ()


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("", id="empty"),
        pytest.param("8086 1572", id="two-words"),
        pytest.param("8086 1572 154c 1", id="four-words"),
        pytest.param("0x8086 0x1572 0x154c", id="with-0x"),
        pytest.param("8086,1572,154c", id="commas"),
        pytest.param("intel 1572 154c", id="a-name"),
    ],
)
def test_a_value_that_is_no_model_is_a_fault_and_the_others_count(value: str) -> None:
    table, faults = parse({"bad": value, "good": "8086 1572 154c"})
    assert table.models == (I40E,)
    assert [fault.path for fault in faults] == ["data[bad]"]


def test_two_vf_ids_of_one_model_are_a_fault_and_neither_is_used() -> None:
    table, faults = parse({"a": "8086 1572 154c", "b": "8086 1572 154d"})
    assert table.has_model("8086", "1572")
    assert table.vf_id("8086", "1572") is None
    assert ["154c, 154d" in fault.text for fault in faults] == [True]


@given(st.permutations(DEFAULT.models))
def test_neither_the_order_nor_the_keys_of_the_data_matter(models: list[NicId]) -> None:
    assert parse({f"nic{position}": str(model) for position, model in enumerate(models)}) == (DEFAULT, ())
