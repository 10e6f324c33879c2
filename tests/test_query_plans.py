"""Three weeks of a few dozen watches: what is asked touches what it needs, nothing of other days and watches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString

import pytest
from psycopg import sql

import dashboards.read_models
import ingest.store
from gyrophare.platform.db import Connection
from tests.department import ORGANISATION

WATCHES, DAYS, FIXES_A_DAY = 36, 21, 48
END_AT = datetime(2026, 1, 14, tzinfo=UTC)
COMPRESSED_UNTIL_AT = END_AT - timedelta(days=7)
FILL: LiteralString = """
with watch as (
    insert into device (organisation_id, kind, wire, wire_name, label, created_at)
    select %(organisation_id)s, 'watch', 'native', 'w-' || number, 'w-' || number, now()
    from generate_series(1, %(watches)s) number
    returning id
), worn as (
    insert into agent (organisation_id, name) select %(organisation_id)s, 'agent ' || id from watch returning id, name
), begun as (
    insert into shift (organisation_id, agent_id, device_id, mission, profile, started_at)
    select %(organisation_id)s, worn.id, watch.id, 'Fauchage', '{}', %(end_at)s from worn
    join watch on worn.name = 'agent ' || watch.id
), seen as (
    insert into device_latest (device_id, heard_at) select id, %(end_at)s from watch
)
insert into fix (device_id, fixed_at, received_at, latitude_deg, longitude_deg, buffered, message_key)
select id, at, at, 47.3 + random() / 10, 5 + random() / 10, false, random(1, 1000000000)
from generate_series(1, %(days)s) day
cross join generate_series(%(end_at)s - make_interval(days => day) + interval '6 hours',
                           %(end_at)s - make_interval(days => day) + interval '13 hours 50 minutes',
                           interval '10 minutes') at
cross join watch
"""


@dataclass(frozen=True, slots=True)
class Scan:
    """A node of a plan that reads a table or an index."""

    kind: str
    relation: str | None
    index: str | None
    rows: float


@dataclass(frozen=True, slots=True)
class Plan:
    """What a statement did."""

    scans: tuple[Scan, ...]
    buffers: int

    @property
    def relations(self) -> set[str]:
        return {scan.relation for scan in self.scans if scan.relation is not None}

    def of(self, relations: set[str]) -> list[Scan]:
        return [scan for scan in self.scans if scan.relation in relations]


@pytest.fixture
async def weeks(schema_connection: Connection) -> Connection:
    """The watches' fixes; on TimescaleDB those older than a week are compressed."""
    connection = schema_connection
    parameters = {"organisation_id": ORGANISATION, "watches": WATCHES, "days": DAYS, "end_at": END_AT}
    await connection.execute(FILL, parameters)
    if await is_timescaledb(connection):
        await connection.execute(
            "select compress_chunk(chunk) from show_chunks('fix', older_than => %s::timestamptz) chunk",
            [COMPRESSED_UNTIL_AT],
        )
    await connection.execute("analyze")
    return connection


async def is_timescaledb(connection: Connection) -> bool:
    row = await (await connection.execute(ingest.store.QUERIES["drops_chunks"])).fetchone()
    return row is not None and bool(row["by_policy"])


async def explain(connection: Connection, query: LiteralString, parameters: Mapping[str, Any], plan: str) -> Plan:
    """Run `query` as a server does after a while, with a `plan` for these parameters (custom) or for any (generic)."""
    text = query
    for number, name in enumerate(parameters, start=1):
        text = text.replace(f"%({name})s", f"${number}")
    await connection.execute(sql.SQL("set local plan_cache_mode = {}").format(sql.Literal(f"force_{plan}_plan")))
    await connection.execute(sql.SQL("prepare asked as {}").format(sql.SQL(text)))
    values = sql.SQL(", ").join(map(sql.Literal, parameters.values()))
    arguments = sql.SQL("({})").format(values) if parameters else sql.SQL("")
    explained = sql.SQL("explain (analyze, buffers, timing off, format json) execute asked {}").format(arguments)
    [row] = await (await connection.execute(explained)).fetchall()
    await connection.execute("deallocate asked")
    [found] = row["QUERY PLAN"]
    top = found["Plan"]
    return Plan(tuple(scans(top)), top["Shared Hit Blocks"] + top["Shared Read Blocks"])


