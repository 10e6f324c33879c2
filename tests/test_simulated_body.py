"""A simulated wearer is a pure function of time, and the invented crew works on the roads that the map draws."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from math import cos, hypot, radians
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gyrophare.kernel.geo import Position, distance_m
from gyrophare.sim.activities import ACTIVITIES, LIE, MOW, PARK, PLOUGH, REST, RIDE, WALK, Activity, Plan, Segment
from gyrophare.sim.body import Body
from gyrophare.sim.cote_dor import CREW, LIES_STILL, PRESSES_SOS, VAN, route

SINCE = datetime(2026, 1, 14, 7, 42, 3, tzinfo=UTC)
ROADS = Path(__file__).parents[1] / "dashboards/web/public/map/roads.geojson"
WALKER = Body(route=route("w-01"), plan=Plan.only(WALK, SINCE), seed=1)
DRIVER = Body(route=route("w-03"), plan=Plan.only(RIDE, SINCE), seed=3, wooded=0.5)
STROLL = replace(WALK, name="stroll", pace_mps=1.0)
seconds = st.floats(0, 86_400)


def lying(from_s: float) -> Body:
    """The walker, had he fallen then."""
    walks = Segment(activity=WALK, seconds=(after(from_s) - SINCE).total_seconds())
    return replace(WALKER, plan=Plan(since=SINCE, segments=(walks, Segment(activity=LIE))))


def after(second: float) -> datetime:
    return SINCE + timedelta(seconds=second)


@given(st.lists(seconds, min_size=1, max_size=20), st.sampled_from([WALKER, DRIVER]))
def test_body_asked_in_any_order_answers_the_same(asked: list[float], body: Body) -> None:
    twin = replace(body)
    answers = {at_s: (twin.position(after(at_s)), twin.measured(after(at_s))) for at_s in sorted(asked)}
    for at_s in asked:
        assert (body.position(after(at_s)), body.measured(after(at_s))) == answers[at_s]


@given(seconds, st.floats(0, 60), st.sampled_from([WALKER, DRIVER]))
def test_body_is_never_faster_than_its_pace(at_s: float, lapse_s: float, body: Body) -> None:
    moved_m = distance_m(body.position(after(at_s)), body.position(after(at_s + lapse_s)))
    assert moved_m <= body.speed_mps(after(at_s)) * lapse_s * 1.01 + 0.1


def test_body_on_its_way_moves_at_its_pace() -> None:
    moved_m = sum(
        distance_m(WALKER.position(after(at_s)), WALKER.position(after(at_s + 10))) for at_s in range(0, 600, 10)
    )
    assert moved_m == pytest.approx(1.2 * 600, rel=0.02)
    assert WALKER.speed_mps(after(300)) == 1.2


@given(seconds, st.floats(0, 86_400))
def test_body_lies_still_from_its_instant_on(lies_s: float, later_s: float) -> None:
    body = lying(lies_s)
    assert body.position(after(lies_s + later_s)) == body.position(after(lies_s))
    assert body.steps(after(lies_s + later_s)) == body.steps(after(lies_s))
    assert body.speed_mps(after(lies_s + later_s)) == 0


@given(seconds, st.floats(0.001, 86_400))
def test_body_moves_as_if_nothing_were_to_come_until_it_falls(lies_s: float, before_s: float) -> None:
    at = after(lies_s) - timedelta(seconds=before_s)
    body = lying(lies_s)
    assert (body.position(at), body.steps(at), body.measured(at)) == (
        WALKER.position(at),
        WALKER.steps(at),
        WALKER.measured(at),
    )
    assert body.speed_mps(at) == (1.2 if at >= SINCE else 0)


def test_steps_are_made_on_foot_only() -> None:
    assert WALKER.steps(SINCE) == 0
    assert WALKER.steps(after(60)) == 102
    assert DRIVER.steps(after(3_600)) == 0


@given(seconds, st.floats(0, 600))
def test_steps_never_go_back(at_s: float, lapse_s: float) -> None:
    assert 0 <= WALKER.steps(after(at_s)) <= WALKER.steps(after(at_s + lapse_s))


def test_body_before_its_shift_stands_at_its_beginning() -> None:
    assert WALKER.position(after(-3_600)) == WALKER.position(SINCE)
    assert WALKER.steps(after(-3_600)) == 0


# How each row of the table shows: on foot there are steps, at the wheel there is speed, on the ground neither.
@pytest.mark.parametrize(
    ("activity", "steps_per_min", "speed_mps", "least_mg", "most_mg"),
    [
        (WALK, 102, 1.2, 40, 320),
        (MOW, 54, 0.5, 105, 595),
        (PLOUGH, 0, 9.0, 5, 115),
        (RIDE, 0, 14.0, 0, 55),
        (REST, 2, 0, 0, 35),
        (LIE, 0, 0, 0, 7),
        (PARK, 0, 0, 0, 8),
    ],
    ids=lambda value: value.name if isinstance(value, Activity) else None,
)
def test_activity_shows_on_the_wrist_as_its_row_says(
    activity: Activity, steps_per_min: int, speed_mps: float, least_mg: float, most_mg: float
) -> None:
    body = replace(WALKER, plan=Plan.only(activity, SINCE))
    assert body.steps(after(60)) == steps_per_min
    assert body.speed_mps(after(60)) == speed_mps
    shown_mg = [body.activity_mg(after(at_s)) for at_s in range(3_600)]
    assert least_mg <= min(shown_mg) <= max(shown_mg) <= most_mg
    assert sum(shown_mg) / 3_600 == pytest.approx(activity.activity_mg, rel=0.1)


def test_every_activity_is_tested() -> None:
    assert {activity.name for activity in ACTIVITIES} == {"walk", "mow", "plough", "ride", "rest", "lie", "park"}


def test_plan_follows_its_segments_and_stays_in_the_last() -> None:
    segments = (
        Segment(activity=RIDE, seconds=100),
        Segment(activity=MOW, seconds=200),
        Segment(activity=REST, seconds=50),
        Segment(activity=WALK),
    )
    plan = Plan(since=SINCE, segments=segments)
    assert [plan.activity(after(at_s)).name for at_s in (-1, 0, 99, 100, 299, 300, 349, 350, 99_999)] == [
        "ride",
        "ride",
        "ride",
        "mow",
        "mow",
        "rest",
        "rest",
        "walk",
        "walk",
    ]
    assert plan.moved_m(after(300)) == plan.moved_m(after(350)) == pytest.approx(100 * 14 + 200 * 0.5)
    assert plan.steps(after(100)) == 0
    assert plan.steps(after(450)) == int(200 * 0.9 + 50 * 0.04 + 100 * 1.7)
    assert [plan.moving(after(at_s)) for at_s in (-1, 0, 320, 360)] == [False, True, False, True]


def test_plan_without_a_segment_is_refused() -> None:
    with pytest.raises(ValueError, match="one segment or more, got none"):
        Plan(since=SINCE, segments=())


def test_body_turns_at_both_ends_of_its_route() -> None:
    start, end = Position(47.0, 5.0), Position(47.01, 5.0)
    length_m = distance_m(start, end)
    body = Body(route=(start, end), plan=Plan.only(STROLL, SINCE), seed=0)
    for rounds in (0, 0, 8):
        assert distance_m(body.position(after((2 * rounds) * length_m)), start) < 0.1
        assert distance_m(body.position(after((2 * rounds + 1) * length_m)), end) < 0.1


@pytest.mark.parametrize("places", [(), (Position(47.0, 5.0),)])
def test_route_of_less_than_two_places_is_refused(places: tuple[Position, ...]) -> None:
    with pytest.raises(ValueError, match=f"needs two places or more, got {len(places)}"):
        Body(route=places, plan=Plan.only(WALK, SINCE), seed=0)


def test_route_that_stays_in_one_place_for_a_while_is_walked_through() -> None:
    corner = Position(47.005, 5.0)
    body = Body(
        route=(Position(47.0, 5.0), corner, corner, Position(47.01, 5.0)),
        plan=Plan.only(STROLL, SINCE),
        seed=0,
    )
    length_m = 2 * distance_m(Position(47.0, 5.0), corner)
    assert distance_m(body.position(after(length_m / 2)), corner) < 0.1
    assert distance_m(body.position(after(length_m)), Position(47.01, 5.0)) < 0.1


# ------------------------------------------------------------------ the crew and the map


@cache
def roads() -> dict[str, list[list[Position]]]:
    """The lines of the map by the road's number."""
    lines: dict[str, list[list[Position]]] = {}
    for feature in json.loads(ROADS.read_text(encoding="utf-8"))["features"]:
        assert feature["geometry"]["type"] == "LineString"
        line = [
            Position(latitude_deg, longitude_deg) for longitude_deg, latitude_deg in feature["geometry"]["coordinates"]
        ]
        lines.setdefault(feature["properties"]["ref"], []).append(line)
    return lines


