"""One episode of the stillness rule: from the last evidence of movement to a pre-alarm, an alarm, and its end. Pure.

An episode begins anew with each evidence. Deadlines are absolute; what passes one is decided in `pass_time`, and
nothing but evidence, or a pause, puts the alarm off further than the profile's limit.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from gyrophare.kernel.values import value
from lone_worker.profiles import Profile
from lone_worker.vibration import CALM, Shaken, ask, outlived

REARMED_AFTER_S = 20
"""After an alarm the rule is armed again by evidence that spans so long: who is carried away has not recovered."""
HEARD_AGAIN_S = 30
"""Who comes back out of an excused silence without having moved is asked once more, and has so long to answer."""
SILENT_AFTER_S = 90
"""Not heard for so long: what is not heard is not still."""

_REARMED_AFTER, _HEARD_AGAIN = timedelta(seconds=REARMED_AFTER_S), timedelta(seconds=HEARD_AGAIN_S)
_STIRS_MAX = 8
_SILENT_AFTER = timedelta(seconds=SILENT_AFTER_S)


class Happened(StrEnum):
    """What new evidence changed that somebody must be told."""

    ANSWERED = "answered"
    """A pre-alarm, by a deliberate act."""
    MOVED = "moved"
    """After the watch had vibrated."""
    MOVED_BEFORE = "moved_before"
    """Out of a buffer: the wearer had moved before the watch was asked to vibrate."""
    MOVED_IN_ALARM = "moved_in_alarm"
    REARMED = "rearmed"


class Stir(NamedTuple):
    """Evidence that goes on: from the first to the last, with no more than the limit of stillness between two."""

    since_at: datetime
    until_at: datetime


@value
class Episode:
    """Where the rule stands."""

    due_at: datetime | None
    """When the next pre-alarm or the alarm is due; None once there is an alarm, and in a pause."""
    prealarmed_at: tuple[datetime, ...] = ()
    """When the watch was asked to vibrate in this episode."""
    shaken: Shaken = CALM
    """What may have been our own vibration, also that of the episode before."""
    excused_until_at: datetime | None = None
    """No silence is excused longer; None: none is, or it is we who do not hear."""
    grace_until_at: datetime | None = None
    """Heard again after an excused silence: no alarm before."""
    alarmed_at: datetime | None = None
    """The last evidence before the alarm, until the rule is armed again."""
    stirs: tuple[Stir, ...] = ()
    """What the wearer has moved since that, oldest first."""


@value
class PreAlarm:
    """The watch is to vibrate, for the `number`-th time in this episode, from 1 on."""

    number: int
    alarm_at: datetime


@value
class Alarm:
    """Somebody is to be told. `heard`: the wearer is immobile; else there is no news."""

    due_at: datetime
    heard: bool


def begin(evidence_at: datetime, profile: Profile, shaken: Shaken = CALM) -> Episode:
    """From new evidence on."""
    after_s = profile.prealarm_after_s[0] if profile.prealarm_after_s else profile.alarm_after_s
    return Episode(
        due_at=evidence_at + timedelta(seconds=after_s), shaken=CALM if outlived(shaken, evidence_at) else shaken
    )


def silent(heard_at: datetime | None, now: datetime) -> bool:
    """Whether nothing may be said of who was last heard then."""
    return heard_at is None or now - heard_at > _SILENT_AFTER


def rearm(
    episode: Episode, evidence_at: datetime, moved: Sequence[datetime], profile: Profile
) -> tuple[Episode, list[Happened]]:
    """Evidence at the instants `moved`, the last of all at `evidence_at`, in an episode that has its alarm.

    It is for a human to close the alarm; what moves again for a while is protected again.
    """
    alarmed_at = episode.alarmed_at
    fresh = [at for at in moved if alarmed_at is None or at > alarmed_at]
    if not fresh:
        return episode, []
    happened = [] if episode.stirs else [Happened.MOVED_IN_ALARM]
    stirs = _joined([*episode.stirs, *(Stir(at, at) for at in fresh)], timedelta(seconds=profile.alarm_after_s))
    if any(stir.until_at - stir.since_at >= _REARMED_AFTER for stir in stirs):
        return begin(evidence_at, profile, episode.shaken), [*happened, Happened.REARMED]
    return replace(episode, stirs=stirs), happened


def _joined(stirs: list[Stir], gap: timedelta) -> tuple[Stir, ...]:
    """Those with no more than `gap` between them are one; the newest of them."""
    joined: list[Stir] = []
    for stir in sorted(stirs):
        if joined and stir.since_at - joined[-1].until_at <= gap:
            joined[-1] = Stir(joined[-1].since_at, max(joined[-1].until_at, stir.until_at))
        else:
            joined.append(stir)
    return tuple(joined[-_STIRS_MAX:])


def end_prealarm(episode: Episode, evidence_at: datetime, *, deliberate: bool) -> list[Happened]:
    """How new evidence ended a pre-alarm; nothing when there was none."""
    if not episode.prealarmed_at:
        return []
    if deliberate:
        return [Happened.ANSWERED]
    return [Happened.MOVED_BEFORE if evidence_at < episode.prealarmed_at[0] else Happened.MOVED]


def hear_again(episode: Episode, evidence_at: datetime, heard_at: datetime, profile: Profile) -> Episode:
    """Heard without evidence: an excused silence is over, and the wearer is asked once more."""
    due_at, excused_until_at = episode.due_at, episode.excused_until_at
    if due_at is None or episode.grace_until_at is not None:
        return episode
    if due_at <= evidence_at + timedelta(seconds=profile.alarm_after_s):
        return episode
    grace_until_at = heard_at + _HEARD_AGAIN
    if excused_until_at is not None:
        grace_until_at = min(grace_until_at, excused_until_at)
    return replace(episode, due_at=heard_at, grace_until_at=grace_until_at)


def pass_time(
    episode: Episode,
    evidence_at: datetime,
    heard_at: datetime | None,
    profile: Profile,
    now: datetime,
    *,
    silence_s: int,
    held_until_at: datetime | None = None,
    vibrates: bool = True,
) -> tuple[Episode, PreAlarm | Alarm | None]:
    """What a deadline that has passed at `now` brings. None: the silence is excused for a while.

    `silence_s`: how long one may be neither moving nor heard here. `held_until_at`: it is we who do not hear; until
    then silence is ours, not the wearer's.
    """
    due_at = episode.due_at
    if due_at is None or due_at > now:
        return episode, None
    alarm_at = evidence_at + timedelta(seconds=profile.alarm_after_s)
    if episode.grace_until_at is not None:
        alarm_at = max(alarm_at, episode.grace_until_at)
    if now < alarm_at:
        limits = [evidence_at + timedelta(seconds=after_s) for after_s in profile.prealarm_after_s]
        next_at = min((at for at in limits if at > now), default=alarm_at)
        asked_at = (*episode.prealarmed_at, now)
        shaken = ask(episode.shaken, now) if vibrates else episode.shaken
        asked = replace(episode, due_at=min(next_at, alarm_at), prealarmed_at=asked_at, shaken=shaken)
        return asked, PreAlarm(number=len(asked_at), alarm_at=alarm_at)
    if silent(heard_at, now):
        excused_until_at = evidence_at + timedelta(seconds=max(silence_s, profile.silence_after_s))
        if held_until_at is not None and held_until_at > max(excused_until_at, now):
            return replace(episode, due_at=held_until_at, excused_until_at=None, grace_until_at=None), None
        if excused_until_at > now:
            until_at = excused_until_at
            return replace(episode, due_at=until_at, excused_until_at=until_at, grace_until_at=None), None
    alarmed = Episode(due_at=None, prealarmed_at=episode.prealarmed_at, shaken=episode.shaken, alarmed_at=evidence_at)
    return alarmed, Alarm(due_at=due_at, heard=not silent(heard_at, now))


def pack(episode: Episode) -> str:
    """All but the deadline, as the database keeps it; empty while there is nothing to keep."""
    shaken = episode.shaken
    if episode == Episode(due_at=episode.due_at):  # most of the time
        return ""
    kept: dict[str, object] = {
        name: [at.timestamp() for at in instants]
        for name, instants in (
            ("asked", episode.prealarmed_at),
            ("shaken", shaken.asked_at),
            ("began", shaken.began_at),
            ("steps", shaken.steps_at),
            ("late", shaken.late_at),
        )
        if instants
    }
    for name, at in (
        ("excused", episode.excused_until_at),
        ("grace", episode.grace_until_at),
        ("alarmed", episode.alarmed_at),
    ):
        if at is not None:
            kept[name] = at.timestamp()
    if episode.stirs:
        kept["stirs"] = [[stir.since_at.timestamp(), stir.until_at.timestamp()] for stir in episode.stirs]
    return json.dumps(kept, separators=(",", ":")) if kept else ""


def unpack(due_at: datetime | None, text: str) -> Episode:
    """As `pack` wrote it."""
    if not text:  # most of the time
        return Episode(due_at=due_at)
    kept = json.loads(text)

    def instants(name: str) -> tuple[datetime, ...]:
        return tuple(datetime.fromtimestamp(at_s, UTC) for at_s in kept.get(name, ()))

    def instant(name: str) -> datetime | None:
        return datetime.fromtimestamp(kept[name], UTC) if name in kept else None

    return Episode(
        due_at=due_at,
        prealarmed_at=instants("asked"),
        shaken=Shaken(
            asked_at=instants("shaken"),
            began_at=instants("began"),
            steps_at=instants("steps"),
            late_at=instants("late"),
        ),
        excused_until_at=instant("excused"),
        grace_until_at=instant("grace"),
        alarmed_at=instant("alarmed"),
        stirs=tuple(
            Stir(datetime.fromtimestamp(since_s, UTC), datetime.fromtimestamp(until_s, UTC))
            for since_s, until_s in kept.get("stirs", ())
        ),
    )
