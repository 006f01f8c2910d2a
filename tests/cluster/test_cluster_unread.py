"""Objects that the operator will not read: the API server warns whoever writes them, without any webhook."""

from collections.abc import Iterator
from typing import Any

import pytest
from kube_clients import until
from servers import Server
from serving_processes import User, applied

from sriov_core.api.wire import GROUP
from sriov_operator.deployment import unreadwarning

HOME, ELSEWHERE = "unread-operator", "unread-elsewhere"
POLICY = {"resourceName": "fast", "numVfs": 1, "nicSelector": {"vendor": "8086"}, "nodeSelector": {"a": "b"}}
SPECS: dict[str, dict[str, Any]] = {
    "SriovNetworkNodePolicy": POLICY,
    "SriovNetworkPoolConfig": {"maxUnavailable": 1},
    "SriovOperatorConfig": {},
    "SriovNetwork": {"resourceName": "fast"},
}


@pytest.fixture(scope="module")
def user(server: Server, recent: object) -> Iterator[User]:
    for name in (HOME, ELSEWHERE):
        server.admin.create_namespace(name)
    found = User(server)

    def said() -> str:
        return found.create(thing("SriovOperatorConfig", ELSEWHERE), dry_run=True).warnings

    until(lambda: not said())  # what another test has just taken away warns for a moment more
    with applied(server, unreadwarning.manifests(HOME)):
        until(lambda: "has no effect" in said())
        yield found
    for name in (HOME, ELSEWHERE):
        server.admin.remove_namespace(name)


def thing(kind: str, namespace: str, name: str = "default") -> dict[str, Any]:
    head = {"apiVersion": f"{GROUP}/v1", "kind": kind, "metadata": {"name": name, "namespace": namespace}}
    return {**head, "spec": SPECS[kind]}


@pytest.mark.parametrize("kind", ["SriovNetworkNodePolicy", "SriovNetworkPoolConfig", "SriovOperatorConfig"])
def test_what_is_not_in_the_operators_namespace_is_taken_with_a_warning(user: User, kind: str) -> None:
    reply = user.create(thing(kind, ELSEWHERE), dry_run=True)
    assert reply.status == 201
    assert f"{kind} {ELSEWHERE}/default has no effect" in reply.warnings
    assert f"the operator reads this kind in its own namespace {HOME} only. Create it there" in reply.warnings


def test_a_change_is_warned_of_too(user: User) -> None:
    document = thing("SriovNetworkPoolConfig", ELSEWHERE)
    assert user.create(document).status == 201
    reply = user.change(document, {"spec": {"maxUnavailable": 2}})
    assert (reply.status, "has no effect" in reply.warnings) == (200, True)
    assert user.delete(document).warnings == ""


def test_a_configuration_of_another_name_is_warned_of(user: User) -> None:
    reply = user.create(thing("SriovOperatorConfig", HOME, "mine"), dry_run=True)
    assert reply.status == 201
    assert f"SriovOperatorConfig {HOME}/mine has no effect: the operator reads the one named default" in reply.warnings


@pytest.mark.parametrize(
    ("kind", "namespace"),
    [
        pytest.param("SriovNetworkNodePolicy", HOME, id="policy-at-home"),
        pytest.param("SriovNetworkPoolConfig", HOME, id="pool-at-home"),
        pytest.param("SriovOperatorConfig", HOME, id="configuration-at-home"),
        pytest.param("SriovNetwork", ELSEWHERE, id="network-elsewhere"),
    ],
)
def test_what_is_read_is_not_warned_of(user: User, kind: str, namespace: str) -> None:
    reply = user.create(thing(kind, namespace), dry_run=True)
    assert (reply.status, reply.warnings) == (201, "")
