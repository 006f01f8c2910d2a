"""Configurations and what they deploy, for tests that look at single manifests."""

from typing import Any

import attrs
import msgspec

from sriov_core.api.featuregates import gates
from sriov_core.api.operatorconfig import OperatorConfig
from sriov_operator.deployment.deployed import Deployed
from sriov_operator.deployment.manifests import wanted
from sriov_operator.deployment.trust import Trust, Trusts
from sriov_operator.process.settings import Images, MetricsExporter, Settings
from sriov_operator.tlsoptions import TlsOptions

Object = dict[str, Any]

NAMESPACE = "sriov-network-operator"
IMAGES = Images(**{name: f"registry.example/{name}:1" for name in attrs.fields_dict(Images)})
SETTINGS = Settings(namespace=NAMESPACE, resource_prefix="openshift.io", images=IMAGES)
OPENSHIFT = attrs.evolve(SETTINGS, cluster_type="openshift")
PROMETHEUS = attrs.evolve(SETTINGS, metrics_exporter=MetricsExporter(prometheus=True, rules=True))
TRUSTS = Trusts(
    Trust(secret="operator-webhook-cert", bundle="YQ=="), Trust(secret="network-resources-injector-cert", bundle="Yg==")
)


def config(**spec: Any) -> OperatorConfig:
    """The configuration with these fields, as the API server has it."""
    document = {"metadata": {"name": "default", "namespace": NAMESPACE, "uid": "uid-1"}, "spec": spec}
    return msgspec.convert(document, OperatorConfig)


def deployed(settings: Settings = SETTINGS, /, facts: dict[str, Any] | None = None, **spec: Any) -> Deployed:
    """What decides, with everything known; ``facts`` are fields of `Deployed`."""
    asked = config(**spec)
    known = {"tls": TlsOptions(), "certificates": TRUSTS, **(facts or {})}
    return Deployed(settings=settings, config=asked, gates=gates(asked.spec.feature_gates), **known)


def everything(settings: Settings = SETTINGS, /, facts: dict[str, Any] | None = None, **spec: Any) -> Deployed:
    """The same with all features on."""
    on = {"enableInjector": True, "enableOperatorWebhook": True, "featureGates": {"metricsExporter": True}}
    return deployed(settings, facts, **{**on, **spec})


def named(here: Deployed, kind: str, name: str) -> Object:
    """The one object of that kind and name."""
    (found,) = [one for one in wanted(here).objects if (one["kind"], one["metadata"]["name"]) == (kind, name)]
    return found


def pod(here: Deployed, name: str) -> Object:
    """The pods of a DaemonSet."""
    found: Object = named(here, "DaemonSet", name)["spec"]["template"]["spec"]
    return found


def container(here: Deployed, name: str, called: str = "") -> Object:
    """A container of a DaemonSet's pods, the first unless it is called otherwise."""
    found: list[Object] = pod(here, name)["containers"]
    return next(one for one in found if not called or one["name"] == called)
