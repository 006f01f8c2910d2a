"""Metrics: what stands in them, and that every name a controller uses is declared."""

import ast
import logging
import threading
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

import sriov_operator
from sriov_operator.process.health import Health
from sriov_operator.process.metrics import DECLARED, Declared, Metrics

SOURCES = Path(sriov_operator.__file__).parent


def samples(metrics: Metrics) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    families = text_string_to_metric_families(metrics.text().decode())
    return {(one.name, frozenset(one.labels.items())): one.value for family in families for one in family.samples}


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return samples(metrics).get((f"sriov_operator_{name}", frozenset(labels.items())))


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(strict=True)


@pytest.mark.parametrize("one", DECLARED, ids=lambda one: one.name)
def test_what_is_declared_can_be_set(metrics: Metrics, one: Declared) -> None:
    labels = dict.fromkeys(one.labels, "x")
    if one.kind == "gauge":
        metrics.gauge(one.name, 2, **labels)
        metrics.gauge(one.name, 3, **labels)
        assert value(metrics, one.name, **labels) == 3
    else:
        metrics.count(one.name, **labels)
        metrics.count(one.name, **labels)
        assert value(metrics, f"{one.name}_total", **labels) == 2


def test_names_are_declared_once_and_explained() -> None:
    names = [one.name for one in DECLARED]
    assert len(set(names)) == len(names)
    assert all(one.text.endswith(".") for one in DECLARED)


def calls(tree: ast.AST) -> list[ast.Call]:
    """Calls of ``...metrics.gauge`` and ``...metrics.count``."""
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]
    return [call for call in found if call.func.attr in ("gauge", "count") and _is_metrics(call.func.value)]


def _is_metrics(node: ast.expr) -> bool:
    name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
    return name.strip("_") == "metrics"


@pytest.mark.parametrize("path", sorted(SOURCES.rglob("*.py")), ids=lambda path: path.relative_to(SOURCES).as_posix())
def test_every_metric_in_the_sources_is_declared_with_these_labels(path: Path) -> None:
    declared = {(one.kind, one.name): set(one.labels) for one in DECLARED}
    for call in calls(ast.parse(path.read_text())):
        kind = {"gauge": "gauge", "count": "counter"}[call.func.attr]
        name = call.args[0]
        if isinstance(name, ast.Constant) and all(keyword.arg for keyword in call.keywords):
            assert declared.get((kind, name.value)) == {keyword.arg for keyword in call.keywords}, ast.unparse(call)


@pytest.mark.parametrize(
    ("kind", "name", "labels"),
    [
        pytest.param("gauge", "policie", {}, id="unknown-name"),
        pytest.param("gauge", "policies", {}, id="label-left-out"),
        pytest.param("gauge", "managed_nodes", {"pool": "a"}, id="label-too-many"),
        pytest.param("count", "managed_nodes", {}, id="gauge-as-counter"),
    ],
)
def test_what_is_not_declared_is_an_error_here_and_a_line_in_the_log_there(
    metrics: Metrics, caplog: pytest.LogCaptureFixture, kind: str, name: str, labels: dict[str, str]
) -> None:
    def use(found: Metrics) -> None:
        found.gauge(name, 1, **labels) if kind == "gauge" else found.count(name, **labels)

    with pytest.raises(ValueError, match=name):
        use(metrics)
    lenient = Metrics()
    with caplog.at_level(logging.ERROR, "sriov_operator"):
        use(lenient)
        use(lenient)
    assert len(caplog.records) == 1
    assert name in caplog.text


def test_requests_are_counted_by_what_was_asked_and_answered(metrics: Metrics) -> None:
    metrics.requested("get", "nodes", 200, 0.2)
    metrics.requested("get", "nodes", 404, 0.2)
    metrics.requested("patch", "nodes", 0, 45.0)
    assert value(metrics, "api_requests_total", verb="get", resource="nodes", code="200") == 1
    assert value(metrics, "api_requests_total", verb="get", resource="nodes", code="404") == 1
    assert value(metrics, "api_requests_total", verb="patch", resource="nodes", code="none") == 1
    assert value(metrics, "api_request_seconds_count", verb="get") == 2
    assert value(metrics, "api_request_seconds_sum", verb="patch") == 45


def test_the_length_of_watches_is_no_latency(metrics: Metrics) -> None:
    metrics.requested("watch", "nodes", 200, 300.0)
    assert value(metrics, "api_requests_total", verb="watch", resource="nodes", code="200") == 1
    assert value(metrics, "api_request_seconds_count", verb="watch") is None


def test_passes_and_queues_are_counted_by_controller(metrics: Metrics) -> None:
    metrics.reconciled("networks", "ok", 0.3)
    metrics.depth("networks", 7)
    assert value(metrics, "reconcile_seconds_count", controller="networks", outcome="ok") == 1
    assert value(metrics, "queue_depth", controller="networks") == 7


def test_probes_are_told_of_passes_and_queues_too() -> None:
    health = Health(stuck_s=-1.0)
    metrics = Metrics(health)
    metrics.depth("networks", 1)
    assert not health.alive().good
    metrics.depth("networks", 0)
    assert health.alive().good


def test_leadership_and_silence_are_shown(metrics: Metrics) -> None:
    class Cache:
        silent_s = 12.5

    metrics.leads(leader=True)
    metrics.listens("nodes", Cache())
    assert value(metrics, "leader") == 1
    assert value(metrics, "informer_silence_seconds", resource="nodes") == 12.5
    metrics.leads(leader=False)
    assert value(metrics, "leader") == 0


def test_two_processes_in_one_share_nothing() -> None:
    first, second = Metrics(strict=True), Metrics(strict=True)
    first.gauge("managed_nodes", 1)
    assert value(second, "managed_nodes") == 0


def test_many_threads_lose_no_count(metrics: Metrics) -> None:
    threads = [
        threading.Thread(target=lambda: [metrics.count("renders") for _ in range(500)], daemon=True) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert value(metrics, "renders_total") == 4000


def test_memory_and_time_of_the_process_are_there(metrics: Metrics) -> None:
    names = {name for name, _ in samples(metrics)}
    assert {"process_resident_memory_bytes", "process_cpu_seconds_total"} <= names