def beside_m(place: Position, line: list[Position]) -> float:
    """How far `place` lies from `line`: on a plane around it, which is exact enough for a kilometre."""
    flat = [
        (
            (vertex.longitude_deg - place.longitude_deg) * 111_195 * cos(radians(place.latitude_deg)),
            (vertex.latitude_deg - place.latitude_deg) * 111_195,
        )
        for vertex in line
    ]
    nearest_m = float("inf")
    for (ax, ay), (bx, by) in pairwise(flat):
        length2 = (bx - ax) ** 2 + (by - ay) ** 2
        share = min(max(-(ax * (bx - ax) + ay * (by - ay)) / length2, 0.0), 1.0) if length2 else 0.0
        nearest_m = min(nearest_m, hypot(ax + share * (bx - ax), ay + share * (by - ay)))
    return nearest_m


def off_the_road_m(member: Body, refs: list[str]) -> float:
    """The farthest that this body ever is from the nearest of these roads."""
    length_s = 2 * sum(distance_m(a, b) for a, b in pairwise(member.route)) / member.speed_mps(SINCE)
    lines = [line for ref in refs for line in roads()[ref]]
    return max(
        min(beside_m(member.position(after(length_s * part / 200)), line) for line in lines) for part in range(200)
    )


@pytest.mark.parametrize("member", CREW, ids=lambda member: member.device)
def test_crew_member_works_on_a_road_of_the_map(member: object) -> None:
    assert member in CREW
    [crew] = [one for one in CREW if one is member]
    body = Body(route=route(crew.device), plan=Plan.only(crew.activity, SINCE), seed=1)
    assert off_the_road_m(body, list(roads())) <= 60


def test_van_drives_on_a_road_of_the_map() -> None:
    body = Body(route=route(VAN), plan=Plan.only(RIDE, SINCE), seed=1)
    assert off_the_road_m(body, list(roads())) <= 60


def test_crew_is_twelve_different_devices_and_two_of_them_have_a_story() -> None:
    devices = [member.device for member in CREW]
    assert len(set(devices)) == len(devices) == 12
    on_foot = {member.device for member in CREW if member.activity.steps_per_s and member.speaks == "native"}
    assert {LIES_STILL, PRESSES_SOS} <= on_foot
    assert LIES_STILL != PRESSES_SOS


def test_device_that_nobody_wears_has_no_route() -> None:
    with pytest.raises(KeyError):
        route("w-99")
