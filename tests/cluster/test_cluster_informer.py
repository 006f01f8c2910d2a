"""An informer at a real API server that is killed, restarted, loses its etcd, or cannot be reached for a while."""

import threading

import msgspec
import pytest
from kube_clients import PATIENCE_S, ConfigMap, Gate, admin, client_at, config_map, until

from sriov_core.kube.failures import Unavailable
from sriov_core.kube.informer import Informer
from sriov_core.kube.lean import LeanMeta
from sriov_core.kube.resource import CONFIG_MAPS


class Follower:
    """A handler that knows only what it was told, and notices what was told twice, out of order or not at all."""

    def __init__(self):
        self.known = {}
        self.wrong = []
        self.deletions = []

    def __call__(self, before, after):
        key = (after or before).metadata.name
        if (known := self.known.get(key)) != before and after is not None:
            self.wrong.append((key, known, before))
        if after is None:
            self.deletions.append(key)
            if self.known.pop(key, None) is None:
                self.wrong.append((key, None, before))
        else:
            self.known[key] = after

    def versions(self):
        return {key: value.metadata.resource_version for key, value in self.known.copy().items()}


@pytest.fixture
def stop():
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def gate(server):
    made = Gate(server.url)
    yield made
    made.shut()


@pytest.fixture
def followed(server, namespace, stop, gate):
    """A follower of the namespace's ConfigMaps, by way of the gate; it knows a, b and c."""
    client = admin(server)
    for name in "abc":
        client.create(CONFIG_MAPS, config_map(name), namespace)
    kubeconfig = server.kubeconfig("informer", ["system:masters"], url=gate.url)
    informer = Informer(client_at(kubeconfig), CONFIG_MAPS, ConfigMap, namespace=namespace)
    follower = Follower()
    informer.subscribe(follower)
    informer.start(stop)
    assert informer.wait_synced(PATIENCE_S)
    yield follower, informer
    stop.set()
    assert informer.join(PATIENCE_S)


def there(client, namespace):
    listing = client.list(CONFIG_MAPS, namespace, type=ConfigMap)
    return {item.metadata.name: item.metadata.resource_version for item in listing.items}


def agrees(follower, informer, client, namespace):
    """Wait until the follower and the cache know exactly what the server has."""
    truth = there(client, namespace)
    until(lambda: follower.versions() == truth)
    assert {item.metadata.name: item.metadata.resource_version for item in informer.items()} == truth
    assert follower.wrong == []


def change_everything(client, namespace):
    client.delete(CONFIG_MAPS, "a", namespace)
    client.merge_patch(CONFIG_MAPS, "b", {"data": {"changed": "yes"}}, namespace)
    client.delete(CONFIG_MAPS, "c", namespace)
    client.create(CONFIG_MAPS, config_map("c", made="anew"), namespace)
    client.create(CONFIG_MAPS, config_map("d"), namespace)
    client.create(CONFIG_MAPS, config_map("e"), namespace)
    client.delete(CONFIG_MAPS, "e", namespace)


def test_it_follows_every_change(followed, server, namespace):
    follower, informer = followed
    client = admin(server)
    change_everything(client, namespace)
    agrees(follower, informer, client, namespace)
    assert follower.deletions == ["a", "c", "e"]


def test_what_happened_while_it_could_not_look_is_told_as_differences(followed, server, namespace, gate):
    follower, informer = followed
    client = admin(server)
    gate.shut()
    change_everything(client, namespace)
    gate.open()
    agrees(follower, informer, client, namespace)
    assert "a" in follower.deletions


def test_a_cut_alone_lists_nothing_and_loses_nothing(followed, server, namespace, gate):
    follower, informer = followed
    client = admin(server)
    client.create(CONFIG_MAPS, config_map("first"), namespace)
    until(lambda: "first" in follower.known)
    gate.cut()
    change_everything(client, namespace)
    agrees(follower, informer, client, namespace)
    assert follower.deletions == ["a", "c", "e"], "each was told, for it went on from the version that it knew"


def killed(server):
    server.kill()
    server.restart()


def etcd_killed(server):
    server.kill_etcd()
    server.start_etcd()


def takes_writes(client, namespace):
    """The API server is ready before each of its connections to etcd is there again."""
    try:
        client.merge_patch(CONFIG_MAPS, "b", {"data": {"again": "yes"}}, namespace)
    except Unavailable:
        return False
    return True


def both_killed(server):
    server.kill()
    server.kill_etcd()
    server.restart()


@pytest.mark.parametrize(
    "outage",
    [
        pytest.param(killed, id="api-server-killed"),
        pytest.param(etcd_killed, id="etcd-killed"),
        pytest.param(both_killed, id="both-killed"),
    ],
)
def test_nothing_is_lost_when_the_server_comes_back(followed, server, namespace, outage):
    follower, informer = followed
    client = admin(server)
    outage(server)
    until(lambda: takes_writes(client, namespace))
    change_everything(client, namespace)
    agrees(follower, informer, client, namespace)
    assert "a" in follower.deletions


def test_a_version_from_before_a_restart_is_too_old_and_loses_nothing(followed, server, namespace, gate):
    """The server knows no changes from before its start, so that version is gone, or the list was read again."""
    follower, informer = followed
    client = admin(server)
    gate.shut()
    change_everything(client, namespace)
    server.restart()
    gate.open()
    agrees(follower, informer, client, namespace)


def test_an_informer_that_starts_before_the_server_waits_for_it(server, namespace, stop, gate):
    client = admin(server)
    client.create(CONFIG_MAPS, config_map("a"), namespace)
    gate.shut()
    failures = []
    kubeconfig = server.kubeconfig("informer", ["system:masters"], url=gate.url)
    informer = Informer(client_at(kubeconfig), CONFIG_MAPS, ConfigMap, namespace=namespace, on_failure=failures.append)
    informer.start(stop)
    until(lambda: failures)
    assert not informer.synced
    gate.open()
    assert informer.wait_synced(PATIENCE_S)
    assert informer.get(f"{namespace}/a")


def test_garbage_written_by_hand_stops_nothing(server, namespace, stop):
    """A size that is no number, in a kind without a schema for it."""

    class Sized(msgspec.Struct, frozen=True):
        metadata: LeanMeta
        data: dict[str, int] = {}

    told = []
    client = admin(server, on_unreadable=lambda name, _: told.append(name))
    client.create(CONFIG_MAPS, {"metadata": {"name": "good"}}, namespace)
    informer = Informer(client, CONFIG_MAPS, Sized, namespace=namespace, fields="metadata.name!=kube-root-ca.crt")
    informer.start(stop)
    assert informer.wait_synced(PATIENCE_S)
    client.merge_patch(CONFIG_MAPS, "good", {"data": {"size": "garbage"}}, namespace)
    until(lambda: told)
    client.create(CONFIG_MAPS, {"metadata": {"name": "next"}}, namespace)
    until(lambda: informer.get(f"{namespace}/next"))
    assert informer.get(f"{namespace}/good").data == {}
    assert set(told) == {f"ConfigMap {namespace}/good"}
