"""The thin loop, end to end: from a message at the broker to somebody who answers and a watch that hears it."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

from gyrophare.embedded import MqttBroker
from gyrophare.kernel.clock import ManualClock
from gyrophare.kernel.observations import Wire
from gyrophare.platform.mqtt import MqttSession
from gyrophare.server import Server
from gyrophare.sim.sms_provider import SmsProvider
from lone_worker.shifts import store as shifts
from tests.department import Department


async def heard(session: MqttSession, ending: str) -> dict[str, Any]:
    """The next message whose topic ends so."""
    async with asyncio.timeout(15):
        while True:
            for message in await session.receive(1):
                session.acknowledge([message])
                if message.topic.endswith(ending):
                    said: dict[str, Any] = json.loads(message.payload)
                    return said


async def test_whole_loop_when_an_agent_lies_still(
    server: Server, department: Department, provider: SmsProvider, clock: ManualClock, broker: MqttBroker
) -> None:
    await department.with_contacts("+33600000001")
    await department.on_shift("w-1")
    watch = MqttSession(
        broker.url,
        "the-watch-of-this-test",
        ["gyrophare/v1/watches/w-1/receipts", "gyrophare/v1/watches/w-1/commands"],
        clock=clock,
    )
    await watch.start()

    clock.advance(10)
    await department.send("w-1", department.report("w-1", steps=12))
    assert await heard(watch, "/receipts") == {"boot": "9f3a01c2", "up_to": 1, "also": []}
    evidence_at = clock.now()

    clock.advance(179)
    await department.send("w-1", department.report("w-1", steps=0))
    assert (await heard(watch, "/receipts"))["up_to"] == 2
    assert (await server.tick()).raised == 0
    command = await heard(watch, "/commands")
    assert (command["command"], command["number"]) == ("prealarm", 1)

    clock.advance(1)
    assert (await server.tick()).raised == 1
    assert (await server.tick()).raised == 0

    [alert] = await department.rows("select * from alert")
    assert (alert["kind"], alert["state"], alert["subject"]) == ("stillness", "triggered", "Martin Lefèvre")
    assert alert["episode_at"] == evidence_at
    assert (alert["triggered_at"] - evidence_at).total_seconds() == 180
    assert alert["heard_after_episode"] is True

    await department.until_rows(1, "select from notification where channel = 'sms' and state = 'sent'")
    async with aiohttp.ClientSession() as browser:
        async with browser.get(f"{provider.base_url}/outbox.json") as answer:
            [sms] = await answer.json()
        assert sms["to"] == "+33600000001"
        assert sms["body"].startswith("IMMOBILE: Martin Lefèvre")
        assert sms["body"].endswith(f"#A{alert['id']}-2")

        url = f"{server.console_url}/api/v1/alerts/{alert['id']}/acknowledge"
        async with browser.post(url, json={}, headers={"X-Gyrophare": "test"}) as answer:
            assert answer.status == 200
            assert (await answer.json())["acknowledged_by"] == "Poste de supervision"
        async with browser.post(url, json={}, headers={"X-Gyrophare": "test"}) as answer:
            assert answer.status == 409
            assert (await answer.json())["error"]["alert"]["acknowledged_by"] == "Poste de supervision"

    command = await heard(watch, "/commands")
    assert command["command"] == "alarm_acknowledged"
    assert command["alert"] == f"A{alert['id']}"
    clock.advance(600)
    assert (await server.tick()).escalated == 0
    await watch.stop()


@pytest.mark.parametrize("client", ["paho", "mosquitto_pub"])
async def test_owntracks_location_is_stored_when_a_real_client_publishes_it(
    server: Server, department: Department, clock: ManualClock, broker: MqttBroker, client: str
) -> None:
    if client == "mosquitto_pub" and shutil.which(client) is None:
        pytest.skip("mosquitto_pub is not installed (Debian: apt-get install mosquitto-clients)")
    await department.on_shift("michelot/telephone", wire=Wire.OWNTRACKS)
    clock.advance(5)
    tst = int(clock.now().timestamp())
    body = {"_type": "location", "tst": tst, "lat": 47.6, "lon": 4.36, "acc": 8, "vel": 36, "batt": 71}
    if client == "paho":
        await department.publish("owntracks/michelot/telephone", body)
    else:
        address = urlsplit(broker.url)
        command = [client, "-V", "mqttv5", "-q", "1", "-h", address.hostname or "", "-p", str(address.port)]
        command += ["-t", "owntracks/michelot/telephone", "-m", json.dumps(body)]
        await asyncio.to_thread(subprocess.run, command, check=True, timeout=10)
    [fix] = await department.until_rows(1, "select * from fix")
    assert (fix["latitude_deg"], fix["longitude_deg"], fix["speed_mps"]) == (47.6, 4.36, 10.0)
    assert fix["fixed_at"].timestamp() == tst


async def test_alarm_is_called_without_news_when_the_watch_says_nothing_more(
    server: Server, department: Department, clock: ManualClock
) -> None:
    await department.on_shift("w-1")
    clock.advance(180)
    await server.tick()
    [alert] = await department.rows("select * from alert")
    assert alert["heard_after_episode"] is False
    [text] = await department.rows("select text from notification where channel = 'console'")
    assert text["text"].startswith("SANS NOUVELLES")


async def test_movement_postpones_the_alarm_when_only_the_position_shows_it(
    server: Server, department: Department, clock: ManualClock
) -> None:
    await department.on_shift("w-1")
    for offset_m in (0, 60, 65):
        clock.advance(30)
        await department.send("w-1", department.report("w-1", offset_m=offset_m))
    await department.until_rows(3, "select from fix")
    clock.advance(179)
    assert (await server.tick()).raised == 0
    clock.advance(1)
    assert (await server.tick()).raised == 1


async def test_episode_has_one_alarm_and_the_next_has_its_own_when_the_agent_moves_again(
    server: Server, department: Department, clock: ManualClock
) -> None:
    await department.on_shift("w-1")
    clock.advance(180)
    assert (await server.tick()).raised == 1
    for _ in range(20):
        clock.advance(60)
        assert (await server.tick()).raised == 0
    await department.send("w-1", department.report("w-1", steps=5))
    await department.until_rows(1, "select from alert_event where kind = 'moved_in_alarm'")
    assert await department.rows("select from watch_state where stillness_due_at is not null") == []
    clock.advance(20)
    await department.send("w-1", department.report("w-1", steps=5))
    await department.until_rows(1, "select from watch_state where stillness_due_at is not null")
    notes = "select kind from alert_event where kind in ('moved_in_alarm', 'rearmed') order by id"
    assert [row["kind"] for row in await department.rows(notes)] == ["moved_in_alarm", "rearmed"]
    clock.advance(180)
    assert (await server.tick()).raised == 1


@pytest.mark.parametrize("minutes_late", [0, 200])
async def test_sos_alarms_at_once_whatever_its_age(
    server: Server, department: Department, clock: ManualClock, minutes_late: int
) -> None:
    await department.on_shift("w-1")
    pressed_at = clock.now()
    clock.advance(60 * minutes_late)
    await department.press("w-1", occurred_at=pressed_at.isoformat())
    [alert] = await department.until_rows(1, "select * from alert where kind = 'sos'")
    assert alert["episode_at"] == pressed_at
    assert alert["received_late_s"] == 60 * minutes_late
    [told] = await department.rows("select text from notification where channel = 'console' and step = 0")
    assert told["text"].startswith("SOS: Martin Lefèvre")
    assert ("retard" in told["text"]) is (minutes_late > 0)


async def test_sos_alarms_when_nobody_is_on_shift(server: Server, department: Department) -> None:
    await department.register("w-1")
    await department.press("w-1")
    [alert] = await department.until_rows(1, "select subject, mission from alert")
    assert alert == {"subject": "w-1", "mission": None}


async def test_sos_is_one_alert_when_the_message_is_repeated_and_two_when_pressed_after_an_answer(
    server: Server, department: Department
) -> None:
    await department.on_shift("w-1")
    await department.press("w-1", seq=7)
    await department.press("w-1", seq=7)
    await department.press("w-1", seq=8)
    await department.until_rows(1, "select from alert_event where kind = 'repeated'")
    [alert] = await department.rows("select id from alert")

    async with aiohttp.ClientSession() as browser:
        url = f"{server.console_url}/api/v1/alerts/{alert['id']}/acknowledge"
        async with browser.post(url, json={}, headers={"X-Gyrophare": "test"}) as answer:
            assert answer.status == 200
    await department.press("w-1", seq=9)
    await department.until_rows(2, "select from alert")
    assert len(await department.rows("select from event")) == 3


async def test_unreadable_event_raises_a_technical_alert_once_an_hour(
    server: Server, department: Department, clock: ManualClock
) -> None:
    await department.on_shift("w-1")
    topic = "gyrophare/v1/watches/w-1/events"
    for body in (b"{", b"\xff\xfe", b'{"kind": "sso"}'):
        await department.publish(topic, body)
    await department.until_rows(3, "select from rejected")
    assert [row["kind"] for row in await department.rows("select kind from alert")] == ["technical"]
    clock.advance(3600)
    await department.publish(topic, b"}")
    await department.until_rows(2, "select from alert")


async def test_position_is_not_stored_outside_a_shift_while_the_receipt_is_given(
    server: Server, department: Department, clock: ManualClock
) -> None:
    await department.register("w-1")
    await department.send("w-1", department.report("w-1", steps=3))
    await department.until_rows(1, "select from receipt")
    assert await department.rows("select from fix") == []
    [latest] = await department.rows("select heard_at, latitude_deg from device_latest")
    assert latest == {"heard_at": clock.now(), "latitude_deg": None}


async def test_position_is_kept_when_the_buffer_comes_out_after_the_shift(
    server: Server, department: Department, clock: ManualClock
) -> None:
    device_id = await department.on_shift("w-1")
    clock.advance(60)
    during = department.report("w-1", steps=3)
    clock.advance(60)
    await shifts.end_shift(department.connection, device_id, clock.now())
    clock.advance(60)
    await department.send("w-1", [during, department.report("w-1", steps=3)])
    await department.until_rows(1, "select from receipt")
    [fix] = await department.rows("select fixed_at from fix")
    assert fix["fixed_at"].isoformat() == during["fix"]["fixed_at"]


async def test_escalation_goes_on_step_by_step_until_somebody_answers(
    server: Server, department: Department, clock: ManualClock
) -> None:
    await department.with_contacts("+33600000001", "+33600000002")
    await department.on_shift("w-1")
    await department.press("w-1")
    await department.until_rows(1, "select from notification where channel = 'sms' and state = 'sent'")
    clock.advance(59)
    await server.tick()
    assert len(await department.rows("select from notification where channel = 'sms'")) == 1
    clock.advance(1)
    await server.tick()
    second = await department.until_rows(2, "select address from notification where state = 'sent' order by step")
    assert [row["address"] for row in second] == ["+33600000001", "+33600000002"]
    clock.advance(60)
    await server.tick()
    assert len(await department.until_rows(3, "select from notification where state = 'sent'")) == 3
    assert await department.rows("select next_step_at from alert") == [{"next_step_at": None}]


async def test_step_that_reaches_nobody_is_written_down(server: Server, department: Department) -> None:
    await department.on_shift("w-1")
    await department.press("w-1")
    said = await department.until_rows(
        1, "select detail from alert_event where kind = 'step_reaches_nobody' order by id"
    )
    assert said[0]["detail"] == {"step": 2, "channel": "sms", "to": "rank 1"}


async def test_positions_are_forgotten_after_sixty_days(
    server: Server, department: Department, clock: ManualClock
) -> None:
    from gyrophare.flows import retention

    await department.on_shift("w-1")
    await department.send("w-1", department.report("w-1", steps=3))
    await department.send("w-1", b"nonsense")
    await department.until_rows(1, "select from fix")
    await department.until_rows(1, "select from rejected")
    clock.advance(59 * 86_400)
    await retention.forget(server.pool, clock)
    assert len(await department.rows("select from fix")) == 1
    clock.advance(2 * 86_400)
    await retention.forget(server.pool, clock)
    assert await department.rows("select from fix") == []
    assert await department.rows("select from rejected") == []
    assert await department.rows("select from device_latest") == []


@pytest.mark.parametrize("policy", [None, "[]"])
async def test_alarm_rises_in_an_organisation_that_has_written_no_policy(
    server: Server, department: Department, clock: ManualClock, policy: str | None
) -> None:
    """It joined the policies: without one, the deadline was taken and no alert was raised."""
    [town_hall] = await department.rows(
        "insert into organisation (slug, name) values ('is-sur-tille', 'Is-sur-Tille') returning id"
    )
    if policy is not None:
        await department.rows(
            "insert into policy (organisation_id, name, steps) values (%(id)s, 'urgence', %(steps)s) returning id",
            id=town_hall["id"],
            steps=policy,
        )
    device_id = await department.on_shift("w-1")
    await department.rows(
        "update device set organisation_id = %(id)s where id = %(device)s returning id",
        id=town_hall["id"],
        device=device_id,
    )
    clock.advance(180)
    assert (await server.tick()).raised == 1
    assert await department.rows("select channel from notification") == [{"channel": "console"}]
