"""The tables of ingest: device, fix, receipt, event, device_latest, rejected.

Set-based, in the caller's transaction.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from gyrophare.kernel.geo import Position
from gyrophare.kernel.ids import DeviceId, OrganisationId
from gyrophare.kernel.observations import Event, Fix, Observation, Report, Sender, Wire
from gyrophare.kernel.observations import Sequence as MessageSequence
from gyrophare.platform import sql
from gyrophare.platform.db import Connection

QUERIES = sql.load(__file__)
KEPT_BODY_BYTES = 64 * 1024
RETENTION = timedelta(days=60)  # CNIL's yardstick of two months
_ALSO_MAX = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A registered device."""

    id: DeviceId
    organisation_id: OrganisationId
    kind: Literal["watch", "van"]
    sender: Sender
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A message, or a part of one, that is kept aside with its reason."""

    topic: str
    reason: str
    detail: str
    body: bytes
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What of a native device's boot is stored: everything up to `up_to`, and `also` these beyond it."""

    wire_name: str
    boot: str
    up_to: int
    also: tuple[int, ...]


async def find_devices(connection: Connection, senders: Iterable[Sender]) -> dict[Sender, Device]:
    """The registered, unrevoked devices among `senders`."""
    asked = list(set(senders))
    parameters = {"wires": [str(sender.wire) for sender in asked], "names": [sender.name for sender in asked]}
    rows = await (await connection.execute(QUERIES["find_devices"], parameters)).fetchall()
    return {device.sender: device for device in map(_device, rows)}


async def register_device(
    connection: Connection,
    organisation_id: OrganisationId,
    kind: Literal["watch", "van"],
    sender: Sender,
    label: str,
    now: datetime,
) -> DeviceId:
    """Add a device, or give the one that has this name at its wire a new label."""
    parameters = {
        "organisation_id": organisation_id,
        "kind": kind,
        "wire": str(sender.wire),
        "wire_name": sender.name,
        "label": label,
        "now": now,
    }
    rows = await (await connection.execute(QUERIES["register_device"], parameters)).fetchall()
    return DeviceId(rows[0]["id"])


async def insert_reports(connection: Connection, reports: Sequence[tuple[Device, Report]]) -> None:
    """Store the fixes, once each, and what is newest of each device."""
    if not reports:
        return
    reports = sorted(reports, key=lambda pair: pair[0].id)  # the same order of locks in every process
    fixes = [(device, report, report.fix) for device, report in reports if report.fix is not None]
    if fixes:
        columns = {
            "device_id": [device.id for device, _, _ in fixes],
            "fixed_at": [fix.fixed_at for _, _, fix in fixes],
            "received_at": [report.received_at for _, report, _ in fixes],
            "sent_at": [report.sent_at for _, report, _ in fixes],
            "latitude_deg": [fix.position.latitude_deg for _, _, fix in fixes],
            "longitude_deg": [fix.position.longitude_deg for _, _, fix in fixes],
            "accuracy_m": [fix.accuracy_m for _, _, fix in fixes],
            "speed_mps": [fix.speed_mps for _, _, fix in fixes],
            "course_deg": [fix.course_deg for _, _, fix in fixes],
            "altitude_m": [fix.altitude_m for _, _, fix in fixes],
            "battery_pct": [report.battery_pct for _, report, _ in fixes],
            "buffered": [report.buffered for _, report, _ in fixes],
            "doubts": [",".join(report.doubts) for _, report, _ in fixes],
            "message_key": [report.message_key for _, report, _ in fixes],
        }
        await connection.execute(QUERIES["insert_fixes"], columns)
    await note_latest(connection, reports)


async def note_latest(connection: Connection, observations: Sequence[tuple[Device, Observation]]) -> None:
    """Remember that the devices were heard, and where they are if they said so."""
    if not observations:
        return
    columns = {
        "device_id": [device.id for device, _ in observations],
        "received_at": [seen.received_at for _, seen in observations],
        "sent_at": [_said_at(seen) for _, seen in observations],
        **_fix_columns([seen for _, seen in observations]),
        "speed_mps": [seen.fix.speed_mps if seen.fix else None for _, seen in observations],
        "battery_pct": [seen.battery_pct for _, seen in observations],
    }
    await connection.execute(QUERIES["note_latest"], columns)


async def insert_events(connection: Connection, events: Sequence[tuple[Device, Event]]) -> list[tuple[Device, Event]]:
    """Store the events and return those that are new: a repetition has no second effect."""
    if not events:
        return []
    columns = {
        "device_id": [device.id for device, _ in events],
        "kind": [str(event.kind) for _, event in events],
        "occurred_at": [event.occurred_at or event.received_at for _, event in events],
        "received_at": [event.received_at for _, event in events],
        **_fix_columns([event for _, event in events]),
        "battery_pct": [event.battery_pct for _, event in events],
        "detail": [json.dumps(event.detail) for _, event in events],
        "message_key": [event.message_key for _, event in events],
    }
    rows = await (await connection.execute(QUERIES["insert_events"], columns)).fetchall()
    fresh = {(row["device_id"], row["message_key"]) for row in rows}
    return [(device, event) for device, event in events if (device.id, event.message_key) in fresh]


