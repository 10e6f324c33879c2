"""What one watch's passed deadline brings: the stillness rule, the other rules, its protection, in this order. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from lone_worker.areas import Area, inside
from lone_worker.episode import Alarm, PreAlarm, pass_time, silent
from lone_worker.hearing import Outage, answer_until_at, held_until_at
from lone_worker.protection import Protection, assess
from lone_worker.rules import judge
from lone_worker.rules.facts import Danger, Facts, Finding
from lone_worker.stillness import WatchState, after_pause

LOOK_EVERY_S = 300
"""What reports change without an event is found within so long: an empty battery, a clock that drifts."""
_UNTIL_ANSWERED = frozenset({Danger.CHECK_MISSED, Danger.NOT_WORN, Danger.GNSS_LOST, Danger.LONG_PAUSE, Danger.OVERRUN})
"""A word of the watch or of its wearer ends them; where we cannot hear it, it may have been said."""


class Verdict(NamedTuple):
    """What is to be done, and what is so from now on."""

    state: WatchState
    stillness: PreAlarm | Alarm | None
    due: Sequence[Finding]
    notices: Sequence[Finding]
    """Of what the wearer is to be asked before anybody else is told."""
    protection: Protection
    check_at: datetime
    failed: Sequence[Exception]
    """Faults of our own. Whatever fails, the stillness rule was asked."""


def decide(
    facts: Facts,
    now: datetime,
    *,
    zones: Iterable[tuple[Area, int]] = (),
    outages: Sequence[Outage] = (),
    vibrates: bool = True,
) -> Verdict:
    """What is due at `now`. `zones`: where one may be silent, and how long. `outages`: when we heard nobody.

    `vibrates`: the watch can be told to.
    """
    state, failed = after_pause(facts.state), []
    try:
        facts = replace(facts, white_zone_s=white_zone_s(facts, zones))
    except Exception as error:
        failed.append(error)
    heard_at = state.heard_at or state.shift_started_at
    held = held_until_at(outages, heard_at, now) if silent(state.heard_at, now) else None
    episode, stillness = pass_time(
        state.episode,
        state.evidence_at,
        state.heard_at,
        facts.profile,
        now,
        silence_s=facts.white_zone_s or 0,
        held_until_at=held,
        vibrates=vibrates,
    )
    if episode is not state.episode:
        state = replace(state, episode=episode)
    if state is not facts.state:
        facts = replace(facts, state=state)
    judged = judge(facts, now)
    protection = assess(facts, judged, now)
    due: list[Finding] = []
    notices: list[Finding] = []
    again = [now + timedelta(seconds=LOOK_EVERY_S)]
    if protection.changes_at is not None:
        again.append(protection.changes_at)
    for finding in judged.found:
        due_at = max(finding.due_at, _excused_until_at(finding, held, outages, now) or finding.due_at)
        if due_at <= now:
            due.append(finding)
            continue
        again.append(due_at)
        if finding.notice_at is None:
            continue
        if finding.notice_at <= now:
            notices.append(finding)
        else:
            again.append(finding.notice_at)
    return Verdict(state, stillness, due, notices, protection, min(again), [*failed, *judged.failed])


def white_zone_s(facts: Facts, zones: Iterable[tuple[Area, int]]) -> int | None:
    """How long one may be silent at the last known place, if a white zone lies there."""
    place = facts.position
    if place is None:
        return None
    return max((zone_s for area, zone_s in zones if inside(area, place)), default=None)


def _excused_until_at(
    finding: Finding, held_until_at: datetime | None, outages: Sequence[Outage], now: datetime
) -> datetime | None:
    """It is we who do not hear: somebody is told of that, once."""
    if finding.danger is Danger.SIGNAL_LOST:
        return held_until_at
    return answer_until_at(outages, finding.due_at, now) if finding.danger in _UNTIL_ANSWERED else None
