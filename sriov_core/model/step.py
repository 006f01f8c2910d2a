"""What every step is: a value that prints on one line and says what the NIC will be like after it."""

import enum
from typing import ClassVar

import attrs

from sriov_core.model.address import Address, VfRef
from sriov_core.model.observed import Nic


class Scope(enum.StrEnum):
    """Whom a step is about."""

    NODE = "node"
    NIC = "nic"
    VF = "vf"


@attrs.frozen(kw_only=True)
class Step:
    """One change. Subclasses hold what was found (``was``) and what shall be."""

    kind: ClassVar[str] = ""
    scope: ClassVar[Scope] = Scope.NIC

    def describe(self) -> str:
        """The step on one line, the address first."""
        raise NotImplementedError  # every kind has its own sentence

    @property
    def optional(self) -> bool:
        """True when a failure is told and ends nothing."""
        return False

    def project(self, nic: Nic) -> Nic:
        """The NIC as it will be after the step."""
        return nic


def target(nic: Address, vf: int | None) -> str:
    """The device that a step is about, as its line begins."""
    return str(nic) if vf is None else str(VfRef(nic, vf))


def shown_state(up: bool | None) -> str:  # noqa: FBT001  # a formatter of the flag itself
    """``up``, ``down``, or ``?`` while it is not known."""
    return "?" if up is None else "up" if up else "down"


def shown_switch(on: bool) -> str:  # noqa: FBT001  # a formatter of the flag itself
    """``on`` or ``off``."""
    return "on" if on else "off"


def shown(value: object) -> str:
    """A value as people write it; ``none`` for None."""
    return "none" if value is None else str(value)
