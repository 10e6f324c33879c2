"""What only TimescaleDB has: chunks, compression, retention and the trail aggregate, on the real extension."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg.rows import dict_row

import dashboards.read_models
import ingest.directory
import ingest.store
from gyrophare.doctor import timescaledb_jobs
from gyrophare.kernel.clock import ManualClock
from gyrophare.kernel.errors import NotReadyError
from gyrophare.kernel.geo import Position
from gyrophare.kernel.observations import Fix, Report
from gyrophare.platform.db import Connection
from gyrophare.platform.migrations import migrate as migrations
from ingest.directory import Device
from tests.department import ORGANISATION, Department
from tests.test_migrations import REVISIONS

pytestmark = pytest.mark.xdist_group("timescaledb")

JOBS = {
    ("policy_compression", "fix"): {"compress_after": "7 days"},
    ("policy_retention", "fix"): {"drop_after": "59 days"},
    ("policy_compression", "motion"): {"compress_after": "7 days"},
    ("policy_retention", "motion"): {"drop_after": "59 days"},
    ("policy_retention", "trail_1min"): {"drop_after": "59 days"},
    ("policy_refresh_continuous_aggregate", "trail_1min"): {"start_offset": "58 days", "end_offset": "00:10:00"},
}

# What the scheduler writes when it starts a job.
BEGUN = "set last_finish = '-infinity', next_start = '-infinity'"


class Extension:
    """The database, and one watch whose fixes are stored as ingest stores them."""

    def __init__(self, connection: Connection, device: Device, now: datetime) -> None:
        self.connection = connection
        self.device = device
        self.now = now

    async def store(self, *ages: timedelta, keys: Sequence[int] | None = None) -> None:
        """One batch with a fix of each age, numbered by `keys`."""
        reports = [
            Report(
                sender=self.device.sender,
                received_at=self.now,
                sent_at=self.now,
                sequence=None,
                message_key=key,
                fix=Fix(fixed_at=self.now - age, position=Position(47.3, 5.0)),
            )
            for age, key in zip(ages, keys or range(len(ages)), strict=True)
        ]
        await ingest.store.insert_fixes(self.connection, [(self.device, report) for report in reports])

    async def rows(self, query: LiteralString, *parameters: Any) -> list[dict[str, Any]]:
        return await (await self.connection.execute(query, parameters)).fetchall()

    async def run(self, job: str, relation: str) -> None:
        """What the background worker does when the job is due."""
        [found] = await self.rows(
            "select job_id from timescaledb_information.jobs where proc_name = %s and hypertable_name = %s",
            job,
            relation,
        )
        await self.connection.execute("call run_job(%s)", [found["job_id"]])

    async def ages(self) -> list[int]:
        """The ages in days of the fixes that are stored."""
        rows = await self.rows("select fixed_at from fix order by fixed_at desc")
        return [round((self.now - row["fixed_at"]) / timedelta(days=1)) for row in rows]


@pytest.fixture
async def extension(timescaledb: Connection, clock: ManualClock) -> AsyncIterator[Extension]:
    """Jobs go by the database's own clock, and cannot run in a transaction: what is stored is dropped at the end."""
    [row] = await (await timescaledb.execute("select now() as now")).fetchall()
    clock.set(row["now"])
    office = Department(timescaledb, None, clock)
    device_id = await office.on_shift("w-1")
    device = (await ingest.directory.devices_by_id(timescaledb, [device_id]))[device_id]
    yield Extension(timescaledb, device, row["now"])
    for relation in ("fix", "trail_1min"):
        await timescaledb.execute(
            "select drop_chunks(%s::regclass, older_than => now() + interval '9 days')", [relation]
        )
    async with timescaledb.transaction():
        await timescaledb.execute("set local session_replication_role = replica")  # the history of alerts is kept
        await timescaledb.execute("truncate device, agent cascade")


def test_migration_is_repeatable_and_says_active(timescaledb_url: str) -> None:
    state = migrations.migrate(timescaledb_url)
    assert (state.applied, state.pending, state.timescaledb) == (
        (*REVISIONS, "t001", "t002", "t003"),
        (),
        "active",
    )


def test_extension_that_loses_rows_is_refused(timescaledb_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrations, "TIMESCALEDB_MIN", (99, 1))
    with pytest.raises(NotReadyError, match=r"is active, expected 99\.1 or newer.*alter extension timescaledb update"):
        migrations.migrate(timescaledb_url)


