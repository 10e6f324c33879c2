"""What the gate and the shift let through, as it ends in the database."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from gyrophare.kernel.clock import ManualClock
from gyrophare.kernel.observations import Wire
from gyrophare.server import Server
from lone_worker.shifts import store as shifts
from tests.department import DIJON, Department


def without_sequence(report: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in report.items() if key not in {"boot", "seq"}}


async def test_report_without_a_sequence_is_no_news_when_it_comes_again(
    server: Server, department: Department, clock: ManualClock
) -> None:
    """Of a watch whose clock is fast: each repetition would count as movement at its reception."""
    await department.on_shift("w-1")
    clock.advance(10)
    heard_at, fast_at = clock.now(), clock.now().replace(second=59, minute=59).isoformat()
    report = without_sequence(department.report("w-1", steps=3, sent_at=fast_at))
    await department.send("w-1", report)
    await department.until_rows(1, "select from fix")
    clock.advance(90)
    await department.send("w-1", report)
    await department.send("w-1", [report, report])
    await department.send("w-1", department.report("w-1", steps=0))  # the fixes lane keeps its order
    await department.until_rows(2, "select from fix")
    [state] = await department.rows("select evidence, evidence_at from watch_state")
    assert state == {"evidence": "steps", "evidence_at": heard_at}
    clock.advance(90)
    assert (await server.tick()).raised == 1


async def test_report_without_a_sequence_counts_once_when_one_batch_holds_it_twice(
    server: Server, department: Department, clock: ManualClock
) -> None:
    await department.on_shift("michelot/telephone", wire=Wire.OWNTRACKS)
    clock.advance(5)
    body: dict[str, Any] = {
        "_type": "location",
        "tst": int(clock.now().timestamp()),
        "lat": 47.6,
        "lon": 4.36,
        "acc": 8,
    }
    for message in (body, body, {**body, "tst": body["tst"] + 1}):
        await department.publish("owntracks/michelot/telephone", message)
    await department.until_rows(2, "select from fix")
    assert len(await department.rows("select from fix")) == 2


async def test_clock_that_is_off_is_remembered_and_corrected(
    server: Server, department: Department, clock: ManualClock
) -> None:
    await department.on_shift("w-1")
    for number in range(1, 8):
        clock.advance(20)
        slow_at = clock.now().replace(year=2025).isoformat()
        report = department.report("w-1", steps=3, sent_at=slow_at)
        report["fix"]["fixed_at"] = slow_at
        await department.send("w-1", report)
        await department.until_rows(
            number, "select from receipt, unnest(committed) r, generate_series(lower(r), upper(r) - 1)"
        )
    [last] = await department.until_rows(
        1, "select * from fix where fixed_at > '2026-01-01' order by fixed_at desc limit 1"
    )
    assert (last["fixed_at"], last["sent_at"], last["doubts"]) == (clock.now(), clock.now(), ["clock_skewed"])
    [state] = await department.rows("select evidence_at from watch_state")
    assert state["evidence_at"] == clock.now()
    [latest] = await department.rows("select clock_skews_s from device_latest")
    assert latest["clock_skews_s"] == [365 * 86_400.0] * 5


# ------------------------------------------------------------------ outside a shift

EVERYWHERE = """
    select device_id from fix
    union all select device_id from device_latest where latitude_deg is not null or fixed_at is not null
    union all select id from event where latitude_deg is not null or fixed_at is not null
    union all select id from rejected where length(body) > 0
"""


def ahead(report: dict[str, Any], clock: ManualClock) -> dict[str, Any]:
    report["fix"]["fixed_at"] = (clock.now() + timedelta(hours=1)).isoformat()
    return report


async def test_positions_leave_no_trace_when_nobody_is_on_shift(
    server: Server, department: Department, clock: ManualClock
) -> None:
    await department.register("w-1")
    for offset_m in (0, 50):
        await department.send("w-1", department.report("w-1", steps=3, offset_m=offset_m))
    await department.send("w-1", ahead(department.report("w-1"), clock))
    await department.send("w-1", department.report("w-1", battery_pct=101))
    await department.send("w-1", [department.report("w-1"), {"seq": "x", "fix": department.report("w-1")["fix"]}])
    await department.send("w-1", b'{"fix": {"lat": 47.3215, "lon": 5.0415')
    await department.press("w-1", "checkin", fix=department.report("w-1")["fix"])
    await department.press("w-1", "ok", fix=ahead(department.report("w-1"), clock)["fix"])
    reasons = await department.until_rows(4, "select reason, detail, topic from rejected order by reason")
    assert [row["reason"] for row in reasons] == ["bad_field", "fix_in_future", "fix_in_future", "malformed"]
    assert "47.3" not in str(reasons)
    assert await department.until_rows(1, "select fixes from off_shift_count where fixes = 5") == [{"fixes": 5}]
    events = await department.until_rows(2, "select kind, battery_pct from event order by kind")
    assert [row["kind"] for row in events] == ["checkin", "ok"]
    [latest] = await department.rows("select heard_at, battery_pct from device_latest")
    assert latest == {"heard_at": clock.now(), "battery_pct": 83}
    assert await department.rows(EVERYWHERE) == []
    dumped = await department.rows(
        "select f::text from (select * from rejected) f union all select e::text from event e"
    )
    assert "5.04" not in str(dumped)


async def test_sos_shows_where_it_was_pressed_when_nobody_is_on_shift(
    server: Server, department: Department, clock: ManualClock
) -> None:
    await department.register("w-1")
    await department.press("w-1", "sos", fix=department.report("w-1")["fix"], battery_pct=101)
    [alert] = await department.until_rows(1, "select latitude_deg, longitude_deg from alert")
    assert (alert["latitude_deg"], alert["longitude_deg"]) == DIJON
    [kept] = await department.until_rows(1, "select body from rejected")
    assert b"battery_pct" in kept["body"]  # what was refused of it must be explained


async def test_what_is_refused_is_kept_whole_when_somebody_is_on_shift(
    server: Server, department: Department, clock: ManualClock
) -> None:
    await department.on_shift("w-1")
    report = ahead(department.report("w-1"), clock)
    await department.send("w-1", report)
    [kept] = await department.until_rows(1, "select reason, body from rejected")
    assert (kept["reason"], json.loads(kept["body"])) == ("fix_in_future", report)


async def test_what_is_refused_is_kept_without_its_body_when_part_of_it_was_before_the_shift(
    server: Server, department: Department, clock: ManualClock
) -> None:
    before = department.report("w-1", offset_m=900)
    clock.advance(600)
    await department.on_shift("w-1")
    clock.advance(60)
    await department.send("w-1", [before, department.report("w-1"), department.report("w-1", battery_pct=101)])
    [kept] = await department.until_rows(1, "select reason, body from rejected")
    assert kept == {"reason": "bad_field", "body": b""}
    assert len(await department.rows("select from fix")) == 2


async def test_watch_is_on_no_map_when_its_shift_has_ended(
    server: Server, department: Department, clock: ManualClock
) -> None:
    device_id = await department.on_shift("w-1")
    clock.advance(60)
    await department.send("w-1", department.report("w-1"))
    await department.until_rows(1, "select from fix")
    last_at = clock.now()
    clock.advance(60)
    await shifts.end_shift(department.connection, device_id, clock.now())
    clock.advance(60)
    await department.send("w-1", department.report("w-1", offset_m=900))
    [latest] = await department.until_rows(
        1, "select fixed_at from device_latest where heard_at = %(now)s", now=clock.now()
    )
    assert latest["fixed_at"] == last_at  # where the shift was, not where its wearer went afterwards
