"""What is wrong with networks, and what in them is hardly meant, in exact words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from some_networks import network
from three_ports import policy

from sriov_core.api.documents import parse
from sriov_core.api.networks import Network, OVSNetwork, SriovNetwork
from sriov_core.errors import SpecError
from sriov_core.policy.attachment import attachment, faults, warnings
from sriov_core.policy.validation import validate

DHCP = '{"type":"dhcp"}'


def made(given: Network) -> dict[str, object]:
    return attachment(given, operator_namespace="ns", resource_prefix="openshift.io")


def found_in(given: Network) -> list[str]:
    return [str(fault) for fault in faults(given, operator_namespace="ns")]


def warned_of(given: Network) -> list[str]:
    return [str(fault) for fault in warnings(given)]


NO_RESOURCE = "which is no resource name. Use 1 to 63 letters, digits, '-' and '_', with a letter or digit at both ends"
NO_NAME = (
    "which is no name of an object. "
    "Use up to 253 lower-case letters, digits, '-' and '.', with a letter or digit at both ends of each part"
)
NAMED = 'Name the CNI plugin, as in {"type": "tuning"}'
IPAM_NAMED = 'Name the IPAM plugin, as in {"type": "host-local"}, or write {}'
FAULTS = [
    pytest.param(
        network(namespace="blue", networkNamespace="default"),
        "spec.networkNamespace: networkNamespace cannot be set here: found 'default', and this SriovNetwork is in "
        "'blue', not in the operator's namespace. Remove networkNamespace, or create the SriovNetwork in ns",
        id="outside-the-operators-namespace",
    ),
    pytest.param(
        network("OVSNetwork", networkNamespace="a/b"),
        "spec.networkNamespace: found 'a/b', which is no name of a namespace. "
        "Use up to 63 lower-case letters, digits and '-', with a letter or digit at both ends",
        id="no-namespace",
    ),
    pytest.param(network(name="Net_1"), f"metadata.name: found 'Net_1', {NO_NAME}", id="upper-case-name"),
    pytest.param(network(name="a..b"), f"metadata.name: found 'a..b', {NO_NAME}", id="empty-part-of-a-name"),
    pytest.param(network(name="a" * 254), f"metadata.name: found '{'a' * 59}..., {NO_NAME}", id="long-name"),
    pytest.param(
        network("SriovIBNetwork", resourceName="openshift.io/res"),
        f"spec.resourceName: found 'openshift.io/res', {NO_RESOURCE}, and no prefix",
        id="resource-with-prefix",
    ),
    pytest.param(
        network(resourceName=""), f"spec.resourceName: found '', {NO_RESOURCE}, and no prefix", id="no-resource"
    ),
    pytest.param(
        network("SriovIBNetwork", capabilities="foo"),
        "spec.capabilities: line 1, column 1, near 'foo': wanted an object. Write it as {...}",
        id="capabilities-that-are-no-json",
    ),
    pytest.param(
        network(ipam="{'type': 'dhcp'}"),
        "spec.ipam: line 1, column 2, near \"{'type': 'dhcp'}\": wanted a key in double quotes. "
        'JSON takes no others than "double quotes"',
        id="ipam-in-single-quotes",
    ),
    pytest.param(
        network("OVSNetwork", ipam='{"subnet": "10.0.0.0/8"}'),
        f'spec.ipam: the key "type" is missing. {IPAM_NAMED}',
        id="ipam-without-type",
    ),
    pytest.param(
        network(ipam='{"type": ""}'),
        f"spec.ipam: the value of \"type\" is '', wanted the name of a plugin. {IPAM_NAMED}",
        id="ipam-of-an-empty-type",
    ),
    pytest.param(
        network(ipam='{"type": 5}'),
        f'spec.ipam: the value of "type" is 5, wanted the name of a plugin. {IPAM_NAMED}',
        id="ipam-of-a-number-as-type",
    ),
    pytest.param(
        network("SriovIBNetwork", ipam=DHCP),
        "spec.ipam: found the type dhcp, which the CNI plugin for InfiniBand refuses. "
        "Use another IPAM plugin, such as whereabouts",
        id="dhcp-on-infiniband",
    ),
    pytest.param(
        network(metaPlugins='{"type": "tuning"}, {"vrfname": "blue"}'),
        f'spec.metaPlugins: object 2: the key "type" is missing. {NAMED}',
        id="second-chained-plugin-without-type",
    ),
    pytest.param(network(metaPlugins="{}"), f'spec.metaPlugins: the key "type" is missing. {NAMED}', id="no-type"),
    pytest.param(
        network(metaPlugins='[{"type": "tuning"}]'),
        'spec.metaPlugins: line 1, column 1, near \'[{"type": "tuni\': wanted an object. '
        "Write the objects without the brackets of a list",
        id="a-list-of-chained-plugins",
    ),
    pytest.param(
        network(vlanQoS=1),
        "spec.vlanQoS: found 1, and without a vlan there is no tag that could carry it. "
        "Give a vlan other than 0, or remove vlanQoS",
        id="qos-without-vlan",
    ),
    pytest.param(
        network(vlanProto="802.1AD"),
        "spec.vlanProto: found 802.1AD, which needs a vlan other than 0. Give a vlan, or remove vlanProto",
        id="802.1ad-without-vlan",
    ),
    pytest.param(
        network(minTxRate=100, maxTxRate=99),
        "spec.minTxRate: found 100, which is above maxTxRate 99. "
        "Lower it, raise maxTxRate, or set maxTxRate to 0 for no limit",
        id="rates-crossed",
    ),
    pytest.param(
        network("OVSNetwork", mtu=67),
        "spec.mtu: found 67, wanted 0 or 68 to 65535. Write a number within that range; 0 leaves the MTU alone",
        id="mtu-too-small",
    ),
    pytest.param(
        network("OVSNetwork", mtu=65536),
        "spec.mtu: found 65536, wanted 0 or 68 to 65535. Write a number within that range; 0 leaves the MTU alone",
        id="mtu-too-large",
    ),
    pytest.param(
        network("OVSNetwork", trunk=[{"id": 1}, {"minID": 11, "maxID": 5}]),
        "spec.trunk[1]: minID 11 is above maxID 5. Swap them",
        id="range-backwards",
    ),
    pytest.param(
        network("OVSNetwork", trunk=[{"minID": 11}]),
        "spec.trunk[0]: it has minID without maxID. Give both minID and maxID, with minID no larger, or id",
        id="range-without-end",
    ),
    pytest.param(
        network("OVSNetwork", trunk=[{"maxID": 11, "id": 3}]),
        "spec.trunk[0]: it has maxID without minID. Give both minID and maxID, with minID no larger, or id",
        id="range-without-start",
    ),
    pytest.param(
        network("OVSNetwork", trunk=[{}]),
        "spec.trunk[0]: it is empty. Give both minID and maxID, with minID no larger, or id",
        id="empty-item",
    ),
    pytest.param(
        network("OVSNetwork", trunk=[{"minID": 0, "maxID": 10}]),
        "spec.trunk: the CNI plugin leaves out ranges that start at 0, and there is nothing else. "
        "Start the range at 1, and add {id: 0} if VLAN 0 is meant",
        id="nothing-but-a-range-from-0",
    ),
]


@pytest.mark.parametrize(("given", "text"), FAULTS)
def test_a_fault_is_named_in_words_and_nothing_is_made(given: Network, text: str) -> None:
    assert found_in(given) == [text]
    with pytest.raises(SpecError) as refused:
        made(given)
    assert str(refused.value) == f"{given.kind} {given.metadata.name}: {text}"


def test_every_fault_is_named_at_once() -> None:
    given = network(resourceName="a b", ipam="x", capabilities="[", metaPlugins="{},", vlanQoS=1, vlanProto="802.1ad")
    paths = ["resourceName", "capabilities", "ipam", "metaPlugins", "vlanQoS", "vlanProto"]
    assert [fault.path for fault in faults(given, operator_namespace="ns")] == [f"spec.{path}" for path in paths]
    with pytest.raises(SpecError) as refused:
        made(given)
    assert len(str(refused.value).splitlines()) == len(paths)


FINE = [
    pytest.param(network(minTxRate=42), id="minimum-alone"),
    pytest.param(network(minTxRate=42, maxTxRate=0), id="maximum-switched-off"),
    pytest.param(network(minTxRate=42, maxTxRate=42), id="equal-rates"),
    pytest.param(network(linkState="disable", trust="on", spoofChk="off"), id="link-state"),
    pytest.param(network(logLevel="", logFile="/var/log/sriov.log"), id="log-file-without-level"),
    pytest.param(network(ipam=DHCP), id="dhcp-on-ethernet"),
    pytest.param(network("OVSNetwork", ipam=DHCP), id="dhcp-on-ovs"),
    pytest.param(network("OVSNetwork", mtu=68, vlan=4095), id="smallest-mtu-and-largest-vlan"),
    pytest.param(network("OVSNetwork", mtu=65535, trunk=[{"id": 0}]), id="largest-mtu-and-vlan-0"),
    pytest.param(network("OVSNetwork", trunk=[{"id": 15}, {"id": 15}, {"minID": 10, "maxID": 20}]), id="overlapping"),
    pytest.param(network("OVSNetwork", trunk=[{"id": 3, "minID": 5, "maxID": 5}]), id="range-and-id-in-one"),
    pytest.param(network(namespace="blue", resourceName="r" * 63, name="a" * 253), id="long-names"),
    pytest.param(network(networkNamespace="ns"), id="own-namespace-named"),
    pytest.param(network(capabilities='{"mac": true, "ips": null}'), id="capabilities"),
]


@pytest.mark.parametrize("given", FINE)
def test_what_is_fine_gives_neither_faults_nor_warnings(given: Network) -> None:
    assert found_in(given) == []
    assert warned_of(given) == []


WARNINGS = [
    pytest.param(
        network(name="a.b"),
        "metadata.name: pods cannot select 'a.b' by its bare name, for it has a '.'. "
        "Use '-' instead, or select it in JSON in the annotation k8s.v1.cni.cncf.io/networks",
        id="name-with-a-dot",
    ),
    pytest.param(
        network("SriovIBNetwork", capabilities='{"foo": "bar", "mac": true}'),
        "spec.capabilities: 'foo' is 'bar'; the CNI library reads only true and false and fails for every pod. "
        "Write true or false, without quotes",
        id="capability-that-is-no-truth-value",
    ),
    pytest.param(
        network(vlanProto="802.1Q"),
        "spec.vlanProto: without a vlan it has no effect. Give a vlan, or remove vlanProto",
        id="802.1q-without-vlan",
    ),
    pytest.param(
        network(logFile="sriov.log"),
        "spec.logFile: 'sriov.log' is relative to whatever folder the container runtime is in. "
        "Write a path that starts with '/'",
        id="relative-log-file",
    ),
    pytest.param(
        network("OVSNetwork", vlan=5, trunk=[{"id": 3}]),
        "spec.vlan: the CNI plugin ignores vlan 5 because there is a trunk. "
        "Remove vlan for a trunk port, or trunk for an access port",
        id="vlan-beside-trunk",
    ),
    pytest.param(
        network("OVSNetwork", trunk=[{"id": 3}, {"minID": 0, "maxID": 9}]),
        "spec.trunk[1]: the CNI plugin leaves out the range 0 to 9 because it starts at 0. "
        "Start it at 1, and add {id: 0} if VLAN 0 is meant",
        id="range-from-0",
    ),
]


@pytest.mark.parametrize(("given", "text"), WARNINGS)
def test_what_is_hardly_meant_is_warned_of_and_made(given: Network, text: str) -> None:
    assert warned_of(given) == [text]
    assert made(given)["kind"] == "NetworkAttachmentDefinition"


def judged(kind: str, spec: str) -> str:
    """How a network in a file is taken: ok, refused by the rules here, or by its shape."""
    text = f"apiVersion: sriovnetwork.openshift.io/v1\nkind: {kind}\nmetadata: {{name: a, namespace: ns}}\n"
    document = parse(f"{text}spec: {{resourceName: r, {spec}}}\n", "file")[0]
    if document.faults:
        return "refused by its shape"
    assert isinstance(document.body, SriovNetwork | OVSNetwork)
    return "refused" if faults(document.body, operator_namespace="ns") else "ok"


@pytest.mark.parametrize(
    ("kind", "spec", "expected"),
    [
        pytest.param("SriovNetwork", "vlan: 100", "ok", id="vlan"),
        pytest.param("SriovNetwork", "vlan: 5000", "refused by its shape", id="vlan-5000"),
        pytest.param("SriovNetwork", "vlan: 4095", "refused by its shape", id="vlan-4095"),
        pytest.param("SriovNetwork", "vlan: 0, vlanQoS: 1", "refused", id="vlan-0-with-qos"),
        pytest.param("SriovNetwork", 'vlan: 0, vlanProto: "802.1ad"', "refused", id="vlan-0-with-802.1ad"),
        pytest.param("SriovNetwork", "vlan: 100, vlanQoS: 10", "refused by its shape", id="qos-10"),
        pytest.param("SriovNetwork", 'vlan: 100, vlanProto: "802"', "refused by its shape", id="protocol-802"),
        pytest.param("SriovNetwork", 'vlan: 100, vlanProto: "802.1Q"', "ok", id="802.1q"),
        pytest.param("SriovNetwork", 'vlan: 100, vlanQoS: 5, vlanProto: "802.1ad"', "ok", id="802.1ad"),
        pytest.param("SriovNetwork", "vlanQoS: 1", "refused", id="qos-alone"),
        pytest.param("SriovNetwork", 'vlanProto: "802.1ad"', "refused", id="802.1ad-alone"),
        pytest.param("SriovNetwork", 'vlan: 0, vlanQoS: 0, vlanProto: "802.1Q"', "ok", id="all-zero"),
        pytest.param("OVSNetwork", "trunk: [{minID: 10, maxID: 12}, {minID: 19, maxID: 20}]", "ok", id="two-ranges"),
        pytest.param("OVSNetwork", "trunk: [{id: 15}, {id: 19}, {id: 40}]", "ok", id="three-ids"),
        pytest.param(
            "OVSNetwork", "trunk: [{minID: 10, maxID: 14}, {id: 11}, {minID: 13, maxID: 13}]", "ok", id="doubled-ids"
        ),
        pytest.param("OVSNetwork", "trunk: [{id: -20}]", "refused by its shape", id="negative-id"),
        pytest.param("OVSNetwork", "trunk: [{minID: 11, maxID: 5}]", "refused", id="range-backwards"),
        pytest.param("OVSNetwork", "trunk: [{minID: 1, maxID: 4096}]", "refused by its shape", id="range-to-4096"),
        pytest.param("OVSNetwork", "trunk: [{id: 4096}]", "refused by its shape", id="id-4096"),
    ],
)
def test_networks_are_refused_that_the_cni_plugins_refuse(kind: str, spec: str, expected: str) -> None:
    assert judged(kind, spec) == expected


@given(st.text(st.sampled_from("aZ09-_./ \n\u00e9"), max_size=5) | st.integers(60, 66).map(lambda size: "r" * size))
def test_networks_and_policies_take_the_same_resource_names(name: str) -> None:
    refused = [fault.path for fault in validate(policy(vendor="8086", resource_name=name))]
    assert [fault.path for fault in faults(network(resourceName=name), operator_namespace="ns")] == refused
