"""The chart's values: their schema and the table in the documentation, both made from values.yaml. No I/O."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import attrs
import yaml

_TEXT = {"type": "string"}
_NUMBER_OR_TEXT = {"type": ["string", "integer"]}
_PORT = {"type": ["string", "integer"], "pattern": "^[0-9]{1,5}$", "minimum": 1, "maximum": 65535}
_ADDRESS = {"type": "string", "pattern": "^(0|[^ ]*:[0-9]{1,5})?$"}
_NAME = {"type": "string", "pattern": "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$", "maxLength": 253}
_MAP = {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}}
_LABELS = {"type": "object", "additionalProperties": _TEXT}
_TEXTS = {"type": "array", "items": _TEXT}
_FREE: dict[str, Any] = {"type": "object"}
_CONTROLLERS = ["nodestates", "networks", "deployment", "pools", "drain"]

SPECIAL: dict[str, Mapping[str, Any]] = {
    "operator.replicas": {"type": "integer", "minimum": 0},
    "operator.metricsBindAddress": _ADDRESS,
    "operator.configDaemonMetricsBindAddress": _ADDRESS,
    "operator.admissionControllers.metricsBindAddress": _ADDRESS,
    "operator.drainDeadlineSeconds": {"type": "integer", "minimum": 1, "maximum": 604800},
    "operator.podEvictionPolicy": {"enum": ["evict", "delete"]},
    "operator.clusterType": {"enum": ["kubernetes", "openshift"]},
    "operator.disabledControllers": {"type": "array", "items": {"enum": _CONTROLLERS}},
    "operator.tolerations": {"type": "array", "items": _FREE},
    "operator.nodeSelector": _LABELS,
    "operator.extraEnv": _MAP,
    "operator.affinity": _FREE,
    "operator.resources": _FREE,
    "operator.cniBinPath": {"type": "string", "pattern": "^/"},
    "operator.resourcePrefix": _NAME,
    "operator.staleNodeStateCleanupDelayMinutes": _NUMBER_OR_TEXT,
    "operator.metricsExporter.port": _PORT,
    "operator.metricsExporter.certificates.secretName": _NAME,
    "operator.admissionControllers.networkPolicy.operator.port": _PORT,
    "operator.admissionControllers.networkPolicy.injector.port": _PORT,
    "operator.admissionControllers.certificates.secretNames.operator": _NAME,
    "operator.admissionControllers.certificates.secretNames.injector": _NAME,
    "sriovOperatorConfig.configDaemonNodeSelector": _LABELS,
    "sriovOperatorConfig.logLevel": {"type": "integer", "minimum": 0, "maximum": 2},
    "sriovOperatorConfig.configurationMode": {"enum": ["daemon", "systemd"]},
    "sriovOperatorConfig.disablePlugins": _TEXTS,
    "sriovOperatorConfig.featureGates": {"type": "object", "additionalProperties": {"type": "boolean"}},
    "sriovOperatorConfig.configDaemonEnvVars": _MAP,
    "supportedExtraNICs": {"type": "array", "items": {"anyOf": [_TEXT, _LABELS]}},
    "monitoring.labels": _LABELS,
    "imagePullSecrets": {
        "type": "array",
        "items": {"anyOf": [_NAME, {"type": "object", "properties": {"name": _NAME}, "required": ["name"]}]},
    },
    "extraDeploy": {"type": "array", "items": {"type": ["string", "object"]}},
}
"""What a value may be, where its default does not say it."""


@attrs.frozen
class Value:
    """One value: its name with dots, its default, and the comment before it."""

    name: str
    default: Any
    meaning: str


def values(text: str) -> list[Value]:
    """The values in the order of the file. ValueError for one without a comment before it."""
    found = list(_leaves(yaml.safe_load(text), ""))
    comments = dict(_comments(text))
    if missing := [name for name, _ in found if name not in comments]:
        raise ValueError(f"values.yaml: a comment has to stand before {', '.join(missing)}")
    return [Value(name, default, comments[name]) for name, default in found]


def schema(text: str) -> str:
    """values.schema.json: every name that is not in values.yaml is refused."""
    root = _object(yaml.safe_load(text), "")
    root["properties"]["global"] = _FREE  # Helm gives it to charts that are part of another
    return json.dumps({"$schema": "http://json-schema.org/draft-07/schema#", **root}, indent=2) + "\n"


def table(text: str) -> str:
    """The values as a table of Markdown."""
    rows = [f"| `{one.name}` | {_shown(one.default)} | {one.meaning} |" for one in values(text)]
    return "\n".join(["| value | default | meaning |", "|---|---|---|", *rows]) + "\n"


def _object(found: Mapping[str, Any], path: str) -> dict[str, Any]:
    parts = {key: _schema_of(value, f"{path}{key}") for key, value in found.items()}
    return {"type": "object", "properties": parts, "additionalProperties": False}


def _schema_of(value: Any, path: str) -> Mapping[str, Any]:
    if path in SPECIAL:
        return SPECIAL[path]
    if isinstance(value, dict):
        return _object(value, f"{path}.")
    return {"type": "boolean"} if isinstance(value, bool) else _TEXT


def _leaves(found: Mapping[str, Any], path: str) -> Iterator[tuple[str, Any]]:
    for key, value in found.items():
        name = f"{path}{key}"
        if isinstance(value, dict) and name not in SPECIAL:
            yield from _leaves(value, f"{name}.")
        else:
            yield name, value


def _comments(text: str) -> Iterator[tuple[str, str]]:
    """The lines of comment directly before a key, by the key's name with dots."""
    path: list[tuple[int, str]] = []
    before: list[str] = []
    for line in text.splitlines():
        comment = re.fullmatch(r" *# ?(.*)", line)
        key = re.match(r"( *)([\w/.-]+):", line)
        if comment:
            before.append(comment[1])
            continue
        if key:
            path = [(indent, name) for indent, name in path if indent < len(key[1])] + [(len(key[1]), key[2])]
            if before:
                yield ".".join(name for _, name in path), " ".join(before)
        before = []


def _shown(default: Any) -> str:
    if default == "":
        return "none"
    text = json.dumps(default)
    return f"`{text}`" if len(text) < 60 else "see values.yaml"
