"""The status of pools on a real API server, and the finalizer of pools for Open vSwitch offload."""

from collections.abc import Iterator

import pytest
from draining_stage import COMPLETE, DRAIN, DRAINING, GROUP, IDLE, Stage, quiet, stage, stays
from servers import Server

FINALIZER = f"poolconfig.finalizers.{GROUP}"


@pytest.fixture
def pools(server: Server, recent: object, namespace: str) -> Iterator[Stage]:
    with stage(server, namespace) as made:
        yield made


def ready(pools: Stage, reason: str, pool: str = "pool") -> dict[str, str]:
    """The condition Ready, once it has that reason."""

    def found() -> dict[str, str] | None:
        conditions = pools.pool_status(pool).get("conditions", [])
        return next((one for one in conditions if one["type"] == "Ready" and one["reason"] == reason), None)

    condition: dict[str, str] = pools.until(found)
    return condition


def test_a_pool_tells_its_nodes_those_that_drain_and_those_that_wait(pools):
    pools.pool(limit="40%")
    for name in "abcde":
        pools.node(name)
    running = pools.operate()
    assert ready(pools, "PoolReady")["message"] == "5 nodes; up to 2 may be drained at once"
    counts = {"nodes": 5, "maxUnavailable": 2, "draining": 0, "waiting": 0}
    assert pools.until(lambda: counts.items() <= pools.pool_status().items())
    assert running.counted("pool_nodes", pool="pool") == 5
    pools.pod("web", "a")
    pools.budget("keep", "web")
    for number, name in enumerate("abcd"):
        pools.ask(name, DRAIN, f"2026-01-01T00:00:0{number}Z")
    told = pools.until(lambda: _settled(pools, draining=2, waiting=2))
    members = {one["name"].removeprefix(f"{pools.namespace}-"): one for one in told["members"]}
    assert [one["name"][-1] for one in told["members"]] == list("abcd")
    assert {name: one["state"] for name, one in members.items()} == {
        "a": DRAINING,
        "b": COMPLETE,
        "c": "Waiting",
        "d": "Waiting",
    }
    assert "PodDisruptionBudget keep allows 0 disruptions" in members["a"]["reason"]
    assert members["c"]["since"] == "2026-01-01T00:00:02Z"
    busy = ", ".join(pools.full(name) for name in "ab")
    assert members["c"]["reason"] == f"pool pool drains 2 nodes at a time, now {busy}"
    assert members["d"]["reason"].endswith("; 1 waits longer")
    pools.allow("keep", 1)
    pools.serve(*"abcd")
    pools.until(lambda: counts.items() <= pools.pool_status().items() and "members" not in pools.pool_status())
    pools.until(lambda: quiet(running))


def _settled(pools: Stage, *, draining: int, waiting: int) -> dict[str, object] | None:
    """The status once it tells so many, what stands in the way, and since when the agents of those that wait ask."""
    found = pools.pool_status()
    named = found.get("members", [])
    states = [one["state"] for one in named]
    is_told = all(one.get("reason") for one in named) and any("allows 0 disruptions" in one["reason"] for one in named)
    is_dated = all(one.get("since", "").startswith("2026-01-01") for one in named if one["state"] == "Waiting")
    enough = (found.get("draining"), found.get("waiting")) == (draining, waiting)
    return found if enough and is_told and is_dated and COMPLETE in states else None


@pytest.mark.parametrize(
    ("spec", "reason", "says"),
    [
        pytest.param({"maxUnavailable": 0}, "NobodyIsDrained", "maxUnavailable is 0", id="zero"),
        pytest.param({"maxUnavailable": "10%"}, "NobodyIsDrained", "10% of 1 nodes is less than one", id="rounded"),
        pytest.param({"maxUnavailable": "most"}, "NobodyIsDrained", "found 'most'", id="nonsense"),
        pytest.param(
            {"nodeSelector": {"matchExpressions": [{"key": "x", "operator": "Like", "values": ["y"]}]}},
            "BadSelector",
            "found 'Like'",
            id="a-selector-that-nobody-understands",
        ),
    ],
)
def test_a_pool_that_cannot_work_is_not_ready_and_warns(pools, spec, reason, says):
    pools.node("a")
    pools.put_pool({"nodeSelector": {"matchLabels": {"of": pools.namespace}}, **spec})
    pools.operate()
    assert says in ready(pools, reason)["message"]
    pools.until(lambda: any(kind == "Warning" and says in note for kind, _, note in pools.events("pool")))
    pools.put_pool({"nodeSelector": {"matchLabels": {"of": pools.namespace}}, "maxUnavailable": 1})
    assert ready(pools, "PoolReady")["status"] == "True"


