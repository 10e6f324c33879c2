"""The TimescaleDB migration and the statements that write, on the real extension (WebAssembly, one connection)."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

import ingest.sequences
import ingest.store
import lone_worker.store
from gyrophare.embedded.folder import free_port
from gyrophare.kernel.clock import ManualClock
from gyrophare.kernel.geo import Position
from gyrophare.kernel.observations import Fix, Report, Sender, Sequence, Wire
from gyrophare.platform.db import Connection, connect
from gyrophare.platform.migrations.migrate import migrate
from ingest.gate import Known
from ingest.store import Device
from tests.department import ORGANISATION

HERE = Path(__file__).parent / "timescale"
SENDER = Sender(wire=Wire.NATIVE, name="w-1")


@pytest.fixture(scope="module")
def timescaledb_url() -> Iterator[str]:
    node = shutil.which("node") or shutil.which("node", path=str(Path(sys.executable).parent))
    if node is None or not (HERE / "node_modules").is_dir():
        pytest.skip("the TimescaleDB for tests is not installed: run `make test`, which installs it")
    port = free_port()
    process = subprocess.Popen(
        [node, str(HERE / "serve.mjs"), str(port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == b"ready\n"
        url = f"postgresql://postgres:any@127.0.0.1:{port}/postgres?sslmode=disable"
        migrate(url)
        yield url
    finally:
        process.stdin.close()
        process.stdout.close()
        process.wait(10)


@pytest.fixture
async def connection(timescaledb_url: str) -> AsyncIterator[Connection]:
    async with await connect(timescaledb_url) as connection:
        connection.prepare_threshold = None
        yield connection


def test_migration_is_repeatable_and_says_active(timescaledb_url: str) -> None:
    state = migrate(timescaledb_url)
    assert (state.applied, state.pending, state.timescaledb) == (("0001", "0002", "t001"), (), "active")


async def test_fix_is_a_hypertable_with_its_policies(connection: Connection) -> None:
    async def rows(query: str) -> list[dict[str, object]]:
        return await (await connection.execute(query.encode())).fetchall()

    assert await rows("select time_interval from timescaledb_information.dimensions where hypertable_name = 'fix'") == [
        {"time_interval": timedelta(days=1)}
    ]
    assert await rows(
        "select attname, segmentby_column_index s, orderby_column_index o "
        "from timescaledb_information.compression_settings where hypertable_name = 'fix' order by attname"
    ) == [
        {"attname": "device_id", "s": 1, "o": None},
        {"attname": "fixed_at", "s": None, "o": 1},
        {"attname": "message_key", "s": None, "o": 2},
    ]
    jobs = await rows(
        "select proc_name, config ->> 'compress_after' c, config ->> 'drop_after' d, hypertable_name h "
        "from timescaledb_information.jobs where hypertable_name is not null order by proc_name, h"
    )
    assert {(job["proc_name"], job["c"], job["d"]) for job in jobs} == {
        ("policy_compression", "7 days", None),
        ("policy_retention", None, "60 days"),
        ("policy_refresh_continuous_aggregate", None, None),
    }
    assert sum(job["proc_name"] == "policy_retention" for job in jobs) == 2  # the fixes, and the trails


async def test_fixes_are_stored_once_also_late_into_a_compressed_chunk(
    connection: Connection, clock: ManualClock
) -> None:
    device = await _on_shift(connection, clock)
    day_before = clock.now() - timedelta(days=1)

    def report(number: int, minute: int, latitude_deg: float) -> tuple[Device, Report]:
        at = day_before + timedelta(minutes=minute)
        fix = Fix(fixed_at=at, position=Position(latitude_deg, 5.0), accuracy_m=6, speed_mps=1.0)
        return device, Report(
            sender=SENDER,
            received_at=clock.now(),
            sent_at=at,
            sequence=Sequence(boot="b", number=number),
            message_key=number,
            fix=fix,
        )

    await ingest.store.insert_fixes(connection, [report(1, 0, 47.1), report(2, 0, 47.2), report(3, 5, 47.3)])
    await connection.execute("select compress_chunk(chunk) from show_chunks('fix') as chunk")
    await ingest.store.insert_fixes(connection, [report(2, 0, 47.2), report(4, 5, 47.4)])  # a repetition, a late one
    stored = await (await connection.execute("select message_key from fix order by message_key")).fetchall()
    assert [row["message_key"] for row in stored] == [1, 2, 3, 4]

    trail = await (
        await connection.execute("select minute_at, latitude_deg, fixes from trail_1min order by minute_at")
    ).fetchall()
    assert [(row["minute_at"], row["fixes"]) for row in trail] == [
        ((day_before + timedelta(minutes=minute)).replace(second=0, microsecond=0), 2) for minute in (0, 5)
    ]

    said = [report(number, 0, 47.1) for number in (1, 2, 4)]
    fresh, [receipt] = await ingest.sequences.commit(connection, said, clock.now())
    assert fresh == said
    assert (receipt.up_to, receipt.also) == (2, (4,))
    await ingest.store.purge(connection, clock.now())
    await ingest.store.note_latest(connection, said, {device.id: Known(heard_at=clock.now())})
    assert await ingest.store.find_latest(connection, [device.id])


async def _on_shift(connection: Connection, clock: ManualClock) -> Device:
    now = clock.now() - timedelta(days=2)
    device_id = await ingest.store.register_device(connection, ORGANISATION, "watch", SENDER, "w-1", now)
    agent_id = await lone_worker.store.insert_agent(connection, ORGANISATION, "Martin Lefèvre")
    await lone_worker.store.start_shift(connection, ORGANISATION, agent_id, device_id, "Fauchage RD 70", now)
    return Device(id=device_id, organisation_id=ORGANISATION, kind="watch", sender=SENDER, label="w-1")
