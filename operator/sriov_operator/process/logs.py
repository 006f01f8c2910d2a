"""Where the log goes and how it looks: plain lines or JSON on the standard error, one line a fact."""

import json
import logging
import time
from typing import Literal, TextIO

Format = Literal["plain", "json"]
LEVELS = (logging.WARNING, logging.INFO, logging.DEBUG)
"""By the logLevel of the SriovOperatorConfig, which is 0, 1 or 2."""

AREAS = ("sriov_operator", "sriov_core")


def begin(form: Format, stream: TextIO) -> None:
    """Send the log of this process there; from INFO on, until `set_level`."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_Json() if form == "json" else _Plain())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)  # libraries only when something is wrong
    set_level(1)


def set_level(level: int) -> None:
    """Tell what a logLevel asks for: 0 warnings, 1 facts, 2 details; others count as the nearest."""
    for area in AREAS:
        logging.getLogger(area).setLevel(LEVELS[max(0, min(level, len(LEVELS) - 1))])


def _time(record: logging.LogRecord) -> str:
    seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
    return f"{seconds}.{int(record.msecs):03d}Z"


class _Plain(logging.Formatter):
    """``TIME LEVEL area: text``; a traceback follows below."""

    def format(self, record: logging.LogRecord) -> str:
        text = f"{_time(record)} {record.levelname} {record.name}: {one_line(record.getMessage())}"
        return f"{text}\n{self.formatException(record.exc_info)}" if record.exc_info else text


class _Json(logging.Formatter):
    """One object a line, with the traceback in it."""

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


def one_line(text: str) -> str:
    """The text without what steers a terminal or starts another line: names and errors come from objects."""
    return text if text.isprintable() else "".join(char if char.isprintable() else " " for char in text)
