"""What the loop of the agent needs of others: the device plugin's pods, who holds which VF, and somebody who counts."""

from collections.abc import Callable, Mapping
from typing import Literal, Protocol

from sriov_core.engine.execute import Event
from sriov_core.model.address import Address
from sriov_core.model.observed import Snapshot

Assigned = Callable[[], Mapping[Address, str]]
"""VF address to ``namespace/pod`` of who has it, as far as is known; never raises, never takes long."""

Waiting = Literal["", "drain", "reboot"]
"""What the node waits for; empty for nothing."""

Outcome = Literal["ok", "waiting", "failed"]
"""How a pass of the loop ended: as wished, waiting for a drain or a reboot, or with something that is wrong."""


class DevicePlugin(Protocol):
    """The pods of the SR-IOV device plugin on this node: they look for VFs once, when they start."""

    def restart(self, reason: str) -> None:
        """Delete the node's pods and return when they are gone; ``reason`` is for the log.

        No pod is no error. Raises a `SriovError` when they did not go in time or the API server does not answer.
        """
        ...

    def unblock(self) -> None:
        """Let pods go on that wait in their init container for the node to be configured.

        Called after each pass that found the node as wished, so it has to be cheap when nobody waits.
        """
        ...


class NoDevicePlugin:
    """Stands for a node without a cluster."""

    def restart(self, reason: str) -> None:
        """There is none."""

    def unblock(self) -> None:
        """Nobody waits."""


class Meter(Protocol):
    """Whoever counts: metrics. Every method may be called from several threads, and none may raise."""

    def passed(self, outcome: Outcome, seconds: float) -> None:
        """A pass of the loop has ended."""
        ...

    def stepped(self, event: Event) -> None:
        """A step of a plan has begun, is done or has failed."""
        ...

    def healed(self, steps: int) -> None:
        """Drift was found: so many steps were needed although the wish had not changed."""
        ...

    def standing(self, snapshot: Snapshot, waiting: Waiting) -> None:
        """What the last look saw, and what the node waits for."""
        ...


class NoMeter:
    """Nobody counts."""

    def passed(self, outcome: Outcome, seconds: float) -> None:
        """Not counted."""

    def stepped(self, event: Event) -> None:
        """Not counted."""

    def healed(self, steps: int) -> None:
        """Not counted."""

    def standing(self, snapshot: Snapshot, waiting: Waiting) -> None:
        """Not counted."""
