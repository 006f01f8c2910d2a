"""One listening socket with HTTP/1.1 behind it, with or without TLS; closes without cutting off who is being served."""

import asyncio
import logging
import ssl

import attrs
from aiohttp import web

from sriov_core.errors import HostError

HANDSHAKE_S = 10.0
IDLE_S = 120.0
"""Longer than the 90 s after which Go's http.Transport drops an idle connection: so it is the API server that does, and
no review meets a connection that is just being closed."""

_log = logging.getLogger("sriov_operator.serving.http")


@attrs.define
class Listener:
    """An application on one address, in the event loop that opened it."""

    _runner: web.AppRunner
    _server: asyncio.Server
    port: int

    @classmethod
    async def open(
        cls, app: web.Application, address: str, port: int, *, tls: ssl.SSLContext | None = None, within_s: float = 10.0
    ) -> "Listener":
        """Listen on an address (empty: all of this machine), port 0 for any. HostError when that cannot be had.

        ``within_s`` is how long `close` waits for requests under way.
        """
        runner = web.AppRunner(
            app,
            access_log=None,
            logger=_logger(),
            keepalive_timeout=IDLE_S,
            lingering_time=2.0,
            shutdown_timeout=within_s,
        )
        await runner.setup()
        try:
            server = await asyncio.get_running_loop().create_server(
                lambda: _protocol(runner),
                address or None,
                port,
                ssl=tls,
                ssl_handshake_timeout=HANDSHAKE_S if tls else None,
            )
        except OSError as err:
            await runner.cleanup()
            where = f"{address or 'any address'}, port {port}"
            raise HostError(f"cannot listen on {where}: {err.strerror}. Give another port or address") from err
        return cls(runner, server, server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Take no more connections, close those that are idle, and wait for the others."""
        self._server.close()
        await self._runner.cleanup()


def _protocol(runner: web.AppRunner) -> asyncio.Protocol:
    server = runner.server
    assert server is not None  # noqa: S101  # it is there from setup to cleanup
    return server()


def _logger() -> logging.Logger:
    """For what clients do wrong below our requests: a line each, where aiohttp shows a traceback."""
    if not any(isinstance(one, _Brief) for one in _log.filters):
        _log.addFilter(_Brief())
    return _log


class _Brief(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            said = " ".join(str(error).split())
            record.msg, record.args, record.exc_info = f"{record.getMessage()}: {said[:200]!r}", (), None
            record.levelno, record.levelname = logging.WARNING, "WARNING"
        return True
