"""What the rule found in a recording, beside what was the truth there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from gyrophare.evaluation.labels import STILL, Label
from gyrophare.evaluation.recording import Recording
from gyrophare.evaluation.reference import Stay, heard_spans, stays
from gyrophare.evaluation.replay import Replayed, Step
from gyrophare.kernel.values import value
from lone_worker.profiles import Profile

SETTLED = timedelta(minutes=3)  # evidence that comes later than this in a stay is a reset while still
LATE_MAX = timedelta(minutes=2)  # an alarm of a stay that comes later than the limit and this is missed
LONG_S = 600.0  # a stay of this length has exactly one pre-alarm and one alarm
_SUMMED = ("alarms", "prealarms", "false_alarms", "missed", "resets_while_still", "silence_alarms", "repeated")


@value
class Score:
    """Of one file."""

    file: str
    hours: float
    """Heard: silences longer than the limit left out."""
    seconds_still: float
    """In stays of at least the limit."""
    stays: int
    """Of at least ten minutes."""
    alarmed_once: int
    """Of those, how many had exactly one pre-alarm and one alarm."""
    alarms: int
    """While the watch was heard."""
    prealarms: int
    """First buzzes, one an episode."""
    silence_alarms: int
    """In a silence longer than the limit: the watch was not heard, so they are neither right nor wrong."""
    false_alarms: int
    """Alarms before which the wearer was not still for half of the limit."""
    missed: int
    """Stays of at least the limit and two minutes without an alarm, where none stands from before they began."""
    repeated: int
    """Alarms in a stay after its first."""
    resets_while_still: int
    """Pieces of evidence later than three minutes into a stay."""
    lateness_s: tuple[float, ...]
    """Of the first alarm in each stay: seconds after its start and the limit."""
    alarms_by_label: dict[str, int]
    bad_lines: int

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def true_stays(recording: Recording, labels: Sequence[Label], profile: Profile, *, at_rest: bool) -> list[Stay]:
    """When the wearer was still: by the labels that say so, else all the time if at rest, else as the track looks."""
    said = [Stay(start_at=label.start_at, end_at=label.end_at) for label in labels if label.what in STILL]
    spans = heard_spans(recording, profile.alarm_after_s)
    if said:
        cut = [
            Stay(start_at=max(one.start_at, span.start_at), end_at=min(one.end_at, span.end_at))
            for one in said
            for span in spans
        ]
        return [one for one in cut if one.end_at > one.start_at]
    return spans if at_rest else stays(recording, profile.alarm_after_s)


def score(
    recording: Recording, found: Replayed, truth: Sequence[Stay], labels: Sequence[Label], profile: Profile
) -> Score:
    """Compare."""
    limit = timedelta(seconds=profile.alarm_after_s)
    spans = heard_spans(recording, profile.alarm_after_s)
    alarms_at = [raised.at for raised in found.raised if raised.step is Step.ALARM]
    heard = [at for at in alarms_at if _within(at, spans)]
    silent = [at for at in alarms_at if not _within(at, spans)]
    lateness_s: list[float] = []
    repeated = missed = 0
    for stay in truth:
        inside = [at for at in heard if stay.start_at < at <= stay.end_at and _right(at, truth, limit)]
        if inside:
            lateness_s.append(round((inside[0] - stay.start_at - limit).total_seconds(), 3))
            repeated += len(inside) - 1
        elif stay.end_at - stay.start_at >= limit + LATE_MAX and not _stands(stay, alarms_at, found):
            missed += 1
    by_label = Counter(next((label.what for label in labels if label.holds(at)), "unlabelled") for at in heard)
    return Score(
        file=str(recording.path),
        hours=round(sum(span.seconds for span in spans) / 3_600, 4),
        seconds_still=round(sum(stay.seconds for stay in truth if stay.seconds >= profile.alarm_after_s), 1),
        stays=sum(stay.seconds >= LONG_S for stay in truth),
        alarmed_once=sum(_once(stay, found) for stay in truth if stay.seconds >= LONG_S),
        alarms=len(heard),
        prealarms=sum(raised.step is Step.PREALARM and _within(raised.at, spans) for raised in found.raised),
        silence_alarms=len(silent),
        false_alarms=sum(not _right(at, truth, limit) for at in heard),
        missed=missed,
        repeated=repeated,
        resets_while_still=sum(
            any(stay.start_at + SETTLED < at <= stay.end_at for stay in truth) for at in found.evidence_at
        ),
        lateness_s=tuple(lateness_s),
        alarms_by_label=dict(by_label) if labels else {},
        bad_lines=len(recording.bad_lines),
    )


def totals(scores: Sequence[Score]) -> dict[str, Any]:
    """The sums, and what they would be in a thousand hours; of no hour, None."""
    sums: dict[str, Any] = {name: sum(getattr(score, name) for score in scores) for name in ("hours", *_SUMMED)}
    hours = sums["hours"]
    sums["hours"] = round(hours, 4)
    sums["seconds_still"] = round(sum(score.seconds_still for score in scores), 1)
    sums["stays"] = sum(score.stays for score in scores)
    sums["alarmed_once"] = sum(score.alarmed_once for score in scores)
    sums["lateness_s"] = [late_s for score in scores for late_s in score.lateness_s]
    sums["bad_lines"] = sum(score.bad_lines for score in scores)
    sums["per_1000_hours"] = {name: round(1_000 * sums[name] / hours, 2) if hours else None for name in _SUMMED}
    return sums


def _within(at: datetime, spans: Sequence[Stay]) -> bool:
    return any(span.start_at <= at <= span.end_at for span in spans)


def _right(at: datetime, truth: Sequence[Stay], limit: timedelta) -> bool:
    """Whether the wearer was still for at least half of the limit before."""
    still_s = sum(max(0.0, (min(stay.end_at, at) - max(stay.start_at, at - limit)).total_seconds()) for stay in truth)
    return still_s >= limit.total_seconds() / 2


def _once(stay: Stay, found: Replayed) -> bool:
    steps = Counter(raised.step for raised in found.raised if stay.start_at < raised.at <= stay.end_at)
    return steps[Step.PREALARM] == steps[Step.ALARM] == 1


def _stands(stay: Stay, alarms_at: Sequence[datetime], found: Replayed) -> bool:
    """Whether an alarm from before this stay still stood in it, as nobody was seen to move since."""
    before = [at for at in alarms_at if at < stay.start_at]
    return bool(before) and not any(before[-1] < at < stay.start_at for at in found.evidence_at)
