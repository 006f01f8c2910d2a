"""The pool of GUIDs in its documented forms and in broken ones, and the GUIDs that need no pool."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sriov_plugins.mellanox.guids import PoolFault, derived, number, pool, port_guid, text

PF = "0000:d8:00.0"
IPOIB = "00:00:05:a9:fe:80:00:00:00:00:00:00:b8:59:9f:03:00:f9:8f:86"
TWO = ["02:00:00:00:00:00:00:00", "02:00:00:00:00:00:00:01"]
SPAN = {"start": "02:00:00:00:00:aa:00:02", "end": "02:00:00:00:00:aa:00:0a"}
OTHER = {"pci_address": "0000:d8:00.1", "guids": ["02:00:00:00:00:00:00:99"]}


def guids(*entries: object, mac: str | None = IPOIB, count: int = 2) -> list[str] | None:
    found = pool(json.dumps(entries), PF, mac)
    return None if found is None else list(found.guids(count))


TAKEN = [
    pytest.param(({"pci_address": PF, "guids": TWO},), TWO, id="a-list-by-pci-address"),
    pytest.param(({"pciAddress": PF, "guids": TWO},), TWO, id="the-spelling-of-the-code"),
    pytest.param(({"pci_address": "0000:D8:00.0", "guids": TWO},), TWO, id="an-address-in-capitals"),
    pytest.param(({"pci_address": "d8:00.0", "guids": TWO},), TWO, id="an-address-without-domain"),
    pytest.param(
        ({"pf_guid": "b8:59:9f:03:00:f9:8f:86", "guidsRange": SPAN},),
        ["02:00:00:00:00:aa:00:02", "02:00:00:00:00:aa:00:03"],
        id="a-range-by-guid",
    ),
    pytest.param(({"pfGuid": "0xb8599f0300f98f86", "guids": TWO},), TWO, id="a-guid-as-ibstat-prints-it"),
    pytest.param(({"pf_guid": "b859:9f03:00f9:8f86", "guids": TWO},), TWO, id="a-guid-as-sysfs-has-it"),
    pytest.param(
        ({"pci_address": PF, "guids_range": SPAN},), [SPAN["start"], text(number(SPAN["start"]) + 1)], id="guids_range"
    ),
    pytest.param((OTHER, {"pci_address": PF, "guids": TWO}), TWO, id="after-another-pf"),
    pytest.param(
        ({"pci_address": PF, "guids": TWO}, {"pci_address": PF, "guids": TWO[::-1]}), TWO, id="twice-the-first-counts"
    ),
    pytest.param(
        ({"pf_guid": "b8:59:9f:03:00:f9:8f:86", "guids": TWO}, {"pci_address": PF, "guids": TWO[::-1]}),
        TWO,
        id="twice-by-either-name",
    ),
    pytest.param(
        ({"pci_address": PF, "pf_guid": "", "guids": TWO, "guidsRange": None},), TWO, id="empty-is-as-good-as-absent"
    ),
    pytest.param((OTHER,), None, id="only-others"),
    pytest.param((), None, id="an-empty-list"),
]


@pytest.mark.parametrize(("entries", "expected"), TAKEN)
def test_a_pf_gets_the_guids_of_its_first_entry(entries, expected):
    assert guids(*entries) == expected


@pytest.mark.parametrize(
    ("entry", "size"),
    [
        pytest.param({"guids": TWO}, 2, id="a-list"),
        pytest.param(
            {"guidsRange": {"start": "02:00:00:00:00:00:00:01", "end": "02:00:00:00:00:00:00:03"}}, 3, id="both-ends"
        ),
        pytest.param({"guidsRange": {"start": TWO[1], "end": TWO[1]}}, 1, id="a-range-of-one"),
        pytest.param({"guidsRange": {"start": "0x1", "end": "0xf"}}, None, id="too-few-digits"),
        pytest.param(
            {"guidsRange": {"start": TWO[1], "end": "ff" * 8}}, 0xFFFFFFFFFFFFFFFF - (2 << 56), id="all-the-rest"
        ),
    ],
)
def test_a_pool_ends_where_its_list_or_range_ends(entry, size):
    content = json.dumps([{"pci_address": PF, **entry}])
    if size is None:
        with pytest.raises(PoolFault):
            pool(content, PF, IPOIB)
        return
    found = pool(content, PF, IPOIB)
    assert found.size == size
    assert len(list(found.guids(9))) == min(size, 9)


REFUSED = [
    pytest.param("{", "it is no JSON", id="no-json"),
    pytest.param("[" * 100_000, "it is no JSON", id="json-without-end"),
    pytest.param("", "it is no JSON", id="an-empty-file"),
    pytest.param("{}", "it must be a JSON list with an entry for each PF", id="no-list"),
    pytest.param('["x"]', "entry 1 is no JSON object", id="no-object"),
    pytest.param(
        [{"guids": TWO}], "entry 1 must have exactly one of pci_address and pf_guid; it has neither", id="no-pf"
    ),
    pytest.param(
        [{"pci_address": PF, "pf_guid": "00:11:22:33:44:55:66:77", "guids": TWO}],
        "entry 1 must have exactly one of pci_address and pf_guid; it has pci_address and pf_guid",
        id="two-names-for-the-pf",
    ),
    pytest.param(
        [{"pci_address": PF}], "entry 1 must have exactly one of guids and guidsRange; it has neither", id="no-guids"
    ),
    pytest.param([{"pci_address": PF, "guids": []}], "it has neither", id="an-empty-list"),
    pytest.param(
        [{"pci_address": PF, "guids": TWO, "guidsRange": SPAN}], "it has guids and guidsRange", id="a-list-and-a-range"
    ),
    pytest.param(
        [{"pci_address": PF, "rangeStart": TWO[0], "rangeEnd": TWO[1]}],
        "it has neither",
        id="the-form-of-the-first-draft",
    ),
    pytest.param([OTHER, {"pci_address": "0000:d8.00.0", "guids": TWO}], "entry 2: pci_address", id="no-address"),
    pytest.param(
        [{"pf_guid": "ibp216s0f0", "guids": TWO}], "entry 1: pf_guid: 'ibp216s0f0' is no GUID", id="no-guid-of-a-pf"
    ),
    pytest.param([{"pci_address": PF, "guids": [TWO[0], "x"]}], "entry 1: guids[1]: 'x' is no GUID", id="no-guid"),
    pytest.param([{"pci_address": PF, "guids": [7]}], "entry 1: guids[0]: 7 is no GUID", id="a-number"),
    pytest.param([{"pci_address": PF, "guids": ["0" * 16]}], "is no GUID", id="zero-stands-for-none"),
    pytest.param(
        [{"pci_address": PF, "guids": [TWO[0], "0x0200000000000000"]}], f"has {TWO[0]} twice", id="the-same-twice"
    ),
    pytest.param([{"pci_address": PF, "guids": "all"}], "entry 1: guids is no list", id="guids-in-words"),
    pytest.param(
        [{"pci_address": PF, "guidsRange": TWO}], "entry 1: guidsRange is no JSON object", id="a-range-as-a-list"
    ),
    pytest.param(
        [{"pci_address": PF, "guidsRange": {"start": TWO[0]}}], "entry 1: guidsRange.end: None", id="half-a-range"
    ),
    pytest.param(
        [{"pci_address": PF, "guidsRange": {"start": TWO[1], "end": TWO[0]}}],
        f"entry 1: guidsRange ends at {TWO[0]}, before its start {TWO[1]}",
        id="a-range-backwards",
    ),
]


@pytest.mark.parametrize(("content", "expected"), REFUSED)
def test_a_wrong_file_is_refused_with_the_entry(content, expected):
    with pytest.raises(PoolFault) as caught:
        pool(content if isinstance(content, str) else json.dumps(content), PF, IPOIB)
    assert expected in str(caught.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from([PF, *TWO]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["pci_address", "pf_guid", "guids", "guidsRange", "start", "end"]), inner)
    ),
    max_leaves=12,
)


@given(st.lists(JSON, max_size=3).map(json.dumps) | st.text(max_size=40))
def test_no_file_whatever_raises_anything_else(content):
    try:
        found = pool(content, PF, IPOIB)
    except PoolFault:
        return
    assert found is None or found.size > 0


@pytest.mark.parametrize(
    ("mac", "expected"),
    [
        pytest.param(IPOIB, 0xB8599F0300F98F86, id="ipoib"),
        pytest.param("b8:59:9f:f9:8f:86", None, id="ethernet"),
        pytest.param(None, None, id="no-netdev"),
        pytest.param(":".join(["00"] * 20), None, id="not-set-yet"),
    ],
)
def test_a_port_shows_its_guid_in_its_ipoib_address(mac, expected):
    assert port_guid(mac) == expected


@given(st.integers(1, 2**64 - 1), st.integers(0, 126), st.integers(0, 2**24 - 1))
def test_a_derived_guid_is_local_and_unicast_and_the_same_at_every_boot(port, index, queue_pair):
    ends = f"fe:80:00:00:00:00:00:00:{text(port)}"
    found = derived(f"00:{queue_pair.to_bytes(3).hex(':')}:{ends}", index)
    assert number(found)
    assert int(found[:2], 16) & 0x03 == 0x02
    assert found == derived(f"00:00:00:01:{ends}", index), "the queue pair changes with every start of the driver"


def test_derived_guids_differ_from_vf_to_vf_and_from_port_to_port():
    ports = [IPOIB, IPOIB[:-2] + "87"]
    assert len({derived(mac, index) for mac in ports for index in range(127)}) == 254


@pytest.mark.parametrize("mac", [pytest.param(None, id="no-netdev"), pytest.param("02:00:00:00:00:01", id="ethernet")])
def test_without_a_guid_of_its_own_a_port_gives_none(mac):
    assert derived(mac, 0) is None
