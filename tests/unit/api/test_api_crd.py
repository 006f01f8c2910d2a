"""The definitions of the seven kinds, field by field, against what manifests and agents in clusters rely on."""

from collections.abc import Iterator
from typing import Any

import pytest

from sriov_core.api.crd import definition, definitions
from sriov_core.api.kinds import KINDS, Kind

NETWORK = {
    "resourceName": "string!",
    "networkNamespace": "string",
    "capabilities": "string",
    "ipam": "string",
    "metaPlugins": "string",
}
INTERFACE = {
    "interface": "object",
    "interface.type": "string",
    "interface.options": "map of string",
    "interface.externalIDs": "map of string",
    "interface.otherConfig": "map of string",
    "interface.mtuRequest": "integer",
}
BRIDGE = {
    "bridge": "object",
    "bridge.datapathType": "string",
    "bridge.externalIDs": "map of string",
    "bridge.otherConfig": "map of string",
    "bridge.failMode": "string secure|standalone",
}


def below(prefix: str, fields: dict[str, str]) -> dict[str, str]:
    return {f"{prefix}.{name}": told for name, told in fields.items()}


def without_limits(fields: dict[str, str]) -> dict[str, str]:
    """The same fields in a report, which takes any word and any number."""
    return {
        name: told.replace(" secure|standalone", "").replace(" exclusive|shared", "") for name, told in fields.items()
    }


NODE_BRIDGES = {
    "bridges": "object",
    "bridges.ovs": "list of object",
    "bridges.ovs.name": "string!",
    **below("bridges.ovs", BRIDGE),
    "bridges.ovs.uplinks": "list of object",
    "bridges.ovs.uplinks.pciAddress": "string!",
    "bridges.ovs.uplinks.name": "string",
    **below("bridges.ovs.uplinks", INTERFACE),
    "system": "object",
    "system.rdmaMode": "string exclusive|shared",
}

# Each field of the spec: type, words, range, default; an exclamation mark where it is required.
WISHES = {
    "SriovNetworkNodePolicy": {
        "resourceName": "string!",
        "nodeSelector": "map of string!",
        "priority": "integer 0..99",
        "mtu": "integer 1..",
        "numVfs": "integer 0..!",
        "nicSelector": "object!",
        "nicSelector.vendor": "string",
        "nicSelector.deviceID": "string",
        "nicSelector.rootDevices": "list of string",
        "nicSelector.pfNames": "list of string",
        "nicSelector.netFilter": "string",
        "deviceType": "string netdevice|vfio-pci = netdevice",
        "isRdma": "boolean",
        "needVhostNet": "boolean",
        "linkType": "string ETH|IB|eth|ib",
        "eSwitchMode": "string legacy|switchdev",
        "vdpaType": "string vhost|virtio",
        "excludeTopology": "boolean",
        "externallyManaged": "boolean",
        "bridge": "object",
        "bridge.ovs": "object",
        **below("bridge.ovs", BRIDGE),
        "bridge.ovs.uplink": "object",
        **below("bridge.ovs.uplink", INTERFACE),
    },
    "SriovNetworkNodeState": {
        "interfaces": "list of object",
        "interfaces.pciAddress": "string!",
        "interfaces.numVfs": "integer 0..",
        "interfaces.mtu": "integer 0..",
        "interfaces.name": "string",
        "interfaces.linkType": "string",
        "interfaces.eSwitchMode": "string",
        "interfaces.externallyManaged": "boolean",
        "interfaces.plugin": "string",
        "interfaces.vfGroups": "list of object",
        "interfaces.vfGroups.resourceName": "string",
        "interfaces.vfGroups.deviceType": "string",
        "interfaces.vfGroups.vfRange": "string",
        "interfaces.vfGroups.policyName": "string",
        "interfaces.vfGroups.mtu": "integer 0..",
        "interfaces.vfGroups.isRdma": "boolean",
        "interfaces.vfGroups.vdpaType": "string",
        **NODE_BRIDGES,
    },
    "SriovNetwork": {
        **NETWORK,
        "vlan": "integer 0..4094",
        "vlanQoS": "integer 0..7",
        "vlanProto": "string 802.1AD|802.1Q|802.1ad|802.1q",
        "spoofChk": "string off|on",
        "trust": "string off|on",
        "linkState": "string auto|disable|enable",
        "minTxRate": "integer 0..",
        "maxTxRate": "integer 0..",
        "logLevel": "string |debug|error|info|panic|warning = info",
        "logFile": "string",
    },
    "SriovIBNetwork": {**NETWORK, "linkState": "string auto|disable|enable"},
    "OVSNetwork": {
        **NETWORK,
        "bridge": "string",
        "vlan": "integer 0..4095",
        "mtu": "integer 0..",
        "trunk": "list of object",
        "trunk.id": "integer 0..4095",
        "trunk.minID": "integer 0..4095",
        "trunk.maxID": "integer 0..4095",
        "interfaceType": "string",
    },
    "SriovNetworkPoolConfig": {
        "ovsHardwareOffloadConfig": "object",
        "ovsHardwareOffloadConfig.name": "string",
        "nodeSelector": "object",
        "nodeSelector.matchLabels": "map of string",
        "nodeSelector.matchExpressions": "list of object",
        "nodeSelector.matchExpressions.key": "string!",
        "nodeSelector.matchExpressions.operator": "string!",
        "nodeSelector.matchExpressions.values": "list of string",
        "maxUnavailable": "integer or string",
        "rdmaMode": "string exclusive|shared",
    },
    "SriovOperatorConfig": {
        "configDaemonNodeSelector": "map of string",
        "enableInjector": "boolean",
        "enableOperatorWebhook": "boolean",
        "logLevel": "integer 0..2",
        "disableDrain": "boolean",
        "enableOvsOffload": "boolean",
        "configurationMode": "string daemon|systemd",
        "useCDI": "boolean",
        "disablePlugins": "list of string",
        "featureGates": "map of boolean",
        "configDaemonEnvVars": "map of string",
    },
}