async def without_repeated(
    connection: Connection, reports: Sequence[tuple[Device, Report]]
) -> list[tuple[Device, Report]]:
    """Those of `reports` that are not stored yet, as far as their sequences tell."""
    numbered = [(device, report.sequence) for device, report in reports if report.sequence is not None]
    if not numbered:
        return list(reports)
    columns = _sequence_columns(numbered)
    rows = await (await connection.execute(QUERIES["find_repeated"], columns)).fetchall()
    repeated = {(row["device_id"], row["boot"], row["number"]) for row in rows}
    return [
        (device, report)
        for device, report in reports
        if report.sequence is None or (device.id, report.sequence.boot, report.sequence.number) not in repeated
    ]


async def commit_sequences(
    connection: Connection, sequences: Sequence[tuple[Device, MessageSequence]], now: datetime
) -> list[Receipt]:
    """Note what is stored with this transaction; the receipts may be sent once it has committed."""
    if not sequences:
        return []
    parameters = {**_sequence_columns(sequences), "now": now}
    rows = await (await connection.execute(QUERIES["commit_sequences"], parameters)).fetchall()
    names = {device.id: device.sender.name for device, _ in sequences}
    numbers: Mapping[tuple[int, str], set[int]] = defaultdict(set)
    for device, sequence in sequences:
        numbers[device.id, sequence.boot].add(sequence.number)
    return [
        Receipt(
            wire_name=names[DeviceId(row["device_id"])],
            boot=row["boot"],
            up_to=row["up_to"],
            also=tuple(sorted(n for n in numbers[row["device_id"], row["boot"]] if n > row["up_to"])[:_ALSO_MAX]),
        )
        for row in rows
    ]


async def find_latest(connection: Connection, device_ids: Iterable[DeviceId]) -> dict[DeviceId, Fix]:
    """The newest fix of each device that has one."""
    rows = await (await connection.execute(QUERIES["find_latest"], {"device_ids": list(device_ids)})).fetchall()
    return {
        DeviceId(row["device_id"]): Fix(
            fixed_at=row["fixed_at"],
            position=Position(row["latitude_deg"], row["longitude_deg"]),
            accuracy_m=row["accuracy_m"],
            speed_mps=row["speed_mps"],
        )
        for row in rows
    }


async def devices_by_id(connection: Connection, device_ids: Iterable[DeviceId]) -> dict[DeviceId, Device]:
    """The devices of these numbers."""
    rows = await (await connection.execute(QUERIES["devices_by_id"], {"device_ids": list(device_ids)})).fetchall()
    return {device.id: device for device in map(_device, rows)}


async def insert_rejected(connection: Connection, rejected: Sequence[Rejected]) -> None:
    """Keep what could not be understood: the reason, the size, and the first 64 KiB."""
    if not rejected:
        return
    columns = {
        "topic": [_text(item.topic) for item in rejected],
        "reason": [item.reason for item in rejected],
        "detail": [_text(item.detail) for item in rejected],
        "size_bytes": [len(item.body) for item in rejected],
        "sha256": [hashlib.sha256(item.body).digest() for item in rejected],
        "body": [item.body[:KEPT_BODY_BYTES] for item in rejected],
        "received_at": [item.received_at for item in rejected],
    }
    await connection.execute(QUERIES["insert_rejected"], columns)


async def purge(connection: Connection, now: datetime) -> None:
    """Forget positions older than 60 days."""
    await connection.execute(QUERIES["purge"], {"before": now - RETENTION})


def _sequence_columns(sequences: Sequence[tuple[Device, MessageSequence]]) -> dict[str, list[Any]]:
    return {
        "device_id": [device.id for device, _ in sequences],
        "boot": [sequence.boot for _, sequence in sequences],
        "number": [sequence.number for _, sequence in sequences],
    }


def _device(row: Mapping[str, Any]) -> Device:
    return Device(
        id=DeviceId(row["id"]),
        organisation_id=OrganisationId(row["organisation_id"]),
        kind=row["kind"],
        sender=Sender(wire=Wire(row["wire"]), name=row["wire_name"]),
        label=row["label"],
    )


def _fix_columns(observations: Sequence[Observation]) -> dict[str, list[Any]]:
    fixes = [seen.fix for seen in observations]
    return {
        "fixed_at": [fix.fixed_at if fix else None for fix in fixes],
        "latitude_deg": [fix.position.latitude_deg if fix else None for fix in fixes],
        "longitude_deg": [fix.position.longitude_deg if fix else None for fix in fixes],
        "accuracy_m": [fix.accuracy_m if fix else None for fix in fixes],
    }


def _said_at(seen: Observation) -> datetime | None:
    return seen.sent_at if isinstance(seen, Report) else seen.occurred_at


def _text(text: str) -> str:
    return text.replace("\0", "�")[:2000]  # PostgreSQL's text holds no NUL
