"""A small department for the tests: registers people and devices, speaks for their watches, reads what was stored."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Literal, LiteralString, TypeVar, cast

import httpx

import alerts.policy_store
import alerts.reach
import ingest.directory
from alerts.model import Carried
from gyrophare.kernel.clock import ManualClock
from gyrophare.kernel.ids import DeviceId, OrganisationId
from gyrophare.kernel.observations import Sender, Wire
from gyrophare.platform.db import Connection, Pool, connect
from gyrophare.platform.mqtt import MqttSession
from gyrophare.sim.sms_provider import SmsProvider
from lone_worker.profiles import DEFAULT, PROFILES, Profile
from lone_worker.shifts import store as shifts
from lone_worker.shifts.agents import insert_agent
from lone_worker.shifts.spans import Terms

SMS_SID = "AC" + "0" * 32
SMS_KEY = "SK" + "1" * 32
SMS_SECRET = "not-a-secret"
ORGANISATION = OrganisationId(1)
DIJON = (47.3215, 5.0415)

_number = itertools.count()
_MANY_ON_SHIFT: LiteralString = """
with watch as (
    insert into device (organisation_id, kind, wire, wire_name, label, created_at)
    select %(organisation_id)s, 'watch', 'native', %(prefix)s || '-' || number, %(prefix)s || '-' || number, %(now)s
    from generate_series(1, %(count)s) number
    returning id, label
), worn as (
    insert into agent (organisation_id, name) select %(organisation_id)s, 'agent ' || label from watch
    returning id, name
), begun as (
    insert into shift (organisation_id, agent_id, device_id, mission, profile, started_at)
    select %(organisation_id)s, worn.id, watch.id, 'Fauchage', %(profile)s::jsonb, %(now)s
    from watch join worn on worn.name = 'agent ' || watch.label
    returning id, device_id
)
insert into watch_state (device_id, shift_id, evidence_at, evidence, stillness_due_at, check_at)
select device_id, id, %(now)s, 'shift_start', %(due_at)s, %(now)s from begun
"""
T = TypeVar("T")


class Department:
    """The people of one test, and a device's side of the broker."""

    def __init__(self, connection: Connection, session: MqttSession | None, clock: ManualClock) -> None:
        self.connection = connection
        self.session = session
        self.clock = clock
        self._sequences: dict[str, int] = {}

    @classmethod
    @asynccontextmanager
    async def open(cls, database_url: str, mqtt_url: str, clock: ManualClock) -> AsyncIterator[Department]:
        session = MqttSession(mqtt_url, f"devices-{os.getpid()}-{next(_number)}", (), clock=clock)
        await session.start()
        async with await connect(database_url) as connection:
            yield cls(connection, session, clock)
        await session.stop()

    async def register(
        self, name: str, wire: Wire = Wire.NATIVE, kind: Literal["watch", "van", "gateway"] = "watch"
    ) -> DeviceId:
        """A watch nobody wears yet, or a gateway."""
        sender = Sender(wire=wire, name=name)
        return await ingest.directory.register_device(
            self.connection, ORGANISATION, kind, sender, name, self.clock.now()
        )

    async def on_shift(
        self,
        name: str,
        agent: str = "Martin Lefèvre",
        mission: str = "Fauchage RD 70",
        wire: Wire = Wire.NATIVE,
        **more: Any,
    ) -> DeviceId:
        """A watch, and somebody who starts a shift with it now; `more` is what else was agreed, as `Terms` has it."""
        device_id = await self.register(name, wire)
        agent_id = await insert_agent(self.connection, ORGANISATION, agent)
        terms = Terms(agent_id=agent_id, mission=mission, **more)
        await shifts.start_shift(self.connection, device_id, terms, self.clock.now())
        return device_id

    async def many_on_shift(self, count: int, prefix: str = "w", profile: Profile = PROFILES[DEFAULT]) -> list[str]:
        """The names of `count` watches, whose wearers all start their shifts now."""
        now = self.clock.now()
        await self.connection.execute(
            _MANY_ON_SHIFT,
            {
                "organisation_id": ORGANISATION,
                "prefix": prefix,
                "count": count,
                "now": now,
                "profile": profile.as_json(),
                "due_at": now + timedelta(seconds=profile.prealarm_after_s[0]),
            },
        )
        return [f"{prefix}-{number}" for number in range(1, count + 1)]

    async def carries(self, *channels: str, instance: str = "test", **targets: set[str]) -> None:
        """A server says that it sends by these channels, and which targets it knows: `webhook={"cta"}`."""
        carried = Carried(
            channels=frozenset(channels), targets={channel: frozenset(names) for channel, names in targets.items()}
        )
        await alerts.reach.tell_carried(self.connection, instance, carried, self.clock.now())

    async def with_contacts(self, *phones_e164: str) -> None:
        """Who is told at which rank, and a server that can."""
        await self.carries("sms", "watch")
        for rank, phone_e164 in enumerate(phones_e164, start=1):
            await alerts.policy_store.put_contact(self.connection, ORGANISATION, rank, f"Astreinte {rank}", phone_e164)

    async def stands(
        self,
        device_id: DeviceId,
        north_m: float,
        *,
        fixed_s_ago: float = 0,
        heard_s_ago: float = 0,
        east_deg: float = 0,
    ) -> None:
        """That device was last heard and placed then, `north_m` of the Place de la Libération."""
        now = self.clock.now()
        await self.connection.execute(
            "insert into device_latest (device_id, heard_at, fixed_at, latitude_deg, longitude_deg, clock_skews_s) "
            "values (%(id)s, %(heard_at)s, %(fixed_at)s, %(latitude_deg)s, %(longitude_deg)s, '{}') "
            "on conflict (device_id) do update set heard_at = excluded.heard_at, fixed_at = excluded.fixed_at, "
            "latitude_deg = excluded.latitude_deg, longitude_deg = excluded.longitude_deg",
            {
                "id": device_id,
                "heard_at": now - timedelta(seconds=heard_s_ago),
                "fixed_at": now - timedelta(seconds=fixed_s_ago),
                "latitude_deg": DIJON[0] + north_m / 111_195,
                "longitude_deg": DIJON[1] + east_deg,
            },
        )

    def report(self, name: str, *, steps: int | None = None, offset_m: float = 0.0, **more: Any) -> dict[str, Any]:
        """A native report of that watch, made now, `offset_m` north of the Place de la Libération."""
        number = self._sequences[name] = self._sequences.get(name, 0) + 1
        now = self.clock.now().isoformat()
        report: dict[str, Any] = {
            "boot": "9f3a01c2",
            "seq": number,
            "sent_at": now,
            "fix": {"fixed_at": now, "lat": DIJON[0] + offset_m / 111_195, "lon": DIJON[1], "accuracy_m": 6.5},
            "battery_pct": 83,
        }
        if steps is not None:
            report["motion"] = {"steps": steps}
        return report | more

    async def publish(self, topic: str, body: object) -> None:
        if self.session is None:
            raise RuntimeError("this department has a database and no broker: hand its messages to the flow")
        payload = body if isinstance(body, bytes) else json.dumps(body).encode()
        await self.session.publish(topic, payload)

    async def send(self, name: str, body: object) -> None:
        await self.publish(f"gyrophare/v1/watches/{name}/fixes", body)

    async def press(self, name: str, kind: str = "sos", **more: Any) -> None:
        number = self._sequences[name] = self._sequences.get(name, 0) + 1
        event = {"boot": "9f3a01c2", "seq": number, "kind": kind, "occurred_at": self.clock.now().isoformat()}
        await self.publish(f"gyrophare/v1/watches/{name}/events", event | more)

    async def close_alerts(self) -> None:
        """A dispatcher has spoken to everybody, and ends all alerts as false."""
        await self.connection.execute(
            "update alert set state = 'closed', next_step_at = null, lapses_at = null, closed_at = %(now)s, "
            "closed_by = 1, cause = 'false', reached = true, acknowledged_at = coalesce(acknowledged_at, %(now)s), "
            "acknowledged_by = coalesce(acknowledged_by, 1), changed_at = %(now)s where state <> 'closed'",
            {"now": self.clock.now()},
        )

    async def rows(self, query: LiteralString, **parameters: Any) -> list[dict[str, Any]]:
        return await (await self.connection.execute(query, parameters)).fetchall()

    async def until_rows(self, count: int, query: LiteralString, **parameters: Any) -> list[dict[str, Any]]:
        """The rows, as soon as there are `count` of them."""

        async def enough() -> list[dict[str, Any]] | None:
            found = await self.rows(query, **parameters)
            return found if len(found) >= count else None

        return await until(enough)


async def references(provider: SmsProvider) -> list[str]:
    """Every reference in the texts that the provider has taken, the last text's first."""
    async with httpx.AsyncClient(trust_env=False) as http:
        texts = (await http.get(f"{provider.base_url}/outbox.json")).json()
    return [reference for text in texts for reference in re.findall(r"#A[0-9]+-n?[0-9]+", text["body"])]


class OneConnection:
    """Stands in for the pool where all that a test does is undone: everybody gets the same connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @classmethod
    def pool(cls, connection: Connection) -> Pool:
        return cast("Pool", cls(connection))

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        yield self._connection


async def until(look: Callable[[], Awaitable[T | None]], timeout_s: float = 15.0) -> T:
    """What `look` finds, as soon as it finds something: waits for other processes, never for time to pass."""
    async with asyncio.timeout(timeout_s):
        while True:
            found = await look()
            if found is not None:
                return found
            await asyncio.sleep(0.01)
