"""Policies by themselves: what the webhook refuses whatever the cluster is like."""

from typing import Any

import pytest
from admission_world import NIC_IDS, OPERATOR, cluster, created, node, nodes, policy, port, state, told

from sriov_core.admission.admitting import admit
from sriov_core.policy.nicids import parse

GOOD_NAMES = ["myresource", "my-resource", "MyResource", "a", "my_resource", "net_device-1", "r" * 63]
BAD_NAMES = {
    "empty": "",
    "underscore": "_",
    "dash": "-",
    "leading-dash": "-resource",
    "trailing-dash": "resource-",
    "too-long": "r" * 64,
    "blank": "my resource",
    "dot": "my.resource",
    "slash": "my/resource",
}
OVS: dict[str, Any] = {"ovs": {}}
FILTER = "openstack/NetworkID:ada9ec67-2c97-467c-b674-c47200e2f5da"


@pytest.mark.parametrize("name", GOOD_NAMES)
def test_a_resource_name_of_letters_digits_dashes_and_underscores_is_allowed(name: str) -> None:
    assert created(policy(resourceName=name)).allowed


@pytest.mark.parametrize("name", BAD_NAMES.values(), ids=BAD_NAMES)
def test_any_other_resource_name_is_denied_and_the_rule_is_told(name: str) -> None:
    decision = created(policy(resourceName=name))
    assert [fault.path for fault in decision.reasons] == ["spec.resourceName"]
    assert "Use 1 to 63 letters, digits, '-' and '_'" in decision.message


STATIC = [
    pytest.param({}, {"deviceID": "1234"}, "spec.nicSelector.deviceID", "PF device id '1234'", id="unknown-device"),
    pytest.param(
        {},
        {"vendor": "8086", "deviceID": "1015"},
        "spec.nicSelector.deviceID",
        "vendor '8086' has no supported NIC with the PF device id '1015'",
        id="unlisted-pair",
    ),
    pytest.param({}, {"vendor": "8087"}, "spec.nicSelector.vendor", "vendor '8087' is not among", id="unknown-vendor"),
    pytest.param({}, {}, "spec.nicSelector", "it is empty", id="empty-selector"),
    pytest.param({"deviceType": "vfio-pci", "isRdma": True}, None, "spec.isRdma", "vfio-pci", id="vfio-with-rdma"),
    pytest.param(
        {"deviceType": "vfio-pci", "vdpaType": "virtio", "eSwitchMode": "switchdev"},
        None,
        "spec.vdpaType",
        "needs deviceType netdevice",
        id="vfio-with-virtio",
    ),
    pytest.param(
        {"deviceType": "vfio-pci", "vdpaType": "vhost", "eSwitchMode": "switchdev"},
        None,
        "spec.vdpaType",
        "needs deviceType netdevice",
        id="vfio-with-vhost",
    ),
    pytest.param({"vdpaType": "virtio"}, None, "spec.vdpaType", "switchdev", id="virtio-without-switchdev"),
    pytest.param({"vdpaType": "vhost"}, None, "spec.vdpaType", "switchdev", id="vhost-without-switchdev"),
    pytest.param({"linkType": "ib", "eSwitchMode": "switchdev"}, None, "spec.linkType", "eth", id="ib-with-switchdev"),
    pytest.param({"linkType": "IB", "eSwitchMode": "switchdev"}, None, "spec.linkType", "eth", id="upper-case-ib"),
    pytest.param({"bridge": OVS}, None, "spec.bridge", "needs eSwitchMode switchdev", id="bridge-without-switchdev"),
    pytest.param(
        {"bridge": OVS, "eSwitchMode": "switchdev", "externallyManaged": True},
        None,
        "spec.bridge",
        "externally managed",
        id="bridge-on-external-pf",
    ),
    pytest.param({}, {"pfNames": ["ens803f1#0-2"]}, "spec.nicSelector.pfNames[0]", "numVfs 2", id="beyond-numvfs"),
    pytest.param({}, {"pfNames": ["ens803f1#5"]}, "spec.nicSelector.pfNames[0]", "no '-'", id="one-number"),
    pytest.param({}, {"pfNames": ["ens803f1#a-c"]}, "spec.nicSelector.pfNames[0]", "'a'", id="letters"),
    pytest.param({}, {"pfNames": ["ens803f1#1-0"]}, "spec.nicSelector.pfNames[0]", "before", id="backwards"),
    pytest.param({}, {"pfNames": ["p#0-1#0-1"]}, "spec.nicSelector.pfNames[0]", "one '#'", id="two-hashes"),
    pytest.param(
        {}, {"rootDevices": ["86:00.1"]}, "spec.nicSelector.rootDevices[0]", "0000:86:00.1", id="short-address"
    ),
    pytest.param({"numVfs": 0}, None, "spec.numVfs", "found 0", id="no-vfs"),
    pytest.param(
        {"isRdma": True, "vdpaType": "virtio", "eSwitchMode": "switchdev"},
        None,
        "spec.isRdma",
        "stops the device plugin",
        id="rdma-with-vdpa",
    ),
    *(
        pytest.param(
            {}, {"netFilter": FILTER, field: value}, f"spec.nicSelector.{field}", "netFilter", id=f"filter-with-{field}"
        )
        for field, value in (
            ("vendor", "8086"),
            ("deviceID", "158b"),
            ("pfNames", ["ens803f1"]),
            ("rootDevices", ["0000:86:00.1"]),
        )
    ),
    *(
        pytest.param({field: value}, {"netFilter": FILTER}, f"spec.{field}", "netFilter", id=f"filter-with-{field}")
        for field, value in (("eSwitchMode", "switchdev"), ("bridge", OVS), ("linkType", "ib"))
    ),
]


