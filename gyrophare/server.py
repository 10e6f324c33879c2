"""The server's composition root: builds every part, starts them in order, stops them in the reverse one.

Nothing here decides anything about alarms; it only says who is handed what.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from functools import partial
from typing import Any

import psycopg
from aiohttp import web

from alerts import redaction
from alerts.audit import sealer
from alerts.auditor import Auditor
from alerts.channels import Channel
from alerts.channels.dc09 import Dc09Channel
from alerts.channels.watch import WatchChannel
from alerts.dispatcher import Caps, Dispatcher
from dashboards import read_models
from dashboards.duty import DutyRoutes
from dashboards.live import Live
from dashboards.server import LOCAL_HOSTS, ConsoleServer
from dashboards.shifts import ShiftRoutes
from gyrophare import handover_channels, outgoing
from gyrophare.broker import Broker
from gyrophare.callbacks import Callbacks, call_status_url, key_url, status_url
from gyrophare.embedded import PostgresServer
from gyrophare.flows import (
    escalation_tick,
    keep_time,
    reachable,
    registered,
    retention,
    shaking,
    shift_plan,
    watch_report,
    write_to_watch,
)
from gyrophare.flows.alert_desk import AlertDesk
from gyrophare.flows.broker_accounts import BrokerAccounts
from gyrophare.flows.canary import Canary
from gyrophare.flows.command_delivery import CommandSender
from gyrophare.flows.duty_desk import DutyDesk
from gyrophare.flows.provider_asked import FetchStatus
from gyrophare.flows.shift_desk import ShiftDesk
from gyrophare.kernel.clock import Clock, SteadyClock, SystemClock
from gyrophare.kernel.errors import NotReadyError, SettingsError
from gyrophare.observing import Observing
from gyrophare.platform import db
from gyrophare.platform.migrations.migrate import migrate
from gyrophare.platform.mqtt import MqttSession
from gyrophare.platform.schedule import Ticker
from gyrophare.settings import Settings
from ingest import topics
from ingest.consumer import Consumer
from ingest.gateways.watch3g import Watch3gGateway
from ingest.receipts import Receipts
from lone_worker.profiles import DEFAULT, PROFILES

log = logging.getLogger(__name__)

TICK_S = 0.25  # a deadline waits for the next tick: with one a second, one alarm in a hundred is a second late
CLOCK_S = 1.0
SEAL_S = 1.0
PLAN_S = 10.0
RETENTION_S = 3600.0
CALLBACKS_S = 5.0
REDACT_S = 30.0
ACCOUNTS_S = 10.0  # a revoked device is off the broker within a minute, reload included
CONSOLE_LOGIN = "supervision"


class Server:
    """Everything a department needs, in one process; any number of them may share a database and a broker."""

    def __init__(self, settings: Settings, clock: Clock | None = None, *, ticking: bool = True) -> None:
        self.settings = settings
        self.clock = SteadyClock(clock or SystemClock())
        self.clock_watch = keep_time.ClockWatch(self.clock)
        self.observing = Observing(settings, self.clock)
        self._ticking = ticking
        self._stack = AsyncExitStack()
        self._ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.database_url = ""
        self.mqtt_url = ""
        self.devices_url = ""
        self.console_url = ""
        self.pool: db.Pool
        self.accounts: BrokerAccounts
        self.dc09: Dc09Channel | None = handover_channels.dc09(settings.dc09, self.clock)
        self.dispatcher: Dispatcher
        self.commands: CommandSender
        self.live: Live
        self.watch3g: Watch3gGateway | None = None
        self._fetches: dict[str, FetchStatus] = {}
        self._redact: redaction.Redact | None = None
        self.callbacks: Callbacks
        self.auditor: Auditor
        self.canary: Canary | None = None
        self._sessions: dict[str, MqttSession] = {}
        self._hearing_since_at: datetime | None = None

    async def start(self) -> None:
        """Start everything. Raise a GyrophareError saying what is missing; then nothing is left running."""
        refuse_foreign_address(self.settings.http.host)
        try:
            await self._start()
        except BaseException:
            await self.stop()
            raise

    async def _start(self) -> None:
        settings, clock = self.settings, self.clock

        # 1. What everything stands on: the database and the broker, our own where none is configured.
        self.database_url = await self._stack.enter_async_context(database(settings))
        schema = await asyncio.to_thread(migrate, self.database_url)
        log.info("The schema is ready; TimescaleDB: %s", schema.timescaledb, extra={"action": "migrated"})
        await self._stack.enter_async_context(db.instance_lock(self.database_url, settings.instance))
        self.pool = await db.open_pool(self.database_url, settings.database.pool_size)
        self._stack.push_async_callback(self.pool.close)
        if self._ticking:
            self._stack.push_async_callback(self._seal_last)
        await keep_time.catch_up(self.pool, clock)
        broker = Broker(settings)
        self.accounts = BrokerAccounts(self.pool, broker.give)
        enrolled = await self.observing.enrol_canary(self.pool, broker)
        await self.accounts.refresh()
        await asyncio.to_thread(broker.start)
        self._stack.push_async_callback(asyncio.to_thread, broker.stop)
        self.mqtt_url, self.devices_url = broker.url, broker.devices_url

        # 2. The two lanes in. They may connect before anything is consumed: the broker waits for our acknowledgements.
        events = await self._session("events", topics.EVENT_TOPICS)
        fix_topics, without = topics.FIX_TOPICS, topics.SHARED_FIX_TOPICS
        if settings.mqtt.shared:
            fix_topics, without = without, fix_topics
        fixes = await self._session("fixes", fix_topics, without)

        self._hearing_since_at = clock.now()

        # 3. The ways out.
        channels = self._channels(events)
        self.dispatcher = Dispatcher(self.pool, clock, channels, Caps(**settings.caps.model_dump()))
        carried = outgoing.carried(channels, settings.webhook, hears=settings.callbacks.port is not None)
        told = partial(reachable.tick, self.pool, clock, settings.instance, carried)
        await told()  # before the first shift can begin
        self.commands = CommandSender(self.pool, clock, events)
        async with self.pool.connection() as connection:
            viewer = await read_models.viewer(connection, CONSOLE_LOGIN)
        duty_desk = DutyDesk(self.pool, clock)
        self.live = Live(self.pool, clock, viewer, settings.instance, duty_desk.rota)

        # 4. Everything turns.
        store = self.observing.store(partial(watch_report.record, self.pool, clock))
        receipts = Receipts(events.tell)
        self._run("send receipts", receipts.run())
        self._run("consume events", Consumer(events, store, receipts, clock).run())
        self._run("consume fixes", Consumer(fixes, store, receipts, clock).run())
        if settings.watch3g.port is not None:
            self.watch3g = Watch3gGateway(
                settings.watch3g.host, settings.watch3g.port, clock, partial(registered.is_registered, self.pool)
            )
            await self.watch3g.start()
            self._stack.push_async_callback(self.watch3g.stop)
            self._run("consume 3G watches", Consumer(self.watch3g, store, receipts, clock).run())
        self.desk = AlertDesk(self.pool, clock)
        self.callbacks = Callbacks(
            settings.callbacks,
            self.pool,
            clock,
            self.desk.acknowledge_as_contact,
            self._fetches,
            self.observing.sent.unknown,
        )
        self._stack.push_async_callback(self.callbacks.stop)
        await self.callbacks.start()
        self._run("dispatch", self.dispatcher.run())
        self._run("send commands", self.commands.run())
        self._run("push to consoles", self.live.run())
        self._run("listen", self._listen())
        if enrolled is not None:
            self.canary = self.observing.canary(self.pool, enrolled, self.devices_url)
        self.auditor = self.observing.auditor(self.database_url, self._stack, self.canary)
        if self._ticking:
            self._run("audit", self.auditor.run())
            if self.canary is not None:
                self._run("canary", self.canary.run())
            ticker = Ticker(clock)
            ticker.every(TICK_S, "escalation", self.tick)
            ticker.every(CLOCK_S, "clock", partial(self.clock_watch.look, self.pool))
            ticker.every(ACCOUNTS_S, "accounts", self.accounts.refresh)
            ticker.every(PLAN_S, "reachable", told)
            ticker.every(PLAN_S, "plan", partial(shift_plan.due, self.pool, clock))
            ticker.every(CALLBACKS_S, "callbacks", self.callbacks.follow_up)
            ticker.every(CALLBACKS_S, "ask the provider", self.callbacks.ask)
            ticker.every(REDACT_S, "redact", self.redact)
            ticker.every(SEAL_S, "seal", partial(sealer.seal_newest, self.pool, clock))
            ticker.every(RETENTION_S, "seal overlooked", partial(sealer.seal_overlooked, self.pool, clock))
            ticker.every(RETENTION_S, "retention", partial(retention.forget, self.pool, clock))
            if self.dc09 is not None:
                ticker.every(settings.dc09.supervision_s, "dc09 supervision", self.dc09.supervise)
            ticker.start()
            self._stack.callback(ticker.stop)

        # 5. Last, what people and machines see.
        console = ConsoleServer(
            self.pool,
            clock,
            self.live,
            viewer,
            desk=self.desk,
            write=partial(write_to_watch.write, self.pool, clock),
            shifts=ShiftRoutes(
                self.pool,
                self.live,
                viewer,
                ShiftDesk(self.pool, clock),
                profiles=[name for name in PROFILES if name != DEFAULT],
            ),
            duty=DutyRoutes(self.live, viewer, duty_desk),
            health=await self.observing.health(self.pool, self._sessions, carried),
        )
        self.console_url = await self._serve(console.application())
        log.info("The console is on %s", self.console_url, extra={"action": "ready"})
        self.observing.supervisor.ready(f"the console is on {self.console_url}")

    async def stop(self) -> None:
        """Stop in the reverse order of the start."""
        self.observing.supervisor.stopping()
        await self._stack.aclose()
        self.observing.supervisor.close()

    async def run_until_stopped(self) -> None:
        """Return at SIGINT or SIGTERM. Raise what ended a part that must not end: a supervisor starts us again."""
        loop = asyncio.get_running_loop()

        def stop() -> None:
            if not self._ended.done():
                self._ended.set_result(None)

        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop)
        await asyncio.shield(self._ended)

    async def tick(self) -> escalation_tick.Ticked:
        """One tick of the engine, now."""
        if not all(session.connected for session in self._sessions.values()):
            self._hearing_since_at = None
        elif self._hearing_since_at is None:
            self._hearing_since_at = self.clock.now()
        try:
            with self.observing.pulse.turn(), self.observing.metrics.tick_seconds.time():
                return await escalation_tick.tick(self.pool, self.clock, self.settings.instance, self._hearing_since_at)
        except Exception:
            self._hearing_since_at = None  # what cannot be stored is not heard
            raise

    async def redact(self) -> None:
        """Have the SMS provider forget some of what it need not know any more."""
        if self._redact is not None:
            await redaction.redact_due(self.pool, self.clock, self._redact, self.observing.sent.redactions)

    async def _seal_last(self) -> None:
        """Everything else has stopped: nothing is left that nobody would seal until the next start."""
        try:
            await sealer.seal_newest(self.pool, self.clock)
        except psycopg.Error as error:
            log.warning("What happened last has no seal yet: %s", error, extra={"action": "seal"})

    async def _session(self, lane: str, subscriptions: Sequence[str], without: Sequence[str] = ()) -> MqttSession:
        session = MqttSession(
            self.mqtt_url,
            f"gyrophare-{self.settings.instance}-{lane}",
            subscriptions,
            clock=self.clock,
            receive_maximum=self.settings.mqtt.receive_maximum,
            without=without,
        )
        await session.start()
        self._stack.push_async_callback(session.stop)
        self._sessions[lane] = session
        return session

    def _channels(self, session: MqttSession) -> list[Channel]:
        channels: list[Channel] = [WatchChannel(session, self.clock, partial(shaking.expect, self.pool, self.clock))]
        settings, heard = self.settings.sms, self.settings.callbacks
        if not settings.configured:
            log.warning(
                "No SMS provider is configured ([sms]): alarms reach only the console", extra={"action": "no_sms"}
            )
        sms = outgoing.sms_channel(settings, status_callback=status_url(heard))
        if sms is not None and settings.redact:
            self._redact = sms.redact
        voice = outgoing.voice_channel(settings, status_callback=call_status_url(heard), key_url=key_url(heard))
        for told in (sms, voice):
            if told is not None:
                self._fetches[told.name] = told.fetch_status
                self._stack.push_async_callback(told.aclose)
                channels.append(told)
        if (email := outgoing.email_channel(self.settings.email, self.clock)) is not None:
            channels.append(email)
        if (webhook := outgoing.webhook_channel(self.settings.webhook, self.clock)) is not None:
            self._stack.push_async_callback(webhook.aclose)
            channels.append(webhook)
        if (cap := handover_channels.cap(self.settings.cap)) is not None:
            self._stack.push_async_callback(cap.aclose)
            channels.append(cap)
        if (modem := handover_channels.gammu(self.settings.gammu)) is not None:
            self._fetches[modem.name] = modem.fetch_status
            channels.append(modem)
        if self.dc09 is not None:
            channels.append(self.dc09)
        return self.observing.channels(channels)

    async def _listen(self) -> None:
        async for _ in db.listen(self.database_url, "gyrophare_alert", "gyrophare_outbox", "gyrophare_command"):
            self.dispatcher.wake()
            self.commands.wake()
            self.live.wake()

    async def _serve(self, app: web.Application) -> str:
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=2)
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        host, port = self.settings.http.host, self.settings.http.port
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            raise NotReadyError(
                f"The console cannot listen on {host}:{port}: {error.strerror or error}. "
                "Choose another port with GYROPHARE_HTTP_PORT (0 takes a free one)."
            ) from None
        return f"http://{'[::1]' if host == '::1' else host}:{runner.addresses[0][1]}"

    def _run(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        """Run `work` in the background; if it ever ends by itself, the server ends too, loudly."""
        task = asyncio.create_task(work, name=name)

        def ended(task: asyncio.Task[None]) -> None:
            if task.cancelled() or self._ended.done():
                return
            error = task.exception() or RuntimeError("it returned")
            log.critical("'%s' has ended, which it must not", name, exc_info=error, extra={"action": "died"})
            self._ended.set_exception(error)

        task.add_done_callback(ended)

        async def end() -> None:
            task.cancel()
            await asyncio.wait([task])

        self._stack.push_async_callback(end)


def refuse_foreign_address(host: str) -> None:
    """Raise SettingsError unless `host` is this machine: without accounts, whoever reaches the page sees everybody."""
    if host not in LOCAL_HOSTS:
        raise SettingsError(
            f"http.host = {host!r}: dispatchers have no accounts yet, so the console listens on this machine only. "
            f"Expected one of {', '.join(sorted(LOCAL_HOSTS))}; reach it from elsewhere through an SSH tunnel."
        )


@asynccontextmanager
async def database(settings: Settings) -> AsyncIterator[str]:
    """The URL of the configured database, or of an embedded one that lives as long as this context."""
    if settings.database.url is not None:
        yield settings.database.url.get_secret_value()
        return
    server = PostgresServer(settings.data_dir)
    await asyncio.to_thread(server.start)
    try:
        yield server.url
    finally:
        await asyncio.to_thread(server.stop)
