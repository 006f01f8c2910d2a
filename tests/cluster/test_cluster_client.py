"""The client's verbs at a real API server: what it does, and in which words it fails."""

import datetime as dt
import itertools
import threading
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import msgspec
import pytest
import yaml
from kube_clients import ConfigMap, admin, client_at, config_map, in_thread, until
from servers import Authority

from sriov_core.kube.client import Client
from sriov_core.kube.connection import connect
from sriov_core.kube.failures import (
    Conflict,
    Exists,
    Forbidden,
    Gone,
    Invalid,
    NotFound,
    Throttled,
    Unavailable,
)
from sriov_core.kube.resource import CONFIG_MAPS, DISRUPTION_BUDGETS, NODE_STATES, NODES, PODS, Resource

DAY = dt.timedelta(days=1)


@pytest.fixture
def client(server):
    return admin(server)


@pytest.fixture
def stored(client, namespace):
    return client.create(CONFIG_MAPS, config_map("a", key="1"), namespace, type=ConfigMap)


class TestVerbs:
    def test_what_was_created_is_read_listed_changed_and_deleted(self, client, namespace, stored):
        assert client.get(CONFIG_MAPS, "a", namespace, type=ConfigMap) == stored
        assert stored in client.list(CONFIG_MAPS, namespace, type=ConfigMap).items
        changed = client.merge_patch(CONFIG_MAPS, "a", {"data": {"key": None, "other": "2"}}, namespace, type=ConfigMap)
        assert changed.data == {"other": "2"}
        client.delete(CONFIG_MAPS, "a", namespace)
        with pytest.raises(NotFound, match=f"get ConfigMap {namespace}/a: HTTP 404"):
            client.get(CONFIG_MAPS, "a", namespace)

    def test_a_name_that_is_taken(self, client, namespace, stored):
        with pytest.raises(Exists, match="already exists"):
            client.create(CONFIG_MAPS, config_map("a"), namespace)

    def test_replacing_what_has_changed_since_is_a_conflict(self, client, namespace, stored):
        first = client.get(CONFIG_MAPS, "a", namespace)
        client.replace(CONFIG_MAPS, "a", {**first, "data": {"key": "2"}}, namespace)
        with pytest.raises(Conflict, match="Read it again"):
            client.replace(CONFIG_MAPS, "a", {**first, "data": {"key": "3"}}, namespace)

    def test_a_patch_may_say_which_version_it_is_for(self, client, namespace, stored):
        version = {"metadata": {"resourceVersion": stored.metadata.resource_version}}
        client.merge_patch(CONFIG_MAPS, "a", {**version, "data": {"key": "2"}}, namespace)
        with pytest.raises(Conflict):
            client.merge_patch(CONFIG_MAPS, "a", {**version, "data": {"key": "3"}}, namespace)

    def test_a_json_patch_does_what_it_says_or_nothing(self, client, namespace, stored):
        replace = {"op": "replace", "path": "/data/key", "value": "2"}
        with pytest.raises(Invalid, match="A test of the patch did not hold") as caught:
            client.json_patch(CONFIG_MAPS, "a", [{"op": "test", "path": "/data/key", "value": "9"}, replace], namespace)
        assert caught.value.reason == "Invalid"
        patch = [{"op": "test", "path": "/data/key", "value": "1"}, replace]
        assert client.json_patch(CONFIG_MAPS, "a", patch, namespace, type=ConfigMap).data == {"key": "2"}

    @pytest.mark.parametrize(
        "precondition",
        [pytest.param({"uid": "another"}, id="uid"), pytest.param({"resource_version": "1"}, id="version")],
    )
    def test_a_delete_of_another_object_is_a_conflict(self, client, namespace, stored, precondition):
        with pytest.raises(Conflict):
            client.delete(CONFIG_MAPS, "a", namespace, **precondition)
        assert client.get(CONFIG_MAPS, "a", namespace)

    def test_a_delete_of_this_object(self, client, namespace, stored):
        meta = stored.metadata
        client.delete(CONFIG_MAPS, "a", namespace, uid=meta.uid, resource_version=meta.resource_version)
        with pytest.raises(NotFound):
            client.delete(CONFIG_MAPS, "a", namespace)

    def test_a_grace_period_of_nothing_is_sent_too(self, client, namespace, stored):
        client.delete(CONFIG_MAPS, "a", namespace, grace_period_s=0, propagation="Orphan")
        meta = client.get(CONFIG_MAPS, "a", namespace)["metadata"]
        assert (meta["deletionGracePeriodSeconds"], meta["finalizers"]) == (0, ["orphan"])
        client.merge_patch(CONFIG_MAPS, "a", {"metadata": {"finalizers": None}}, namespace)

    def test_status_and_spec_are_written_apart(self, client, namespace):
        body = {"apiVersion": NODE_STATES.api_version, "kind": NODE_STATES.kind, "metadata": {"name": "n"}, "spec": {}}
        client.create(NODE_STATES, body, namespace)
        status = {"spec": {"interfaces": []}, "status": {"syncStatus": "Succeeded"}}
        done = client.merge_patch(NODE_STATES, "n", status, namespace, subresource="status")
        assert done["status"]["syncStatus"] == "Succeeded"
        assert "interfaces" not in done["spec"]

    def test_an_eviction_that_a_budget_forbids_is_for_later(self, recent, client, namespace):
        spec = {"containers": [{"name": "c", "image": "i"}]}
        client.create(PODS, {"metadata": {"name": "p", "labels": {"app": "x"}}, "spec": spec}, namespace)
        ready = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
        client.merge_patch(PODS, "p", {"status": ready}, namespace, subresource="status")
        budget = {"metadata": {"name": "b"}, "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "x"}}}}
        client.create(
            DISRUPTION_BUDGETS, {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", **budget}, namespace
        )
        eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "p", "namespace": namespace}}
        with pytest.raises(Throttled, match="disruption budget") as caught:
            client.create_under(PODS, "p", "eviction", eviction, namespace)
        assert caught.value.retry_after_s


