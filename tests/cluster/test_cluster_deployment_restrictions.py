"""What an agent and a device plugin may write with the token of their pod, roles and admission policies together."""

from collections.abc import Iterator
from typing import Any

import attrs
import pytest
from deployments import GROUP, RBAC, Home, homes
from operator_runs import until
from servers import Server
from servers_admin import APPLY, MERGE, Admin

from sriov_operator.deployment import roles

AGENT, PLUGIN, HOME = "sriov-network-config-daemon", "sriov-device-plugin", "restrictions-operator"
STATES = f"/apis/{GROUP}/v1/namespaces/{HOME}/sriovnetworknodestates"
PODS = f"/api/v1/namespaces/{HOME}/pods"
NODES = "/api/v1/nodes"
WAITS = f"{GROUP}/device-plugin-wait-config"
Document = dict[str, Any]


@attrs.frozen
class Cast:
    """The agent and the device plugin of node-1, and the administrator."""

    admin: Admin
    agent: Admin
    plugin: Admin
    unbound: Admin


@pytest.fixture(scope="module")
def home(server: Server, recent: object) -> Iterator[Home]:
    server.admin.create_namespace(HOME)
    yield from homes(server, HOME)
    server.admin.remove_namespace(HOME)


@pytest.fixture(scope="module")
def cast(home: Home) -> Iterator[Cast]:
    server = home.server
    home.start()
    home.create()
    home.told("True")
    bound = [*bind(server, "Role", HOME, roles.AGENT), *bind(server, "ClusterRole", "", roles.AGENT_CLUSTER)]
    nodes = [{"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}} for name in ("node-1", "node-2")]
    state = {"apiVersion": f"{GROUP}/v1", "kind": "SriovNetworkNodeState", "spec": {"interfaces": []}}
    for node in nodes:
        server.admin.create(node)
        server.admin.create({**state, "metadata": {"name": node["metadata"]["name"], "namespace": HOME}})
    tokens = {
        "agent": server.token(HOME, AGENT, node="node-1"),
        "plugin": server.token(HOME, PLUGIN, node="node-1"),
        "unbound": server.token(HOME, AGENT),
    }
    server.token(HOME, PLUGIN, node="node-2")
    found = Cast(admin=server.admin, **{name: server.with_token(token) for name, token in tokens.items()})
    # A policy takes a moment until it holds, and so does a role, without which the answer is 403 as well.
    until(lambda: OWN_NODE in refusal(found.agent, f"{NODES}/node-2"))
    until(lambda: OWN_STATE in refusal(found.agent, f"{STATES}/node-2"))
    until(lambda: "own node" in refusal(found.agent, f"{PODS}/{PLUGIN}-node-2"))
    until(lambda: "own pod" in refusal(found.plugin, f"{PODS}/{PLUGIN}-node-2"))
    yield found
    for one in (found.agent, found.plugin, found.unbound):
        one.close()
    for path in (*bound, *(f"{NODES}/{node['metadata']['name']}" for node in nodes)):
        server.admin.remove(path)


def refusal(who: Admin, path: str) -> str:
    """Why this user may not change what is there; empty when it may."""
    status, said = who.request("PATCH", f"{path}?dryRun=All", {}, content_type=MERGE)
    return str(said["message"]) if status == 403 else ""


def bind(server: Server, kind: str, namespace: str, rules: Any) -> list[str]:
    metadata = {"name": "the-agents", **({"namespace": namespace} if namespace else {})}
    head = {"apiVersion": f"{RBAC}/v1", "metadata": metadata}
    subject = {"kind": "ServiceAccount", "name": AGENT, "namespace": HOME}
    role = {**head, "kind": kind, "rules": roles.as_objects(rules)}
    reference = {"apiGroup": RBAC, "kind": kind, "name": "the-agents"}
    binding = {**head, "kind": f"{kind}Binding", "subjects": [subject], "roleRef": reference}
    return [server.admin.path(server.admin.apply(document)) for document in (role, binding)]


def annotated(**values: str | None) -> Document:
    return {"metadata": {"annotations": {f"{GROUP}/{key.replace('_', '-')}": value for key, value in values.items()}}}


STATUS = {
    "apiVersion": f"{GROUP}/v1",
    "kind": "SriovNetworkNodeState",
    "status": {"syncStatus": "Succeeded"},
}
ALLOWED = [
    pytest.param("agent", f"{NODES}/node-1", annotated(state="Drain_Required"), id="request-on-its-node"),
    pytest.param("agent", f"{NODES}/node-1", annotated(state=None), id="no-request-on-its-node"),
    pytest.param(
        "agent",
        f"{STATES}/node-1",
        annotated(desired_state="Drain_Required", drain_requested_since="2026-01-01T00:00:00Z"),
        id="request-on-its-state",
    ),
    pytest.param("agent", f"{STATES}/node-1", annotated(use_external_drainer="true"), id="external-drainer"),
    pytest.param("agent", f"{PODS}/{PLUGIN}-node-1", annotated(device_plugin_wait_config=None), id="let-plugin-go-on"),
    pytest.param("plugin", f"{PODS}/{PLUGIN}-node-1", annotated(device_plugin_wait_config="true"), id="plugin-waits"),
]


@pytest.mark.parametrize(("who", "path", "patch"), ALLOWED)
def test_allowed(cast: Cast, who: str, path: str, patch: Document) -> None:
    status, said = getattr(cast, who).request("PATCH", path, patch, content_type=MERGE)
    assert status == 200, said["message"]


def test_the_agent_reports_on_its_own_node_only(cast: Cast) -> None:
    query = "fieldManager=sriov-core-agent&force=true"
    for node, expected in (("node-1", 200), ("node-2", 403)):
        status, said = cast.agent.request("PATCH", f"{STATES}/{node}/status?{query}", STATUS, content_type=APPLY)
        assert status == expected, said


OWN_NODE = "an agent may change its own Node only"
OWN_STATE = "an agent may change the SriovNetworkNodeState of its own node only"
REFUSED = [
    pytest.param("agent", f"{NODES}/node-2", annotated(state="Idle"), OWN_NODE, id="another-node"),
    pytest.param("agent", f"{NODES}/node-1", {"spec": {"unschedulable": True}}, "the annotation", id="cordon"),
    pytest.param("agent", f"{NODES}/node-1", {"metadata": {"labels": {"a": "b"}}}, "the annotation", id="label"),
    pytest.param("agent", f"{NODES}/node-1", annotated(other="x"), "the annotation", id="another-annotation"),
    pytest.param("agent", f"{NODES}/node-1", {"metadata": {"finalizers": ["a.b/c"]}}, "the annotation", id="finalizer"),
    pytest.param("agent", f"{STATES}/node-2", annotated(desired_state="Idle"), OWN_STATE, id="another-state"),
    pytest.param(
        "agent", f"{STATES}/node-1", {"spec": {"interfaces": [{"pciAddress": "0000:01:00.0"}]}}, "status", id="wish"
    ),
    pytest.param("agent", f"{STATES}/node-1", annotated(current_state="DrainComplete"), "status", id="the-answer"),
    pytest.param("agent", f"{STATES}/node-1", annotated(pinned_plugins="x"), "status", id="an-administrators-pin"),
    pytest.param(
        "agent", f"{PODS}/{PLUGIN}-node-2", annotated(device_plugin_wait_config="x"), "own node", id="pod-elsewhere"
    ),
    pytest.param(
        "agent", f"{PODS}/{PLUGIN}-node-1", {"metadata": {"labels": {"a": "b"}}}, "annotation", id="pod-label"
    ),
    pytest.param(
        "unbound", f"{NODES}/node-1", annotated(state="Idle"), "without the claim node-name", id="token-without-node"
    ),
    pytest.param(
        "plugin", f"{PODS}/{PLUGIN}-node-2", annotated(device_plugin_wait_config="x"), "own pod", id="other-plugin"
    ),
    pytest.param("plugin", f"{PODS}/{PLUGIN}-node-1", annotated(other="x"), "annotation", id="plugin-annotates"),
    pytest.param(
        "plugin", f"{PODS}/{AGENT}-node-1", annotated(device_plugin_wait_config="x"), "own pod", id="agents-pod"
    ),
]


@pytest.mark.parametrize(("who", "path", "patch", "text"), REFUSED)
def test_refused(cast: Cast, who: str, path: str, patch: Document, text: str) -> None:
    status, said = getattr(cast, who).request("PATCH", path, patch, content_type=MERGE)
    assert status == 403, said.get("message")
    assert text in said["message"]


def test_a_pod_is_given_no_other_image_by_either(cast: Cast) -> None:
    """The API server itself lets an image be changed, so this is what the policy is for."""
    path = f"{PODS}/{PLUGIN}-node-1"
    patch = [{"op": "replace", "path": "/spec/containers/0/image", "value": "registry.example/mine:1"}]
    for who in (cast.agent, cast.plugin):
        status, said = who.request("PATCH", path, patch, content_type="application/json-patch+json")
        assert status == 403, said.get("message")


def test_the_agent_deletes_pods_of_its_own_node_only(cast: Cast) -> None:
    query = "dryRun=All&gracePeriodSeconds=0"
    assert cast.agent.request("DELETE", f"{PODS}/{PLUGIN}-node-1?{query}")[0] == 200
    status, said = cast.agent.request("DELETE", f"{PODS}/{PLUGIN}-node-2?{query}")
    assert (status, "own node" in said["message"]) == (403, True)


def test_nobody_else_is_restricted(cast: Cast) -> None:
    for path in (f"{NODES}/node-2", f"{STATES}/node-2", f"{PODS}/{PLUGIN}-node-2"):
        assert cast.admin.request("PATCH", path, annotated(other="x"), content_type=MERGE)[0] == 200
    assert WAITS.startswith(GROUP)
