"""Steps that nobody can carry out: no server sends by their channel, or knows their target."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from alerts import policy_store, reach
from alerts.dispatcher import Dispatcher
from alerts.model import Carried, Step
from alerts.policy import Policy
from dashboards import read_models
from gyrophare.flows import escalation_tick
from gyrophare.kernel.clock import ManualClock
from gyrophare.platform.db import Connection, Pool
from tests import test_nearest
from tests.conftest import StartServer
from tests.department import ORGANISATION, Department, OneConnection
from tests.test_alert_lifecycle import raised
from tests.test_alert_queries import Postbox

VOICE = Step(after_s=0, channel="voice", to="rank 1")
SMS = Step(after_s=600, channel="sms", to="rank 2")
WEBHOOK = Step(after_s=0, channel="webhook", to="target cta")


@pytest.fixture
async def office(schema_connection: Connection, clock: ManualClock) -> Department:
    """Two contacts, and a server that sends texts and no calls."""
    office = Department(schema_connection, None, clock)
    await office.with_contacts("+33600000001", "+33600000002")
    return office


@pytest.fixture
def pool(schema_connection: Connection) -> Pool:
    return OneConnection.pool(schema_connection)


async def goes_by(office: Department, *steps: Step) -> None:
    policy = Policy(name="urgence", kinds=None, steps=steps)
    await policy_store.replace_policies(office.connection, ORGANISATION, [policy])


async def queued(office: Department) -> list[tuple[int, str, str, int]]:
    rows = await office.rows("select step, channel, state, attempts from notification order by id")
    return [(row["step"], row["channel"], row["state"], row["attempts"]) for row in rows]


async def told_nobody(office: Department) -> list[dict[str, Any]]:
    rows = await office.rows("select detail from alert_event where kind = 'step_reaches_nobody' order by id")
    return [row["detail"] for row in rows]


async def waits_s(office: Department) -> float:
    """How long until the next step."""
    [alert] = await office.rows("select next_step_at from alert")
    return float((alert["next_step_at"] - office.clock.now()).total_seconds())


async def test_step_by_a_channel_that_no_server_has_says_so_and_the_next_comes_at_once(
    office: Department, pool: Pool, clock: ManualClock
) -> None:
    await goes_by(office, VOICE, SMS)
    await raised(office)
    assert await told_nobody(office) == [{"step": 1, "channel": "voice", "to": "rank 1", "why": "no_channel"}]
    await escalation_tick.tick(pool, clock, "test")
    assert await queued(office) == [(0, "voice", "pending", 0), (1, "sms", "pending", 0)]


async def test_step_by_a_channel_that_a_server_has_is_waited_for(office: Department) -> None:
    await office.carries("voice", "sms", instance="another")
    await goes_by(office, VOICE, SMS)
    await raised(office)
    assert (await told_nobody(office), await waits_s(office)) == ([], 600)


async def test_other_steps_that_tell_somebody_are_waited_for(office: Department) -> None:
    await goes_by(office, VOICE, Step(after_s=0, channel="sms", to="rank 1"), SMS)
    await raised(office)
    assert (len(await told_nobody(office)), await waits_s(office)) == (1, 600)


async def test_message_is_sent_when_a_server_with_its_channel_comes_and_the_console_shows_one_of_both(
    office: Department, pool: Pool, clock: ManualClock
) -> None:
    await goes_by(office, VOICE, SMS)
    await raised(office)

    async def shown() -> tuple[list[dict[str, Any]], list[tuple[str, str]]]:
        [alert] = await read_models.alerts(office.connection, ORGANISATION)
        return alert["unreached"], [(one["channel"], one["state"]) for one in alert["notifications"]]

    [unreached], messages = await shown()
    assert (unreached["step"], unreached["why"], messages) == (1, "no_channel", [])
    caller = Postbox()
    caller.name = "voice"
    await Dispatcher(pool, clock, [caller]).dispatch_due()
    assert len(caller.taken) == 1
    assert await shown() == ([], [("voice", "sent")])


async def test_first_message_that_anybody_gets_is_the_first_also_in_a_storm(
    office: Department, pool: Pool, clock: ManualClock
) -> None:
    await goes_by(office, VOICE, SMS)
    await raised(office)
    await escalation_tick.tick(pool, clock, "test")
    of_voice, of_sms = await office.rows("select priority from notification order by step")
    assert of_sms == of_voice


@pytest.mark.parametrize(("away_s", "in_vain"), [(50, False), (70, True)])
async def test_server_that_restarts_is_waited_for_and_one_that_stays_away_is_not(
    office: Department, pool: Pool, clock: ManualClock, away_s: float, in_vain: bool
) -> None:
    await goes_by(office, VOICE, SMS)
    await office.carries("voice", instance="caller")
    clock.advance(away_s)
    await escalation_tick.tick(pool, clock, "test")  # another one is there
    await raised(office)
    assert bool(await told_nobody(office)) is in_vain


async def test_nobody_is_taken_for_away_who_comes_back_with_all_the_others(
    office: Department, clock: ManualClock
) -> None:
    """The database was away: nobody could say that he is there, and steps are due before anybody has said so again."""
    await goes_by(office, VOICE, SMS)
    await office.carries("voice", instance="caller")
    clock.advance(3600)
    await raised(office)
    assert await told_nobody(office) == []


async def test_server_whose_engine_ticks_is_there(office: Department, pool: Pool, clock: ManualClock) -> None:
    """An outage again: the first that says so must not make the others absent until they have."""
    await goes_by(office, VOICE, SMS)
    await office.carries("voice", instance="caller")
    clock.advance(3600)
    await escalation_tick.tick(pool, clock, "caller")
    await office.carries("sms")
    await raised(office)
    assert await told_nobody(office) == []


async def test_nothing_is_carried_where_no_server_is_there_unless_the_last_ones_are_asked_for(
    office: Department, clock: ManualClock
) -> None:
    await office.carries("sms", "webhook", instance="one", webhook={"cta"})
    await office.carries("webhook", instance="two", webhook={"poste"})
    both = Carried(channels=frozenset({"sms", "watch", "webhook"}), targets={"webhook": frozenset({"cta", "poste"})})
    assert await reach.find_carried(office.connection, clock.now()) == both
    later_at = clock.now() + timedelta(minutes=2)
    assert await reach.find_carried(office.connection, later_at) == Carried()
    assert await reach.find_carried(office.connection, later_at, or_last=True) == both


async def test_step_to_a_target_that_no_server_knows_tells_nobody_and_the_next_comes_at_once(
    office: Department, pool: Pool, clock: ManualClock
) -> None:
    await office.carries("sms", "webhook", webhook={"poste"})
    await goes_by(office, WEBHOOK, SMS)
    await raised(office)
    assert await told_nobody(office) == [{"step": 1, "channel": "webhook", "to": "target cta", "why": "no_target"}]
    await escalation_tick.tick(pool, clock, "test")
    assert await queued(office) == [(1, "sms", "pending", 0)]


@pytest.mark.parametrize("named", [True, False])
async def test_step_to_a_target_that_a_server_knows_or_need_not_know_is_sent(office: Department, named: bool) -> None:
    """A server of an earlier release says no names."""
    if named:
        await office.carries("sms", "webhook", webhook={"cta"})
    else:
        await office.carries("sms", "webhook")
    await goes_by(office, WEBHOOK, SMS)
    await raised(office)
    assert (await queued(office), await told_nobody(office)) == ([(0, "webhook", "pending", 0)], [])
    assert await waits_s(office) == 600


async def test_first_start_says_what_it_sends_by_before_a_step_is_due(
    department: Department, start_server: StartServer
) -> None:
    """An alert's first steps are due, and no server has ever said anything."""
    for rank in (1, 2):
        await policy_store.put_contact(department.connection, ORGANISATION, rank, f"Astreinte {rank}", "+33600000001")
    await test_nearest.raised(department, await department.register("w-1"))
    server = await start_server()
    await server.tick()
    assert await told_nobody(department) == []
    assert [(step, channel) for step, channel, *_ in await queued(department)] == [(0, "console"), (1, "sms")]
