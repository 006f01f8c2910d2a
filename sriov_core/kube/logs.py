"""The log of agent and operator on the standard error: how a line looks, one for each fact, and how much is told."""

import json
import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

Form = Literal["text", "json"]

_REQUESTS = "sriov_core.kube"
_AREAS = ("sriov_core", _REQUESTS, "sriov_operator")
_HIGHEST = 2


@contextmanager
def log_to_stderr(form: Form) -> Iterator[None]:
    """Log facts for as long as the block lasts; libraries are heard when something is wrong only."""
    root, areas = logging.getLogger(), [logging.getLogger(name) for name in _AREAS]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter(form))
    before = [area.level for area in areas]
    root.addHandler(handler)
    set_level(0)
    try:
        yield
    finally:
        root.removeHandler(handler)
        for area, level in zip(areas, before, strict=True):
            area.setLevel(level)


def set_level(log_level: int) -> None:
    """Tell what the logLevel of a SriovOperatorConfig asks for: 0 facts, 1 details, 2 requests; below 0 warnings."""
    for name in _AREAS:
        detailed = log_level >= (_HIGHEST if name == _REQUESTS else 1)
        logging.getLogger(name).setLevel(
            logging.DEBUG if detailed else logging.INFO if log_level >= 0 else logging.WARNING
        )


def formatter(form: Form) -> logging.Formatter:
    """``TIME LEVEL area: text``, or one JSON object a line with ``time``, ``level``, ``area`` and ``text``.

    The time is RFC 3339 in UTC, with milliseconds. A traceback follows below the line, or is ``traceback``.
    """
    return _Json() if form == "json" else _Text()


def _time(record: logging.LogRecord) -> str:
    seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
    return f"{seconds}.{int(record.msecs):03d}Z"


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        text = f"{_time(record)} {record.levelname} {record.name}: {_one_line(record.getMessage())}"
        return f"{text}\n{self.formatException(record.exc_info)}" if record.exc_info else text


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        facts = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "area": record.name,
            "text": record.getMessage(),
        }
        if record.exc_info:
            facts["traceback"] = self.formatException(record.exc_info)
        return json.dumps(facts)


def _one_line(text: str) -> str:
    """The text without what steers a terminal or starts another line: names and errors come from objects."""
    return text if text.isprintable() else "".join(char if char.isprintable() else " " for char in text)
