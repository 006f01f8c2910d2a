"""Warns whoever writes what the operator will not look at. It refuses nothing, and needs no webhook. No I/O."""

from sriov_core.api import operatorconfig
from sriov_core.api.wire import GROUP, VERSION
from sriov_operator.deployment import names
from sriov_operator.deployment.deployed import cluster_wide
from sriov_operator.deployment.restrictions import API, binding, matches
from sriov_operator.objects import Object


def manifests(namespace: str) -> list[Object]:
    """A policy and its binding, for the operator in that namespace."""
    return [_policy(namespace), binding(names.UNREAD, "Warn", "Audit")]


def _policy(namespace: str) -> Object:
    place = "object.kind + ' ' + request.namespace + '/' + object.metadata.name"
    kinds = ("sriovnetworknodepolicies", "sriovnetworkpoolconfigs", "sriovoperatorconfigs")
    elsewhere = f"' has no effect: the operator reads this kind in its own namespace {namespace} only. Create it there'"
    other_name = f"' has no effect: the operator reads the one named {operatorconfig.NAME} only. Change that one'"
    is_read = f"object.kind != 'SriovOperatorConfig' || object.metadata.name == '{operatorconfig.NAME}'"
    return {
        **cluster_wide(API, "ValidatingAdmissionPolicy", names.UNREAD),
        "spec": {
            "failurePolicy": "Ignore",
            "matchConstraints": matches(GROUP, VERSION, kinds, ("CREATE", "UPDATE")),
            "validations": [
                {
                    "expression": f"request.namespace == '{namespace}'",
                    "message": f"this has no effect: it is not in the operator's namespace {namespace}",
                    "messageExpression": f"{place} + {elsewhere}",
                },
                {
                    "expression": is_read,
                    "message": f"this has no effect: it is not named {operatorconfig.NAME}",
                    "messageExpression": f"{place} + {other_name}",
                },
            ],
        },
    }
