"""No log line of an alarm, at any level, names a person, a number or a place: the alert's number leads to those."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import aiohttp
import pytest

from gyrophare.kernel.clock import ManualClock
from gyrophare.platform import logs
from gyrophare.server import Server
from gyrophare.sim.sms_provider import Act, Fault, SmsProvider
from tests.conftest import StartServer
from tests.department import Department

AGENT, MISSION, PHONE = "Zénobie Quinquampoix", "Élagage RD 971", "+33655512345"
SECRETS = (
    "Zénobie",
    "Quinquampoix",
    "Zenobie",  # as the text message has it
    "Élagage",
    "Astreinte",
    PHONE,
    PHONE.removeprefix("+"),
    "655512345",
    "47.32",
    "5.0415",
    "5.04150",
)


class Everything(logging.Handler):
    """Keeps each record as the log would show it, with all that was attached."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    def lines(self) -> list[str]:
        shown = logging.getLogger().handlers[0].formatter
        assert shown is not None
        return [shown.format(record) for record in self.records]


@pytest.fixture
def log() -> Iterator[Everything]:
    """As in a server that was told `[log] level = "debug"`."""
    chatty = {
        name: logging.getLogger(name).level
        for name in ("apscheduler", "alembic", "aiohttp.access", "httpx", "httpcore", "paho")
    }
    logs.configure("debug", "json")
    everything = Everything()
    logging.getLogger().addHandler(everything)
    yield everything
    for name, level in chatty.items():
        logging.getLogger(name).setLevel(level)


async def an_alarm(department: Department, server: Server, provider: SmsProvider, clock: ManualClock) -> int:
    """From an agent who lies still to messages, one of them without a clear answer, and somebody who comes."""
    await department.with_contacts(PHONE, "+33655512346")
    await department.on_shift("w-1", agent=AGENT, mission=MISSION)
    clock.advance(10)
    await department.send("w-1", department.report("w-1", steps=12))
    await department.send("w-1", b'{"fix": {"lat": 47.3215, "lon": 5.0415, "who": "Quinquampoix"')
    await department.until_rows(1, "select from fix")
    await department.until_rows(1, "select from rejected")
    clock.advance(180)
    assert (await server.tick()).raised == 1
    [alert] = await department.rows("select id from alert where kind = 'stillness'")
    await department.until_rows(1, "select from notification where channel = 'sms' and state = 'sent'")
    provider.faults.append(Fault(act=Act.RESET))
    await department.press("w-1", fix={"fixed_at": clock.now().isoformat(), "lat": 47.3215, "lon": 5.0415})
    await department.until_rows(1, "select from notification where state = 'ambiguous'")
    await server.auditor.look()
    clock.advance(70)
    await server.tick()
    await server.auditor.look()
    await server.auditor.look()
    await department.until_rows(4, "select from notification where channel = 'sms' and state = 'sent'")
    url = f"{server.console_url}/api/v1/alerts/{alert['id']}/acknowledge"
    async with (
        aiohttp.ClientSession() as browser,
        browser.post(url, json={}, headers={"X-Gyrophare": "test"}) as answer,
    ):
        assert answer.status == 200
        async with browser.get(f"{server.console_url}/metrics") as metrics:
            await metrics.read()
    await department.until_rows(1, "select from notification where channel = 'watch' and state = 'sent'")
    return int(alert["id"])


async def test_alarm_leaves_no_name_number_or_place_in_the_log(
    log: Everything, start_server: StartServer, department: Department, provider: SmsProvider, clock: ManualClock
) -> None:
    server = await start_server()
    await an_alarm(department, server, provider, clock)
    lines = log.lines()
    assert len(lines) > 10
    for line in lines:
        assert not [secret for secret in SECRETS if secret in line], line


async def test_each_line_about_an_alert_has_its_number(
    log: Everything, start_server: StartServer, department: Department, provider: SmsProvider, clock: ManualClock
) -> None:
    server = await start_server()
    alert_id = await an_alarm(department, server, provider, clock)
    lines = [json.loads(line) for line in log.lines()]
    about = [line for line in lines if f"#A{alert_id}" in line["event"] or line.get("action") == "send"]
    assert {line.get("alert_id") for line in about} >= {alert_id}
    assert all("alert_id" in line for line in about)
