"""A dashboard for Grafana: what the cluster is to be, what is done for it, and whether all is well. No I/O."""

import json
from typing import Any

_WIDTH, _HEIGHT, _COLUMNS = 8, 7, 24

PANELS = (
    ("Works", "max(sriov_operator_leader)", "", "short"),
    ("Managed nodes", "max(sriov_operator_managed_nodes)", "", "short"),
    ("Policies", "max by (state) (sriov_operator_policies)", "{{state}}", "short"),
    ("Networks", "max by (kind, ready) (sriov_operator_networks)", "{{kind}} ready {{ready}}", "short"),
    ("Drains that wait", "max(sriov_operator_drains_pending)", "wait", "short"),
    ("Drains that are late", "max(sriov_operator_drains_overdue)", "late", "short"),
    ("Reboots asked for", "max(sriov_operator_reboots_pending)", "reboots", "short"),
    ("NICs by plugin", "sum by (plugin) (sriov_agent_nics)", "{{plugin}}", "short"),
    ("NICs without a plugin", "sum(sriov_agent_nics_unmanaged)", "unmanaged", "short"),
    ("VFs by driver and use", "sum by (driver, used) (sriov_agent_vfs)", "{{driver}} used {{used}}", "short"),
    (
        "Steps that failed",
        'sum by (kind) (increase(sriov_agent_steps_total{outcome="failed"}[15m]))',
        "{{kind}}",
        "short",
    ),
    ("Drift", "sum by (instance) (increase(sriov_agent_drift_total[1h]))", "{{instance}}", "short"),
    (
        "Passes",
        "sum by (controller, outcome) (rate(sriov_operator_reconcile_seconds_count[5m]))",
        "{{controller}} {{outcome}}",
        "ops",
    ),
    ("Keys that wait", "max by (controller) (sriov_operator_queue_depth)", "{{controller}}", "short"),
    ("Requests to the API server", "sum by (code) (rate(sriov_operator_api_requests_total[5m]))", "{{code}}", "reqps"),
    ("Requests of agents", "sum by (code) (rate(sriov_agent_api_requests_total[5m]))", "{{code}}", "reqps"),
    (
        "Reviews",
        "sum by (webhook, verdict) (rate(sriov_webhook_requests_total[5m]))",
        "{{webhook}} {{verdict}}",
        "reqps",
    ),
    ("Certificates end in", "sriov_operator_certificate_expiry_seconds - time()", "{{secret}}", "s"),
)
"""Title, expression, legend and unit, in the order of reading."""


def dashboard() -> str:
    """The dashboard as JSON."""
    panels = [_panel(number, *panel) for number, panel in enumerate(PANELS)]
    source = {"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Prometheus"}
    return (
        json.dumps(
            {
                "title": "SR-IOV",
                "uid": "sriov-core",
                "tags": ["sriov"],
                "schemaVersion": 39,
                "time": {"from": "now-6h", "to": "now"},
                "refresh": "1m",
                "templating": {"list": [source]},
                "panels": panels,
            },
            indent=1,
        )
        + "\n"
    )


def _panel(number: int, title: str, expression: str, legend: str, unit: str) -> dict[str, Any]:
    per_row = _COLUMNS // _WIDTH
    place = {"x": number % per_row * _WIDTH, "y": number // per_row * _HEIGHT, "w": _WIDTH, "h": _HEIGHT}
    return {
        "id": number + 1,
        "title": title,
        "type": "timeseries",
        "datasource": {"type": "prometheus", "uid": "${datasource}"},
        "gridPos": place,
        "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
        "targets": [{"refId": "A", "expr": expression, "legendFormat": legend}],
    }