async def test_fixes_lie_in_days_by_watch_and_time(timescaledb: Connection) -> None:
    async def rows(query: LiteralString) -> list[dict[str, object]]:
        return await (await timescaledb.execute(query)).fetchall()

    dimensions = (
        "select hypertable_name = 'fix' as fix, time_interval from timescaledb_information.dimensions order by 1"
    )
    # Motion and the trails too.
    assert [row["time_interval"] for row in await rows(dimensions)] == [timedelta(days=1)] * 3
    assert await rows(
        "select attname, segmentby_column_index s, orderby_column_index o, orderby_asc "
        "from timescaledb_information.compression_settings where hypertable_name = 'fix' order by attname"
    ) == [
        {"attname": "device_id", "s": 1, "o": None, "orderby_asc": None},
        {"attname": "fixed_at", "s": None, "o": 1, "orderby_asc": False},
        {"attname": "message_key", "s": None, "o": 2, "orderby_asc": True},
    ]
    indexes = "select indexname from pg_indexes where schemaname = 'public' and tablename = 'fix' order by 1"
    assert await rows(indexes) == [{"indexname": "fix_fixed_at"}, {"indexname": "fix_pkey"}]
    jobs = await rows(
        "select proc_name, hypertable_name, config from timescaledb_information.jobs where hypertable_name is not null"
    )
    assert len(jobs) == len(JOBS)
    for job in jobs:
        wanted = JOBS[str(job["proc_name"]), str(job["hypertable_name"])].items()
        assert job["config"].items() >= wanted  # type: ignore[attr-defined]


async def test_late_fixes_and_repetitions_into_a_compressed_day_unpack_nothing(extension: Extension) -> None:
    """With room for one unpacked row the database would refuse what unpacks; 100 000 are its default."""
    day = [timedelta(days=9, seconds=10 * number) for number in range(300)]
    await extension.store(*day)
    await extension.connection.execute("select compress_chunk(chunk) from show_chunks('fix') chunk")
    await extension.connection.execute("set timescaledb.max_tuples_decompressed_per_dml_transaction = 1")
    try:
        late = [age + timedelta(seconds=5) for age in day[:50]]
        # Repetitions first and last: a version stopped at the first of them and lost the rows behind it.
        for _ in range(2):
            await extension.store(*day[:150], *late, *day[150:], keys=[*range(150), *range(500, 550), *range(150, 300)])
        assert len(await extension.ages()) == 350
        with pytest.raises(psycopg.errors.ConfigurationLimitExceeded):  # what the purge would meet
            await extension.connection.execute("delete from fix where fixed_at < %s", [extension.now - day[100]])
    finally:
        await extension.connection.execute("reset timescaledb.max_tuples_decompressed_per_dml_transaction")
    await ingest.store.purge(extension.connection, extension.now + timedelta(days=60), 10)
    assert len(await extension.ages()) == 350  # days go by their policy


async def test_compressed_days_are_a_fraction_and_read_the_same(extension: Extension) -> None:
    for batch in range(6):
        keys = range(400 * batch, 400 * (batch + 1))
        await extension.store(*(timedelta(days=9, seconds=10 * key) for key in keys), keys=keys)
    before = await extension.rows("select * from fix order by fixed_at")
    await extension.run("policy_compression", "fix")
    [stats] = await extension.rows(
        "select before_compression_total_bytes as before, after_compression_total_bytes as after "
        "from hypertable_compression_stats('fix')"
    )
    assert stats["after"] < stats["before"] / 3
    assert await extension.rows("select * from fix order by fixed_at") == before


async def test_no_position_is_older_than_sixty_days_compressed_or_not(extension: Extension) -> None:
    await extension.store(*(timedelta(days=days) for days in (1, 30, 58, 60)), keys=range(4))
    await extension.connection.execute("select compress_chunk(chunk) from show_chunks('fix') chunk")
    await extension.run("policy_retention", "fix")
    assert await extension.ages() == [1, 30, 58]


async def test_trail_does_not_outlive_its_fixes(extension: Extension) -> None:
    await extension.store(timedelta(days=1), timedelta(days=60))
    start_at, end_at = extension.now - timedelta(days=61), extension.now
    await extension.connection.execute(
        "call refresh_continuous_aggregate('trail_1min', %s::timestamptz, %s::timestamptz)", [start_at, end_at]
    )
    assert len(await extension.rows("select from trail_1min")) == 2
    await extension.run("policy_retention", "trail_1min")
    assert len(await extension.rows("select from trail_1min")) == 1


