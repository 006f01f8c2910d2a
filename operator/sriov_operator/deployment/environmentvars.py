"""The environment variables that people add to the agent's: which are taken, and why others are not. No I/O."""

import re
from collections.abc import Iterator, Mapping

import attrs

from sriov_core.api.fault import Fault, legible

RESERVED = frozenset(
    {"NODE_NAME", "NAMESPACE", "CLUSTER_TYPE", "DEV_MODE", "RESOURCE_PREFIX", "USE_EXTERNAL_DRAINER", "POD_NAME"}
)
"""The variables that the operator sets by itself."""

# What every API server takes; those before 1.34 refuse a DaemonSet with anything else.
_NAME = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")


@attrs.frozen
class Added:
    """The variables that are taken, by name, and the mistakes of the others."""

    values: Mapping[str, str]
    faults: tuple[Fault, ...] = ()


def added(asked: Mapping[str, str]) -> Added:
    """The variables that the agent gets. One of the operator's own, and one with an impossible name, is left out."""
    mistakes = {name: fault for name in sorted(asked) for fault in _fault(name)}
    taken = {name: value for name, value in sorted(asked.items()) if name not in mistakes}
    return Added(taken, tuple(mistakes.values()))


def _fault(name: str) -> Iterator[Fault]:
    place = f"spec.configDaemonEnvVars[{legible(name)}]"
    if name in RESERVED:
        yield Fault(place, "the operator sets this variable itself, and it was left out", "Remove it")
    elif not _NAME.fullmatch(name):
        text = "this is no name of an environment variable, and it was left out"
        yield Fault(place, text, "Use letters, digits, '_', '-' and '.', with no digit at the start")
