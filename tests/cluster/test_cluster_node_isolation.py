"""Whoever has taken over one node has its agent's token, and with it that node's objects and nothing else.

What a role cannot say is said by admission policies; here both are in effect as the operator deploys them.
"""

from collections.abc import Iterator

import pytest
from deployments import EVERYTHING
from deployments import settings as operator_settings
from isolation_scene import ELSEWHERE, EVENTS, HOME, Scene, event, isolated, meta, notes
from operator_runs import ACCOUNT
from servers import Server
from servers_admin import APPLY, MERGE

from sriov_core.api import keys
from sriov_core.api.wire import GROUP
from sriov_operator.deployment import names, roles

SETTINGS = operator_settings(HOME)
SECRETS = {SETTINGS.certificates.operator_secret, SETTINGS.certificates.injector_secret}
VERBS = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection")
JSON = "application/json-patch+json"
ACCOUNTS = (ACCOUNT, names.CONFIG_DAEMON, *names.ACCOUNTS)
WHAT_TO_DO = ("who changes other nodes needs an account of their own", "so bring both to one")


@pytest.fixture(scope="module")
def scene(server: Server, recent: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with isolated(server, tmp_path_factory.mktemp("isolation")) as made:
        yield made


OWNER = {"apiVersion": "v1", "kind": "Node", "name": "a", "uid": "b"}
CHANGES = [
    pytest.param("Node", {"spec": {"unschedulable": True}}, id="cordon"),
    pytest.param("Node", {"spec": {"taints": [{"key": "a", "effect": "NoSchedule"}]}}, id="taint"),
    pytest.param("Node", {"spec": {"providerID": "aws:///a/b"}}, id="provider"),
    pytest.param("Node", {"spec": {"podCIDR": "10.0.0.0/24", "podCIDRs": ["10.0.0.0/24"]}}, id="pod-network"),
    pytest.param("Node", meta(labels={"node-role.kubernetes.io/control-plane": ""}), id="label"),
    pytest.param("Node", meta(labels={"stage": None}), id="label-taken-off"),
    pytest.param("Node", meta(labels={keys.DEVICE_PLUGIN: "Enabled"}), id="label-of-the-device-plugin"),
    pytest.param("Node", meta(annotations={"somebody.example/else": "x"}), id="annotation"),
    pytest.param("Node", meta(annotations={keys.NODE_STATE: "Idle", "a": "b"}), id="annotation-beside-its-own"),
    pytest.param("Node", meta(finalizers=["a.example/b"]), id="finalizer"),
    pytest.param("Node", meta(ownerReferences=[OWNER]), id="owner"),
    pytest.param("NodeState", {"spec": {"interfaces": [{"pciAddress": "0000:01:00.0", "numVfs": 3}]}}, id="wish"),
    pytest.param("NodeState", {"spec": {"system": {"rdmaMode": "exclusive"}}}, id="wish-of-the-system"),
    pytest.param("NodeState", {"spec": {"somethingNew": True}}, id="wish-unknown-field"),
    pytest.param("NodeState", meta(labels={"a": "b"}), id="label-of-the-state"),
    pytest.param("NodeState", meta(finalizers=["a.example/b"]), id="finalizer-of-the-state"),
    pytest.param("NodeState", meta(ownerReferences=[OWNER]), id="owner-of-the-state"),
    pytest.param("NodeState", notes(current_state="DrainComplete"), id="the-answer"),
    pytest.param("NodeState", notes(current_state=None), id="the-answer-taken-away"),
    pytest.param("NodeState", notes(cordoned_before="true"), id="what-was-before-the-drain"),
    pytest.param("NodeState", notes(drain_since="2026-01-01T00:00:00Z"), id="since-when-it-is-drained"),
    pytest.param("NodeState", notes(rendered="true"), id="that-it-was-rendered"),
    pytest.param("NodeState", notes(keep_state_until="2099-01-01T00:00:00Z"), id="how-long-it-is-kept"),
    pytest.param("NodeState", notes(pinned_plugins="0000:01:00.0=generic"), id="pinned-plugins"),
    pytest.param("Pod", meta(labels={"a": "b"}), id="label-of-a-pod"),
    pytest.param("Pod", meta(annotations={"a": "b"}), id="annotation-of-a-pod"),
    pytest.param("Pod", meta(finalizers=["a.example/b"]), id="finalizer-of-a-pod"),
    pytest.param("Pod", {"spec": {"activeDeadlineSeconds": 1}}, id="deadline-of-a-pod"),
]


@pytest.mark.parametrize("node", ["one", "two"])
@pytest.mark.parametrize(("what", "change"), CHANGES)
def test_it_may_not_change_that_even_of_its_own_node(scene, what, change, node):
    before = scene.found(what, node)
    status, said = scene.agent.request("PATCH", scene.path(what, node), change, content_type=MERGE)
    assert (status, said["reason"]) == (403, "Forbidden"), said["message"]
    assert any(remedy in said["message"] for remedy in WHAT_TO_DO)
    assert scene.found(what, node) == before


OWN = [
    pytest.param("Node", notes(state="Drain_Required"), id="request"),
    pytest.param("NodeState", notes(desired_state="Drain_Required", drain_requested_since="x"), id="mirrored-request"),
    pytest.param("NodeState", notes(use_external_drainer="true"), id="external-drainer"),
    pytest.param("Pod", notes(device_plugin_wait_config=None), id="the-mark-of-a-waiting-pod"),
]


@pytest.mark.parametrize(("what", "change"), OWN)
def test_what_it_needs_it_may_change_of_its_own_node_only(scene, what, change):
    own, other = (f"{scene.path(what, node)}?dryRun=All" for node in ("one", "two"))
    assert scene.agent.request("PATCH", own, change, content_type=MERGE)[0] == 200
    status, said = scene.agent.request("PATCH", other, change, content_type=MERGE)
    assert status == 403, said
    one, two = (scene.whole.stage.name(node) for node in ("one", "two"))
    assert "own node" in said["message"].lower(), "what is wanted"
    assert f"{two} with the token of node {one}. " in said["message"], "what was found"
    assert "Give the agent the name of the node that its pod runs on (--node-name, NODE_NAME)" in said["message"]


def test_the_ways_of_writing_are_all_guarded(scene):
    """Merge patch, JSON patch, apply, strategic merge patch, and to put another object in its place."""
    path = scene.path("Node", "one")
    cordon = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": scene.whole.stage.name("one")}}
    cordon["spec"] = {"unschedulable": True}
    operations = [{"op": "add", "path": "/spec/unschedulable", "value": True}]
    strategic = "application/strategic-merge-patch+json"
    for query, kind, body in (
        ("", MERGE, cordon),
        ("", strategic, cordon),
        ("", JSON, operations),
        ("?fieldManager=kubelet&force=true", APPLY, cordon),
    ):
        assert scene.agent.request("PATCH", f"{path}{query}", body, content_type=kind)[0] == 403, kind
    found = scene.whole.server.admin.done("GET", path)
    assert scene.agent.request("PUT", path, {**found, "spec": {"unschedulable": True}})[0] == 403
    assert scene.agent.request("PATCH", f"{path}/status", {"status": {}}, content_type=MERGE)[0] == 403
    assert not scene.found("Node", "one")["spec"].get("unschedulable")


def test_of_a_node_state_it_writes_the_status_of_its_own(scene):
    head = {"apiVersion": f"{GROUP}/v1", "kind": "SriovNetworkNodeState"}
    for node, expected in (("one", 200), ("two", 403)):
        body = {**head, "metadata": {"name": scene.whole.stage.name(node)}, "status": {"syncStatus": "Succeeded"}}
        query = "?fieldManager=sriov-core-agent&force=true&dryRun=All"
        path = f"{scene.path('NodeState', node)}/status{query}"
        assert scene.agent.request("PATCH", path, body, content_type=APPLY)[0] == expected
    body = {
        **head,
        "metadata": {"name": scene.whole.stage.name("one"), "labels": {"a": "b"}},
        "spec": {"interfaces": []},
    }
    path = f"{scene.path('NodeState', 'one')}/status{query}"
    before = scene.found("NodeState", "one")
    scene.agent.request("PATCH", path.replace("&dryRun=All", ""), body, content_type=APPLY)
    after = scene.found("NodeState", "one")
    assert (after["spec"], after["metadata"].get("labels")) == (before["spec"], before["metadata"].get("labels"))


def test_it_deletes_and_makes_nothing_but_deletes_pods_beside_it(scene):
    admin, agent = scene.whole.server.admin, scene.agent
    assert agent.request("DELETE", f"{scene.path('Pod', 'one')}?dryRun=All")[0] == 200
    for what, node in (("Pod", "two"), ("Node", "one"), ("NodeState", "one"), ("NodeState", "two")):
        assert agent.request("DELETE", f"{scene.path(what, node)}?dryRun=All")[0] == 403
    for what in ("Node", "NodeState", "Pod"):
        collection = scene.path(what, "one").rpartition("/")[0]
        body = {**admin.done("GET", scene.path(what, "one")), "metadata": {"name": "forged"}}
        assert agent.request("POST", f"{collection}?dryRun=All", body)[0] == 403
    account = f"/api/v1/namespaces/{HOME}/serviceaccounts/{names.CONFIG_DAEMON}/token"
    assert agent.request("POST", account, {"spec": {}})[0] == 403, "a token for another node would be another identity"


def allowed(
    scene: Scene, account: str, verb: str, resource: str, group: str, *, namespace: str, name: str = ""
) -> bool:
    """What RBAC says, asked by the administrator for the account."""
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{HOME}", "system:authenticated")
    user, where = f"system:serviceaccount:{HOME}:{account}", {"group": group, "namespace": namespace, "name": name}
    return scene.whole.server.admin.allows(user, verb, resource, groups=groups, **where)


@pytest.mark.parametrize("account", ACCOUNTS)
def test_nobody_reads_secrets_but_the_operator_its_two(scene, account):
    read = ("get", "list", "watch")
    for namespace in (HOME, ELSEWHERE, "kube-system", ""):
        found = [verb for verb in VERBS if allowed(scene, account, verb, "secrets", "", namespace=namespace)]
        # RBAC does not know the name of what is created, unless it is applied.
        assert found == [], f"in {namespace or 'all namespaces'}"
    for name in (*SECRETS, "somebody-elses"):
        found = [verb for verb in read if allowed(scene, account, verb, "secrets", "", namespace=HOME, name=name)]
        assert found == (list(read) if account == ACCOUNT and name in SECRETS else [])


def resources(scene: Scene) -> Iterator[tuple[str, str, bool]]:
    """Everything the API server serves: group, resource with subresource, whether it has a namespace."""
    admin = scene.whole.server.admin
    groups = [group["preferredVersion"]["groupVersion"] for group in admin.done("GET", "/apis")["groups"]]
    for version in ("v1", *groups):
        root = f"/apis/{version}" if "/" in version else f"/api/{version}"
        for one in admin.done("GET", root)["resources"]:
            yield version.partition("/")[0] if "/" in version else "", one["name"], one["namespaced"]


EVERYBODY = {
    ("authentication.k8s.io", "selfsubjectreviews", "create"),
    ("authorization.k8s.io", "selfsubjectaccessreviews", "create"),
    ("authorization.k8s.io", "selfsubjectrulesreviews", "create"),
}
"""What the API server lets everybody do who is known to it: ask about himself."""


def test_the_agent_has_no_permission_beyond_its_role(scene):
    """Everything that the API server serves is tried, in the operator's namespace and in another one."""
    here = {(one.group, resource, verb) for one in roles.AGENT for resource in one.resources for verb in one.verbs}
    everywhere = {
        (one.group, resource, verb) for one in roles.AGENT_CLUSTER for resource in one.resources for verb in one.verbs
    }
    found: dict[str, set[tuple[str, str, str]]] = {HOME: set(), ELSEWHERE: set()}
    for group, resource, _ in resources(scene):
        for verb in VERBS:
            for namespace, granted in found.items():
                if allowed(scene, names.CONFIG_DAEMON, verb, resource, group, namespace=namespace):
                    granted.add((group, resource, verb))
    served = {(group, resource) for group, resource, _ in resources(scene)}
    assert found[ELSEWHERE] == everywhere | EVERYBODY
    assert found[HOME] == {one for one in here | everywhere if one[:2] in served} | EVERYBODY


UNBOUND = [
    pytest.param("Node", notes(state="Idle"), id="node"),
    pytest.param("NodeState", notes(desired_state="Idle"), id="node-state"),
    pytest.param("Pod", notes(device_plugin_wait_config=None), id="pod"),
]


@pytest.mark.parametrize(("what", "change"), UNBOUND)
def test_a_token_that_names_no_node_writes_nothing_and_the_refusal_says_how_to_get_one(scene, what, change):
    server, node = scene.whole.server, scene.whole.stage.name("one")
    unbound = server.with_token(server.token(HOME, names.CONFIG_DAEMON))
    path = f"{scene.path(what, 'one')}?dryRun=All"
    status, said = unbound.request("PATCH", path, change, content_type=MERGE)
    unbound.close()
    assert status == 403
    assert "an agent may change something only with a token that names its node" in said["message"]
    assert "found: one without the claim node-name" in said["message"]
    account, kind = (
        f"token {names.CONFIG_DAEMON} --namespace {HOME}",
        "--bound-object-kind Node --bound-object-name NODE",
    )
    assert f"kubectl create {account} {kind}" in said["message"]
    bound = server.with_token(node_token(scene, node))
    assert bound.request("PATCH", path, change, content_type=MERGE)[0] == 200, "the remedy is one"
    bound.close()


def node_token(scene: Scene, node: str) -> str:
    """What `kubectl create token --bound-object-kind Node` asks for."""
    admin = scene.whole.server.admin
    uid = admin.done("GET", f"/api/v1/nodes/{node}")["metadata"]["uid"]
    spec = {"boundObjectRef": {"apiVersion": "v1", "kind": "Node", "name": node, "uid": uid}}
    path = f"/api/v1/namespaces/{HOME}/serviceaccounts/{names.CONFIG_DAEMON}/token"
    return str(admin.done("POST", path, {"spec": spec})["status"]["token"])


def test_events_are_told_of_its_own_node_state_only(scene):
    one, two = (scene.whole.stage.name(node) for node in ("one", "two"))
    agent, admin = scene.agent, scene.whole.server.admin
    assert agent.request("POST", EVENTS, event("own", one))[0] == 201
    again = {"series": {"count": 2, "lastObservedTime": "2026-01-01T00:00:01.000000Z"}}
    assert agent.request("PATCH", f"{EVENTS}/own", again, content_type=MERGE)[0] == 200
    admin.done("POST", EVENTS, event("others", two))
    for name, body in (("a", event("a", two)), ("b", event("b", one, "Node")), ("c", event("c", one, "Pod"))):
        status, said = agent.request("POST", EVENTS, body)
        assert status == 403, name
        assert "events of the SriovNetworkNodeState of its own node only" in said["message"]
    assert agent.request("PATCH", f"{EVENTS}/others", again, content_type=MERGE)[0] == 403
    elsewhere = event("d", one, metadata={"name": "d", "namespace": ELSEWHERE})
    elsewhere["regarding"]["namespace"] = ELSEWHERE
    assert agent.request("POST", EVENTS.replace(HOME, ELSEWHERE), elsewhere)[0] == 403
    assert agent.request("DELETE", f"{EVENTS}/own")[0] == 403


BY_OTHER_WAYS = [
    pytest.param("DELETE", "Pod", "", None, id="all-pods"),
    pytest.param("DELETE", "NodeState", "", None, id="all-node-states"),
    pytest.param("DELETE", "Node", "", None, id="all-nodes"),
    pytest.param("POST", "Pod", "eviction", {"apiVersion": "policy/v1", "kind": "Eviction"}, id="eviction"),
    pytest.param("POST", "Pod", "binding", {"apiVersion": "v1", "kind": "Binding"}, id="binding"),
    pytest.param("POST", "Pod", "exec", None, id="into-a-pod"),
    pytest.param("PATCH", "Pod", "ephemeralcontainers", {"spec": {}}, id="another-container"),
    pytest.param("PATCH", "Pod", "status", {"status": {}}, id="status-of-a-pod"),
    pytest.param("PATCH", "Node", "status", {"status": {"capacity": {"example.com/a": "1"}}}, id="capacity"),
    pytest.param("GET", "Node", "proxy/metrics", None, id="through-the-kubelet"),
]


@pytest.mark.parametrize(("method", "what", "part", "body"), BY_OTHER_WAYS)
def test_no_other_way_leads_there(scene, method, what, part, body):
    own = scene.path(what, "one")
    path = f"{own}/{part}" if part else own.rpartition("/")[0]
    if body and "kind" in body:
        body = {**body, "metadata": {"name": own.rpartition("/")[2], "namespace": HOME}}
    kind = MERGE if method == "PATCH" else "application/json"
    assert scene.agent.request(method, f"{path}?dryRun=All", body, content_type=kind)[0] == 403


@pytest.fixture
def careless(scene) -> Iterator[None]:
    """Somebody gives the agents every right to all that is in the groups that the policies speak of."""
    admin = scene.whole.server.admin
    head = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": {"name": "careless"}}
    rules = [{"apiGroups": ["", "events.k8s.io", GROUP], "resources": ["*"], "verbs": ["*"]}]
    subject = {"kind": "ServiceAccount", "name": names.CONFIG_DAEMON, "namespace": HOME}
    bound = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "careless"}
    for document in (
        {**head, "kind": "ClusterRole", "rules": rules},
        {**head, "kind": "ClusterRoleBinding", "subjects": [subject], "roleRef": bound},
    ):
        admin.apply(document)
    nodes = scene.path("Node", "one").rpartition("/")[0]
    scene.whole.until(lambda: scene.agent.request("GET", nodes)[0] == 200)
    yield
    for kind in ("clusterrolebindings", "clusterroles"):
        admin.remove(f"/apis/rbac.authorization.k8s.io/v1/{kind}/careless")
    scene.whole.until(lambda: scene.agent.request("GET", nodes)[0] == 403)