class TestApply:
    def test_it_creates_and_owns_what_it_applies(self, client, namespace):
        done = client.apply(CONFIG_MAPS, "a", {"data": {"key": "1"}}, namespace)
        (entry,) = done["metadata"]["managedFields"]
        assert (entry["manager"], entry["operation"]) == ("sriov-test", "Apply")

    def test_what_another_owns_is_a_conflict_or_taken(self, client, namespace):
        client.apply(CONFIG_MAPS, "a", {"data": {"key": "theirs"}}, namespace, manager="them")
        with pytest.raises(Conflict, match='conflict with "them"'):
            client.apply(CONFIG_MAPS, "a", {"data": {"key": "ours"}}, namespace, force=False)
        assert client.apply(CONFIG_MAPS, "a", {"data": {"key": "ours"}}, namespace)["data"] == {"key": "ours"}

    def test_what_is_applied_no_more_is_taken_away(self, client, namespace):
        client.apply(CONFIG_MAPS, "a", {"data": {"key": "1", "other": "2"}}, namespace)
        assert client.apply(CONFIG_MAPS, "a", {"data": {"key": "1"}}, namespace)["data"] == {"key": "1"}

    def test_a_dry_run_leaves_nothing(self, client, namespace):
        assert client.apply(CONFIG_MAPS, "a", {"data": {"key": "1"}}, namespace, dry_run=True)["data"]
        with pytest.raises(NotFound):
            client.get(CONFIG_MAPS, "a", namespace)


class Counting:
    def __init__(self):
        self.seen = []

    def requested(self, verb, resource, status, seconds):
        self.seen.append((verb, resource, status))


