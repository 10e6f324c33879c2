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
from gyrophare.sim.body import Body
from gyrophare.sim.cote_dor import CREW, LIES_STILL, PRESSES_SOS, VAN, route

SINCE = datetime(2026, 1, 14, 7, 42, 3, tzinfo=UTC)
ROADS = Path(__file__).parents[1] / "dashboards/web/public/map/roads.geojson"
WALKER = Body(route=route("w-01"), pace_mps=1.2, on_foot=True, since=SINCE, seed=1)
DRIVER = replace(WALKER, route=route("w-03"), pace_mps=14.0, on_foot=False, seed=3)
seconds = st.floats(0, 86_400)


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
    assert moved_m <= body.pace_mps * lapse_s * 1.01 + 0.1


def test_body_on_its_way_moves_at_its_pace() -> None:
    moved_m = sum(
        distance_m(WALKER.position(after(at_s)), WALKER.position(after(at_s + 10))) for at_s in range(0, 600, 10)
    )
    assert moved_m == pytest.approx(1.2 * 600, rel=0.02)
    assert WALKER.speed_mps(after(300)) == 1.2


@given(seconds, st.floats(0, 86_400))
def test_body_lies_still_from_its_instant_on(lies_s: float, later_s: float) -> None:
    body = replace(WALKER, lies_from=after(lies_s))
    assert body.position(after(lies_s + later_s)) == body.position(after(lies_s))
    assert body.steps(after(lies_s + later_s)) == body.steps(after(lies_s))
    assert body.speed_mps(after(lies_s + later_s)) == 0


@given(seconds, st.floats(0.001, 86_400))
def test_body_moves_as_if_nothing_were_to_come_until_it_falls(lies_s: float, before_s: float) -> None:
    at = after(lies_s) - timedelta(seconds=before_s)
    body = replace(WALKER, lies_from=after(lies_s))
    assert (body.position(at), body.steps(at), body.measured(at)) == (
        WALKER.position(at),
        WALKER.steps(at),
        WALKER.measured(at),
    )
    assert body.speed_mps(at) == WALKER.pace_mps


def test_receiver_of_somebody_who_lies_still_goes_on_wandering_a_little() -> None:
    body = replace(WALKER, lies_from=SINCE)
    measured = [body.measured(after(at_s)) for at_s in range(600)]
    assert len({place for place, _ in measured}) > 500  # it does not freeze, as real ones do not
    away_m = [distance_m(body.position(SINCE), place) for place, _ in measured]
    assert 1 < max(away_m) < 20
    assert all(4 <= accuracy_m <= 9 for _, accuracy_m in measured)


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


def test_body_turns_at_both_ends_of_its_route() -> None:
    start, end = Position(47.0, 5.0), Position(47.01, 5.0)
    length_m = distance_m(start, end)
    body = Body(route=(start, end), pace_mps=1.0, on_foot=True, since=SINCE, seed=0)
    for rounds in (0, 1, 7):
        assert distance_m(body.position(after((2 * rounds) * length_m)), start) < 0.1
        assert distance_m(body.position(after((2 * rounds + 1) * length_m)), end) < 0.1


@pytest.mark.parametrize("places", [(), (Position(47.0, 5.0),)])
def test_route_of_less_than_two_places_is_refused(places: tuple[Position, ...]) -> None:
    with pytest.raises(ValueError, match=f"needs two places or more, got {len(places)}"):
        Body(route=places, pace_mps=1.0, on_foot=True, since=SINCE, seed=0)


def test_route_that_stays_in_one_place_for_a_while_is_walked_through() -> None:
    corner = Position(47.005, 5.0)
    body = Body(
        route=(Position(47.0, 5.0), corner, corner, Position(47.01, 5.0)),
        pace_mps=1.0,
        on_foot=True,
        since=SINCE,
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
    length_s = 2 * sum(distance_m(a, b) for a, b in pairwise(member.route)) / member.pace_mps
    lines = [line for ref in refs for line in roads()[ref]]
    return max(
        min(beside_m(member.position(after(length_s * part / 200)), line) for line in lines) for part in range(200)
    )


@pytest.mark.parametrize("member", CREW, ids=lambda member: member.device)
def test_crew_member_works_on_a_road_of_the_map(member: object) -> None:
    assert member in CREW
    [crew] = [one for one in CREW if one is member]
    body = Body(route=route(crew.device), pace_mps=crew.pace_mps, on_foot=crew.on_foot, since=SINCE, seed=1)
    assert off_the_road_m(body, list(roads())) <= 60


def test_van_drives_on_a_road_of_the_map() -> None:
    body = Body(route=route(VAN), pace_mps=14.0, on_foot=False, since=SINCE, seed=1)
    assert off_the_road_m(body, list(roads())) <= 60


def test_crew_is_twelve_different_devices_and_two_of_them_have_a_story() -> None:
    devices = [member.device for member in CREW]
    assert len(set(devices)) == len(devices) == 12
    on_foot = {member.device for member in CREW if member.on_foot and member.speaks == "native"}
    assert {LIES_STILL, PRESSES_SOS} <= on_foot
    assert LIES_STILL != PRESSES_SOS


def test_device_that_nobody_wears_has_no_route() -> None:
    with pytest.raises(KeyError):
        route("w-99")