@pytest.mark.parametrize(("spec", "selector", "path", "words"), STATIC)
def test_fields_that_contradict_each_other_are_denied_with_their_path(
    spec: dict[str, Any], selector: dict[str, Any] | None, path: str, words: str
) -> None:
    own = policy(**spec) if selector is None else policy(**spec, nicSelector=selector)
    decision = created(own)
    found = [str(fault) for fault in decision.reasons if fault.path == path]
    assert found
    assert any(words in text for text in found)


@pytest.mark.parametrize("link_type", ["eth", "ETH", "", None])
def test_netfilter_goes_with_ethernet(link_type: str | None) -> None:
    decision = created(policy(nicSelector={"netFilter": FILTER}, linkType=link_type))
    assert [fault.path for fault in decision.reasons] == ["spec.nicSelector"]
    assert "no supported NIC is selected" in decision.message


def test_a_supported_model_is_allowed() -> None:
    assert created(policy(nicSelector={"vendor": "8086", "deviceID": "158b"})) == created(policy())


def test_the_two_ids_are_told_apart() -> None:
    own = policy(nicSelector={"vendor": "8086", "deviceID": "1015"})
    assert "8086" in created(own).message
    assert "1015" in created(own).message
    assert created(own).message.count("8086") == 1


def test_dev_mode_admits_nics_that_are_not_listed_on_the_node_too() -> None:
    own = policy(nicSelector={"vendor": "8086"})
    listed = parse({"one": "15b3 1015 1016"})[0]
    assert not created(own, nic_ids=listed).allowed
    assert created(own, nic_ids=listed, dev_mode=True).allowed


def test_dev_mode_admits_a_vendor_that_is_not_listed() -> None:
    own = policy(nicSelector={"vendor": "8087"})
    at = nodes(node(), state("worker-1", port(1, vendor="8087")))
    assert [fault.path for fault in created(own, at=at).reasons] == ["spec.nicSelector.vendor"]
    assert told(created(own, at=at, dev_mode=True)) == ""
    elsewhere = created(own, dev_mode=True)
    assert [fault.path for fault in elsewhere.reasons] == ["spec.nicSelector"]
    assert "no supported NIC is selected" in elsewhere.message


def test_the_policy_named_default_is_always_allowed_where_the_operator_is() -> None:
    own = policy("default", resourceName="no name at all", nicSelector={}, numVfs=0)
    assert created(own).allowed
    assert created(own).warnings == ()


def test_a_policy_in_another_namespace_is_judged_and_warned_of() -> None:
    decision = created(policy(namespace="elsewhere"))
    assert decision.allowed
    assert told(decision) == (
        "warning: metadata.namespace: found 'elsewhere'; only policies in the operator's namespace "
        f"'{OPERATOR}' are acted on. Create it in {OPERATOR}"
    )
    assert not created(policy(namespace="elsewhere", nicSelector={})).allowed


@pytest.mark.parametrize(
    ("selector", "path"),
    [
        pytest.param({"pfNames": ["ens803f1", "ens803f1"]}, "pfNames[1]", id="names"),
        pytest.param({"rootDevices": ["0000:86:00.1", "0000:86:00.1"]}, "rootDevices[1]", id="addresses"),
    ],
)
def test_an_entry_that_is_given_twice_is_a_warning(selector: dict[str, Any], path: str) -> None:
    decision = created(policy(nicSelector=selector))
    assert decision.allowed
    assert [f"spec.nicSelector.{path}" in text for text in decision.warnings] == [True]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param({"numVfs": "2"}, "spec.numVfs: found the text '2', wanted an integer", id="text-for-number"),
        pytest.param({"nodeSelector": None}, "spec.nodeSelector: the field is missing", id="missing"),
        pytest.param({"priority": 100}, "spec.priority: found 100, wanted 0 to 99", id="out-of-range"),
        pytest.param({"numVFs": 3}, "spec.numVFs: unknown field. Did you mean numVfs?", id="misspelled"),
    ],
)
def test_what_the_schema_would_refuse_is_a_reason(change: dict[str, Any], words: str) -> None:
    assert words in created(policy(**change)).message


def test_an_update_that_leaves_the_spec_alone_is_allowed_whatever_it_holds() -> None:
    stored = policy(nicSelector={"vendor": "8087"}, numVfs=99, priority=None)
    released = policy(nicSelector={"vendor": "8087"}, numVfs=99, isRdma=False)
    assert admit("UPDATE", released, stored, cluster()).allowed
    assert not admit("CREATE", released, None, cluster()).allowed
    assert not admit("UPDATE", policy(nicSelector={"vendor": "8087"}, numVfs=98), stored, cluster()).allowed


def test_a_policy_can_always_be_deleted() -> None:
    assert admit("DELETE", None, policy(nicSelector={}), cluster()).allowed
    assert admit("DELETE", None, {"spec": 5}, cluster()).allowed


def test_the_table_used_here_knows_what_the_rows_say() -> None:
    assert NIC_IDS.has_model("8086", "158b")
    assert not NIC_IDS.has_model("8086", "1015")