def scans(node: Mapping[str, Any]) -> Iterator[Scan]:
    if node["Actual Loops"] and "Scan" in node["Node Type"] and ("Relation Name" in node or "Index Name" in node):
        rows = (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
        yield Scan(node["Node Type"], node.get("Relation Name"), node.get("Index Name"), rows)
    for child in node.get("Plans", ()):
        yield from scans(child)


async def tables_of_fixes(connection: Connection, day: datetime | None = None) -> set[str]:
    """The tables that hold fixes, of one day or of all: `fix` itself, or its chunks and what they are packed into."""
    if not await is_timescaledb(connection):
        return {"fix"}
    rows = await (
        await connection.execute(
            "select unnest(array[chunk.table_name, packed.table_name])::text as name "
            "from timescaledb_information.chunks i "
            "join _timescaledb_catalog.chunk on chunk.table_name = i.chunk_name "
            "left join _timescaledb_catalog.chunk packed on packed.id = chunk.compressed_chunk_id "
            "where i.hypertable_name = 'fix' and (%(day)s::timestamptz is null "
            "or (i.range_start <= %(day)s and %(day)s < i.range_end))",
            {"day": day},
        )
    ).fetchall()
    return {row["name"] for row in rows if row["name"] is not None}


@pytest.mark.parametrize("plan", ["custom", "generic"])
async def test_latest_position_of_each_watch_touches_no_fix(weeks: Connection, plan: str) -> None:
    """It is a row a watch, whatever the history holds."""
    everything = await tables_of_fixes(weeks)
    [one] = await (await weeks.execute("select array_agg(id) as ids from device")).fetchall()
    console = await explain(
        weeks, dashboards.read_models.QUERIES["devices"], {"organisation_id": ORGANISATION, "since": None}, plan
    )
    found = await explain(weeks, ingest.store.QUERIES["find_latest"], {"device_ids": one["ids"]}, plan)
    for asked in (console, found):
        assert "device_latest" in asked.relations
        assert asked.relations & everything == set()
        assert sum(scan.rows for scan in asked.of({"device_latest"})) <= WATCHES


@pytest.mark.parametrize("plan", ["custom", "generic"])
@pytest.mark.parametrize("days_ago", [1, 6, 20], ids=["yesterday", "last week", "compressed"])
async def test_trail_of_a_watch_touches_that_day_and_that_watch(weeks: Connection, days_ago: int, plan: str) -> None:
    day = END_AT - timedelta(days=days_ago)
    [row] = await (await weeks.execute("select min(id) + 7 as id from device")).fetchall()
    asked = await explain(
        weeks,
        dashboards.read_models.QUERIES["trail"],
        {"device_id": row["id"], "organisation_id": ORGANISATION, "from_at": day, "until_at": day + timedelta(days=1)},
        plan,
    )
    everything, that_day = await tables_of_fixes(weeks), await tables_of_fixes(weeks, day)
    touched = asked.of(everything)
    assert asked.relations & everything <= that_day
    assert touched
    assert [scan for scan in touched if scan.kind == "Seq Scan"] == []
    assert max(scan.rows for scan in touched) <= FIXES_A_DAY
    # A page a fix at the most, and the way down the index; a day of all watches is more than that.
    assert asked.buffers <= FIXES_A_DAY + 12 < WATCHES * FIXES_A_DAY / 20


@pytest.mark.parametrize("plan", ["custom", "generic"])
async def test_trail_by_minute_touches_that_watch(weeks: Connection, plan: str) -> None:
    """On plain PostgreSQL all its days, on TimescaleDB those that were asked for."""
    [row] = await (await weeks.execute("select min(id) + 7 as id from device")).fetchall()
    asked = await explain(
        weeks,
        dashboards.read_models.QUERIES["trail_by_minute"],
        {
            "device_id": row["id"],
            "organisation_id": ORGANISATION,
            "from_at": END_AT - timedelta(days=3),
            "until_at": END_AT,
        },
        plan,
    )
    touched = asked.of(await tables_of_fixes(weeks))
    assert [scan for scan in touched if scan.kind == "Seq Scan"] == []
    days = 3 if await is_timescaledb(weeks) else DAYS
    assert 0 < sum(scan.rows for scan in touched) <= days * FIXES_A_DAY


@pytest.mark.parametrize("schema_connection", ["plain"], indirect=True)  # TimescaleDB drops whole days
@pytest.mark.parametrize("plan", ["custom", "generic"])
async def test_purge_on_plain_postgresql_touches_what_it_takes(weeks: Connection, plan: str) -> None:
    asked = await explain(
        weeks, ingest.store.QUERIES["purge_fixes"], {"before": END_AT - timedelta(days=20), "most": 100}, plan
    )
    touched = [scan for scan in asked.scans if scan.relation == "fix"]
    assert {scan.kind for scan in touched} <= {"Tid Scan", "Index Scan", "Bitmap Heap Scan"}
    assert sum(scan.rows for scan in touched if scan.kind != "Tid Scan") <= 100 + FIXES_A_DAY
    [left] = await (await weeks.execute("select count(*) as fixes from fix")).fetchall()
    assert left["fixes"] == WATCHES * DAYS * FIXES_A_DAY - 100
    # Nothing old is left: a look at each watch, not at each fix.
    await weeks.execute("delete from fix where fixed_at < %s", [END_AT - timedelta(days=20)])
    asked = await explain(
        weeks, ingest.store.QUERIES["purge_fixes"], {"before": END_AT - timedelta(days=20), "most": 100}, plan
    )
    assert asked.buffers <= 12 * WATCHES


@pytest.mark.parametrize("plan", ["custom", "generic"])
async def test_repetitions_are_looked_up_in_their_days(weeks: Connection, plan: str) -> None:
    """Each batch of a format without a sequence asks: as a join it unpacked every compressed day for each fix."""
    days = [END_AT - timedelta(days=1), END_AT - timedelta(days=12)]
    [known] = await (
        await weeks.execute(
            "select array_agg(device_id) as device_id, array_agg(extract(epoch from fixed_at)::float8) as fixed_s, "
            "array_agg(0::float8) as received_s, array_agg(message_key) as message_key, "
            "min(fixed_at) as first_at, max(fixed_at) as last_at "
            "from fix where fixed_at = any(%s)",
            [[day + timedelta(hours=8) for day in days]],
        )
    ).fetchall()
    asked = await explain(weeks, ingest.store.QUERIES["find_repeated"], known, plan)
    touched = asked.of(await tables_of_fixes(weeks))
    assert touched
    assert asked.relations & await tables_of_fixes(weeks) <= set().union(
        *[await tables_of_fixes(weeks, day) for day in days]
    )
    assert [scan for scan in touched if scan.kind == "Seq Scan"] == []


@pytest.mark.parametrize("plan", ["custom", "generic"])
@pytest.mark.parametrize("days_ago", [1, 12], ids=["yesterday", "compressed"])
async def test_reports_since_an_instant_are_read_from_there(weeks: Connection, days_ago: int, plan: str) -> None:
    since_at = END_AT - timedelta(days=days_ago)
    [row] = await (await weeks.execute("select min(id) + 7 as id from device")).fetchall()
    asked = await explain(
        weeks,
        ingest.store.QUERIES["find_reports"],
        {"device_id": [row["id"]], "since_at": [since_at], "most": FIXES_A_DAY // 2},
        plan,
    )
    touched = asked.of(await tables_of_fixes(weeks))
    assert touched
    assert asked.relations & await tables_of_fixes(weeks) <= await tables_of_fixes(weeks, since_at)
    assert [scan for scan in touched if scan.kind == "Seq Scan"] == []
    assert max(scan.rows for scan in touched) <= FIXES_A_DAY
