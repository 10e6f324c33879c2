"""A whole department at once: a thousand deadlines in one second, and a broker that is lost for three hundred."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from time import perf_counter

import pytest

from gyrophare.flows import escalation_tick, watch_report
from gyrophare.flows.escalation_tick import ALWAYS
from gyrophare.kernel.clock import ManualClock
from gyrophare.platform.db import Pool, open_pool
from gyrophare.platform.mqtt import Received
from ingest.understanding import understand
from lone_worker.shifts import store as shifts
from lone_worker.shifts.spans import Terms
from tests.conftest import START_AT
from tests.department import ORGANISATION, Department

AGENTS = 300
LOST_AT, BACK_AT = START_AT + timedelta(seconds=70), START_AT + timedelta(seconds=400)


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    pool = await open_pool(database_url, 2)
    yield pool
    await pool.close()


async def test_thousand_agents_due_in_one_second_are_all_raised_within_three(
    department: Department, pool: Pool, clock: ManualClock
) -> None:
    await department.with_contacts("+33600000001")
    await department.many_on_shift(1_000)
    took_s = {}
    for now_s in (0, 150, 170, 180):
        clock.set(START_AT + timedelta(seconds=now_s))
        began_s = perf_counter()
        ticked = await escalation_tick.tick(pool, clock, "engine")
        took_s[now_s] = round(perf_counter() - began_s, 2)
    print(f"1 000 agents: seconds for the tick at each second of the shift: {took_s}")  # noqa: T201
    assert ticked.raised == 1_000
    assert took_s[180] < 3
    [told] = await department.rows(
        "select count(distinct a.device_id) as agents, count(*) filter (where n.channel = 'console') as shown "
        "from alert a join notification n on n.alert_id = a.id where a.kind = 'stillness'"
    )
    assert told == {"agents": 1_000, "shown": 1_000}
    assert (await escalation_tick.tick(pool, clock, "engine")).raised == 0


# ------------------------------------------------------------------ we hear nobody


async def hear(
    department: Department, pool: Pool, names: Sequence[str], steps: int, moved_at: datetime | None = None
) -> None:
    """A report of each of them."""
    now = department.clock.now()
    batch = []
    for name in names:
        report = department.report(name, steps=steps)
        if moved_at is not None:
            report |= {"sent_at": moved_at.isoformat(), "buffered": True}
        topic = f"gyrophare/v1/watches/{name}/fixes"
        payload = json.dumps(report).encode()
        batch.append(understand(Received(topic=topic, payload=payload, received_at=now, qos=1, packet_id=1, epoch=1)))
    await watch_report.record(pool, department.clock, batch)


async def pass_until(clock: ManualClock, pool: Pool, until: datetime, hearing_since_at: datetime | None) -> None:
    while clock.now() < until:
        clock.advance(min(10, (until - clock.now()).total_seconds()))
        await escalation_tick.tick(pool, clock, "engine", hearing_since_at)


async def told(department: Department) -> Counter[str]:
    return Counter(row["kind"] for row in await department.rows("select kind from alert"))


async def test_lost_broker_is_one_alert_and_everybody_shown_unprotected(
    department: Department, pool: Pool, clock: ManualClock
) -> None:
    await department.with_contacts("+33600000001")
    names = await department.many_on_shift(AGENTS)
    moved, still, gone = names[:100], names[100:200], names[200:]
    await pass_until(clock, pool, START_AT + timedelta(seconds=60), ALWAYS)
    await hear(department, pool, names, steps=5)
    await pass_until(clock, pool, LOST_AT, ALWAYS)
    await pass_until(clock, pool, LOST_AT + timedelta(seconds=30), None)
    assert await told(department) == {}  # a short gap is nothing

    await pass_until(clock, pool, BACK_AT, None)
    assert await told(department) == {"infrastructure": 1}
    [alert] = await department.rows("select * from alert")
    assert (alert["episode_at"], alert["detail"], alert["device_id"]) == (LOST_AT, {"agents": AGENTS}, None)
    text, *_ = await department.rows("select text from notification where channel = 'sms' order by step")
    assert text["text"].startswith(
        "ALERTE SYSTÈME: Montres non reçues, agents non protégés, depuis 08h43, 300 en service"
    )
    shown = await department.rows("select distinct protection from watch_state")
    assert shown == [{"protection": "not_protected silent"}]

    # The broker is back: some had moved meanwhile, some had not, some are not heard.
    await hear(department, pool, moved, steps=5, moved_at=BACK_AT - timedelta(seconds=5))
    await hear(department, pool, still, steps=0)
    await pass_until(clock, pool, BACK_AT + timedelta(seconds=29), BACK_AT)
    assert await told(department) == {"infrastructure": 1}
    asked = await department.rows("select from prealarm where ended_at is null")
    assert len(asked) == len(still) + len(gone)
    await pass_until(clock, pool, BACK_AT + timedelta(seconds=59), BACK_AT)
    assert await told(department) == {"infrastructure": 1, "stillness": len(still)}
    await pass_until(clock, pool, BACK_AT + timedelta(seconds=120), BACK_AT)
    assert await told(department) == {"infrastructure": 1, "stillness": len(still) + len(gone)}
    said = await department.rows(
        "select a.heard_after_episode, count(*) from alert a where kind = 'stillness' group by 1 order by 1"
    )
    assert said == [
        {"heard_after_episode": False, "count": len(gone)},
        {"heard_after_episode": True, "count": len(still)},
    ]


async def test_broker_that_another_server_hears_is_not_lost(
    department: Department, pool: Pool, clock: ManualClock
) -> None:
    await department.many_on_shift(2)
    for _ in range(12):
        clock.advance(10)
        await escalation_tick.tick(pool, clock, "hears", ALWAYS)
        await escalation_tick.tick(pool, clock, "does-not", None)
    assert await department.rows("select from outage") == []
    # Now the other one does not either; both find it, and it is one.
    for _ in range(5):
        clock.advance(10)
        await escalation_tick.tick(pool, clock, "hears", None)
        await escalation_tick.tick(pool, clock, "does-not", None)
    assert (await told(department))["infrastructure"] == 1
    [outage] = await department.rows("select since_at, until_at from outage")
    assert outage == {"since_at": START_AT + timedelta(seconds=120), "until_at": None}
    clock.advance(10)
    await escalation_tick.tick(pool, clock, "does-not", clock.now())
    [outage] = await department.rows("select until_at from outage")
    assert outage["until_at"] == clock.now()


async def test_server_that_was_away_for_ten_minutes_says_so_once_and_asks_before_it_alarms(
    department: Department, pool: Pool, clock: ManualClock
) -> None:
    names = await department.many_on_shift(3)
    await hear(department, pool, names, steps=5)
    await escalation_tick.tick(pool, clock, "engine", ALWAYS)
    clock.advance(600)
    back_at = clock.now()
    await escalation_tick.tick(pool, clock, "engine", back_at)
    assert await told(department) == {"infrastructure": 1}
    await hear(department, pool, names[:1], steps=5)
    await pass_until(clock, pool, back_at + timedelta(seconds=70), back_at)
    assert await told(department) == {"infrastructure": 1, "stillness": 2}


async def test_who_begins_a_shift_while_nobody_is_heard_is_told_too_and_once(
    department: Department, pool: Pool, clock: ManualClock
) -> None:
    await department.many_on_shift(2)
    [town] = await department.rows("insert into organisation (slug, name) values ('is', 'Is-sur-Tille') returning id")
    device_id = await department.register("w-is")
    await escalation_tick.tick(pool, clock, "engine", ALWAYS)
    lost_at = clock.now()
    await pass_until(clock, pool, lost_at + timedelta(seconds=60), None)
    assert await department.rows("select organisation_id from alert") == [{"organisation_id": ORGANISATION}]

    [agent] = await department.rows(
        "insert into agent (organisation_id, name) values (%(town)s, 'Zoé') returning id", town=town["id"]
    )
    await department.rows(
        "update device set organisation_id = %(town)s where id = %(id)s returning id", town=town["id"], id=device_id
    )
    await shifts.start_shift(department.connection, device_id, Terms(agent_id=agent["id"], mission=""), clock.now())
    await pass_until(clock, pool, lost_at + timedelta(seconds=100), None)
    told = await department.rows("select id, organisation_id, episode_at, detail from alert order by id")
    assert told == [  # and no number is used up by being told again
        {"id": 1, "organisation_id": ORGANISATION, "episode_at": lost_at, "detail": {"agents": 2}},
        {"id": 2, "organisation_id": town["id"], "episode_at": lost_at, "detail": {"agents": 1}},
    ]
    # It is over, and another one is another one.
    await pass_until(clock, pool, lost_at + timedelta(seconds=130), clock.now())
    assert len(await department.rows("select from alert where kind = 'infrastructure'")) == 2
