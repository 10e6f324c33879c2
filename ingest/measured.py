"""Ingest in numbers: what came of the messages, how long a commit took, and how late it was. Once a batch."""

from __future__ import annotations

from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter, Histogram

from gyrophare.kernel.clock import Clock
from gyrophare.kernel.observations import Event
from ingest.consumer import Batch, Store
from ingest.sequences import Receipt

_COMMIT_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_LAG_BUCKETS_S = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14_400)


class IngestMetrics:
    """Wraps `store` of every lane, so that the consumer knows nothing of metrics."""

    def __init__(self, registry: CollectorRegistry, clock: Clock) -> None:
        self._clock = clock
        messages = Counter(
            "gyrophare_ingest_messages",
            "Messages that were committed: read, or refused in whole or in part, which `rejected` explains.",
            ["result"],
            registry=registry,
        )
        self._read, self._refused = messages.labels("read"), messages.labels("refused")
        self._failed = Counter(
            "gyrophare_ingest_failed_commits",
            "Transactions that failed; their messages are tried again, one by one if need be.",
            registry=registry,
        )
        self._commit_seconds = Histogram(
            "gyrophare_ingest_commit_seconds",
            "How long the transaction of a batch took.",
            buckets=_COMMIT_BUCKETS_S,
            registry=registry,
        )
        self._lag_seconds = Histogram(
            "gyrophare_ingest_lag_seconds",
            "From the device's own time to the commit, of the first message of each batch; what was buffered included.",
            buckets=_LAG_BUCKETS_S,
            registry=registry,
        )

    def measured(self, store: Store) -> Store:
        """The same, measured."""

        async def store_measured(batch: Batch) -> Sequence[Receipt]:
            with self._failed.count_exceptions(Exception), self._commit_seconds.time():
                receipts = await store(batch)
            refused = sum([bool(found.rejected) for found in batch])
            self._read.inc(len(batch) - refused)
            if refused:
                self._refused.inc(refused)
            self._note_lag(batch)
            return receipts

        return store_measured

    def _note_lag(self, batch: Batch) -> None:
        """One sample a batch: to look at each message would cost as much as to decode it."""
        if not batch or not batch[0].observations:
            return
        newest = batch[0].observations[-1]
        happened_at = newest.occurred_at if isinstance(newest, Event) else newest.happened_at
        if happened_at is not None:  # of a clock that is ahead nothing is known but that it came
            self._lag_seconds.observe(max(0.0, (self._clock.now() - happened_at).total_seconds()))
