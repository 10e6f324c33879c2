"""Before anybody else is told, the wearer is asked: over a real broker, with the clock moved by the test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from gyrophare.embedded import MqttBroker
from gyrophare.kernel.clock import ManualClock
from gyrophare.kernel.observations import Wire
from gyrophare.server import Server
from lone_worker.shifts.agents import agent_by_id, give_watch, insert_agent
from tests.commanded import Ear
from tests.department import ORGANISATION, Department, until

ENDED = "select outcome, first_at, ended_at from prealarm where outcome is not null"


@pytest.fixture
async def ear(broker: MqttBroker, clock: ManualClock) -> AsyncIterator[Ear]:
    async with Ear.of(broker.url, "w-1", clock) as ear:
        yield ear


async def until_due(server: Server, clock: ManualClock, seconds: int) -> None:
    """Let `seconds` pass, with a tick each."""
    for _ in range(seconds):
        clock.advance(1)
        await server.tick()


async def test_wearer_is_asked_twice_and_then_somebody_else_is_told(
    server: Server, department: Department, ear: Ear, clock: ManualClock
) -> None:
    began_at = clock.now()
    await department.on_shift("w-1")
    await department.send("w-1", department.report("w-1"))
    await department.until_rows(1, "select from watch_state where heard_at is not null")
    await until_due(server, clock, 150)
    first = await ear.next()
    assert (first["command"], first["number"], first["vibrate_s"]) == ("prealarm", 1, 3)
    await department.press("w-1", "delivered", command=first["id"])
    await department.until_rows(1, "select from command where state = 'delivered'")
    await until_due(server, clock, 20)
    assert (await ear.next())["number"] == 2
    await until_due(server, clock, 9)
    assert await department.rows("select from alert") == []
    await until_due(server, clock, 1)
    [alert] = await department.rows("select kind, triggered_at, detail, heard_after_episode from alert")
    assert alert == {
        "kind": "stillness",
        "triggered_at": began_at + timedelta(seconds=180),
        "detail": {"prealarm": "delivered"},
        "heard_after_episode": True,
    }
    assert [row["outcome"] for row in await department.rows(ENDED)] == ["alarm"]


async def test_alarm_says_that_the_wearer_was_never_asked(
    server: Server, department: Department, clock: ManualClock
) -> None:
    """The watch is out of reach, or cannot be told anything: whoever answers must know it."""
    await department.with_contacts("+33600000001")
    await department.on_shift("w-1")
    await department.on_shift("olivier/phone", agent="Olivier Petit", wire=Wire.OWNTRACKS)
    await until_due(server, clock, 180)
    alerts = await department.rows("select subject, detail->>'prealarm' as prealarm from alert order by subject")
    assert alerts == [
        {"subject": "Martin Lefèvre", "prealarm": "not_delivered"},
        {"subject": "Olivier Petit", "prealarm": "impossible"},
    ]
    texts = [row["text"] for row in await department.rows("select text from notification where channel = 'sms'")]
    assert sorted("pré-alarme non délivrée" in text for text in texts) == [False, True]
    assert all(text.startswith("SANS NOUVELLES") for text in texts)


@pytest.mark.parametrize(
    ("press", "steps", "after_s", "outcome"),
    [
        # A deliberate act, whenever: the watch itself may be shaking.
        ("ok", None, 1, "answered"),
        ("checkin", None, 12, "answered"),
        # Steps when the vibration is over.
        (None, 4, 16, "moved"),
        # Steps while it may still shake, of a watch that has not said when it did.
        (None, 4, 3, None),
    ],
)
async def test_pre_alarm_ends_when_the_wearer_answers_or_truly_moves(
    server: Server,
    department: Department,
    ear: Ear,
    clock: ManualClock,
    press: str | None,
    steps: int | None,
    after_s: int,
    outcome: str | None,
) -> None:
    await department.on_shift("w-1")
    await until_due(server, clock, 150)
    assert (await ear.next())["command"] == "prealarm"
    await until_due(server, clock, after_s)
    if press is not None:
        await department.press("w-1", press)
    else:
        await department.send("w-1", department.report("w-1", steps=steps))
    await department.until_rows(1, "select from watch_state where heard_at is not null")
    if outcome is None:
        await until_due(server, clock, 30 - after_s)
        assert [row["kind"] for row in await department.rows("select kind from alert")] == ["stillness"]
        return
    [ended] = await department.until_rows(1, ENDED)
    assert (ended["outcome"], ended["ended_at"]) == (outcome, clock.now())
    cancelled = await ear.next()
    assert (cancelled["command"], cancelled["episode_at"]) == (
        "prealarm_cancel",
        _instant(clock.now() - timedelta(seconds=150 + after_s)),
    )
    await until_due(server, clock, 149)
    assert await department.rows("select from alert") == []


async def test_movement_out_of_a_buffer_cancels_the_pre_alarm_and_is_written_down(
    server: Server, department: Department, ear: Ear, clock: ManualClock
) -> None:
    await department.on_shift("w-1")
    await until_due(server, clock, 100)
    walked = department.report("w-1", steps=12, buffered=True)
    await until_due(server, clock, 55)
    assert (await ear.next())["command"] == "prealarm"
    await department.send("w-1", walked)
    [ended] = await department.until_rows(1, ENDED)
    assert ended["outcome"] == "moved_before"
    assert (await ear.next())["command"] == "prealarm_cancel"
    await until_due(server, clock, 30)
    assert await department.rows("select from alert") == []


def _instant(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


async def test_watch_of_a_discreet_sos_is_not_asked_anything(
    server: Server, department: Department, clock: ManualClock
) -> None:
    """It would shake on the wrist of somebody who is being watched."""
    await department.on_shift("w-1")
    await department.press("w-1", "duress")
    await department.until_rows(1, "select from alert where kind = 'duress'")
    await until_due(server, clock, 180)
    assert await department.rows("select kind from command") == []
    kinds = [row["kind"] for row in await department.rows("select kind from alert order by kind")]
    assert {"duress", "stillness"} <= set(kinds)


async def test_start_that_is_heard_an_hour_late_is_asked_about_before_it_alarms(
    server: Server, department: Department, ear: Ear, clock: ManualClock
) -> None:
    """What the watch kept comes behind it: there the wearer may have moved all the time."""
    device_id = await department.register("w-1")
    agent_id = await insert_agent(department.connection, ORGANISATION, "Zoé Martin")
    agent = await agent_by_id(department.connection, agent_id)
    assert agent is not None
    await give_watch(department.connection, agent, device_id, "w-1")
    began_at = clock.now()
    clock.advance(3_600)
    await server.tick()
    await department.press("w-1", "shift_start", occurred_at=began_at.isoformat())
    await department.until_rows(1, "select from shift where ended_at is null")

    async def asked() -> list[dict[str, Any]] | None:
        """A tick passes a watch by that is just being told something, and has it at the next."""
        await server.tick()
        return await department.rows("select from command where kind = 'prealarm'") or None

    await until(asked)
    while (told := await ear.next())["command"] != "prealarm":
        assert told["command"] == "message"  # that nobody is reachable
    await until_due(server, clock, 29)
    assert await department.rows("select from alert where kind = 'stillness'") == []
    await until_due(server, clock, 2)
    assert len(await department.rows("select from alert where kind = 'stillness'")) == 1
