"""The certificate of a server, read again when its files change; a bad one never takes the place of a good one."""

import logging
import os
import ssl
from collections.abc import Callable
from datetime import datetime

import attrs

from sriov_core.errors import HostError
from sriov_operator.serving.metrics import Metrics
from sriov_operator.serving.tls import Choices, new_context

_log = logging.getLogger("sriov_operator.serving.certificates")
_Seen = tuple[tuple[int, int, int], ...]


@attrs.frozen(kw_only=True)
class Loaded:
    """A certificate with its key, ready to be served, and from when to when it is valid."""

    context: ssl.SSLContext
    not_before: datetime
    not_after: datetime

    def fault(self, now: datetime) -> str:
        """Why nobody would believe it at that time; empty when that is not so."""
        if now > self.not_after:
            return f"it has expired at {self.not_after:%Y-%m-%d %H:%M:%S} UTC"
        if now < self.not_before:
            return f"it is valid only from {self.not_before:%Y-%m-%d %H:%M:%S} UTC on"
        return ""


class Certificate:
    """The pair of files ``certificate`` and ``key`` (PEM) as it is served, for the one thread that runs the server.

    A pair that fits is served even if it has expired when there is no other yet: its owner hears of it by `problem`.
    HostError when the files cannot be used at the start.
    """

    def __init__(
        self,
        certificate: str,
        key: str,
        *,
        wanted: Choices,
        now: Callable[[], datetime],
        metrics: Metrics,
    ) -> None:
        self._files = (certificate, key)
        self._wanted = wanted
        self._now = now
        self._metrics = metrics
        self._seen = _look(self._files)
        try:
            self._served = load(certificate, key, wanted)
        except (OSError, ValueError) as err:
            raise HostError(f"{_refusal(self._files, err)}. Give --tls-cert-file and --tls-private-key-file") from err
        self.refused = ""
        self._told = ""
        # New connections ask for the context of the moment; those that are open keep theirs.
        self.context = self._served.context
        self.context.sni_callback = self._choose
        self._tell(self.problem)

    @property
    def not_after(self) -> datetime:
        """The end of what is served (UTC)."""
        return self._served.not_after

    @property
    def problem(self) -> str:
        """Why API servers do not believe what is served; empty when they do."""
        fault = self._served.fault(self._now())
        return f"the certificate in {self._files[0]} cannot be used: {fault}. Renew it" if fault else ""

    def check(self) -> None:
        """Look at the files, and serve what is in them if it has changed and is good; called every few seconds.

        What was refused is tried each time: kubelet puts both files in their place at once, others one after the other.
        """
        seen = _look(self._files)
        if seen != self._seen or self.refused:
            is_new, self._seen = seen != self._seen, seen
            self._reload(is_new=is_new)
        self._tell(self.refused or self.problem)

    def _reload(self, *, is_new: bool) -> None:
        try:
            found = load(*self._files, self._wanted)
            fault = found.fault(self._now())
        except (OSError, ValueError, HostError) as err:
            fault = _refusal(self._files, err)
        else:
            fault = fault and f"the new certificate in {self._files[0]} is not served: {fault}"
        if not fault:
            self._served = found
            _log.info("serving the certificate of %s that ends at %s", self._files[0], found.not_after)
        if is_new or not fault:
            self._metrics.reloaded("refused" if fault else "served")
        self.refused = f"{fault}; the one before is kept, until {self.not_after:%Y-%m-%d %H:%M:%S} UTC" if fault else ""

    def _tell(self, problem: str) -> None:
        """Say it once, and in the metrics as long as it is so."""
        self._metrics.certificate(self.not_after.timestamp(), refused=bool(self.refused))
        if problem and problem != self._told:
            _log.error("%s", problem)
        self._told = problem

    def _choose(self, connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        connection.context = self._served.context


def load(certificate: str, key: str, wanted: Choices) -> Loaded:
    """The pair in the files. OSError or ValueError when one cannot be read or the two do not fit together."""
    from cryptography import x509  # noqa: PLC0415  # 16 MiB that only servers need

    context = new_context(wanted)
    # An encrypted key would ask the terminal for its password.
    context.load_cert_chain(certificate, key, password=_no_password)
    with open(certificate, "rb") as file:
        leaf = x509.load_pem_x509_certificate(file.read())
    return Loaded(context=context, not_before=leaf.not_valid_before_utc, not_after=leaf.not_valid_after_utc)


def _no_password() -> str:
    raise ValueError("the key is encrypted")


def _refusal(files: tuple[str, str], err: Exception) -> str:
    """What is wrong with the pair, in words."""
    certificate, key = files
    if isinstance(err, FileNotFoundError):
        missing = next((file for file in files if not os.path.exists(file)), certificate)
        return f"{missing}: there is no such file"
    if isinstance(err, ssl.SSLError) and err.reason == "KEY_VALUES_MISMATCH":
        return f"the key in {key} is not that of the certificate in {certificate}"
    why = getattr(err, "reason", None) or getattr(err, "strerror", None) or err
    return f"no certificate with its key can be read from {certificate} and {key}: {why}"


def _look(files: tuple[str, str]) -> _Seen:
    """What changes with the files: kubelet swaps a link above them, others write or replace them."""
    return tuple(map(_identity, files))


def _identity(file: str) -> tuple[int, int, int]:
    try:
        found = os.stat(file)
    except OSError:
        return (0, 0, 0)
    return (found.st_ino, found.st_mtime_ns, found.st_size)
