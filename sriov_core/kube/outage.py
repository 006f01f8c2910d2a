"""What an informer does after a failure: go on from where it was, or list again; at once, or after a pause. No I/O."""

import attrs

from sriov_core.kube.failures import Gone


@attrs.frozen
class Plan:
    """``lists``: what was seen last is no use any more. ``at_once``: there is nothing to wait for."""

    lists: bool
    at_once: bool


def after(error: Exception, failures: int) -> Plan:
    """The plan after ``error``; ``failures`` is how many came before it since the last sign of life.

    A first failure is a cut: the watch goes on from its version. A second one is an outage, from which an API server
    may come back with another history. A version that is too old means a list, without a pause the first time only:
    a server that says so for ever must not be asked for ever.
    """
    first, gone = failures == 0, isinstance(error, Gone)
    return Plan(lists=gone or not first, at_once=gone and first)
