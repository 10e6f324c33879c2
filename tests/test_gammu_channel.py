"""Texts through our own modem: what gammu-smsd's tables say, played by a daemon that moves rows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from alerts.channels import Channel, Outcome, OutgoingText
from alerts.channels.gammu import LATE_S, GammuChannel
from gyrophare.kernel.clock import SystemClock
from gyrophare.platform.db import Connection, connect

TABLES = (Path(__file__).parent / "gammu.sql").read_text(encoding="utf-8")
MESSAGE = OutgoingText(
    notification_id=2, reference="#A17-2", to="+33612345678", text="IMMOBILE: Martin à Châtillon œuvre €"
)
# As the daemon does it: one text at a time, the whole row moved.
_TAKE = """
with taken as (
    delete from outbox
    where "SendingDateTime" < now() and "SendingTimeOut" <= now()
      and "SendBefore" >= localtime and "SendAfter" <= localtime
    returning *
)
insert into sentitems ("ID", "InsertIntoDB", "DestinationNumber", "TextDecoded", "Status", "StatusError", "CreatorID")
select "ID", "InsertIntoDB", "DestinationNumber", "TextDecoded", %(status)s, %(error)s, "CreatorID" from taken
"""


@pytest.fixture(params=["UTC", "Pacific/Kiritimati", "America/Los_Angeles"])
def modem_url(database_url: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """A database with gammu's tables, in a time zone of its own."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        name = sql.Identifier(connection.info.dbname)
        connection.execute(sql.SQL("alter database {} set timezone = {}").format(name, sql.Literal(request.param)))
        connection.execute(TABLES)
    yield database_url


@pytest.fixture
async def tables(modem_url: str) -> AsyncIterator[Connection]:
    async with await connect(modem_url) as connection:
        yield connection


@asynccontextmanager
async def daemon(url: str, status: str, error: int = -1) -> AsyncIterator[None]:
    """A gammu-smsd whose modem says the same of every text."""

    async def serve() -> None:
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
            while True:
                await connection.execute(_TAKE, {"status": status, "error": error})
                await asyncio.sleep(0.01)

    task = asyncio.create_task(serve())
    yield
    task.cancel()
    await asyncio.wait([task])


def channel_to(url: str, *, wait_s: float = 10.0) -> GammuChannel:
    return GammuChannel(url, wait_s=wait_s, poll_s=0.01)


def lately() -> datetime:
    return SystemClock().now() - timedelta(seconds=10)


async def test_text_is_sent_by_the_modem(modem_url: str, tables: Connection) -> None:
    channel: Channel = channel_to(modem_url)
    async with daemon(modem_url, "SendingOK"):
        result = await channel.send(MESSAGE)
    assert (result.outcome, result.provider_id, result.detail) == (
        Outcome.SENT,
        "#A17-2/2/1",
        "the modem says: SendingOK",
    )
    [row] = await (await tables.execute("select * from sentitems")).fetchall()
    assert (row["DestinationNumber"], row["CreatorID"]) == ("+33612345678", "#A17-2/2")
    assert row["TextDecoded"] == "IMMOBILE: Martin à Chatillon oeuvre € #A17-2"


async def test_row_asks_for_a_report_a_short_life_and_no_pause_at_midnight(modem_url: str, tables: Connection) -> None:
    await channel_to(modem_url, wait_s=0).send(MESSAGE)
    query = (
        'select "DeliveryReport" as report, "RelativeValidity" as validity, "SendBefore"::text as before from outbox'
    )
    [row] = await (await tables.execute(query)).fetchall()
    assert (row["report"], row["validity"], row["before"]) == ("yes", 0, "24:00:00")


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("SendingOKNoReport", Outcome.SENT),
        ("DeliveryOK", Outcome.SENT),
        ("DeliveryPending", Outcome.SENT),
        ("DeliveryUnknown", Outcome.SENT),
        ("DeliveryFailed", Outcome.PERMANENT),
        ("SendingError", Outcome.TEMPORARY),
        ("Error", Outcome.TEMPORARY),
    ],
)
@pytest.mark.parametrize("modem_url", ["UTC"], indirect=True)
async def test_status_says_what_became_of_it(modem_url: str, status: str, outcome: Outcome) -> None:
    channel = channel_to(modem_url)
    async with daemon(modem_url, status, 69):
        sent = await channel.send(MESSAGE)
    found = await channel.find_sent(MESSAGE, since=lately())
    assert (sent.outcome, sent.error_code) == (outcome, "69")
    if outcome is Outcome.TEMPORARY:
        assert found is None  # it was not taken
    else:
        assert found == sent


