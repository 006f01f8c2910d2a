"""Finds out what decides about the deployment beside the configuration itself, as one value."""

import base64
import re
from collections.abc import Iterator, Mapping
from datetime import datetime

import attrs

from sriov_core.api.featuregates import gates
from sriov_core.api.foreign import ConfigMap
from sriov_core.api.operatorconfig import OperatorConfig
from sriov_core.errors import SriovError
from sriov_core.injection.switches import CONFIG_MAP as SWITCHES
from sriov_core.injection.switches import read_switches
from sriov_core.kube.client import Client
from sriov_core.kube.failures import NotFound
from sriov_core.kube.resource import ADMISSION_POLICIES, CONFIG_MAPS
from sriov_core.policy.deviceplugin import CONFIG_MAP
from sriov_operator.deployment import deviceplugin, injector, names
from sriov_operator.deployment.clusterfacts import ClusterFacts
from sriov_operator.deployment.deployed import Deployed, owned
from sriov_operator.deployment.environmentvars import added
from sriov_operator.deployment.failing import is_passing
from sriov_operator.deployment.keeping import Keeper, Kept
from sriov_operator.deployment.manifests import Place
from sriov_operator.deployment.owned import Owned
from sriov_operator.deployment.trust import Trust, Trusts, provided
from sriov_operator.process.settings import Settings
from sriov_operator.tlsoptions import TlsOptions, TlsSettings, tls_options

_SHARD = re.compile(rf"{CONFIG_MAP}-([1-9][0-9]{{0,5}})")


@attrs.frozen(kw_only=True)
class Found:
    """What was found out.

    ``failures`` say what could not be, and is left as it is; ``faults`` what of the settings has no effect; ``remarks``
    what is worth knowing. ``kept`` are our own certificates by their Secrets.
    """

    deployed: Deployed
    failures: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    kept: Mapping[str, Kept] = attrs.field(factory=dict)

    @property
    def next_look(self) -> datetime | None:
        """When a certificate is due."""
        return min((one.next_look for one in self.kept.values()), default=None)


@attrs.frozen
class _Notes:
    """What one look brings to light."""

    failures: list[str] = attrs.field(factory=list)
    kept: dict[str, Kept] = attrs.field(factory=dict)


class Looker:
    """Not thread-safe. What changes seldom is read once, the rest comes from caches."""

    def __init__(
        self, client: Client, settings: Settings, *, seen: Owned, cluster: ClusterFacts, keeper: Keeper
    ) -> None:
        self._client = client
        self._settings = settings
        self._seen = seen
        self._cluster = cluster
        self._keeper = keeper
        self._labels: tuple[str | None, tuple[str, ...]] = (None, ())

    def look(self, config: OperatorConfig) -> Found:
        """Everything, for that configuration. Raises `ApiFailure` when the API server does not answer."""
        notes = _Notes()
        bare = Deployed(
            settings=self._settings,
            config=config,
            gates=gates(config.spec.feature_gates),
            tls=self._tls(notes),
            certificates=Trusts(None, None),
            config_maps=self._config_maps(),
            external_control_plane=self._cluster.external_control_plane,
            injection_labels=self._injection_labels(config),
            is_recent=self._seen.serves(ADMISSION_POLICIES.kind),  # which came with 1.30
        )
        deployed = attrs.evolve(bare, certificates=self._trusts(bare, notes))
        return Found(
            deployed=deployed,
            failures=tuple(notes.failures),
            faults=tuple(_faults(deployed)),
            remarks=tuple(_remarks(deployed)),
            kept=notes.kept,
        )

    def _tls(self, notes: _Notes) -> TlsOptions | None:
        settings = self._settings
        own = TlsSettings(
            cipher_suites=settings.tls_cipher_suites,
            min_version=settings.tls_min_version,
            curve_preferences=settings.tls_curve_preferences,
        )
        try:
            return tls_options(own, self._cluster.tls())
        except SriovError as err:
            notes.failures.append(str(err))
            return None

    def _trusts(self, bare: Deployed, notes: _Notes) -> Trusts:
        spec, given = bare.config.spec, self._settings.certificates
        return Trusts(
            operator=self._trust(bare, given.operator_secret, given.operator_ca, notes)
            if spec.enable_operator_webhook
            else None,
            injector=self._trust(bare, given.injector_secret, given.injector_ca, notes)
            if spec.enable_injector
            else None,
        )

    def _trust(self, bare: Deployed, secret: str, authority: str, notes: _Notes) -> Trust | None:
        found = provided(self._settings, secret, authority)
        if found is not None:
            return found
        try:
            kept = self._keeper.keep(owned(bare, "v1", "Secret", secret), self._names(secret))
        except SriovError as err:
            if is_passing(err):
                raise
            notes.failures.append(f"Secret {bare.namespace}/{secret}: {err}")
            return None
        notes.kept[secret] = kept
        return Trust(secret=secret, bundle=base64.b64encode(kept.bundle).decode())

    def _names(self, secret: str) -> tuple[str, ...]:
        """The DNS names of the services that are served with that Secret; it may be the same for both."""
        given = self._settings.certificates
        pairs = (
            (given.operator_secret, names.OPERATOR_WEBHOOK_SERVICE),
            (given.injector_secret, names.INJECTOR_SERVICE),
        )
        found = [f"{service}.{self._settings.namespace}.svc" for own, service in pairs if own == secret]
        return tuple(name for service in found for name in (service, f"{service}.cluster.local"))

    def _config_maps(self) -> tuple[str, ...]:
        """Those that carry the device plugin's configs, by number; the first one always, it may still be made."""
        found = (_SHARD.fullmatch(one.metadata.name) for one in self._seen.config_maps.items())
        numbers = sorted(int(match[1]) for match in found if match)
        return (CONFIG_MAP, *(f"{CONFIG_MAP}-{number}" for number in numbers))

    def _injection_labels(self, config: OperatorConfig) -> tuple[str, ...]:
        """The labels of user-defined injections, read again when the ConfigMap was changed."""
        if not config.spec.enable_injector:
            return ()
        mark = self._seen.mark(Place(CONFIG_MAPS.kind, self._settings.namespace, SWITCHES))
        known, labels = self._labels
        if mark is None or mark != known:
            labels = self._read_labels() if mark else ()
            self._labels = (mark, labels)
        return labels

    def _read_labels(self) -> tuple[str, ...]:
        try:
            found = self._client.get(CONFIG_MAPS, SWITCHES, self._settings.namespace, type=ConfigMap)
        except NotFound:
            return ()
        return tuple(one.label for one in read_switches({"data": found.data}).injections)


