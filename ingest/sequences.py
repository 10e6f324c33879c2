"""The table `receipt`: which numbers of each boot are committed. It knows repetitions, and what receipts say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import tuple_row

from gyrophare.kernel.ids import DeviceId
from gyrophare.kernel.observations import Observation
from gyrophare.platform import sql
from gyrophare.platform.db import Connection
from ingest.directory import Device
from ingest.store import QUERIES

_Boot = tuple[DeviceId, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What of a native device's boot is stored: everything up to `up_to`, and `also` these beyond it."""

    wire_name: str
    boot: str
    up_to: int
    also: tuple[int, ...]


async def commit(
    connection: Connection, said: Sequence[tuple[Device, Observation]], now: datetime
) -> tuple[Sequence[tuple[Device, Observation]], list[Receipt], list[DeviceId]]:
    """Note what this transaction stores: those of `said` that are new, what may be receipted when it has committed, and
    the devices of which a boot was heard for the first time.

    What has no sequence counts as new here; its content tells repetitions when it is stored.
    """
    numbers: dict[_Boot, list[int]] = defaultdict(list)
    names: dict[DeviceId, str] = {}
    for device, seen in said:
        if seen.sequence is not None:
            numbers[device.id, seen.sequence.boot].append(seen.sequence.number)
            names[device.id] = device.sender.name
    if not numbers:
        return said, [], []
    spans = {boot: _spans(those) for boot, those in numbers.items()}
    parameters = {
        "device_id": sql.array(device_id for device_id, _ in spans),
        "boot": sql.texts(boot for _, boot in spans),
        "spans": sql.texts(spans.values()),
        "now": now,
    }
    async with connection.cursor(row_factory=tuple_row) as cursor:
        rows = await (await cursor.execute(QUERIES["commit_sequences"], parameters)).fetchall()
    added_of: dict[_Boot, str] = {}
    repeated = False
    receipts = []
    began: list[DeviceId] = []
    for device_id, boot, added, first, up_to in rows:
        if first:
            began.append(device_id)
        those = numbers[device_id, boot]
        added_of[device_id, boot] = added
        repeated |= added != spans[device_id, boot] or (len(those) > 1 and len(set(those)) < len(those))
        also = tuple(sorted({number for number in those if number > up_to})) if max(those) > up_to else ()
        receipts.append(Receipt(wire_name=names[device_id], boot=boot, up_to=up_to, also=also))
    if repeated:
        said = _first_of_each(said, {boot: _numbers(added, numbers[boot]) for boot, added in added_of.items()})
    return said, receipts, began


def _spans(numbers: Sequence[int]) -> str:
    """A multirange of `numbers`, as text, in the one way that PostgreSQL writes it: 3, 4 and 7 are "{[3,5),[7,8)}"."""
    if len(numbers) == 1:
        return f"{{[{numbers[0]},{numbers[0] + 1})}}"
    spans: list[str] = []
    ordered = sorted(numbers)
    low = before = ordered[0]
    for number in ordered:
        if number > before + 1:
            spans.append(f"[{low},{before + 1})")
            low = number
        before = number
    return "{" + ",".join([*spans, f"[{low},{before + 1})"]) + "}"


def _first_of_each(
    said: Iterable[tuple[Device, Observation]], fresh: Mapping[_Boot, set[int]]
) -> list[tuple[Device, Observation]]:
    """What is new of `said`, and of what it holds twice the first."""
    new = []
    for device, seen in said:
        if seen.sequence is not None:
            numbers = fresh[device.id, seen.sequence.boot]
            if seen.sequence.number not in numbers:
                continue
            numbers.discard(seen.sequence.number)
        new.append((device, seen))
    return new


def _numbers(multirange: str, asked: Sequence[int]) -> set[int]:
    """Those of `asked` that PostgreSQL's `multirange`, as text, holds: "{[3,5),[7,8)}" holds 3, 4 and 7."""
    if len(asked) == 1 and multirange != "{}":
        return set(asked)
    spans = [span.split(",") for span in multirange.strip("{[)}").split("),[") if span]
    stored: set[int] = set()
    for low, high in ((int(low), int(high)) for low, high in spans):
        stored.update(number for number in asked if low <= number < high)
    return stored