async def test_day_is_dropped_without_a_lock_on_the_devices(extension: Extension) -> None:
    """It waited for whoever reads `device`, a dump for an hour, and every message waited behind it."""
    await extension.store(timedelta(days=1), timedelta(days=40))
    async with extension.connection.transaction(force_rollback=True):
        dropped = await extension.rows("select drop_chunks('fix', older_than => now() - interval '30 days') as chunk")
        locks = await extension.rows(
            "select mode from pg_locks where relation in ('device'::regclass, 'fix'::regclass) "
            "and mode in ('ExclusiveLock', 'AccessExclusiveLock', 'ShareRowExclusiveLock', 'ShareLock')"
        )
    assert (len(dropped), locks) == (1, [])


async def test_trail_is_right_after_three_days_in_a_white_zone(extension: Extension) -> None:
    """The refresh looked two days back: what came later than that was never in the aggregate."""
    await extension.store(timedelta(minutes=30), timedelta(days=4))
    await extension.run("policy_refresh_continuous_aggregate", "trail_1min")

    spool = [timedelta(days=3, minutes=number) for number in range(60)]
    await extension.store(timedelta(0), *spool, keys=range(100, 161))  # with a live one, in one batch

    async def trail(days: int) -> int:
        until_at = extension.now - timedelta(days=2, hours=12)
        found = await dashboards.read_models.trail(
            extension.connection, ORGANISATION, extension.device.id, until_at - timedelta(days=days), until_at
        )
        return len([point for point in found if point["at"] < dashboards.read_models.instant(until_at)])

    assert await trail(days=1) == 60  # a day is read from the fixes: right at once
    assert await trail(days=30) == 1  # only what was there before
    await extension.run("policy_refresh_continuous_aggregate", "trail_1min")
    assert await trail(days=30) == 61


async def test_newest_minutes_are_in_a_trail_before_any_refresh(extension: Extension) -> None:
    await extension.store(timedelta(minutes=1), timedelta(minutes=3))
    assert len(await extension.rows("select from trail_1min")) == 2


def test_doctor_says_what_is_wrong_with_the_jobs(timescaledb_url: str) -> None:
    with psycopg.connect(timescaledb_url, row_factory=dict_row, prepare_threshold=None) as connection:
        finding = timescaledb_jobs(connection)
        assert (finding.verdict, finding.found) == ("warning", "6 of 6 have not run yet")

        connection.execute(
            "insert into _timescaledb_internal.bgw_job_stat "
            "select job_id, now(), now(), now() + interval '1 hour', now(), true, 1, interval '1 s', interval '0', "
            "1, 0, 0, 0, 0, 0 from timescaledb_information.jobs where job_id >= 1000"
        )
        assert timescaledb_jobs(connection).found == "6 run, none failed last time"

        for change, found in (
            ("set last_run_success = false", "failed: no reason was kept"),
            (
                "set last_start = now() - interval '3 hours', next_start = now() - interval '2 hours'",
                "should have run an hour ago",
            ),
            (f"{BEGUN}, last_start = now() - interval '2 hours'", "should have run an hour ago"),  # and was cut short
        ):
            with connection.transaction(force_rollback=True):
                connection.execute(f"update _timescaledb_internal.bgw_job_stat {change} where job_id = 1000")
                finding = timescaledb_jobs(connection)
                assert (finding.verdict, finding.found) == ("fault", f"policy_compression of fix {found}")
        with connection.transaction(force_rollback=True):
            connection.execute(f"update _timescaledb_internal.bgw_job_stat {BEGUN} where job_id = 1000")
            assert timescaledb_jobs(connection).verdict == "ok"
        with connection.transaction(force_rollback=True):
            connection.execute("select alter_job(1000, scheduled => false)")
            connection.execute("select remove_continuous_aggregate_policy('trail_1min')")
            finding = timescaledb_jobs(connection)
            assert finding.verdict == "fault"
            assert "policy_compression of fix is switched off" in finding.found
            assert "policy_refresh_continuous_aggregate of trail_1min is missing" in finding.found
        connection.rollback()
