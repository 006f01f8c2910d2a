"""Where the machine runs, and what its cloud says of its networks: asked seldom, remembered, never waited for long."""

import threading
import time
from collections.abc import Callable, Collection, Mapping

from sriov_core.errors import HostError
from sriov_core.host.platform import AWS, OPENSTACK, detect

_FIRST_S = 30.0
_LONGEST_S = 600.0


class Cloud:
    """The platform of a machine and its metadata. Any thread may use it.

    An answer is kept as long as the process lives. It is asked for anew when a NIC is here that it does not tell of,
    as after a hot plug, and when there was none: at once, then after 30 s, and ever more seldom up to every 10
    minutes. ``live`` is false for a tree of files of a machine: then only files are read.
    """

    def __init__(
        self,
        root: str,
        *,
        live: bool,
        platform: str | None = None,
        source: Callable[[Collection[str]], Mapping[str, str]] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._root = root
        self._live = live
        self._platform = platform
        self._source = source
        self._clock = clock
        self._lock = threading.Lock()
        self._known: Mapping[str, str] | None = None
        self._error = ""
        self._missing: frozenset[str] = frozenset()
        self._wait_s = _FIRST_S / 2
        self._again_at = float("-inf")

    @property
    def platform(self) -> str:
        """``baremetal``, ``virtual`` (a virtual machine nobody tells more about), ``openstack`` or ``aws``."""
        if self._platform is None:
            self._platform = detect(self._root)
        return self._platform

    def network_ids(self, macs: Callable[[], Collection[str]] = frozenset) -> Mapping[str, str]:
        """MAC to ``<cloud>/NetworkID:<id>``; empty without a cloud, HostError while nobody has ever answered.

        ``macs`` tells the MACs of the NICs that are here, in lower case.
        """
        if self.platform not in (OPENSTACK, AWS):
            return {}
        with self._lock:
            here = frozenset(macs())
            if self._is_due(here):
                self._look(here)
            if self._known is None:
                raise HostError(self._error)
            return dict(self._known)

    def refresh(self) -> None:
        """Have the next question asked anew, whatever is remembered."""
        with self._lock:
            self._known, self._again_at = None, float("-inf")

    def _is_due(self, here: frozenset[str]) -> bool:
        missing = here - (self._known or {}).keys()
        if self._known is not None and not missing:
            return False
        return bool(missing - self._missing) or self._clock() >= self._again_at

    def _look(self, here: frozenset[str]) -> None:
        try:
            self._known = self._asked(here)
        except HostError as err:
            self._error = str(err)  # an earlier answer stays: it is as true as it was, and the NICs in it are in use
        missing = here - (self._known or {}).keys()
        self._wait_s = _FIRST_S if missing - self._missing else min(2 * self._wait_s, _LONGEST_S)
        self._missing = missing
        self._again_at = self._clock() + self._wait_s

    def _asked(self, here: frozenset[str]) -> Mapping[str, str]:
        if self._source is None:
            from sriov_core.host.networkids import source  # noqa: PLC0415  # only a machine in a cloud needs it

            self._source = source(self.platform, self._root, live=self._live)
        return self._source(here)
