"""More than three minutes without movement. Pure: (state, observations) -> state, with an absolute deadline in it.

The deadline counts from the last evidence of movement, whether or not the watch keeps talking: many devices send
nothing while still. Missing data never moves it; data from the future neither. In whatever order reports come, and
whichever process has them, the state in the end is the same. What becomes of a deadline that
passes: `lone_worker.engine`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import field, replace
from datetime import datetime

from gyrophare.kernel.ids import DeviceId, ShiftId
from gyrophare.kernel.observations import Event, EventKind, Observation, Report
from gyrophare.kernel.values import value
from lone_worker import vibration
from lone_worker.course import Checkpoint, Course, Past, follow, in_turn
from lone_worker.episode import Episode, Happened, begin, end_prealarm, hear_again, rearm, silent
from lone_worker.evidence import FOLLOWED, Evidence, tells
from lone_worker.heard import happened_at, listen
from lone_worker.memory import NOTHING, Memory
from lone_worker.profiles import Profile
from lone_worker.vibration import Shaken
from lone_worker.whereabouts import NOWHERE, Whereabouts

_RANK = {evidence: rank for rank, evidence in enumerate(Evidence)}


@value
class WatchState:
    """What the rule knows of one watch on shift."""

    device_id: DeviceId
    shift_id: ShiftId
    shift_started_at: datetime
    profile: Profile
    evidence_at: datetime
    evidence: Evidence
    episode: Episode
    heard_at: datetime | None = None
    whereabouts: Whereabouts = NOWHERE
    fixed_at: datetime | None = None
    """Of the newest report that was followed, by its own clock."""
    body_at: datetime | None = None
    """The last evidence that is not followed, where one that is was the last of all: a late report may undo that."""
    body: Evidence | None = None
    memory: Memory = NOTHING
    passed: tuple[Checkpoint, ...] = field(default=(), compare=False)
    """What is to be kept of the way here, in case a fix was overtaken."""
    happened: tuple[Happened, ...] = field(default=(), compare=False)
    """What became of a pre-alarm or an alarm in this fold."""
    check_at: datetime | None = field(default=None, compare=False)
    """The other rules are to be asked then: something happened, or the watch is heard again."""

    @property
    def due_at(self) -> datetime | None:
        """When the next pre-alarm or the alarm is due; None once this episode has its alarm, and in a pause."""
        return self.episode.due_at


def told(state: WatchState, now: datetime, orders: int) -> WatchState:
    """The watch is about to be told so many things, each of which may make it vibrate."""
    return _shaken(state, vibration.ask(state.episode.shaken, now, orders))


def shown_late(state: WatchState, observations: Iterable[Observation]) -> WatchState:
    """Before these are folded: the watch has vibrated by orders that are long over, where it says so in them."""
    began = [happened_at(seen) for seen in observations if isinstance(seen, Event) and seen.kind is EventKind.DELIVERED]
    if not began:
        return state
    since_at = state.episode.alarmed_at or state.evidence_at
    return _shaken(state, vibration.hear_late(state.episode.shaken, began, since_at))


def overtaken(state: WatchState, observations: Iterable[Observation]) -> datetime | None:
    """From when on the past must be followed again before these are folded; None: they come in order."""
    fixed_at = state.fixed_at
    if fixed_at is None:
        return None
    late = [
        seen.happened_at
        for seen in observations
        if isinstance(seen, Report) and seen.happened_at <= fixed_at and tells(seen, state.shift_started_at)
    ]
    return min(late) if late else None


def fold(state: WatchState, observations: Iterable[Observation], past: Past | None = None) -> WatchState:
    """The state after `observations` of this watch, in any order.

    `past` holds what `overtaken` asked for, these observations included; without it an overtaken fix tells nothing.
    """
    state = after_pause(state)
    started_at = state.shift_started_at
    heard = listen(started_at, state.heard_at, state.memory, observations)
    shaken, felt = vibration.feel(state.episode.shaken, heard.steps, heard.began)
    episode = _shaken(state, shaken).episode

    moved_at, moved_by = (state.evidence_at, state.evidence) if state.evidence in FOLLOWED else (None, None)
    body_at, body = state.evidence_at, state.evidence
    if moved_at is not None:
        body_at, body = state.body_at or started_at, state.body or Evidence.SHIFT_START
    for at in felt:
        body_at, body = _later(body_at, body, at, Evidence.STEPS)
    for at in heard.acts:
        body_at, body = _later(body_at, body, at, Evidence.INTERACTION)

    course, telling = Course(state.whereabouts, state.fixed_at, moved_at, moved_by), heard.telling
    if past is not None:
        course, telling = past.course, [report for report in past.reports if tells(report, started_at)]
    if len(telling) > 1:
        telling.sort(key=in_turn)
    shakes = () if shaken is vibration.CALM else vibration.doubted(shaken)
    course, passed, moved = follow(course, telling, engine=state.profile.engine, ignored=shakes)
    evidence_at, evidence = body_at, body
    if course.moved_at is not None and course.moved_by is not None:
        evidence_at, evidence = _later(body_at, body, course.moved_at, course.moved_by)
    moves = evidence in FOLLOWED

    paused = heard.memory.paused_at is not None
    instants = [*heard.acts, *felt, *moved] if episode.alarmed_at is not None else moved
    episode, happened = _go_on(state, episode, evidence_at, evidence, instants, heard.heard_at, paused=paused)
    news = heard.memory is not state.memory or _heard_again(state.heard_at, heard.heard_at)
    return WatchState(
        device_id=state.device_id,
        shift_id=state.shift_id,
        shift_started_at=started_at,
        profile=state.profile,
        evidence_at=evidence_at,
        evidence=evidence,
        episode=episode,
        heard_at=heard.heard_at,
        whereabouts=course.whereabouts,
        fixed_at=course.fixed_at,
        body_at=body_at if moves else None,
        body=body if moves else None,
        memory=heard.memory,
        passed=tuple(passed),
        happened=tuple(happened),
        check_at=heard.received_at if news else None,
    )


def after_pause(state: WatchState) -> WatchState:
    """A pause that others than the watch have begun or ended: deadlines stop in it, and begin anew when it is over."""
    episode, memory = state.episode, state.memory
    if episode.alarmed_at is not None or (memory.paused_at is not None) == (episode.due_at is None):
        return state
    if memory.paused_at is not None:
        return replace(state, episode=replace(begin(state.evidence_at, state.profile, episode.shaken), due_at=None))
    resumed_at = memory.last.get(EventKind.RESUME, state.evidence_at)
    evidence_at, evidence = _later(state.evidence_at, state.evidence, resumed_at, Evidence.INTERACTION)
    return replace(
        state, evidence_at=evidence_at, evidence=evidence, episode=begin(evidence_at, state.profile, episode.shaken)
    )


def _go_on(
    state: WatchState,
    episode: Episode,
    evidence_at: datetime,
    evidence: Evidence,
    instants: Sequence[datetime],
    heard_at: datetime | None,
    *,
    paused: bool,
) -> tuple[Episode, Sequence[Happened]]:
    """What becomes of the episode, given all evidence."""
    profile = state.profile
    if episode.alarmed_at is not None:
        episode, happened = rearm(episode, evidence_at, instants, profile)
        return (replace(episode, due_at=None) if paused else episode), happened
    if paused:
        ended = () if episode.due_at is None else end_prealarm(episode, evidence_at, deliberate=True)
        return replace(begin(evidence_at, profile, episode.shaken), due_at=None), ended
    if evidence_at != state.evidence_at or episode.due_at is None:
        deliberate = evidence is Evidence.INTERACTION
        ended = end_prealarm(episode, evidence_at, deliberate=deliberate) if evidence_at > state.evidence_at else ()
        return begin(evidence_at, profile, episode.shaken), ended
    if heard_at is not None and heard_at != state.heard_at:
        episode = hear_again(episode, evidence_at, heard_at, profile)
    return episode, ()


def _shaken(state: WatchState, shaken: Shaken) -> WatchState:
    if shaken is state.episode.shaken:
        return state
    return replace(state, episode=replace(state.episode, shaken=shaken))


def _heard_again(before_at: datetime | None, heard_at: datetime | None) -> bool:
    """Whether it was unknown until now how the wearer is."""
    return heard_at is not None and silent(before_at, heard_at)


def _later(at: datetime, evidence: Evidence, then: datetime, other: Evidence) -> tuple[datetime, Evidence]:
    """The later of two pieces of evidence; of one instant that named first, so that their order is indifferent."""
    if then < at or (then == at and _RANK[other] >= _RANK[evidence]):
        return at, evidence
    return then, other
