"""The webhook that judges the objects of this project before they are stored. Nothing here does I/O."""

from sriov_core.api.wire import GROUP, VERSION
from sriov_operator.deployment import names
from sriov_operator.deployment.deployed import (
    Deployed,
    account,
    cluster_role,
    cluster_role_binding,
    cluster_wide,
    environment,
    from_field,
    role,
    role_binding,
)
from sriov_operator.deployment.roles import NETWORKS, WEBHOOK, WEBHOOK_CLUSTER, as_objects
from sriov_operator.deployment.servers import Server, client_config, daemon, network_policy, service
from sriov_operator.deployment.trust import Trust
from sriov_operator.objects import Object

HOOK = f"operator-webhook.{GROUP}"
LENIENT_HOOK = f"lenient.{HOOK}"
"""What is let through when nobody answers: the switch that turns the webhook off must work without the webhook, and a
deletion is never refused, only warned of."""
MUTATING_PATH = "/mutating-custom-resource"
VALIDATING_PATH = "/validating-custom-resource"

_POLICIES = "sriovnetworknodepolicies"
_POOLS = "sriovnetworkpoolconfigs"
_LENIENT_TIMEOUT_S = 5
# An object that goes has to lose its finalizers, also while the webhook does not answer.
_STAYS = {"name": "is-not-being-deleted", "expression": "!has(object.metadata.deletionTimestamp)"}


def _rule(operations: tuple[str, ...], resources: tuple[str, ...]) -> Object:
    return {
        "operations": list(operations),
        "apiGroups": [GROUP],
        "apiVersions": [VERSION],
        "resources": list(resources),
    }


_MUTATED = _rule(("CREATE", "UPDATE"), (_POLICIES,))
_JUDGED = _rule(("CREATE", "UPDATE"), (_POLICIES, _POOLS, *NETWORKS))
_SWITCHES = _rule(("CREATE", "UPDATE", "DELETE"), ("sriovoperatorconfigs",))
_DELETED = _rule(("DELETE",), (_POLICIES, _POOLS))


def server(deployed: Deployed) -> Server:
    """How it is deployed."""
    return Server(
        name=names.OPERATOR_WEBHOOK,
        container="webhook-server",
        image=deployed.settings.images.webhook,
        command=("webhook",),
        service=names.OPERATOR_WEBHOOK_SERVICE,
        service_account=names.OPERATOR_WEBHOOK_ACCOUNT,
        network_port=deployed.settings.operator_network_policy_port,
        metrics=deployed.settings.webhook_metrics,
        environment=(
            from_field("NAMESPACE", "metadata.namespace"),
            *environment({"DEV_MODE": "TRUE" if deployed.settings.dev_mode else ""}),
        ),
    )


def manifests(deployed: Deployed) -> list[Object]:
    """Everything of it; what depends on certificates or TLS settings that are not known is left out."""
    own, trust, tls = server(deployed), deployed.certificates.operator, deployed.tls
    found = [
        account(deployed, own.service_account),
        cluster_role(names.OPERATOR_WEBHOOK, as_objects(WEBHOOK_CLUSTER)),
        cluster_role_binding(deployed, names.OPERATOR_WEBHOOK_BINDING, names.OPERATOR_WEBHOOK, own.service_account),
        role(deployed, names.OPERATOR_WEBHOOK, as_objects(WEBHOOK)),
        role_binding(deployed, names.OPERATOR_WEBHOOK_BINDING, names.OPERATOR_WEBHOOK, own.service_account),
        network_policy(deployed, own),
    ]
    if trust is None:
        return found
    found.append(service(deployed, own, trust))
    if tls is not None:
        found.append(daemon(deployed, own, trust, tls))
    return [*found, _mutating(deployed, own, trust), _validating(deployed, own, trust)]


def _mutating(deployed: Deployed, own: Server, trust: Trust) -> Object:
    client = client_config(deployed, own, trust, MUTATING_PATH)
    return _configuration("MutatingWebhookConfiguration", trust, [_strict(deployed, client, [_MUTATED])])


def _validating(deployed: Deployed, own: Server, trust: Trust) -> Object:
    client = client_config(deployed, own, trust, VALIDATING_PATH)
    hooks = [
        _strict(deployed, client, [_JUDGED]),
        {
            **_hook(LENIENT_HOOK, client, [_SWITCHES, _DELETED], failure_policy="Ignore"),
            "timeoutSeconds": _LENIENT_TIMEOUT_S,
        },
    ]
    return _configuration("ValidatingWebhookConfiguration", trust, hooks)


def _configuration(kind: str, trust: Trust, hooks: list[Object]) -> Object:
    annotations = {"annotations": dict(trust.annotations)} if trust.annotations else {}
    head = cluster_wide("admissionregistration.k8s.io/v1", kind, names.OPERATOR_WEBHOOK_CONFIG, **annotations)
    return {**head, "webhooks": hooks}


def _strict(deployed: Deployed, client: Object, rules: list[Object]) -> Object:
    """What is refused when nobody answers."""
    conditions = {"matchConditions": [_STAYS]} if deployed.is_recent else {}
    return {**_hook(HOOK, client, rules), **conditions}


def _hook(name: str, client: Object, rules: list[Object], failure_policy: str = "Fail") -> Object:
    return {
        "name": name,
        "clientConfig": client,
        "rules": rules,
        "failurePolicy": failure_policy,
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
    }