class TestLists:
    def test_1200_objects_come_in_pages(self, server, client, namespace):
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda n: client.create(CONFIG_MAPS, config_map(f"c{n:04}"), namespace), range(1200)))
        counting = Counting()
        listing = admin(server, observer=counting).list(CONFIG_MAPS, namespace, type=ConfigMap)
        names = [item.metadata.name for item in listing.items if item.metadata.name.startswith("c")]
        assert names == [f"c{n:04}" for n in range(1200)]
        assert counting.seen == [("list", "configmaps", 200)] * 3

    def test_selectors(self, client, namespace):
        for name in "ab":
            client.create(CONFIG_MAPS, {"metadata": {"name": name, "labels": {"is": name}}}, namespace)
        by_label = client.list(CONFIG_MAPS, namespace, type=ConfigMap, labels="is in (a)")
        by_name = client.list(CONFIG_MAPS, type=ConfigMap, fields=f"metadata.name=b,metadata.namespace={namespace}")
        assert [item.metadata.name for item in (*by_label.items, *by_name.items)] == ["a", "b"]

    def test_one_that_cannot_be_read_costs_only_itself(self, server, namespace):
        class Strict(msgspec.Struct):
            data: dict[str, int]

        told = []
        client = admin(server, on_unreadable=lambda name, why: told.append((name, why)))
        client.create(CONFIG_MAPS, config_map("garbage", key="no number"), namespace)
        listing = client.list(CONFIG_MAPS, namespace, type=Strict, fields="metadata.name=garbage")
        assert (listing.items, listing.unreadable) == ((), (f"{namespace}/garbage",))
        assert told == [(f"ConfigMap {namespace}/garbage", "Expected `int`, got `str` - at `$.data[...]`")]


@pytest.mark.usefixtures("watchable")
class TestWatches:
    def test_it_goes_on_where_another_ended(self, client, namespace, stop):
        version = client.list(CONFIG_MAPS, namespace, type=ConfigMap).resource_version
        client.create(CONFIG_MAPS, config_map("a"), namespace)
        watch = client.watch(CONFIG_MAPS, namespace, resource_version=version, type=ConfigMap, stop=stop)
        first = next(watch)
        watch.close()
        client.create(CONFIG_MAPS, config_map("b"), namespace)
        client.delete(CONFIG_MAPS, "a", namespace)
        again = client.watch(CONFIG_MAPS, namespace, resource_version=first.resource_version, type=ConfigMap, stop=stop)
        seen = [(event.type, event.key) for event in (first, *itertools.islice(again, 2))]
        assert seen == [("ADDED", f"{namespace}/a"), ("ADDED", f"{namespace}/b"), ("DELETED", f"{namespace}/a")]

    def test_it_has_bookmarks_and_an_end(self, client, namespace, stop):
        """The server sends one two seconds before the end of a watch, of what has changed of the kind by then."""
        version = client.list(CONFIG_MAPS, namespace, type=ConfigMap).resource_version
        client.create(CONFIG_MAPS, config_map("a"), namespace)
        numbers = itertools.count()

        def marked():
            """False when the change came too late for the bookmark of this watch."""
            watch = client.watch(
                CONFIG_MAPS, namespace, resource_version=version, type=ConfigMap, stop=stop, timeout_s=5
            )
            first = next(watch)
            data = {"of": namespace, "number": str(next(numbers))}
            elsewhere = client.apply(CONFIG_MAPS, "a", {"data": data}, "default", type=ConfigMap)
            marks = list(watch)
            assert (first.type, {mark.type for mark in marks} - {"BOOKMARK"}) == ("ADDED", set())
            return bool(marks) and int(marks[-1].resource_version) >= int(elsewhere.metadata.resource_version)

        until(marked)

    def test_a_version_that_is_too_old_is_gone(self, server, client, stop):
        server.restart()  # an API server knows no changes from before its start
        until(lambda: can_watch(client))
        with pytest.raises(Gone, match="too old resource version"):
            next(client.watch(CONFIG_MAPS, resource_version="1", stop=stop))

    def test_a_stop_ends_it_over_tls(self, client, namespace, stop):
        version = client.list(CONFIG_MAPS, namespace).resource_version
        seen, begun = [], threading.Event()

        def read():
            for event in client.watch(CONFIG_MAPS, namespace, resource_version=version, stop=stop):
                seen.append(event.key)
                begun.set()

        with in_thread(read):
            client.create(CONFIG_MAPS, config_map("a"), namespace)
            assert begun.wait(60)
            stop.set()
        assert seen == [f"{namespace}/a"]


