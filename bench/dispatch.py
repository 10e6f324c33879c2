"""How soon the SMS provider hears of an alarm: from the commit that raised it to the arrival of its first request.

Agents press SOS over MQTT; a real `gyrophare serve` raises their alarms in a real PostgreSQL with durable commits, and
sends to the stand-in provider, a process of its own. The commit's instant is the database's own, the arrival's is the
provider's: one machine, one clock. What comes before, from the press to the commit, is not in it.

Beside it the plain program that anybody would write first: each second it looks what is new, and sends one after the
other.
"""

from __future__ import annotations

import asyncio
import json
import random
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import httpx

from bench import machine
from bench.alerts import percentile
from bench.ingest import Say
from bench.servers import CLOCK, broker, refuse_undurable, serve
from bench.sms_desk import ACCOUNT, FROM_E164, KEY, SECRET, SmsDesk, sms_desk
from gyrophare.embedded import PostgresServer
from gyrophare.platform import db, sql
from gyrophare.platform.migrations.migrate import migrate
from gyrophare.platform.mqtt import MqttSession

QUERIES = sql.load(__file__, "dispatch.sql")
_ENGAGE = sql.load(__file__)["engage"]
_POLL_S = 1.0
_LOOK_S = 0.2
_PATIENCE_S = 30.0


@dataclass(frozen=True, kw_only=True)
class Result:
    """The figures of one run."""

    machine: str
    broker: str
    alarms: int
    seconds: float
    answer_ms: float
    """How long the provider takes to answer."""
    to_provider_p50_ms: float
    to_provider_p99_ms: float
    to_provider_max_ms: float
    plain_p50_ms: float
    plain_p99_ms: float


async def measure(*, alarms: int, seconds: float, answer_ms: float, broker_kind: str, say: Say) -> Result:
    """`alarms` at random instants of so many seconds, once for the product and once for the plain program."""
    dice = random.Random(0)  # noqa: S311  # no secret depends on it
    instants_s = sorted(dice.uniform(0, seconds) for _ in range(alarms))
    with tempfile.TemporaryDirectory(prefix="gyrophare-bench-") as name:
        folder = Path(name)
        with (
            PostgresServer(folder, {"track_commit_timestamp": "on"}) as postgres,
            broker(broker_kind, folder) as (mqtt_url, broker_name),
        ):
            refuse_undurable(postgres.url)
            migrate(postgres.url)
            async with await db.connect(postgres.url) as connection, sms_desk(answer_ms) as desk:
                say(f"{alarms} alarms in {seconds:.0f} s")
                ours_ms = await _ours_ms(connection, desk, postgres.url, mqtt_url, instants_s)
                say(f"{alarms} alarms in {seconds:.0f} s, sent by a plain program")
                plain_ms = await _plain_ms(connection, desk, postgres.url, instants_s)
    return Result(
        machine=machine.described(),
        broker=broker_name,
        alarms=len(ours_ms),
        seconds=seconds,
        answer_ms=answer_ms,
        to_provider_p50_ms=round(percentile(ours_ms, 50), 1),
        to_provider_p99_ms=round(percentile(ours_ms, 99), 1),
        to_provider_max_ms=round(max(ours_ms), 1),
        plain_p50_ms=round(percentile(plain_ms, 50), 1),
        plain_p99_ms=round(percentile(plain_ms, 99), 1),
    )


async def _ours_ms(
    connection: db.Connection, desk: SmsDesk, database_url: str, mqtt_url: str, instants_s: Sequence[float]
) -> list[float]:
    names = [f"sos-{number:04d}" for number in range(len(instants_s))]
    await connection.execute(_ENGAGE, {"names": names, "now": CLOCK.now()})
    for name in ("forget_policies", "call_at_once", "contact"):
        await connection.execute(QUERIES[name])
    publisher = MqttSession(mqtt_url, "bench-wearers", (), clock=CLOCK)
    await publisher.start()
    waiting = iter(names)

    async def press() -> None:
        body = {"boot": "9f3a01c2", "seq": 1, "kind": "sos", "occurred_at": CLOCK.now().isoformat()}
        publisher.publish_soon(f"gyrophare/v1/watches/{next(waiting)}/events", json.dumps(body).encode())

    environment = {"GYROPHARE_DATABASE_URL": database_url, "GYROPHARE_MQTT_URL": mqtt_url, **desk.settings}
    async with serve(**environment):
        await _at(instants_s, press)
        delays_ms = await _delays_ms(connection, desk, "commits", len(names))
    await publisher.stop()
    return delays_ms


async def _plain_ms(
    connection: db.Connection, desk: SmsDesk, database_url: str, instants_s: Sequence[float]
) -> list[float]:
    for statement in QUERIES["plain_target"].split(";"):
        await connection.execute(statement)
    numbers = iter(range(len(instants_s)))

    async def commit() -> None:
        await connection.execute(QUERIES["plain_insert"], {"id": next(numbers)})

    sending = asyncio.create_task(_send_plainly(database_url, desk.url))
    try:
        await _at(instants_s, commit)
        return await _delays_ms(connection, desk, "plain_commits", len(instants_s))
    finally:
        sending.cancel()
        await asyncio.wait([sending])


async def _send_plainly(database_url: str, url: str) -> None:
    """Until cancelled."""
    form = {"To": "+33600000002", "From": FROM_E164}
    async with await db.connect(database_url) as connection, httpx.AsyncClient(trust_env=False) as http:
        while True:
            for row in await (await connection.execute(QUERIES["plain_due"])).fetchall():
                answer = await http.post(
                    f"{url}/2010-04-01/Accounts/{ACCOUNT}/Messages.json",
                    data=form | {"Body": f"SOS #P{row['id']}"},
                    auth=(KEY, SECRET),
                )
                answer.raise_for_status()
                await connection.execute(QUERIES["plain_sent"], row)
            await asyncio.sleep(_POLL_S)


async def _at(instants_s: Sequence[float], act: Callable[[], Awaitable[None]]) -> None:
    """Do it at each of these instants, in seconds from now."""
    began_s = CLOCK.monotonic_s()
    for instant_s in instants_s:
        await asyncio.sleep(max(0.0, began_s + instant_s - CLOCK.monotonic_s()))
        await act()


async def _delays_ms(connection: db.Connection, desk: SmsDesk, query: str, count: int) -> list[float]:
    """From each commit to its arrival, once all have arrived. Raise RuntimeError when nothing comes any more."""
    arrived_before, end_s = 0, CLOCK.monotonic_s() + _PATIENCE_S
    while True:
        rows = await (await connection.execute(QUERIES[query])).fetchall()
        commits: Mapping[str, datetime] = {row["reference"]: row["at"] for row in rows}
        arrivals = await desk.arrivals()
        arrived = commits.keys() & arrivals.keys()
        if len(arrived) >= count:
            return [(arrivals[reference] - commits[reference]).total_seconds() * 1000 for reference in arrived]
        if len(arrived) > arrived_before:
            arrived_before, end_s = len(arrived), CLOCK.monotonic_s() + _PATIENCE_S
        elif CLOCK.monotonic_s() > end_s:
            raise RuntimeError(
                f"only {len(arrived)} of {count} alarms reached the provider, none for {_PATIENCE_S:.0f} s"
            )
        await asyncio.sleep(_LOOK_S)
