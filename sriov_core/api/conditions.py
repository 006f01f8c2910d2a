"""Conditions in the status of an object. Nothing here does I/O."""

from typing import Literal

from sriov_core.api.wire import Wire


class Condition(Wire, frozen=True, kw_only=True):
    """One condition as in the rest of Kubernetes (metav1.Condition)."""

    type: str
    status: Literal["True", "False", "Unknown"]
    observed_generation: int = 0
    last_transition_time: str = ""
    reason: str = ""
    message: str = ""
