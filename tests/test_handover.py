"""Handing alerts over, as an operator configures it, the doctor examines it and a server does it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from pydantic import SecretStr

from gyrophare import doctor_handover
from gyrophare.embedded import MqttBroker
from gyrophare.finding import Finding
from gyrophare.flows.provider_asked import FIRST_AFTER_S
from gyrophare.handover_settings import CapSettings, Dc09Settings, GammuSettings
from gyrophare.kernel.clock import ManualClock
from gyrophare.kernel.errors import SettingsError
from gyrophare.server import Server
from gyrophare.settings import HIDDEN, DatabaseSettings, HttpSettings, MqttSettings, Settings, effective, load
from tests.alarm_receiver import Receiver, ack
from tests.department import Department
from tests.test_alert_documents import RAISED
from tests.test_gammu_channel import TABLES, daemon

SECRET = "00112233445566778899AABBCCDDEEFF"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def modem_url(new_database: Callable[[], str]) -> str:
    url = new_database()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(TABLES)
    return url


def environment(monkeypatch: pytest.MonkeyPatch, **values: str) -> None:
    for key, value in values.items():
        monkeypatch.setenv(f"GYROPHARE_{key}", value)


async def found(**sections: Any) -> dict[str, Finding]:
    """What the doctor finds, by name."""
    findings = await asyncio.to_thread(lambda: list(doctor_handover.look(Settings(**sections))))
    return {finding.name: finding for finding in findings}


def test_nothing_is_handed_over_by_default() -> None:
    settings = load()
    assert not (settings.dc09.configured or settings.cap.configured or settings.gammu.configured)
    assert list(doctor_handover.look(settings)) == []


def test_whole_configuration_is_read_and_its_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    environment(
        monkeypatch,
        DC09_HOST="192.0.2.7",
        DC09_PORT="10000",
        DC09_ACCOUNT="12AB",
        DC09_KEY=SECRET,
        CAP_SENDER="gyrophare@cotedor.example",
        CAP_URL="https://secours.example/cap/",
        CAP_SECRET=SECRET,
        GAMMU_URL=f"postgresql://smsd:{SECRET}@modem/smsd",
    )
    settings = load()
    assert settings.dc09.configured
    assert settings.cap.configured
    assert settings.gammu.configured
    shown = {line.key: line.value for line in effective(settings)}
    assert SECRET not in str(shown)
    assert (shown["dc09.key"], shown["cap.secret"]) == (HIDDEN, HIDDEN)
    assert shown["gammu.url"] == f"postgresql://smsd:{HIDDEN}@modem/smsd"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"DC09_HOST": "192.0.2.7"}, "DC-09 is half configured: account, port missing"),
        ({"DC09_KEY": SECRET}, "DC-09 is half configured: account, host, port missing"),
        ({"DC09_HOST": "h", "DC09_PORT": "1", "DC09_ACCOUNT": "12", "DC09_KEY": SECRET}, "dc09.account = '12'"),
        ({"DC09_HOST": "h", "DC09_PORT": "1", "DC09_ACCOUNT": "123", "DC09_KEY": SECRET[1:]}, "hexadecimal digits"),
        ({"DC09_HOST": "h", "DC09_PORT": "1", "DC09_ACCOUNT": "123", "DC09_KEY": "x" + SECRET[1:]}, "hexadecimal"),
        ({"CAP_SENDER": "a@b"}, "CAP is half configured: folder or url missing"),
        ({"CAP_FOLDER": "/srv/cap", "CAP_SECRET": SECRET}, "sender missing"),
        ({"CAP_SENDER": "a@b", "CAP_FOLDER": "/srv/cap", "CAP_SECRET": SECRET}, "secret is for url"),
        ({"CAP_SENDER": "a b", "CAP_FOLDER": "/srv/cap"}, "cap.sender = 'a b'"),
        ({"CAP_SENDER": "a@b", "CAP_URL": f"https://u:{SECRET}@h/"}, "no user or password"),
        ({"GAMMU_URL": f"mysql://smsd:{SECRET}@modem/smsd"}, "expected postgresql://"),
    ],
)
def test_half_or_wrong_configuration_is_refused_and_no_secret_shown(
    monkeypatch: pytest.MonkeyPatch, values: dict[str, str], expected: str
) -> None:
    environment(monkeypatch, **values)
    with pytest.raises(SettingsError) as refused:
        load()
    assert expected in str(refused.value)
    assert SECRET[1:] not in str(refused.value)


async def test_doctor_asks_the_receiver_whether_it_answers() -> None:
    async with Receiver.open("tcp", ack) as receiver:
        section = Dc09Settings(host="127.0.0.1", port=receiver.port, account="1234")
        findings = await found(dc09=section)
        assert b'"NULL"0000' in receiver.frames[0]
    assert findings["alarm receiver"].verdict == "ok"
    assert findings["alarm receiver key"].verdict == "warning"
    assert (await found(dc09=section))["alarm receiver"].verdict == "fault"


async def test_doctor_finds_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    assert (await found(cap=CapSettings(sender="a@b", folder=tmp_path)))["cap folder"].verdict == "ok"
    assert (await found(cap=CapSettings(sender="a@b", folder=tmp_path / "none")))["cap folder"].verdict == "fault"


async def test_doctor_warns_of_an_endpoint_in_clear() -> None:
    assert (await found(cap=CapSettings(sender="a@b", url="http://secours.example")))[
        "cap endpoint"
    ].verdict == "warning"
    assert (await found(cap=CapSettings(sender="a@b", url="https://secours.example")))["cap endpoint"].verdict == "ok"


async def test_doctor_finds_a_modem_that_is_silent_or_late(modem_url: str, database_url: str) -> None:
    async def verdict(url: str = modem_url) -> str:
        return (await found(gammu=GammuSettings(url=SecretStr(url))))["modem"].verdict

    assert await verdict(database_url) == "fault"  # without gammu's tables
    assert await verdict() == "fault"  # no daemon has ever run
    async with await psycopg.AsyncConnection.connect(modem_url, autocommit=True) as connection:
        await connection.execute("""insert into phones ("IMEI", "Send") values ('1', 'yes')""")
        assert await verdict() == "ok"
        await connection.execute("""update phones set "UpdatedInDB" = now() - interval '4 minutes'""")
        assert await verdict() == "fault"
        await connection.execute("""update phones set "UpdatedInDB" = now()""")
        await connection.execute(
            """insert into outbox ("CreatorID", "InsertIntoDB") values ('#A1-1', now() - interval '2 minutes')"""
        )
        assert await verdict() == "fault"


@asynccontextmanager
async def serving(settings: Settings, clock: ManualClock) -> AsyncIterator[Server]:
    server = Server(settings, clock, ticking=False)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


async def test_server_hands_an_alert_over_by_every_way(
    database_url: str, modem_url: str, broker: MqttBroker, clock: ManualClock, department: Department, tmp_path: Path
) -> None:
    async with Receiver.open("tcp", ack) as receiver, daemon(modem_url, "DeliveryOK"):
        settings = Settings(
            instance="handover",
            data_dir=tmp_path,
            database=DatabaseSettings(url=SecretStr(database_url), pool_size=4),
            mqtt=MqttSettings(url=SecretStr(broker.url)),
            http=HttpSettings(port=0),
            cap=CapSettings(sender="gyrophare@cotedor.example", folder=tmp_path),
            gammu=GammuSettings(url=SecretStr(modem_url)),
            dc09=Dc09Settings(host="127.0.0.1", port=receiver.port, account="1234"),
        )
        async with serving(settings, clock) as server:
            await department.on_shift("w-1")
            await department.press("w-1")
            [alert] = await department.until_rows(1, "select id from alert")
            for number, (channel, text) in enumerate(
                [("cap", json.dumps(RAISED)), ("dc09", json.dumps(RAISED)), ("gammu", "SOS: Martin")]
            ):
                await department.connection.execute(
                    "insert into notification (alert_id, step, channel, address, text, due_at, changed_at) "
                    "values (%s, %s, %s, '+33612345678', %s, %s, %s)",
                    [alert["id"], 10 + number, channel, text, clock.now(), clock.now()],
                )
            server.dispatcher.wake()
            sent = await department.until_rows(
                3, "select channel from notification where state = 'sent' and channel in ('cap', 'dc09', 'gammu')"
            )
            clock.advance(FIRST_AFTER_S["gammu"])
            await server.callbacks.ask()
            arrived = await department.rows(
                "select channel from notification where delivered_at = %(now)s", now=clock.now()
            )
    assert len(sent) == 3
    assert arrived == [{"channel": "gammu"}]
    assert [b'"SIA-DCS"' in frame for frame in receiver.frames] == [True]
    assert (tmp_path / "A17-raised-20260114T074203Z.xml").exists()
