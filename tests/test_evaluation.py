"""The parts of an evaluation, case by case: episodes, the independent reference, the comparison."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gyrophare.evaluation.recording import Reading, Recording, instant
from gyrophare.evaluation.reference import Stay, heard_spans, stays
from gyrophare.evaluation.replay import Raised, Replayed, Step, replay
from gyrophare.evaluation.score import score
from gyrophare.kernel.geo import Position
from lone_worker.profiles import DEFAULT, PROFILES

AT = datetime(2026, 1, 14, 7, 42, 3, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return AT + timedelta(seconds=seconds)


def raised_s(evidence_s: list[float], until_s: float) -> list[tuple[str, float]]:
    """What is raised, when these pieces of evidence are had."""
    reading = Reading(Path("track"))
    heard_s = {*range(0, int(until_s), 60), until_s}  # a silence would be a matter of its own
    for at_s in sorted({*heard_s, *evidence_s}):
        reading.note(after(at_s), steps=int(at_s in evidence_s))
    found = replay(reading.recorded(), PROFILES[DEFAULT])
    return [(str(raised.step), (raised.at - AT).total_seconds()) for raised in found.raised]


ALL = [("prealarm", 150), ("second", 170), ("alarm", 180)]


def later(seconds: float) -> list[tuple[str, float]]:
    return [(step, at_s + seconds) for step, at_s in ALL]


@pytest.mark.parametrize(
    ("evidence_s", "until_s", "raised"),
    [
        ([], 149.9, []),
        ([], 150, ALL[:1]),
        ([], 180, ALL),
        ([], 10_000, ALL),  # once
        # Evidence in time puts all of it off.
        ([100], 279, later(100)[:2]),
        # Evidence during the pre-alarm cancels it; the next comes again.
        ([160], 340, [*ALL[:1], *later(160)]),
        # At the very instant of the alarm it is too late.
        ([180], 1_000, ALL),
        # A single piece of evidence does not arm again, twenty seconds of it do.
        ([500], 1_000, ALL),
        ([500, 519], 1_000, ALL),
        ([500, 520], 1_000, [*ALL, *later(520)]),
        ([500, 510, 530], 1_000, [*ALL, *later(530)]),
        # What is hours apart is not evidence that goes on.
        ([500, 5_000], 10_000, ALL),
    ],
)
def test_episode_when_evidence_comes(evidence_s: list[float], until_s: float, raised: list[tuple[str, float]]) -> None:
    assert raised_s(evidence_s, until_s) == raised


def track(*legs: tuple[float, float], every_s: float = 5, skip: tuple[float, float] = (0, 0)) -> Recording:
    """Legs of (metres a second, seconds), due north; nothing is heard between two instants."""
    reading, at_s, north_m = Reading(Path("track")), 0.0, 0.0
    for pace_mps, seconds in legs:
        end_s = at_s + seconds
        while at_s < end_s:
            if not skip[0] < at_s < skip[1]:
                reading.note(after(at_s), position=Position(47.3215 + north_m / 111_195, 5.0415))
            at_s += every_s
            north_m += pace_mps * every_s
    return reading.recorded()


def rests(recording: Recording) -> list[tuple[float, float]]:
    return [((one.start_at - AT).total_seconds(), (one.end_at - AT).total_seconds()) for one in stays(recording, 180)]


def test_reference_finds_rests_of_the_limit_or_longer() -> None:
    recording = track((1.2, 300), (0, 600), (1.2, 300), (0, 120), (1.2, 300))
    [(start_s, end_s)] = rests(recording)
    assert start_s == pytest.approx(300, abs=20)
    assert end_s == pytest.approx(900, abs=20)


@pytest.mark.parametrize("pace_mps", [0.5, 0.8, 1.4, 20])
@pytest.mark.parametrize("every_s", [1, 10, 60])
def test_reference_takes_no_walk_for_a_rest(pace_mps: float, every_s: float) -> None:
    assert rests(track((pace_mps, 1_800), every_s=every_s)) == []


def test_reference_finds_no_rest_in_a_silence() -> None:
    recording = track((1.2, 300), (0, 600), (1.2, 300), skip=(320, 880))
    assert rests(recording) == []
    assert [one.seconds for one in heard_spans(recording, 180)] == [320, 315]


def test_reference_of_nothing_is_nothing() -> None:
    nothing = Recording(path=Path("nothing"), observations=())
    assert (stays(nothing, 180), heard_spans(nothing, 180)) == ([], [])


@pytest.mark.parametrize(
    ("alarms_s", "evidence_s", "counted"),
    [
        # In time, once.
        ([490], [290], {"alarms": 1, "false_alarms": 0, "missed": 0, "lateness_s": (10,), "repeated": 0}),
        ([], [290], {"missed": 1, "lateness_s": ()}),
        ([490, 800], [290], {"alarms": 2, "repeated": 1, "missed": 0}),
        # While walking.
        ([200], [290], {"alarms": 1, "false_alarms": 1, "missed": 1, "lateness_s": ()}),
        # Evidence in the first three minutes of the rest is the walk's, or the receiver's that settles.
        ([490], [470], {"resets_while_still": 0}),
        ([490], [500, 600, 1_000], {"resets_while_still": 2}),
    ],
)
def test_score_of_a_rest_from_300_to_900_s(
    alarms_s: list[float], evidence_s: list[float], counted: dict[str, object]
) -> None:
    recording = track((1.2, 300), (0, 600), (1.2, 300))
    found = Replayed(
        evidence_at=tuple(map(after, evidence_s)),
        raised=tuple(Raised(Step.ALARM, after(at_s)) for at_s in alarms_s),
    )
    exact = [Stay(start_at=after(300), end_at=after(900))]
    one = score(recording, found, exact, [], PROFILES[DEFAULT]).as_json()
    assert {name: one[name] for name in counted} == counted


@pytest.mark.parametrize(
    "said",
    [
        "2026-01-14T07:42:03Z",
        "2026-01-14 07:42:03",
        "2026/01/14 07:42:03",
        "2026-01-14T08:42:03.000+01:00",
        "2026-01-14T07:42:03.0000000Z",
        "1768376523",
        "1768376523.0",
        "1768376523000",
    ],
)
def test_instant_is_read_however_it_is_written(said: str) -> None:
    assert instant(said) == AT
