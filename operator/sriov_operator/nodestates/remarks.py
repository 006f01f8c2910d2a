"""What the log says of nodes: once for all nodes alike, for a mistake in a policy is the same on a thousand of them."""

import logging
import threading

from sriov_core.policy.nodeoutcome import NodeOutcome
from sriov_core.policy.pluginremarks import RemarkCode, Severity

_MOST_KEPT = 1000

# A policy that takes no NIC of a node, and one that is invalid, are told by the status of the policy.
_TOLD_OTHERWISE = frozenset({RemarkCode.SELECTS_NOTHING, RemarkCode.INVALID, RemarkCode.DISPLACED})

_log = logging.getLogger("sriov_operator.nodestates")


class Remarks:
    """Writes each text into the log once; after very many texts, once more. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._told: set[str] = set()

    def tell(self, outcome: NodeOutcome) -> None:
        """Tell what is worth saying about a node's rendering beside what stands in the status of policies."""
        plugin = (
            str(remark)
            for remark in outcome.plugin.remarks
            if remark.severity is Severity.WARNING and remark.code not in _TOLD_OTHERWISE
        )
        problems = (str(problem) for problem in outcome.rendering.problems if problem.nic)
        for text in (*outcome.remarks, *problems, *plugin):
            self.say(outcome.node, text)

    def say(self, node: str, text: str) -> None:
        """Tell one thing about a node."""
        with self._lock:
            if len(self._told) >= _MOST_KEPT:
                self._told.clear()
            if text in self._told:
                return
            self._told.add(text)
        _log.warning("node %s, and others alike: %s", node, text)
