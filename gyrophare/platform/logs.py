"""Logs: a sentence for people, an `action` and ids for machines. Never a phone number, a name or a position."""

from __future__ import annotations

import logging
import sys
import traceback

import psycopg
import structlog


def _describe_exception(_logger: object, _method: str, line: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Where it happened and what it was; never the rows that a database error quotes: they hold positions."""
    info = line.pop("exc_info", None)
    error = sys.exception() if info is True else info[1] if isinstance(info, tuple) else info
    if isinstance(error, BaseException):
        # Only what the server says has a primary part; what psycopg says itself quotes no row.
        primary = error.diag.message_primary if isinstance(error, psycopg.Error) else None
        said = primary or str(error)
        frames = "".join(traceback.format_tb(error.__traceback__))
        line["exception"] = f"{frames}{type(error).__name__}: {said}"
    return line


def configure(level: str, form: str) -> None:
    """Send every log line to standard error: `text` for people, `json` for machines, `auto` by what is listening."""
    as_json = form == "json" or (form == "auto" and not sys.stderr.isatty())
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    render: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False) if as_json else structlog.dev.ConsoleRenderer()
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _describe_exception,
                render,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for chatty in ("alembic", "aiohttp.access", "httpx", "httpcore", "paho"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    logging.getLogger("apscheduler").setLevel(logging.ERROR)  # that a slow step is not started twice is as meant
