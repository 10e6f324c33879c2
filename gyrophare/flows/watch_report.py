"""What devices said, from decoded batch to commit: stored, folded into each watch's state, raised if it is an alarm.

One transaction. When it has committed, the messages may be acknowledged and the receipts sent; when it has not, nothing
of it happened and the broker will hand the messages over again.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

import alerts.store
import ingest.store
import lone_worker.store
from alerts.model import AlertKind, NewAlert
from gyrophare.flows import subjects
from gyrophare.kernel.clock import Clock
from gyrophare.kernel.ids import DeviceId
from gyrophare.kernel.observations import Event, EventKind, Observation, Report, Sender
from gyrophare.platform.db import Connection, Pool
from ingest.consumer import Batch
from ingest.store import Device, Receipt, Rejected
from lone_worker.stillness import fold

log = logging.getLogger(__name__)

_ALARMS = {EventKind.SOS: AlertKind.SOS, EventKind.FALL: AlertKind.FALL}
_STEPS_AT_ONCE = 100
_Seen = TypeVar("_Seen", bound=Observation)


async def record(pool: Pool, clock: Clock, batch: Batch) -> Sequence[Receipt]:
    """Commit `batch` and return what the devices may now forget."""
    now = clock.now()
    async with pool.connection() as connection, connection.transaction():
        devices = await ingest.store.find_devices(connection, [sender for sender, _ in batch.sources])
        reported = _known(batch.reports, devices)
        events = _known(batch.events, devices)

        # What was stored before must not count as movement now: of a repetition only the receipt is repeated.
        reports = await ingest.store.without_repeated(connection, reported)
        reports = await _without_private_life(connection, reports, now)
        await ingest.store.insert_reports(connection, reports)
        fresh = await ingest.store.insert_events(connection, events)
        await ingest.store.note_latest(connection, fresh)
        strangers = _strangers(batch, devices)
        await ingest.store.insert_rejected(connection, [*batch.rejected, *strangers])

        await _fold(connection, [*reports, *fresh])
        await _raise(connection, fresh, now)
        await _raise_unreadable(connection, batch.unreadable_events, devices, now)

        said: list[tuple[Device, Observation]] = [*reported, *events]
        sequences = [(device, seen.sequence) for device, seen in said if seen.sequence is not None]
        receipts = await ingest.store.commit_sequences(connection, sequences, now)
    if strangers:  # it may be somebody's watch that was never registered
        log.warning("%d messages of unknown devices are kept aside", len(strangers), extra={"action": "strangers"})
    return receipts


def _known(seen: Iterable[_Seen], devices: Mapping[Sender, Device]) -> list[tuple[Device, _Seen]]:
    return [(devices[one.sender], one) for one in seen if one.sender in devices]


def _strangers(batch: Batch, devices: Mapping[Sender, Device]) -> list[Rejected]:
    return [
        Rejected(
            topic=message.topic,
            reason="unknown_device",
            detail=f"no registered device {sender.name!r} on the {sender.wire} wire, or it was revoked",
            body=message.payload,
            received_at=message.received_at,
        )
        for sender, message in batch.sources
        if sender not in devices
    ]


async def _without_private_life(
    connection: Connection, reports: list[tuple[Device, Report]], now: datetime
) -> list[tuple[Device, Report]]:
    """Outside a shift nobody is tracked: such a watch's report is a sign of life, its fix is never stored."""
    watches = {device.id for device, report in reports if device.kind == "watch" and report.fix is not None}
    if not watches:
        return reports
    shifts = await lone_worker.store.find_shifts(connection, watches, now)

    def kept(device: Device, report: Report) -> Report:
        if report.fix is None or device.kind != "watch":
            return report
        on_duty = any(span.holds(report.fix.fixed_at) for span in shifts.get(device.id, ()))
        return report if on_duty else replace(report, fix=None)

    return [(device, kept(device, report)) for device, report in reports]


async def _fold(connection: Connection, seen: Sequence[tuple[Device, Observation]]) -> None:
    by_device: dict[DeviceId, list[Observation]] = defaultdict(list)
    for device, observation in seen:
        by_device[device.id].append(observation)
    if by_device:
        states = await lone_worker.store.lock_states(connection, by_device)
        folded = [fold(state, by_device[device_id]) for device_id, state in states.items()]
        await lone_worker.store.save_states(connection, folded)


async def _raise(connection: Connection, fresh: Sequence[tuple[Device, Event]], now: datetime) -> None:
    """SOS and fall bypass every filter: order, age, accuracy, pause, shift."""
    alarms = [(device, event, _ALARMS[event.kind]) for device, event in fresh if event.kind in _ALARMS]
    who = await subjects.find(connection, {device.id for device, _, _ in alarms})
    for device, event, kind in alarms:
        waiting = await alerts.store.find_triggered(connection, device.id, kind)
        if waiting is not None:  # pressed again before anybody answered: the same danger
            await alerts.store.record(connection, [waiting], "repeated", now)
            continue
        subject = who[device.id]
        occurred_at = min(event.occurred_at or event.received_at, event.received_at)
        alert = NewAlert(
            organisation_id=subject.organisation_id,
            kind=kind,
            device_id=device.id,
            shift_id=subject.shift_id,
            subject=subject.name,
            mission=subject.mission,
            reply_topic=subject.reply_topic,
            episode=str(event.message_key),
            episode_at=occurred_at,
            triggered_at=event.received_at,
            received_late_s=(event.received_at - occurred_at).total_seconds(),
            fix=event.fix or subject.last_fix,
        )
        await alerts.store.raise_alerts(connection, [alert], now)
    if alarms:
        await alerts.store.take_due_steps(connection, now, _STEPS_AT_ONCE)


async def _raise_unreadable(
    connection: Connection, unreadable: Sequence[tuple[Sender, str]], devices: Mapping[Sender, Device], now: datetime
) -> None:
    """What cannot be read on an event topic may have been an SOS: one technical alert an hour and device."""
    heard = [devices[sender] for sender, _ in unreadable if sender in devices]
    who = await subjects.find(connection, {device.id for device in heard})
    raised = [
        NewAlert(
            organisation_id=who[device.id].organisation_id,
            kind=AlertKind.TECHNICAL,
            device_id=device.id,
            shift_id=who[device.id].shift_id,
            subject=who[device.id].name,
            mission=who[device.id].mission,
            reply_topic=None,
            episode=f"unreadable event {now:%Y-%m-%dT%H}",
            episode_at=now,
            triggered_at=now,
            fix=who[device.id].last_fix,
        )
        for device in heard
    ]
    if await alerts.store.raise_alerts(connection, raised, now):
        await alerts.store.take_due_steps(connection, now, _STEPS_AT_ONCE)
