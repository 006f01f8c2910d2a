"""``sriov-operator webhook`` and ``injector``, with the flags that the manifests of existing clusters give them."""

import logging
import os
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

import attrs
import click

from sriov_core.api.fault import shown
from sriov_core.errors import SpecError
from sriov_core.injection.switches import Switches
from sriov_core.injection.wanted import RESOURCE_NAME
from sriov_core.kube.client import Client
from sriov_core.kube.connection import connect
from sriov_core.kube.endpoints import OFF
from sriov_core.kube.logs import log_to_stderr, set_level
from sriov_core.policy.names import is_namespace_name
from sriov_operator.serving import admission
from sriov_operator.serving.certificates import Certificate
from sriov_operator.serving.contact import Contact
from sriov_operator.serving.facts import Facts
from sriov_operator.serving.injector import Injector
from sriov_operator.serving.metrics import Metrics
from sriov_operator.serving.running import Places, run
from sriov_operator.serving.tls import Choices, choices

METRICS_OPTION = "--metrics-bind-address"
HEALTH_OPTION = "--health-check-port"
MANAGER = "sriov-network-operator"
SERVICE_ACCOUNT_CA = "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt"

F = TypeVar("F", bound=Callable[..., Any])
_log = logging.getLogger("sriov_operator.serving")


@attrs.frozen(kw_only=True)
class Given:
    """What both commands are told."""

    namespace: str = attrs.field()
    port: int
    bind_address: str
    metrics_bind_address: str
    kubeconfig: str | None
    tls_cert_file: str
    tls_private_key_file: str
    tls_cipher_suites: str
    tls_min_version: str
    tls_curve_preferences: str
    enable_http2: bool
    shutdown_pause: float

    @namespace.validator
    def _is_one(self, _attribute: object, found: str) -> None:
        if not is_namespace_name(found):
            text = (
                f"--namespace, or NAMESPACE in the environment: found {shown(found)}, wanted the operator's namespace"
            )
            raise SpecError(f"{text}. Give its name")

    def client(self, component: str, contact: Contact) -> Client:
        """The API as this process uses it; HostError when there is no way to it."""
        transport = connect(self.kubeconfig, user_agent=f"sriov-operator/{component}")
        return Client(transport, manager=MANAGER, observer=contact)

    def choices(self, client_cas: tuple[str, ...] = ()) -> Choices:
        """How TLS is spoken; what cannot be done of it is told."""
        found = choices(self.tls_cipher_suites, self.tls_min_version, self.tls_curve_preferences, client_cas)
        for remark in found.remarks:
            _log.warning("%s", remark)
        if self.enable_http2:
            _log.warning("--enable-http2: only HTTP/1.1 is served, which API servers speak as well")
        return found

    def certificate(self, wanted: Choices, metrics: Metrics) -> Certificate:
        """The one that is served."""
        return Certificate(
            self.tls_cert_file, self.tls_private_key_file, wanted=wanted, now=lambda: datetime.now(UTC), metrics=metrics
        )

    def places(self, *more: tuple[str, str]) -> Places:
        """Where to listen; metrics are off unless told otherwise."""
        metrics = ((METRICS_OPTION, self.metrics_bind_address),) if self.metrics_bind_address not in {OFF, ""} else ()
        return Places(address=self.bind_address, port=self.port, plain=(*metrics, *more), pause_s=self.shutdown_pause)


@attrs.frozen(kw_only=True)
class GivenToInjector(Given):
    """What the injector is told beside."""

    health_check_port: int
    insecure: bool
    client_ca: tuple[str, ...]
    hugepages: bool
    honor_resources: bool
    network_resource_name_keys: str


def _switch(*names: str, about: str, counts: bool = True) -> Callable[[F], F]:
    """A flag that is given as ``--flag`` or ``--flag=true``, as programs in Go take it; it may have no effect."""
    return click.option(
        *names, type=bool, is_flag=False, flag_value="true", default=False, help=about, expose_value=counts
    )


