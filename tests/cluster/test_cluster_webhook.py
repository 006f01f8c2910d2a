"""The admission webhook, called by a real API server over TLS: a process with the rights that it is deployed with."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from servers import Server
from serving_processes import Process, Raw, User, applied, configurations, deployed, until
from webhook_cluster import (
    GROUP,
    OPERATOR,
    WORKER,
    asked,
    denied,
    in_effect,
    of_kind,
    one_worker,
    policy,
    report,
    webhook_process,
)

sys.path.append(str(Path(__file__).parent.parent / "crdcheck"))

# The rules of the definitions, each with an object that it refuses.
from test_crdcheck import RULES, thing


@pytest.fixture(scope="module")
def cluster(server: Server) -> Iterator[User]:
    with one_worker(server) as user:
        yield user


@pytest.fixture(scope="module")
def webhook(server: Server, cluster: User, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    with webhook_process(server, tmp_path_factory.mktemp("webhook")) as process:
        yield process


@pytest.fixture
def user(server: Server, cluster: User, webhook: Process) -> Iterator[User]:
    """The administrator of a cluster in which the webhook is in effect."""
    with in_effect(server, cluster, webhook.port) as user:
        yield user


@pytest.mark.parametrize(
    ("given", "said"),
    [
        pytest.param(policy(numVfs=65), "65", id="more-vfs-than-the-card-has"),
        pytest.param(policy(nodeSelector={"no": "such"}), "no matched node is selected", id="no-node"),
        pytest.param(policy(nicSelector={"pfNames": ["eth9"]}), "no supported NIC is selected", id="no-nic"),
        pytest.param(policy(nicSelector={"pfNames": ["ens803f2"]}), "not among the supported NICs", id="other-nic"),
        pytest.param(policy(nicSelector={"vendor": "8087"}), "vendor '8087' is not among the supported", id="vendor"),
        pytest.param(policy(numVfs=5, externallyManaged=True), "has 4 VFs", id="externally-managed-vfs"),
        pytest.param(policy(mtu=9000, externallyManaged=True), "has MTU 1500", id="externally-managed-mtu"),
        pytest.param(
            policy(vdpaType="virtio", eSwitchMode="switchdev"), "makes no vDPA devices", id="vdpa-on-another-card"
        ),
        pytest.param(policy(nicSelector={"pfNames": ["ens803f1#2-1"]}), "ens803f1#2-1", id="range-backwards"),
        pytest.param(
            of_kind("SriovOperatorConfig", "other", {}), "only default SriovOperatorConfig", id="second-config"
        ),
        pytest.param(
            of_kind("SriovNetwork", "net", {"resourceName": "r", "networkNamespace": "b"}, "default"),
            "networkNamespace",
            id="network-for-another-namespace",
        ),
        pytest.param(
            of_kind("SriovNetwork", "net", {"resourceName": "r", "ipam": "{not json"}), "spec.ipam", id="broken-ipam"
        ),
    ],
)
def test_what_would_not_work_is_denied_with_a_text(user: User, given: Raw, said: str) -> None:
    assert said in denied(user.create(given, dry_run=True))


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(policy(), id="policy"),
        pytest.param(policy(numVfs=64), id="all-vfs-of-the-card"),
        pytest.param(policy(nicSelector={"vendor": "8086", "deviceID": "158b"}), id="by-ids"),
        pytest.param(policy(numVfs=4, externallyManaged=True, linkType="ETH"), id="externally-managed"),
        pytest.param(of_kind("SriovOperatorConfig", "default", {}), id="config"),
        pytest.param(of_kind("SriovNetworkPoolConfig", "pool", {"maxUnavailable": "30%"}), id="pool"),
        pytest.param(of_kind("SriovNetwork", "net", {"resourceName": "r", "networkNamespace": "b"}), id="network"),
        pytest.param(of_kind("SriovIBNetwork", "net", {"resourceName": "r"}, "default"), id="network-elsewhere"),
        pytest.param(of_kind("OVSNetwork", "net", {"resourceName": "r"}, "default"), id="ovs-network"),
    ],
)
def test_what_works_is_allowed(user: User, given: Raw) -> None:
    assert user.create(given, dry_run=True).status == 201


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        pytest.param(policy(), {"priority": 99, "isRdma": False}, id="nothing-given"),
        pytest.param(policy(priority=10, isRdma=True), {"priority": 10, "isRdma": True}, id="all-given"),
        pytest.param(
            policy(nicSelector={"pfNames": ["ib0"]}, linkType="ib", isRdma=False),
            {"priority": 99, "isRdma": True},
            id="infiniband",
        ),
    ],
)
def test_defaults_are_stored(user: User, given: Raw, stored: Raw) -> None:
    reply = user.create(given)
    assert reply.status == 201, reply
    assert reply.body["spec"].items() >= stored.items()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        pytest.param(policy(namespace="default"), "only policies in the operator's namespace", id="other-namespace"),
        pytest.param(
            of_kind("SriovOperatorConfig", "default", {"disableDrain": True}), "draining is off", id="without-draining"
        ),
        pytest.param(
            policy(nicSelector={"pfNames": ["ib0"]}, linkType="ib", isRdma=False), "found false", id="replaced-value"
        ),
        pytest.param(
            of_kind("SriovNetwork", "net", {"resourceName": "r"}), "no policy has the resource", id="resource"
        ),
    ],
)
def test_what_is_odd_is_allowed_with_a_warning_that_tools_show(user: User, given: Raw, said: str) -> None:
    reply = user.create(given, dry_run=True)
    assert (reply.status, said in reply.warnings) == (201, True), reply


def test_a_name_that_the_api_server_makes_is_none_of_another_object(user: User) -> None:
    given = policy()
    given["metadata"] = {"generateName": "made-", "namespace": OPERATOR}
    assert user.create(given).status == 201
    assert user.create(policy("p1", nicSelector={"pfNames": ["ens803f0"]}), dry_run=True).status == 201


def test_policies_that_claim_the_same_vfs_are_denied_as_soon_as_the_first_is_known(user: User) -> None:
    assert user.create(policy("p1", nicSelector={"pfNames": ["ens803f1#0-2"]}, numVfs=8)).status == 201
    overlapping = policy("p2", nicSelector={"pfNames": ["ens803f1#2-2"]}, numVfs=8)
    reply = until(lambda: found if (found := user.create(overlapping, dry_run=True)).status == 403 else None)
    assert "VF index range in ens803f1 is overlapped: 2-2 here, 0-2 in policy p1" in denied(reply)
    beside = policy("p2", nicSelector={"pfNames": ["ens803f1#3-4"]}, numVfs=8)
    assert user.create(beside, dry_run=True).status == 201
    assert user.change(policy("p1"), {"spec": {"mtu": 1500}}, dry_run=True).status == 200


def test_pools_that_share_a_node_are_denied_as_soon_as_the_first_is_known(user: User) -> None:
    spec = {"nodeSelector": {"matchLabels": WORKER}, "maxUnavailable": 1}
    assert user.create(of_kind("SriovNetworkPoolConfig", "one", spec)).status == 201
    second = of_kind("SriovNetworkPoolConfig", "two", spec)
    reply = until(lambda: found if (found := user.create(second, dry_run=True)).status == 403 else None)
    assert "pool one has some of these, on node worker-1" in denied(reply)


def test_draining_is_not_switched_off_while_a_node_is_updating(server: Server, user: User) -> None:
    config = of_kind("SriovOperatorConfig", "default", {"disableDrain": False})
    assert user.create(config).status == 201
    off = {"spec": {"disableDrain": True}}
    report(server, "InProgress")
    reply = until(lambda: found if (found := user.change(config, off, dry_run=True)).status == 403 else None)
    assert "node worker-1 is updating" in denied(reply)
    report(server, "Succeeded")
    assert until(lambda: user.change(config, off, dry_run=True).status == 200)


def test_the_table_of_supported_nics_is_followed(server: Server, user: User) -> None:
    given = policy(nicSelector={"pfNames": ["ens803f2"]})
    assert user.create(given, dry_run=True).status == 403
    table = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "supported-nic-ids", "namespace": OPERATOR},
        "data": {"odd": "8086 1015 1016"},
    }
    with applied(server, [table]):
        assert until(lambda: user.create(given, dry_run=True).status == 201)
        assert user.create(policy(), dry_run=True).status == 403
    assert until(lambda: user.create(policy(), dry_run=True).status == 201)


def test_nodes_are_followed(server: Server, user: User) -> None:
    label = {"webhook-tests/late": ""}
    given = policy(nodeSelector=label)
    assert "no matched node" in denied(user.create(given, dry_run=True))
    node = "/api/v1/nodes/worker-1"
    change = {"metadata": {"labels": label}}
    server.admin.done("PATCH", node, change, content_type="application/merge-patch+json")
    assert until(lambda: user.create(given, dry_run=True).status == 201)


def test_whatever_is_stored_can_be_deleted_and_lose_its_finalizers(
    server: Server, cluster: User, webhook: Process
) -> None:
    """Objects of a time without the webhook, which it would deny by now."""
    bad = [
        policy("bad", nodeSelector={"no": "such"}),
        of_kind("SriovOperatorConfig", "bad", {}),
        of_kind("SriovNetworkPoolConfig", "bad", {"nodeSelector": {"matchLabels": WORKER}}),
        of_kind("SriovNetworkPoolConfig", "same", {"nodeSelector": {"matchLabels": WORKER}}),
        of_kind("SriovNetwork", "bad", {"resourceName": "r", "ipam": "{not json"}),
    ]
    for document in bad:
        document["metadata"]["finalizers"] = ["tests.example/some"]
        assert cluster.create(document).status == 201
    with asked(server, cluster, configurations(deployed(server, OPERATOR), "webhook", webhook.port)):
        assert cluster.change(bad[0], {"spec": {"mtu": 1500}}, dry_run=True).status == 403
        for document in bad:
            assert cluster.delete(document).status == 200, document
            assert cluster.change(document, {"metadata": {"finalizers": None}}).status == 200, document
            assert server.admin.find(server.admin.path(document)) is None


@pytest.mark.usefixtures("recent")
@pytest.mark.parametrize("name", RULES)
def test_what_the_definitions_refuse_the_webhook_denies_too_and_explains(
    user: User, webhook: Process, name: str
) -> None:
    kind, wrong, message, _ = RULES[name]
    given = thing(kind, wrong)
    given["metadata"]["namespace"] = OPERATOR
    reply = user.create(given, dry_run=True)
    assert (reply.status, message in reply.text) == (422, True), reply
    request = {
        "uid": "u",
        "operation": "CREATE",
        "kind": {"group": GROUP, "version": "v1", "kind": kind},
        "namespace": OPERATOR,
        "object": given,
    }
    review = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}
    status, text = webhook.ask("/validating-custom-resource", review)
    response = json.loads(text)["response"]
    assert (status, response["allowed"]) == (200, False)
    assert any(path in response["status"]["message"] for path in wrong), response
