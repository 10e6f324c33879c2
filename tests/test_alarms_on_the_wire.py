"""Every other alarm from the messages of a real broker to its alert: at its second, not before, and once."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from gyrophare.kernel.clock import ManualClock
from gyrophare.server import Server
from lone_worker.profiles import PROFILES
from tests.conftest import START_AT
from tests.department import Department

AROUND_DIJON = [(47.2, 4.9), (47.2, 5.2), (47.5, 5.2), (47.5, 4.9)]
ELSEWHERE = [(48.2, 4.9), (48.2, 5.2), (48.5, 5.2), (48.5, 4.9)]


class Wearer:
    """Somebody who walks all the time with the watch `w-1`, which reports each half minute; the server ticks along."""

    def __init__(self, server: Server, department: Department, clock: ManualClock) -> None:
        self.server, self.department, self.clock = server, department, clock
        self.more: dict[str, Any] = {}
        """What is other than usual in its reports."""
        self.steps = 20
        self.events = 0

    @property
    def now_s(self) -> float:
        return (self.clock.now() - START_AT).total_seconds()

    async def walk(self, until_s: float) -> None:
        while self.now_s < until_s:
            self.clock.advance(min(30 - self.now_s % 30, until_s - self.now_s))
            more = {key: change(self.clock.now()) if callable(change) else change for key, change in self.more.items()}
            await self.department.send("w-1", self.department.report("w-1", steps=self.steps, **more))
            await self._until_heard()
            await self.server.tick()

    async def be_silent(self, until_s: float) -> None:
        while self.now_s < until_s:
            self.clock.advance(min(10 - self.now_s % 10, until_s - self.now_s))
            await self.server.tick()

    async def press(self, kind: str) -> None:
        await self.department.press("w-1", kind)
        await self._until_said()

    async def die(self) -> None:
        """The broker publishes the last will."""
        await self.department.publish("gyrophare/v1/watches/w-1/status", {"state": "offline"})
        await self._until_said()

    async def _until_said(self) -> None:
        self.events += 1
        await self.department.until_rows(self.events, "select from event")
        await self.server.tick()

    async def _until_heard(self) -> None:
        await self.department.until_rows(1, "select from watch_state where heard_at = %(now)s", now=self.clock.now())

    async def raised(self) -> dict[str, list[float]]:
        """When alerts were raised, in seconds of the shift, by their kind."""
        found: dict[str, list[float]] = {}
        for row in await self.department.rows("select kind, raised_at from alert order by id"):
            found.setdefault(row["kind"], []).append((row["raised_at"] - START_AT).total_seconds())
        return found


@pytest.fixture
async def wearer(server: Server, department: Department, clock: ManualClock) -> Wearer:
    return Wearer(server, department, clock)


async def battery_event(wearer: Wearer) -> float:
    await wearer.press("low_battery")
    return wearer.now_s


async def battery_figure(wearer: Wearer) -> float:
    """Found within five minutes, as no event tells of it."""
    wearer.more["battery_pct"] = 20
    return 390


async def taken_off(wearer: Wearer) -> float:
    await wearer.press("removed")
    wearer.steps = 0
    return wearer.now_s + 60


async def no_position(wearer: Wearer) -> float:
    wearer.more["fix"] = None
    return wearer.now_s + 600


async def geofence(wearer: Wearer) -> float:
    await wearer.press("geofence_leave")
    return wearer.now_s


async def clock_off(wearer: Wearer) -> float:
    wearer.more["sent_at"] = lambda now: (now - timedelta(seconds=150)).isoformat()
    return 390


async def pause(wearer: Wearer) -> float:
    await wearer.press("pause")
    return wearer.now_s + 3_600


async def nothing(wearer: Wearer) -> float:
    return wearer.now_s


Trouble = Callable[[Wearer], Awaitable[float]]


@pytest.mark.parametrize(
    ("kind", "trouble", "shift", "expected_s"),
    [
        ("low_battery", battery_event, {}, None),
        ("low_battery", battery_figure, {}, None),
        ("gnss_lost", no_position, {}, None),
        ("left_area", geofence, {}, None),
        ("left_area", nothing, {"area": ELSEWHERE}, 30),
        ("clock_unsafe", clock_off, {}, None),
        ("long_pause", pause, {}, None),
        ("overrun", nothing, {"planned_end_at": START_AT + timedelta(seconds=300)}, 1_200),
        ("check_missed", nothing, {"profile": PROFILES["office"]}, 1_800),
    ],
    ids=lambda value: getattr(value, "__name__", value) if not isinstance(value, dict) else "",
)
async def test_trouble_is_raised_once_and_in_time(
    wearer: Wearer, kind: str, trouble: Trouble, shift: dict[str, Any], expected_s: float | None
) -> None:
    await wearer.department.on_shift("w-1", **({"area": AROUND_DIJON} | shift))
    await wearer.walk(90)
    by_s = await trouble(wearer)
    due_s = expected_s or by_s
    if due_s > wearer.now_s:
        early_s = due_s - 1 if kind not in ("low_battery", "clock_unsafe", "left_area") else wearer.now_s
        await wearer.walk(early_s)
        assert kind not in await wearer.raised()
        await wearer.walk(due_s)
    raised = await wearer.raised()
    assert set(raised) == {kind}
    assert len(raised[kind]) == 1
    assert raised[kind][0] <= due_s
    await wearer.walk(wearer.now_s + 660)
    assert (await wearer.raised()).get(kind) == raised[kind]


async def test_watch_that_was_taken_off_is_raised_once_and_in_time(wearer: Wearer) -> None:
    await wearer.department.on_shift("w-1")
    await wearer.walk(90)
    await wearer.press("removed")
    wearer.steps = 0
    await wearer.walk(149)
    assert await wearer.raised() == {}
    await wearer.walk(150)
    await wearer.walk(240)
    assert await wearer.raised() == {"not_worn": [150]}
    [shown] = await wearer.department.rows("select protection from watch_state")
    assert shown["protection"] == "not_protected not_worn"


async def test_last_will_is_raised_two_minutes_after_it_and_once(wearer: Wearer) -> None:
    await wearer.department.on_shift("w-1")
    await wearer.walk(90)
    wearer.clock.advance(10)
    await wearer.die()
    await wearer.be_silent(219)
    assert await wearer.raised() == {}
    await wearer.be_silent(220)
    await wearer.die()  # the broker may say so again, after a restart
    await wearer.be_silent(269)
    assert await wearer.raised() == {"signal_lost": [220]}
    # Whoever is not heard is also looked for as somebody who does not move.
    await wearer.be_silent(900)
    assert await wearer.raised() == {"signal_lost": [220], "stillness": [270]}


async def test_lost_signal_of_who_moves_again_after_an_alarm_is_raised_after_five_minutes_and_once(
    wearer: Wearer,
) -> None:
    """Where stillness waits for twenty seconds of movement, nobody else would miss the watch."""
    await wearer.department.on_shift("w-1")
    await wearer.walk(30)
    await wearer.be_silent(210)
    assert await wearer.raised() == {"stillness": [210]}
    await wearer.department.close_alerts()
    wearer.clock.advance(30)
    await wearer.department.send("w-1", wearer.department.report("w-1", steps=3))
    await wearer._until_heard()
    await wearer.server.tick()
    await wearer.be_silent(539)
    assert "signal_lost" not in await wearer.raised()
    await wearer.be_silent(1_500)
    assert await wearer.raised() == {"stillness": [210], "signal_lost": [540]}


async def test_restart_of_the_watch_in_an_alarm_is_raised_once(wearer: Wearer) -> None:
    await wearer.department.on_shift("w-1")
    await wearer.walk(60)
    wearer.clock.advance(1)
    await wearer.press("sos")
    await wearer.walk(90)
    assert set(await wearer.raised()) == {"sos"}
    wearer.more["boot"] = "0a0b0c0d"
    await wearer.walk(600)
    assert await wearer.raised() == {"sos": [61], "restarted": [120]}


async def test_restart_of_a_watch_whose_wearer_is_well_is_nothing(wearer: Wearer) -> None:
    await wearer.department.on_shift("w-1")
    await wearer.walk(60)
    wearer.more["boot"] = "0a0b0c0d"
    await wearer.walk(400)
    assert await wearer.raised() == {}


async def test_silence_in_a_white_zone_is_excused_for_twenty_minutes(wearer: Wearer) -> None:
    await wearer.department.connection.execute(
        "insert into white_zone (organisation_id, name, area, silence_s) values (1, 'Gorges', %s, 1200)",
        [json.dumps(AROUND_DIJON)],
    )
    await wearer.department.on_shift("w-1")
    await wearer.walk(30)
    await wearer.die()
    await wearer.be_silent(30 + 19 * 60)
    assert await wearer.raised() == {}
    await wearer.be_silent(3_000)
    assert await wearer.raised() == {"stillness": [30 + 20 * 60]}
    [text] = await wearer.department.rows("select text from notification where channel = 'console'")
    assert text["text"].startswith("SANS NOUVELLES: Martin Lefèvre")


async def test_agent_who_works_as_planned_is_nobodys_trouble(wearer: Wearer) -> None:
    end_at: datetime = START_AT + timedelta(hours=4)
    await wearer.department.on_shift("w-1", area=AROUND_DIJON, planned_end_at=end_at)
    await wearer.walk(1_200)
    assert await wearer.raised() == {}
    [shown] = await wearer.department.rows("select protection from watch_state")
    assert shown["protection"] == "protected"
    changes = await wearer.department.rows("select level, reasons from protection_change order by at")
    assert changes == [{"level": "protected", "reasons": []}]
