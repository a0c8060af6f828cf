"""Logs: structured lines on stderr, one event each; stdout belongs to the commands' answers."""

from __future__ import annotations

import sys

import structlog


def configure() -> None:
    """Send every log line to stderr: readable on a terminal, JSON where a log collector reads."""
    last: list[structlog.typing.Processor]
    if sys.stderr.isatty():
        last = [structlog.dev.ConsoleRenderer()]
    else:
        last = [structlog.processors.dict_tracebacks, structlog.processors.JSONRenderer()]
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *last,
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
