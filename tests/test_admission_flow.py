"""What the gate and the shift let through, as it ends in the database."""

from __future__ import annotations

from typing import Any

from gyrophare.kernel.clock import ManualClock
from gyrophare.kernel.observations import Wire
from gyrophare.server import Server
from tests.department import Department


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
