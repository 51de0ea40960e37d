"""What agents say about themselves: one dictionary per message, as a line of JSON for machines or a line of text for people."""

from __future__ import annotations

import json
import logging
import sys
import time
from pathlib import Path
from typing import TextIO

_ROOT = "touchstone"


class JsonFormatter(logging.Formatter):
    """One JSON object per line: time, level, agent, msg and the message's own fields."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        entry: dict[str, object] = {"time": round(record.created, 3), "level": record.levelname.lower(), "agent": record.name}
        return json.dumps({**entry, **_fields(record)}, default=_plain)


class TextFormatter(logging.Formatter):
    """Time, agent, message, then the fields."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        fields = _fields(record)
        message = fields.pop("msg")
        shown = " ".join(f"{name}={_plain(value)}" for name, value in fields.items())
        clock = time.strftime("%H:%M:%S", time.localtime(record.created))
        agent = record.name.removeprefix(f"{_ROOT}.")
        warning = "" if record.levelno < logging.WARNING else f"{record.levelname.lower()}: "
        return f"{clock} {agent} {warning}{message}{'  ' + shown if shown else ''}"


def set_up(as_json: bool, stream: TextIO | None = None, file: Path | None = None) -> None:
    """Send the agents' messages to ``stream`` (standard error by default), and as JSON to the end of ``file``."""
    logger = logging.getLogger(_ROOT)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    for old in list(logger.handlers):
        logger.removeHandler(old)
    shown = logging.StreamHandler(stream or sys.stderr)
    shown.setFormatter(JsonFormatter() if as_json else TextFormatter())
    logger.addHandler(shown)
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        kept = logging.FileHandler(file)
        kept.setFormatter(JsonFormatter())
        logger.addHandler(kept)


def _fields(record: logging.LogRecord) -> dict[str, object]:
    if isinstance(record.msg, dict):
        return dict(record.msg)
    return {"msg": record.getMessage()}


def _plain(value: object) -> str:
    return "0x" + value.hex() if isinstance(value, bytes) else str(value)
