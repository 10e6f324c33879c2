"""What Prometheus is told. Each server has a registry of its own, in which every part keeps its own metrics.

No label names a person or a device. What comes from the database is the department's: every server says the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Histogram, Info, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from gyrophare.platform.db import Pool
from gyrophare.platform.mqtt import MqttSession

_TICK_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)


class Metrics:
    """The registry of one server, and what the platform itself keeps there."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        Info("gyrophare_build", "Which Gyrophare this is.", registry=self.registry).info(
            {"version": version("gyrophare")}
        )
        self.tick_seconds = Histogram(
            "gyrophare_rule_tick_seconds",
            "How long a tick of the engine took.",
            buckets=_TICK_BUCKETS_S,
            registry=self.registry,
        )

    def text(self) -> bytes:
        """Everything, in the text format."""
        return generate_latest(self.registry)


class PlatformState(Collector):
    """Read when somebody asks: the engine's age, the sessions at the broker, the pool."""

    def __init__(
        self,
        registry: CollectorRegistry,
        pool: Pool,
        sessions: Mapping[str, MqttSession],
        tick_age_s: Callable[[], float],
    ) -> None:
        """`sessions` by lane."""
        self._pool = pool
        self._sessions = sessions
        self._tick_age_s = tick_age_s
        registry.register(self)

    def collect(self) -> Iterable[Metric]:
        yield GaugeMetricFamily(
            "gyrophare_rule_tick_age_seconds",
            "Since the engine's last tick that did what it should.",
            value=self._tick_age_s(),
        )
        connected = GaugeMetricFamily(
            "gyrophare_mqtt_connected", "Whether the broker is there and has our subscriptions.", labels=["lane"]
        )
        lost = CounterMetricFamily(
            "gyrophare_mqtt_reconnects", "Connections to the broker that ended.", labels=["lane"]
        )
        unacked = GaugeMetricFamily(
            "gyrophare_ingest_unacked_messages",
            "Messages that the broker handed over and that are not yet stored.",
            labels=["lane"],
        )
        for lane, session in self._sessions.items():
            connected.add_metric([lane], session.connected)
            lost.add_metric([lane], session.connections_lost)
            unacked.add_metric([lane], session.unacknowledged)
        yield from (connected, lost, unacked)
        yield GaugeMetricFamily(
            "gyrophare_db_pool_waiting_requests",
            "Who waits for a connection of the pool.",
            value=self._pool.get_stats().get("requests_waiting", 0),
        )
