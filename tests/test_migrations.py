"""The schema on plain PostgreSQL: applied once, by one, refused when it is from the future."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from alembic import command
from psycopg import sql

from gyrophare.embedded import PostgresServer
from gyrophare.kernel.errors import NotReadyError
from gyrophare.kernel.ids import DeviceId
from gyrophare.platform.db import connect
from gyrophare.platform.migrations.migrate import SchemaState, _config, _connected, inspect, migrate
from lone_worker.shifts import store as shifts
from lone_worker.shifts.spans import ActKind
from tests.department import Department

REVISIONS = tuple(f"{number:04}" for number in range(1, 20))
VERSIONS = Path(__file__).parent.parent / "gyrophare/platform/migrations/versions"


@pytest.fixture
def bare_url(postgres: PostgresServer, request: pytest.FixtureRequest) -> Iterator[str]:
    """A database without any schema."""
    base = postgres.url.rsplit("/", 1)[0]
    name = sql.Identifier(f"bare_{abs(hash(request.node.nodeid))}")
    with psycopg.connect(f"{base}/template1", autocommit=True) as connection:
        connection.execute(sql.SQL("create database {} template template0").format(name))
        yield f"{base}/{name.as_string(connection).strip(chr(34))}"
        connection.execute(sql.SQL("drop database {} with (force)").format(name))


def test_schema_is_pending_then_applied_then_unchanged(bare_url: str) -> None:
    before = inspect(bare_url)
    assert (before.applied, before.pending) == ((), REVISIONS)
    applied = migrate(bare_url)
    assert (applied.applied, applied.pending) == (REVISIONS, ())
    assert migrate(bare_url) == applied == inspect(bare_url)


def test_plain_postgresql_is_reported_not_refused(bare_url: str) -> None:
    assert "not installed" in migrate(bare_url).timescaledb


async def test_schema_is_applied_once_when_several_migrate_at_the_same_time(bare_url: str) -> None:
    states = await asyncio.gather(*(asyncio.to_thread(migrate, bare_url) for _ in range(4)))
    assert states == [SchemaState(applied=REVISIONS, pending=(), timescaledb=states[0].timescaledb)] * 4


def test_schema_from_the_future_is_refused(bare_url: str) -> None:
    migrate(bare_url)
    with psycopg.connect(bare_url) as connection:
        connection.execute("update alembic_version set version_num = '9999'")
    with pytest.raises(NotReadyError, match="9999"):
        migrate(bare_url)


def test_database_that_does_not_answer_is_an_error_for_people() -> None:
    with pytest.raises(NotReadyError, match="GYROPHARE_DATABASE_URL"):
        migrate("postgresql://nobody@127.0.0.1:1/nothing")


def test_every_revision_has_its_sql() -> None:
    revisions = {path.stem for path in VERSIONS.glob("*.py")} - {"__init__"}
    assert revisions == {path.stem for path in VERSIONS.glob("*.sql")}
    assert revisions


async def test_everything_belongs_to_an_organisation_and_one_exists(department: Department) -> None:
    owned = await department.rows(
        "select table_name from information_schema.columns where column_name = 'organisation_id' and is_nullable = 'NO'"
    )
    assert {row["table_name"] for row in owned} >= {"agent", "device", "van", "shift", "alert", "contact", "account"}
    assert await department.rows("select name from organisation") == [{"name": "Département de la Côte-d'Or"}]
    # A small town hall joins without a migration.
    await department.rows("insert into organisation (slug, name) values ('is-sur-tille', 'Is-sur-Tille') returning id")


@pytest.mark.parametrize(
    "step",
    [
        "{}",
        '{"after_s": "soon", "channel": "sms", "rank": 1}',
        '{"after_s": 0, "rank": 1}',
        '{"after_s": 0, "channel": "sms"}',
        "7",
    ],
)
async def test_policy_that_no_tick_could_read_is_refused(department: Department, step: str) -> None:
    with pytest.raises(psycopg.errors.CheckViolation, match="policy_steps_readable"):
        await department.rows("update policy set steps = %(steps)s returning id", steps=f"[{step}]")


async def test_shift_that_was_open_before_can_be_ended_and_paused_after(bare_url: str) -> None:
    with _connected(bare_url) as connection:
        command.upgrade(_config(connection), "0004")
        connection.commit()
    with psycopg.connect(bare_url) as old:
        old.execute(
            "insert into device (organisation_id, kind, wire, wire_name, label, created_at)"
            " values (1, 'watch', 'native', 'w-1', 'w-1', now());"
            "insert into agent (organisation_id, name) values (1, 'Zoé');"
            "insert into shift (organisation_id, agent_id, device_id, mission, stillness_alarm_after_s, started_at,"
            " ended_at)"
            " values (1, 1, 1, 'RD 70', 90, '2026-01-13 07:00Z', '2026-01-13 15:00Z'),"
            " (1, 1, 1, 'RD 70', 90, '2026-01-14 07:00Z', null)"
        )
    migrate(bare_url)
    async with await connect(bare_url) as new:
        await shifts.say(new, DeviceId(1), ActKind.PAUSE, datetime(2026, 1, 14, 10, tzinfo=UTC))
        await shifts.end_shift(new, DeviceId(1), datetime(2026, 1, 14, 11, tzinfo=UTC))
        found = (await shifts.find_spans(new, [DeviceId(1)], datetime(2026, 1, 14, 12, tzinfo=UTC)))[DeviceId(1)]
    assert [f"{span.started_at:%d %H}-{span.ended_at:%H} {len(span.pauses)}" for span in found] == [
        "13 07-15 0",
        "14 07-11 1",
    ]


async def test_only_messages_of_the_last_hour_are_asked_about_after_the_upgrade(bare_url: str) -> None:
    with _connected(bare_url) as connection:
        command.upgrade(_config(connection), "0014")
        connection.commit()
    with psycopg.connect(bare_url) as old:
        old.execute(
            "insert into alert (organisation_id, kind, subject, episode, episode_at, triggered_at, raised_at, vital,"
            " priority, policy, changed_at) values (1, 'sos', 'Zoé', '1', now(), now(), now(), true, 1, '[]', now());"
            "insert into notification (alert_id, step, channel, address, text, due_at, changed_at, state, sent_at,"
            " provider_id, provider_status, delivered_at)"
            " select 1, number, channel, '', '', now(), now(), state, now() - age::interval, 'SM' || number, status,"
            " case when status = 'delivered' then now() end"
            " from (values (1, 'sms', 'sent', '2 hours', 'sent'), (2, 'sms', 'sent', '1 minute', 'sent'),"
            " (3, 'sms', 'sent', '1 minute', 'delivered'), (4, 'voice', 'sent', '1 minute', 'completed'),"
            " (5, 'sms', 'failed', '1 minute', 'undelivered'), (6, 'cap', 'sent', '2 hours', null))"
            " as of (number, channel, state, age, status)"
        )
    migrate(bare_url)
    with psycopg.connect(bare_url) as new:
        rows = new.execute("select step from notification where provider_final_at is null order by step").fetchall()
    assert rows == [(2,), (6,)]