def test_pools_that_overlap_name_each_other_and_the_nodes(pools):
    pools.pool("left", limit=1, side="left")
    pools.pool("every", limit=1)
    pools.node("a", side="left")
    pools.node("b")
    pools.operate()
    for one, other in (("left", "every"), ("every", "left")):
        message = ready(pools, "Overlap", one)["message"]
        assert f"pool {other} selects it too: {pools.full('a')}" in message
    pools.label("a", side=None)
    ready(pools, "PoolReady", "left")
    assert pools.until(lambda: pools.pool_status("left").get("nodes") == 0)
    assert ready(pools, "PoolReady", "every")["message"].startswith("2 nodes")


def test_a_pool_follows_its_nodes(pools):
    pools.pool(limit="50%")
    pools.node("a")
    pools.operate()
    assert "less than one" in ready(pools, "NobodyIsDrained")["message"]
    pools.node("b")
    assert ready(pools, "PoolReady")["message"].startswith("2 nodes; up to 1")
    pools.ask("a", DRAIN)
    pools.until(lambda: pools.answer("a") == COMPLETE)
    pools.remove_nodes("b")
    pools.until(lambda: pools.pool_status().get("nodes") == 1)


# --- offload, where there is no OpenShift


def test_a_pool_for_offload_has_a_finalizer_as_long_as_it_has_a_name(pools):
    pools.put_pool({"ovsHardwareOffloadConfig": {"name": "worker"}})
    pools.operate()
    pools.until(lambda: pools.pool_meta().get("finalizers") == [FINALIZER])
    ready(pools, "Offloads")
    pools.put_pool({"maxUnavailable": 1})
    pools.until(lambda: not pools.pool_meta().get("finalizers"))
    ready(pools, "PoolReady")


def test_a_pool_for_offload_can_be_deleted(pools):
    pools.put_pool({"ovsHardwareOffloadConfig": {"name": "worker"}})
    pools.operate()
    pools.until(lambda: pools.pool_meta().get("finalizers"))
    pools.server.admin.done("DELETE", pools.pool_path())
    pools.until(lambda: pools.server.admin.find(pools.pool_path()) is None)


def test_a_finalizer_that_the_incumbent_left_with_a_cleared_name_is_taken_off(pools):
    """The incumbent never looked at such a pool again, so that it could not be deleted."""
    pools.pool()
    pools.finalize(FINALIZER, "other.example/finalizer")
    pools.server.admin.done("DELETE", pools.pool_path())
    pools.operate()
    pools.until(lambda: pools.pool_meta().get("finalizers") == ["other.example/finalizer"])


def test_without_a_configuration_no_pool_is_touched(pools):
    pools.remove(pools.config_path)
    pools.put_pool({"ovsHardwareOffloadConfig": {"name": "worker"}})
    running = pools.operate()
    assert stays(lambda: not pools.pool_meta().get("finalizers") and not running.writes)
    pools.configure()
    pools.until(lambda: pools.pool_meta().get("finalizers"))


def test_nodes_of_an_offload_pool_are_drained_by_the_built_in_one(pools):
    pools.put_pool({"ovsHardwareOffloadConfig": {"name": "worker"}})
    pools.node("a", DRAIN)
    pools.node("b", DRAIN)
    pools.operate()
    pools.until(lambda: sorted(pools.answer(name) for name in "ab") == [COMPLETE, IDLE])
    assert pools.pool_status().get("nodes", 0) == 0
