"""The alerts of docs/metrics.md as a PrometheusRule. No I/O."""

import re
from collections.abc import Mapping

import attrs

from sriov_core.api.yamltext import yaml_documents

CRITICAL, WARNING = "critical", "warning"

NAMES: Mapping[str, tuple[str, str]] = {
    "SriovOperatorGone": ("absent(sriov_operator_leader)", CRITICAL),
    "SriovOperatorTwice": ("sum(sriov_operator_leader) > 1", CRITICAL),
    "SriovConfigurationMissing": ("max(sriov_operator_config_missing)", WARNING),
    "SriovOperatorRefused": ('sum by (code) (increase(sriov_operator_api_requests_total{code=~"401', CRITICAL),
    "SriovOperatorWithoutApiServer": ('sum(increase(sriov_operator_api_requests_total{code="none"}', WARNING),
    "SriovOperatorBlind": ("max by (resource) (sriov_operator_informer_silence_seconds)", CRITICAL),
    "SriovOperatorBug": ('increase(sriov_operator_reconcile_seconds_count{outcome="broken"}', WARNING),
    "SriovControllerFailing": ('increase(sriov_operator_reconcile_seconds_count{outcome="failed"}', WARNING),
    "SriovControllerBusy": ("sriov_operator_queue_depth", WARNING),
    "SriovPolicyFailed": ('sriov_operator_policies{state="failed"}', WARNING),
    "SriovNetworkNotReady": ('sriov_operator_networks{ready="False"}', WARNING),
    "SriovPluginConflict": ("sriov_operator_plugin_conflicts", WARNING),
    "SriovDrainOverdue": ("sriov_operator_drains_overdue", WARNING),
    "SriovRolloutIncomplete": ('sriov_operator_rollout_nodes{state="desired"}', WARNING),
    "SriovCertificateExpires": ("sriov_operator_certificate_expiry_seconds", CRITICAL),
    "SriovNodeFailing": ('increase(sriov_agent_pass_seconds_count{outcome="failed"}', WARNING),
    "SriovNodeWaitsForDrain": ('sriov_agent_waiting{what="drain"}', WARNING),
    "SriovNodeWaitsForReboot": ('sriov_agent_waiting{what="reboot"}', WARNING),
    "SriovNodeDrift": ("increase(sriov_agent_drift_total", WARNING),
    "SriovNodeWithoutApiServer": ("sum by (instance) (increase(sriov_agent_api_requests_total", WARNING),
    "SriovWebhookCertificateRefused": ("sriov_webhook_certificate_refused", CRITICAL),
    "SriovWebhookCertificateExpires": ("sriov_webhook_certificate_expiry_timestamp_seconds", CRITICAL),
    "SriovWebhookBlind": ("max by (resource) (sriov_webhook_cache_outage_seconds)", WARNING),
    "SriovWebhookBug": ("sum by (webhook) (increase(sriov_webhook_requests_total", WARNING),
}
"""The name of each alert and its severity, by how its expression begins."""

_ROW = re.compile(r"^\| `(?P<expression>[^`]+)` \| (?P<time>\w+) \| (?P<meaning>.+) \|$", re.MULTILINE)


@attrs.frozen
class Alert:
    """One row of the table, with its name."""

    name: str
    severity: str
    expression: str
    time: str
    meaning: str


def alerts(text: str) -> list[Alert]:
    """Those of the section "What to alert on". ValueError when a row has no name, or a name no row."""
    section = text.partition("\n## What to alert on\n")[2].partition("\n## ")[0]
    found = [_alert(row["expression"].replace(r"\|", "|"), row) for row in _ROW.finditer(section)]
    if lost := sorted(set(NAMES) - {alert.name for alert in found}):
        raise ValueError(f"docs/metrics.md has no expression for {', '.join(lost)}")
    return found


def rule_template(text: str) -> str:
    """A PrometheusRule with the alerts."""
    rules = [
        {
            "alert": one.name,
            "expr": one.expression,
            "for": one.time,
            "labels": {"severity": one.severity},
            "annotations": {"summary": one.meaning.replace("`", ""), "runbook_url": f"RUNBOOKS/{one.name}.md"},
        }
        for one in alerts(text)
    ]
    body = yaml_documents([{"spec": {"groups": [{"name": "sriov-network-operator", "rules": rules}]}}])
    body = body.removeprefix("---\n").replace("RUNBOOKS", "{{ .Values.monitoring.runbooks }}")
    return f"{_HEAD}{body}{{{{- end }}}}\n"


_HEAD = """{{- if .Values.monitoring.alerts }}
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: {{ include "sriov-network-operator.fullname" . }}
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "sriov-network-operator.labels" . | nindent 4 }}
    {{- with .Values.monitoring.labels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
"""


def _alert(expression: str, row: re.Match[str]) -> Alert:
    named = [(name, severity) for name, (start, severity) in NAMES.items() if expression.startswith(start)]
    if len(named) != 1:
        raise ValueError(f"docs/metrics.md: {expression}: wanted one name in chart_alerts.py, found {len(named)}")
    name, severity = named[0]
    return Alert(name, severity, expression, row["time"], row["meaning"])
