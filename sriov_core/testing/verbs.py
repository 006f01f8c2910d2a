"""What every verb of the fake kernel begins with: planned accidents, and the rights of the process."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from sriov_core.model.address import Address
from sriov_core.testing.faults import Faults, Matcher
from sriov_core.testing.machine import Device
from sriov_core.testing.reading import FakeReader
from sriov_core.testing.refusing import blocked, refused
from sriov_core.testing.tree import Access, LinkFacts, Tree


class Verbs(FakeReader):
    """A machine on which accidents can be planned."""

    def __init__(self, tree: Tree) -> None:
        super().__init__(tree)
        self._faults = Faults()

    def fail(self, matches: Matcher, code: int) -> None:
        """Have every verb that matches refused with that errno, before it changes anything, until `heal`."""
        with self._machine.lock:
            self._faults.plan(matches, code)

    def crash(self, matches: Matcher, *, after: bool = False) -> None:
        """Have the process die (`Crash`) before, or right after, every verb that matches, until `heal`."""
        with self._machine.lock:
            self._faults.plan(matches, None, after=after)

    def heal(self) -> None:
        """No more planned accidents; the count of verbs starts anew."""
        with self._machine.lock:
            self._faults.clear()

    @property
    def verbs_done(self) -> int:
        """How many verbs were begun since the last accident was planned or healed."""
        return self._faults.seen

    @contextmanager
    def _verb(self, name: str, target: Address | str) -> Iterator[None]:
        with self._machine.lock:
            verb = self._faults.before(name, target)
            yield
            self._faults.after(verb)

    def _must_be_root(self, where: Address | str, attribute: str) -> None:
        if self._machine.tree.node.access is Access.USER:
            raise refused(where, attribute, "the change", errno.EPERM, "Run it as root")

    def _sysfs_must_be_writable(self, where: Address | str, attribute: str) -> None:
        access = self._machine.tree.node.access
        if access is Access.USER:
            raise refused(where, attribute, "the write", errno.EACCES, "Run it as root")
        if access is Access.READ_ONLY_SYSFS:
            advice = "/sys is mounted read-only; in a container, run privileged"
            raise refused(where, attribute, "the write", errno.EROFS, advice)

    def _netdev(self, device: Device, attribute: str) -> LinkFacts:
        link = device.link
        if link and not link.netns:
            return link
        where = f"its netdev is in network namespace {link.netns}" if link else "no netdev appeared"
        detail = f"{where} (kernel driver: {device.own.kernel_driver or 'none'})"
        raise blocked(device.own.address, attribute, "the change", detail)
