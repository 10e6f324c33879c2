"""The consumer of one lane, and the only one who acknowledges: decode, have it stored, acknowledge, note the receipts.

While one batch is in the database the next is decoded and begins to be stored: any order gives the same result, and the
acknowledgements keep theirs. Who calls for help goes first, in a transaction that waits for nothing else.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Protocol

import psycopg

from gyrophare.kernel.clock import Clock
from gyrophare.platform.mqtt import Received
from ingest.flood import UNREAD_ABOVE_BYTES, Flood
from ingest.receipts import Receipts
from ingest.rejected import Rejected
from ingest.sequences import Receipt
from ingest.understanding import Understood, understand

log = logging.getLogger(__name__)

MESSAGES_MAX = 500  # in one transaction
REPORTS_MAX = 5_000  # likewise: a message may hold 500
UNDER_WAY = 3  # transactions at a time: while one waits for the database, the other computes
_BREATH_REPORTS = 500  # decoded before others have their turn: some 5 ms
_RETRY_MIN_S, _RETRY_MAX_S = 0.2, 2.0

Batch = Sequence[Understood]
Store = Callable[[Batch], Awaitable[Sequence[Receipt]]]
"""Commit all of a batch, or nothing and raise; what may be receipted once it has committed."""


class Source(Protocol):
    """Where messages come from: an MQTT session, or a gateway that listens itself."""

    async def receive(self, most: int) -> list[Received]:
        """At least one message, at most `most`."""
        ...

    def acknowledge(self, messages: Sequence[Received]) -> None:
        """These are stored: whoever sent them may be told."""
        ...


class Consumer:
    """Takes messages from one source and hands them to `store`."""

    def __init__(self, source: Source, store: Store, receipts: Receipts, clock: Clock) -> None:
        self._source = source
        self._clock = clock
        self._store = store
        self._receipts = receipts
        self._flood = Flood()
        self._forming: list[Understood] = []
        self._reports = 0
        self._urgent = False
        self._under_way = 0
        self._changed = asyncio.Event()
        self._emptied = asyncio.Event()

    async def run(self) -> None:
        """Consume until cancelled. While the database is gone nothing is acknowledged and the broker holds back."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._decode_all(), name="decode")
            group.create_task(self._store_all(group), name="store")

    async def _decode_all(self) -> None:
        breath = 0
        while True:
            messages = await self._source.receive(MESSAGES_MAX)
            now_s = asyncio.get_running_loop().time()
            for message in messages:
                while self._full:
                    self._emptied.clear()
                    await self._emptied.wait()
                found = self._understand(message, now_s)
                self._forming.append(found)
                self._reports += len(found.observations)
                self._urgent |= found.urgent
                self._changed.set()
                breath += 1 + len(found.observations)
                if breath >= _BREATH_REPORTS:
                    breath = 0
                    await asyncio.sleep(0)

    async def _store_all(self, group: asyncio.TaskGroup) -> None:
        """Start to store what has formed, again and again."""
        acknowledged = asyncio.Event()
        acknowledged.set()
        while True:
            while not self._due:
                self._changed.clear()
                await self._changed.wait()
            batch, self._forming, self._reports, self._urgent = self._forming, [], 0, False
            self._emptied.set()
            self._under_way += 1
            batch[0].rejected += self._counts()
            before, acknowledged = acknowledged, asyncio.Event()
            group.create_task(self._store_one(batch, before, acknowledged), name="store a batch")

    @property
    def _full(self) -> bool:
        return len(self._forming) >= MESSAGES_MAX or self._reports >= REPORTS_MAX

    @property
    def _due(self) -> bool:
        """At once when nothing is under way; beside one that is, only a full batch or an urgent one pays."""
        return bool(self._forming) and (
            self._under_way == 0 or (self._under_way < UNDER_WAY and (self._urgent or self._full))
        )

    async def _store_one(self, batch: Batch, before: asyncio.Event, acknowledged: asyncio.Event) -> None:
        """Store `batch` and acknowledge it, but not earlier than the one before it: brokers want them in order."""
        for part in in_turn(batch):
            self._receipts.note(await self._settle(part))
        await before.wait()
        self._source.acknowledge([found.message for found in batch])
        acknowledged.set()
        self._under_way -= 1
        self._changed.set()

    def _understand(self, message: Received, now_s: float) -> Understood:
        """Decode, but not more of a flood of refusals than the others can bear."""
        flooding = self._flood.goes_on(message.topic, now_s)
        if flooding and len(message.payload) > UNREAD_ABOVE_BYTES:
            found = Understood(message=message)
            found.reject("flood", "not read")
        else:
            found = understand(message)
        if found.rejected and not self._flood.refuse(message.topic, now_s):
            found.rejected.clear()
            found.maybe_sos = False  # the first of them have told
        return found

    def _counts(self) -> list[Rejected]:
        """What of floods was only counted, to be stored with the messages themselves."""
        return [
            Rejected(
                topic=topic,
                reason="flood",
                detail="refused as others of this topic that are explained, or too long to be read in a flood of them",
                body=b"",
                received_at=self._clock.now(),
                times=times,
            )
            for topic, times in self._flood.take_counts().items()
        ]

    async def _settle(self, batch: Batch) -> Sequence[Receipt]:
        """Have `batch` stored or kept aside, whatever it takes; when this returns it may be acknowledged."""
        retry_s = _RETRY_MIN_S
        while True:
            try:
                return await self._store(batch)
            except psycopg.errors.ConfigurationLimitExceeded:  # psycopg takes a limit of ours for an outage
                log.exception("The database refuses a batch as too costly", extra={"action": "too_costly"})
                break
            except psycopg.OperationalError as error:
                log.warning("The database does not take messages, trying again: %s", error, extra={"action": "store"})
                await asyncio.sleep(retry_s)
                retry_s = min(2 * retry_s, _RETRY_MAX_S)
            except Exception:
                if len(batch) == 1:
                    log.exception("A message could not be stored and is kept aside", extra={"action": "quarantine"})
                break
        if len(batch) > 1:  # find the one; the others must not wait for it
            return [receipt for found in batch for receipt in await self._settle([found])]
        await self._quarantine(batch[0])
        return []

    async def _quarantine(self, found: Understood) -> None:
        """Keep aside what our own code cannot store: it must not stop the others, nor be an SOS that nobody hears of.

        It gets no receipt, so a native device will try again.
        """
        kept = Understood(message=found.message, sender=found.sender, maybe_sos=found.urgent)
        kept.reject("internal_error", "our own fault: the log of that minute tells more")
        while True:
            try:
                await self._store([kept])
                return
            except psycopg.OperationalError:
                await asyncio.sleep(_RETRY_MAX_S)
            except Exception:
                log.critical(
                    "A message could be neither stored nor kept aside; its device has no receipt for it",
                    exc_info=True,
                    extra={"action": "quarantine_failed"},
                )
                return


def in_turn(batch: Batch) -> Iterable[Batch]:
    """The transactions of a batch: each sender's first call for help, its further ones, other events, then the rest.

    A device that presses SOS a thousand times a second must not keep the others' waiting, nor one that sends events
    that nobody can read.
    """
    first: dict[object, Understood] = {}
    again, events, rest = [], [], []
    for found in batch:
        if found.calls_for_help:
            if first.setdefault(found.sender, found) is not found:
                again.append(found)
        elif found.urgent:
            events.append(found)
        elif found.observations or found.rejected:
            rest.append(found)
    yield from (part for part in (list(first.values()), again, events, rest) if part)
