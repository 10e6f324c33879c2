"""What devices are told: which of their messages are stored. At most one receipt a second to each device.

Receipts live in memory only. Whoever misses one sends again, and what is sent again is receipted again.
"""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict
from collections.abc import Callable, Iterable

from ingest import topics
from ingest.sequences import Receipt

INTERVAL_S = 1.0
ALSO_MAX = 500  # numbers beyond the contiguous ones in one receipt
_LOOK_S = 0.2  # how often what had to wait is looked at
_OWED_MAX = 200_000  # devices; beyond it the longest waiting is forgotten, and asks again


class Ledger:
    """Who is owed a receipt. Pure: `now_s` is any clock that never goes back."""

    def __init__(self) -> None:
        self._owed: OrderedDict[tuple[str, str], tuple[int, set[int]]] = OrderedDict()
        self._told_s: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._owed)

    def note(self, receipts: Iterable[Receipt]) -> None:
        """Something was committed: what is said of one boot adds up."""
        for receipt in receipts:
            up_to, also = self._owed.get((receipt.wire_name, receipt.boot), (0, set()))
            also.update(receipt.also)
            self._owed[receipt.wire_name, receipt.boot] = max(up_to, receipt.up_to), also
        while len(self._owed) > _OWED_MAX:
            self._owed.popitem(last=False)

    def take_due(self, now_s: float) -> list[Receipt]:
        """The receipts that may be sent now; what one cannot hold stays for the next."""
        while self._told_s and now_s - next(iter(self._told_s.values())) >= INTERVAL_S:
            self._told_s.popitem(last=False)
        due = []
        for key in [key for key in self._owed if key[0] not in self._told_s]:
            wire_name, boot = key
            if wire_name in self._told_s:
                continue  # of another boot just now
            up_to, also = self._owed.pop(key)
            beyond = sorted(number for number in also if number > up_to)
            due.append(Receipt(wire_name=wire_name, boot=boot, up_to=up_to, also=tuple(beyond[:ALSO_MAX])))
            if beyond[ALSO_MAX:]:
                self._owed[key] = up_to, set(beyond[ALSO_MAX:])
            self._told_s[wire_name] = now_s
        return due


class Receipts:
    """Sends what the ledger holds, by `publish(topic, body)`."""

    def __init__(self, publish: Callable[[str, bytes], None]) -> None:
        self._publish = publish
        self._ledger = Ledger()
        self._noted = asyncio.Event()

    def note(self, receipts: Iterable[Receipt]) -> None:
        """To be called after the commit."""
        self._ledger.note(receipts)
        if self._ledger:
            self._noted.set()

    async def run(self) -> None:
        """Send until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            await self._noted.wait()
            for receipt in self._ledger.take_due(loop.time()):
                self._publish(topics.receipts(receipt.wire_name), _body(receipt))
            if self._ledger:
                await asyncio.sleep(_LOOK_S)
            else:
                self._noted.clear()


def _body(receipt: Receipt) -> bytes:
    return json.dumps({"boot": receipt.boot, "up_to": receipt.up_to, "also": receipt.also}).encode()
