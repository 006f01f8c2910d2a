"""Networks on a real API server over time: what others do to them, restarts, refusals, mistakes, and what it costs."""

import base64
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
import servers_install
import yaml
from loose_definitions import without_limit
from network_users import COST, FINALIZER, GROUP, HOME, KINDS, NADS, OWNER, Cluster, served
from operator_runs import ACCOUNT, RULES, until
from servers import Server
from servers_admin import MERGE

TYPES = {"SriovNetwork": "sriov", "SriovIBNetwork": "ib-sriov", "OVSNetwork": "ovs"}
EVERY_KIND = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture(scope="module")
def cluster(server: Server) -> Iterator[Cluster]:
    with served(server) as found:
        yield found


@pytest.fixture
def blue(namespace: str) -> str:
    """A namespace of the test's own in which attachments are wanted, and by whose name its networks are called."""
    return namespace


@EVERY_KIND
def test_what_others_write_on_an_attachment_stays_and_moves_nobody(cluster: Cluster, blue: str, kind: str) -> None:
    cluster.create(kind, "net", blue)
    cluster.ready(kind, "net", blue)
    other = {"apiVersion": "v1", "kind": "ConfigMap", "name": "other", "uid": "8e3e5bd2-7a52-4b5a-9d0b-5d5d2d3d0a11"}
    owners = [*(cluster.nad(blue, "net") or {})["metadata"]["ownerReferences"], other]
    theirs = {"labels": {"team": "blue"}, "annotations": {"note": "theirs"}, "ownerReferences": owners}
    after = cluster.patch_nad(blue, "net", {"metadata": theirs})
    cluster.settled()
    assert cluster.nad(blue, "net") == after
    # What is ours in it is mended, and nothing else.
    cluster.patch_nad(blue, "net", {"metadata": {"annotations": {OWNER: None}}, "spec": {"config": "{}"}})
    until(lambda: cluster.config(blue, "net").get("type") == TYPES[kind])
    found = (cluster.nad(blue, "net") or {})["metadata"]
    assert found["annotations"]["note"] == "theirs"
    assert found["annotations"][OWNER] == f"{kind}.{GROUP}/{blue}/net"
    assert found["labels"] == {"team": "blue"}
    assert found["ownerReferences"] == owners


def test_what_is_settled_costs_no_write(cluster: Cluster, blue: str) -> None:
    for kind, plural in KINDS.items():
        cluster.create(kind, f"{blue}-{plural}", networkNamespace=blue)
        cluster.ready(kind, f"{blue}-{plural}")
    cluster.settled()
    passes = cluster.operator.counted("reconcile_seconds_count", controller="networks")
    for plural in KINDS.values():
        for number in range(10):
            cluster.patch_nad(blue, f"{blue}-{plural}", {"metadata": {"annotations": {"note": str(number)}}})
    until(lambda: cluster.operator.counted("reconcile_seconds_count", controller="networks") >= passes + 3)
    cluster.create("SriovNetwork", blue, networkNamespace=blue)
    cluster.ready("SriovNetwork", blue)
    assert cluster.writes_about(blue) == COST * (len(KINDS) + 1)


@EVERY_KIND
def test_what_is_deleted_while_nobody_works_is_finished_afterwards(cluster: Cluster, blue: str, kind: str) -> None:
    cluster.create(kind, blue, networkNamespace=blue)
    cluster.ready(kind, blue)
    assert cluster.operator.stop() == 0
    try:
        # What the end of a process must not do: take finalizers away.
        assert (cluster.network(kind, blue) or {})["metadata"]["finalizers"] == [FINALIZER]
        cluster.delete(kind, blue)
        assert cluster.nad(blue, blue)
    finally:
        cluster.start_operator()
    until(lambda: cluster.network(kind, blue) is None)
    assert cluster.nad(blue, blue) is None


def test_a_restart_writes_nothing_about_what_is_settled(cluster: Cluster, blue: str) -> None:
    for kind, plural in KINDS.items():
        cluster.create(kind, f"{blue}-{plural}", networkNamespace=blue)
        cluster.ready(kind, f"{blue}-{plural}")
    cluster.settled()
    assert cluster.operator.stop() == 0
    cluster.start_operator()
    cluster.create("SriovNetwork", blue, networkNamespace=blue)
    cluster.ready("SriovNetwork", blue)
    assert cluster.writes_about(blue) == COST