CONDITIONS = {
    "conditions": "list of object",
    "conditions.type": "string!",
    "conditions.status": "string False|True|Unknown!",
    "conditions.observedGeneration": "integer 0..",
    "conditions.lastTransitionTime": "string!",
    "conditions.reason": "string!",
    "conditions.message": "string!",
}
REPORTS = {
    "SriovNetworkNodePolicy": {
        **dict.fromkeys(("priority", "matchedNodes", "appliedNodes", "appliedNics", "appliedVfs"), "integer"),
        **dict.fromkeys(("displacedNodes", "failedNodes", "pendingNodes"), "integer"),
        "details": "list of object",
        **below("details", {"node": "string!", "outcome": "string!", "reason": "string"}),
    },
    "SriovNetworkNodeState": {
        "interfaces": "list of object",
        "interfaces.pciAddress": "string!",
        **below("interfaces", dict.fromkeys(("name", "mac", "driver", "vendor", "deviceID", "netFilter"), "string")),
        **below("interfaces", dict.fromkeys(("mtu", "numVfs", "totalvfs"), "integer")),
        **below("interfaces", dict.fromkeys(("linkSpeed", "linkType", "linkAdminState", "eSwitchMode"), "string")),
        "interfaces.externallyManaged": "boolean",
        "interfaces.altNames": "list of string",
        "interfaces.plugin": "string",
        "interfaces.Vfs": "list of object",
        "interfaces.Vfs.pciAddress": "string!",
        "interfaces.Vfs.vfID": "integer!",
        **below("interfaces.Vfs", dict.fromkeys(("name", "mac", "assigned", "driver", "vendor", "deviceID"), "string")),
        **below("interfaces.Vfs", dict.fromkeys(("Vlan", "mtu"), "integer")),
        **below("interfaces.Vfs", dict.fromkeys(("vdpaType", "representorName", "guid"), "string")),
        **below("interfaces", dict.fromkeys(("subsystem", "pciClass"), "string")),
        "interfaces.plan": "list of string",
        **below("interfaces", CONDITIONS),
        **without_limits(NODE_BRIDGES),
        "syncStatus": "string",
        "lastSyncError": "string",
        "platform": "string",
        "plugins": "list of object",
        "plugins.name": "string!",
        **below("plugins", {"version": "string", "api": "string", "base": "boolean", "refused": "string"}),
        **below("plugins", {"matches": "list of object", "capabilities": "list of string"}),
        **below("plugins.matches", dict.fromkeys(("vendor", "device", "subsystem"), "string")),
        **below("plugins.matches", dict.fromkeys(("kernelDriver", "pciClass", "platform"), "string")),
        "unmanaged": "list of object",
        "unmanaged.pciAddress": "string!",
        **below("unmanaged", dict.fromkeys(("vendor", "deviceID", "subsystem", "pciClass"), "string")),
        **below("unmanaged", dict.fromkeys(("driver", "reason"), "string")),
    },
    "SriovNetwork": {},
    "SriovIBNetwork": {},
    "OVSNetwork": {},
    "SriovNetworkPoolConfig": {
        **dict.fromkeys(("nodes", "maxUnavailable", "draining", "waiting"), "integer"),
        "members": "list of object",
        **below("members", {"name": "string!", "state": "string!", "reason": "string", "since": "string"}),
    },
    "SriovOperatorConfig": {
        **dict.fromkeys(("injector", "operatorWebhook"), "string"),
        "rollouts": "list of object",
        **below("rollouts", {"name": "string!", **dict.fromkeys(("desired", "updated", "available"), "integer")}),
    },
}

