"""The webhook that gives pods the devices of their networks. Nothing here does I/O."""

import re

from sriov_core.injection.switches import CONFIG_KEY, CONFIG_MAP
from sriov_operator.deployment import names
from sriov_operator.deployment.deployed import (
    Deployed,
    account,
    cluster_role,
    cluster_role_binding,
    cluster_wide,
    from_field,
    owned,
    role,
    role_binding,
)
from sriov_operator.deployment.roles import INJECTOR, INJECTOR_CLUSTER, as_objects
from sriov_operator.deployment.servers import Server, client_config, daemon, network_policy, service
from sriov_operator.deployment.trust import Trust
from sriov_operator.objects import Object

HOOK = "network-resources-injector-config.k8s.io"
PATH = "/mutate"
GATE = "resourceInjectorMatchCondition"

_NETWORKS = ("k8s.v1.cni.cncf.io/networks", "v1.multus-cni.io/default-network")
# The key of a label (apimachinery, validation.IsQualifiedName); nothing else gets into an expression.
_LABEL = re.compile(r"([a-z0-9.-]{1,253}/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")


def server(deployed: Deployed) -> Server:
    """How it is deployed."""
    return Server(
        name=names.INJECTOR,
        container="webhook-server",
        image=deployed.settings.images.injector,
        command=("injector", "--insecure"),
        service=names.INJECTOR_SERVICE,
        service_account=names.INJECTOR_ACCOUNT,
        network_port=deployed.settings.injector_network_policy_port,
        metrics=deployed.settings.injector_metrics,
        environment=(from_field("NAMESPACE", "metadata.namespace"),),
    )


def manifests(deployed: Deployed) -> list[Object]:
    """Everything of it; what depends on certificates or TLS settings that are not known is left out."""
    own, trust, tls = server(deployed), deployed.certificates.injector, deployed.tls
    found = [
        account(deployed, own.service_account),
        cluster_role(names.INJECTOR, as_objects(INJECTOR_CLUSTER)),
        cluster_role_binding(deployed, names.INJECTOR_BINDING, names.INJECTOR, own.service_account),
        role(deployed, names.INJECTOR, as_objects(INJECTOR)),
        role_binding(deployed, names.INJECTOR_BINDING, names.INJECTOR, own.service_account),
        switches(deployed),
        network_policy(deployed, own),
    ]
    if trust is None:
        return found
    found.append(service(deployed, own, trust))
    if tls is not None:
        found.append(daemon(deployed, own, trust, tls))
    return [*found, _configuration(deployed, own, trust)]


def switches(deployed: Deployed) -> Object:
    """The ConfigMap with the switches of the injector, as it is before anybody changes it."""
    config = '{\n  "features": {\n    "enableHugePageDownApi": true\n  }\n}\n'
    return {**owned(deployed, "v1", "ConfigMap", CONFIG_MAP), "data": {CONFIG_KEY: config}}


def match_condition(labels: tuple[str, ...]) -> str:
    """The expression (CEL) for the pods that the injector may have something to do with.

    Those are the pods that name networks, and those with one of the labels of user-defined injections. A label that is
    none is left out.
    """
    wanted = [
        *(f"has(object.metadata.annotations) && '{key}' in object.metadata.annotations" for key in _NETWORKS),
        *(
            f"has(object.metadata.labels) && '{key}' in object.metadata.labels"
            for key in labels
            if _LABEL.fullmatch(key)
        ),
    ]
    return " || ".join(f"({one})" for one in wanted)


def _configuration(deployed: Deployed, own: Server, trust: Trust) -> Object:
    # Without the condition, all pods of the cluster would be refused while the injector is away.
    strict = deployed.gates.is_on(GATE) and deployed.is_recent
    annotations = {"annotations": dict(trust.annotations)} if trust.annotations else {}
    condition = {"name": "include-networks-annotation", "expression": match_condition(deployed.injection_labels)}
    hook = {
        "name": HOOK,
        "clientConfig": client_config(deployed, own, trust, PATH),
        "rules": [{"operations": ["CREATE"], "apiGroups": ["apps", ""], "apiVersions": ["v1"], "resources": ["pods"]}],
        "failurePolicy": "Fail" if strict else "Ignore",
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        **({"matchConditions": [condition]} if strict else {}),
    }
    head = cluster_wide(
        "admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration", names.INJECTOR_CONFIG, **annotations
    )
    return {**head, "webhooks": [hook]}
