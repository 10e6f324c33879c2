"""Texts by our own modem, from the outbox to their end: none is said to be sent that is not, and none lies for ever."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Literal

import psycopg
import pytest
from prometheus_client import CollectorRegistry, Counter
from psycopg import sql

from alerts.auditor import STATUS_LATE_S, FindingKind, audit
from alerts.channels.gammu import LATE_S, GammuChannel
from alerts.dispatcher import Dispatcher
from dashboards import read_models
from gyrophare.flows import provider_asked
from gyrophare.flows.provider_asked import ASKS, FIRST_AFTER_S
from gyrophare.kernel.clock import ManualClock
from gyrophare.kernel.ids import AlertId
from gyrophare.platform.db import Connection, Pool, connect
from tests.department import ORGANISATION, Department, until
from tests.test_gammu_channel import TABLES, daemon
from tests.test_provider_said import FIRST, SECOND, alert

FIRST_S = FIRST_AFTER_S["gammu"]


@pytest.fixture
def modem_url(new_database: Callable[[], str]) -> str:
    url = new_database()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(TABLES)
    return url


@pytest.fixture
async def tables(modem_url: str) -> AsyncIterator[Connection]:
    async with await connect(modem_url) as connection:
        yield connection


@pytest.fixture
async def office(database_url: str, clock: ManualClock) -> AsyncIterator[Department]:
    async with await connect(database_url) as connection:
        office = Department(connection, None, clock)
        await office.with_contacts(FIRST, SECOND)
        yield office


@pytest.fixture
def channel(modem_url: str) -> GammuChannel:
    """One that does not wait long for the modem's word."""
    return GammuChannel(modem_url, wait_s=0.05, poll_s=0.01)


class Way:
    """The way of one text: from the outbox through the modem, and what is asked of it afterwards."""

    def __init__(self, pool: Pool, clock: ManualClock, office: Department, channel: GammuChannel) -> None:
        self.unknown = Counter("unknown", "", ["channel"], registry=CollectorRegistry())
        self._pool, self._clock, self._office, self._channel = pool, clock, office, channel
        self._dispatcher = Dispatcher(pool, clock, [channel])

    async def queue(self) -> AlertId:
        """An alert whose next step is due in an hour, and a text about it."""
        alert_id = await alert(self._office, next_step_after_s=3600)
        await self._office.connection.execute(
            "insert into notification (alert_id, step, channel, address, text, due_at, changed_at) "
            "values (%s, 0, 'gammu', %s, 'SOS: Martin', %s, %s)",
            [alert_id, FIRST, self._clock.now(), self._clock.now()],
        )
        return alert_id

    async def look(self, after_s: float = 0) -> str:
        """Dispatch once, after so long; return what the text's state is then."""
        self._clock.advance(after_s)
        await self._dispatcher.dispatch_due()
        [row] = await self._office.rows("select state from notification")
        return str(row["state"])

    async def ask(self, after_s: float) -> int:
        self._clock.advance(after_s)
        fetches = {"gammu": self._channel.fetch_status}
        return await provider_asked.ask(self._pool, self._clock, fetches, self.unknown)


@pytest.fixture
def way(pool: Pool, clock: ManualClock, office: Department, channel: GammuChannel) -> Way:
    return Way(pool, clock, office, channel)


async def count(tables: Connection, table: Literal["outbox", "sentitems"]) -> int:
    return (await tables.execute(sql.SQL("select from {}").format(sql.Identifier(table)))).rowcount


async def _is_empty(tables: Connection) -> bool | None:
    return await count(tables, "outbox") == 0 or None


async def grow_older(tables: Connection, seconds: float) -> None:
    """What waits for the modem has done so for that much longer, by the database's own clock."""
    await tables.execute('update outbox set "InsertIntoDB" = "InsertIntoDB" - make_interval(secs => %s)', [seconds])


async def test_text_that_waits_for_the_modem_is_not_said_to_be_sent(
    way: Way, office: Department, tables: Connection, modem_url: str
) -> None:
    await way.queue()
    assert [await way.look(), await way.look(5), await way.look(10), await way.look(20)] == ["ambiguous"] * 4
    [shown] = await read_models.alerts(office.connection, ORGANISATION)
    [message] = shown["notifications"]
    assert (message["state"], message["sent_at"]) == ("ambiguous", None)
    assert await count(tables, "outbox") == 1
    async with daemon(modem_url, "SendingOK"):
        await until(lambda: _is_empty(tables))
    assert await way.look(40) == "sent"
    assert await count(tables, "sentitems") == 1


@pytest.mark.parametrize("status", ["SendingError", "Error"])
async def test_text_that_waited_and_then_could_not_be_sent_is_sent_again(
    way: Way, tables: Connection, modem_url: str, status: str
) -> None:
    await way.queue()
    assert await way.look() == "ambiguous"
    async with daemon(modem_url, status):
        await until(lambda: _is_empty(tables))
        await way.look(5)  # into the tables again, and the modem fails again
        await until(lambda: _is_empty(tables))
    assert await count(tables, "sentitems") == 2
    async with daemon(modem_url, "DeliveryOK"):
        await until(lambda: _sent(way))
    assert await count(tables, "sentitems") == 3


