"""The two annotations are read as multus reads them."""

import json
import re
from typing import Any

import pytest

from sriov_core.errors import SpecError
from sriov_core.injection.fields import Refused
from sriov_core.injection.networks import default_network, networks

PLACE = "metadata.annotations[x]"


def parts(value: str) -> list[tuple[str, str, str]]:
    return [(one.namespace, one.name, one.interface) for one in networks(value, PLACE)]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("", [], id="empty"),
        pytest.param("net1", [("", "net1", "")], id="name"),
        pytest.param("ns1/net1", [("ns1", "net1", "")], id="namespace"),
        pytest.param("net1@eth0", [("", "net1", "eth0")], id="interface"),
        pytest.param("ns1/net1@eth0", [("ns1", "net1", "eth0")], id="all"),
        pytest.param("ns1/net1,net2", [("ns1", "net1", ""), ("", "net2", "")], id="two"),
        pytest.param(" ns1 / net1 @ eth0 ,\n net2 ", [("ns1", "net1", "eth0"), ("", "net2", "")], id="blanks"),
        pytest.param("net1@net1.100", [("", "net1", "net1.100")], id="interface-of-a-vlan"),
        pytest.param("net1@Eth0", [("", "net1", "Eth0")], id="interface-with-capitals"),
        pytest.param("net1@fifteen-letters", [("", "net1", "fifteen-letters")], id="longest-interface"),
        pytest.param("my.ns/my.net", [("my.ns", "my.net", "")], id="dots"),
        pytest.param("/net1@", [("", "net1", "")], id="empty-parts"),
        pytest.param("null", [("", "null", "")], id="no-json-without-brackets"),
        pytest.param("[]", [], id="json-of-nothing"),
        pytest.param(' [{"name": "a"}] ', [("", "a", "")], id="json"),
        pytest.param('[{"Name": "a", "NAMESPACE": "b"}]', [("b", "a", "")], id="json-in-any-case"),
        pytest.param('[{"name": "a", "namespace": null, "interface": null}]', [("", "a", "")], id="json-nulls"),
        pytest.param('[{"name": "a", "interface": "\\ud800"}]', [("", "a", "\ud800")], id="json-half-a-character"),
        pytest.param('[{"name": "a", "ips": ["1"], "cni-args": {"x": []}}]', [("", "a", "")], id="json-other-fields"),
    ],
)
def test_a_value_names_networks(value: str, expected: list[tuple[str, str, str]]) -> None:
    assert parts(value) == expected


