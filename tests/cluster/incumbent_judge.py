"""What the Go sriov-network-operator would do with a node that it gets: its rules, restated, of a node at rest nothing.

Facts: its api/v1/helper.go (NeedToUpdateSriov), pkg/plugins/generic (drain, kernel arguments), pkg/host/internal/sriov
(discovery, the files that say whose a PF is), pkg/daemon (annotations), pkg/plugins/k8s and pkg/systemd (systemd mode).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs

from sriov_core.testing.tree import FunctionFacts, VfFacts
from sriov_core.testing.world import FakeWorld

GROUP = "sriovnetwork.openshift.io"
STORE = "/etc/sriov-operator/pci"
USERSPACE = ("igb_uio", "vfio-pci", "uio_pci_generic")
RESULT, CONFIG = (f"/etc/sriov-operator/sriov-interface-{name}.yaml" for name in ("result", "config"))
WANTS = "/etc/systemd/system/multi-user.target.wants"
UNITS = ("sriov-config.service", "sriov-config-post-network.service")
IDLE = "Idle"
Document = dict[str, Any]


def discovered(host: FakeWorld) -> list[Document]:
    """The interfaces that its discovery reports of a machine, by address; without its files, nothing is external."""
    tree = host.tree()
    own = [one for one in tree.functions if one.pci_class.startswith("02") and one.kernel_driver and one.links]
    return [_interface(one, tree.node.other_files) for one in sorted(own, key=lambda one: one.address)]


def _interface(found: FunctionFacts, files: Mapping[str, str]) -> Document:
    link, sriov = found.links[0], found.sriov
    told: Document = {
        "pciAddress": found.address,
        "name": link.name,
        "mac": link.mac,
        "mtu": link.mtu,
        "driver": found.kernel_driver,
        "vendor": found.vendor,
        "deviceID": found.device,
        "linkType": "ETH",
        "linkAdminState": "up" if link.up else "down",
        "eSwitchMode": found.eswitch.mode if found.eswitch else "legacy",
    }
    if sriov:
        told |= {"totalvfs": sriov.total_vfs, **({"numVfs": len(sriov.vfs)} if sriov.vfs else {})}
        told |= {"Vfs": [_vf(one, found, sriov.vf_device) for one in sriov.vfs]} if sriov.vfs else {}
    if '"externallyManaged": true' in files.get(f"{STORE}/{found.address}", ""):
        told["externallyManaged"] = True
    return told


def _vf(vf: VfFacts, pf: FunctionFacts, device: str) -> Document:
    ids = {"pciAddress": vf.address, "vendor": pf.vendor, "deviceID": device, "vfID": vf.index}
    named = {"driver": vf.kernel_driver} if vf.kernel_driver else {}
    if vf.link and not vf.link.netns:
        named |= {"name": vf.link.name, "mac": vf.link.mac, "mtu": vf.link.mtu}
    return {**ids, **named}


@attrs.frozen(kw_only=True)
class Found:
    """What its daemon finds when it starts on a node: the node state as stored, and the machine."""

    state: Document
    interfaces: Sequence[Document]
    request: str | None
    """On the Node."""
    cordoned: bool = False
    files: Mapping[str, str] = attrs.field(factory=dict)
    cmdline: Sequence[str] = ()
    intel: bool = True
    systemd: bool = False


def found_on(host: FakeWorld, state: Document, node: Document, *, systemd: bool = False) -> Found:
    """As it looks at a machine, with its objects."""
    seen = host.tree().node
    return Found(
        state=state,
        interfaces=discovered(host),
        request=node["metadata"].get("annotations", {}).get(f"{GROUP}/state"),
        cordoned=bool(node.get("spec", {}).get("unschedulable")),
        files=seen.other_files,
        cmdline=seen.cmdline,
        systemd=systemd,
    )


def work(found: Found) -> list[str]:
    """Everything that it would do to the node or its objects, in words; nothing where all is as it left it."""
    return [*_protocol(found), *_of_nics(found), *_of_node(found), *(_of_boot(found) if found.systemd else ())]


def _protocol(found: Found) -> Iterator[str]:
    notes = found.state["metadata"].get("annotations", {})
    for key in ("desired-state", "current-state"):
        if (said := notes.get(f"{GROUP}/{key}")) != IDLE:
            yield f"waits or drains: {key} is {said}"
    if found.request not in (IDLE, None):
        yield f"drains: the Node asks for {found.request}"
    if found.cordoned:
        yield "nobody uncordons the node"
    if notes.get(f"{GROUP}/use-external-drainer"):
        yield "takes the mark of the external drainer off"
    if not isinstance(found.state.get("spec"), dict):
        yield "the node state has no wish"


def _of_nics(found: Found) -> Iterator[str]:
    wished = {one["pciAddress"]: one for one in found.state["spec"].get("interfaces", ())}
    for seen in found.interfaces:
        address = seen["pciAddress"]
        noted = found.files.get(f"{STORE}/{address}")
        if address in wished:
            if why := needs_update(wished[address], seen):
                drain = "drains and " if seen.get("numVfs") else ""
                yield f"{drain}configures {address}: {why}"
        elif noted is not None and '"externallyManaged": true' not in noted:
            yield f"{'drains and resets' if seen.get('numVfs') else 'forgets'} {address}, which is noted as its own"


def needs_update(wish: Document, seen: Document) -> str:
    """The first reason to configure a PF, empty without one (NeedToUpdateSriov, in its order)."""
    if wish.get("mtu", 0) > seen.get("mtu", 0):
        return "MTU"
    if (wish.get("eSwitchMode") or "legacy") != (seen.get("eSwitchMode") or "legacy"):
        return "eswitch mode"
    if wish.get("numVfs", 0) != seen.get("numVfs", 0):
        return "number of VFs"
    if seen.get("linkAdminState") == "down":
        return "link down"
    if wish.get("numVfs", 0) > 0:
        for vf in seen.get("Vfs", ()):
            group = next((one for one in wish.get("vfGroups", ()) if _has(one, vf["vfID"])), None)
            if group and (why := _vf_differs(vf, group, wish)):
                return f"VF {vf['vfID']}: {why}"
    return ""


def _has(group: Document, index: int) -> bool:
    first, _, last = group["vfRange"].partition("-")
    return int(first) <= index <= int(last)


def _vf_differs(vf: Document, group: Document, wish: Document) -> str:
    driver, wanted = vf.get("driver", ""), group.get("deviceType", "")
    if not driver:
        return "no driver"
    if wanted not in ("", "netdevice"):
        return "" if driver == wanted else f"driver {driver}"
    if driver in USERSPACE:
        return f"driver {driver}"
    if vf.get("mtu", 0) and group.get("mtu", 0) and vf["mtu"] != group["mtu"]:
        return "MTU"
    if wish.get("externallyManaged"):
        return "externally managed, which it always configures"
    return "" if group.get("vdpaType", "") == vf.get("vdpaType", "") else "vDPA"


def _of_node(found: Found) -> Iterator[str]:
    spec = found.state["spec"]
    groups = [group for one in spec.get("interfaces", ()) for group in one.get("vfGroups", ())]
    wanted = ["intel_iommu=on", "iommu=pt"] if found.intel else ["iommu=pt"]
    wanted = wanted if any(group.get("deviceType") == "vfio-pci" for group in groups) else []
    mode = spec.get("system", {}).get("rdmaMode", "")
    wanted += [f"ib_core.netns_mode={1 if mode == 'shared' else 0}"] if mode else []
    unwanted = {"ib_core.netns_mode=0", "ib_core.netns_mode=1"}.difference(wanted)
    for argument in wanted:
        if argument not in found.cmdline:
            yield f"reboots: {argument} is missing"
    for argument in sorted(unwanted.intersection(found.cmdline)):
        yield f"reboots: {argument} is too much"
    if spec.get("bridges", {}).get("ovs"):
        yield "looks after bridges, of which this judge knows nothing"


def _of_boot(found: Found) -> Iterator[str]:
    for unit in UNITS:
        if f"{WANTS}/{unit}" not in found.files:
            yield f"drains and reboots: {unit} is not enabled"
    for path, what in ((RESULT, "no result of the boot"), (CONFIG, "no configuration for the boot")):
        if path not in found.files:
            yield f"drains and reboots: {what}"


def definition() -> Document:
    """Its definition of SriovNetworkNodeState, by the fields of its api/v1: what it does not name is dropped."""
    text, number, flag = {"type": "string"}, {"type": "integer"}, {"type": "boolean"}
    texts = {"type": "object", "additionalProperties": text}
    row = {"type": text, "options": texts, "externalIDs": texts, "otherConfig": texts, "mtuRequest": number}
    uplink = _made({"pciAddress": text, "name": text, "interface": _made(row)}, "pciAddress")
    bridge = _made({"datapathType": text, "externalIDs": texts, "otherConfig": texts, "failMode": text})
    ovs = _made({"name": text, "bridge": bridge, "uplinks": _list(uplink)}, "name")
    around = {
        "bridges": _made({"ovs": _list(ovs)}),
        "system": _made({"rdmaMode": {"type": "string", "enum": ["shared", "exclusive"]}}),
    }
    texts_of_group = ("resourceName", "deviceType", "vfRange", "policyName", "vdpaType")
    group = _made({**dict.fromkeys(texts_of_group, text), "mtu": number, "isRdma": flag})
    wish = {**dict.fromkeys(("pciAddress", "name", "linkType", "eSwitchMode"), text), "numVfs": number, "mtu": number}
    wished = _made({**wish, "externallyManaged": flag, "vfGroups": _list(group)}, "pciAddress")
    texts_of_vf = "name mac assigned driver pciAddress vendor deviceID vdpaType representorName guid"
    vf = _made(
        {**dict.fromkeys(texts_of_vf.split(), text), "Vlan": number, "mtu": number, "vfID": number},
        "pciAddress",
        "vfID",
    )
    texts_of_nic = "name mac driver pciAddress vendor deviceID netFilter linkSpeed linkType linkAdminState eSwitchMode"
    nic = {**dict.fromkeys(texts_of_nic.split(), text), **dict.fromkeys(("mtu", "numVfs", "totalvfs"), number)}
    seen = _made({**nic, "externallyManaged": flag, "Vfs": _list(vf), "altNames": _list(text)}, "pciAddress")
    status = {**around, "interfaces": _list(seen), "syncStatus": text, "lastSyncError": text}
    parts = {"spec": _made({**around, "interfaces": _list(wished)}), "status": _made(status)}
    head = {"apiVersion": text, "kind": text, "metadata": {"type": "object"}}
    version = {"name": "v1", "served": True, "storage": True, "subresources": {"status": {}}}
    names = {
        "kind": "SriovNetworkNodeState",
        "listKind": "SriovNetworkNodeStateList",
        "plural": "sriovnetworknodestates",
        "singular": "sriovnetworknodestate",
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"sriovnetworknodestates.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": names,
            "versions": [{**version, "schema": {"openAPIV3Schema": _made({**head, **parts})}}],
        },
    }


def _made(properties: Document, *required: str) -> Document:
    return {"type": "object", "properties": properties, **({"required": list(required)} if required else {})}


def _list(items: Document) -> Document:
    return {"type": "array", "items": items}