def can_watch(client):
    """Whether the API server has filled its cache of ConfigMaps, before which it refuses with 429."""
    opened = threading.Event()
    version = client.list(CONFIG_MAPS).resource_version
    try:
        list(client.watch(CONFIG_MAPS, resource_version=version, stop=opened, opened=opened.set))
    except Throttled:
        return False
    return opened.is_set()


@pytest.fixture
def watchable(client):
    until(lambda: can_watch(client))


@pytest.fixture
def stop():
    event = threading.Event()
    yield event
    event.set()


class TestRights:
    def test_who_may_not_is_told_which_right_is_missing(self, server, namespace):
        client = client_at(server.kubeconfig("somebody"))
        with pytest.raises(Forbidden, match='User "somebody" cannot list') as caught:
            client.list(NODE_STATES, namespace)
        assert 'must allow "list" on "sriovnetworknodestates" of API group' in str(caught.value)

    def test_a_kind_that_is_not_there_is_told_so(self, client):
        unknown = Resource("nobody.example", "v1", "things", "Thing")
        with pytest.raises(NotFound, match=r"has no Thing \(nobody.example/v1\): install its definition"):
            client.list(unknown)

    def test_an_object_that_its_schema_refuses(self, client, namespace):
        body = {"apiVersion": NODE_STATES.api_version, "kind": NODE_STATES.kind, "metadata": {"name": "n"}}
        with pytest.raises(Invalid, match="spec"):
            client.create(NODE_STATES, {**body, "spec": {"interfaces": "many"}}, namespace)


class TestIdentity:
    def test_a_pod_uses_its_service_account(self, server, namespace, tmp_path):
        (tmp_path / "token").write_text(server.token(namespace, "agent"))
        (tmp_path / "ca.crt").write_bytes(server.ca_file.read_bytes())
        parts = urlsplit(server.url)
        environ = {"KUBERNETES_SERVICE_HOST": parts.hostname, "KUBERNETES_SERVICE_PORT": str(parts.port)}
        transport = connect(user_agent="t", environ=environ, service_account=str(tmp_path))
        with pytest.raises(Forbidden, match=f"system:serviceaccount:{namespace}:agent"):
            Client(transport, manager="t").list(NODES)

    def test_a_client_certificate_that_expired_works_again_when_its_file_is_renewed(self, server, tmp_path):
        def issue(lifetime):
            return server.authority.for_user("me", ["system:masters"], lifetime=lifetime).write(tmp_path, "me")

        certificate, key = issue(-DAY)
        known = yaml.safe_load(server.admin_kubeconfig.read_text())
        known["users"][0]["user"] = {"client-certificate": str(certificate), "client-key": str(key)}
        path = tmp_path / "kubeconfig"
        path.write_text(yaml.safe_dump(known))
        client = client_at(path)
        with pytest.raises(Forbidden, match="renew it"):
            client.list(NODES)
        issue(DAY)
        assert client.list(NODES).resource_version

    def test_a_server_of_another_authority_is_not_trusted(self, server, tmp_path):
        known = yaml.safe_load(server.admin_kubeconfig.read_text())
        (tmp_path / "ca.crt").write_bytes(Authority().pem)
        known["clusters"][0]["cluster"] = {"server": server.url, "certificate-authority": str(tmp_path / "ca.crt")}
        path = tmp_path / "kubeconfig"
        path.write_text(yaml.safe_dump(known))
        with pytest.raises(Unavailable, match=r"no trust between .*CERTIFICATE_VERIFY_FAILED"):
            client_at(path).list(NODES)