@pytest.mark.usefixtures("careless")
def test_the_policies_hold_where_somebody_gave_the_agents_too_wide_a_role(scene):
    """So that they do not hang on what the roles happen to leave out."""
    head = {"metadata": {"name": "forged", "namespace": HOME}}
    config = {"apiVersion": f"{GROUP}/v1", "kind": "SriovOperatorConfig", **head, "spec": {}}
    configs = f"/apis/{GROUP}/v1/namespaces/{HOME}/sriovoperatorconfigs"
    mirror = scene.whole.server.admin.done("GET", scene.path("Pod", "one"))
    pod = {**mirror, "metadata": head["metadata"]}
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": mirror["metadata"]["name"]}}
    for method, path, body in (
        ("POST", configs, config),
        ("DELETE", f"{configs}/default", None),
        ("POST", scene.path("Pod", "one").rpartition("/")[0], pod),
        ("POST", f"{scene.path('Pod', 'one')}/eviction", eviction),
        ("POST", f"{scene.path('Pod', 'one')}/exec?command=true&stdout=true", None),
        ("DELETE", scene.path("Node", "one"), None),
        ("DELETE", scene.path("Node", "one").rpartition("/")[0], None),
        ("DELETE", scene.path("NodeState", "one").rpartition("/")[0], None),
        ("DELETE", scene.path("Pod", "two"), None),
        ("PUT", f"{scene.path('Node', 'one')}/status", scene.whole.server.admin.done("GET", scene.path("Node", "one"))),
        ("GET", f"{scene.path('Node', 'one')}/proxy/metrics", None),
    ):
        dry = path if "exec" in path or "proxy" in path else f"{path}?dryRun=All"
        status, said = scene.agent.request(method, dry, body)
        assert status == 403, f"{method} {path}: {said}"
        assert "ValidatingAdmissionPolicy" in str(said), f"{method} {path}: {said}"


def test_the_restrictions_outlast_the_configuration(scene):
    """A token of an agent holds for a while after its pod was told to end, and its roles are there all the time."""
    path = scene.whole.stage.path("SriovOperatorConfig", "default")
    scene.whole.server.admin.done("DELETE", path)
    scene.whole.until(lambda: scene.whole.server.admin.find(path) is None)
    for what, change in (("Node", notes(state="Idle")), ("NodeState", notes(desired_state="Idle"))):
        assert scene.agent.request("PATCH", scene.path(what, "two"), change, content_type=MERGE)[0] == 403
    scene.whole.configure(**EVERYTHING)
