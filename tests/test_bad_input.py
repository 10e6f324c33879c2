"""What the field sends: each refusal is kept with its reason, and the next message is stored."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

import ingest.store
from gyrophare.kernel.clock import ManualClock
from gyrophare.platform.db import Connection
from gyrophare.server import Server
from tests.conftest import StartServer
from tests.department import Department, until

FIXES = "gyrophare/v1/watches/w-1/fixes"


@pytest.mark.parametrize(
    ("topic", "body", "reason"),
    [
        (FIXES, b"{nonsense", "malformed"),
        (FIXES, b"", "malformed"),
        (FIXES, b"[" * 100_000, "malformed"),
        (FIXES, b'{"battery_pct": NaN}', "bad_field"),
        (FIXES, b"\xc3\x28 is not utf-8", "not_utf8"),
        (FIXES, b'"' + b"x" * 2_000_000 + b'"', "oversized"),
        (FIXES, json.dumps({"fix": {"fixed_at": "2026-01-14T07:42:03Z", "lat": 91, "lon": 5}}).encode(), "bad_field"),
        (FIXES, json.dumps({"fix": {"fixed_at": "2026-01-14T07:42:03Z", "lat": 0, "lon": 0}}).encode(), "bad_fix"),
        (FIXES, json.dumps({"sent_at": "1970-01-01T00:00:12Z"}).encode(), "clock_not_set"),
        (FIXES, json.dumps({"boot": "a\0b", "seq": 1}).encode(), "bad_field"),
        ("gyrophare/v1/watches/stranger/fixes", b"{}", "unknown_device"),
        ("gyrophare/v1/vans/w-1/fixes", b"{}", "unknown_device"),
        ("owntracks/nobody/phone", b'{"_type":"location","tst":1768376523,"lat":47,"lon":5}', "unknown_device"),
        ("owntracks/nobody/phone", b'{"_type":"encrypted","data":"AAAA"}', "encrypted"),
    ],
)
async def test_message_is_kept_with_its_reason_and_the_next_is_stored(
    server: Server, department: Department, topic: str, body: bytes, reason: str
) -> None:
    await department.on_shift("w-1")
    await department.publish(topic, body)
    await department.send("w-1", department.report("w-1"))
    await department.until_rows(1, "select from fix")
    [kept] = await department.until_rows(1, "select * from rejected where reason = %(reason)s", reason=reason)
    assert kept["topic"] == topic
    assert kept["size_bytes"] == len(body)
    assert kept["body"] == body[: 64 * 1024]
    assert kept["detail"]


async def test_bad_report_among_good_ones_is_refused_alone_and_all_are_receipted(
    server: Server, department: Department
) -> None:
    await department.on_shift("w-1")
    good, bad, other = (department.report("w-1") for _ in range(3))
    bad["fix"]["lat"] = 91
    await department.send("w-1", [good, "nonsense", bad, other])
    assert {row["reason"] for row in await department.until_rows(2, "select reason from rejected")} == {
        "malformed",
        "bad_field",
    }
    assert len(await department.rows("select from fix")) == 2
    assert await department.rows("select committed::text from receipt") == [{"committed": "{[1,4)}"}]


async def test_fix_from_the_future_is_kept_aside_and_postpones_nothing(
    server: Server, department: Department, clock: ManualClock
) -> None:
    await department.on_shift("w-1")
    future = clock.now() + timedelta(hours=1)
    for offset_m in (0, 500, 1000):
        report = department.report("w-1", offset_m=offset_m)
        report["fix"]["fixed_at"] = (future + timedelta(seconds=offset_m)).isoformat()
        await department.send("w-1", report)
    await department.until_rows(1, "select from rejected where reason = 'fix_in_future'")
    await department.until_rows(1, "select from receipt where committed @> 3::int8")
    assert await department.rows("select from fix") == []
    clock.advance(180)
    assert (await server.tick()).raised == 1


async def test_flood_of_the_same_refusal_is_counted_not_stored_again(server: Server, department: Department) -> None:
    await department.register("w-1")
    for _ in range(50):
        await department.publish(FIXES, b"{")
    await department.send("w-1", department.report("w-1"))
    await department.until_rows(1, "select from receipt")
    [kept] = await department.rows("select times from rejected where reason = 'malformed'")
    assert 1 <= kept["times"] <= 50


async def test_flood_is_counted_to_its_last_message_though_nothing_comes_after_it(
    server: Server, department: Department
) -> None:
    await department.register("w-1")
    for number in range(50):
        await department.publish("gyrophare/v1/watches/w-1/events", b"nonsense %d" % number)

    async def counted() -> bool | None:
        [found] = await department.rows("select coalesce(sum(times), 0)::int as times from rejected")
        return found["times"] == 50 or None

    await until(counted, timeout_s=5)


async def test_message_our_own_code_cannot_store_is_set_aside_without_the_others(
    start_server: StartServer, department: Department, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert = ingest.store.insert_fixes

    async def fails_on_the_poison(connection: Connection, reports: Any) -> Any:
        if any(report.battery_pct == 66 for _, report in reports):
            raise ZeroDivisionError("a fault of our own")
        return await insert(connection, reports)

    monkeypatch.setattr(ingest.store, "insert_fixes", fails_on_the_poison)
    await department.on_shift("w-1")
    await start_server()
    for battery_pct in (81, 66, 82):
        await department.send("w-1", department.report("w-1", battery_pct=battery_pct))
    await department.until_rows(2, "select from fix")
    assert [row["reason"] for row in await department.until_rows(1, "select reason from rejected")] == [
        "internal_error"
    ]


async def test_revoked_device_is_a_stranger(server: Server, department: Department, clock: ManualClock) -> None:
    await department.on_shift("w-1")
    await department.rows("update device set revoked_at = %(now)s returning id", now=clock.now())
    await department.send("w-1", department.report("w-1"))
    [kept] = await department.until_rows(1, "select reason from rejected")
    assert kept["reason"] == "unknown_device"


async def test_sos_our_own_code_cannot_store_is_a_technical_alert(
    start_server: StartServer, department: Department, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert = ingest.store.insert_events

    async def fails(connection: Connection, events: Any) -> Any:
        if events:
            raise ZeroDivisionError("a fault of our own")
        return await insert(connection, events)

    monkeypatch.setattr(ingest.store, "insert_events", fails)
    await department.on_shift("w-1")
    await start_server()
    await department.press("w-1")
    assert await department.until_rows(1, "select kind from alert") == [{"kind": "technical"}]
    assert await department.rows("select reason from rejected") == [{"reason": "internal_error"}]


@pytest.mark.parametrize("note", ['"\\ud800"', "1e999", '"\\\\u0000"', '"\\u0000"', "[" * 60 + "]" * 60])
async def test_sos_stays_one_whatever_note_stands_beside_it(server: Server, department: Department, note: str) -> None:
    await department.on_shift("w-1")
    body = f'{{"boot":"b","seq":1,"kind":"sos","note":{note}}}'
    await department.publish("gyrophare/v1/watches/w-1/events", body.encode())
    assert await department.until_rows(1, "select kind from alert") == [{"kind": "sos"}]


async def test_repetition_is_no_movement_when_its_receipt_was_lost(
    server: Server, department: Department, clock: ManualClock
) -> None:
    """Steps without a time of their own were dated anew at each repetition, and put the alarm off for ever."""
    await department.on_shift("w-1")
    clock.advance(10)
    undated = department.report("w-1", steps=4)
    del undated["sent_at"], undated["fix"]
    await department.send("w-1", undated)
    await department.until_rows(1, "select from receipt")
    for _ in range(3):
        clock.advance(50)
        await department.send("w-1", undated)
        await department.send("w-1", department.report("w-1", steps=0))
    await department.until_rows(1, "select from receipt where committed @> 4::int8")
    clock.advance(30)
    assert (await server.tick()).raised == 1
