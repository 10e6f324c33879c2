"""Which instants are protected, by what was said: case by case, and whatever the order it is heard in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gyrophare.kernel.ids import AgentId, ShiftId
from lone_worker.shifts.spans import Act, ActKind, Shift, Terms, fold, matched, private

DAY = datetime(2026, 1, 14, tzinfo=UTC)
ZOE = Terms(agent_id=AgentId(1))


def at(hour: float) -> datetime:
    return DAY + timedelta(hours=hour)


def act(word: str) -> Act:
    """ "start 8", "pause 12.5"; "nobody 8" is the start of a watch that is nobody's."""
    kind, hour = word.split()
    terms = ZOE if kind == "start" else None
    return Act(at=at(float(hour)), kind=ActKind("start" if kind == "nobody" else kind), by="watch", terms=terms)


def shown(shifts: Sequence[Shift]) -> list[str]:
    """ "8-12 (9-10)": from, until, pauses."""

    def hour(instant: datetime | None) -> str:
        return "" if instant is None else f"{(instant - DAY) / timedelta(hours=1):g}"

    return [
        f"{hour(shift.span.started_at)}-{hour(shift.span.ended_at)}"
        + "".join(f" ({hour(pause.started_at)}-{hour(pause.ended_at)})" for pause in shift.span.pauses)
        for shift in shifts
    ]


@pytest.mark.parametrize(
    ("said", "amounts_to"),
    [
        ("start 8, end 12", ["8-12"]),
        ("start 8", ["8-"]),
        ("end 12", []),
        ("pause 9, resume 10", []),
        ("start 8, end 7", ["8-"]),  # older than the start: it ends nothing
        ("start 8, start 9", ["8-"]),  # twice is one shift
        ("end 12, start 8", ["8-12"]),  # heard the other way round: no ghost
        ("start 8, end 12, start 10", ["8-12"]),  # pressed twice, heard late
        ("start 8, end 12, start 13", ["8-12", "13-"]),
        ("start 8, pause 9, resume 10", ["8- (9-10)"]),
        ("start 8, pause 9", ["8- (9-)"]),
        ("start 8, pause 9, end 12", ["8-12 (9-12)"]),  # the shift's end ends the pause
        ("start 8, pause 9, pause 10, resume 11", ["8- (9-11)"]),
        ("start 8, resume 9", ["8-"]),
        ("start 8, pause 9, start 10", ["8- (9-10)"]),  # who starts again is there again
        ("start 8, pause 9, end 10, start 11, resume 12", ["8-10 (9-10)", "11-"]),
        ("start 8, start 10, end 9", ["8-9", "10-"]),  # a late end in between makes two
        ("start 8, end 12, start 12", ["8-12", "12-"]),  # handed over at noon
        ("start 8, end 8", ["8-"]),  # of one instant what protects has the last word
        ("start 8, pause 9, resume 9", ["8- (9-9)"]),
        ("nobody 8", []),
        ("start 8, pause 9, nobody 10", ["8- (9-10)"]),
        ("nobody 7, start 8", ["8-"]),
    ],
)
def test_what_was_said_amounts_to_shifts(said: str, amounts_to: list[str]) -> None:
    assert shown(fold(map(act, said.split(", ")))) == amounts_to


def test_span_holds_its_own_instants_and_no_pause() -> None:
    [shift] = fold(map(act, ["start 8", "pause 9", "resume 10", "end 12"]))
    held = [hour for hour in (7.9, 8, 8.5, 9, 9.5, 10, 11, 12, 12.1) if shift.span.holds(at(hour))]
    assert held == [8, 8.5, 9, 10, 11, 12]


@pytest.mark.parametrize(
    ("said", "since", "nobody_followed"),
    [
        ("start 8", 8, []),
        ("start 8, end 12", 12, ["12-"]),
        ("start 8, pause 9", 9, ["9-"]),
        ("start 8, pause 9, resume 10, end 12", 9, ["9-10", "12-"]),
        ("start 8, pause 9, resume 10, end 12", 11, ["12-"]),
        ("start 8, end 9, start 10", 9, ["9-10"]),
        ("start 8", 7, ["7-8"]),
        ("", 7, ["7-"]),
    ],
)
def test_private_times_are_those_outside_and_in_pauses(said: str, since: float, nobody_followed: list[str]) -> None:
    shifts = fold(act(word) for word in said.split(", ") if word)
    times = private([shift.span for shift in shifts], at(since))
    hours = [
        f"{(a - DAY) / timedelta(hours=1):g}-{'' if b is None else f'{(b - DAY) / timedelta(hours=1):g}'}"
        for a, b in times
    ]
    assert hours == nobody_followed


# ------------------------------------------------------------------ whatever order

acts = st.builds(
    Act,
    at=st.integers(0, 12).map(at),
    kind=st.sampled_from(ActKind),
    by=st.just("watch"),
    terms=st.sampled_from([ZOE, None]),
)
said = st.lists(acts, max_size=12, unique_by=lambda act: (act.at, act.kind))  # as the table keeps them


@given(said, st.randoms(use_true_random=False))
def test_shifts_are_the_same_in_any_order(acts: list[Act], random: Random) -> None:
    shuffled = random.sample(acts, len(acts))
    assert fold(shuffled) == fold(acts)


@given(said)
def test_shifts_follow_one_another_and_hold_their_pauses(acts: list[Act]) -> None:
    spans = [shift.span for shift in fold(acts)]
    for span, after in pairwise(spans):
        assert span.ended_at is not None
        assert span.ended_at <= after.started_at
    for span in spans:
        bounds = [span.started_at, *(b for pause in span.pauses for b in (pause.started_at, pause.ended_at))]
        known = [bound for bound in [*bounds, span.ended_at] if bound is not None]
        assert known == sorted(known)
        assert span.ended_at is None or None not in bounds


@given(said)
def test_whoever_said_start_last_is_protected_and_whoever_said_end_last_is_not(acts: list[Act]) -> None:
    """The rule an agent can understand, computed another way."""
    telling = [one for one in acts if one.kind is ActKind.END or (one.kind is ActKind.START and one.terms is not None)]
    last = max(telling, key=lambda one: (one.at, one.kind is ActKind.START), default=None)
    on_shift = any(shift.span.ended_at is None for shift in fold(acts))
    assert on_shift is (last is not None and last.kind is ActKind.START)


@given(said)
def test_shift_keeps_its_number_while_more_is_heard(acts: list[Act]) -> None:
    """Act by act, as the store does: numbers never change hands, none is lost, and all shifts have one in the end."""
    known: list[tuple[ShiftId, datetime]] = []
    for count in range(1, len(acts) + 1):
        numbered = matched(known, fold(acts[:count]))
        numbers = [number for number, _ in numbered if number is not None]
        assert sorted(numbers) == sorted(number for number, _ in known)
        fresh = iter(range(len(known) + 1, 100))
        known = [
            (number if number is not None else ShiftId(next(fresh)), shift.span.started_at)
            for number, shift in numbered
        ]
