"""The tables fix, motion, event and device_latest; see also directory.py, sequences.py and rejected.py.

Set-based, in the caller's transaction. Rows go in the order of the device, so that two processes never wait for each
other.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any

from psycopg.rows import tuple_row

from gyrophare.kernel.ids import DeviceId
from gyrophare.kernel.observations import Activity, Doubt, Event, Fix, Observation, Report
from gyrophare.platform import sql
from gyrophare.platform.db import Connection
from ingest.directory import Device, fix_of
from ingest.gate import Known

QUERIES = sql.load(__file__)
_BY_DEVICE = itemgetter(0, 1)
_FIX_COLUMNS: Mapping[str, sql.Write] = {
    "device_id": sql.array,
    "message_key": sql.array,
    "fixed_s": sql.instants,
    "received_s": sql.instants,
    "sent_s": sql.instants,
    "latitude_deg": sql.array,
    "longitude_deg": sql.array,
    "accuracy_m": sql.array,
    "speed_mps": sql.array,
    "course_deg": sql.array,
    "altitude_m": sql.array,
    "battery_pct": sql.array,
    "steps": sql.array,
    "activity_mg": sql.array,
    "activity": sql.texts,
    "buffered": sql.array,
    "doubts": sql.texts,
    "extra": sql.texts,
}
_MOTION_COLUMNS: Mapping[str, sql.Write] = {
    "device_id": sql.array,
    "message_key": sql.array,
    "at_s": sql.instants,
    "received_s": sql.instants,
    "steps": sql.array,
    "activity_mg": sql.array,
    "activity": sql.texts,
    "buffered": sql.array,
    "doubts": sql.texts,
}
_LATEST_COLUMNS: Mapping[str, sql.Write] = {
    "device_id": sql.array,
    "heard_s": sql.instants,
    "sent_s": sql.instants,
    "steps_total": sql.array,
    "battery_pct": sql.array,
    "fixed_s": sql.instants,
    "latitude_deg": sql.array,
    "longitude_deg": sql.array,
    "accuracy_m": sql.array,
    "speed_mps": sql.array,
}
_NOWHERE = (None,) * 5
RETENTION = timedelta(days=60)  # CNIL's yardstick of two months


async def insert_fixes(
    connection: Connection, reports: Sequence[tuple[Device, Report]]
) -> Sequence[tuple[Device, Report]]:
    """Store the fixes, once each, and return the reports that are new: a repetition is no news of now.

    One that has neither a sequence nor a fix leaves no trace to know it by, and counts as new. What the next purge
    takes is not stored: on TimescaleDB each day is a table, and a clock that runs wild would make thousands of them.
    """
    if not reports:
        return reports
    kept_from = reports[0][1].received_at - RETENTION
    fixes = [
        (
            device.id,
            report.message_key,
            fix.fixed_at,
            report.received_at,
            report.sent_at,
            fix.position.latitude_deg,
            fix.position.longitude_deg,
            fix.accuracy_m,
            fix.speed_mps,
            fix.course_deg,
            fix.altitude_m,
            report.battery_pct,
            report.steps,
            report.activity_mg,
            report.activity,
            report.buffered,
            ",".join(report.doubts) or None,
            json.dumps(report.extra) if report.extra else None,
            report,
        )
        for device, report in reports
        if (fix := report.fix) is not None and fix.fixed_at >= kept_from
    ]
    if not fixes:
        return reports
    fixes.sort(key=_BY_DEVICE)
    stored_reports = [report for *_, report in fixes]
    columns = sql.columns(_FIX_COLUMNS, [row[:-1] for row in fixes])
    await connection.execute(QUERIES["insert_fixes"], columns)
    if all(report.sequence is not None for report in stored_reports):
        return reports  # a number tells a repetition before it comes here
    asked: dict[str, Any] = {key: columns[key] for key in ("device_id", "fixed_s", "received_s", "message_key")}
    times = [fixed_at for _, _, fixed_at, *_ in fixes]
    asked |= {"first_at": min(times), "last_at": max(times)}
    rows = await (await connection.execute(QUERIES["find_repeated"], asked)).fetchall()
    repeated = {id(stored_reports[row["number"] - 1]) for row in rows}
    return [(device, report) for device, report in reports if id(report) not in repeated]


async def insert_motion(connection: Connection, reports: Iterable[tuple[Device, Report]]) -> None:
    """Store what reports without a position tell of the body, once each; those that tell nothing are left out."""
    rows = [
        (
            device.id,
            report.message_key,
            report.happened_at,
            report.received_at,
            report.steps,
            report.activity_mg,
            report.activity,
            report.buffered,
            ",".join(report.doubts) or None,
        )
        for device, report in reports
        if report.fix is None and report.has_motion and report.happened_at >= report.received_at - RETENTION
    ]
    if rows:
        rows.sort(key=_BY_DEVICE)
        await connection.execute(QUERIES["insert_motion"], sql.columns(_MOTION_COLUMNS, rows))


async def find_reports(
    connection: Connection, since: Sequence[tuple[Device, datetime]], most: int
) -> dict[DeviceId, list[Report]]:
    """The reports since an instant, as far as their fixes and motion go; of devices that have at most so many."""
    parameters = {
        "device_id": [device.id for device, _ in since],
        "since_at": [since_at for _, since_at in since],
        "most": most + 1,
    }
    found: dict[DeviceId, list[Report]] = {device.id: [] for device, _ in since}
    senders = {device.id: device.sender for device, _ in since}
    async with connection.cursor(row_factory=tuple_row, binary=True) as cursor:
        rows = await (await cursor.execute(QUERIES["find_reports"], parameters)).fetchall()
    for device_id, at, received_at, *place, steps, activity_mg, activity, buffered, doubts, message_key in rows:
        report = Report(
            sender=senders[device_id],
            received_at=received_at,
            sent_at=at,
            sequence=None,
            message_key=message_key,
            fix=None if place[0] is None else fix_of(at, *place),
            steps=steps,
            activity_mg=activity_mg,
            activity=None if activity is None else Activity(activity),
            buffered=buffered,
            doubts=tuple(map(Doubt, doubts)) if doubts else (),
        )
        found[device_id].append(report)
    return {device_id: reports for device_id, reports in found.items() if len(reports) <= most}


async def note_latest(
    connection: Connection, said: Iterable[tuple[Device, Observation]], known: Mapping[DeviceId, Known]
) -> None:
    """Remember that the devices were heard, where they are if they said so, and what the gate must know next time."""
    newest: dict[DeviceId, Fix | None] = {}
    batteries: dict[DeviceId, tuple[datetime, float]] = {}
    for device, seen in said:
        device_id, fix = device.id, seen.fix
        before = newest.setdefault(device_id, fix)
        if fix is not None and before is not fix and (before is None or fix.fixed_at >= before.fixed_at):
            newest[device_id] = fix
        if seen.battery_pct is not None:
            at = (seen.sent_at if isinstance(seen, Report) else seen.occurred_at) or seen.received_at
            if device_id not in batteries or at >= batteries[device_id][0]:
                batteries[device_id] = at, seen.battery_pct
    if not newest:
        return
    rows = [
        (
            device_id,
            knows.heard_at,
            knows.sent_at,
            knows.steps_total,
            batteries[device_id][1] if device_id in batteries else None,
            *(_NOWHERE if fix is None else _place(fix)),
        )
        for device_id, fix in newest.items()
        for knows in (known[device_id],)
    ]
    await connection.execute(QUERIES["note_latest"], sql.columns(_LATEST_COLUMNS, rows))


async def note_clocks(connection: Connection, skews_s: Mapping[DeviceId, Sequence[float]]) -> None:
    """Remember how far the clocks of these devices are off; an empty sequence: it is right again."""
    if skews_s:
        parameters = {
            "device_id": sql.array(skews_s),
            "skews": [",".join(map(str, samples)) for samples in skews_s.values()],
        }
        await connection.execute(QUERIES["note_clocks"], parameters)


async def count_off_shift(connection: Connection, device_ids: Sequence[DeviceId], now: datetime) -> None:
    """Count positions that nobody may store, one for each element of `device_ids`."""
    if device_ids:
        await connection.execute(QUERIES["count_off_shift"], {"device_id": sql.array(device_ids), "day": now.date()})


async def insert_events(connection: Connection, events: Sequence[tuple[Device, Event]]) -> list[tuple[Device, Event]]:
    """Store the events and return those that are new: a repetition has no second effect."""
    if not events:
        return []
    columns = {
        "device_id": sql.array(device.id for device, _ in events),
        "kind": [str(event.kind) for _, event in events],
        "occurred_s": sql.instants(event.occurred_at or event.received_at for _, event in events),
        "received_s": sql.instants(event.received_at for _, event in events),
        "latitude_deg": sql.array(event.fix.position.latitude_deg if event.fix else None for _, event in events),
        "longitude_deg": sql.array(event.fix.position.longitude_deg if event.fix else None for _, event in events),
        "accuracy_m": sql.array(event.fix.accuracy_m if event.fix else None for _, event in events),
        "fixed_s": sql.instants(event.fix.fixed_at if event.fix else None for _, event in events),
        "battery_pct": sql.array(event.battery_pct for _, event in events),
        "doubts": [",".join(event.doubts) or None for _, event in events],
        "detail": [json.dumps(event.detail) for _, event in events],
        "message_key": sql.array(event.message_key for _, event in events),
    }
    rows = await (await connection.execute(QUERIES["insert_events"], columns)).fetchall()
    fresh = {(row["device_id"], row["message_key"]) for row in rows}
    return [(device, event) for device, event in events if (device.id, event.message_key) in fresh]


async def find_latest(connection: Connection, device_ids: Iterable[DeviceId]) -> dict[DeviceId, Fix]:
    """The newest fix of each device that has one."""
    rows = await (await connection.execute(QUERIES["find_latest"], {"device_ids": list(device_ids)})).fetchall()
    return {
        DeviceId(row["device_id"]): fix_of(
            row["fixed_at"], row["latitude_deg"], row["longitude_deg"], row["accuracy_m"], row["speed_mps"]
        )
        for row in rows
    }


async def purge(connection: Connection, now: datetime, most: int) -> bool:
    """Forget what is older than 60 days, of fixes and of motion at most `most` each. Return whether some are left."""
    parameters = {"before": now - RETENTION, "most": most}
    await connection.execute(QUERIES["purge"], parameters)
    row = await (await connection.execute(QUERIES["drops_chunks"])).fetchone()
    if row is not None and row["by_policy"]:
        return False
    fixes = await connection.execute(QUERIES["purge_fixes"], parameters)
    motion = await connection.execute(QUERIES["purge_motion"], parameters)
    return most in (fixes.rowcount, motion.rowcount)


def _place(fix: Fix) -> tuple[datetime, float, float, float | None, float | None]:
    here = fix.position
    return fix.fixed_at, here.latitude_deg, here.longitude_deg, fix.accuracy_m, fix.speed_mps
