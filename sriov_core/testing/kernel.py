"""A kernel in memory: both ports of a machine, refusing what the real kernel refuses, with the errno it gives.

What the rules rest on: drivers/pci/iov.c (counts), drivers/pci/pci-driver.c (probing), drivers/vfio (holders), and
the measurements on QEMU's 82576. No call is recorded: look at the state, or compare `tree()` before and after.
"""

import errno
import functools
from collections.abc import Callable
from typing import Concatenate, ParamSpec

from sriov_core.errors import StepFailed
from sriov_core.model.address import Address
from sriov_core.model.desired import USERSPACE_DRIVERS
from sriov_core.model.observed import EswitchMode
from sriov_core.testing.faults import Faults, Matcher
from sriov_core.testing.machine import Device
from sriov_core.testing.reading import FakeReader
from sriov_core.testing.refusing import blocked, refused
from sriov_core.testing.tree import Access, FunctionFacts, LinkFacts, Refusal, SriovFacts, Tree, VfFacts

P = ParamSpec("P")
Method = Callable[Concatenate["FakeKernel", Address, P], None]

_ZERO_MAC = "00:00:00:00:00:00"


def _verb(method: Method[P]) -> Method[P]:
    """One verb at a time, with the accidents that a test planned before or after it."""

    @functools.wraps(method)
    def guarded(self: "FakeKernel", target: Address, /, *args: P.args, **kwargs: P.kwargs) -> None:
        with self._machine.lock:
            verb = self._faults.before(method.__name__, target)
            method(self, target, *args, **kwargs)
            self._faults.after(verb)

    return guarded


class FakeKernel(FakeReader):
    """A `Host` made from a tree. The tree itself is never written to; `tree()` shows what has become of it."""

    def __init__(self, tree: Tree) -> None:
        super().__init__(tree)
        self._faults = Faults()
