"""Native devices without a disk: each keeps what it sent, sends it again, and deletes only what a receipt names."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count, islice
from random import Random
from typing import Any

from gyrophare.kernel.clock import SystemClock
from gyrophare.platform.mqtt import MqttSession
from tests.chaos.checker import Journal, Kind, Message
from tests.department import DIJON, until

RESEND_S = 2.0  # without a receipt; the server receipts at most once a second
_TICK_S = 0.01
_AT_ONCE = 20  # reports in one message
_MESSAGES_A_TICK = 5
_UNANSWERED_MAX = 20  # messages the broker has not taken, above which nothing is sent again
_PATIENCE_S = 30.0
_TWICE = 0.05  # of the messages, as a network does that repeats
CLOCK = SystemClock()
_number = count()


@dataclass(slots=True)
class _Kept:
    message: Message
    body: dict[str, Any]
    first_s: float
    sent_s: float


class Fleet:
    """Devices behind one connection to the broker. Times in seconds are the event loop's."""

    def __init__(self, session: MqttSession, boot: str, *, padding: int, resend_s: float) -> None:
        self.journal = Journal()
        self.spool: dict[tuple[str, str, int], _Kept] = {}
        self.told_after_s: dict[Message, float] = {}
        """From the first publication to the receipt."""
        self.receipts = 0
        self._session = session
        self._boot = boot
        self._padding = "x" * padding
        self._resend_s = resend_s
        self._last: dict[str, tuple[int, datetime]] = {}
        self._unanswered: set[asyncio.Task[None]] = set()

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str, *, padding: int = 0, resend_s: float = RESEND_S) -> AsyncIterator[Fleet]:
        """A fleet that hears its receipts, with a boot of its own; `padding` bytes make each report longer."""
        name = f"fleet-{os.getpid()}-{next(_number)}"
        session = MqttSession(url, name, ["gyrophare/v1/watches/+/receipts"], clock=CLOCK)
        await session.start()
        fleet = cls(session, name, padding=padding, resend_s=resend_s)
        listening = asyncio.create_task(fleet._listen())
        try:
            yield fleet
        finally:
            listening.cancel()
            for task in fleet._unanswered:
                task.cancel()
            await asyncio.wait([listening, *fleet._unanswered])
            await session.stop()

    def report(self, device: str) -> Message:
        """A report of `device`, made and sent now."""
        seq, at = self._next(device)
        latitude_deg = round(DIJON[0] + seq * 1e-6, 6)
        body = {
            "boot": self._boot,
            "seq": seq,
            "sent_at": at.isoformat(),
            "fix": {"fixed_at": at.isoformat(), "lat": latitude_deg, "lon": DIJON[1], "accuracy_m": 6.5},
            "motion": {"steps": 1},
        }
        if self._padding:
            body["note"] = self._padding
        return self._send_first(device, seq, "fix", at, body, latitude_deg)

    def press(self, device: str) -> Message:
        """Its wearer presses SOS."""
        seq, at = self._next(device)
        body = {"boot": self._boot, "seq": seq, "kind": "sos", "occurred_at": at.isoformat()}
        return self._send_first(device, seq, "sos", at, body)

    async def work(self, devices: Sequence[str], per_s: float, random: Random) -> None:
        """`per_s` reports a second of random devices, and again what has no receipt, until cancelled."""
        loop = asyncio.get_running_loop()
        owed, before_s = 0.0, loop.time()
        while True:
            await asyncio.sleep(_TICK_S)
            now_s = loop.time()
            owed, before_s = min(owed + per_s * (now_s - before_s), per_s), now_s
            while owed >= 1:
                owed -= 1
                self.report(random.choice(devices))
                if random.random() < _TWICE:
                    self._publish([random.choice(list(self.spool.values()))])
            self.resend()

    def resend(self) -> None:
        """Send again what has had no receipt for too long, of each device in one message."""
        if len(self._unanswered) > _UNANSWERED_MAX:  # a wire is only so wide
            return
        now_s = asyncio.get_running_loop().time()
        due: dict[tuple[str, Kind], list[_Kept]] = defaultdict(list)
        for kept in self.spool.values():
            if now_s - kept.sent_s >= self._resend_s:
                due[kept.message.device, kept.message.kind].append(kept)
        messages = (
            late[start : start + size]
            for (_, kind), late in due.items()
            for size in [_AT_ONCE if kind == "fix" else 1]
            for start in range(0, len(late), size)
        )
        for several in islice(messages, _MESSAGES_A_TICK):
            self._publish(several)

    async def until_flowing(self, receipts: int, timeout_s: float = 60.0) -> None:
        """Wait for so many more receipts."""
        wanted = self.receipts + receipts

        async def heard() -> bool | None:
            return self.receipts >= wanted or None

        await until(heard, timeout_s)

    async def until_told(self, timeout_s: float = 60.0) -> None:
        """Send again until every message has its receipt."""

        async def all_told() -> bool | None:
            self.resend()
            return None if self.spool else True

        try:
            await until(all_told, timeout_s)
        except TimeoutError:
            raise AssertionError(
                f"{len(self.spool)} messages have no receipt after {timeout_s:g} s, e.g. {next(iter(self.spool))}"
            ) from None

    # ------------------------------------------------------------------ the wire

    def _next(self, device: str) -> tuple[int, datetime]:
        """The next number of `device`, and an instant that no other message of it has."""
        seq, before_at = self._last.get(device, (0, datetime.min.replace(tzinfo=CLOCK.now().tzinfo)))
        now = CLOCK.now()
        at = max(now.replace(microsecond=now.microsecond // 1000 * 1000), before_at + timedelta(milliseconds=1))
        self._last[device] = seq + 1, at
        return seq + 1, at

    def _send_first(
        self, device: str, seq: int, kind: Kind, at: datetime, body: dict[str, Any], latitude_deg: float | None = None
    ) -> Message:
        message = Message(device=device, boot=self._boot, seq=seq, kind=kind, at=at, latitude_deg=latitude_deg)
        self.journal.note(message)
        now_s = asyncio.get_running_loop().time()
        kept = self.spool[device, self._boot, seq] = _Kept(message, body, now_s, now_s)
        self._publish([kept])
        return message

    def _publish(self, several: Sequence[_Kept]) -> None:
        now_s = asyncio.get_running_loop().time()
        for kept in several:
            kept.body["buffered"] = now_s > kept.first_s
            kept.sent_s = now_s
        body: object = several[0].body if len(several) == 1 else [kept.body for kept in several]
        message = several[0].message
        lane = "fixes" if message.kind == "fix" else "events"
        handing = asyncio.create_task(
            self._hand_over(f"gyrophare/v1/watches/{message.device}/{lane}", json.dumps(body).encode())
        )
        self._unanswered.add(handing)
        handing.add_done_callback(self._unanswered.discard)

    async def _hand_over(self, topic: str, body: bytes) -> None:
        with contextlib.suppress(TimeoutError):  # the broker's word is worth nothing here
            await self._session.publish(topic, body, timeout_s=_PATIENCE_S)

    async def _listen(self) -> None:
        while True:
            messages = await self._session.receive(200)
            for message in messages:
                self._forget(message.topic.split("/")[3], json.loads(message.payload))
            self._session.acknowledge(messages)

    def _forget(self, device: str, receipt: dict[str, Any]) -> None:
        self.receipts += 1
        now_s = asyncio.get_running_loop().time()
        named = set(receipt["also"])
        for key in [key for key in self.spool if key[:2] == (device, receipt["boot"])]:
            if key[2] <= receipt["up_to"] or key[2] in named:
                kept = self.spool.pop(key)
                self.told_after_s[kept.message] = now_s - kept.first_s
                self.journal.receipted.append(kept.message)
