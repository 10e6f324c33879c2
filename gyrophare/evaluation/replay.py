"""A recorded track through the rule that protects people. Its clock is only counted: ticks come exactly when due."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from gyrophare.evaluation.recording import Recording, parts
from gyrophare.kernel.ids import DeviceId, ShiftId
from gyrophare.kernel.observations import Doubt, Fix
from gyrophare.kernel.values import value
from ingest.gate import teleported
from lone_worker.episode import PreAlarm, begin, pass_time
from lone_worker.evidence import Evidence
from lone_worker.profiles import Profile
from lone_worker.stillness import WatchState, fold


class Step(StrEnum):
    """What an episode of stillness leads to."""

    PREALARM = "prealarm"
    SECOND = "second"
    ALARM = "alarm"


class Raised(NamedTuple):
    """What was raised, and when."""

    step: Step
    at: datetime


@value
class Replayed:
    """What the rule found in a recording."""

    evidence_at: tuple[datetime, ...]
    raised: tuple[Raised, ...]


def replay(recording: Recording, profile: Profile) -> Replayed:
    """Each part between silences longer than the limit is a shift of its own, whose end nobody tells: silence alarms.

    Nobody answers a pre-alarm. Of the gate only the doubt of a teleport is had: it would refuse fixes from before 2020,
    and recordings are older.
    """
    heard = parts(recording, profile.alarm_after_s)
    evidence_at: list[datetime] = []
    raised: list[Raised] = []
    for number, part in enumerate(heard, 1):
        state = _begun(part.observations[0].received_at, profile)
        newest: Fix | None = None
        for seen in part.observations:
            state, due = _until(state, seen.received_at)
            raised += due
            believed = seen
            if seen.fix is not None:
                if newest is not None and teleported(newest, seen.fix):
                    believed = replace(seen, doubts=(*seen.doubts, Doubt.TELEPORT))
                newest = seen.fix
            before_at, state = state.evidence_at, fold(state, [believed])
            if state.evidence_at > before_at:
                evidence_at.append(state.evidence_at)
        if number < len(heard):
            raised += _until(state, heard[number].observations[0].received_at)[1]
    return Replayed(evidence_at=tuple(evidence_at), raised=tuple(raised))


def _begun(start_at: datetime, profile: Profile) -> WatchState:
    return WatchState(
        device_id=DeviceId(1),
        shift_id=ShiftId(1),
        shift_started_at=start_at,
        profile=profile,
        evidence_at=start_at,
        evidence=Evidence.SHIFT_START,
        episode=begin(start_at, profile),
    )


def _until(state: WatchState, until_at: datetime) -> tuple[WatchState, list[Raised]]:
    """What has become due until then, that instant included, each at its own."""
    raised: list[Raised] = []
    while state.due_at is not None and state.due_at <= until_at:
        now, profile = state.due_at, state.profile
        episode, step = pass_time(
            state.episode,
            state.evidence_at,
            state.heard_at,
            profile,
            now,
            silence_s=profile.silence_after_s,
            vibrates=False,  # nothing shook who was recorded
        )
        state = replace(state, episode=episode)
        if isinstance(step, PreAlarm):
            raised.append(Raised(Step.PREALARM if step.number == 1 else Step.SECOND, now))
        elif step is not None:
            raised.append(Raised(Step.ALARM, now))
    return state, raised
