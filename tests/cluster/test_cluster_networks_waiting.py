"""Networks on a real API server without a configuration, and with fields that nobody knows."""

from collections.abc import Iterator

import pytest
from network_users import CONFIG, FINALIZER, HOME, KINDS, Cluster, configure, served
from operator_runs import until
from servers import Server
from servers_admin import MERGE

EVERY_KIND = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture(scope="module")
def cluster(server: Server) -> Iterator[Cluster]:
    with served(server) as found:
        yield found


@pytest.fixture
def blue(namespace: str) -> str:
    """A namespace of the test's own in which attachments are wanted, and by whose name its networks are called."""
    return namespace


@pytest.fixture
def closed(cluster: Cluster) -> Iterator[Cluster]:
    """The cluster without its configuration; it comes back at the end."""
    cluster.unconfigure()
    yield cluster
    if cluster.server.admin.find(CONFIG) is None:
        configure(cluster.server)
        cluster.settled()


def finalizers(cluster: Cluster, kind: str, name: str) -> list[str]:
    return (cluster.network(kind, name) or {})["metadata"].get("finalizers", [])


@EVERY_KIND
def test_without_a_configuration_a_network_is_not_touched_and_says_what_it_waits_for(
    closed: Cluster, blue: str, kind: str
) -> None:
    closed.create(kind, blue, networkNamespace=blue)
    told = closed.ready(kind, blue, status="False")
    assert told["reason"] == "NoConfiguration"
    assert f"waits for the SriovOperatorConfig default in namespace {HOME}" in told["message"]
    assert finalizers(closed, kind, blue) == []
    assert closed.nad(blue, blue) is None
    configure(closed.server)
    closed.ready(kind, blue)
    assert finalizers(closed, kind, blue) == [FINALIZER]
    assert closed.nad(blue, blue) is not None


@EVERY_KIND
def test_what_is_in_place_stays_without_a_configuration_and_can_be_deleted(
    cluster: Cluster, blue: str, kind: str
) -> None:
    cluster.create(kind, blue, networkNamespace=blue)
    before = cluster.ready(kind, blue)
    cluster.unconfigure()
    cluster.create(kind, f"{blue}-later")
    cluster.ready(kind, f"{blue}-later", status="False")
    assert cluster.condition(kind, blue) == before
    cluster.change(kind, blue, resourceName="resource_2")
    assert cluster.ready(kind, blue, status="False")["reason"] == "NoConfiguration"
    assert cluster.nad(blue, blue) is not None
    cluster.delete(kind, blue)
    until(lambda: not cluster.network(kind, blue))
    assert cluster.nad(blue, blue) is None
    configure(cluster.server)
    cluster.ready(kind, f"{blue}-later")
    cluster.delete(kind, f"{blue}-later")


@EVERY_KIND
def test_a_finalizer_that_a_removal_takes_off_does_not_come_back(cluster: Cluster, blue: str, kind: str) -> None:
    cluster.create(kind, blue, networkNamespace=blue)
    cluster.ready(kind, blue)
    cluster.unconfigure()
    patch = {"metadata": {"finalizers": None}}
    cluster.server.admin.done("PATCH", cluster.path(kind, blue), patch, content_type=MERGE)
    assert cluster.ready(kind, blue, status="False")["reason"] == "NoConfiguration"
    assert finalizers(cluster, kind, blue) == []
    configure(cluster.server)
    cluster.ready(kind, blue)
    assert finalizers(cluster, kind, blue) == [FINALIZER]


@EVERY_KIND
def test_a_field_that_nobody_knows_is_told_once_until_it_is_gone(cluster: Cluster, blue: str, kind: str) -> None:
    def accepted() -> dict[str, str]:
        conditions = (cluster.network(kind, blue) or {}).get("status", {}).get("conditions", [])
        return next((one for one in conditions if one["type"] == "Accepted"), {})

    cluster.create(kind, blue, networkNamespace=blue, resourcename="typo", ipm="{}")
    cluster.ready(kind, blue)
    assert (accepted()["status"], accepted()["reason"]) == ("False", "UnknownFields")
    assert "spec.resourcename: unknown field. Did you mean resourceName?" in accepted()["message"]
    assert "spec.ipm: unknown field. Did you mean ipam?" in accepted()["message"]
    cluster.patch_nad(blue, blue, {"spec": {"config": "{}"}})
    until(lambda: cluster.config(blue, blue))
    until(lambda: ("Warning", "AcceptedAdded") in cluster.events(blue))
    assert cluster.events(blue).count(("Warning", "AcceptedAdded")) == 1
    cluster.change(kind, blue, resourcename=None)
    until(lambda: "resourcename" not in accepted()["message"])
    cluster.change(kind, blue, ipm=None)
    until(lambda: not accepted())
    cluster.ready(kind, blue)
    until(lambda: ("Normal", "AcceptedRemoved") in cluster.events(blue))
