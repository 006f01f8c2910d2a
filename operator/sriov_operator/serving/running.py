"""The life of a webhook process: start, look after the certificate, and end without cutting off who is being served."""

import asyncio
import logging
import signal
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from http import HTTPStatus

import attrs

from sriov_core.kube.endpoints import PROMETHEUS, Endpoints, Page, Pages
from sriov_operator.serving.answering import Hook
from sriov_operator.serving.caches import Caches
from sriov_operator.serving.certificates import Certificate
from sriov_operator.serving.metrics import Metrics
from sriov_operator.serving.server import Limits, Server

LIMITS = Limits()
OK = Page(HTTPStatus.OK, b"ok\n")
CHECK_S = 5.0
JOIN_S = 2.0

_log = logging.getLogger("sriov_operator.serving")


@attrs.frozen(kw_only=True)
class Places:
    """Where to listen: reviews on ``address`` (empty: all of this machine) and ``port`` (0: any).

    ``plain`` are addresses ``host:port`` of metrics and probes without TLS, each with the option that named it.
    ``pause_s`` is how long a server that was told to end is still there for who has not heard of it.
    """

    address: str = ""
    port: int = 443
    plain: tuple[tuple[str, str], ...] = ()
    pause_s: float = 3.0


def run(
    hooks: Mapping[str, Hook],
    caches: Caches,
    *,
    places: Places,
    certificate: Certificate,
    metrics: Metrics,
    limits: Limits = LIMITS,
) -> None:
    """Serve until SIGTERM or SIGINT. HostError when it cannot begin."""
    stop = threading.Event()
    caches.start(stop)
    try:
        asyncio.run(_serve(hooks, caches, places=places, certificate=certificate, metrics=metrics, limits=limits))
    finally:
        stop.set()
        if not caches.join(JOIN_S):
            _log.warning("a watch did not end in time")


async def _serve(
    hooks: Mapping[str, Hook],
    caches: Caches,
    *,
    places: Places,
    certificate: Certificate,
    metrics: Metrics,
    limits: Limits,
) -> None:
    ended = _signalled()
    server = Server(
        hooks,
        unready=lambda: caches.waiting() or certificate.problem,
        metrics=metrics,
        limits=limits,
    )
    with ExitStack() as held:
        for option, address in places.plain:
            endpoints = Endpoints(address, _pages(server, metrics), option=option)
            held.callback(endpoints.close)
            _log.info("serving probes and metrics on port %d", endpoints.port)
        port = await server.open(places.address, places.port, certificate.context)
        _log.info("serving %s on port %d", ", ".join(sorted(hooks)), port)
        await _watch(ended, certificate.check)
        _log.info("told to end: finishing what is under way")
        await server.close(places.pause_s)


def _pages(server: Server, metrics: Metrics) -> Pages:
    """For kubelet and Prometheus."""

    def ready() -> Page:
        why = server.not_ready()
        return Page(HTTPStatus.SERVICE_UNAVAILABLE, f"not ready: {why}\n".encode()) if why else OK

    return {
        "/healthz": lambda: OK,
        "/readyz": ready,
        "/metrics": lambda: Page(HTTPStatus.OK, metrics.text(), PROMETHEUS),
    }


async def _watch(ended: asyncio.Event, check: Callable[[], None]) -> None:
    """Check every few seconds until it is time to end."""
    while not ended.is_set():
        check()
        try:
            await asyncio.wait_for(ended.wait(), CHECK_S)
        except TimeoutError:
            continue


def _signalled() -> asyncio.Event:
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    return ended
