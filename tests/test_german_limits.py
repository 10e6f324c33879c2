"""The profile `pna11` keeps every limit of DGUV 112-139 for personal alarm devices: as it runs, not as it is written.

The engine ticks each second, so a limit that is due between two ticks is found by the later one: each is tried at
several phases of the tick.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gyrophare.flows import watch_report
from gyrophare.kernel.clock import ManualClock
from gyrophare.kernel.observations import EventKind
from gyrophare.platform.db import open_pool
from gyrophare.platform.mqtt import Received
from ingest.understanding import understand
from lone_worker.profiles import PROFILES
from tests.department import Department
from tests.pure_shift import STILLNESS, PureShift
from tests.test_stillness import after, event, report

PNA11 = PROFILES["pna11"]
STILL_S, PREALARM_S, SOS_S, CHECK_S, TECHNICAL_S = 90, 45, 60, 15 * 60, 30 * 60

phases = pytest.mark.parametrize("phase_s", [0.001, 0.25, 0.5, 0.999, 1.0])


def ticking(phase_s: float, **facts: Any) -> PureShift:
    """Under `pna11`, a watch that is worn and known; the engine ticks each second, the first time after `phase_s`."""
    shift = PureShift(PNA11, **facts)
    shift.hear(report(0, steps=1, north_m=0))
    shift.now_s = phase_s - 1
    return shift


def goes_on(shift: PureShift, until_s: int, every_s: int = 10, **said: Any) -> None:
    """The watch reports steps all the time, and whatever else is said."""
    for at_s in range(every_s, until_s, every_s):
        shift.wait(at_s - every_s + shift.now_s % 1)
        shift.hear(report(at_s - every_s, steps=3, key=at_s, **said))


@phases
@pytest.mark.parametrize("heard", [True, False], ids=["heard", "silent"])
def test_who_lies_still_is_told_of_within_ninety_seconds(phase_s: float, heard: bool) -> None:
    shift = ticking(phase_s)
    while shift.now_s < 100:
        shift.wait(shift.now_s + 5)
        if heard:
            shift.hear(report(shift.now_s, steps=0))
    [told_s] = shift.raised(STILLNESS)
    assert told_s <= STILL_S
    assert 0 < told_s - shift.asked_s[0] <= PREALARM_S


@phases
def test_timed_check_is_missed_within_fifteen_minutes_its_notice_included(phase_s: float) -> None:
    shift = ticking(phase_s)
    goes_on(shift, 1_000)
    [told_s] = shift.raised("check_missed")
    assert told_s <= CHECK_S
    assert 0 < told_s - shift.notices_s["check_missed"] <= PREALARM_S
    assert shift.raised(STILLNESS) == []


@phases
def test_lost_position_is_told_of_within_thirty_minutes(phase_s: float) -> None:
    shift = ticking(phase_s, positioned_at=after(0))
    goes_on(shift, 2_000)
    [told_s] = shift.raised("gnss_lost")
    assert told_s <= TECHNICAL_S


@phases
def test_lost_signal_is_told_of_within_thirty_minutes(phase_s: float) -> None:
    """By the last will; without one by stillness, which knows nothing of who is not heard."""
    shift = ticking(phase_s)
    shift.hear(event(EventKind.OFFLINE, None, received_s=1))
    shift.wait(2_000)
    assert min([*shift.raised("signal_lost"), *shift.raised(STILLNESS)]) <= STILL_S <= TECHNICAL_S


@phases
@pytest.mark.parametrize("kind", [EventKind.REMOVED, EventKind.CHARGING])
def test_watch_that_is_taken_off_is_told_of_within_thirty_minutes(kind: EventKind, phase_s: float) -> None:
    shift = ticking(phase_s)
    shift.hear(event(kind, 0, received_s=0))
    shift.wait(2_000)
    [told_s] = shift.raised("not_worn")
    assert told_s <= STILL_S <= TECHNICAL_S  # torn off: as soon as lying still


@phases
def test_pause_that_nobody_ends_is_told_of_within_thirty_minutes(phase_s: float) -> None:
    shift = ticking(phase_s)
    shift.hear(event(EventKind.PAUSE, 0, received_s=0))
    shift.wait(2_000)
    [told_s] = shift.raised("long_pause")
    assert told_s <= TECHNICAL_S


@phases
def test_overrun_is_told_of_within_thirty_minutes(phase_s: float) -> None:
    shift = ticking(phase_s, planned_end_at=after(0))
    goes_on(shift, 2_000)
    [told_s] = shift.raised("overrun")
    assert told_s <= TECHNICAL_S


@phases
@pytest.mark.parametrize(
    ("kind", "facts"), [("low_battery", {"battery_pct": 20}), ("clock_unsafe", {"clock_skew_s": 60})]
)
def test_what_a_report_tells_without_an_event_is_found_within_thirty_minutes(
    kind: str, facts: dict[str, float], phase_s: float
) -> None:
    shift = ticking(phase_s)
    shift.wait(1 + phase_s)
    since_s = shift.now_s
    shift.facts = replace(shift.facts, **facts)  # type: ignore[arg-type]
    goes_on(shift, 2_000)
    [told_s] = shift.raised(kind)
    assert told_s - since_s <= TECHNICAL_S


async def test_sos_is_told_of_within_sixty_seconds(
    department: Department, database_url: str, clock: ManualClock
) -> None:
    """In the transaction that stores it: no tick is waited for."""
    await department.with_contacts("+33600000001")
    await department.on_shift("w-1", profile=PNA11)
    pool = await open_pool(database_url, 2)
    pressed_at = clock.now()
    clock.advance(2)  # on its way
    body = b'{"boot": "9f3a01c2", "seq": 1, "kind": "sos", "occurred_at": "%s"}' % pressed_at.isoformat().encode()
    topic = "gyrophare/v1/watches/w-1/events"
    heard = Received(topic=topic, payload=body, received_at=clock.now(), qos=1, packet_id=1, epoch=1)
    await watch_report.record(pool, clock, [understand(heard)])
    await pool.close()
    told = await department.rows("select channel, due_at from notification order by channel")
    assert [row["channel"] for row in told] == ["console", "sms"]
    assert all((row["due_at"] - pressed_at).total_seconds() <= SOS_S for row in told)
    [alert] = await department.rows("select kind, raised_at from alert")
    assert alert["kind"] == "sos"
    assert (alert["raised_at"] - pressed_at).total_seconds() <= SOS_S
