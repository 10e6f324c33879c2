"""Somebody moves again, or answers: a pre-alarm ends, an alarm learns of it; in the transaction of the report."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import alerts.store
from alerts.model import AlertKind
from gyrophare.flows import asking
from gyrophare.platform.db import Connection
from lone_worker import watching
from lone_worker.episode import Happened
from lone_worker.stillness import WatchState

_ENDS_PREALARM = frozenset({Happened.ANSWERED, Happened.MOVED, Happened.MOVED_BEFORE})


async def tell(connection: Connection, states: Sequence[WatchState], now: datetime) -> None:
    """What `fold` says has happened. An alarm is only annotated: a human closes it."""
    changed = [state for state in states if state.happened]
    if not changed:
        return
    ended = {state.device_id: str(one) for state in changed for one in state.happened if one in _ENDS_PREALARM}
    await asking.cancel(connection, await watching.end_prealarms(connection, ended, now), now)
    notes = [
        (state.device_id, AlertKind.STILLNESS, str(one))
        for state in changed
        for one in state.happened
        if one not in _ENDS_PREALARM
    ]
    await alerts.store.annotate(connection, notes, now)
    if notes:
        await alerts.store.wake(connection)
