"""Each rule beside stillness, by itself: due at the very second and not before, once for one cause."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from gyrophare.kernel.geo import Position
from gyrophare.kernel.observations import EventKind, Fix
from lone_worker.displacement import first_place
from lone_worker.episode import Episode, Stir
from lone_worker.evidence import Evidence
from lone_worker.memory import remember
from lone_worker.profiles import PROFILES, Profile
from lone_worker.rules import battery, check, clock, gnss, left_area, overrun, pause, restart, signal, worn
from lone_worker.rules.facts import Facts, Finding, Rule
from lone_worker.stillness import WatchState
from lone_worker.vehicle import Ride
from lone_worker.whereabouts import Whereabouts
from tests.test_areas import SQUARE
from tests.test_stillness import FRESH, START, after

OFFICE = PROFILES["office"]


def said(state: WatchState = FRESH, **at_s: float) -> WatchState:
    """What a watch said, by the name of its kind, and when."""
    events = {EventKind(kind): after(second) for kind, second in at_s.items()}
    return replace(state, memory=remember(state.memory, events))


def heard(at_s: float, state: WatchState = FRESH, moved_s: float | None = None) -> WatchState:
    """Last heard then, with evidence unless it was said when that was."""
    return replace(
        state, heard_at=after(at_s), evidence_at=after(at_s if moved_s is None else moved_s), evidence=Evidence.STEPS
    )


def riding(since_s: float, profile: Profile | None = None) -> WatchState:
    state = replace(FRESH, whereabouts=Whereabouts(ride=Ride(after(since_s).timestamp())))
    return state if profile is None else replace(state, profile=profile)


def at(rule: Rule, facts: Facts, now_s: float = 0) -> Finding | None:
    return rule(facts, after(now_s))


def seconds(rule: Rule, facts: Facts, now_s: float = 0) -> tuple[float, float] | None:
    """Since when and when it is due, in seconds of the shift."""
    finding = at(rule, facts, now_s)
    if finding is None:
        return None
    return (finding.since_at - START).total_seconds(), (finding.due_at - START).total_seconds()


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (FRESH, None),
        (replace(FRESH, profile=OFFICE), (0, 1_800)),
        (said(replace(FRESH, profile=OFFICE), checkin=600), (600, 2_400)),
        (said(replace(FRESH, profile=OFFICE), ok=600, reply=700), (700, 2_500)),
        (said(replace(FRESH, profile=OFFICE), pause=600), None),
        (said(replace(FRESH, profile=OFFICE), pause=600, resume=900), (900, 2_700)),
        # Neither steps nor a call for help answer a check.
        (heard(900, replace(FRESH, profile=OFFICE)), (0, 1_800)),
        (said(replace(FRESH, profile=OFFICE), sos=600, fall=600, delivered=600), (0, 1_800)),
        # In a vehicle the body proves nothing: asked although on foot it would not be.
        (riding(300), (300, 1_200)),
        (said(riding(300), checkin=600), (600, 1_500)),
        (riding(300, replace(OFFICE, vehicle_check_every_s=900)), (0, 900)),
        (riding(300, OFFICE), (0, 1_800)),
    ],
)
def test_timed_check_is_missed_when_nothing_was_said(state: WatchState, expected: tuple[float, float] | None) -> None:
    assert seconds(check.missed, Facts(state=state)) == expected


def test_timed_check_is_announced_before_it_is_missed() -> None:
    finding = at(check.missed, Facts(state=replace(FRESH, profile=OFFICE)))
    assert finding is not None
    assert finding.notice_at == after(1_800 - 45)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (Facts(state=FRESH), (0, 300)),  # never heard
        (Facts(state=heard(100)), (100, 400)),
        # Last heard still for a minute, or calling for help: half the time.
        (Facts(state=heard(100, moved_s=41)), (100, 400)),
        (Facts(state=heard(100, moved_s=40)), (100, 250)),
        (Facts(state=heard(100), help_since_at=after(90)), (100, 250)),
        # The last will is the same silence, found sooner, and never later.
        (Facts(state=said(heard(100), offline=130)), (100, 250)),
        (Facts(state=said(heard(100), offline=350)), (100, 400)),
        (Facts(state=said(heard(100, moved_s=40), offline=130)), (100, 190)),
        (Facts(state=said(heard(100), offline=130, online=131)), (100, 400)),
        (Facts(state=said(heard(100), offline=99)), (100, 400)),  # heard since
        # Where silence is excused, and no longer.
        (Facts(state=heard(100), white_zone_s=1_200), (100, 1_300)),
        (Facts(state=said(heard(100), offline=130), white_zone_s=1_200), (100, 1_300)),
        (Facts(state=heard(100), white_zone_s=60), (100, 400)),
        (Facts(state=heard(100, replace(FRESH, profile=replace(FRESH.profile, silence_after_s=900)))), (100, 1_000)),
        (Facts(state=said(heard(100), pause=100)), None),
        # Stillness has said so already; until the wearer moves again.
        (Facts(state=replace(heard(100), episode=Episode(due_at=None, alarmed_at=after(0)))), None),
        (
            Facts(
                state=replace(
                    heard(300),
                    episode=Episode(due_at=None, alarmed_at=START, stirs=(Stir(after(290), after(290)),)),
                )
            ),
            (300, 600),
        ),
    ],
)
def test_signal_is_lost_when_the_watch_is_not_heard(facts: Facts, expected: tuple[float, float] | None) -> None:
    assert seconds(signal.lost, facts) == expected


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (Facts(state=FRESH), None),
        (Facts(state=FRESH, battery_pct=21), None),
        (Facts(state=FRESH, battery_pct=20), (0, 500)),
        (Facts(state=FRESH, battery_pct=0), (0, 500)),
        (Facts(state=said(low_battery=60)), (0, 60)),
        (Facts(state=said(low_battery=60, charging=90)), None),
        (Facts(state=said(low_battery=60, charging=90), battery_pct=5), (0, 500)),
        (Facts(state=said(low_battery=60, pause=70)), (0, 60)),  # also in a pause
    ],
)
def test_battery_is_low_once_a_shift(facts: Facts, expected: tuple[float, float] | None) -> None:
    assert seconds(battery.low, facts, 500) == expected


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (FRESH, None),
        (said(removed=100), (100, 160)),
        (said(charging=100), (100, 160)),
        (said(removed=100, charging=130), (100, 160)),
        (said(removed=100, worn=101), None),
        (said(removed=100, worn=100), None),
        (said(removed=102, worn=101), (102, 162)),
        (said(removed=100, pause=100), None),
        # Steps may be those of taking it off; a while later somebody has it on who never says so.
        (said(heard(160), removed=100), (100, 160)),
        (said(heard(160.1), removed=100), None),
        (said(heard(160.1), charging=100), None),
        # A van moves what lies in it.
        (said(replace(heard(500), evidence=Evidence.DISPLACEMENT), removed=100), (100, 160)),
        (
            said(
                replace(heard(500), evidence=Evidence.DISPLACEMENT, body_at=after(170), body=Evidence.STEPS),
                removed=100,
            ),
            None,
        ),
        (said(charging=-100), (-100, -40)),
    ],
)
def test_watch_is_not_worn_when_it_was_taken_off(state: WatchState, expected: tuple[float, float] | None) -> None:
    assert seconds(worn.not_worn, Facts(state=state)) == expected


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (Facts(state=FRESH), None),  # never heard: another rule's matter
        (Facts(state=heard(500)), (0, 600)),
        (Facts(state=heard(500), positioned_at=after(400)), (400, 1_000)),
        (Facts(state=heard(500), positioned_at=after(-400)), (0, 600)),
        (Facts(state=heard(409)), None),
        (Facts(state=said(heard(500), pause=450)), None),
        (Facts(state=said(heard(500), pause=450, resume=490)), (490, 1_090)),
    ],
)
def test_position_is_lost_when_only_the_watch_is_heard(facts: Facts, expected: tuple[float, float] | None) -> None:
    assert seconds(gnss.lost, facts, 500) == expected


@pytest.mark.parametrize(
    ("skew_s", "expected"),
    [(None, None), (0, None), (59.9, None), (-59.9, None), (60, (0, 500)), (-60, (0, 500)), (31e6, (0, 500))],
)
def test_clock_is_unsafe_once_a_shift(skew_s: float | None, expected: tuple[float, float] | None) -> None:
    assert seconds(clock.unsafe, Facts(state=FRESH, clock_skew_s=skew_s), 500) == expected


def anchored(latitude_deg: float, longitude_deg: float, at_s: float) -> WatchState:
    fix = Fix(fixed_at=after(at_s), position=Position(latitude_deg, longitude_deg), accuracy_m=6)
    return replace(FRESH, whereabouts=Whereabouts(place=first_place(fix, after(at_s).timestamp())))


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (Facts(state=FRESH), None),
        (Facts(state=said(geofence_leave=60)), (60, 60)),
        (Facts(state=said(geofence_leave=60, geofence_enter=90)), None),
        (Facts(state=said(geofence_leave=60, pause=61)), None),
        (Facts(state=FRESH, area=SQUARE), None),  # nobody knows where
        (Facts(state=anchored(47.5, 5.5, 60), area=SQUARE), None),
        (Facts(state=anchored(46.5, 5.5, 60), area=SQUARE), (0, 60)),
        (Facts(state=anchored(46.5, 5.5, 60)), None),  # no area was drawn
        # A jump is not where the wearer is.
        (Facts(state=anchored(47.5, 5.5, 60), area=SQUARE, position=Position(46.5, 5.5)), None),
    ],
)
def test_area_is_left_when_the_watch_or_the_place_says_so(facts: Facts, expected: tuple[float, float] | None) -> None:
    assert seconds(left_area.left, facts) == expected


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (Facts(state=FRESH), None),
        (Facts(state=FRESH, planned_end_at=after(3_600)), (3_600, 4_500)),
        (Facts(state=said(pause=60), planned_end_at=after(3_600)), (3_600, 4_500)),
    ],
)
def test_shift_overruns_when_nobody_ends_it(facts: Facts, expected: tuple[float, float] | None) -> None:
    assert seconds(overrun.overrun, facts) == expected


@pytest.mark.parametrize(
    ("state", "expected"),
    [(FRESH, None), (said(pause=60), (60, 3_660)), (said(pause=60, resume=61), None)],
)
def test_pause_is_too_long_after_an_hour(state: WatchState, expected: tuple[float, float] | None) -> None:
    assert seconds(pause.too_long, Facts(state=state)) == expected


def asked(prealarmed_s: float) -> WatchState:
    """A wearer whom the watch has asked twice."""
    instants = (after(prealarmed_s), after(prealarmed_s + 20))
    return replace(FRESH, episode=Episode(due_at=after(180), prealarmed_at=instants))


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (Facts(state=FRESH, restarted_at=after(160)), None),  # nobody needs help
        (Facts(state=FRESH, help_since_at=after(100)), None),  # it did not restart
        (Facts(state=FRESH, restarted_at=after(160), help_since_at=after(161)), None),  # before
        (Facts(state=FRESH, restarted_at=after(160), help_since_at=after(160)), (160, 160)),
        (Facts(state=FRESH, restarted_at=after(200), help_since_at=after(160)), (200, 200)),
        (Facts(state=asked(150), restarted_at=after(160)), (160, 160)),
        (Facts(state=asked(150), restarted_at=after(149)), None),
        # Asked, restarted, then told of: it stays so.
        (Facts(state=asked(150), restarted_at=after(160), help_since_at=after(180)), (160, 160)),
    ],
)
def test_restart_counts_when_help_is_needed(facts: Facts, expected: tuple[float, float] | None) -> None:
    assert seconds(restart.restarted, facts) == expected


@pytest.mark.parametrize(
    ("rule", "facts"),
    [
        (check.missed, Facts(state=replace(FRESH, profile=OFFICE))),
        (signal.lost, Facts(state=heard(100))),
        (worn.not_worn, Facts(state=said(removed=100))),
        (gnss.lost, Facts(state=heard(600))),
        (overrun.overrun, Facts(state=FRESH, planned_end_at=after(3_600))),
        (pause.too_long, Facts(state=said(pause=60))),
    ],
)
def test_cause_and_time_of_a_danger_do_not_move_while_it_lasts(rule: Rule, facts: Facts) -> None:
    """Of one `since_at` somebody is told once."""
    assert len({rule(facts, after(600) + timedelta(seconds=later_s)) for later_s in range(0, 80, 7)}) == 1
