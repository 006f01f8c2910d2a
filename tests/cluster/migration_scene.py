"""A cluster as the Go sriov-network-operator leaves it: two workers with VFs in use, its objects and its files."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
import incumbent_judge as judge
from agent_runs import OTHER, PF, world
from nodestates_stage import Stage
from servers import Server
from servers_admin import MERGE
from whole import Cluster, cluster
from whole_machines import Machine

from sriov_core.api import crd, keys
from sriov_core.testing.faults import Verb
from sriov_core.testing.world import FakeWorld
from sriov_operator.deployment.installation import installation
from sriov_operator.process.settings import from_environment

HOME, IDLE = "sriov-network-operator", "Idle"
WORKERS = ("worker-1", "worker-2")
NAME = "sriov-network-operator"
AGENT = "sriov-network-config-daemon"
RULES = [{"apiGroups": [judge.GROUP], "resources": ["*"], "verbs": ["*"]}]
"""What the other operator, and its daemon, may do; it stands for its own roles, which are longer."""
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
ATTACHMENTS = f"/apis/k8s.cni.cncf.io/v1/namespaces/{HOME}/network-attachment-definitions"
STATES = f"sriovnetworknodestates.{judge.GROUP}"
WORKER = {"node-role.kubernetes.io/worker": ""}
FAST: dict[str, Any] = {"resourceName": "fast", "numVfs": 4, "nodeSelector": WORKER, "priority": 99}
POLICIES: dict[str, dict[str, Any]] = {
    "containers": {**FAST, "resourceName": "containers", "nicSelector": {"pfNames": ["eth0#2-3"]}},
    "machines": {**FAST, "nicSelector": {"pfNames": ["eth0#0-1"]}, "deviceType": "vfio-pci"},
    "others": {
        **FAST,
        "resourceName": "others",
        "numVfs": 2,
        "nicSelector": {"pfNames": ["eth1"]},
        "deviceType": "vfio-pci",
        "externallyManaged": True,
    },
}
Document = dict[str, Any]


def wished() -> list[Document]:
    """What its operator makes of these policies (its api/v1: the policy that comes last goes first in a PF)."""

    def group(name: str, resource: str, kind: str, vfs: str) -> Document:
        return {"policyName": name, "resourceName": resource, "deviceType": kind, "vfRange": vfs}

    groups = [group("machines", "fast", "vfio-pci", "0-1"), group("containers", "containers", "netdevice", "2-3")]
    external = [group("others", "others", "vfio-pci", "0-1")]
    return [
        {"pciAddress": str(PF), "name": "eth0", "numVfs": 4, "vfGroups": groups},
        {"pciAddress": str(OTHER), "name": "eth1", "numVfs": 2, "externallyManaged": True, "vfGroups": external},
    ]


def machine() -> FakeWorld:
    """Four VFs of its, two of somebody else, its notes about both PFs and its rule for NetworkManager."""
    notes = {f"{judge.STORE}/{one['pciAddress']}": json.dumps(one) for one in wished()}
    rule = f"/etc/udev/rules.d/10-nm-disable-{PF}.rules"
    host = world(other_files={**notes, rule: "x"}, cmdline=["quiet", "intel_iommu=on", "iommu=pt"])
    for pf, count, userspace in ((PF, 4, (0, 1)), (OTHER, 2, (0, 1))):
        host.set_num_vfs(pf, count)
        for index in userspace:
            host.bind(host.vf_addresses(pf)[index], "vfio-pci")
    return host


class Workers(Stage):
    """The stage whose nodes have plain names, and the usual labels."""

    def name(self, node: str) -> str:
        return node

    def labels(self, node: str, **more: str) -> dict[str, str]:
        return {"kubernetes.io/os": "linux", **WORKER, f"{judge.GROUP}/device-plugin": "Enabled", **more}


@attrs.define
class Scene:
    """The cluster, and all that is done to its machines from now on."""

    whole: Cluster
    written: dict[str, list[str]] = attrs.field(factory=dict)

    def add(self, name: str) -> None:
        """A worker with the other operator's daemon at rest."""
        whole = self.whole
        made = whole.node(name, machine(), start=False)
        done = self.written.setdefault(name, [])

        def note(verb: Verb) -> bool:
            done.append(f"{verb.name} {verb.target}")
            return False

        made.host.crash(note, after=True)
        asked = {"metadata": {"annotations": {keys.NODE_STATE: IDLE}}}
        whole.server.admin.done("PATCH", f"/api/v1/nodes/{name}", asked, content_type=MERGE)
        spec = {"interfaces": wished(), "bridges": {}, "system": {}}
        notes = {keys.DESIRED_STATE: IDLE, keys.CURRENT_STATE: IDLE}
        whole.stage.put("SriovNetworkNodeState", name, spec, annotations=notes)
        seen = {"interfaces": judge.discovered(made.host), "syncStatus": "Succeeded", "bridges": {}}
        whole.stage.status(name, **seen, system={"rdmaMode": "shared"})

    def work(self) -> dict[str, list[str]]:
        """What the other operator's daemons would do now, by node; empty when there is nothing to do."""
        admin = self.whole.server.admin
        found = {}
        for one in self.whole.machines:
            state, node = admin.find(one.objects.path), admin.find(f"/api/v1/nodes/{one.name}")
            assert state
            assert node
            found[one.name] = judge.work(judge.found_on(one.host, state, node))
        return {name: words for name, words in found.items() if words}

    def its_definition(self) -> None:
        """Its definition of node states, in the place of ours."""
        self._define(judge.definition(), knows_plugins=False)

    def our_definition(self) -> None:
        (ours,) = [one for one in crd.definitions() if one["metadata"]["name"] == STATES]
        self._define(ours, knows_plugins=True)

    def _define(self, document: Document, *, knows_plugins: bool) -> None:
        """The API server goes by it a moment after it is stored: by whether it knows a field that only ours has."""
        admin, change = self.whole.server.admin, [{"op": "replace", "path": "/spec", "value": document["spec"]}]
        admin.done("PATCH", f"{DEFINITIONS}/{STATES}", change, content_type="application/json-patch+json")
        kind = {"apiVersion": f"{judge.GROUP}/v1", "kind": "SriovNetworkNodeState", "metadata": {"name": "probe"}}
        probe = {**kind, "spec": {"interfaces": [{"pciAddress": str(PF), "plugin": "intel"}]}}
        place = f"/apis/{judge.GROUP}/v1/namespaces/{HOME}/sriovnetworknodestates?dryRun=All&fieldValidation=Strict"
        self.whole.until(lambda: admin.request("POST", place, probe)[0] == (201 if knows_plugins else 400))

    def updated_by_its_operator(self, one: Machine) -> Document:
        """The node state after a plain update, with what its operator wishes and with the fields that it knows."""
        admin = self.whole.server.admin
        found = admin.done("GET", one.objects.path)
        spec = {"interfaces": wished(), "bridges": {}, "system": {}}
        done: Document = admin.done("PUT", one.objects.path, {**found, "spec": spec})
        return done

    def attachment(self) -> Document:
        """What pods get of the network, and which object it is."""
        found = self.whole.server.admin.done("GET", f"{ATTACHMENTS}/blue")
        return {"config": json.loads(found["spec"]["config"]), "uid": found["metadata"]["uid"]}

    def _network(self) -> None:
        """As its operator keeps one: with its finalizer, and the attachment in the network's namespace."""
        admin, home = self.whole.server.admin, {"namespace": self.whole.namespace}
        meta = {"name": "blue", **home, "finalizers": [f"netattdef.finalizers.{judge.GROUP}"]}
        note = {f"operator.{judge.GROUP}/last-network-namespace": self.whole.namespace}
        head = {"apiVersion": f"{judge.GROUP}/v1", "kind": "SriovNetwork", "metadata": {**meta, "annotations": note}}
        made = admin.create({**head, "spec": {"resourceName": "fast"}})
        config = {"cniVersion": "1.0.0", "name": "blue", "type": "sriov", "vlan": 0, "vlanQoS": 0, "logLevel": "info"}
        owner = {
            "apiVersion": head["apiVersion"],
            "kind": "SriovNetwork",
            "name": "blue",
            "uid": made["metadata"]["uid"],
        }
        notes = {
            "k8s.v1.cni.cncf.io/resourceName": "openshift.io/fast",
            f"{judge.GROUP}/owner-ref": f"SriovNetwork.{judge.GROUP}/{self.whole.namespace}/blue",
        }
        kind = {"apiVersion": "k8s.cni.cncf.io/v1", "kind": "NetworkAttachmentDefinition"}
        of = {"name": "blue", **home, "annotations": notes, "ownerReferences": [owner]}
        admin.create({**kind, "metadata": of, "spec": {"config": json.dumps({**config, "ipam": {}}, indent=4)}})

    def deployed(self) -> None:
        """Its Deployment, a network, policies, and the table of its NICs."""
        whole = self.whole
        admin, home = whole.server.admin, {"namespace": whole.namespace}
        labels = {"name": NAME}
        container = {"name": NAME, "image": "registry.example/theirs:1", "command": ["sriov-network-operator"]}
        pod = {
            "serviceAccountName": NAME,
            "containers": [{**container, "env": [{"name": "DEV_MODE", "value": "FALSE"}]}],
        }
        template = {"metadata": {"labels": labels}, "spec": pod}
        spec = {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "strategy": {"type": "Recreate"},
            "template": template,
        }
        head = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": NAME, **home}}
        admin.create({**head, "spec": spec})
        self._rights()
        table = {"metadata": {"name": "supported-nic-ids", **home}, "data": {"Intel_igb": "8086 10c9 10ca"}}
        admin.create({"apiVersion": "v1", "kind": "ConfigMap", **table})
        whole.configure(configDaemonNodeSelector=WORKER, logLevel=2)
        for name, policy in POLICIES.items():
            whole.stage.put("SriovNetworkNodePolicy", name, policy)
        self._network()

    def _rights(self) -> None:
        """Of its operator and its daemon, under the names that ours have, too."""
        rbac = "rbac.authorization.k8s.io"
        for name in (NAME, AGENT):
            account = {"kind": "ServiceAccount", "name": name, "namespace": self.whole.namespace}
            for kind, place in (("Role", {"namespace": self.whole.namespace}), ("ClusterRole", {})):
                head = {"apiVersion": f"{rbac}/v1", "metadata": {"name": name, **place}}
                self.whole.server.admin.create({**head, "kind": kind, "rules": RULES})
                bound = {"roleRef": {"apiGroup": rbac, "kind": kind, "name": name}, "subjects": [account]}
                self.whole.server.admin.create({**head, "kind": f"{kind}Binding", **bound})


def _end(server: Server) -> None:
    """What the pages' commands have made for the whole cluster."""
    settings = from_environment({"NAMESPACE": HOME, "RESOURCE_PREFIX": "openshift.io"})
    for document in installation(settings):
        if "namespace" not in document["metadata"] and document["kind"] != "Namespace":
            server.admin.remove(server.admin.path(document))
    for name in WORKERS:
        server.admin.remove(f"/api/v1/nodes/{name}")


@contextmanager
def scene(server: Server, folder: Path) -> Iterator[Scene]:
    """All of it, in the operator's own namespace; removed at the end, and our definitions put back."""
    server.admin.create_namespace(HOME)
    try:
        with cluster(server, HOME, folder) as whole:
            whole.stage = Workers(server, HOME)
            here = Scene(whole)
            try:
                here.deployed()
                for name in WORKERS:
                    here.add(name)
                here.its_definition()
                yield here
            finally:
                here.our_definition()
    finally:
        _end(server)
        server.admin.remove_namespace(HOME)
