"""A figure with what it is judged by: its limit, and the floor or peer that was measured beside it."""

import json

import attrs


@attrs.frozen(kw_only=True)
class Figure:
    """One measured number. ``floor`` is the least the machine allows, ``peer`` what does the same job by other means.

    Both are measured in the same run and in the same unit. ``best`` is the least of the runs, which tells how much of
    the value is other work of the machine. ``detail`` says of what the number is.
    """

    name: str
    value: float
    unit: str
    detail: str
    best: float | None = None
    limit: float | None = None
    floor: float | None = None
    peer: float | None = None

    @property
    def exceeds(self) -> bool:
        """True when the number is over its limit."""
        return self.limit is not None and self.value > self.limit

    def line(self) -> str:
        """The figure as one line of JSON; what does not apply is left out."""
        told = {key: _rounded(value) for key, value in attrs.asdict(self).items() if value is not None}
        return json.dumps({**told, **({"exceeds": True} if self.exceeds else {})})


def _rounded(value: object) -> object:
    return float(f"{value:.4g}") if isinstance(value, float) else value
