"""The memory of processes that import what ours import, and do nothing: the least that ours could have."""

import sys
from collections.abc import Sequence
from pathlib import Path

from bench.cluster_process import Size, running

_CLIENT = ("sriov_core.kube.transport", "kubernetes.client", "kubernetes.config")
_PARTS = ("nodestates", "networking", "deployment", "draining")
_PLUGINS = ("generic", "intel", "mellanox", "virtual")
OPERATOR_IMPORTS = (
    *("sriov_operator.program", "sriov_operator.process.command", "sriov_operator.draining.pools"),
    *(f"sriov_operator.{part}.controller" for part in _PARTS),
    *_CLIENT,
)
AGENT_IMPORTS = (
    *("sriov_core.cli.program", "sriov_core.cli.agent", "sriov_core.cli.simulation"),
    *(f"sriov_plugins.{plugin}" for plugin in _PLUGINS),
    *_CLIENT,
)
_DEADLINE_S = 60.0


def importing(modules: Sequence[str], folder: Path) -> Size:
    """The memory of a process that has imported these modules."""
    does = f"import {', '.join(modules)}, time\nprint('imported', flush=True)\ntime.sleep(3600)"
    with running("importing", [sys.executable, "-c", does], {}, folder / "importing.log") as daemon:
        daemon.told("imported", _DEADLINE_S)
        return daemon.size()
