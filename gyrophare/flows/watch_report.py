"""What devices said, from decoded batch to commit: stored, folded into each watch's state, raised if it is an alarm.

One transaction. When it has committed, the messages may be acknowledged and the receipts sent; when it has not, nothing
of it happened and the broker will hand the messages over again.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import alerts.store
import ingest.directory
import ingest.rejected
import ingest.sequences
import ingest.store
import lone_worker.commands.store
import lone_worker.store
from alerts.model import AlertKind, NewAlert
from gyrophare.flows import asking, command_answers, due_steps, fold_states, movement, shift_events, subjects, van_event
from gyrophare.kernel.clock import Clock
from gyrophare.kernel.ids import DeviceId
from gyrophare.kernel.observations import CALLS_FOR_HELP, Event, EventKind, Observation, Report, Sender
from gyrophare.platform.db import Connection, Pool
from ingest import gate
from ingest.consumer import Batch
from ingest.directory import Device
from ingest.gate import Known
from ingest.rejected import Rejected
from ingest.sequences import Receipt
from ingest.understanding import Understood
from lone_worker import device_alarms, watching
from lone_worker.shifts import store as shifts
from lone_worker.stillness import WatchState

log = logging.getLogger(__name__)

_ALARMS = {
    EventKind.SOS: AlertKind.SOS,
    EventKind.DURESS: AlertKind.DURESS,
    EventKind.FALL: AlertKind.FALL,
    EventKind.DEVICE_ALARM: AlertKind.DEVICE_ALARM,
}
Said = tuple[Device, Observation]
Refused = tuple[Understood, Rejected]


async def record(pool: Pool, clock: Clock, batch: Batch) -> Sequence[Receipt]:
    """Commit `batch` and return what the devices may now forget."""
    now = clock.now()
    # A pipeline: what asks for no answer waits for none, and the whole goes with the commit.
    async with pool.connection() as connection, connection.pipeline(), connection.transaction():
        senders = _senders(batch)
        found = await ingest.directory.find_devices(connection, senders)
        devices = {sender: device for sender, (device, _) in found.items()}
        strangers = _strangers(batch, senders - devices.keys())
        said: Sequence[Said] = _of_known_gateways(batch, devices)

        # What was stored before must not count as movement now: of a repetition only the receipt is repeated.
        said, receipts, began = await ingest.sequences.commit(connection, said, now)
        refused = [(one, item) for one in batch for item in one.rejected]
        of_shifts = await shift_events.lock(connection, said)
        heard = {device.id for device, _ in said} | {device.id for one, _ in refused for device in _of(one, devices)}
        states = await lone_worker.store.lock_states(connection, heard)
        counting = {seen.sender for _, seen in said if isinstance(seen, Report) and seen.steps_total is not None}
        if counting:  # while we waited for the lock another process may have counted on
            found |= await ingest.directory.find_devices(connection, counting)
        before = {device.id: knows for device, knows in found.values()}
        said, known, taken_out = _admit(batch, said, before)
        refused += taken_out
        alone: Mapping[DeviceId, bool] = {}
        if of_shifts:
            alone = await shift_events.record(connection, said, now)
            # Their shifts may be others now, and so their states. Whoever is `alone` is to be told on the watch.
            states = {device_id: state for device_id, state in states.items() if device_id not in alone}
            states |= await lone_worker.store.lock_states(connection, alone)
        said, private = await _without_private_life(connection, said, states, now)

        reports = await ingest.store.insert_fixes(
            connection, [(device, seen) for device, seen in said if isinstance(seen, Report)]
        )
        await ingest.store.insert_motion(connection, _of_the_shift(reports, states))
        fresh = await ingest.store.insert_events(
            connection, [(device, seen) for device, seen in said if isinstance(seen, Event)]
        )
        await ingest.store.note_latest(connection, [*reports, *fresh], known)
        await ingest.store.note_clocks(
            connection,
            {
                device_id: knows.clock_skews_s
                for device_id, knows in known.items()
                if knows.clock_skews_s != before[device_id].clock_skews_s
            },
        )
        private |= {device.id for one, _ in refused for device in _of(one, devices) if device.id not in states}
        await ingest.rejected.insert(connection, [*_discreet(refused, devices, private), *strangers])

        folded = await fold_states.fold_all(connection, states, [*reports, *fresh])
        await lone_worker.store.save_states(connection, folded)
        await watching.look_soon(connection, began, now)
        await movement.tell(connection, folded, now)
        await command_answers.settle(connection, fresh, now)
        await asking.warn(connection, [device_id for device_id, nobody in alone.items() if nobody], now)
        await _raise(connection, fresh, now)
        await van_event.raise_hazards(connection, fresh, now)
        await _raise_unreadable(connection, _unreadable(batch, devices), now)
    if strangers:  # it may be somebody's watch that was never registered
        log.warning("%d messages of unknown devices are kept aside", len(strangers), extra={"action": "strangers"})
    return receipts


def _senders(batch: Batch) -> set[Sender]:
    """Everybody a message speaks for, and who sent it: the same, or a gateway."""
    senders = {seen.sender for one in batch for seen in one.observations}
    senders.update(one.sender for one in batch if one.sender is not None)
    return senders


def _of_known_gateways(batch: Batch, devices: Mapping[Sender, Device]) -> list[Said]:
    """What was said by registered devices through registered senders.

    A call for help counts however it comes: a false alarm is better than a missed one.
    """
    return [
        (devices[seen.sender], seen)
        for one in batch
        for seen in one.observations
        if seen.sender in devices
        if one.sender in devices or (isinstance(seen, Event) and seen.kind in CALLS_FOR_HELP)
    ]


def _of(one: Understood, devices: Mapping[Sender, Device]) -> list[Device]:
    """The registered watches that a message is of: the one its topic names, those that a gateway speaks for."""
    senders = {one.sender, *(seen.sender for seen in one.observations)}
    found = [devices[sender] for sender in senders if sender is not None and sender in devices]
    return [device for device in found if device.kind == "watch"]


def _strangers(batch: Batch, unknown: Collection[Sender]) -> list[Rejected]:
    if not unknown:
        return []
    return [
        Rejected(
            topic=one.message.topic,
            reason="unknown_device",
            detail=f"no registered device {sender.name!r} on the {sender.wire} wire, or it was revoked",
            body=one.message.payload,
            received_at=one.message.received_at,
            whatever_body=True,
        )
        for one in batch
        if one.observations
        for sender in {one.sender, *(seen.sender for seen in one.observations)}
        if sender is not None and sender in unknown
    ]


def _admit(
    batch: Batch, said: Iterable[Said], before: Mapping[DeviceId, Known]
) -> tuple[list[Said], dict[DeviceId, Known], list[Refused]]:
    """What of `said` may be believed, what its devices are known by from now on, and what was taken out."""
    known = dict(before)
    believed: list[Said] = []
    refused: list[Refused] = []
    for device, seen in said:
        admitted = gate.admit(seen, known[device.id])
        known[device.id] = admitted.known
        believed.append((device, admitted.seen))
        if admitted.refusals:
            one = next(one for one in batch if any(it is seen for it in one.observations))
            refused += [(one, one.refused(refusal.reason, refusal.detail)) for refusal in admitted.refusals]
    return believed, known, refused


def _discreet(
    refused: Iterable[Refused], devices: Mapping[Sender, Device], private: Collection[DeviceId]
) -> Iterable[Rejected]:
    """What was refused, with its reason; of a watch that protects nobody now without the body: a position is in it.

    Who asks for help wants to be found, and what may have been an SOS must be explained.
    """
    for one, item in refused:
        if one.maybe_sos or one.calls_for_help or not any(device.id in private for device in _of(one, devices)):
            yield item
        else:
            yield replace(item, body=b"")


async def _without_private_life(
    connection: Connection, said: Sequence[Said], states: Mapping[DeviceId, WatchState], now: datetime
) -> tuple[Sequence[Said], set[DeviceId]]:
    """Outside a shift and in a pause nobody is tracked: what such a watch says is a sign of life, its fix is counted,
    never stored.

    Whoever presses SOS or falls wants to be found. Beside what is left: of whom something was dropped.
    """
    paused = {device_id for device_id, state in states.items() if EventKind.PAUSE in state.memory.last}
    private = {device_id for device_id in paused if states[device_id].memory.paused_at is not None}

    def doubtful(device: Device, seen: Observation) -> bool:
        if seen.fix is None or device.kind != "watch" or (isinstance(seen, Event) and seen.kind in CALLS_FOR_HELP):
            return False
        state = states.get(device.id)
        return state is None or seen.fix.fixed_at < state.shift_started_at or device.id in paused

    asked = {device.id for device, seen in said if doubtful(device, seen)}
    if not asked:
        return said, private
    spans = await shifts.find_spans(connection, asked, now)
    kept: list[Said] = []
    dropped: list[DeviceId] = []
    for device, seen in said:
        if doubtful(device, seen) and not any(
            span.holds(seen.fix.fixed_at) for span in spans.get(device.id, ()) if seen.fix is not None
        ):
            dropped.append(device.id)
            kept.append((device, replace(seen, fix=None)))
        else:
            kept.append((device, seen))
    await ingest.store.count_off_shift(connection, dropped, now)
    return kept, private | set(dropped)


def _of_the_shift(
    reports: Iterable[tuple[Device, Report]], states: Mapping[DeviceId, WatchState]
) -> list[tuple[Device, Report]]:
    """Reports without a position in the shift that a device is in: outside of one, or in a pause, nobody's body is
    anybody's business."""

    def holds(state: WatchState | None, at: datetime) -> bool:
        if state is None or at < state.shift_started_at:
            return False
        paused_at = state.memory.paused_at
        return paused_at is None or at <= paused_at

    return [
        (device, report)
        for device, report in reports
        if report.fix is None and holds(states.get(device.id), report.happened_at)
    ]