def _serving(port: int, namespace: str) -> Callable[[F], F]:
    """The flags of both commands."""
    flags = (
        click.option("--port", type=click.IntRange(0, 65535), default=port, show_default=True),
        click.option("--bind-address", default="", metavar="ADDRESS", help="All addresses of the pod if left out."),
        click.option("--tls-cert-file", required=True, metavar="FILE", help="PEM; taken again when it changes."),
        click.option("--tls-private-key-file", required=True, metavar="FILE", help="PEM."),
        click.option("--tls-cipher-suites", default="", metavar="NAMES", help="Those of TLS 1.2, as IANA names them."),
        click.option("--tls-min-version", default="VersionTLS12", show_default=True, metavar="VERSION"),
        click.option("--tls-curve-preferences", default="", metavar="NUMBERS", help="As in 29,23,24."),
        _switch("--enable-http2", about="Has no effect: HTTP/1.1 is served."),
        click.option("--kubeconfig", metavar="FILE", help="The pod's service account if left out."),
        click.option("--namespace", envvar="NAMESPACE", default=namespace, metavar="NAME", help="The operator's own."),
        click.option(METRICS_OPTION, default=OFF, show_default=True, metavar="ADDRESS:PORT", help="0: no metrics."),
        click.option("--shutdown-pause", type=click.FloatRange(0, 60), default=3.0, show_default=True, metavar="S"),
        click.option("--log-level", "--zap-log-level", default="info", metavar="LEVEL", help="error, info or debug."),
    )

    def decorate(command: F) -> F:
        for flag in reversed(flags):
            command = flag(command)
        return command

    return decorate


@click.command("webhook", short_help="serve the admission rules to the API server")
@click.argument("start", required=False, type=click.Choice(["start"]), expose_value=False)  # some manifests say it
@_serving(port=443, namespace="")
def webhook(log_level: str, **given: Any) -> None:
    """Judge and complete the objects of this project; DEV_MODE=TRUE admits NICs that are not supported, too."""
    _begin_log(log_level)
    told, metrics = Given(**given), Metrics()
    certificate = told.certificate(told.choices(), metrics)
    contact = Contact(metrics)
    facts = Facts(
        told.client("webhook", contact),
        contact,
        namespace=told.namespace,
        dev_mode=os.environ.get("DEV_MODE") == "TRUE",
        metrics=metrics,
    )
    hooks = admission.hooks(facts, facts.caches.waiting)
    run(hooks, facts.caches, places=told.places(), certificate=certificate, metrics=metrics)


@click.command("injector", short_help="give pods the devices of their networks")
@_serving(port=8443, namespace="kube-system")
@click.option(HEALTH_OPTION, type=click.IntRange(0, 65535), default=8444, show_default=True, help="0: none.")
@_switch("--insecure", about="Ask clients for no certificate.")
@click.option("--client-ca", multiple=True, metavar="FILE", help="Whose certificates clients show; PEM.")
@_switch("--injectHugepageDownApi", "hugepages", about="Show hugepages in the volume podnetinfo.")
@_switch("--honor-resources", about="Add to the resources that a pod asks for already.")
@click.option("--network-resource-name-keys", default=RESOURCE_NAME, show_default=True, metavar="KEYS")
@_switch("--logtostderr", about="Has no effect: the log is always there.", counts=False)
@_switch("--alsologtostderr", about="Has no effect.", counts=False)
def injector(log_level: str, **given: Any) -> None:
    """Make pods ask for the devices of the networks that their annotations name."""
    _begin_log(log_level)
    told, metrics = GivenToInjector(**given), Metrics()
    cas = () if told.insecure else (told.client_ca or (SERVICE_ACCOUNT_CA,))
    certificate = told.certificate(told.choices(cas), metrics)
    contact = Contact(metrics)
    served = Injector(
        told.client("injector", contact),
        contact,
        namespace=told.namespace,
        metrics=metrics,
        resource_keys=resource_keys(told.network_resource_name_keys),
        defaults=Switches(hugepages=told.hugepages, honor_existing=told.honor_resources),
    )
    host = f"[{told.bind_address}]" if ":" in told.bind_address else told.bind_address
    health = ((HEALTH_OPTION, f"{host}:{told.health_check_port}"),) if told.health_check_port else ()
    run(served.hooks, served.caches, places=told.places(*health), certificate=certificate, metrics=metrics)


def resource_keys(text: str) -> tuple[str, ...]:
    """The annotations of a list that is separated by commas; SpecError for an empty one."""
    keys = tuple(key.strip() for key in text.split(",") if key.strip())
    if not keys:
        raise SpecError(
            f"--network-resource-name-keys: found no key, wanted at least one. Leave it out: {RESOURCE_NAME}"
        )
    return keys


def _begin_log(log_level: str) -> None:
    """At the level of a word, or of one of zap's numbers, of which manifests give 3 for plain logs."""
    click.get_current_context().with_resource(log_to_stderr("text"))
    words = {"debug": 2, "error": -1, "panic": -1}
    set_level((2 if int(log_level) > 3 else 0) if log_level.isdecimal() else words.get(log_level, 0))
