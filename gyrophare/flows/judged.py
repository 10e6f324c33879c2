"""What the engine finds of watches whose deadline has passed: asked, raised, written down in one transaction."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import alerts.store
import lone_worker.commands.store
import lone_worker.store
import lone_worker.zones
from alerts.model import AlertKind, NewAlert
from gyrophare.flows import asking, subjects
from gyrophare.flows.subjects import Subject
from gyrophare.kernel.ids import DeviceId
from gyrophare.platform.db import Connection
from lone_worker import watching
from lone_worker.commands.store import PrealarmOutcome
from lone_worker.engine import Verdict, decide
from lone_worker.episode import Alarm, PreAlarm
from lone_worker.hearing import Outage
from lone_worker.rules.facts import Danger, Finding
from lone_worker.stillness import WatchState
from lone_worker.watching import Judged, Watched
from lone_worker.zones import Zone

log = logging.getLogger(__name__)

_KINDS = {danger: AlertKind(danger.value) for danger in Danger}


async def judge(
    connection: Connection, due: Mapping[DeviceId, datetime], outages: Sequence[Outage], now: datetime
) -> int:
    """Judge these locked watches; return how many alerts were raised."""
    states = await lone_worker.store.lock_states(connection, due)
    helped = await alerts.store.find_help(connection, due)
    hushed = await alerts.store.find_discreet(connection, helped) if helped else set()
    watched = await watching.find_watched(connection, states, due, helped)
    zones = await lone_worker.zones.find(connection, {one.organisation_id for one in watched})
    asked = {one.facts.state.device_id for one in watched if _stirs(one, now)}
    who = await subjects.find(connection, asked)
    mute = hushed | {device_id for device_id in asked if device_id not in who or who[device_id].reply_topic is None}
    verdicts = [(one, _decide(one, zones, outages, mute, now)) for one in watched]
    _log_our_faults(verdicts)
    others = {
        verdict.state.device_id for _, verdict in verdicts if verdict.due or verdict.notices or verdict.failed
    } - asked
    who |= await subjects.find(connection, others)
    may_ring = [verdict for _, verdict in verdicts if verdict.state.device_id not in hushed]
    await asking.ask(connection, may_ring, who, now)
    asking_now = [verdict.state for _, verdict in verdicts if isinstance(verdict.stillness, PreAlarm)]
    await watching.note_prealarms(connection, asking_now, now)
    alarming = {
        verdict.state.device_id: verdict.state.evidence_at
        for _, verdict in verdicts
        if isinstance(verdict.stillness, Alarm)
    }
    outcomes = await lone_worker.commands.store.prealarm_outcomes(connection, alarming)
    await watching.end_prealarms(connection, dict.fromkeys(alarming, "alarm"), now)
    raised = [alert for _, verdict in verdicts for alert in _alerts(verdict, who, outcomes, now)]
    ids = await alerts.store.raise_alerts(connection, raised, now)
    await watching.note_protection(
        connection,
        [
            (verdict.state.shift_id, verdict.protection)
            for one, verdict in verdicts
            if verdict.protection.code != one.protection
        ],
        now,
    )
    await watching.save_judged(
        connection,
        [
            Judged(state=verdict.state, check_at=verdict.check_at, protection=verdict.protection.code)
            for _, verdict in verdicts
        ],
    )
    return len(ids)


async def tell_our_fault(connection: Connection, device_id: DeviceId, now: datetime) -> None:
    """Our own code fails at this watch: a human is told, once an hour."""
    who = await subjects.find(connection, {device_id})
    raised = [_our_fault(device_id, subject, now) for subject in who.values()]
    await alerts.store.raise_alerts(connection, raised, now)


def _log_our_faults(verdicts: Iterable[tuple[Watched, Verdict]]) -> None:
    """A rule that fails does so for everybody, each tick: one line for each kind of error."""
    failed = [(error, one.facts.state.device_id) for one, verdict in verdicts for error in verdict.failed]
    for kind in {type(error) for error, _ in failed}:
        errors = [(error, device_id) for error, device_id in failed if type(error) is kind]
        log.critical(
            "A rule failed for %d watches: our own fault",
            len(errors),
            exc_info=errors[0][0],
            extra={"action": "judge", "device_id": errors[0][1]},
        )


def _stirs(one: Watched, now: datetime) -> bool:
    """Whether a pre-alarm or the alarm is due."""
    due_at = one.facts.state.due_at
    return due_at is not None and due_at <= now


def _decide(
    one: Watched, zones: Iterable[Zone], outages: Sequence[Outage], mute: Collection[DeviceId], now: datetime
) -> Verdict:
    own = [(zone.area, zone.silence_s) for zone in zones if zone.organisation_id == one.organisation_id]
    vibrates = one.facts.state.device_id not in mute
    return decide(one.facts, now, zones=own, outages=outages, vibrates=vibrates)


def _alerts(
    verdict: Verdict,
    who: Mapping[DeviceId, Subject],
    outcomes: Mapping[DeviceId, PrealarmOutcome],
    now: datetime,
) -> Iterable[NewAlert]:
    state = verdict.state
    subject = who.get(state.device_id)
    if subject is None:
        return
    if isinstance(verdict.stillness, Alarm):
        yield _stillness(state, verdict.stillness, subject, outcomes[state.device_id])
    for finding in verdict.due:
        yield _found(state, finding, subject)
    if verdict.failed:
        yield _our_fault(state.device_id, subject, now)


def _our_fault(device_id: DeviceId, subject: Subject, now: datetime) -> NewAlert:
    return _alert(
        device_id,
        subject,
        AlertKind.TECHNICAL,
        episode=f"not judged {now:%Y-%m-%dT%H}",
        since_at=now,
        due_at=now,
        detail={"cause": "internal_error"},
    )


def _stillness(state: WatchState, alarm: Alarm, subject: Subject, prealarm: PrealarmOutcome) -> NewAlert:
    return _alert(
        state.device_id,
        subject,
        AlertKind.STILLNESS,
        episode=state.evidence_at.isoformat(),
        since_at=state.evidence_at,
        due_at=alarm.due_at,
        heard=alarm.heard,
        detail={"prealarm": str(prealarm)},
    )


def _found(state: WatchState, finding: Finding, subject: Subject) -> NewAlert:
    return _alert(
        state.device_id,
        subject,
        _KINDS[finding.danger],
        episode=f"{state.shift_id} {finding.since_at.isoformat()}",
        since_at=finding.since_at,
        due_at=finding.due_at,
    )


def _alert(
    device_id: DeviceId,
    subject: Subject,
    kind: AlertKind,
    *,
    episode: str,
    since_at: datetime,
    due_at: datetime,
    heard: bool | None = None,
    detail: Mapping[str, Any] | None = None,
) -> NewAlert:
    return NewAlert(
        organisation_id=subject.organisation_id,
        kind=kind,
        device_id=device_id,
        shift_id=subject.shift_id,
        subject=subject.name,
        mission=subject.mission,
        reply_topic=subject.reply_topic,
        episode=episode,
        episode_at=since_at,
        triggered_at=due_at,
        heard_after_episode=heard,
        fix=subject.last_fix,
        detail=detail or {},
    )