NAMES = {
    "SriovNetworkNodePolicy": ("sriovnetworknodepolicies", "srpol"),
    "SriovNetworkNodeState": ("sriovnetworknodestates", "srnode"),
    "SriovNetwork": ("sriovnetworks", "srnet"),
    "SriovIBNetwork": ("sriovibnetworks", "sribnet"),
    "OVSNetwork": ("ovsnetworks", "ovsnet"),
    "SriovNetworkPoolConfig": ("sriovnetworkpoolconfigs", "srpool"),
    "SriovOperatorConfig": ("sriovoperatorconfigs", "sroc"),
}
# Columns that people and dashboards know from the SR-IOV network operator.
COLUMNS = {
    "SriovNetworkNodePolicy": set(),
    "SriovNetworkNodeState": {"Sync Status", "Desired Sync State", "Current Sync State", "Age"},
    "SriovNetwork": {"Ready", "Age"},
    "SriovIBNetwork": {"Ready", "Age"},
    "OVSNetwork": {"Ready", "Age"},
    "SriovNetworkPoolConfig": set(),
    "SriovOperatorConfig": {"Ready", "Age"},
}


def version(kind: Kind) -> dict[str, Any]:
    (found,) = definition(kind)["spec"]["versions"]
    assert isinstance(found, dict)
    return found


def part(kind: Kind, name: str) -> dict[str, Any]:
    found = version(kind)["schema"]["openAPIV3Schema"]["properties"][name]
    assert isinstance(found, dict)
    return found


def told(schema: dict[str, Any]) -> str:
    """A field in a few words."""
    if schema.get("x-kubernetes-int-or-string"):
        return " or ".join(one["type"] for one in schema["anyOf"])
    if schema["type"] == "array":
        return f"list of {told(schema['items'])}"
    if "additionalProperties" in schema:
        return f"map of {told(schema['additionalProperties'])}"
    words = [schema["type"]]
    if "enum" in schema:
        words.append("|".join(sorted(schema["enum"])))
    if "minimum" in schema or "maximum" in schema:
        words.append(f"{schema.get('minimum', '')}..{schema.get('maximum', '')}")
    if "default" in schema:
        words.append(f"= {schema['default']}")
    return " ".join(words)


