"""The consumer of one lane, and the only one who acknowledges: decode, have it stored, acknowledge, send receipts."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import psycopg

from gyrophare.kernel.errors import WireError
from gyrophare.kernel.observations import Event, Report, Sender
from gyrophare.platform.mqtt import MqttSession, Received
from ingest import gate, topics
from ingest.formats import Refusal
from ingest.store import Receipt, Rejected

log = logging.getLogger(__name__)

_RETRY_MIN_S, _RETRY_MAX_S = 0.2, 2.0


@dataclass(slots=True, kw_only=True)
class Batch:
    """What one transaction stores."""

    sources: list[tuple[Sender, Received]] = field(default_factory=list)
    """Every message whose sender could be read: those of unknown devices are kept aside whole."""
    reports: list[Report] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    unreadable_events: list[tuple[Sender, str]] = field(default_factory=list)
    """Refused on an event topic, with the reason: it may have been an SOS."""


Store = Callable[[Batch], Awaitable[Sequence[Receipt]]]


class Consumer:
    """Takes messages from one MQTT session and hands them to `store`, at most `most` in one transaction."""

    def __init__(self, session: MqttSession, store: Store, *, most: int) -> None:
        self._session = session
        self._store = store
        self._most = most

    async def run(self) -> None:
        """Consume until cancelled. While the database is gone nothing is acknowledged and the broker holds back."""
        while True:
            messages = await self._session.receive(self._most)
            receipts = await self._settle(messages)
            self._session.acknowledge(messages)
            for receipt in receipts:
                self._session.publish_soon(topics.receipts(receipt.wire_name), _receipt_body(receipt))

    async def _settle(self, messages: Sequence[Received]) -> Sequence[Receipt]:
        """Have `messages` stored or kept aside, whatever it takes; when this returns they may be acknowledged."""
        retry_s = _RETRY_MIN_S
        while True:
            try:
                return await self._store(understand(messages))
            except psycopg.OperationalError as error:
                log.warning("The database does not take messages, trying again: %s", error, extra={"action": "store"})
                await asyncio.sleep(retry_s)
                retry_s = min(2 * retry_s, _RETRY_MAX_S)
            except Exception:
                if len(messages) == 1:
                    log.exception("A message could not be stored and is kept aside", extra={"action": "quarantine"})
                break
        if len(messages) > 1:  # find the one; the others must not wait for it
            return [receipt for message in messages for receipt in await self._settle([message])]
        await self._quarantine(messages[0])
        return []

    async def _quarantine(self, message: Received) -> None:
        """Keep aside what our own code cannot store: it must not stop the others, nor be an SOS that nobody hears of.

        It gets no receipt, so a native device will try again.
        """
        batch = Batch()
        _reject(batch, message, "internal_error", "our own fault: the log of that minute tells more")
        with contextlib.suppress(WireError):
            address = topics.parse(message.topic)
            batch.sources.append((address.sender, message))
            if address.route.may_be_sos:
                batch.unreadable_events.append((address.sender, "internal_error"))
        while True:
            try:
                await self._store(batch)
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


def understand(messages: Sequence[Received]) -> Batch:
    """Decode and admit `messages`. Never raises: what cannot be understood is in `rejected` with its reason."""
    batch = Batch()
    for message in messages:
        address = None
        try:
            address = topics.parse(message.topic)
            batch.sources.append((address.sender, message))
            decoded = address.route.decode(message.payload, address.sender, message.received_at)
        except WireError as error:
            _reject(batch, message, error.reason, error.detail)
            if address is not None and address.route.may_be_sos:
                batch.unreadable_events.append((address.sender, error.reason))
            continue
        for seen in decoded.observations:
            refusal: Refusal | None
            if isinstance(seen, Event):
                event, refusal = gate.admit(seen)
                batch.events.append(event)
            else:
                report, refusal = gate.admit(seen)
                batch.reports.append(report)
            if refusal is not None:
                _reject(batch, message, refusal.reason, refusal.detail)
        for refusal in decoded.refusals:
            _reject(batch, message, refusal.reason, refusal.detail)
    return batch


def _reject(batch: Batch, message: Received, reason: str, detail: str) -> None:
    batch.rejected.append(
        Rejected(
            topic=message.topic, reason=reason, detail=detail, body=message.payload, received_at=message.received_at
        )
    )


def _receipt_body(receipt: Receipt) -> bytes:
    return json.dumps({"boot": receipt.boot, "up_to": receipt.up_to, "also": receipt.also}).encode()
