"""A revoked device is nobody to our own server, whatever the broker still lets through."""

from __future__ import annotations

from typing import LiteralString

from gyrophare.kernel.clock import ManualClock
from gyrophare.server import Server
from ingest import registry
from tests.department import Department

FIXES: LiteralString = "select * from fix"
EVENTS: LiteralString = "select kind from event order by id"
REFUSED: LiteralString = "select reason, topic, times from rejected order by id"


async def test_message_of_a_revoked_device_is_kept_aside_at_once(
    server: Server, department: Department, clock: ManualClock
) -> None:
    await department.on_shift("w-a")
    await department.on_shift("w-b", agent="Chloé Bernard")
    await department.send("w-a", department.report("w-a"))
    await department.until_rows(1, FIXES)  # the server knows it well
    await registry.revoke(department.connection, "w-a", None, clock.now())
    await department.send("w-a", department.report("w-a"))
    await department.press("w-a")  # whoever stole it
    (fix, press) = await department.until_rows(2, REFUSED)
    assert {fix["reason"], press["reason"]} == {"unknown_device"}
    await department.press("w-b")
    await department.until_rows(1, EVENTS)
    assert await department.rows(EVENTS) == [{"kind": "sos"}]
    assert len(await department.rows(FIXES)) == 1
    assert [row["subject"] for row in await department.rows("select subject from alert")] == ["Chloé Bernard"]


async def test_device_that_is_let_back_in_is_heard_again(
    server: Server, department: Department, clock: ManualClock
) -> None:
    await department.on_shift("w-a")
    await registry.revoke(department.connection, "w-a", None, clock.now())
    await department.send("w-a", department.report("w-a"))
    await department.until_rows(1, REFUSED)
    device = await registry.find(department.connection, "w-a")
    await registry.add(
        department.connection,
        await registry.find_organisation(department.connection),
        device.kind,
        device.sender.wire,
        "w-a",
        "Montre A",
        clock.now(),
    )
    await department.send("w-a", department.report("w-a"))
    await department.until_rows(1, FIXES)


async def test_payload_that_names_another_device_is_kept_aside_and_an_sos_so_disguised_is_told(
    server: Server, department: Department
) -> None:
    await department.on_shift("w-a")
    await department.on_shift("w-b", agent="Chloé Bernard")
    await department.send("w-a", department.report("w-a", watch_id="w-b"))
    await department.press("w-a", watch_id="w-b")
    rows = await department.until_rows(2, REFUSED)
    assert {row["reason"] for row in rows} == {"identity_mismatch"}
    assert await department.rows(FIXES) == []
    alerts = await department.until_rows(1, "select kind, subject from alert")
    assert alerts == [{"kind": "technical", "subject": "Martin Lefèvre"}]
