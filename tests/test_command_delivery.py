"""Commands on their way: sent while they are worth it, once by whoever has the lease, and known to have arrived."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from datetime import timedelta
from urllib.parse import urlsplit

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from pydantic import SecretStr

import lone_worker.commands.store
from gyrophare.embedded import MqttBroker
from gyrophare.flows.alert_desk import AlertDesk, Answer
from gyrophare.kernel.clock import ManualClock
from gyrophare.kernel.ids import AccountId, AlertId, DeviceId
from gyrophare.server import Server
from gyrophare.settings import MqttSettings
from gyrophare.sim.connected import ConnectedWatch
from gyrophare.sim.spool import Spool
from ingest import topics
from lone_worker.commands.store import LEASE_S
from tests.commanded import Ear, a_message, a_prealarm, command_is, queued
from tests.conftest import StartServer
from tests.department import Department, until
from tests.simulated import simulated_watch

WAITING = "select from command where state = 'pending'"


@pytest.fixture
async def ear(broker: MqttBroker, clock: ManualClock) -> AsyncIterator[Ear]:
    async with Ear.of(broker.url, "w-1", clock) as ear:
        yield ear


@pytest.fixture
async def device_id(department: Department) -> DeviceId:
    return await department.on_shift("w-1")


async def test_command_reaches_the_watch_and_its_words_come_back(
    server: Server, department: Department, ear: Ear, device_id: DeviceId, clock: ManualClock
) -> None:
    [command_id] = await queued(department, a_message(device_id, clock.now()))
    told = await ear.next()
    assert (told["command"], told["id"], told["text"]) == ("message", f"c{command_id}", "Rentrez au centre")
    assert told["replies"] == ["Oui", "Non"]
    sent = await command_is(department, "sent")
    assert (sent["sent_at"], sent["attempts"]) == (clock.now(), 1)

    clock.advance(2)
    await department.press("w-1", "delivered", command=told["id"])
    assert (await command_is(department, "delivered"))["delivered_at"] == clock.now()
    clock.advance(5)
    await department.press("w-1", "reply", command=told["id"], text="Oui")
    answered = await command_is(department, "answered")
    assert (answered["answer"], answered["answered_at"]) == ("Oui", clock.now())
    assert answered["delivered_at"] == clock.now() - timedelta(seconds=5)


async def test_delivery_does_not_postpone_the_alarm_and_an_answer_does(
    server: Server, department: Department, ear: Ear, device_id: DeviceId, clock: ManualClock
) -> None:
    episode_at = clock.now()
    clock.advance(150)
    await queued(department, a_prealarm(device_id, clock.now()))
    told = await ear.next()
    await department.press("w-1", "delivered", command=told["id"])
    await command_is(department, "delivered")
    assert await department.rows("select evidence_at from watch_state") == [{"evidence_at": episode_at}]
    await department.press("w-1", "ok", command=told["id"])
    assert (await command_is(department, "answered"))["answer"] == "OK"
    assert await department.rows("select evidence_at from watch_state") == [{"evidence_at": clock.now()}]


async def test_prealarm_of_an_episode_is_queued_once_whoever_ticks(
    department: Department, device_id: DeviceId, clock: ManualClock
) -> None:
    now = clock.now()
    first, second = a_prealarm(device_id, now), a_prealarm(device_id, now, 2)
    assert len(await queued(department, first, second)) == 2
    assert await queued(department, first, second) == []
    assert len(await queued(department, a_prealarm(device_id, now + timedelta(seconds=1)))) == 1
    assert len(await queued(department, a_message(device_id, now), a_message(device_id, now))) == 2


async def test_command_is_never_sent_after_its_time(
    start_server: StartServer, department: Department, ear: Ear, device_id: DeviceId, clock: ManualClock
) -> None:
    await queued(department, a_prealarm(device_id, clock.now()))
    clock.advance(30)
    [message_id] = await queued(department, a_message(device_id, clock.now()))
    await start_server()
    assert (await ear.next())["id"] == f"c{message_id}"
    expired = await command_is(department, "expired")
    assert (expired["kind"], expired["attempts"], expired["sent_at"]) == ("prealarm", 0, None)


async def test_command_waits_and_expires_when_the_broker_is_away(
    start_server: StartServer,
    department: Department,
    device_id: DeviceId,
    clock: ManualClock,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with MqttBroker(tmp_path_factory.mktemp("mortal")) as mortal:
        server = await start_server(mqtt=MqttSettings(url=SecretStr(mortal.url)))

    async def gone() -> bool | None:
        return None if server.commands._session.connected else True

    await until(gone)
    await queued(department, a_prealarm(device_id, clock.now()))
    assert await server.commands.send_due() == 0
    assert len(await department.rows(WAITING)) == 1
    clock.advance(30)
    server.commands.wake()
    assert (await command_is(department, "expired"))["attempts"] == 0


async def test_broker_is_told_how_long_to_keep_it_for_a_watch_out_of_coverage(
    server: Server, department: Department, broker: MqttBroker, device_id: DeviceId, clock: ManualClock
) -> None:
    address = urlsplit(broker.url)
    heard: asyncio.Queue[paho.MQTTMessage] = asyncio.Queue()
    subscribed, loop = asyncio.Event(), asyncio.get_running_loop()
    watch = paho.Client(CallbackAPIVersion.VERSION2, client_id=f"official-{os.getpid()}", protocol=paho.MQTTv5)

    @watch.message_callback()
    def _(_client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        loop.call_soon_threadsafe(heard.put_nowait, message)

    @watch.subscribe_callback()
    def _(*_: object) -> None:
        loop.call_soon_threadsafe(subscribed.set)

    watch.connect(address.hostname or "", address.port or 0)
    watch.subscribe(topics.commands("w-1"), qos=1)
    watch.loop_start()
    try:
        async with asyncio.timeout(15):
            await subscribed.wait()
            await queued(department, a_prealarm(device_id, clock.now(), valid_s=29.5))
            message = await heard.get()
    finally:
        watch.disconnect()
        watch.loop_stop()
    assert message.properties is not None
    assert vars(message.properties)["MessageExpiryInterval"] == 30


async def test_two_senders_send_each_command_once(
    start_server: StartServer, department: Department, ear: Ear, device_id: DeviceId, clock: ManualClock
) -> None:
    one, other = await start_server(), await start_server()
    commands = 40
    ids = await queued(department, *(a_message(device_id, clock.now()) for _ in range(commands)))
    await asyncio.gather(*(sender.send_due() for sender in (one.commands, other.commands) * 3))
    sent = await department.until_rows(commands, "select attempts from command where state = 'sent'")
    assert {row["attempts"] for row in sent} == {1}
    assert sorted([(await ear.next())["id"] for _ in ids]) == sorted(f"c{number}" for number in ids)
    assert ear.heard_nothing_more()


async def test_command_is_sent_again_after_the_lease_when_its_sender_died_before_the_publish(
    start_server: StartServer, department: Department, ear: Ear, device_id: DeviceId, clock: ManualClock
) -> None:
    [command_id] = await queued(department, a_message(device_id, clock.now()))
    [lost] = await lone_worker.commands.store.claim(department.connection, clock.now(), 10)
    server = await start_server()
    clock.advance(LEASE_S - 1)
    assert await server.commands.send_due() == 0
    clock.advance(1)
    server.commands.wake()
    assert (await ear.next())["id"] == f"c{command_id}"
    assert (await command_is(department, "sent"))["attempts"] == 2
    # The dead one wakes up: it changes nothing.
    await lone_worker.commands.store.settle(department.connection, [], [lost], clock.now())
    assert await department.rows("select state from command") == [{"state": "sent"}]


async def test_answer_to_an_alarm_is_known_to_have_reached_its_wearer_and_nobody_elses_word_counts(
    server: Server, department: Department, ear: Ear, device_id: DeviceId, clock: ManualClock
) -> None:
    await department.on_shift("w-2", agent="Zoé")
    await department.press("w-1")
    [alert] = await department.until_rows(1, "select id from alert")
    assert await AlertDesk(server.pool, clock).acknowledge(AlertId(alert["id"]), AccountId(1)) is Answer.YES
    told = await ear.next()
    assert (told["command"], told["alert"]) == ("alarm_acknowledged", f"A{alert['id']}")
    [watch] = await department.rows("select id from notification where channel = 'watch'")
    assert told["id"] == f"n{watch['id']}"

    [sms_or_console] = await department.rows("select min(id) as id from notification where channel <> 'watch'")
    clock.advance(3)
    await department.press("w-2", "delivered", command=told["id"])
    await department.press("w-1", "delivered", command=f"n{sms_or_console['id']}")
    await department.until_rows(2, "select from event where kind = 'delivered'")
    assert await department.rows("select from notification where delivered_at is not null") == []

    for _ in range(2):
        await department.press("w-1", "delivered", command=told["id"])
    reached = await department.until_rows(
        1, "select channel, delivered_at from notification where delivered_at is not null"
    )
    assert reached == [{"channel": "watch", "delivered_at": clock.now()}]
    assert await department.rows("select changed_at from alert") == [{"changed_at": clock.now()}]


async def test_command_that_no_broker_takes_fails_and_holds_nobody_up(
    server: Server, department: Department, ear: Ear, device_id: DeviceId, clock: ManualClock
) -> None:
    await queued(department, a_message(device_id, clock.now(), name="+"), a_message(device_id, clock.now()))
    assert (await ear.next())["command"] == "message"
    assert (await command_is(department, "failed"))["topic"] == "gyrophare/v1/watches/+/commands"


async def test_simulated_wearer_answers_through_broker_and_database(
    server: Server, department: Department, broker: MqttBroker, device_id: DeviceId, clock: ManualClock
) -> None:
    spool = Spool(None)
    watch = ConnectedWatch(simulated_watch(spool, since=clock.now()), broker.url, clock)
    working = asyncio.create_task(watch.run())
    await department.until_rows(1, "select from fix")  # it is connected
    await queued(department, a_message(device_id, clock.now()))
    await command_is(department, "delivered")
    clock.advance(15)
    answered = await command_is(department, "answered")
    assert answered["answer"] == "Oui"
    assert timedelta(seconds=2) <= answered["answered_at"] - answered["delivered_at"] <= timedelta(seconds=12)
    working.cancel()
    await asyncio.wait([working])
    spool.close()
