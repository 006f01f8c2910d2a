"""Fields of pools and of the configuration that nobody acts on, on a real API server."""

from collections.abc import Iterator

import pytest
from deployments import Home, homes
from draining_stage import Stage, stage
from operator_runs import until
from servers import Server


@pytest.fixture
def pools(server: Server, recent: object, namespace: str) -> Iterator[Stage]:
    with stage(server, namespace) as made:
        yield made


@pytest.fixture
def home(server: Server, namespace: str) -> Iterator[Home]:
    yield from homes(server, namespace)


def accepted(document: dict | None) -> dict:
    conditions = (document or {}).get("status", {}).get("conditions", [])
    return next((one for one in conditions if one["type"] == "Accepted"), {})


def test_a_pool_names_the_fields_that_nobody_acts_on(pools):
    pools.operate()
    pools.put_pool({"maxUnavailable": 1, "nodeSelectr": {}})
    found = pools.until(lambda: accepted(pools.server.admin.find(pools.pool_path())))
    assert (found["status"], found["reason"]) == ("False", "UnknownFields")
    assert "spec.nodeSelectr: unknown field. Did you mean nodeSelector?" in found["message"]
    pools.put_pool({"maxUnavailable": 1})
    pools.until(lambda: not accepted(pools.server.admin.find(pools.pool_path())))


def test_a_pool_with_a_misspelled_limit_drains_one_node_at_a_time(pools):
    pools.operate()
    pools.put_pool({"maxUnavaliable": 2})
    pools.until(lambda: pools.pool_status().get("maxUnavailable") == 1)
    pools.until(lambda: accepted(pools.server.admin.find(pools.pool_path())))
    (ready,) = (one for one in pools.pool_status()["conditions"] if one["type"] == "Ready")
    assert ready["status"] == "True"
    assert "spec.maxUnavaliable is no field that anybody reads. Give maxUnavailable" in ready["message"]
    assert ready["message"].count("maxUnavaliable") == 1


def test_the_configuration_names_the_fields_that_nobody_acts_on(home):
    home.start()
    home.create(enableInjektor=True)
    found = until(lambda: accepted(home.config()))
    assert (found["status"], found["reason"]) == ("False", "UnknownFields")
    assert "spec.enableInjektor: unknown field. Did you mean enableInjector?" in found["message"]
    until(lambda: ("Warning", "AcceptedAdded") in home.events())
    home.change(enableInjektor=None)
    until(lambda: not accepted(home.config()))
    home.told("True")
