"""Who watches this server: systemd, Prometheus, the auditor, the dead man's switch; each is handed what it looks at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack

from alerts.auditor import Auditor
from alerts.channels import Channel
from alerts.channels.measured import ChannelMetrics, MeasuredChannel
from alerts.measures import AlertMeasures
from alerts.model import Carried
from dashboards.health import HealthRoutes
from gyrophare.broker import Broker
from gyrophare.flows import canary
from gyrophare.flows.audited import AuditReport
from gyrophare.flows.canary import Canary, Enrolled
from gyrophare.flows.readiness import Readiness
from gyrophare.kernel.clock import Clock
from gyrophare.platform import schema
from gyrophare.platform.db import Pool
from gyrophare.platform.deadman import DeadmanSwitch
from gyrophare.platform.metrics import Metrics, PlatformState
from gyrophare.platform.mqtt import MqttSession
from gyrophare.platform.pulse import Pulse
from gyrophare.platform.systemd import Supervisor
from gyrophare.settings import Settings, supervisor_address
from ingest.consumer import Store
from ingest.measured import IngestMetrics


class Observing:
    """Everything of one server that others watch it by."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self.supervisor = Supervisor(supervisor_address())
        self.pulse = Pulse(clock, ended=self.supervisor.alive)
        self.metrics = Metrics()
        self._registry = self.metrics.registry
        self.sent = ChannelMetrics(self._registry)

    def store(self, store: Store) -> Store:
        """The same, measured."""
        return IngestMetrics(self._registry, self._clock).measured(store)

    def channels(self, channels: Iterable[Channel]) -> list[Channel]:
        """The same, measured."""
        return [MeasuredChannel(channel, self.sent) for channel in channels]

    async def enrol_canary(self, pool: Pool, broker: Broker) -> Enrolled | None:
        """The canary's watch, before the broker is given the accounts; None when there is no canary."""
        settings = self._settings
        if not settings.canary.enabled:
            return None
        phone = settings.canary.phone if settings.sms.configured else None
        async with pool.connection() as connection, connection.transaction():
            enrolled = await canary.enrol(connection, settings.instance, phone, self._clock.now())
            broker.keep(enrolled.username, enrolled.password)
        return enrolled

    def canary(self, pool: Pool, enrolled: Enrolled, devices_url: str) -> Canary:
        """The canary itself, at the broker as devices reach it."""
        return Canary(pool, self._clock, enrolled, devices_url, self._settings.canary.every_s, self._registry)

    def auditor(self, database_url: str, stack: AsyncExitStack, canary: Canary | None) -> Auditor:
        """The auditor, and the dead man's switch in its hand, where one is configured; it ends with `stack`."""
        deadman = self._settings.deadman
        well = _nobody_waits
        if deadman.url is not None:
            switch = DeadmanSwitch(deadman.url.get_secret_value(), deadman.every_s, self._clock, self._registry)
            stack.push_async_callback(switch.aclose)
            well = switch.ping
        return Auditor(
            database_url,
            self._clock,
            self._registry,
            report=AuditReport().tell,
            well=well,
            status=self.supervisor.status,
            others=canary.findings if canary is not None else tuple,
        )

    async def health(self, pool: Pool, sessions: Mapping[str, MqttSession], carried: Carried) -> HealthRoutes:
        """The routes for machines. The database has just been brought to this version's schema."""
        async with pool.connection() as connection:
            heads = await schema.find_heads(connection)
        readiness = Readiness(
            pool,
            self._clock,
            self.pulse,
            instance=self._settings.instance,
            carried=carried,
            sessions=list(sessions.values()),
            schema_heads=heads,
        )
        PlatformState(self._registry, pool, sessions, lambda: self.pulse.succeeded_age_s)
        measures = AlertMeasures(self._registry, pool, self._clock)

        async def tell_metrics() -> bytes:
            await measures.refresh()
            return self.metrics.text()

        return HealthRoutes(
            alive=readiness.alive,
            ready={
                "database": readiness.database,
                "broker": readiness.broker,
                "tick": readiness.tick,
                "schema": readiness.schema,
            },
            next_tick=self.pulse.next_success,
            metrics=tell_metrics,
        )


async def _nobody_waits() -> None:
    pass
