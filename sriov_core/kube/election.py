"""Leader election by a Lease: one process works, the others wait; a wrong clock on either side makes no two leaders."""

import datetime as dt
import logging
import random
import threading
import time
from collections.abc import Callable

import msgspec

from sriov_core.kube.client import Client, Object
from sriov_core.kube.failures import ApiFailure, Away, Conflict, Exists, NotFound
from sriov_core.kube.lease import Record, Seen, Timing, held, judge, released, watched, written
from sriov_core.kube.pace import Pace
from sriov_core.kube.resource import LEASES

__all__ = ["Election", "Timing"]

PLAIN = Timing()

_log = logging.getLogger(__name__)


class Election:
    """Takes and keeps the Lease ``namespace/name`` as ``identity``.

    The times in the Lease are never compared with this machine's clock: a holder counts as gone when its Lease has not
    changed for ``lease_s`` of our own monotonic clock (client-go's rule). Every write carries the version that was
    seen, so of two that try at once one wins. Who could not renew within ``renew_s`` has lost before another can take.
    """

    def __init__(
        self,
        client: Client,
        *,
        namespace: str,
        name: str,
        identity: str,
        timing: Timing = PLAIN,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._client = client
        self._namespace, self._name = namespace, name
        self._identity = identity
        self._timing = timing
        self._clock = clock or _seconds_since_boot
        self._random = random.Random()  # noqa: S311  # spreads those who wait; no secret
        self._seen: Seen | None = None
        self._lease: Object | None = None
        self._until = 0.0
        self._trouble: ApiFailure | None = None
        self._holder: str | None = None
        self._pace = Pace()

    def acquire(self, stop: threading.Event) -> bool:
        """Wait for the leadership; False when ``stop`` was set before."""
        while not stop.is_set():
            try:
                if self._try():
                    _log.info("%s leads: it holds the Lease %s", self._identity, self._called)
                    return True
                self._well()
            except (Conflict, Exists):
                _log.debug("somebody was faster at the Lease %s", self._called)
            except ApiFailure as error:
                self._complain("cannot stand for election", error)
            stop.wait(self._timing.retry_s * (1.0 + self._random.random() / 5.0))
        return False

    def hold(self, stop: threading.Event) -> bool:
        """Renew until ``stop`` is set, then give the Lease back and answer True; False as soon as it is lost."""
        while (lease := self._lease) is not None:
            if stop.wait(max(0.0, min(self._timing.retry_s, self._until - self._clock()))):
                self._release(lease)
                self._lease = None
                return True
            if self._clock() >= self._until:
                return self._lost("it could not renew the Lease in time")
            if not self._renew(lease):
                return False
        return False

    @property
    def is_overdue(self) -> bool:
        """True when another may take the Lease soon, whatever `hold` does: a name service may keep it waiting."""
        return self._lease is not None and self._clock() >= self._until

    @property
    def trouble(self) -> ApiFailure | None:
        """Why it cannot stand, or renew, at this moment; None while it can."""
        return self._trouble

    def _try(self) -> bool:
        """One look at the Lease, and one attempt when it may be taken; Conflict when somebody was faster."""
        client = self._client.within(self._timing.renew_s / 2)
        try:
            lease: Object | None = client.get(LEASES, self._name, self._namespace)
        except NotFound:
            lease = None
        record = None if lease is None else msgspec.convert(lease.get("spec") or {}, Record)
        now = self._clock()
        verdict = judge(record, self._seen, now, self._identity, self._timing)
        self._seen = None if record is None else watched(record, self._seen, now)
        if verdict == "wait":
            self._waits_for(record.holder_identity if record is not None else None)
            return False
        self._write(client, lease, held(record, self._identity, self._timing, _today()))
        return True

    def _waits_for(self, holder: str | None) -> None:
        if holder != self._holder:
            _log.info("%s waits: %s holds the Lease %s", self._identity, holder, self._called)
        self._holder = holder

    def _renew(self, lease: Object) -> bool:
        """One attempt; False when the Lease is another's. A failure that may pass is tried again."""
        client = self._client.within(max(0.1, min(self._timing.renew_s / 2, self._until - self._clock())))
        try:
            try:
                record = msgspec.convert(lease["spec"], Record)
                self._write(client, lease, held(record, self._identity, self._timing, _today()))
            except Conflict:
                # It may have been our own write, whose answer was lost.
                self._lease = client.get(LEASES, self._name, self._namespace)
                return self._is_ours(self._lease)
        except NotFound:
            return self._lost("the Lease was deleted")
        except ApiFailure as error:
            self._complain("cannot renew its Lease", error)
        return True

    def _is_ours(self, lease: Object) -> bool:
        holder = (lease.get("spec") or {}).get("holderIdentity")
        return holder == self._identity or self._lost(f"{holder or 'nobody'} holds the Lease")

    def _write(self, client: Client, lease: Object | None, record: Record) -> None:
        """Hold the Lease; the time counts from before the request, as the others may have seen it since then."""
        started = self._clock()
        if lease is None:
            named = {"apiVersion": LEASES.api_version, "kind": LEASES.kind, "metadata": {"name": self._name}}
            self._lease = client.create(LEASES, written(named, record), self._namespace)
        else:
            self._lease = client.replace(LEASES, self._name, written(lease, record), self._namespace)
        self._until = started + self._timing.renew_s
        self._well()

    def _release(self, lease: Object) -> None:
        client = self._client.within(self._timing.renew_s / 2)
        record = released(msgspec.convert(lease["spec"], Record), _today())
        try:
            client.replace(LEASES, self._name, written({**lease, "spec": {}}, record), self._namespace)
            _log.info("%s gave the Lease %s back", self._identity, self._called)
        except ApiFailure as error:
            _log.warning("%s cannot give its Lease back, which ends by itself: %s", self._identity, error)

    def _lost(self, why: str) -> bool:
        _log.error("%s leads no more: %s (%s)", self._identity, why, self._called)
        self._lease = None
        return False

    def _complain(self, what: str, error: ApiFailure) -> None:
        """A line for what stays, and now and then; of one that is away the client tells.

        A server that has just come up refuses for a moment what it does not know yet: a first refusal may be nothing.
        """
        before, self._trouble = self._trouble, error
        if before is None or (type(before), before.status) != (type(error), error.status):
            self._pace = Pace()
            is_told = False
        else:
            is_told = not isinstance(error, Away) and self._pace.tells(self._clock())
        _log.log(logging.WARNING if is_told else logging.DEBUG, "%s %s: %s", self._identity, what, error)

    def _well(self) -> None:
        self._trouble = None

    @property
    def _called(self) -> str:
        return f"{self._namespace}/{self._name}"


def _seconds_since_boot() -> float:
    """Goes on while the machine is suspended, when the others go on too."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def _today() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
