"""Everything that a configuration asks for, and what is left of features that it does not ask for. No I/O."""

from collections.abc import Callable

import attrs
import msgspec

from sriov_core.kube import resource
from sriov_core.kube.resource import Resource
from sriov_operator.deployment import (
    admissionpolicies,
    configdaemon,
    deviceplugin,
    exporter,
    injector,
    machineconfig,
    webhook,
)
from sriov_operator.deployment.deployed import SYSTEMD, Deployed
from sriov_operator.deployment.trust import Trust, Trusts
from sriov_operator.objects import Object
from sriov_operator.tlsoptions import TlsOptions

Make = Callable[[Deployed], list[Object]]

RESOURCES = {
    one.kind: one
    for one in (
        resource.DAEMON_SETS,
        resource.SERVICES,
        resource.SERVICE_ACCOUNTS,
        resource.CONFIG_MAPS,
        resource.ROLES,
        resource.ROLE_BINDINGS,
        resource.NETWORK_POLICIES,
        resource.CLUSTER_ROLES,
        resource.CLUSTER_ROLE_BINDINGS,
        resource.MUTATING_WEBHOOKS,
        resource.VALIDATING_WEBHOOKS,
        resource.ADMISSION_POLICIES,
        resource.ADMISSION_POLICY_BINDINGS,
        resource.SERVICE_MONITORS,
        resource.PROMETHEUS_RULES,
        resource.MACHINE_CONFIGS,
    )
}
"""The kinds of what is deployed."""


@attrs.frozen(order=True)
class Place:
    """One object: its kind, and its namespace, which is empty for an object of the cluster."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"

    @property
    def key(self) -> str:
        """As caches call it."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name

    @property
    def resource(self) -> Resource:
        """Where the API serves it."""
        return RESOURCES[self.kind]


@attrs.frozen
class Wanted:
    """Objects in the order in which they are written, and places where nothing shall be."""

    objects: tuple[Object, ...]
    absent: tuple[Place, ...]


def place_of(document: Object) -> Place:
    """Where an object belongs."""
    metadata = document["metadata"]
    return Place(document["kind"], metadata.get("namespace", ""), metadata["name"])


def wanted(deployed: Deployed) -> Wanted:
    """What shall be there and what not. What depends on facts that are not known is neither: it stays as it is.

    Accounts and roles come before the pods that need them, and a webhook's configuration comes last. The switches of
    the injector hold what people set, so they outlive it.
    """
    known = _known(deployed)
    objects = tuple(document for make in _asked(deployed) for document in make(deployed))
    stay = {place_of(document) for make in _asked(known) for document in make(known)}
    stay.add(place_of(injector.switches(deployed)))
    return Wanted(objects, tuple(sorted(_everywhere(deployed) - stay)))


def left_behind(deployed: Deployed) -> tuple[Place, ...]:
    """What stays when the configuration goes, because nothing owns it: objects of the cluster. Webhooks come first.

    Restrictions are not among it. They go with the accounts that they restrict, whose tokens hold for a while longer.
    """
    webhooks = (resource.MUTATING_WEBHOOKS.kind, resource.VALIDATING_WEBHOOKS.kind)
    restrictions = (resource.ADMISSION_POLICIES.kind, resource.ADMISSION_POLICY_BINDINGS.kind)
    found = [one for one in _everywhere(deployed) if not one.namespace and one.kind not in restrictions]
    return tuple(sorted(found, key=lambda one: (one.kind not in webhooks, one)))


def _asked(deployed: Deployed) -> tuple[Make, ...]:
    spec = deployed.config.spec
    return (
        _admission_policies,
        configdaemon.manifests,
        deviceplugin.manifests,
        *((webhook.manifests,) if spec.enable_operator_webhook and deployed.settings.images.webhook else ()),
        *((injector.manifests,) if spec.enable_injector and deployed.settings.images.injector else ()),
        *((exporter.manifests,) if deployed.gates.is_on("metricsExporter") else ()),
        machineconfig.manifests,
    )


def _everywhere(deployed: Deployed) -> set[Place]:
    """Where any configuration could have something in this cluster."""
    settings = deployed.settings
    images = attrs.evolve(settings.images, **dict.fromkeys(attrs.fields_dict(type(settings.images)), "any"))
    exporting = attrs.evolve(settings.metrics_exporter, prometheus=True, rules=True)
    config = msgspec.structs.replace(
        deployed.config, spec=msgspec.structs.replace(deployed.config.spec, configuration_mode=SYSTEMD)
    )
    full = attrs.evolve(
        _known(deployed),
        settings=attrs.evolve(settings, images=images, metrics_exporter=exporting),
        config=config,
    )
    return {place_of(document) for make in _MAKERS for document in make(full)}


def _known(deployed: Deployed) -> Deployed:
    """The same with something in the place of what is not known: enough for names.

    An agent whose image was forgotten counts as not known, too: what runs goes on.
    """
    trusts = Trusts(deployed.certificates.operator or Trust(), deployed.certificates.injector or Trust())
    images = attrs.evolve(deployed.settings.images, config_daemon=deployed.settings.images.config_daemon or "any")
    settings = attrs.evolve(deployed.settings, images=images)
    return attrs.evolve(deployed, certificates=trusts, tls=deployed.tls or TlsOptions(), settings=settings)


def _admission_policies(deployed: Deployed) -> list[Object]:
    return admissionpolicies.manifests(deployed.namespace)


_MAKERS: tuple[Make, ...] = (
    _admission_policies,
    configdaemon.manifests,
    deviceplugin.manifests,
    webhook.manifests,
    injector.manifests,
    exporter.manifests,
    machineconfig.manifests,
)
