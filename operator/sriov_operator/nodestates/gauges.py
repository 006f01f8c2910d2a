"""What the metrics say of all nodes together, kept from node to node."""

import threading

import attrs

from sriov_operator.process.context import Counted


@attrs.frozen(kw_only=True)
class NodeTally:
    """What one node adds to each gauge."""

    managed_nodes: int = 0
    node_states_stale: int = 0
    unmanaged_interfaces: int = 0
    plugin_conflicts: int = 0


_NOTHING = NodeTally()
_NAMES = tuple(field.name for field in attrs.fields(NodeTally))


class Gauges:
    """Sums over all nodes. Thread-safe."""

    def __init__(self, metrics: Counted) -> None:
        self._metrics = metrics
        self._lock = threading.Lock()
        self._tallies: dict[str, NodeTally] = {}
        self._sums = dict.fromkeys(_NAMES, 0)

    def note(self, node: str, tally: NodeTally = _NOTHING) -> None:
        """Count a node as it is now."""
        with self._lock:
            before = self._tallies.pop(node, _NOTHING)
            if tally != _NOTHING:
                self._tallies[node] = tally
            for name in _NAMES:
                self._sums[name] += getattr(tally, name) - getattr(before, name)
            for name, value in self._sums.items():  # still locked, or one that counted earlier might tell last
                self._metrics.gauge(name, value)
