"""Logs: one line of JSON for machines, a sentence for people, and never the rows that a database error quotes."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import errors

from gyrophare.platform import logs

PHONE, NAME = "+33612345678", "Martin Lefèvre"
PRIMARY = 'duplicate key value violates unique constraint "contact_pkey"'
log = logging.getLogger("gyrophare.test")


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """Logging is the process's own: leave it as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    chatty = {name: logging.getLogger(name).level for name in ("apscheduler", "alembic", "httpx", "paho")}
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, its_level in chatty.items():
        logging.getLogger(name).setLevel(its_level)


def database_error() -> psycopg.Error:
    """As PostgreSQL words it: the row is in the DETAIL."""
    detail = f"Failing row contains (7, {NAME}, {PHONE})."
    info: dict[int, bytes | None] = {
        ord("S"): b"ERROR",
        ord("C"): b"23505",
        ord("M"): PRIMARY.encode(),
        ord("D"): detail.encode(),
    }
    return errors.UniqueViolation(f"{PRIMARY}\nDETAIL:  {detail}", info=info)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    captured = capsys.readouterr()
    assert captured.out == ""  # standard output belongs to the command's own answer
    return [json.loads(line) for line in captured.err.removesuffix("\n").split("\n")]


@pytest.mark.parametrize("form", ["json", "text", "auto"])
def test_database_error_is_logged_without_its_row(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert PHONE in str(database_error())  # or the test would prove nothing
    logs.configure("info", form)
    try:
        raise database_error()
    except psycopg.Error:
        log.exception("A message could not be stored", extra={"action": "quarantine"})
    said = capsys.readouterr().err
    assert PHONE not in said
    assert NAME not in said
    assert "Failing row" not in said
    for part in ("A message could not be stored", "quarantine", "UniqueViolation", "duplicate key", "test_logs.py"):
        assert part in said


def test_database_error_handed_over_is_logged_without_its_row(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "json")
    log.critical("'dispatch' has ended", exc_info=database_error())
    [line] = lines(capsys)
    assert line["exception"].endswith(f"UniqueViolation: {PRIMARY}")
    assert PHONE not in json.dumps(line)


def test_database_error_behind_another_is_logged_without_its_row(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "json")
    try:
        try:
            raise database_error()
        except psycopg.Error as error:
            raise RuntimeError("the tick failed") from error
    except RuntimeError:
        log.exception("A periodic step failed")
    [line] = lines(capsys)
    assert line["exception"].endswith("RuntimeError: the tick failed")
    assert PHONE not in json.dumps(line)


def test_error_of_the_connection_itself_says_what_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "json")
    log.error("No database", exc_info=psycopg.OperationalError("connection refused"))
    [line] = lines(capsys)
    assert line["exception"].endswith("OperationalError: connection refused")


def test_json_line_parses_whatever_is_in_it(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "json")
    log.info('Agent %s\nsays "%s"', "w-07", "à bientôt\u2028", extra={"action": "said", "alert_id": 17})
    try:
        raise ValueError('several\nlines and a "quote"')
    except ValueError:
        log.exception("It failed")
    said, failed = lines(capsys)
    assert said["event"] == 'Agent w-07\nsays "à bientôt\u2028"'
    assert (said["action"], said["alert_id"], said["level"]) == ("said", 17, "info")
    assert said["timestamp"].endswith("Z")
    assert failed["level"] == "error"
    assert 'ValueError: several\nlines and a "quote"' in failed["exception"]
    assert "exc_info" not in failed


def test_line_without_an_exception_has_none(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "json")
    log.info("All is well")
    log.error("Called where nothing had failed", exc_info=True)  # noqa: LOG014  # that is the question
    assert [line["event"] for line in lines(capsys)] == ["All is well", "Called where nothing had failed"]


@pytest.mark.parametrize(
    ("level", "heard"),
    [("debug", 4), ("info", 3), ("warning", 2), ("error", 1)],
)
def test_level_says_what_is_heard(level: str, heard: int, capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(level, "json")
    for say in (log.debug, log.info, log.warning, log.error):
        say("said")
    assert len(lines(capsys)) == heard


def test_chatty_libraries_are_heard_only_when_something_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("debug", "json")
    for name in ("alembic.runtime", "httpx", "paho"):
        logging.getLogger(name).info("said")  # httpx says addresses, with the account in them
        logging.getLogger(name).warning("wrong")
    scheduler = logging.getLogger("apscheduler.scheduler")
    scheduler.warning("a slow step was not started twice")  # each second of an outage
    scheduler.error("wrong")
    assert [line["event"] for line in lines(capsys)] == ["wrong"] * 4


def test_configuring_twice_says_everything_once(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "json")
    logs.configure("info", "json")
    log.info("said")
    assert len(lines(capsys)) == 1


def test_auto_is_json_where_no_terminal_listens(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "auto")
    log.info("said")
    [line] = lines(capsys)
    assert line["event"] == "said"


def test_text_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "text")
    log.info("The schema is ready", extra={"action": "migrated"})
    said = capsys.readouterr().err
    assert "The schema is ready" in said
    assert not said.startswith("{")