@EVERY_KIND
def test_a_mistake_in_a_network_is_told_with_its_place(cluster: Cluster, blue: str, kind: str) -> None:
    cluster.create(kind, blue, networkNamespace=blue, ipam='{"type": "static",}')
    condition = cluster.ready(kind, blue, status="False")
    assert condition["reason"] == "NetworkAttachmentDefinitionInvalid"
    assert condition["message"].startswith("spec.ipam: ")
    assert "column" in condition["message"]
    assert cluster.nad(blue, blue) is None
    until(lambda: ("Warning", "ReadyAdded") in cluster.events(blue))
    cluster.change(kind, blue, ipam='{"type": "static"}')
    cluster.ready(kind, blue)
    assert cluster.config(blue, blue)["ipam"] == {"type": "static"}


def test_a_network_with_a_mistake_can_be_deleted(cluster: Cluster, blue: str) -> None:
    cluster.create("OVSNetwork", blue, networkNamespace=blue)
    cluster.ready("OVSNetwork", blue)
    cluster.change("OVSNetwork", blue, ipam="junk")
    cluster.ready("OVSNetwork", blue, status="False")
    cluster.delete("OVSNetwork", blue)
    until(lambda: cluster.network("OVSNetwork", blue) is None)
    assert cluster.nad(blue, blue) is None