async def _sent(way: Way) -> bool | None:
    return await way.look(60) == "sent" or None


async def test_text_that_waits_too_long_has_failed_and_the_next_step_is_due(
    way: Way, office: Department, tables: Connection, clock: ManualClock, modem_url: str
) -> None:
    alert_id = await way.queue()
    assert await way.look() == "ambiguous"
    await grow_older(tables, LATE_S - 60)
    assert await way.look(5) == "ambiguous"
    await grow_older(tables, 61)
    assert await way.look(10) == "failed"
    [due] = await office.rows("select id, next_step_at from alert")
    assert due == {"id": alert_id, "next_step_at": clock.now()}
    [_, _, last] = await office.rows("select outcome, detail from attempt order by number")
    assert last == {"outcome": "permanent", "detail": "the modem did not take it within 300 s"}
    async with daemon(modem_url, "SendingOK"):  # the modem is back: an alarm of then is none of now
        assert await count(tables, "outbox") == 0
        await way.look(60)
    assert await count(tables, "sentitems") == 0


async def test_text_that_waits_is_looked_for_again_when_the_daemon_took_it_at_the_last_moment(
    way: Way, tables: Connection, modem_url: str
) -> None:
    await way.queue()
    assert await way.look() == "ambiguous"
    await grow_older(tables, LATE_S + 1)
    await tables.execute("create rule taken as on delete to outbox do instead nothing")  # it was there, and is not now
    assert await way.look(5) == "ambiguous"
    await tables.execute("drop rule taken on outbox")
    async with daemon(modem_url, "SendingOK"):
        await until(lambda: _is_empty(tables))
    assert await way.look(10) == "sent"


@pytest.mark.parametrize(
    ("status", "state", "word", "final"),
    [
        ("DeliveryFailed", "failed", "undelivered", True),
        ("SendingError", "failed", "failed", True),
        ("DeliveryOK", "sent", "delivered", True),
        ("DeliveryPending", "sent", "sent", False),
        ("DeliveryUnknown", "sent", "sent", False),
        ("SendingOKNoReport", "sent", "sent", False),
        ("Invented", "sent", None, False),
    ],
)
async def test_what_the_network_reports_after_the_sending_counts(
    way: Way, office: Department, tables: Connection, clock: ManualClock, modem_url: str, status: str, state: str,
    word: str | None, final: bool,
) -> None:  # fmt: skip
    alert_id = await way.queue()
    await way.look()
    async with daemon(modem_url, "SendingOK"):
        await until(lambda: _is_empty(tables))
    assert await way.look(5) == "sent"
    await tables.execute('update sentitems set "Status" = %s, "StatusError" = 70', [status])
    assert await way.ask(FIRST_S - 1) == 0
    assert await way.ask(1) == 1
    rows = await office.rows("select state, provider_status, provider_final_at is not null as final from notification")
    assert rows == [{"state": state, "provider_status": word, "final": final}]
    failed = state == "failed"
    events = await office.rows("select alert_id, detail ->> 'error_code' as code from alert_event")
    assert events == ([{"alert_id": alert_id, "code": "70"}] if failed else [])
    [due] = await office.rows("select next_step_at <= %(now)s as now from alert", now=clock.now())
    assert due["now"] is failed


async def _have_sent(way: Way, tables: Connection, modem_url: str) -> None:
    """A text that the modem has sent, and that is known to be."""
    await way.queue()
    await way.look()
    async with daemon(modem_url, "SendingOK"):
        await until(lambda: _is_empty(tables))
    await way.look(5)


async def test_text_of_which_no_report_comes_is_asked_about_until_nobody_knows(
    way: Way, office: Department, tables: Connection, clock: ManualClock, modem_url: str
) -> None:
    await _have_sent(way, tables, modem_url)
    await office.carries("gammu")
    await office.connection.execute("insert into engine_tick (instance, ticked_at) values ('test', '2100-01-01')")
    await office.connection.execute("update alert set next_step_at = '2100-01-01'")
    for number in range(ASKS):
        assert await way.ask(FIRST_S * 2 ** max(0, number - 1)) == 1
        assert await audit(office.connection, clock.now()) == ()
    clock.advance(FIRST_S * 2 ** (ASKS - 1) + STATUS_LATE_S + 1)
    assert [finding.kind for finding in await audit(office.connection, clock.now())] == [FindingKind.STATUS_MISSING]
    assert await way.ask(0) == 0
    assert await audit(office.connection, clock.now()) == ()
    assert await office.rows("select state, provider_final_at from notification") == [
        {"state": "sent", "provider_final_at": clock.now()}
    ]


async def test_another_text_with_the_same_number_in_tables_made_anew_is_not_taken_for_it(
    channel: GammuChannel, way: Way, office: Department, tables: Connection, modem_url: str
) -> None:
    await _have_sent(way, tables, modem_url)
    await tables.execute("""update sentitems set "CreatorID" = '#A1-9/9', "Status" = 'DeliveryFailed'""")
    assert await way.ask(FIRST_S) == 1
    assert await office.rows("select state, provider_status from notification") == [
        {"state": "sent", "provider_status": None}
    ]
