"""Keeps the Secrets with the operator's own certificates: reads, has it decided, writes, remembers until it is due."""

import base64
import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

import attrs

from sriov_core.kube.client import Client
from sriov_core.kube.failures import NotFound
from sriov_core.kube.resource import SECRETS
from sriov_operator.objects import Object

if TYPE_CHECKING:  # cryptography costs 40 ms and some MiB, and most clusters have certificates of their own
    from sriov_operator.deployment.certificates import Outcome

_TYPE = "kubernetes.io/tls"
_log = logging.getLogger("sriov_operator.deployment")


@attrs.frozen(kw_only=True)
class Kept:
    """A certificate that serves: the ``bundle`` (PEM) to trust, and when it ends and is due to be looked at.

    ``news`` says what was done about it in this very look; ``is_bad_news`` that it had to be.
    """

    bundle: bytes
    expires: datetime
    next_look: datetime
    news: str = ""
    is_bad_news: bool = False


@attrs.frozen
class _Known:
    version: str
    trusted: bytes
    kept: Kept


class Keeper:
    """Not thread-safe. ``version`` tells the version of a Secret as last seen, empty when it is not there."""

    def __init__(
        self, client: Client, namespace: str, version: Callable[[str], str], now: Callable[[], datetime]
    ) -> None:
        self._client = client
        self._namespace = namespace
        self._version = version
        self._now = now
        self._known: dict[str, _Known] = {}
        self._trusted: dict[str, bytes] = {}

    def keep(self, head: Object, names: tuple[str, ...]) -> Kept:
        """Have a certificate for these DNS names in the Secret with this head. Raises `ApiFailure`."""
        secret = head["metadata"]["name"]
        known, trusted = self._known.get(secret), self._trusted.get(secret, b"")
        is_same = known is not None and known.version == self._version(secret) and known.trusted == trusted
        if known is not None and is_same and self._now() < known.kept.next_look:
            return attrs.evolve(known.kept, news="", is_bad_news=False)
        kept, version = self._looked(head, names, trusted)
        self._known[secret] = _Known(version, trusted, kept)
        return kept

    def trusts(self, secret: str, bundle: bytes) -> None:
        """The API server has that bundle by now."""
        self._trusted[secret] = bundle

    def _looked(self, head: Object, names: tuple[str, ...], trusted: bytes) -> tuple[Kept, str]:
        from sriov_operator.deployment.certificates import decide  # noqa: PLC0415  # see above

        live = self._live(head["metadata"]["name"])
        data = _data(live)
        outcome = decide(data, self._now(), names, trusted=trusted)
        if all(data.get(key) == value for key, value in outcome.data.items()):
            return _kept(outcome), str((live or {}).get("metadata", {}).get("resourceVersion", ""))
        stored = self._written(head, live, outcome.data)
        news = outcome.remark or f"a certificate was written, valid until {outcome.expires:%Y-%m-%dT%H:%M:%SZ}"
        news = f"Secret {self._namespace}/{head['metadata']['name']}: {news}"
        _log.log(logging.WARNING if outcome.remark else logging.INFO, "%s", news)
        kept = attrs.evolve(_kept(outcome), news=news, is_bad_news=bool(outcome.remark))
        return kept, str(stored["metadata"]["resourceVersion"])

    def _live(self, secret: str) -> Object | None:
        try:
            found: Object = self._client.get(SECRETS, secret, self._namespace)
        except NotFound:
            return None
        return found

    def _written(self, head: Object, live: Object | None, data: Mapping[str, bytes]) -> Object:
        """The type of a Secret can never be changed, so one that is there keeps its own."""
        values = {key: base64.b64encode(value).decode() for key, value in data.items()}
        body = {**head, "type": (live or {}).get("type") or _TYPE, "data": values}
        stored: Object = self._client.apply(SECRETS, head["metadata"]["name"], body, self._namespace)
        return stored


def _data(live: Object | None) -> dict[str, bytes]:
    found = (live or {}).get("data") or {}
    return {key: base64.b64decode(value) for key, value in found.items()}


def _kept(outcome: "Outcome") -> Kept:
    return Kept(bundle=outcome.bundle, expires=outcome.expires, next_look=outcome.next_look)
