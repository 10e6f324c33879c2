"""A channel in numbers: what became of each attempt, and how long the provider took to say so."""

from __future__ import annotations

from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Histogram

from alerts.channels import Channel, Outcome, OutgoingText, SendResult

_BUCKETS_S = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15)


class ChannelMetrics:
    """What all channels of a server count in."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.attempts = Counter(
            "gyrophare_notifications",
            "Attempts to send a notification; `error` is a fault of ours.",
            ["channel", "result"],
            registry=registry,
        )
        self.latency_seconds = Histogram(
            "gyrophare_notification_latency_seconds",
            "From the request of one attempt to its answer.",
            ["channel"],
            buckets=_BUCKETS_S,
            registry=registry,
        )
        self.sms_segments = Counter(
            "gyrophare_sms_segments",
            "Parts of text messages that the SMS provider took: what it bills.",
            registry=registry,
        )
        self.unknown = Counter(
            "gyrophare_deliveries_unknown",
            "Messages that the provider took, and of which nobody knows whether they arrived.",
            ["channel"],
            registry=registry,
        )
        self.redactions = Counter(
            "gyrophare_sms_redactions",
            "Texts that the SMS provider was asked to forget, and whether it did.",
            ["result"],
            registry=registry,
        )
        for channel in ("sms", "voice", "gammu"):
            self.unknown.labels(channel)
        for result in ("redacted", "refused"):
            self.redactions.labels(result)


class MeasuredChannel:
    """Another channel, measured: the dispatcher sees no difference."""

    def __init__(self, channel: Channel, metrics: ChannelMetrics) -> None:
        self.name = channel.name
        self._channel = channel
        self._attempts = metrics.attempts
        self._segments = metrics.sms_segments
        self._seconds = metrics.latency_seconds.labels(channel.name)
        for result in (*Outcome, "error"):  # there from the start: a rate needs a zero to rise from
            metrics.attempts.labels(channel.name, str(result))

    async def send(self, message: OutgoingText) -> SendResult:
        result = "error"
        try:
            with self._seconds.time():
                sent = await self._channel.send(message)
            result = str(sent.outcome)
            self._count_segments(sent)
            return sent
        finally:
            self._attempts.labels(self.name, result).inc()

    async def find_sent(self, message: OutgoingText, *, since: datetime) -> SendResult | None:
        found = await self._channel.find_sent(message, since=since)
        if found is not None:
            self._count_segments(found)
        return found

    def _count_segments(self, sent: SendResult) -> None:
        if self.name == "sms" and sent.outcome is Outcome.SENT:
            self._segments.inc(sent.segments or 1)  # we send one part