def test_conditions_of_others_stay(cluster: Cluster, blue: str) -> None:
    cluster.create("SriovNetwork", blue, networkNamespace=blue)
    cluster.ready("SriovNetwork", blue)
    theirs = {
        "type": "Audited",
        "status": "True",
        "reason": "Seen",
        "message": "",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
    name = {"apiVersion": f"{GROUP}/v1", "kind": "SriovNetwork", "metadata": {"name": blue, "namespace": HOME}}
    path = f"{cluster.path('SriovNetwork', blue)}/status?fieldManager=auditor"
    body = {**name, "status": {"conditions": [theirs]}}
    cluster.server.admin.done("PATCH", path, body, content_type="application/apply-patch+yaml")
    cluster.change("SriovNetwork", blue, ipam="junk")
    cluster.ready("SriovNetwork", blue, status="False")
    conditions = (cluster.network("SriovNetwork", blue) or {})["status"]["conditions"]
    assert {one["type"] for one in conditions} == {"Ready", "Audited"}


def test_networks_are_counted_by_readiness(cluster: Cluster, blue: str) -> None:
    def count(ready: str) -> float:
        return cluster.operator.counted("networks", kind="OVSNetwork", ready=ready)

    cluster.clear()
    until(lambda: cluster.operator.counted("networks", kind="OVSNetwork") == 0)
    cluster.create("OVSNetwork", blue, networkNamespace=blue)
    until(lambda: (count("True"), count("False")) == (1, 0))
    cluster.change("OVSNetwork", blue, ipam="junk")
    until(lambda: (count("True"), count("False")) == (0, 1))
    cluster.delete("OVSNetwork", blue)
    until(lambda: (count("True"), count("False")) == (0, 0))


def may_write_attachments(cluster: Cluster) -> bool:
    """Whether the API server lets the operator do so by now."""
    operator = f"system:serviceaccount:{HOME}:{ACCOUNT}"
    return cluster.server.admin.allows(operator, "create", NADS, group="k8s.cni.cncf.io", namespace=HOME)


@contextmanager
def may_only_read_attachments(cluster: Cluster) -> Iterator[None]:
    named = {"metadata": {"name": f"operator-in-{HOME}"}}
    role = cluster.server.admin.path({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", **named})
    reading = [{**rule, "verbs": ["get", "list", "watch"]} if NADS in rule["resources"] else rule for rule in RULES]
    cluster.server.admin.done("PATCH", role, {"rules": reading}, content_type=MERGE)
    try:
        until(lambda: not may_write_attachments(cluster))
        yield
    finally:
        cluster.server.admin.done("PATCH", role, {"rules": list(RULES)}, content_type=MERGE)
        until(lambda: may_write_attachments(cluster))


def test_a_refusal_of_the_api_server_stands_in_the_condition_until_it_is_gone(cluster: Cluster, blue: str) -> None:
    with may_only_read_attachments(cluster):
        cluster.create("SriovNetwork", blue, networkNamespace=blue)
        condition = cluster.ready("SriovNetwork", blue, status="False")
    assert condition["reason"] == "NetworkAttachmentDefinitionInvalid"
    assert "HTTP 403" in condition["message"]
    assert f'must allow "create" on "{NADS}"' in condition["message"]
    cluster.ready("SriovNetwork", blue)
    assert cluster.nad(blue, blue)


def test_what_cannot_be_deleted_says_why_and_goes_when_it_can(cluster: Cluster, blue: str) -> None:
    cluster.create("OVSNetwork", blue, networkNamespace=blue)
    cluster.ready("OVSNetwork", blue)
    with may_only_read_attachments(cluster):
        cluster.delete("OVSNetwork", blue)
        condition = cluster.ready("OVSNetwork", blue, status="False")
        assert f'must allow "delete" on "{NADS}"' in condition["message"]
    until(lambda: cluster.network("OVSNetwork", blue) is None)
    assert cluster.nad(blue, blue) is None


def test_many_networks_at_once(cluster: Cluster, blue: str) -> None:
    names = [f"{blue}-{number}" for number in range(60)]
    threads = [
        threading.Thread(
            target=lambda part=names[at::4]: [
                cluster.create("SriovNetwork", one, networkNamespace=blue) for one in part
            ]
        )
        for at in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name in names:
        cluster.ready("SriovNetwork", name)
    assert cluster.writes_about(blue) == COST * len(names)
    for name in names:
        cluster.delete("SriovNetwork", name)
    listed = f"/apis/k8s.cni.cncf.io/v1/namespaces/{blue}/{NADS}"
    until(lambda: cluster.server.admin.done("GET", listed)["items"] == [])


@pytest.mark.usefixtures("recent")
def test_a_network_that_does_not_fit_its_kind_any_more_says_so_and_can_be_deleted(cluster: Cluster, blue: str) -> None:
    cluster.create("SriovNetwork", blue, networkNamespace=blue)
    cluster.ready("SriovNetwork", blue)
    path, spec = cluster.path("SriovNetwork", blue), {"spec": {"vlan": 9999}}
    with without_limit(cluster.server.admin, KINDS["SriovNetwork"], "vlan", "maximum"):
        until(lambda: cluster.server.admin.request("PATCH", path, spec, content_type=MERGE)[0] == 200)
    condition = cluster.ready("SriovNetwork", blue, status="False")
    assert condition["reason"] == "NetworkAttachmentDefinitionInvalid"
    assert condition["message"].startswith("spec.vlan: found 9999")
    until(lambda: ("Warning", "ReadyChanged") in cluster.events(blue))
    assert cluster.nad(blue, blue), "what pods have used so far stays"
    cluster.delete("SriovNetwork", blue)
    until(lambda: cluster.network("SriovNetwork", blue) is None)
    assert cluster.nad(blue, blue) is None


@pytest.mark.usefixtures("recent")
def test_a_network_that_never_fitted_is_served_once_it_is_mended(cluster: Cluster, blue: str) -> None:
    path = cluster.path("SriovNetwork", blue).rpartition("/")[0]
    spec = {"resourceName": "r", "vlan": 9999, "networkNamespace": blue}
    body = {"apiVersion": f"{GROUP}/v1", "kind": "SriovNetwork", "metadata": {"name": blue}, "spec": spec}
    with without_limit(cluster.server.admin, KINDS["SriovNetwork"], "vlan", "maximum"):
        until(lambda: cluster.server.admin.request("POST", path, body)[0] == 201)
    assert cluster.ready("SriovNetwork", blue, status="False")["message"].startswith("spec.vlan: found 9999")
    assert cluster.nad(blue, blue) is None
    cluster.change("SriovNetwork", blue, vlan=99)
    cluster.ready("SriovNetwork", blue)
    assert cluster.config(blue, blue)["vlan"] == 99


def tried(cluster: Cluster, namespace: str) -> int:
    """The status with which an attachment is taken there."""
    probe = {"apiVersion": "k8s.cni.cncf.io/v1", "kind": "NetworkAttachmentDefinition", "metadata": {"name": "probe"}}
    path = f"/apis/k8s.cni.cncf.io/v1/namespaces/{namespace}/{NADS}?dryRun=All"
    return cluster.server.admin.request("POST", path, probe)[0]


@pytest.fixture
def broken_webhook(cluster: Cluster, blue: str) -> Iterator[None]:
    """Whoever creates an attachment meets a webhook that hangs up; each refusal names another port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def hang_up() -> None:
        with suppress(OSError):
            while True:
                caller, _ = listener.accept()
                with caller, suppress(OSError):
                    caller.recv(1)
                    caller.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    thread = threading.Thread(target=hang_up, daemon=True)
    thread.start()
    url, ca = f"https://127.0.0.1:{listener.getsockname()[1]}", cluster.server.authority.pem
    rule = {"apiGroups": ["k8s.cni.cncf.io"], "apiVersions": ["*"], "resources": ["*"], "operations": ["CREATE"]}
    hook = {
        "name": "broken.example.com",
        "clientConfig": {"url": url, "caBundle": base64.b64encode(ca).decode()},
        "rules": [rule],
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
    }
    kind = "ValidatingWebhookConfiguration"
    api = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind, "metadata": {"name": "broken"}}
    admin, document = cluster.server.admin, {**api, "webhooks": [hook]}
    admin.create(document)
    try:
        until(lambda: tried(cluster, blue) == 500)
        yield
    finally:
        admin.remove(admin.path(document))
        until(lambda: tried(cluster, blue) == 201)  # the API server asks it for a moment more
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


def test_a_failure_that_reads_differently_each_time_is_told_once(
    cluster: Cluster, blue: str, broken_webhook: None
) -> None:
    """Else its telling would be the change that leads to the next failure, at once and for ever."""

    def attempts() -> float:
        return cluster.operator.counted("api_requests_total", verb="create", resource=NADS, code="500")

    before = attempts()
    cluster.create("SriovNetwork", blue, networkNamespace=blue)
    message = cluster.ready("SriovNetwork", blue, status="False")["message"]
    assert "failed calling webhook" in message
    until(lambda: attempts() - before >= 6)
    until(lambda: cluster.events(blue))
    assert cluster.events(blue) == [("Warning", "ReadyAdded")]
    assert cluster.ready("SriovNetwork", blue, status="False")["message"] == message


def passes_of(cluster: Cluster) -> float:
    return cluster.operator.counted("reconcile_seconds_count", controller="networks")


def test_without_the_kind_of_attachments_networks_say_so_and_can_be_deleted(cluster: Cluster, blue: str) -> None:
    admin = cluster.server.admin
    definition = yaml.safe_load(servers_install.ATTACHMENTS.read_text())
    path = admin.path(definition)
    assert cluster.operator.stop() == 0
    admin.done("DELETE", path)
    until(lambda: admin.find(path) is None)
    until(lambda: admin.request("GET", f"/apis/k8s.cni.cncf.io/v1/{NADS}")[0] == 404)
    cluster.clear()  # what there is of networks would be told the same, and passes about them counted
    cluster.start_operator()
    try:
        cluster.create("SriovNetwork", blue, networkNamespace=blue)
        condition = cluster.ready("SriovNetwork", blue, status="False")
        assert condition["reason"] == "NetworkAttachmentDefinitionNotFound"
        assert "This API server has no NetworkAttachmentDefinition (k8s.cni.cncf.io/v1)" in condition["message"]
        until(lambda: cluster.operator.counted("networks", kind="SriovNetwork", ready="False") == 1)
        looks, passes = 0, passes_of(cluster)
        for number in range(7):
            if number == 2:  # a pass that began before it was seen to be said has ended
                looks = cluster.asked(blue, "GET")
            labels = {"metadata": {"labels": {"number": str(number)}}}
            admin.done("PATCH", cluster.path("SriovNetwork", blue), labels, content_type=MERGE)
            until(lambda wanted=passes + number + 1: passes_of(cluster) >= wanted)
        assert cluster.asked(blue, "GET") == looks, "it was said already"
        finalizers = {"metadata": {"finalizers": [FINALIZER]}}
        admin.done("PATCH", cluster.path("SriovNetwork", blue), finalizers, content_type=MERGE)
        cluster.delete("SriovNetwork", blue)
        until(lambda: cluster.network("SriovNetwork", blue) is None)
    finally:
        assert cluster.operator.stop() == 0
        admin.create(definition)
        servers_install.served(admin, [definition])
        cluster.start_operator()
    cluster.create("SriovNetwork", blue, networkNamespace=blue)
    cluster.ready("SriovNetwork", blue)
