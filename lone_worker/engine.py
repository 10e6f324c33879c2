"""What one watch's passed deadline brings: the stillness rule, the other rules, its protection, in this order. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from gyrophare.kernel.geo import Position
from lone_worker.areas import Area, inside
from lone_worker.episode import Alarm, PreAlarm, pass_time
from lone_worker.protection import Protection, assess
from lone_worker.rules import judge
from lone_worker.rules.facts import Danger, Facts, Finding
from lone_worker.stillness import WatchState, after_pause


class Verdict(NamedTuple):
    """What is to be done, and what is so from now on."""

    state: WatchState
    stillness: PreAlarm | Alarm | None
    due: Sequence[Finding]
    notices: Sequence[Finding]
    protection: Protection
    check_at: datetime
    failed: Sequence[Exception]


def decide(
    facts: Facts,
    now: datetime,
    *,
    zones: Iterable[tuple[Area, int]] = (),
    held_until_at: datetime | None = None,
    vibrates: bool = True,
) -> Verdict:
    """What is due at `now`. `zones`: where one may be silent, and how long. Until `held_until_at` silence is ours."""
    state = after_pause(facts.state)
    episode, stillness = pass_time(
        state.episode,
        state.evidence_at,
        state.heard_at,
        facts.profile,
        now,
        silence_s=silence_s(facts, zones),
        held_until_at=held_until_at,
        vibrates=vibrates,
    )
    if episode is not state.episode:
        state = replace(state, episode=episode)
    if state is not facts.state:
        facts = replace(facts, state=state)
    due, notices, again_at, failed = judge(facts, now)
    if held_until_at is not None:  # it is we who do not hear: somebody is told of that, once
        due = [finding for finding in due if finding.danger is not Danger.SIGNAL_LOST]
        again_at = min(again_at, held_until_at)
    protection = assess(facts, now)
    if protection.changes_at is not None:
        again_at = min(again_at, protection.changes_at)
    return Verdict(state, stillness, due, notices, protection, again_at, failed)


def silence_s(facts: Facts, zones: Iterable[tuple[Area, int]]) -> int:
    """How long one may be silent at the last known place: what the profile says, or a white zone that lies there."""
    place: Position | None = facts.position
    excused = [zone_s for area, zone_s in zones if place is not None and inside(area, place)]
    return max([facts.profile.silence_after_s, *excused])
