"""The agent's log on the standard error: how it looks, and how much it tells."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from sriov_core.kube.logs import Form, formatter

AREA, CLUSTER = "sriov_core", "sriov_core.kube"
_LEVELS = ((logging.INFO, logging.INFO), (logging.DEBUG, logging.INFO), (logging.DEBUG, logging.DEBUG))
"""Of all, and of what has to do with requests, by the logLevel of the SriovOperatorConfig: 0, 1 or 2."""


@contextmanager
def log_to_stderr(form: Form) -> Iterator[None]:
    """Log what happens to the node for as long as the block lasts; libraries only when something is wrong."""
    root, areas = logging.getLogger(), [logging.getLogger(name) for name in (AREA, CLUSTER)]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter(form))
    before = [area.level for area in areas]
    root.addHandler(handler)
    follow_level(0)
    try:
        yield
    finally:
        root.removeHandler(handler)
        for area, level in zip(areas, before, strict=True):
            area.setLevel(level)


def follow_level(log_level: int) -> None:
    """Tell as much as a logLevel asks for; others than 0, 1 and 2 count as the nearest."""
    levels = _LEVELS[max(0, min(log_level, len(_LEVELS) - 1))]
    for name, level in zip((AREA, CLUSTER), levels, strict=True):
        logging.getLogger(name).setLevel(level)