def fields(schema: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Every declared field by its path, those of items below the list."""
    found = schema.get("items", schema)
    for name, field in found.get("properties", {}).items():
        yield f"{prefix}{name}", told(field) + ("!" if name in found.get("required", ()) else "")
        yield from fields(field, f"{prefix}{name}.")


def parts(schema: Any) -> Iterator[dict[str, Any]]:
    """Every schema in a schema, itself first."""
    yield schema
    for field in schema.get("properties", {}).values():
        yield from parts(field)
    for key in ("items", "additionalProperties"):
        if key in schema:
            yield from parts(schema[key])


every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)


@every_kind
def test_every_field_of_a_spec_is_as_manifests_have_it(kind: Kind) -> None:
    assert dict(fields(part(kind, "spec"))) == WISHES[kind.name]


@every_kind
def test_every_field_of_a_status_can_hold_what_agents_write(kind: Kind) -> None:
    assert dict(fields(part(kind, "status"))) == {**REPORTS[kind.name], **CONDITIONS}


@every_kind
def test_a_kind_has_its_names(kind: Kind) -> None:
    plural, short = NAMES[kind.name]
    made = definition(kind)
    assert made["metadata"] == {"name": f"{plural}.sriovnetwork.openshift.io"}
    assert made["spec"]["group"] == "sriovnetwork.openshift.io"
    assert made["spec"]["scope"] == "Namespaced"
    assert made["spec"]["names"] == {
        "kind": kind.name,
        "listKind": f"{kind.name}List",
        "plural": plural,
        "singular": kind.name.lower(),
        "shortNames": [short],
    }


@every_kind
def test_the_one_version_is_served_and_stored_and_its_status_is_written_apart(kind: Kind) -> None:
    found = version(kind)
    assert (found["name"], found["served"], found["storage"], found["subresources"]) == (
        "v1",
        True,
        True,
        {"status": {}},
    )


@every_kind
def test_known_columns_are_there_and_each_shows_a_declared_field(kind: Kind) -> None:
    columns = {column["name"]: column for column in version(kind)["additionalPrinterColumns"]}
    assert set(columns) >= COLUMNS[kind.name]
    declared = {f"spec.{name}" for name, _ in fields(part(kind, "spec"))}
    declared |= {f"status.{name}" for name, _ in fields(part(kind, "status"))}
    shown = {column["jsonPath"].removeprefix(".").split("[?")[0] for column in columns.values()}
    assert {path for path in shown if not path.startswith("metadata.")} <= declared


def test_columns_below_the_first_rank_say_so() -> None:
    columns = {column["name"]: column for column in version(KINDS[0])["additionalPrinterColumns"]}
    assert columns["NICs"] == {
        "name": "NICs",
        "type": "integer",
        "jsonPath": ".status.appliedNics",
        "priority": 1,
    }
    assert columns["Age"] == {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}


@every_kind
def test_every_field_is_described_in_one_line(kind: Kind) -> None:
    for name in ("spec", "status"):
        for schema in parts(part(kind, name)):
            for field, found in schema.get("properties", {}).items():
                text = found.get("description", "")
                assert (field, text[-1:], "\n" in text) == (field, ".", False)


@every_kind
def test_a_spec_keeps_unknown_fields_everywhere_and_a_status_nowhere(kind: Kind) -> None:
    kept = "x-kubernetes-preserve-unknown-fields"
    assert all(schema[kept] is True for schema in parts(part(kind, "spec")) if "properties" in schema)
    assert not any(kept in schema for schema in parts(part(kind, "status")))


@every_kind
def test_every_list_has_one_owner_but_conditions_have_one_for_each_type(kind: Kind) -> None:
    for name in ("spec", "status"):
        for schema in parts(part(kind, name)):
            for field, found in schema.get("properties", {}).items():
                if found.get("type") == "array":
                    expected = ("map", ["type"]) if field == "conditions" else ("atomic", None)
                    keys = found.get("x-kubernetes-list-map-keys")
                    assert (found["x-kubernetes-list-type"], keys) == expected


@every_kind
def test_the_root_requires_nothing_so_that_no_stored_object_is_stuck(kind: Kind) -> None:
    schema = version(kind)["schema"]["openAPIV3Schema"]
    assert "required" not in schema
    assert list(schema["properties"]) == ["apiVersion", "kind", "metadata", "spec", "status"]


def test_definitions_come_in_the_order_of_the_kinds_and_always_alike() -> None:
    assert [made["spec"]["names"]["kind"] for made in definitions()] == [kind.name for kind in KINDS]
    assert definitions() == definitions()
