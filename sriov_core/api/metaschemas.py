"""Schemas of the parts of an object that Kubernetes itself defines: conditions and label selectors.

Their fields have rules and meanings of their own, fixed by meta/v1 of the Kubernetes API, which the wire types do not
carry. Nothing here does I/O.
"""

from typing import Any

ATOMIC = {"x-kubernetes-list-type": "atomic"}
"""A list that one writer owns as a whole."""
KEPT = {"x-kubernetes-preserve-unknown-fields": True}
"""An object that keeps fields which are not declared."""

_REASON = "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$"
_LABEL = r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_SUBDOMAIN = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"


def conditions() -> dict[str, Any]:
    """The list of conditions in a status: each writer owns the conditions of its own types."""
    return {
        "type": "array",
        "description": "What is known of the object; Ready sums it up.",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["type"],
        "items": _condition(),
    }


def label_selector() -> dict[str, Any]:
    """A label selector of a wish, owned as a whole by one writer."""
    return {
        "type": "object",
        "x-kubernetes-map-type": "atomic",
        **KEPT,
        "properties": {
            "matchLabels": {
                "type": "object",
                "description": "Labels with their values, all of which must be there.",
                "additionalProperties": {"type": "string"},
            },
            "matchExpressions": {
                "type": "array",
                "description": "Expressions over labels, all of which must hold.",
                **ATOMIC,
                "items": _requirement(),
            },
        },
    }


def _requirement() -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["key", "operator"],
        **KEPT,
        "properties": {
            "key": {"type": "string", "description": "The key of the label."},
            "operator": {"type": "string", "description": "In, NotIn, Exists or DoesNotExist."},
            "values": {
                "type": "array",
                "description": "The values that In and NotIn compare with; empty for Exists and DoesNotExist.",
                **ATOMIC,
                "items": {"type": "string"},
            },
        },
    }


def _condition() -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["type", "status", "lastTransitionTime", "reason", "message"],
        "properties": {
            "type": {
                "type": "string",
                "description": "What the condition is about, such as Ready.",
                "maxLength": 316,
                "pattern": f"^({_SUBDOMAIN}/)?({_LABEL})$",
            },
            "status": {
                "type": "string",
                "description": "Whether it holds.",
                "enum": ["True", "False", "Unknown"],
            },
            "observedGeneration": {
                "type": "integer",
                "format": "int64",
                "description": "The metadata.generation that was looked at.",
                "minimum": 0,
            },
            "lastTransitionTime": {
                "type": "string",
                "format": "date-time",
                "description": "When the status changed last.",
            },
            "reason": {
                "type": "string",
                "description": "Why, as one word for programs.",
                "minLength": 1,
                "maxLength": 1024,
                "pattern": _REASON,
            },
            "message": {"type": "string", "description": "Why, for people.", "maxLength": 32768},
        },
    }
