"""Text messages through our own GSM modem, by gammu-smsd's PostgreSQL tables: no provider and no internet is needed.

The daemon takes a row from `outbox` and leaves it in `sentitems` with what the modem said, and later with what the
network reports. A row that waits is not sent, for the daemon may have died: it is watched until the modem has spoken,
and withdrawn when it has not within LATE_S.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime, timedelta

import psycopg
from psycopg.rows import DictRow, dict_row

from alerts.callbacks.status import StatusSaid, read_code
from alerts.channels import Outcome, OutgoingText, SendResult
from alerts.channels.gsm_text import to_gsm7_within
from gyrophare.platform import sql
from gyrophare.platform.db import Connection

QUERIES = sql.load(__file__, "gammu.sql")
WAIT_S = 15.0  # a modem needs three to ten seconds for a text
LATE_S = 300.0  # an alarm later than this would only mislead; the network too has five minutes
_LIMIT_S = 25.0  # with the connection: shorter than the dispatcher's lease
_POLL_S = 0.5
_CONNECT_S = 5
_CLOCK_SKEW = timedelta(minutes=5)  # between our clock and the database's
_WAITING = "Waiting"
_NOT_TAKEN = frozenset({"SendingError", "Error"})
_NOT_DELIVERED = "DeliveryFailed"
# `sent`: the network has it. Whether its report is to come, was not asked for or says nothing is all the same: we look
# for some time, and then nobody knows.
_WORDS = {
    "SendingOK": "sent",
    "SendingOKNoReport": "sent",
    "DeliveryPending": "sent",
    "DeliveryUnknown": "sent",
    "DeliveryOK": "delivered",
    _NOT_DELIVERED: "undelivered",
} | dict.fromkeys(_NOT_TAKEN, "failed")
_REFUSED = (psycopg.ProgrammingError, psycopg.DataError, psycopg.IntegrityError)


class GammuChannel:
    """Sends through the tables at `url`; that database may be another than ours.

    The modem is given `wait_s` seconds for its verdict and looked for every `poll_s`.
    """

    name = "gammu"

    def __init__(self, url: str, *, wait_s: float = WAIT_S, poll_s: float = _POLL_S) -> None:
        self._url = url
        self._wait_s, self._poll_s = wait_s, poll_s

    async def send(self, message: OutgoingText) -> SendResult:
        parameters = {
            "to": message.to,
            "text": to_gsm7_within(message.text, keep_end=message.reference),
            "creator": _creator(message),
        }
        inserting = False
        try:
            async with asyncio.timeout(_LIMIT_S), await self._connect() as connection:
                inserting = True
                row = await (await connection.execute(QUERIES["insert_text"], parameters)).fetchone()
                return await self._watch(connection, row)
        except _REFUSED as error:
            return _result(Outcome.PERMANENT, f"the tables refuse it: {type(error).__name__}", code=error.sqlstate)
        except (psycopg.Error, TimeoutError) as error:
            outcome = Outcome.AMBIGUOUS if inserting else Outcome.TEMPORARY
            return _result(outcome, f"the modem's database: {type(error).__name__}")

    async def find_sent(self, message: OutgoingText, *, since: datetime) -> SendResult | None:
        """See Channel. A text that waits for the modem is AMBIGUOUS, neither sent nor to be sent again; for too long,
        it is PERMANENT and waits no more. One that the modem could not send was not taken.
        """
        parameters = {"creator": _creator(message), "since": since - _CLOCK_SKEW, "late_s": LATE_S}
        try:
            async with asyncio.timeout(_LIMIT_S), await self._connect() as connection:
                rows = await (await connection.execute(QUERIES["find_texts"], parameters)).fetchall()
                found = _verdict(rows)
                if found is not None and found.outcome is Outcome.AMBIGUOUS and await _withdrawn(connection, rows):
                    return _result(Outcome.PERMANENT, f"the modem did not take it within {LATE_S:.0f} s")
        except (psycopg.Error, TimeoutError) as error:
            return _result(Outcome.AMBIGUOUS, f"the modem's database: {type(error).__name__}")
        return None if found is not None and found.outcome is Outcome.TEMPORARY else found

    async def fetch_status(self, provider_id: str) -> StatusSaid | None:
        """What has become of a text that the modem sent; None: there is no clear answer."""
        creator, _, number = provider_id.rpartition("/")
        parameters = {"creator": creator, "id": int(number)}
        try:
            async with asyncio.timeout(_LIMIT_S), await self._connect() as connection:
                row = await (await connection.execute(QUERIES["find_sent"], parameters)).fetchone()
        except (psycopg.Error, TimeoutError):
            return None
        if row is None or row["status"] not in _WORDS:
            return None
        return StatusSaid(
            channel=self.name,
            provider_id=provider_id,
            status=_WORDS[row["status"]],
            error_code=read_code(row["error"]),
        )

    async def _watch(self, connection: Connection, inserted: DictRow | None) -> SendResult:
        """What the modem says of a text, or that it still waits."""
        for _ in range(max(1, round(self._wait_s / self._poll_s))):
            await asyncio.sleep(self._poll_s)
            result = _verdict(await (await connection.execute(QUERIES["find_text"], inserted)).fetchall())
            if result is not None and result.outcome is not Outcome.AMBIGUOUS:
                return result
        return result or _result(Outcome.AMBIGUOUS, "the text has gone from the modem's tables")

    async def _connect(self) -> Connection:
        # In the database's own time zone, unlike ours: the daemon compares instants that have none.
        return await psycopg.AsyncConnection[DictRow].connect(
            self._url, autocommit=True, row_factory=dict_row, connect_timeout=_CONNECT_S, application_name="gyrophare"
        )


def _creator(message: OutgoingText) -> str:
    """The reference alone may stand for several messages of one alert, and the tables are found by nothing else."""
    return f"{message.reference}/{message.notification_id}"


async def _withdrawn(connection: Connection, rows: Iterable[DictRow]) -> bool:
    """Whether all that wait did so for too long, and are out of the daemon's reach now."""
    waiting = [row for row in rows if row["status"] == _WAITING]
    if not all(row["late"] for row in waiting):
        return False
    withdrawn = await connection.execute(QUERIES["withdraw"], {"ids": [row["id"] for row in waiting]})
    return withdrawn.rowcount == len(waiting)  # else the daemon took one meanwhile: it is looked at again


def _verdict(rows: Iterable[DictRow]) -> SendResult | None:
    """Of several attempts the luckiest counts; None where there was none."""
    results = [_read(row) for row in rows]
    order = (Outcome.SENT, Outcome.AMBIGUOUS, Outcome.PERMANENT, Outcome.TEMPORARY)
    return min(results, key=lambda result: order.index(result.outcome), default=None)


def _read(row: DictRow) -> SendResult:
    status, code = row["status"], None if row["error"] is None else str(row["error"])
    if status == _WAITING:  # it has no name yet: who has one was taken
        return _result(Outcome.AMBIGUOUS, "waits for the modem")
    if status in _NOT_TAKEN:
        return _result(Outcome.TEMPORARY, f"the modem could not send it: {status}", code=code)
    outcome = Outcome.PERMANENT if status == _NOT_DELIVERED else Outcome.SENT
    # The row's number alone would be another text's, were the tables made anew.
    provider_id = f"{row['creator']}/{row['id']}"
    return _result(outcome, f"the modem says: {status}", provider_id=provider_id, code=code)


def _result(outcome: Outcome, detail: str, *, provider_id: str | None = None, code: str | None = None) -> SendResult:
    return SendResult(outcome=outcome, provider_id=provider_id, http_status=None, error_code=code, detail=detail)
