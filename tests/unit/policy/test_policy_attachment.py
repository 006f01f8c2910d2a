"""Networks to NetworkAttachmentDefinitions: every byte that other components read."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from some_networks import KINDS, network

from sriov_core.api.documents import parse
from sriov_core.api.networks import Network, SriovNetwork
from sriov_core.errors import SpecError
from sriov_core.policy.attachment import attachment, faults, warnings

EVERY_KIND = pytest.mark.parametrize("kind", KINDS)


def made(given: Network, prefix: str = "") -> dict[str, Any]:
    return attachment(given, operator_namespace="ns", resource_prefix=prefix)


def config(given: Network) -> str:
    text = made(given)["spec"]["config"]
    assert isinstance(text, str)
    return text


def in_order(text: str) -> Any:
    """The value with objects as lists of pairs, so that the order of keys counts."""
    return json.loads(text, object_pairs_hook=list)


VRF = '{ "type": "vrf", "vrfname": "blue" }'
HEAD = '"cniVersion":"1.0.0","name":"test"'
GOLDEN = [
    pytest.param(
        network(networkNamespace="testnamespace"),
        f'{{{HEAD},"type":"sriov","vlan":0,"vlanQoS":0,"ipam":{{}}}}',
        id="sriov",
    ),
    pytest.param(
        network(metaPlugins=VRF),
        f'{{{HEAD},"plugins":[{{"type":"sriov","vlan":0,"vlanQoS":0,"ipam":{{}}}},{{"type":"vrf","vrfname":"blue"}}]}}',
        id="chained-sriov",
    ),
    pytest.param(
        network(
            vlan=100,
            vlanQoS=5,
            vlanProto="802.1AD",
            spoofChk="on",
            trust="off",
            linkState="enable",
            minTxRate=0,
            maxTxRate=42,
            logLevel="debug",
            logFile="/tmp/log",
            capabilities='{"mac": true}',
            ipam='{"type": "host-local", "subnet": "10.56.217.0/24"}',
        ),
        f'{{{HEAD},"type":"sriov","vlan":100,"spoofchk":"on","trust":"off","vlanQoS":5,"vlanProto":"802.1AD",'
        '"min_tx_rate":0,"max_tx_rate":42,"capabilities":{"mac":true},"link_state":"enable","logLevel":"debug",'
        '"logFile":"/tmp/log","ipam":{"type":"host-local","subnet":"10.56.217.0/24"}}',
        id="every-field-of-sriov",
    ),
    pytest.param(network("SriovIBNetwork"), f'{{{HEAD},"type":"ib-sriov","ipam":{{}}}}', id="ib"),
    pytest.param(
        network("SriovIBNetwork", capabilities='{"infinibandGUID": true}', linkState="auto", metaPlugins=VRF),
        f'{{{HEAD},"plugins":[{{"type":"ib-sriov","capabilities":{{"infinibandGUID":true}},"link_state":"auto",'
        '"ipam":{}},{"type":"vrf","vrfname":"blue"}]}',
        id="every-field-of-ib",
    ),
    pytest.param(network("OVSNetwork"), f'{{{HEAD},"type":"ovs","ipam":{{}}}}', id="ovs"),
    pytest.param(
        network("OVSNetwork", mtu=1500, metaPlugins=VRF),
        f'{{{HEAD},"plugins":[{{"type":"ovs","mtu":1500,"ipam":{{}}}},{{"type":"vrf","vrfname":"blue"}}]}}',
        id="chained-ovs",
    ),
    pytest.param(
        network(
            "OVSNetwork",
            capabilities='{"foo": "bar"}',
            bridge="test",
            vlan=100,
            mtu=1500,
            trunk=[{"id": 120}, {"minID": 500, "maxID": 550}],
            interfaceType="netdev",
            ipam='{"type": "foo"}',
        ),
        f'{{{HEAD},"type":"ovs","capabilities":{{"foo":"bar"}},"bridge":"test","vlan":100,"mtu":1500,'
        '"trunk":[{"id":120},{"minID":500,"maxID":550}],"interface_type":"netdev","ipam":{"type":"foo"}}',
        id="every-field-of-ovs",
    ),
]


@pytest.mark.parametrize(("given", "expected"), GOLDEN)
def test_the_configuration_has_the_keys_and_the_order_that_existing_clusters_have(
    given: Network, expected: str
) -> None:
    assert in_order(config(given)) == in_order(expected)
    assert json.dumps(json.loads(config(given)), separators=(",", ":")) == expected


def test_the_text_is_indented_by_four_blanks() -> None:
    given = network(metaPlugins='{"type": "rdma", "args": []}')
    assert config(given).splitlines() == [
        "{",
        '    "cniVersion": "1.0.0",',
        '    "name": "test",',
        '    "plugins": [',
        "        {",
        '            "type": "sriov",',
        '            "vlan": 0,',
        '            "vlanQoS": 0,',
        '            "ipam": {}',
        "        },",
        "        {",
        '            "type": "rdma",',
        '            "args": []',
        "        }",
        "    ]",
        "}",
    ]


@EVERY_KIND
def test_an_attachment_in_another_namespace_names_its_network_in_an_annotation_only(kind: str) -> None:
    found = made(network(kind, uid="1-2-3", networkNamespace="testnamespace"))
    assert {**found, "spec": sorted(found["spec"])} == {
        "apiVersion": "k8s.cni.cncf.io/v1",
        "kind": "NetworkAttachmentDefinition",
        "metadata": {
            "name": "test",
            "namespace": "testnamespace",
            "annotations": {
                "k8s.v1.cni.cncf.io/resourceName": "/testresource",
                "sriovnetwork.openshift.io/owner-ref": f"{kind}.sriovnetwork.openshift.io/ns/test",
            },
        },
        "spec": ["config"],
    }


@EVERY_KIND
@pytest.mark.parametrize("spec", [{}, {"networkNamespace": "ns"}], ids=["left-out", "named"])
def test_an_attachment_in_the_networks_namespace_is_owned_by_it(kind: str, spec: dict[str, str]) -> None:
    metadata = made(network(kind, uid="1-2-3", **spec), prefix="openshift.io")["metadata"]
    assert metadata["annotations"]["k8s.v1.cni.cncf.io/resourceName"] == "openshift.io/testresource"
    assert metadata["namespace"] == "ns"
    assert metadata["ownerReferences"] == [
        {"apiVersion": "sriovnetwork.openshift.io/v1", "kind": kind, "name": "test", "uid": "1-2-3"}
    ]


def test_a_network_from_a_file_has_neither_uid_nor_namespace_to_pass_on() -> None:
    metadata = made(network(namespace=""))["metadata"]
    assert set(metadata) == {"name", "annotations"}


def test_the_log_level_is_info_unless_it_is_given() -> None:
    text = "apiVersion: sriovnetwork.openshift.io/v1\nkind: SriovNetwork\nmetadata: {name: a, namespace: ns}\n"
    levels = []
    for more in ("", ", logLevel: debug", ", logLevel: ''"):
        document = parse(f"{text}spec: {{resourceName: r{more}}}\n", "file")[0]
        assert isinstance(document.body, SriovNetwork)
        levels.append(json.loads(config(document.body)).get("logLevel"))
    assert levels == ["info", "debug", None]


EXACT = [
    pytest.param('{"type": "x", "note": "it\'s here"}', {"type": "x", "note": "it's here"}, id="a-single-quote"),
    pytest.param(
        '{"type": "x", "note": "a  b\\n c\\t"}', {"type": "x", "note": "a  b\n c\t"}, id="newlines-and-blanks"
    ),
    pytest.param('{\n  "type":\t"x",\r\n  "n": 1.0\n}\n', {"type": "x", "n": 1.0}, id="many-lines"),
    pytest.param('{"type": "x", "n": 18446744073709551616}', {"type": "x", "n": 2**64}, id="a-long-integer"),
    pytest.param('{"type": "x", "note": "\u00e9\u4e16"}', {"type": "x", "note": "\u00e9\u4e16"}, id="other-scripts"),
    pytest.param(
        '{"type": "x", "name": "y", "vlan": 7}', {"type": "x", "name": "y", "vlan": 7}, id="keys-of-the-plugin"
    ),
]


@EVERY_KIND
@pytest.mark.parametrize(("text", "value"), EXACT)
def test_texts_survive_exactly(kind: str, text: str, value: dict[str, Any]) -> None:
    given = network(kind, ipam=text, capabilities=text, metaPlugins=f"{text},{text}")
    found = json.loads(config(given))
    plugin = found["plugins"][0]
    assert [repr(one) for one in (plugin["ipam"], plugin["capabilities"], *found["plugins"][1:])] == [repr(value)] * 4
    assert found["name"] == "test"


@pytest.mark.parametrize("text", ["", " ", "\n", "{}", " { } "])
def test_blank_texts_are_left_out_and_ipam_is_always_there(text: str) -> None:
    given = network("OVSNetwork", ipam=text, capabilities=text, metaPlugins=text.replace("{", "").replace("}", ""))
    kept = ["capabilities"] if "{" in text else []
    assert list(json.loads(config(given))) == ["cniVersion", "name", "type", *kept, "ipam"]


SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3), max_leaves=8
)
TYPED = st.dictionaries(st.text().filter(lambda key: key != "type"), VALUES, max_size=4).flatmap(
    lambda value: st.permutations([*value.items(), ("type", "host-local")]).map(dict)
)
TEXTS = st.text() | st.text(st.sampled_from("{}[]\",:' \ntype1")) | TYPED.map(json.dumps)


@given(TYPED, st.sampled_from(sorted(KINDS)))
def test_any_ipam_object_comes_back_equal_and_in_order(value: dict[str, Any], kind: str) -> None:
    ipam = dict(in_order(config(network(kind, ipam=json.dumps(value)))))["ipam"]
    assert ipam == in_order(json.dumps(value))


@given(TEXTS, TEXTS, TEXTS, st.sampled_from(sorted(KINDS)))
def test_any_texts_give_faults_or_an_attachment(ipam: str, capabilities: str, chained: str, kind: str) -> None:
    given = network(kind, ipam=ipam, capabilities=capabilities, metaPlugins=chained)
    warnings(given)
    mistakes = [str(fault) for fault in faults(given, operator_namespace="ns")]
    if mistakes:
        with pytest.raises(SpecError) as refused:
            made(given)
        assert str(refused.value) == "\n".join(f"{kind} test: {mistake}" for mistake in mistakes)
    else:
        assert isinstance(json.loads(config(given)), dict)
