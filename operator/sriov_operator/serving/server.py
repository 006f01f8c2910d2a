"""The server that the API server calls: reviews over HTTPS, bounded in size, time and number, each one by itself."""

import asyncio
import logging
import re
import ssl
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

import attrs
from aiohttp import web

from sriov_operator.serving.answering import Hook, Outcome, answered
from sriov_operator.serving.listener import Listener
from sriov_operator.serving.metrics import Metrics

_log = logging.getLogger("sriov_operator.serving")
_JSON = "application/json"
_SECONDS = re.compile("([0-9]{1,3})s")
_BEFORE = 0.9


@attrs.frozen(kw_only=True)
class Limits:
    """What one server bears. A body holds two objects of up to 3 MiB, which is what an API server takes.

    ``longest_s`` is for a review whose sender names no timeout of its own, and the most for any; ``body_s`` is how long
    its body may take. ``at_once`` reviews are read and judged at a time, the others wait; ``threads`` judge.
    """

    body_bytes: int = 8 << 20
    body_s: float = 5.0
    longest_s: float = 10.0
    at_once: int = 32
    threads: int = 8


class Server:
    """Webhooks by path, and ``/readyz`` and ``/healthz``; ``unready`` says why reviews are not to be sent here."""

    def __init__(
        self,
        hooks: Mapping[str, Hook],
        *,
        unready: Callable[[], str],
        metrics: Metrics,
        limits: Limits = Limits(),
    ) -> None:
        self._hooks = hooks
        self._unready = unready
        self._metrics = metrics
        self._limits = limits
        self._slots = asyncio.Semaphore(limits.at_once)
        self._threads = ThreadPoolExecutor(limits.threads, thread_name_prefix="review")
        self._ending = False
        self._listener: Listener | None = None

    async def open(self, address: str, port: int, tls: ssl.SSLContext) -> int:
        """Serve; answers the port. HostError when the address cannot be had."""
        app = web.Application(client_max_size=self._limits.body_bytes)
        app.add_routes([web.post(path, self._handler(hook)) for path, hook in self._hooks.items()])
        app.add_routes([web.get("/readyz", self._ready), web.get("/healthz", _healthy)])
        self._listener = await Listener.open(app, address, port, tls=tls, within_s=self._limits.longest_s)
        return self._listener.port

    async def close(self, pause_s: float) -> None:
        """Not ready at once; for ``pause_s``, who has not heard of that yet is served, then those under way only."""
        self._ending = True
        await asyncio.sleep(pause_s)
        if self._listener:
            await self._listener.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def not_ready(self) -> str:
        """Why reviews are not to be sent here; empty when they are. For any thread."""
        return "it is shutting down" if self._ending else self._unready()

    async def _ready(self, _request: web.Request) -> web.Response:
        why = self.not_ready()
        return _said(503, f"not ready: {why}") if why else _said(200, "ok")

    def _handler(self, hook: Hook) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            with self._metrics.reviewing(hook.name):
                outcome = await self._outcome(hook, request)
            self._metrics.reviewed(hook.name, outcome.kind, outcome.verdict)
            if outcome.told:
                _log.info("%s: %s", hook.name, outcome.told)
            response = _response(outcome)
            if self._ending or outcome.verdict == "too-slow":
                response.force_close()
            return response

        return handle

    async def _outcome(self, hook: Hook, request: web.Request) -> Outcome:
        """What `answered` says, or why it was not asked."""
        if request.content_type != _JSON:
            found = request.headers.get("Content-Type", "nothing")[:100]
            return _refused(415, "malformed", f"the Content-Type is {found!r}, wanted {_JSON}")
        if why := hook.blocked():
            return _refused(503, "not-ready", f"no review can be answered yet: {why}")
        within_s = self._patience(request)
        try:
            async with asyncio.timeout(within_s), self._slots:
                return await self._judged(hook, request)
        except TimeoutError:
            text = f"there was no answer within {within_s:g} s; {self._limits.at_once} reviews are answered at a time"
            return _refused(503, "too-late", text)

    async def _judged(self, hook: Hook, request: web.Request) -> Outcome:
        try:
            # Not wait_for: before Python 3.12 it can swallow the end of the time for the whole.
            async with asyncio.timeout(self._limits.body_s):
                body = await request.read()
        except TimeoutError:
            text = f"the body did not arrive within {self._limits.body_s:g} s"
            return _refused(408, "too-slow", text)
        except web.HTTPRequestEntityTooLarge:
            text = f"the body has more than {self._limits.body_bytes} bytes"
            return _refused(413, "too-large", text)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, answered, hook, body)
        except Exception as err:  # noqa: BLE001  # a bug in the rules: the sender decides by its failurePolicy
            _log.exception("%s: this is a bug: a review could not be answered", hook.name)
            return _refused(500, "failed", f"internal error: {type(err).__name__}: {err}. Report it")

    def _patience(self, request: web.Request) -> float:
        """The seconds that an API server waits, named as ``timeout=10s``; a little less, so that it hears why."""
        named = _SECONDS.fullmatch(request.query.get("timeout", ""))
        longest_s = self._limits.longest_s
        return (min(float(named[1]), longest_s) if named else longest_s) * _BEFORE


async def _healthy(_request: web.Request) -> web.Response:
    return _said(200, "ok")


def _refused(status: int, verdict: str, text: str) -> Outcome:
    return Outcome(status=status, body=text.encode(), verdict=verdict, told=text)


def _response(outcome: Outcome) -> web.Response:
    if outcome.status == web.HTTPOk.status_code:
        return web.Response(body=outcome.body, content_type=_JSON)
    return web.Response(status=outcome.status, body=outcome.body, content_type="text/plain", charset="utf-8")


def _said(status: int, text: str) -> web.Response:
    return web.Response(status=status, text=text)