def _faults(deployed: Deployed) -> Iterator[str]:
    """Settings without effect."""
    spec, images = deployed.config.spec, deployed.settings.images
    yield from map(str, deployed.gates.faults)
    yield from map(str, added(spec.config_daemon_env_vars).faults)
    if deployed.gates.is_on(injector.GATE) and spec.enable_injector and not deployed.is_recent:
        yield (
            f"spec.featureGates.{injector.GATE} takes Kubernetes 1.30, and this API server is older. It was left out: "
            "without it pods are let through when the injector does not answer"
        )
    wanted = (
        ("SRIOV_NETWORK_WEBHOOK_IMAGE", images.webhook, spec.enable_operator_webhook, "the operator's webhook"),
        ("NETWORK_RESOURCES_INJECTOR_IMAGE", images.injector, spec.enable_injector, "the injector"),
        (
            "METRICS_EXPORTER_IMAGE",
            images.metrics_exporter,
            deployed.gates.is_on("metricsExporter"),
            "the metrics exporter",
        ),
        (
            "METRICS_EXPORTER_KUBE_RBAC_PROXY_IMAGE",
            images.kube_rbac_proxy,
            deployed.gates.is_on("metricsExporter"),
            "the metrics exporter, whose metrics only the proxy may show,",
        ),
    )
    if images.device_plugin and deviceplugin.lacks_agent(deployed):
        yield (
            "SRIOV_NETWORK_CONFIG_DAEMON_IMAGE is not set, so the device plugin is left as it is: what it waits with "
            f"is in that image. Set it in the operator's Deployment, or switch off the feature gate {deviceplugin.GATE}"
        )
    for variable, image, is_asked, what in wanted:
        if is_asked and not image:
            yield f"{variable} is not set, so {what} is not deployed. Set it in the operator's Deployment"


def _remarks(deployed: Deployed) -> Iterator[str]:
    """What is worth knowing: that agents are somebody else's to run, and of the TLS settings, where anybody serves."""
    spec = deployed.config.spec
    if not deployed.settings.images.config_daemon:
        yield "SRIOV_NETWORK_CONFIG_DAEMON_IMAGE is not set, so no agent is deployed; those that run go on"
    serves = spec.enable_operator_webhook or spec.enable_injector or deployed.gates.is_on("metricsExporter")
    if deployed.tls and serves:
        yield from deployed.tls.remarks
