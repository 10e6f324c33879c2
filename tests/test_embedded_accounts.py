"""The embedded broker's accounts: passwords that exist are demanded, our own session has a secret of its own."""

from __future__ import annotations

import asyncio
import contextlib
import stat
from pathlib import Path

import pytest
from pydantic import SecretStr

from gyrophare.embedded import MqttBroker, device_passwords, running_broker
from gyrophare.kernel.clock import ManualClock
from gyrophare.kernel.errors import NotReadyError
from gyrophare.kernel.observations import Wire
from gyrophare.platform.db import connect
from gyrophare.platform.mqtt import MqttSession
from gyrophare.server import Server
from gyrophare.settings import DatabaseSettings, HttpSettings, Settings
from ingest import registry
from tests.department import ORGANISATION, Department, until

TOPIC = "gyrophare/v1/watches/w-07"


def url_of(broker_url: str, username: str, password: str) -> str:
    return broker_url.replace("//", f"//{username}:{password}@")


async def may_connect(url: str, clock: ManualClock) -> bool:
    session = MqttSession(url, "somebody", [f"{TOPIC}/receipts"], clock=clock)
    try:
        await session.start(timeout_s=1.5)
    except NotReadyError:
        return False
    await session.stop()
    return True


async def test_only_who_has_an_account_may_connect(tmp_path: Path, clock: ManualClock) -> None:
    with MqttBroker(tmp_path, accounts={"w-07": 'quote " and \\'}) as broker:
        devices = broker.devices_url
        assert await may_connect(broker.url, clock)
        assert await may_connect(url_of(devices, "w-07", "quote%20%22%20and%20%5C"), clock)
        for wrong in (
            devices,
            url_of(devices, "w-07", "guessed"),
            url_of(devices, "gyrophare", "gyrophare"),
            url_of(devices, "w-08", "x"),
        ):
            assert not await may_connect(wrong, clock)
        # The secret is no device's business and nobody's guess.
        assert broker.url != devices
        assert running_broker(tmp_path) == broker.url
        assert stat.S_IMODE((broker.folder / "rumqttd.toml").lstat().st_mode) == 0o600
    with MqttBroker(tmp_path, accounts={}) as again:
        assert again.url.split("@")[0] != broker._secret


async def test_everybody_may_connect_when_there_are_no_accounts(tmp_path: Path, clock: ManualClock) -> None:
    with MqttBroker(tmp_path) as broker:
        assert broker.url == broker.devices_url == running_broker(tmp_path)
        assert await may_connect(broker.url, clock)


async def test_change_of_accounts_ends_who_is_out_and_keeps_the_port(tmp_path: Path, clock: ManualClock) -> None:
    with MqttBroker(tmp_path, accounts={"w-07": "a", "w-08": "b"}) as broker:
        port = broker.devices_url
        watch = MqttSession(url_of(port, "w-07", "a"), "w-07", [f"{TOPIC}/commands"], clock=clock)
        await watch.start()
        assert not await asyncio.to_thread(broker.change_accounts, {"w-08": "b", "w-07": "a"})
        assert watch.connected
        assert await asyncio.to_thread(broker.change_accounts, {"w-08": "b"})
        assert broker.devices_url == port

        async def out() -> bool | None:
            return not watch.connected or None

        await until(out)
        await watch.stop()
        assert not await may_connect(url_of(port, "w-07", "a"), clock)
        assert await may_connect(url_of(port, "w-08", "b"), clock)
        assert await may_connect(broker.url, clock)


def test_password_is_kept_and_forgotten_for_its_owner_alone(tmp_path: Path) -> None:
    assert device_passwords.kept(tmp_path) == {}
    device_passwords.keep(tmp_path, "w-07", "first")
    device_passwords.keep(tmp_path, "w-08", "other")
    device_passwords.keep(tmp_path, "w-07", "second")
    assert device_passwords.kept(tmp_path) == {"w-07": "second", "w-08": "other"}
    device_passwords.keep(tmp_path, "w-08", None)
    assert device_passwords.kept(tmp_path) == {"w-07": "second"}
    path = tmp_path / "mqtt" / "device-passwords.json"
    assert (stat.S_IMODE(path.stat().st_mode), stat.S_IMODE(path.parent.stat().st_mode)) == (0o600, 0o700)
    assert [one.name for one in path.parent.iterdir()] == ["device-passwords.json"]


async def test_watch_is_heard_with_its_password_and_put_out_when_it_is_revoked(
    database_url: str, tmp_path: Path, clock: ManualClock
) -> None:
    """`serve` with its embedded broker, as `gyrophare devices` leaves the registry and the folder."""
    settings = Settings(
        instance="main",
        data_dir=tmp_path,
        database=DatabaseSettings(url=SecretStr(database_url), pool_size=4),
        http=HttpSettings(port=0),
    )
    server = Server(settings, clock, ticking=False)
    await server.start()
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(server.stop)
        connection = await stack.enter_async_context(await connect(database_url))
        assert not await may_connect(server.devices_url, clock)

        _, issued = await registry.add(connection, ORGANISATION, "watch", Wire.NATIVE, "w-07", "Montre 07", clock.now())
        assert issued is not None
        device_passwords.keep(tmp_path, "w-07", issued.password)
        device_passwords.keep(tmp_path, "w-08", "of a device that the registry does not know")
        await server.accounts.refresh()
        watch = MqttSession(url_of(server.devices_url, "w-07", issued.password), "w-07", [], clock=clock)
        await watch.start()
        stack.push_async_callback(watch.stop)
        department = Department(connection, watch, clock)

        async def stored() -> object:
            """A device says it again until it is receipted: our server may not be back at the new broker yet."""
            await department.press("w-07", seq=1)
            await asyncio.sleep(0.1)
            return await department.rows("select * from event") or None

        await until(stored)
        assert not await may_connect(url_of(server.devices_url, "w-08", "x"), clock)

        await registry.revoke(connection, "w-07", None, clock.now())  # and its password still lies in the folder
        await server.accounts.refresh()

        async def out() -> bool | None:
            return not watch.connected or None

        await until(out)
        assert not await may_connect(url_of(server.devices_url, "w-07", issued.password), clock)


async def test_broker_that_cannot_be_given_accounts_is_tried_again(
    tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker = MqttBroker(tmp_path, accounts={})
    with broker:
        with monkeypatch.context() as patch:
            patch.setattr("gyrophare.embedded.broker.answers", lambda _port: True)  # somebody else took the port
            with pytest.raises(NotReadyError, match=r"did not come back on 127\.0\.0\.1"):
                broker.change_accounts({"w-07": "a"})
        assert broker.change_accounts({"w-07": "a"})
        assert await may_connect(url_of(broker.devices_url, "w-07", "a"), clock)
