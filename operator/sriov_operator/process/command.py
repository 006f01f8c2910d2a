"""The commands ``run`` and ``version``: from options and environment to a process, and from signals to its end."""

import logging
import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http import HTTPStatus

import click

from sriov_core import __version__
from sriov_core.kube.connection import connect
from sriov_core.kube.endpoints import OFF, PROMETHEUS, Endpoints, Page, Pages
from sriov_core.kube.logs import Form, log_to_stderr
from sriov_operator.process.health import Health, Verdict
from sriov_operator.process.metrics import Metrics
from sriov_operator.process.run import Operator
from sriov_operator.process.settings import from_environment

METRICS_OPTION = "--metrics-bind-address"
PROBES_OPTION = "--health-probe-bind-address"

_log = logging.getLogger("sriov_operator.process")


@click.command()
@click.option(METRICS_OPTION, default=OFF, show_default=True, help="Where metrics are served; 0 for nowhere.")
@click.option(
    PROBES_OPTION, default=":8081", show_default=True, help="Where /healthz and /readyz are served; 0: nowhere."
)
@click.option(
    "--kubeconfig", type=click.Path(dir_okay=False), help="Instead of KUBECONFIG or the pod's service account."
)
@click.option("--log-format", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_context
def run(
    ctx: click.Context,
    metrics_bind_address: str,
    health_probe_bind_address: str,
    kubeconfig: str | None,
    log_format: Form,
) -> int:
    """Keep the cluster as its policies, networks and the SriovOperatorConfig say, until SIGTERM or SIGINT.

    One process works at a time, the one that holds the Lease sriov-network-operator; others wait. The settings are
    environment variables, NAMESPACE and RESOURCE_PREFIX at least.
    """
    settings = from_environment(os.environ)
    ctx.with_resource(log_to_stderr(log_format))
    for remark in settings.remarks:
        _log.warning("%s", remark)
    health = Health()
    metrics = Metrics(health)
    transport = connect(kubeconfig, user_agent=f"sriov-operator/{__version__}")
    operator = Operator(settings, transport, metrics=metrics, health=health)
    with ExitStack() as held:
        stop = held.enter_context(_stop_on_signals())
        serving = (
            (PROBES_OPTION, health_probe_bind_address, probes(health)),
            (
                METRICS_OPTION,
                metrics_bind_address,
                {"/metrics": lambda: Page(HTTPStatus.OK, metrics.text(), PROMETHEUS)},
            ),
        )
        for option, address, pages in serving:
            if address not in {OFF, ""}:
                endpoints = Endpoints(address, pages, option=option)
                held.callback(endpoints.close)
                _log.info("serves %s on port %d", ", ".join(pages), endpoints.port)
        return operator.run(stop)


@click.command()
def version() -> None:
    """Print the version."""
    click.echo(f"sriov-operator {__version__}")


def probes(health: Health) -> Pages:
    """What the kubelet asks for."""
    return {"/healthz": lambda: _page(health.alive()), "/readyz": lambda: _page(health.ready())}


def _page(verdict: Verdict) -> Page:
    status = HTTPStatus.OK if verdict.good else HTTPStatus.SERVICE_UNAVAILABLE
    return Page(status, f"{verdict.text}\n".encode())


@contextmanager
def _stop_on_signals() -> Iterator[threading.Event]:
    """An event that SIGINT and SIGTERM set while the block lasts; a second one ends the process at once.

    A thread of its own sets it. A handler runs in the middle of the main thread, which may just hold the event's lock.
    """
    stop = threading.Event()
    told, telling = socket.socketpair()
    telling.settimeout(0)
    handlers = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGINT, signal.SIGTERM)}
    before = signal.set_wakeup_fd(telling.fileno(), warn_on_full_buffer=False)

    def wait() -> None:
        if told.recv(1):
            stop.set()
        if second := told.recv(1):
            os._exit(128 + second[0])

    thread = threading.Thread(target=wait, name="signals", daemon=True)
    thread.start()
    try:
        yield stop
    finally:
        signal.set_wakeup_fd(before)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        telling.close()
        thread.join()
        told.close()