async def test_text_that_waits_for_a_dead_daemon_is_not_sent_and_not_sent_again(
    modem_url: str, tables: Connection
) -> None:
    channel = channel_to(modem_url, wait_s=0.02)
    result = await channel.send(MESSAGE)
    assert (result.outcome, result.provider_id, result.detail) == (Outcome.AMBIGUOUS, None, "waits for the modem")
    assert await channel.find_sent(MESSAGE, since=lately()) == result
    assert len(await (await tables.execute("select 1 from outbox")).fetchall()) == 1


async def test_text_is_found_by_its_reference_notification_and_time(modem_url: str) -> None:
    channel = channel_to(modem_url, wait_s=0)
    assert await channel.find_sent(MESSAGE, since=lately()) is None
    await channel.send(MESSAGE)
    for other in (
        OutgoingText(notification_id=2, reference="#A17-20", to=MESSAGE.to, text=""),
        OutgoingText(notification_id=3, reference=MESSAGE.reference, to=MESSAGE.to, text=""),
    ):
        assert await channel.find_sent(other, since=lately()) is None
    # Another A17, of a department that has started anew.
    assert await channel.find_sent(MESSAGE, since=SystemClock().now() + timedelta(hours=1)) is None
    assert await channel.find_sent(MESSAGE, since=lately()) is not None


@pytest.mark.parametrize("modem_url", ["UTC"], indirect=True)
async def test_of_two_attempts_the_lucky_one_counts(modem_url: str) -> None:
    channel = channel_to(modem_url)
    async with daemon(modem_url, "SendingError"):
        assert (await channel.send(MESSAGE)).outcome is Outcome.TEMPORARY
    async with daemon(modem_url, "DeliveryOK"):
        assert (await channel.send(MESSAGE)).outcome is Outcome.SENT  # its own row, not the older one's
    found = await channel.find_sent(MESSAGE, since=lately())
    assert found is not None
    assert found.outcome is Outcome.SENT


async def test_text_is_late_by_the_database_of_the_modem_wherever_that_is(modem_url: str, tables: Connection) -> None:
    channel = channel_to(modem_url, wait_s=0)
    await channel.send(MESSAGE)
    age = 'update outbox set "InsertIntoDB" = "InsertIntoDB" - make_interval(secs => %s)'
    for older_s, outcome, left in ((LATE_S - 30, Outcome.AMBIGUOUS, 1), (31, Outcome.PERMANENT, 0)):
        await tables.execute(age, [older_s])
        found = await channel.find_sent(MESSAGE, since=lately() - timedelta(seconds=LATE_S))
        assert found is not None
        assert found.outcome is outcome
        assert len(await (await tables.execute("select from outbox")).fetchall()) == left


async def test_database_that_is_not_there_cannot_be_asked_what_became_of_a_text() -> None:
    assert await channel_to("postgresql://nobody@127.0.0.1:1/nowhere").fetch_status("#A17-2/2/1") is None


async def test_database_that_is_not_there_is_temporary_to_send_and_ambiguous_to_ask() -> None:
    channel = channel_to("postgresql://nobody@127.0.0.1:1/nowhere")
    assert (await channel.send(MESSAGE)).outcome is Outcome.TEMPORARY
    found = await channel.find_sent(MESSAGE, since=lately())
    assert found is not None
    assert found.outcome is Outcome.AMBIGUOUS


async def test_database_without_the_tables_is_permanent_and_says_nothing_personal(database_url: str) -> None:
    result = await channel_to(database_url).send(MESSAGE)
    assert (result.outcome, result.error_code) == (Outcome.PERMANENT, "42P01")
    assert "Martin" not in repr(result)


@pytest.mark.parametrize("modem_url", ["UTC"], indirect=True)
async def test_number_that_does_not_fit_is_permanent_and_says_nothing_personal(modem_url: str) -> None:
    far = OutgoingText(notification_id=2, reference="#A17-2", to="+" + "3" * 30, text="Martin")
    result = await channel_to(modem_url).send(far)
    assert result.outcome is Outcome.PERMANENT
    assert "333" not in repr(result)


@pytest.mark.parametrize("modem_url", ["UTC"], indirect=True)
async def test_row_that_vanishes_is_ambiguous(modem_url: str, tables: Connection) -> None:
    await tables.execute("create rule gone as on insert to outbox do also delete from outbox")
    assert (await channel_to(modem_url, wait_s=0.05).send(MESSAGE)).outcome is Outcome.AMBIGUOUS
