"""The metrics: readable by Prometheus, true after an alarm, and about nobody in particular."""

from __future__ import annotations

import aiohttp
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from gyrophare.kernel.clock import ManualClock
from gyrophare.server import Server
from tests.conftest import StartServer
from tests.department import Department, until

LABELS = {"lane", "result", "severity", "state", "channel", "kind", "le", "version"}


async def scrape(server: Server) -> list[Sample]:
    async with aiohttp.ClientSession() as browser, browser.get(f"{server.console_url}/metrics") as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        text = await answer.text()
    return [sample for family in text_string_to_metric_families(text) for sample in family.samples]


async def value(server: Server, name: str, **labels: str) -> float:
    """Of the one sample of that name and those labels."""
    [sample] = [one for one in await scrape(server) if one.name == f"gyrophare_{name}" and one.labels == labels]
    return sample.value


async def test_alarm_is_counted_from_message_to_answer(
    server: Server, department: Department, clock: ManualClock
) -> None:
    await department.with_contacts("+33600000001")
    await department.on_shift("w-1")
    clock.advance(2)
    event = {"boot": "9f3a01c2", "seq": 1, "kind": "sos", "occurred_at": clock.now().isoformat()}
    clock.advance(7)
    await department.publish("gyrophare/v1/watches/w-1/events", event)
    [alert] = await department.until_rows(1, "select id from alert")
    await department.publish("gyrophare/v1/watches/w-1/events", b"not JSON at all")
    await department.until_rows(1, "select from rejected")
    await department.until_rows(1, "select from notification where channel = 'sms' and state = 'sent'")
    await server.tick()
    clock.advance(3)

    async def refused() -> float | None:
        return await value(server, "ingest_messages_total", result="refused") or None

    assert await until(refused) == 1
    assert await value(server, "ingest_messages_total", result="read") == 1
    assert await value(server, "ingest_commit_seconds_count") >= 2
    assert await value(server, "ingest_lag_seconds_sum") == 7
    assert await value(server, "alerts_open", severity="vital", state="triggered") == 2
    assert await value(server, "alerts_open", severity="protection", state="triggered") == 0
    assert await value(server, "alert_detect_seconds_count") == 2
    assert await value(server, "alert_first_notification_seconds_count") == 2
    assert await value(server, "alert_ack_seconds_count") == 0
    assert await value(server, "notifications_total", channel="sms", result="sent") == 2
    assert await value(server, "notification_latency_seconds_count", channel="sms") == 2
    assert await value(server, "sms_segments_total") == 2
    assert await value(server, "rule_tick_age_seconds") == 3
    assert await value(server, "rule_tick_seconds_count") == 1
    assert await value(server, "mqtt_connected", lane="events") == 1

    url = f"{server.console_url}/api/v1/alerts/{alert['id']}/acknowledge"
    async with (
        aiohttp.ClientSession() as browser,
        browser.post(url, json={}, headers={"X-Gyrophare": "test"}) as answer,
    ):
        assert answer.status == 200
    clock.advance(5)  # until it is looked at again
    assert await value(server, "alert_ack_seconds_count") == 1
    clock.advance(5)
    assert await value(server, "alert_ack_seconds_sum") == 3
    assert await value(server, "alert_ack_seconds_count") == 1
    assert await value(server, "alert_detect_seconds_count") == 2  # each once, however often we look
    assert await value(server, "alerts_open", severity="vital", state="acknowledged") == 1


async def test_step_that_nobody_takes_is_overdue(server: Server, department: Department, clock: ManualClock) -> None:
    await department.with_contacts("+33600000001", "+33600000002")
    await department.on_shift("w-1")
    await department.press("w-1")
    await department.until_rows(1, "select from notification where channel = 'sms' and state = 'sent'")
    assert await value(server, "escalation_overdue_alerts") == 0
    clock.advance(66)  # the second contact was due after 60 s, and no engine ticks
    assert await value(server, "escalation_overdue_alerts") == 1


async def test_message_that_waits_is_as_old_as_its_first_attempt(
    server: Server, department: Department, clock: ManualClock
) -> None:
    await department.on_shift("w-1")
    await department.press("w-1")
    [alert] = await department.until_rows(1, "select id from alert")
    await department.connection.execute(
        "insert into notification (alert_id, step, channel, address, text, due_at, changed_at) "
        "values (%s, 9, 'pigeon', '', '', %s, %s)",
        [alert["id"], clock.now(), clock.now()],
    )
    clock.advance(40)
    assert await value(server, "outbox_pending_messages") == 1
    assert await value(server, "outbox_oldest_age_seconds") == 40
    await department.connection.execute(
        "insert into attempt (notification_id, number, started_at) select id, 1, due_at from notification "
        "where channel = 'pigeon'"
    )
    await department.connection.execute(
        "update notification set state = 'ambiguous', due_at = %s where channel = 'pigeon'", [clock.now()]
    )
    clock.advance(5)
    assert await value(server, "outbox_ambiguous_messages") == 1
    assert await value(server, "outbox_oldest_age_seconds") == 45  # to be tried again makes nothing young


async def test_no_label_names_a_person_or_a_device(server: Server, department: Department) -> None:
    await department.with_contacts("+33600000001")
    await department.on_shift("w-1")
    await department.press("w-1")
    await department.until_rows(1, "select from notification where channel = 'sms' and state = 'sent'")
    samples = await scrape(server)
    names: set[str] = set()
    for sample in samples:
        names |= set(sample.labels)
        assert not any(word in str(sample) for word in ("w-1", "Lefèvre", "Astreinte", "+336", "test-"))
    assert names <= LABELS
    assert all(sample.name.startswith("gyrophare_") for sample in samples)


async def test_two_servers_of_one_process_count_for_themselves(start_server: StartServer, clock: ManualClock) -> None:
    first, second = await start_server(), await start_server()
    await first.tick()
    assert await value(first, "rule_tick_seconds_count") == 1
    assert await value(second, "rule_tick_seconds_count") == 0
