"""The chain in the database: written beside what happens, by one, whole again after a crash, and not to be changed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest
from pydantic import SecretStr

from alerts.audit import erasure, sealer, store
from gyrophare.embedded import MqttBroker
from gyrophare.kernel.clock import ManualClock
from gyrophare.platform.db import Connection, Pool, connect, open_pool
from gyrophare.server import Server
from gyrophare.settings import DatabaseSettings, HttpSettings, MqttSettings, Settings
from tests.audited import EVENTS, one_alert, raised, walked
from tests.department import Department, OneConnection


@pytest.fixture
def office(schema_connection: Connection, clock: ManualClock) -> Department:
    return Department(schema_connection, None, clock)


@pytest.fixture
def pool(schema_connection: Connection) -> Pool:
    return OneConnection.pool(schema_connection)


async def close(office: Department) -> None:
    await office.close_alerts()


async def verified(office: Department, *anchors: bytes) -> list[str]:
    return [f"{fault.kind} {fault.number}" for fault in (await walked(office.connection, *anchors)).faults]


async def test_what_happens_is_sealed_in_order_and_once(office: Department, pool: Pool, clock: ManualClock) -> None:
    assert await sealer.seal_newest(pool, clock) == 0
    await one_alert(office, pool)
    assert (await store.count_unsealed(office.connection)).oldest_at == clock.now()
    assert await sealer.seal_newest(pool, clock) == 2
    assert await sealer.seal_newest(pool, clock) == await sealer.seal_overlooked(pool, clock) == 0
    assert (await store.count_unsealed(office.connection)).events == 0
    assert await office.rows(
        "select s.number, e.kind, s.sealed_at from alert_seal s join alert_event e on e.id = s.event_id order by number"
    ) == [
        {"number": number, "kind": kind, "sealed_at": clock.now()}
        for number, kind in ((1, "raised"), (2, "acknowledged"))
    ]
    _, head = await store.read_ends(office.connection)
    walk = await walked(office.connection, head.hash)
    assert (walk.faults, walk.seals, walk.head, walk.sealed_late) == ([], 2, head, 0)


async def test_after_an_outage_the_sealer_catches_up_some_at_a_time(
    office: Department, pool: Pool, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealer, "AT_ONCE", 50)
    monkeypatch.setattr(store, "_PAGE", 20)
    alert_id = await one_alert(office, pool)
    await office.rows(EVENTS, alert_id=alert_id, now=clock.now(), count=98)
    clock.advance(3600)
    assert [await sealer.seal_newest(pool, clock) for _ in range(3)] == [50, 50, 0]
    walk = await walked(office.connection)
    assert (walk.faults, walk.seals, walk.sealed_late) == ([], 100, 100)


async def test_event_that_was_committed_late_is_sealed_behind_the_others(
    office: Department, pool: Pool, clock: ManualClock
) -> None:
    """Its number is lower than that of the newest seal; on the hourly look even much lower."""
    alert_id = await one_alert(office, pool)
    [newest] = await office.rows("select max(id) as id from alert_event")
    for ahead in (999, 5_000):
        await office.rows(
            "insert into alert_event (id, alert_id, at, kind) overriding system value"
            " values (%(id)s, %(alert_id)s, %(now)s, 'repeated') returning id",
            id=newest["id"] + ahead,
            alert_id=alert_id,
            now=clock.now(),
        )
        await office.rows(EVENTS, alert_id=alert_id, now=clock.now(), count=0)
        await sealer.seal_newest(pool, clock)
        await office.rows(EVENTS, alert_id=alert_id, now=clock.now(), count=1)
        assert await sealer.seal_newest(pool, clock) == (1 if ahead < 1_000 else 0)
    assert await sealer.seal_overlooked(pool, clock) == 1
    assert await verified(office) == []


CHANGES: tuple[LiteralString, ...] = (
    "update alert_event set kind = 'closed' returning id",
    "update alert_event set detail = '{\"rank\": 2}' returning id",
    "update alert_event set detail = '{}' returning id",  # the alert is not closed
    "delete from alert_event returning id",
    "update alert_seal set sealed_at = now() returning number",
    "delete from alert_seal returning number",
    "update alert_salt set salt = salt returning event_id",
    "delete from alert_salt returning event_id",
    "update audit_chain set installation = gen_random_uuid() returning one",
    "delete from audit_chain returning one",
    "truncate alert_event cascade",
    "truncate alert_seal",
    "truncate alert_salt",
    "truncate audit_chain",
    "truncate alert cascade",
)


@pytest.mark.parametrize("change", CHANGES)
async def test_history_is_kept_as_it_was_written(
    office: Department, pool: Pool, clock: ManualClock, change: LiteralString
) -> None:
    await one_alert(office, pool)
    await sealer.seal_newest(pool, clock)
    with pytest.raises(psycopg.errors.RestrictViolation, match=r"kept as it was written\. Expected"):
        async with office.connection.transaction():
            await office.connection.execute(change)


async def test_closed_alert_never_opens_again(office: Department, pool: Pool) -> None:
    await one_alert(office, pool)
    await close(office)
    await close(office)
    for state in ("triggered", "acknowledged"):
        with pytest.raises(psycopg.errors.RestrictViolation, match=r"is closed, .* was asked for\. Expected"):
            async with office.connection.transaction():
                await office.rows("update alert set state = %(state)s returning id", state=state)


async def test_of_a_closed_alert_an_event_may_be_emptied_and_nothing_else(office: Department, pool: Pool) -> None:
    await one_alert(office, pool)
    await close(office)
    emptied = await office.rows("update alert_event set detail = '{}' returning id")
    assert len(emptied) == 2
    for change in CHANGES[:2]:
        with pytest.raises(psycopg.errors.RestrictViolation):
            async with office.connection.transaction():
                await office.connection.execute(change)


TAMPERINGS: dict[str, tuple[LiteralString, set[str]]] = {
    "an event edited": ("update alert_event set kind = 'closed' where id = {5}", {"event_edited 5"}),
    "an instant by a microsecond": (
        "update alert_event set at = at + interval '1 us' where id = {5}",
        {"event_edited 5"},
    ),
    "who it was": ("update alert_event set account_id = null where kind = 'acknowledged'", {"event_edited 2"}),
    "a detail edited": ("update alert_event set detail = '{{\"rank\": 2}}' where id = {5}", {"content_edited 5"}),
    "a detail emptied": ("update alert_event set detail = '{{}}' where id = {5}", {"content_edited 5"}),
    "a detail and its salt": (
        "update alert_event set detail = '{{}}' where id = {5}; delete from alert_salt where event_id = {5}",
        {"salt_missing 5"},
    ),
    "who was in danger": ("update alert set subject = 'Zoe'", {"content_edited 1"}),
    "where": ("update alert set latitude_deg = 47.3215", {"content_edited 1"}),
    "how late": ("update alert set received_late_s = 0.1", {"content_edited 1"}),
    "when": ("update alert set triggered_at = triggered_at + interval '1 us'", {"content_edited 1"}),
    "whom to tell": ("update alert set policy = '[]'", {"content_edited 1"}),
    "an event deleted": ("delete from alert_event where id = {5}", {"event_missing 5"}),
    "an event and its seal deleted": (
        "delete from alert_event where id = {5}; delete from alert_seal where number = 5",
        {"seal_missing 5"},
    ),
    "a seal deleted": ("delete from alert_seal where number = 5", {"seal_missing 5"}),
    "deleted and closed up": (
        "delete from alert_event where id = {5}; delete from alert_seal where number = 5;"
        "update alert_seal set number = number + 100 where number > 5;"
        "update alert_seal set number = number - 101 where number > 100",
        {"seal_misplaced 5", *(f"event_edited {number}" for number in range(5, 9))},
    ),
    "two events exchanged": (
        "update alert_seal set event_id = -number where number in (5, 7);"
        "update alert_seal set event_id = case number when 5 then {7} else {5} end where number in (5, 7)",
        {f"{kind}_edited {number}" for kind in ("event", "content") for number in (5, 7)},
    ),
    "two seals exchanged": (
        "update alert_seal set number = number + 100 where number in (5, 7);"
        "update alert_seal set number = 112 - number where number > 100",
        {"seal_misplaced 5", "event_edited 5", "seal_misplaced 7", "event_edited 7"},
    ),
    "an event put in": (
        "update alert_seal set number = number + 100 where number >= 5;"
        "update alert_seal set number = number - 99 where number > 100;"
        "insert into alert_event (alert_id, at, kind) select alert_id, at, 'closed' from alert_event where id = {5};"
        "insert into alert_seal select 5, (select max(id) from alert_event), previous, commitment,"
        " sha256(hash), sealed_at from alert_seal where number = 6",
        {"event_edited 5", "seal_misplaced 6", "salt_missing 5"},
    ),
    "the end cut off": (
        "delete from alert_seal where number > 7; delete from alert_event where id > {7}",
        {"anchor_missing None"},
    ),
    "everything thrown away": ("delete from alert_seal; delete from alert_event", {"anchor_missing None"}),
    "another installation": ("update audit_chain set installation = gen_random_uuid()", {"foreign_genesis 1"}),
}


@pytest.mark.parametrize("tampering", TAMPERINGS)
async def test_change_by_whoever_may_do_anything_is_found_and_named(
    office: Department, pool: Pool, clock: ManualClock, tampering: str
) -> None:
    alert_id = await one_alert(office, pool)
    await office.rows(EVENTS, alert_id=alert_id, now=clock.now(), count=7)
    await sealer.seal_newest(pool, clock)
    _, head = await store.read_ends(office.connection)
    assert (head.number, await verified(office, head.hash)) == (9, [])

    first = (await office.rows("select min(id) as id from alert_event"))[0]["id"]
    change, found = TAMPERINGS[tampering]
    await office.connection.execute("set local session_replication_role = replica")  # no trigger, no foreign key
    for statement in change.format(*range(first - 1, first + 9)).split(";"):
        await office.connection.execute(statement.encode())
    await office.connection.execute("set local session_replication_role = origin")

    named = set(await verified(office, head.hash))
    assert found <= named
    # Nothing is accused of another deed than those; what lies behind a change follows it no more.
    assert {name.split()[0] for name in named} <= {name.split()[0] for name in found} | {"seal_misplaced"}


async def test_erasure_leaves_nothing_personal_and_the_chain_whole(
    office: Department, pool: Pool, clock: ManualClock
) -> None:
    alert_id = await one_alert(office, pool)
    await office.rows(EVENTS, alert_id=alert_id, now=clock.now(), count=1)
    await office.rows("update alert set latitude_deg = 47.3, longitude_deg = 5, mission = 'RD 70' returning id")
    await office.rows(
        "insert into attempt (notification_id, number, started_at, provider_id, detail)"
        " select id, 1, due_at, 'SM1', 'no +33600000001' from notification where channel = 'sms' returning id"
    )
    await sealer.seal_newest(pool, clock)
    _, anchor = await store.read_ends(office.connection)
    assert await erasure.erase(office.connection, [alert_id], clock.now()) == []  # not closed
    await close(office)
    clock.advance(1)
    assert await erasure.find_erasable(office.connection, clock.now()) == [alert_id]
    clock.advance(60)
    for erased in ([alert_id], []):
        assert await erasure.erase(office.connection, [alert_id], clock.now()) == erased
    assert await erasure.find_erasable(office.connection, clock.now()) == []

    [alert] = await office.rows("select subject, mission, latitude_deg, longitude_deg, reply_topic, detail from alert")
    assert alert == dict.fromkeys(alert) | {"subject": erasure.ERASED, "detail": {}}
    assert await office.rows("select distinct text, address, contact_id from notification") == [
        {"text": "", "address": "", "contact_id": None}
    ]
    assert await office.rows("select from notification where state in ('pending', 'sending', 'ambiguous')") == []
    assert await office.rows("select provider_id, detail from attempt") == [{"provider_id": "SM1", "detail": None}]
    assert await office.rows("select distinct detail from alert_event") == [{"detail": {}}]
    assert await office.rows("select from alert_salt") == []
    kinds = [row["kind"] for row in await office.rows("select kind from alert_event order by id")]
    assert kinds == ["raised", "acknowledged", "repeated", "erased"]

    assert await verified(office, anchor.hash) == []  # before it is sealed, and after
    assert await sealer.seal_newest(pool, clock) == 1
    walk = await walked(office.connection, anchor.hash)
    assert (walk.faults, walk.seals, walk.erased) == ([], 4, 3)

    await office.rows("update alert set subject = 'Zoé' returning id")  # what is left is proven too
    assert await verified(office) == ["content_edited 4"]


async def test_what_was_not_sealed_when_it_was_erased_is_sealed_as_it_is_left(
    office: Department, pool: Pool, clock: ManualClock
) -> None:
    alert_id = await one_alert(office, pool)
    await close(office)
    await erasure.erase(office.connection, [alert_id], clock.now())
    assert await sealer.seal_newest(pool, clock) == 3
    walk = await walked(office.connection)
    assert (walk.faults, walk.erased) == ([], 0)


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Pool]:
    pool = await open_pool(url, 4)
    try:
        yield pool
    finally:
        await pool.close()


async def test_several_sealers_at_once_write_one_chain(database_url: str, clock: ManualClock) -> None:
    alert_id = await raised(database_url, clock)
    async with opened(database_url) as one, opened(database_url) as other, await connect(database_url) as connection:
        office = Department(connection, None, clock)

        async def happen() -> None:
            for _ in range(40):
                await office.rows(EVENTS, alert_id=alert_id, now=clock.now(), count=3)

        async def keep_sealing(pool: Pool) -> int:
            sealed = [await sealer.seal_newest(pool, clock) for _ in range(60)]
            return sum(sealed)

        happening = asyncio.create_task(happen())
        sealed = await asyncio.gather(*(keep_sealing(pool) for pool in (one, other, one, other)))
        await happening
        rest = await sealer.seal_newest(one, clock)
        async with connection.transaction():
            walk = await walked(connection)
        assert (walk.faults, walk.seals, sum(sealed) + rest) == ([], 122, 122)


async def test_another_server_waits_for_nothing_while_one_seals(database_url: str, clock: ManualClock) -> None:
    await raised(database_url, clock)
    async with opened(database_url) as pool, await connect(database_url) as holder:
        async with holder.transaction():
            await store.hold_sealer(holder)
            assert await sealer.seal_newest(pool, clock) == 0
        assert await sealer.seal_newest(pool, clock) == 2


async def test_nothing_is_sealed_while_an_alert_is_erased(database_url: str, clock: ManualClock) -> None:
    """A salt made meanwhile, of what was there before, would stay: the chain would be found broken for ever."""
    alert_id = await raised(database_url, clock)
    async with opened(database_url) as pool, await connect(database_url) as connection:
        await close(Department(connection, None, clock))
        async with connection.transaction():
            assert await erasure.erase(connection, [alert_id], clock.now()) == [alert_id]
            assert await sealer.seal_newest(pool, clock) == 0
        assert await sealer.seal_newest(pool, clock) == 3
        async with connection.transaction():
            assert (await walked(connection)).faults == []


async def test_server_seals_by_itself(
    database_url: str, broker: MqttBroker, department: Department, clock: ManualClock, tmp_path: Path
) -> None:
    server = Server(
        Settings(
            instance="sealing",
            data_dir=tmp_path,
            database=DatabaseSettings(url=SecretStr(database_url)),
            mqtt=MqttSettings(url=SecretStr(broker.url)),
            http=HttpSettings(port=0),
        ),
        clock,
    )
    await server.start()
    try:
        await department.on_shift("w-1")
        clock.advance(180)
        await department.until_rows(1, "select from alert_seal")
        await department.rows(EVENTS, alert_id=1, now=clock.now(), count=1)
    finally:
        await server.stop()
    assert (await store.count_unsealed(department.connection)).events == 0


async def test_crash_between_an_event_and_its_seal_loses_nothing(
    database_url: str, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await raised(database_url, clock)

    async with await connect(database_url) as connection:
        write = store.seal_events

        async def write_and_die(*arguments: Any) -> Any:
            await write(*arguments)
            await connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()"
                " and datname = current_database()"
            )
            return await write(*arguments)

        async with opened(database_url) as pool:
            monkeypatch.setattr(store, "seal_events", write_and_die)
            with pytest.raises(psycopg.OperationalError):
                await sealer.seal_newest(pool, clock)
        monkeypatch.undo()
        assert (await store.count_unsealed(connection)).events == 2
        async with opened(database_url) as pool:
            assert await sealer.seal_newest(pool, clock) == 2
        async with connection.transaction():
            assert (await walked(connection)).faults == []
