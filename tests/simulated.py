"""Simulated watches for the tests, at a fixed instant."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from gyrophare.kernel.observations import Sequence
from gyrophare.sim.activities import WALK, Plan
from gyrophare.sim.body import Body
from gyrophare.sim.cote_dor import route
from gyrophare.sim.faults import Fate, Fault
from gyrophare.sim.history import History
from gyrophare.sim.reporter import Reporter, Speaks
from gyrophare.sim.spool import Spool
from gyrophare.sim.watch import Publication, Watch
from ingest.formats import sequence_key

SINCE = datetime(2026, 1, 14, 7, 42, 3, tzinfo=UTC)


def after(second: float) -> datetime:
    return SINCE + timedelta(seconds=second)


def native_key(boot: str, number: int) -> int:
    """The key by which the database knows that message of a native device."""
    return sequence_key(Sequence(boot=boot, number=number))


def simulated_watch(
    spool: Spool,
    name: str = "w-1",
    *,
    faults: Collection[Fault] = (),
    seed: int = 0,
    speaks: Speaks = "native",
    history: History | None = None,
    since: datetime = SINCE,
) -> Watch:
    """A walker's watch, switched on at `since`."""
    body = Body(route=route("w-01"), plan=Plan.only(WALK, since), seed=seed)
    fate = Fate(name=name, since=since, faults=frozenset(faults), seed=seed)
    return Watch(Reporter(body, fate, speaks=speaks), spool, history=history)


def receipt(boot: str, up_to: int, also: Collection[int] = ()) -> bytes:
    return json.dumps({"boot": boot, "up_to": up_to, "also": list(also)}).encode()


def said(publications: Iterable[Publication]) -> list[dict[str, Any]]:
    """Every report and event in these messages."""
    found: list[dict[str, Any]] = []
    for publication in publications:
        value = json.loads(publication.payload)
        found += value if isinstance(value, list) else [value]
    return found


def numbers(publications: Iterable[Publication]) -> list[int]:
    return [one["seq"] for one in said(publications)]
