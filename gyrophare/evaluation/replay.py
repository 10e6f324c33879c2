"""A recorded track through the rule that protects people. Its clock is only counted: ticks come exactly when due."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from gyrophare.evaluation.recording import Recording
from gyrophare.kernel.ids import DeviceId, ShiftId
from gyrophare.kernel.observations import Doubt, Fix
from gyrophare.kernel.values import value
from ingest.gate import teleported
from lone_worker.evidence import Evidence
from lone_worker.stillness import WatchState, fold

REARMED_AFTER = timedelta(seconds=20)


@value
class Limits:
    """After how long without evidence what is due."""

    prealarm_after_s: int = 150
    second_after_s: int = 170
    alarm_after_s: int = 180
    engine: bool = False
    """Whether the wearer sits on a machine that shakes him: activity then proves nothing."""


PROFILES: Mapping[str, Limits] = {
    "default": Limits(),
    "engine": Limits(engine=True),
    "pna11": Limits(prealarm_after_s=45, second_after_s=70, alarm_after_s=90),
}


class Step(StrEnum):
    """What an episode of stillness leads to."""

    PREALARM = "prealarm"
    SECOND = "second"
    ALARM = "alarm"


class Raised(NamedTuple):
    """What was raised, and when."""

    step: Step
    at: datetime


class Episodes:
    """Deadlines after the last evidence. One alarm an episode: armed again by twenty seconds of evidence after it."""

    def __init__(self, limits: Limits, evidence_at: datetime) -> None:
        self._steps = (
            (Step.PREALARM, timedelta(seconds=limits.prealarm_after_s)),
            (Step.SECOND, timedelta(seconds=limits.second_after_s)),
            (Step.ALARM, timedelta(seconds=limits.alarm_after_s)),
        )
        self._evidence_at = evidence_at
        self._next = 0
        self._alive_since_at: datetime | None = None

    def tick(self, until: datetime) -> list[Raised]:
        """What has become due until then, that instant included."""
        raised = []
        while self._next < len(self._steps):
            step, after = self._steps[self._next]
            at = self._evidence_at + after
            if at > until:
                break
            raised.append(Raised(step, at))
            self._next += 1
        return raised

    def moved(self, at: datetime) -> None:
        """Take evidence, which cancels a pre-alarm; after an alarm only evidence that goes on counts."""
        if self._next == len(self._steps):
            if self._alive_since_at is None or at - self._evidence_at > self._steps[-1][1]:
                self._alive_since_at = at
            self._evidence_at = at
            if at - self._alive_since_at < REARMED_AFTER:
                return
        self._alive_since_at = None
        self._evidence_at = at
        self._next = 0


@value
class Replayed:
    """What the rule found in a recording."""

    evidence_at: tuple[datetime, ...]
    raised: tuple[Raised, ...]


def replay(recording: Recording, limits: Limits) -> Replayed:
    """The shift begins with the first line and ends with the last. Of the gate only the doubt of a teleport is had.

    It would refuse fixes from before 2020, and recordings are older.
    """
    if not recording.observations:
        return Replayed(evidence_at=(), raised=())
    start_at = recording.observations[0].received_at
    state = WatchState(
        device_id=DeviceId(1),
        shift_id=ShiftId(1),
        shift_started_at=start_at,
        alarm_after_s=limits.alarm_after_s,
        evidence_at=start_at,
        evidence=Evidence.SHIFT_START,
        due_at=start_at + timedelta(seconds=limits.alarm_after_s),
    )
    newest: Fix | None = None
    episodes = Episodes(limits, start_at)
    evidence_at: list[datetime] = []
    raised: list[Raised] = []
    for seen in recording.observations:
        raised += episodes.tick(seen.received_at)
        if seen.fix is not None:
            if newest is not None and teleported(newest, seen.fix):
                seen = replace(seen, doubts=(*seen.doubts, Doubt.TELEPORT))
            newest = seen.fix
        before_at, state = state.evidence_at, fold(state, [seen])
        if state.evidence_at > before_at:
            evidence_at.append(state.evidence_at)
            episodes.moved(state.evidence_at)
    return Replayed(evidence_at=tuple(evidence_at), raised=tuple(raised))