@pytest.mark.parametrize(
    ("value", "message"),
    [
        pytest.param(" ", f"{PLACE}, entry 1: the name of the network is missing", id="blank"),
        pytest.param("a,,b", f"{PLACE}, entry 2: the name of the network is missing", id="two-commas"),
        pytest.param("ns1/", f"{PLACE}, entry 1: the name of the network is missing", id="namespace-only"),
        pytest.param("@eth0", f"{PLACE}, entry 1: the name of the network is missing", id="interface-only"),
        pytest.param("ns1/net1/if1", f"{PLACE}, entry 1: found 'ns1/net1/if1'", id="two-slashes"),
        pytest.param("ok,net1@if1@if2", f"{PLACE}, entry 2: found 'net1@if1@if2'", id="two-at-signs"),
        pytest.param("N1/net1", f"{PLACE}, entry 1: 'N1' cannot be the namespace", id="capital-namespace"),
        pytest.param("-net", f"{PLACE}, entry 1: '-net' cannot be the name", id="dash-first"),
        pytest.param("net..one", f"{PLACE}, entry 1: 'net..one' cannot be the name", id="two-dots"),
        pytest.param("a b", f"{PLACE}, entry 1: 'a b' cannot be the name", id="blank-in-name"),
        pytest.param("x" * 254, f"{PLACE}, entry 1: 'xxxx", id="long-name"),
        pytest.param(
            "a@sixteen-letters-", f"{PLACE}, entry 1: 'sixteen-letters-' cannot be the name of an i", id="long"
        ),
        pytest.param("a@éééééééé", f"{PLACE}, entry 1: 'éééééééé' cannot be the name of an i", id="sixteen-bytes"),
        pytest.param("a@b c", f"{PLACE}, entry 1: 'b c' cannot be the name of an interface", id="blank-in-interface"),
        pytest.param('"a"', f"{PLACE}: found the text 'a', wanted a JSON list", id="quoted"),
        pytest.param('{"name":"a"}', f"{PLACE}: found a mapping, wanted a JSON list", id="object"),
        pytest.param("[a,b]", f"{PLACE}: this is no JSON: Expecting value: line 1 column 2", id="brackets-alone"),
        pytest.param("[" * 100_000, f"{PLACE}: lists and mappings are nested too deep", id="deep"),
        pytest.param("[null]", f"{PLACE}, entry 1: found nothing, wanted a mapping", id="null-entry"),
        pytest.param('[{"name":"a"},"b"]', f"{PLACE}, entry 2: found the text 'b', wanted a mapping", id="text-entry"),
        pytest.param('[{"name":5}]', f"{PLACE}, entry 1, name: found the integer 5, wanted text", id="number-as-name"),
        pytest.param('[{"namespace":"a"}]', f"{PLACE}, entry 1: the name of the network is missing", id="no-name"),
        pytest.param('[{"name":"../a"}]', f"{PLACE}, entry 1: '../a' cannot be the name of a", id="json-bad-name"),
        pytest.param('[{"name":"a","interface":"a/b"}]', f"{PLACE}, entry 1: 'a/b' cannot be the n", id="json-bad-if"),
    ],
)
def test_a_malformed_value_is_refused_with_its_place(value: str, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        networks(value, PLACE)
    assert str(caught.value).startswith(message)


def test_only_the_comma_form_of_a_name_with_a_dot_is_remarked() -> None:
    (in_words,) = networks("my.net", PLACE)
    (in_json,) = networks('[{"name":"my.net"}]', PLACE)
    assert (in_words.remark, in_json.remark) == ("multus reads 'my.net', with a dot, in the JSON form only", "")


@pytest.mark.parametrize(
    "value", [pytest.param("ns1/a@net1", id="word"), pytest.param(json.dumps([{"name": "a"}]), id="json")]
)
def test_one_default_network_is_taken(value: str) -> None:
    found: Any = default_network(value, PLACE)
    assert found.name == "a"


def test_no_default_network_is_named_by_an_empty_value() -> None:
    assert default_network("", PLACE) is None


@pytest.mark.parametrize(
    ("value", "found"),
    [pytest.param("a,b", "found 2 networks ('a', 'b')", id="two"), pytest.param("[]", "found 0 networks", id="none")],
)
def test_any_other_number_of_default_networks_is_refused(value: str, found: str) -> None:
    with pytest.raises(SpecError) as caught:
        default_network(value, PLACE)
    assert str(caught.value).startswith(f"{PLACE}: {found}")
    assert "wanted exactly one" in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        pytest.param('"ips": "10.0.0.1"', "ips: found the text '10.0.0.1', wanted a list", id="ips"),
        pytest.param('"mac": 5', "mac: found the integer 5, wanted text", id="mac"),
        pytest.param('"default-route": "10.0.0.1"', "default-route: found the text", id="default-route"),
        pytest.param('"cni-args": "x"', "cni-args: found the text 'x', wanted a mapping", id="cni-args"),
        pytest.param('"bandwidth": "x"', "bandwidth: found the text 'x', wanted a mapping", id="bandwidth"),
        pytest.param('"portMappings": {}', "portMappings: found a mapping, wanted a list", id="port-mappings"),
        pytest.param('"infiniband-guid": 5', "infiniband-guid: found the integer 5, wanted text", id="guid"),
    ],
)
def test_a_field_that_multus_could_not_read_is_refused(fields: str, said: str) -> None:
    with pytest.raises(Refused, match=re.escape(f"entry 1, {said}")):
        networks(f'[{{"name": "a", {fields}}}]', "metadata.annotations[x]")


def test_a_field_that_the_standard_does_not_have_is_remarked() -> None:
    (found,) = networks('[{"name": "a", "interfce": "net1"}]', "x")
    assert found.remark == "interfce is no field of a network. Did you mean interface?"
