"""Admission, as decision tables: what each kind of message may be believed, and why not the rest."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gyrophare.kernel.geo import Position
from gyrophare.kernel.ids import DeviceId, ShiftId
from gyrophare.kernel.observations import Doubt, Event, EventKind, Fix, Observation, Report, Sender, Wire
from ingest.gate import (
    EARLIEST,
    FUTURE_MAX,
    GPS_WEEKS,
    LATE_MAX,
    ROAD_SPEED_MAX_MPS,
    STEPS_MAX,
    Admitted,
    Known,
    admit,
    teleported,
)
from lone_worker.episode import begin
from lone_worker.evidence import Evidence
from lone_worker.profiles import DEFAULT, PROFILES
from lone_worker.stillness import WatchState, fold

NOW = datetime(2026, 1, 14, 7, 42, 3, tzinfo=UTC)
SENDER = Sender(wire=Wire.OWNTRACKS, name="michelot/telephone")
SLOW = (600.0,) * 5  # what is known of a clock that is ten minutes slow
FAST = (-600.0,) * 5
ALARMS = [EventKind.SOS, EventKind.FALL]


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def fix(at_s: float = 0, *, north_m: float = 0, accuracy_m: float | None = 6) -> Fix:
    place = Position(47.3215 + north_m / 111_195, 5.0415)
    return Fix(fixed_at=after(at_s), position=place, accuracy_m=accuracy_m, speed_mps=0.4)


def report(
    sent_s: float | None = 0,
    *,
    heard_s: float = 0,
    at: Fix | None = None,
    steps: int | None = None,
    steps_total: int | None = None,
    battery_pct: float | None = 83,
    buffered: bool = False,
) -> Report:
    """Heard now and sent now, unless said otherwise, in seconds from now on."""
    return Report(
        sender=SENDER,
        received_at=after(heard_s),
        sent_at=None if sent_s is None else after(sent_s),
        sequence=None,
        message_key=7,
        fix=at,
        steps=steps,
        steps_total=steps_total,
        battery_pct=battery_pct,
        buffered=buffered,
        doubts=(Doubt.NO_SEQUENCE,),
    )


def event(kind: EventKind, occurred_s: float | None = 0, *, at: Fix | None = None) -> Event:
    occurred_at = None if occurred_s is None else after(occurred_s)
    return Event(
        sender=SENDER,
        kind=kind,
        received_at=NOW,
        occurred_at=occurred_at,
        sequence=None,
        message_key=7,
        fix=at,
        battery_pct=83,
    )


def reports_of(admitted: Admitted) -> Report:
    assert isinstance(admitted.seen, Report)
    return admitted.seen


def new_doubts(admitted: Admitted) -> list[Doubt]:
    return [doubt for doubt in admitted.seen.doubts if doubt is not Doubt.NO_SEQUENCE]


def sent_s_of(seen: Observation) -> float | None:
    at = seen.sent_at if isinstance(seen, Report) else seen.occurred_at
    return None if at is None else (at - NOW).total_seconds()


# ------------------------------------------------------------------ nothing to object


@pytest.mark.parametrize(
    "seen",
    [
        report(at=fix(), steps=3),
        report(None, at=fix()),
        report(),  # a heartbeat
        report(at=fix(120)),  # as far ahead as a fix may be
        report(-7 * 86_400, at=fix(-7 * 86_400), buffered=True),  # late is not refused, however late
        report(-3 * 365 * 86_400, at=fix(-3 * 365 * 86_400), buffered=True),
        report(at=fix(-600)),  # an old fix in a new message
        event(EventKind.SOS, at=fix()),
        event(EventKind.SOS, -12_000, at=fix(-12_000)),
        event(EventKind.OFFLINE, None),
    ],
)
def test_message_passes_as_it_is_when_nothing_speaks_against_it(seen: Observation) -> None:
    for known in (Known(), Known(heard_at=after(-30), sent_at=after(-30), fix=fix(-30))):
        admitted = admit(seen, known)
        assert admitted.seen is seen
        assert admitted.refusals == ()
        assert admitted.known.clock_skews_s == ()


# ------------------------------------------------------------------ the future, and the past that is none


@pytest.mark.parametrize("seen", [report(at=fix(121), steps=3), *(event(kind, at=fix(121)) for kind in ALARMS)])
def test_fix_from_the_future_is_taken_out_and_all_else_goes_on(seen: Observation) -> None:
    admitted = admit(seen, Known(fix=fix(-30)))
    assert admitted.seen == replace(seen, fix=None, doubts=(*seen.doubts, Doubt.FIX_IN_FUTURE))
    [refusal] = admitted.refusals
    assert (refusal.reason, "121 s ahead" in refusal.detail) == (Doubt.FIX_IN_FUTURE, True)
    assert admitted.known.fix == fix(-30)  # it must not outlast those that come in time


WEEKS_S = GPS_WEEKS.total_seconds()


@pytest.mark.parametrize(
    ("late_s", "meant_s"),
    [
        (WEEKS_S, 0),
        (2 * WEEKS_S, 0),  # a receiver of the first kind
        (WEEKS_S + 600, -600),  # late as well
        (WEEKS_S + LATE_MAX.total_seconds(), -LATE_MAX.total_seconds()),
        (WEEKS_S - 100, 100),  # ahead as well, as far as may be
    ],
)
def test_weeks_that_began_anew_are_counted_on(late_s: float, meant_s: float) -> None:
    admitted = admit(report(at=fix(-late_s)), Known())
    assert admitted.seen.fix == fix(meant_s)
    assert (new_doubts(admitted), admitted.refusals) == ([Doubt.WEEK_ROLLOVER], ())


@pytest.mark.parametrize("late_s", [WEEKS_S - 121, WEEKS_S + LATE_MAX.total_seconds() + 1, 1.5 * WEEKS_S])
def test_clock_that_was_never_set_dates_no_fix(late_s: float) -> None:
    admitted = admit(report(at=fix(-late_s), steps=3), Known())
    assert (admitted.seen.fix, reports_of(admitted).steps) == (None, 3)
    assert new_doubts(admitted) == [Doubt.CLOCK_NOT_SET]
    assert [refusal.reason for refusal in admitted.refusals] == [Doubt.CLOCK_NOT_SET]


def test_device_that_sets_its_clock_by_such_a_receiver_is_understood_too() -> None:
    admitted = admit(report(-WEEKS_S, at=fix(-WEEKS_S)), Known())
    assert (sent_s_of(admitted.seen), admitted.seen.fix) == (0, fix())
    assert new_doubts(admitted) == [Doubt.WEEK_ROLLOVER]
    unset = admit(event(EventKind.SOS, -1.5 * WEEKS_S), Known())
    assert (sent_s_of(unset.seen), new_doubts(unset)) == (None, [Doubt.CLOCK_NOT_SET])


# ------------------------------------------------------------------ a clock that is off


@pytest.mark.parametrize(
    ("skews_s", "sent_s", "fixed_s", "corrected_sent_s", "corrected_fixed_s"),
    [
        # The device stamps its fixes itself: both are off.
        (SLOW, -600, -603, 0, -3),
        (FAST, 600, 597, 0, -3),
        # The satellites told the time of the fix: only the device's own is off.
        (SLOW, -600, -3, 0, -3),
        (FAST, 600, -3, 0, -3),
        # Nothing was sent later than it was heard.
        (SLOW, -598, -3, 0, -3),
        # Out of a buffer: the clock was as wrong when it was written.
        (SLOW, -4_600, -4_603, -4_000, -4_003),
        (FAST, -3_400, -4_003, -4_000, -4_003),
        # One who is late among five, or one that is right again: the others outvote it.
        ((600, 600, 1_900, 600, 600), -600, -3, 0, -3),
        ((600, 600, 600, 600, 1), -600, -3, 0, -3),
        # The middle of the five counts, to five seconds.
        ((599, 600, 601, 598, 602), -600, -3, 0, -3),
        ((-45.2, -44.7, -45.9, -44.1, -45), 45, -3, 0, -3),
    ],
)
def test_device_times_are_corrected_when_its_clock_is_off(
    skews_s: tuple[float, ...], sent_s: float, fixed_s: float, corrected_sent_s: float, corrected_fixed_s: float
) -> None:
    known = Known(heard_at=after(-30), sent_at=after(sent_s - 30), clock_skews_s=skews_s)
    heard: list[Observation] = [report(sent_s, at=fix(fixed_s), buffered=True)]
    heard += [event(kind, sent_s, at=fix(fixed_s)) for kind in ALARMS]
    for seen in heard:
        admitted = admit(seen, known)
        assert sent_s_of(admitted.seen) == corrected_sent_s
        assert admitted.seen.fix == fix(corrected_fixed_s)
        assert (new_doubts(admitted), admitted.refusals) == ([Doubt.CLOCK_SKEWED], ())
        assert admitted.known.sent_at == after(sent_s)  # as the device said it, to compare with what it says next


@pytest.mark.parametrize(
    "skews_s",
    [
        (600, 600, 600, 600),  # not heard often enough
        (600, 600, 600, 1, 1),  # it seems to have been set meanwhile
        (590, 580, 570, 560, 550),  # a backlog that shrinks is late, not slow
        (30, 30, 30, 30, 31),  # up to thirty seconds a clock is right
        (-30, -30, -30, -30, -31),
    ],
)
def test_device_times_stand_when_it_is_not_certain_that_its_clock_is_off(skews_s: tuple[float, ...]) -> None:
    seen = report(-600, at=fix(-603), buffered=True)
    assert admit(seen, Known(heard_at=after(-9), sent_at=after(-610), clock_skews_s=skews_s)).seen is seen


def hear(reports: Iterable[Report], known: Known | None = None) -> list[Admitted]:
    """What becomes of one report after the other."""
    found: list[Admitted] = []
    for seen in reports:
        found.append(admit(seen, found[-1].known if found else known or Known()))
    return found


@pytest.mark.parametrize("every_s", [1, 10, 30, 300])
@pytest.mark.parametrize("off_s", [-7_200, -600, -45, 45, 600, 7_200])
def test_clock_that_is_off_is_found_out_by_the_sixth_message(off_s: float, every_s: float) -> None:
    heard = hear(report(n * every_s - off_s, heard_s=n * every_s + 0.2) for n in range(8))
    assert [Doubt.CLOCK_SKEWED in new_doubts(one) for one in heard] == [False] * 5 + [True] * 3
    for number, one in list(enumerate(heard))[5:]:
        assert sent_s_of(one.seen) == pytest.approx(number * every_s, abs=2.5)


@pytest.mark.parametrize("off_s", [-600, 600])
def test_clock_that_is_off_is_found_out_when_messages_hold_many_reports(off_s: float) -> None:
    """Each message is ten reports, one a second: only the last of them was written just now."""
    heard = hear(report(10 * n + second - 9 - off_s, heard_s=10 * n + 0.2) for n in range(1, 8) for second in range(10))
    assert heard[-1].known.clock_skews_s == pytest.approx((off_s + 0.2,) * 5)
    assert sent_s_of(heard[-1].seen) == pytest.approx(70, abs=2.5)


def test_clock_is_right_again_soon_after_it_was_set() -> None:
    known = Known(heard_at=after(-30), sent_at=after(-630), clock_skews_s=SLOW)
    heard = hear([report(30 * n, heard_s=30 * n) for n in range(8)], known)
    assert [Doubt.CLOCK_SKEWED in new_doubts(one) for one in heard] == [True, True, *[False] * 6]
    assert [sent_s_of(one.seen) for one in heard] == [30 * n for n in range(8)]
    assert heard[-1].known.clock_skews_s == ()


@pytest.mark.parametrize("every_s", [1, 5, 30])
@pytest.mark.parametrize("newest_first", [False, True])
def test_backlog_is_never_taken_for_a_slow_clock(every_s: float, newest_first: bool) -> None:
    """Of a device that does not say what it buffered: ten minutes of silence, then everything within seconds."""
    live = [report(n * every_s, heard_s=n * every_s) for n in range(-20, 0)]
    written = [n * every_s for n in range(int(600 / every_s))]
    flushed = [
        report(sent_s, heard_s=600 + 0.02 * n)
        for n, sent_s in enumerate(reversed(written) if newest_first else written)
    ]
    again = [report(620 + n * every_s, heard_s=620 + n * every_s) for n in range(8)]
    heard = hear([*live, *flushed, *again])
    assert all(one.seen is seen for one, seen in zip(heard, [*live, *flushed, *again], strict=True))
    assert heard[-1].known.clock_skews_s == ()


def test_backlog_in_one_message_is_never_taken_for_a_slow_clock() -> None:
    live = [report(n, heard_s=n) for n in range(-20, 0)]
    flushed = [report(n, heard_s=600) for n in range(600)]
    assert hear([*live, *flushed])[-1].known.clock_skews_s == ()


def test_fix_that_a_device_repeats_for_ever_is_never_taken_for_a_slow_clock() -> None:
    """OwnTracks without a time of its own: the message is as old as the fix in it."""
    heard = hear(report(0, heard_s=float(n), at=fix(0)) for n in range(300))
    assert [one for one in heard if one.seen.doubts != (Doubt.NO_SEQUENCE,)] == []


def test_events_and_buffered_reports_tell_nothing_of_the_clock() -> None:
    known = Known(heard_at=after(-30), sent_at=after(-630))
    for seen in (event(EventKind.SOS, -600), report(-600, buffered=True), report(None)):
        assert admit(seen, known).known.clock_skews_s == ()
    assert admit(report(-600), known).known.clock_skews_s == (600,)


def test_fix_is_judged_by_the_corrected_time() -> None:
    ahead = Known(heard_at=after(-30), sent_at=after(570), clock_skews_s=FAST)
    assert admit(report(600, at=fix(599)), ahead).refusals == ()
    both = admit(report(600, at=fix(800)), ahead)
    assert (both.seen.fix, new_doubts(both)) == (None, [Doubt.CLOCK_SKEWED, Doubt.FIX_IN_FUTURE])


@pytest.mark.parametrize("every_s", [5, 10, 30])
@pytest.mark.parametrize("off_s", [-3_600, -600, -45, 0, 45, 170, 600, 3_600])
def test_wearer_of_a_clock_that_is_off_alarms_three_minutes_after_he_lies_down_and_not_before(
    off_s: float, every_s: int
) -> None:
    """From the first message that the device ever sent: through the gate and on to the rule."""
    state = WatchState(
        device_id=DeviceId(7),
        shift_id=ShiftId(70),
        shift_started_at=NOW,
        profile=PROFILES[DEFAULT],
        evidence_at=NOW,
        evidence=Evidence.SHIFT_START,
        episode=begin(NOW, PROFILES[DEFAULT]),
    )
    known = Known()
    for at_s in range(every_s, 1_801, every_s):
        walks = at_s <= 1_200
        place = fix(at_s - off_s, north_m=1.2 * min(at_s, 1_200))
        admitted = admit(report(at_s - off_s, heard_s=at_s + 0.3, at=place, steps=9 if walks else 0), known)
        known = admitted.known
        state = fold(state, [admitted.seen])
        assert state.due_at is not None
        if walks:
            assert state.evidence_at + timedelta(seconds=180) > after(at_s + 0.3)
    # A displacement is confirmed by the fix after it: one report more.
    assert state.due_at is not None
    assert after(1_200 + 150 - 5 - every_s) <= state.due_at <= after(1_200 + 150 + every_s + 0.3)


# ------------------------------------------------------------------ teleports


@pytest.mark.parametrize(
    ("apart_s", "north_m", "accuracies_m", "impossible"),
    [
        # Driving, the van included; and what only a plane can do.
        (10, 350, (6, 6), False),
        (10, 600, (6, 6), False),
        (10, 700, (6, 6), True),
        (60, 3_600, (6, 6), False),
        (60, 50_000, (6, 6), True),
        (3_600, 200_000, (6, 6), False),
        # As well as both are known.
        (10, 850, (6, 200), False),
        (10, 850, (200, 6), False),
        (10, 850, (6, None), False),
        (10, 850, (6, 6), True),
        # In the same second.
        (0, 60, (6, 6), False),
        (0, 100, (6, 6), True),
    ],
)
def test_fix_is_doubted_when_nobody_can_have_gone_there(
    apart_s: float, north_m: float, accuracies_m: tuple[float | None, float | None], impossible: bool
) -> None:
    before = fix(-apart_s, accuracy_m=accuracies_m[0])
    admitted = admit(report(at=fix(north_m=north_m, accuracy_m=accuracies_m[1])), Known(fix=before))
    assert new_doubts(admitted) == [Doubt.TELEPORT] * impossible
    assert (admitted.seen.fix is not None, admitted.refusals) == (True, ())  # it is shown, it only proves nothing


def test_sos_goes_on_from_wherever_it_seems_to_come() -> None:
    admitted = admit(event(EventKind.SOS, at=fix(north_m=90_000)), Known(fix=fix(-10)))
    assert admitted.seen == replace(event(EventKind.SOS, at=fix(north_m=90_000)), doubts=(Doubt.TELEPORT,))


def test_device_that_stays_where_it_seemed_to_have_jumped_is_believed() -> None:
    heard = hear(
        [report(s, heard_s=s, at=fix(s, north_m=90_000 + s)) for s in (0, 10, 20)], Known(fix=fix(-10, north_m=0))
    )
    assert [new_doubts(one) for one in heard] == [[Doubt.TELEPORT], [], []]


def test_device_that_jumped_and_came_back_is_believed_from_the_next_fix_on() -> None:
    places = (0, 90_000, 5, 10)
    heard = hear(report(10 * n, heard_s=10 * n, at=fix(10 * n, north_m=m)) for n, m in enumerate(places))
    assert [new_doubts(one) for one in heard] == [[], [Doubt.TELEPORT], [Doubt.TELEPORT], []]


def test_late_fix_is_compared_with_none_and_is_none_to_compare_with() -> None:
    admitted = admit(report(-600, at=fix(-600, north_m=90_000)), Known(fix=fix(-10)))
    assert (new_doubts(admitted), admitted.known.fix) == ([], fix(-10))


def test_meridian_of_change_is_no_teleport() -> None:
    fiji = [replace(fix(s), position=Position(-17.0, degrees)) for s, degrees in ((-10, 179.9999), (0, -179.9999))]
    assert not teleported(*fiji)


# ------------------------------------------------------------------ what decoders should have refused


@pytest.mark.parametrize(
    "place", [(0, 0), (math.nan, 5), (47, math.nan), (91, 5), (-91, 5), (47, 181), (47, -181), (math.inf, 5)]
)
def test_place_that_is_none_is_taken_out(place: tuple[float, float]) -> None:
    for seen in (report(at=fix(), steps=3), event(EventKind.SOS, at=fix())):
        assert seen.fix is not None
        admitted = admit(replace(seen, fix=replace(seen.fix, position=Position(*place))), Known(fix=fix(-30)))
        assert admitted.seen == replace(seen, fix=None, doubts=(*seen.doubts, Doubt.BAD_FIX))
        assert [refusal.reason for refusal in admitted.refusals] == [Doubt.BAD_FIX]
        assert not any(str(number) in admitted.refusals[0].detail for number in place if number)
        assert admitted.known.fix == fix(-30)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_number_that_is_none_is_unknown(value: float) -> None:
    bad = replace(fix(), accuracy_m=value, speed_mps=value, course_deg=value, altitude_m=value)
    clean = replace(fix(), accuracy_m=None, speed_mps=None)
    admitted = admit(report(at=bad), Known())
    assert (admitted.seen.fix, new_doubts(admitted)) == (clean, [Doubt.BAD_FIELD])
    admitted = admit(replace(report(battery_pct=value), activity_mg=value), Known())
    assert reports_of(admitted).battery_pct is reports_of(admitted).activity_mg is None
    assert new_doubts(admitted) == [Doubt.BAD_FIELD]


def test_accuracy_below_zero_is_unknown() -> None:
    admitted = admit(report(at=fix(accuracy_m=-1)), Known())
    assert (admitted.seen.fix, new_doubts(admitted)) == (fix(accuracy_m=None), [Doubt.BAD_FIELD])


@pytest.mark.parametrize("steps", [-1, STEPS_MAX + 1])
def test_steps_that_nobody_makes_are_unknown(steps: int) -> None:
    admitted = admit(report(steps=steps), Known())
    assert (reports_of(admitted).steps, new_doubts(admitted)) == (None, [Doubt.BAD_FIELD])


# ------------------------------------------------------------------ counters


@pytest.mark.parametrize(
    ("before", "total", "steps", "stands_at"),
    [
        (None, 812, None, 812),  # from where it counts is unknown
        (800, 812, 12, 812),
        (812, 812, 0, 812),  # a fact
        (0, 12, 12, 12),
        (812, 5, None, 5),  # the day or the device began anew
        (812, 0, None, 0),
        (0, STEPS_MAX + 1, None, STEPS_MAX + 1),  # nobody walks that much: another counter
        (812, -1, None, 812),
        (812, 2**31, None, 812),  # more than the database holds
    ],
)
def test_steps_are_what_the_counter_grew_by(before: int | None, total: int, steps: int | None, stands_at: int) -> None:
    admitted = admit(report(steps_total=total), Known(steps_total=before))
    assert reports_of(admitted).steps == steps
    assert admitted.known.steps_total == stands_at


def test_steps_that_a_device_tells_itself_are_taken_as_told() -> None:
    admitted = admit(report(steps=3, steps_total=812), Known(steps_total=800))
    assert (reports_of(admitted).steps, admitted.known.steps_total) == (3, 812)


def test_late_report_does_not_set_the_counter_back() -> None:
    """The next one would count the same steps again, as movement now."""
    late = report(-600, at=fix(-600), steps_total=790)
    undated = report(None, steps_total=790, buffered=True)
    for seen in (late, undated):
        admitted = admit(seen, Known(fix=fix(-10), steps_total=812))
        assert (reports_of(admitted).steps, admitted.known.steps_total) == (None, 812)


def test_counter_goes_on_when_the_report_is_repeated() -> None:
    heard = hear([report(0, heard_s=s, at=fix(0), steps_total=812) for s in (0, 90)], Known(steps_total=800))
    assert [reports_of(one).steps for one in heard] == [12, 0]


# ------------------------------------------------------------------ what is known next time


def test_device_was_heard_when_it_was_heard_last() -> None:
    known = admit(report(-3), Known(heard_at=after(-30), sent_at=after(-33))).known
    assert (known.heard_at, known.sent_at) == (NOW, after(-3))
    late = admit(report(-60, heard_s=-50), known).known  # another process was faster
    assert (late.heard_at, late.sent_at) == (NOW, after(-3))


# ------------------------------------------------------------------ whatever is said

seconds = st.integers(-20_000, 20_000).map(float) | st.sampled_from([-WEEKS_S, -2 * WEEKS_S, -1e9, 1e9])
numbers = st.none() | st.floats()
fixes = st.builds(
    Fix,
    fixed_at=seconds.map(after),
    position=st.builds(Position, st.floats(), st.floats()) | st.builds(Position, st.floats(47, 48), st.floats(4, 6)),
    accuracy_m=numbers,
    speed_mps=numbers,
    course_deg=numbers,
    altitude_m=numbers,
)
counters = st.none() | st.integers(-10, 300) | st.integers()
said = st.builds(
    report,
    st.none() | seconds,
    heard_s=seconds.filter(lambda s: abs(s) < 1e6),
    at=st.none() | fixes,
    steps=counters,
    steps_total=counters,
    battery_pct=numbers,
    buffered=st.booleans(),
) | st.builds(event, st.sampled_from(EventKind), st.none() | seconds, at=st.none() | fixes)


@given(st.lists(said, max_size=20))
def test_nothing_crashes_the_gate_and_nothing_but_a_fix_is_lost(heard: list[Observation]) -> None:
    known = Known()
    for seen in heard:
        admitted = admit(seen, known)
        found, known = admitted.seen, admitted.known
        assert type(found) is type(seen)
        assert (found.received_at, found.message_key) == (seen.received_at, seen.message_key)
        assert found.doubts[: len(seen.doubts)] == seen.doubts
        if isinstance(seen, Event) and isinstance(found, Event):
            assert found.kind is seen.kind
        if isinstance(seen, Report) and isinstance(found, Report) and seen.steps and 0 < seen.steps <= STEPS_MAX:
            assert found.steps == seen.steps
        if not (isinstance(seen, Report) and seen.steps_total is not None):
            assert found == seen or len(found.doubts) > len(seen.doubts)  # nothing is changed without a reason
        assert (found.fix is None) is (seen.fix is None or bool(admitted.refusals))
        assert {refusal.reason for refusal in admitted.refusals} <= set(found.doubts)


@given(st.lists(said, max_size=20))
def test_what_is_admitted_can_be_reckoned_with(heard: list[Observation]) -> None:
    known = Known()
    for seen in heard:
        admitted = admit(seen, known)
        found, known = admitted.seen, admitted.known
        if found.fix is not None:
            assert EARLIEST <= found.fix.fixed_at <= found.received_at + FUTURE_MAX
            assert abs(found.fix.position.latitude_deg) <= 90
            assert abs(found.fix.position.longitude_deg) <= 180
            known_numbers = (found.fix.accuracy_m, found.fix.speed_mps, found.fix.course_deg, found.fix.altitude_m)
            assert all(number is None or math.isfinite(number) for number in known_numbers)
        if isinstance(found, Report):
            assert found.steps is None or 0 <= found.steps <= STEPS_MAX
        assert known.fix is None or known.fix.fixed_at <= max(one.received_at for one in heard) + FUTURE_MAX
        assert known.heard_at is not None
        assert known.heard_at >= found.received_at
        assert len(known.clock_skews_s) <= 5


@given(
    st.lists(st.floats(0, 3), min_size=12, max_size=30),
    st.integers(5, 60),
    st.integers(-86_400, 86_400).filter(lambda s: abs(s) > 35),
)
def test_corrected_times_are_near_the_truth_whatever_the_network_does(
    delays_s: list[float], every_s: int, off_s: int
) -> None:
    """Once a clock is found out, nothing it says is further off than the network and the grain of the correction."""
    heard = hear(report(n * every_s - off_s, heard_s=n * every_s + delay_s) for n, delay_s in enumerate(delays_s))
    for number, one in enumerate(heard):
        if Doubt.CLOCK_SKEWED in new_doubts(one):
            said_s = sent_s_of(one.seen)
            assert said_s is not None
            assert number * every_s - 2.6 <= said_s <= number * every_s + 3 + 2.6


@given(st.lists(st.integers(1, 60), min_size=5, max_size=40), st.floats(2, 100), st.integers(31, 3_600))
def test_backlog_that_comes_faster_than_it_was_written_is_left_as_it_is(
    intervals_s: list[int], times_faster: float, late_s: int
) -> None:
    sent_s, heard_s, seen = 0.0, float(late_s), [report(-10, heard_s=-10)]
    for interval_s in intervals_s:
        sent_s, heard_s = sent_s + interval_s, heard_s + interval_s / times_faster
        if heard_s < sent_s:
            break
        seen.append(report(sent_s, heard_s=heard_s))
    assert all(one.seen is said for one, said in zip(hear(seen), seen, strict=True))


@given(st.floats(0, 360), st.floats(0, ROAD_SPEED_MAX_MPS), st.integers(1, 3_600), st.floats(0, 100))
def test_whoever_drives_is_never_doubted(way_deg: float, speed_mps: float, apart_s: int, accuracy_m: float) -> None:
    gone_m = speed_mps * apart_s
    here = Position(
        47.3215 + gone_m * math.cos(math.radians(way_deg)) / 111_195,
        5.0415 + gone_m * math.sin(math.radians(way_deg)) / (111_195 * math.cos(math.radians(47.3215))),
    )
    there = replace(fix(apart_s, accuracy_m=accuracy_m), position=here)
    # Degrees of longitude shrink towards the pole: on a long way north the plain reckoning above is too long.
    assert not teleported(fix(accuracy_m=accuracy_m), there) or gone_m > 20_000
