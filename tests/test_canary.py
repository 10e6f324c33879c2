"""The canary goes the whole real way, is seen by nobody, and says so when it is not heard."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from alerts.auditor import FindingKind
from alerts.canary import Told
from gyrophare.flows import canary as singing
from gyrophare.flows.canary import Canary, _stored
from gyrophare.kernel.clock import ManualClock
from gyrophare.platform.db import Connection, connect
from gyrophare.server import Server
from gyrophare.settings import CanarySettings, DatabaseSettings, HttpSettings, Settings, SmsSettings
from gyrophare.sim.sms_provider import SmsProvider
from ingest import registry
from tests.department import SMS_KEY, SMS_SECRET, SMS_SID

PHONE = "+33600000099"


@pytest.fixture
async def office(database_url: str) -> AsyncIterator[Connection]:
    async with await connect(database_url) as connection:
        yield connection


@pytest.fixture(params=["with text messages", "console only"])
async def server(
    request: pytest.FixtureRequest, database_url: str, clock: ManualClock, provider: SmsProvider, tmp_path: Path
) -> AsyncIterator[Server]:
    """With a broker of its own, which asks every device for its password."""
    sms = SmsSettings(
        base_url=provider.base_url,
        account_sid=SMS_SID,
        api_key=SMS_KEY,
        api_secret=SecretStr(SMS_SECRET),
        from_number="+33380000000",
    )
    server = Server(
        Settings(
            instance=f"canary-{os.getpid()}",
            data_dir=tmp_path,
            database=DatabaseSettings(url=SecretStr(database_url), pool_size=4),
            http=HttpSettings(port=0),
            sms=sms if request.param == "with text messages" else SmsSettings(),
            canary=CanarySettings(enabled=True, phone=PHONE),
        ),
        clock,
        ticking=False,
    )
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
def canary(server: Server) -> Canary:
    assert server.canary is not None
    return server.canary


async def test_canary_is_heard_the_whole_way_and_closes_its_alarm(
    server: Server, canary: Canary, office: Connection, provider: SmsProvider
) -> None:
    for _ in range(2):
        assert await canary.sing()
    alarms = await (
        await office.execute(
            "select a.kind, a.state, o.slug from alert a join organisation o on o.id = a.organisation_id order by a.id"
        )
    ).fetchall()
    assert alarms == [{"kind": "sos", "state": "closed", "slug": "canary"}] * 2
    ends = await (await office.execute("select detail from alert_event where kind = 'closed'")).fetchall()
    assert [end["detail"] for end in ends] == [{"cause": "test"}] * 2
    pending = await (await office.execute("select from notification where state = 'pending'")).fetchall()
    assert pending == []
    async with aiohttp.ClientSession() as browser, browser.get(f"{provider.base_url}/outbox.json") as answer:
        texts = await answer.json()
    assert [sms["to"] for sms in texts] == ([PHONE] * 2 if server.settings.sms.configured else [])


async def test_message_that_only_waits_is_not_enough_where_texts_are_sent(
    server: Server, canary: Canary, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [None, Told(queued=False, texted=False), Told(queued=True, texted=False), Told(queued=True, texted=True)]
    left = found.copy()

    async def find_told(*_arguments: object) -> Told | None:
        return left.pop(0)

    monkeypatch.setattr(singing, "_LOOK_S", 0.0)
    monkeypatch.setattr("alerts.canary.find_told", find_told)
    assert await canary.sing()
    assert left == ([] if server.settings.sms.configured else found[3:])


async def test_no_dispatcher_sees_the_canary(server: Server, canary: Canary) -> None:
    async with (
        aiohttp.ClientSession() as browser,
        browser.ws_connect(f"{server.console_url}/api/v1/live") as socket,
    ):
        assert await canary.sing()
        snapshot = await socket.receive_json(timeout=15)
        server.live.wake()
        while (said := await socket.receive_json(timeout=15))["type"] != "heartbeat":
            assert "Canari" not in str(said)
    assert (snapshot["type"], snapshot["devices"], snapshot["alerts"]) == ("snapshot", [], [])


async def test_operator_need_not_name_the_organisation_because_of_the_canary(
    server: Server, office: Connection
) -> None:
    assert await registry.find_organisation(office) == 1
    assert await registry.find_organisation(office, "canary") != 1


async def test_canary_that_is_not_heard_twice_is_a_finding_until_it_is(
    server: Server, canary: Canary, monkeypatch: pytest.MonkeyPatch
) -> None:
    await server.tick()
    assert await canary.sing()
    assert await server.auditor.look() == ()
    with monkeypatch.context() as patched:
        patched.setattr(singing, "LIMIT_S", 0.0)
        assert not await canary.sing()
        assert await server.auditor.look() == ()
        assert not await canary.sing()
    [finding] = await server.auditor.look()
    assert (finding.kind, finding.count) == (FindingKind.CANARY, 2)
    text = server.observing.metrics.text().decode()
    assert 'gyrophare_canary_rounds_total{result="failed"} 2.0' in text
    assert 'gyrophare_audit_findings{kind="canary"} 2.0' in text
    assert await canary.sing()
    assert await server.auditor.look() == ()


async def test_alarm_that_an_earlier_process_left_is_closed_first(
    server: Server, canary: Canary, office: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def died(*_arguments: object) -> None:
        pass

    with monkeypatch.context() as patched:
        patched.setattr("alerts.canary.close", died)
        assert await canary.sing()
    assert await (await office.execute("select state from alert")).fetchall() == [{"state": "triggered"}]
    assert await canary.sing()  # pressed again it would be the same alarm, and nobody told
    states = await (await office.execute("select state from alert")).fetchall()
    assert [row["state"] for row in states] == ["closed"] * 2


def test_receipt_of_another_boot_or_number_is_none() -> None:
    assert _stored(b'{"boot": "a", "up_to": 1, "also": []}', "a")
    assert not _stored(b'{"boot": "b", "up_to": 1, "also": []}', "a")
    assert not _stored(b'{"boot": "a", "up_to": 0, "also": []}', "a")


@given(
    st.binary()
    | st.sampled_from([b"[]", b"7", b"null", b'{"boot": "a", "up_to": "1"}', b"[" * 100_000, b'{"boot": "a"}'])
)
def test_no_bytes_at_the_receipts_topic_end_the_server(payload: bytes) -> None:
    assert not _stored(payload, "a")