async def _raise(connection: Connection, fresh: Sequence[tuple[Device, Event]], now: datetime) -> None:
    """SOS and fall bypass every filter: order, age, accuracy, pause, shift."""
    alarms = [
        (device, event, _ALARMS[event.kind])
        for device, event in fresh
        if event.kind in _ALARMS and not device_alarms.of_a_vehicle(event)
    ]
    who = await subjects.find(connection, {device.id for device, _, _ in alarms})
    for device, event, kind in alarms:
        subject = who[device.id]
        detail = {"alarm": event.detail["alarm"]} if "alarm" in event.detail else {}
        if await alerts.store.repeat(connection, device.id, subject.shift_id, kind, detail, now):
            continue
        alert = NewAlert(
            organisation_id=subject.organisation_id,
            kind=kind,
            device_id=device.id,
            shift_id=subject.shift_id,
            subject=subject.name,
            mission=subject.mission,
            reply_topic=subject.reply_topic,
            episode=str(event.message_key),
            episode_at=event.happened_at,
            triggered_at=event.received_at,
            received_late_s=(event.received_at - event.happened_at).total_seconds(),
            fix=event.fix or subject.last_fix,
            detail=detail,
        )
        await alerts.store.raise_alerts(connection, [alert], now)
    hushed = [device.id for device, _, kind in alarms if kind is AlertKind.DURESS]
    await lone_worker.commands.store.hush(connection, hushed, now)
    await alerts.store.hush(connection, hushed, now)
    if alarms:
        await due_steps.take(connection, now)


def _unreadable(batch: Batch, devices: Mapping[Sender, Device]) -> list[Device]:
    return [devices[one.sender] for one in batch if one.maybe_sos and one.sender is not None and one.sender in devices]


async def _raise_unreadable(connection: Connection, heard: Sequence[Device], now: datetime) -> None:
    """What cannot be read on an event topic may have been an SOS: one technical alert an hour and device."""
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
        await due_steps.take(connection, now)
