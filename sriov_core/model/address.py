"""How a function is named: by bus address once it exists, by (PF, index) before that."""

import re

import attrs

_PCI = re.compile(r"[0-9a-f]{4,8}:[0-9a-f]{2}:[0-1][0-9a-f]\.[0-7]")
_OTHER = re.compile(r"(?P<bus>[a-z][a-z0-9_-]*)/(?P<name>[A-Za-z0-9][A-Za-z0-9_.:-]*)")


@attrs.frozen(order=True, cache_hash=True)
class Address:
    """A device on a bus: ``0000:3b:00.0`` on PCI, ``netdevsim/netdevsim10`` elsewhere.

    The bus is part of the name because devlink and sysfs name devices as (bus, name), and not every
    SR-IOV device sits on PCI.
    """

    name: str
    bus: str = "pci"

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Read the form of ``str()`` or `devlink`; upper-case hex is accepted. Raises ValueError for anything else."""
        lowered = text.strip().lower()
        if _PCI.fullmatch(lowered):
            return cls(lowered)
        if lowered.startswith("pci/"):
            return cls.parse(lowered.removeprefix("pci/"))
        if match := _OTHER.fullmatch(text.strip()):
            return cls(match["name"], match["bus"])
        raise ValueError(f"{text!r} is no device address; one looks like 0000:3b:00.0")

    @property
    def devlink(self) -> str:
        """The devlink handle, ``pci/0000:3b:00.0``."""
        return f"{self.bus}/{self.name}"

    def __str__(self) -> str:
        return self.name if self.bus == "pci" else self.devlink


@attrs.frozen(order=True)
class VfRef:
    """A VF by the name it has before it exists: its PF and its index, counted from 0."""

    pf: Address
    index: int

    def __str__(self) -> str:
        return f"{self.pf} vf{self.index}"
