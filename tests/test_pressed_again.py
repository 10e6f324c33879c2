"""The same danger again while its alert is open: it is seen, and never told to nobody."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from alerts import policy_store
from alerts.dispatcher import Dispatcher
from alerts.model import FIRST_URGENCY, Step
from alerts.policy import Policy
from gyrophare.flows import escalation_tick
from gyrophare.flows.alert_desk import AlertDesk, Answer
from gyrophare.kernel.clock import ManualClock
from gyrophare.kernel.ids import AccountId, AlertId
from gyrophare.platform.db import Pool, connect
from lone_worker.shifts import store as shifts
from lone_worker.shifts.agents import insert_agent
from lone_worker.shifts.spans import Terms
from tests.department import ORGANISATION, Department
from tests.test_storm import PHONE, Postbox
from tests.test_van_hazard import tell

STEPS = (Step(after_s=0, channel="sms", to="rank 1"), Step(after_s=60, channel="sms", to="rank 1"))
WATCH = "watches/w-1"


@pytest.fixture
async def office(database_url: str, clock: ManualClock) -> AsyncIterator[Department]:
    async with await connect(database_url) as connection:
        office = Department(connection, None, clock)
        await office.with_contacts(PHONE)
        policy = Policy(name="tous", kinds=None, steps=STEPS)
        await policy_store.replace_policies(connection, ORGANISATION, [policy])
        await office.on_shift("w-1")
        yield office


async def alerts_of(office: Department) -> list[dict[str, Any]]:
    return await office.rows("select id, state, subject, changed_at, next_step_at from alert order by id")


async def repeated(office: Department) -> list[dict[str, Any]]:
    return await office.rows("select detail from alert_event where kind = 'repeated' order by id")


async def run_through(office: Department, pool: Pool, sends: Dispatcher) -> None:
    """Every step passes, and nobody answers."""
    for after_s in (0, 60):
        office.clock.advance(after_s)
        await escalation_tick.tick(pool, office.clock, "test")
        await sends.dispatch_due()
    assert [row["next_step_at"] for row in await alerts_of(office)] == [None]


async def test_pressed_again_while_steps_go_on_is_the_same_alert_and_open_pages_see_it(
    office: Department, pool: Pool, clock: ManualClock
) -> None:
    await tell(pool, clock, "sos", WATCH)
    [before] = await alerts_of(office)
    clock.advance(10)
    await tell(pool, clock, "sos", WATCH)
    [after] = await alerts_of(office)
    assert (after["changed_at"], after["next_step_at"]) == (clock.now(), before["next_step_at"])
    assert await repeated(office) == [{"detail": {}}]


async def test_pressed_again_after_the_last_step_calls_everybody_anew(
    office: Department, pool: Pool, clock: ManualClock
) -> None:
    postbox = Postbox()
    sends = Dispatcher(pool, clock, [postbox])
    await tell(pool, clock, "sos", WATCH)
    await run_through(office, pool, sends)
    texts = len(postbox.taken)
    clock.advance(20)
    await tell(pool, clock, "sos", WATCH)
    await sends.dispatch_due()
    [alert] = await alerts_of(office)
    assert alert["next_step_at"] is not None
    assert len(postbox.taken) == texts + 1
    assert len({message.reference for message in postbox.taken}) == texts + 1


async def test_pressed_by_the_next_wearer_is_an_alert_of_his_own(
    office: Department, pool: Pool, clock: ManualClock
) -> None:
    await tell(pool, clock, "sos", WATCH)
    clock.advance(3600)
    [watch] = await office.rows("select device_id from shift")
    await shifts.end_shift(office.connection, watch["device_id"], clock.now())
    zoe = await insert_agent(office.connection, ORGANISATION, "Zoé Martin")
    await shifts.start_shift(
        office.connection, watch["device_id"], Terms(agent_id=zoe, mission="Bac Saulieu"), clock.now()
    )
    await tell(pool, clock, "sos", WATCH)
    assert [row["subject"] for row in await alerts_of(office)] == ["Martin Lefèvre", "Zoé Martin"]


async def test_pressed_again_when_somebody_has_taken_it_is_a_new_alert(
    office: Department, pool: Pool, clock: ManualClock
) -> None:
    await tell(pool, clock, "sos", WATCH)
    assert await AlertDesk(pool, clock).acknowledge(AlertId(1), AccountId(1)) is Answer.YES
    await tell(pool, clock, "sos", WATCH)
    assert [row["state"] for row in await alerts_of(office)] == ["acknowledged", "triggered"]


async def test_what_a_device_says_again_is_kept_with_its_words(
    office: Department, pool: Pool, clock: ManualClock
) -> None:
    for alarm in ("jamming", "medical"):
        await tell(pool, clock, "device_alarm", WATCH, alarm=alarm)
    assert await repeated(office) == [{"detail": {"alarm": "medical"}}]


async def test_next_vehicle_after_the_last_step_calls_everybody_anew(
    office: Department, pool: Pool, clock: ManualClock
) -> None:
    await office.register("vans/van-1", kind="van")
    postbox = Postbox()
    sends = Dispatcher(pool, clock, [postbox])
    await tell(pool, clock)
    await run_through(office, pool, sends)
    texts = len(postbox.taken)
    await tell(pool, clock, range_m=70)
    await sends.dispatch_due()
    assert len(postbox.taken) == texts + 1
    priorities = await office.rows("select priority from notification where channel = 'sms' order by id desc limit 1")
    assert priorities[0]["priority"] > FIRST_URGENCY  # whoever has not been told of anything goes before
    assert await repeated(office) == [{"detail": {"beside": 1, "range_m": 70}}]
