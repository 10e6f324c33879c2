"""The demo: a real server with its embedded parts, an invented crew, and one story that must end well.

A day's work; one agent's watch comes back into coverage with three buffered minutes in which he fell and lies still;
the alarm rises when his three minutes are over, measured from his last step. Then a colleague presses SOS. Each play
starts from an empty database of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta

import aiohttp
from psycopg import sql
from pydantic import BaseModel, SecretStr

from alerts.callbacks.server import REPLY_PATH
from alerts.channels.twilio import HOW_OFTEN
from dashboards import read_models
from dashboards.answers import CONSOLE_HEADER
from gyrophare.demo import crew
from gyrophare.demo.told import AlarmTold, Told
from gyrophare.embedded import MqttBroker, PostgresServer
from gyrophare.embedded.folder import free_port
from gyrophare.kernel.clock import Clock, SystemClock
from gyrophare.kernel.errors import SettingsError
from gyrophare.kernel.ids import OrganisationId
from gyrophare.platform import db
from gyrophare.server import Server
from gyrophare.settings import CallbacksSettings, DatabaseSettings, MqttSettings, Settings, SmsSettings
from gyrophare.sim import cote_dor
from gyrophare.sim.connected import ConnectedWatch
from gyrophare.sim.sms_provider import SmsProvider

# The story, in seconds from the moment everything runs.
BACK_IN_COVERAGE_S = 6.0
SOS_S = 35.0
_BUFFER_INTERVAL_S = 5
_DISPATCHER_REACTS_S = 3.0

_DATABASE = "play"
_KEPT = frozenset({"http", "log"})


async def play(settings: Settings, *, headless: bool, seconds: float | None, say: Callable[[str], None]) -> Told:
    """Play until `seconds` are over, the story is complete (headless), or somebody stops it."""
    if settings.database.url is not None or settings.mqtt.url is not None:
        raise SettingsError(
            "The demo plays with invented agents and brings its own database and broker. "
            "Unset GYROPHARE_DATABASE_URL and GYROPHARE_MQTT_URL, also in the configuration file."
        )
    async with contextlib.AsyncExitStack() as stack:
        server, provider = await stack.enter_async_context(_stage(settings, say))
        spool = crew.empty_spool(settings.data_dir / "demo" / "watches.sqlite3")
        stack.callback(spool.close)
        fleet = await crew.engage(server, spool)
        parts = [asyncio.create_task(_story(fleet, server.clock, say), name="story")]
        if headless:
            parts.append(asyncio.create_task(_dispatch(server.console_url), name="dispatcher"))
        for part in parts:
            stack.push_async_callback(_end, part)
        say(f"\n  Console        [bold]{server.console_url}[/]")
        say(f"  SMS outbox     {provider.base_url}/outbox")
        say(f"  MQTT broker    {server.mqtt_url} (MQTT 5: mosquitto_pub -V mqttv5 …)\n\n  Ctrl-C stops.\n")
        await _wait(server, fleet, provider, headless=headless, seconds=seconds)
        return await _tell(server, fleet, provider)


@contextlib.asynccontextmanager
async def _stage(settings: Settings, say: Callable[[str], None]) -> AsyncIterator[tuple[Server, SmsProvider]]:
    """A server on an empty database, and the provider that its text messages go to."""
    clock = SystemClock()
    data_dir = settings.data_dir / "demo"
    sid, secret, token = f"AC{secrets.token_hex(16)}", secrets.token_urlsafe(16), secrets.token_urlsafe(16)
    provider = SmsProvider(account_sid=sid, api_key=sid, api_secret=secret, clock=clock, auth_token=token)
    port = free_port()
    public_url = f"http://127.0.0.1:{port}"
    provider.reply_url = public_url + REPLY_PATH + HOW_OFTEN
    say("Starting PostgreSQL and the broker…")
    async with contextlib.AsyncExitStack() as stack:
        postgres, broker = PostgresServer(data_dir), MqttBroker(data_dir, settings.mqtt.port or None)
        for part in (postgres, broker):
            stack.push_async_callback(asyncio.to_thread, part.stop)
        await asyncio.gather(asyncio.to_thread(postgres.start), asyncio.to_thread(broker.start), provider.start())
        stack.push_async_callback(provider.stop)
        server = Server(
            settings.model_copy(
                update=_nobody(settings)
                | {
                    "data_dir": data_dir,
                    "database": DatabaseSettings(url=SecretStr(await _empty_database(postgres.url))),
                    "mqtt": MqttSettings(url=SecretStr(broker.url)),
                    "sms": SmsSettings(
                        base_url=provider.base_url,
                        account_sid=sid,
                        api_key=sid,
                        api_secret=SecretStr(secret),
                        from_number="+33380000000",
                    ),
                    "callbacks": CallbacksSettings(port=port, public_url=public_url, auth_token=SecretStr(token)),
                }
            ),
            clock,
        )
        await server.start()
        stack.push_async_callback(server.stop)
        calling = asyncio.create_task(provider.run(), name="call back")
        stack.push_async_callback(_end, calling)
        yield server, provider


def _nobody(settings: Settings) -> dict[str, BaseModel]:
    """What is invented must reach nobody, whatever the configuration names: of all but these every section is empty."""
    return {name: type(value)() for name, value in settings if isinstance(value, BaseModel) and name not in _KEPT}


async def _empty_database(url: str) -> str:
    name = sql.Identifier(_DATABASE)
    async with await db.connect(url) as connection:
        await connection.execute(sql.SQL("drop database if exists {} with (force)").format(name))
        await connection.execute(sql.SQL("create database {}").format(name))
    return url.rsplit("/", 1)[0] + f"/{_DATABASE}"


async def _story(fleet: dict[str, ConnectedWatch], clock: Clock, say: Callable[[str], None]) -> None:
    """What happens to the crew, besides their work."""
    async with asyncio.TaskGroup() as devices:
        for name, watch in fleet.items():
            if name != cote_dor.LIES_STILL:
                devices.create_task(watch.run(), name=name)

        await asyncio.sleep(BACK_IN_COVERAGE_S)
        lying = fleet[cote_dor.LIES_STILL]
        now, at = clock.now(), lying.watch.body.plan.since
        while at < now:
            lying.watch.measure(at)
            at += timedelta(seconds=_BUFFER_INTERVAL_S)
        name, buffered = lying.watch.name, lying.watch.owed
        say(f"{name} is back in coverage, with {buffered} buffered reports: its wearer lies still.")
        devices.create_task(lying.run(), name=name)

        await asyncio.sleep(SOS_S - BACK_IN_COVERAGE_S)
        say(f"{cote_dor.PRESSES_SOS} presses SOS.")
        fleet[cote_dor.PRESSES_SOS].press("sos")


async def _dispatch(console_url: str) -> None:
    """A dispatcher without eyes: sees the alarms on the live socket as a page does, and takes each after a moment."""
    origin = {"Origin": console_url}
    async with (
        aiohttp.ClientSession(headers=origin) as session,
        session.ws_connect(f"{console_url}/api/v1/live") as socket,
        asyncio.TaskGroup() as answers,
    ):
        seen: set[int] = set()

        async def take(alert_id: int) -> None:
            await socket.send_json({"type": "presented", "alert_id": alert_id})
            await asyncio.sleep(_DISPATCHER_REACTS_S)
            url = f"{console_url}/api/v1/alerts/{alert_id}/acknowledge"
            async with session.post(url, json={}, headers={CONSOLE_HEADER: "demo"}) as answer:
                answer.raise_for_status()

        async for message in socket:
            for alert in message.json().get("alerts", ()):
                if alert["state"] == "triggered" and alert["id"] not in seen:
                    seen.add(alert["id"])
                    answers.create_task(take(alert["id"]))


async def _wait(
    server: Server, fleet: dict[str, ConnectedWatch], provider: SmsProvider, *, headless: bool, seconds: float | None
) -> None:
    async def until_complete() -> None:
        while not (await _tell(server, fleet, provider)).complete:  # noqa: ASYNC110  # a look at the database
            await asyncio.sleep(0.5)

    waiting = [asyncio.create_task(server.run_until_stopped(), name="signals")]
    if headless:
        waiting.append(asyncio.create_task(until_complete(), name="complete"))
    done, rest = await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for task in rest:
        await _end(task)
    for task in done:
        task.result()


async def _tell(server: Server, fleet: dict[str, ConnectedWatch], provider: SmsProvider) -> Told:
    organisation_id = OrganisationId(1)
    async with server.pool.connection() as connection:
        devices = await read_models.devices(connection, organisation_id, server.clock.now())
        found = await read_models.alerts(connection, organisation_id)
    told = {
        command["alert"]
        for device in fleet.values()
        for command in device.watch.commands
        if command["command"] == "alarm_acknowledged"
    }
    return Told(
        agents=sum(device["kind"] == "watch" for device in devices),
        agents_moving=sum(device["kind"] == "watch" and device["state"] == "moving" for device in devices),
        alarms=[
            AlarmTold(
                ref=alert["ref"],
                kind=alert["kind"],
                agent=alert["agent"],
                lateness_s=_seconds(alert["triggered_at"], alert["raised_at"]),
                sms_sent=sum(sent["channel"] == "sms" and sent["state"] == "sent" for sent in alert["notifications"]),
                acknowledged=alert["state"] == "acknowledged",
                wearer_told=alert["ref"] in told,
            )
            for alert in found
        ],
        sms_received_by_provider=provider.received,
        receipts=sum(device.watch.receipts for device in fleet.values()),
        reports_still_without_receipt=sum(device.watch.owed for device in fleet.values()),
    )


def _seconds(start: str, end: str) -> float:
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])
