"""Somebody falls: who is near is asked by his watch and answers, over a real broker and database."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest

import alerts.store
from alerts import policy_store
from alerts.channels import Outcome, OutgoingText
from alerts.channels.watch import WatchChannel
from alerts.dispatcher import LEASE_S, claim_parameters
from alerts.model import Cause, Step
from alerts.policy import Policy
from dashboards import read_models
from gyrophare.embedded import MqttBroker
from gyrophare.flows import due_steps, shaking
from gyrophare.kernel.clock import ManualClock
from gyrophare.kernel.geo import Position
from gyrophare.kernel.ids import AccountId, AlertId
from gyrophare.server import Server
from gyrophare.sim.activities import LIE, REST, Activity, Plan
from gyrophare.sim.body import Body
from gyrophare.sim.connected import ConnectedWatch
from gyrophare.sim.faults import Fate
from gyrophare.sim.reporter import Reporter
from gyrophare.sim.spool import Spool
from gyrophare.sim.watch import Watch
from tests.commanded import Ear
from tests.conftest import StartServer
from tests.department import DIJON, ORGANISATION, Department, until
from tests.test_nearest import colleague, raised

DISPATCHER = AccountId(1)
POLICY = Policy(
    name="urgence",
    kinds=None,
    steps=(Step(after_s=0, channel="console", to="console"), Step(after_s=0, channel="watch", to="nearby 3")),
)


@pytest.fixture
async def asks_colleagues(department: Department) -> None:
    await policy_store.replace_policies(department.connection, ORGANISATION, [POLICY])


def worn(spool: Spool, name: str, since: datetime, north_m: float, activity: Activity) -> Watch:
    place = Position(DIJON[0] + north_m / 111_195, DIJON[1])
    body = Body(
        route=[place, Position(place.latitude_deg, place.longitude_deg + 0.01)], plan=Plan.only(activity, since), seed=1
    )
    return Watch(Reporter(body, Fate(name=name, since=since)), spool)


@asynccontextmanager
async def at_work(
    department: Department, url: str, *crew: tuple[str, float, Activity]
) -> AsyncIterator[dict[str, ConnectedWatch]]:
    """Agents named as their watches, so many metres north, who are heard and placed."""
    spool, clock = Spool(None), department.clock
    fleet = {}
    for name, north_m, activity in crew:
        await department.on_shift(name, agent=f"agent {name}")
        fleet[name] = ConnectedWatch(worn(spool, name, clock.now(), north_m, activity), url, clock)
    working = [asyncio.create_task(watch.run()) for watch in fleet.values()]
    await department.until_rows(len(crew), "select from device_latest where fixed_at is not null")
    yield fleet
    for task in working:
        task.cancel()
    await asyncio.wait(working)
    spool.close()


async def notified(department: Department) -> list[dict[str, Any]]:
    alert = await read_models.alert(department.connection, ORGANISATION, AlertId(1))
    assert alert is not None
    return [one for one in alert["notifications"] if one["distance_m"] is not None]


async def test_who_is_near_goes_and_learns_how_it_ended(
    server: Server, department: Department, broker: MqttBroker, clock: ManualClock, asks_colleagues: None
) -> None:
    crew = (("a", 0.0, LIE), ("b", 400.0, REST), ("c", 2000.0, LIE), ("d", 80_000.0, REST))
    async with at_work(department, broker.url, *crew) as fleet:
        fleet["a"].press("fall")
        await department.until_rows(
            2, "select from notification where device_id is not null and delivered_at is not null"
        )
        b, c = await notified(department)
        assert [(one["contact"], one["state"]) for one in (b, c)] == [("agent b", "sent"), ("agent c", "sent")]
        assert b["distance_m"] == pytest.approx(400, abs=40)
        assert c["distance_m"] == pytest.approx(2000, abs=40)

        clock.advance(15)  # c lies still, and answers nothing
        await department.until_rows(1, "select from notification where answered_at is not null")
        assert [one["answer"] for one in await notified(department)] == ["Oui", None]
        [alert] = await department.rows("select id, state from alert")
        assert alert["state"] == "triggered"

        await server.desk.close(AlertId(alert["id"]), DISPATCHER, Cause.REAL, "", reached=True)

        async def both_know() -> bool | None:
            ended = [[told["text"] for told in fleet[name].watch.commands][1:] for name in "bc"]
            closed = f"A{alert['id']} close: l'agent est pris en charge"
            return all(closed in texts for texts in ended) or None

        await until(both_know)
        assert [told["command"] for told in fleet["d"].watch.commands] == []


async def test_crash_at_either_side_of_the_claim_loses_no_question(
    start_server: StartServer, department: Department, broker: MqttBroker, clock: ManualClock, asks_colleagues: None
) -> None:
    """What is due is a row: what a server took and never published, the next one does when the lease is over."""
    for name in ("2", "3"):
        await colleague(department, name, 400)
    await raised(department, await department.on_shift("w-1"))
    await due_steps.take(department.connection, clock.now())
    claim = claim_parameters("watch", clock.now(), 1)
    [lost] = await department.rows(alerts.store.QUERIES["claim_notifications"], **claim)
    async with Ear.of(broker.url, "w-2", clock) as first, Ear.of(broker.url, "w-3", clock) as second:
        server = await start_server()
        assert (await second.next())["replies"] == ["Oui", "Non"]
        assert first.heard_nothing_more()
        await department.until_rows(1, "select from notification where channel = 'watch' and state = 'sent'")
        clock.advance(LEASE_S)
        server.dispatcher.wake()
        assert (await first.next())["id"] == f"n{lost['id']}"
        assert second.heard_nothing_more()


async def test_question_that_still_waits_is_not_put_to_whoever_presses_a_discreet_sos(
    server: Server, department: Department, clock: ManualClock, asks_colleagues: None
) -> None:
    await colleague(department, "2", 400)
    async with department.connection.transaction():
        await raised(department, await department.on_shift("w-1"))
        await due_steps.take(department.connection, clock.now())
        await department.connection.execute(
            "update notification set due_at = %s where device_id is not null", [clock.now() + timedelta(minutes=1)]
        )
    await department.press("w-2", "duress")
    [waited] = await department.until_rows(1, "select attempts from notification where state = 'cancelled'")
    assert waited == {"attempts": 0}


async def test_question_is_not_sent_after_its_time(server: Server, broker: MqttBroker, clock: ManualClock) -> None:
    channel = WatchChannel(server.commands._session, clock, partial(shaking.expect, server.pool, clock))

    def asked(valid_for: timedelta) -> OutgoingText:
        told = {"command": "message", "text": "Y allez-vous ?", "expires_at": (clock.now() + valid_for).isoformat()}
        return OutgoingText(
            notification_id=7, reference="#A1-2", to="gyrophare/v1/watches/w-9/commands", text=json.dumps(told)
        )

    async with Ear.of(broker.url, "w-9", clock) as ear:
        assert (await channel.send(asked(timedelta()))).outcome is Outcome.PERMANENT
        assert (await channel.send(asked(timedelta(seconds=1)))).outcome is Outcome.SENT
        assert (await ear.next())["id"] == "n7"
        assert ear.heard_nothing_more()
