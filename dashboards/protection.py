"""How well an agent is protected at the moment somebody looks: what the engine judged, and what came since. Pure.

The engine judges each watch when something is due. A screen must not wait for it: a watch that has just fallen silent,
a break, a server that hears nobody, an engine that stands still are seen from the instants themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from gyrophare.kernel.values import value

SILENT_AFTER = timedelta(seconds=90)
ENGINE_STOPPED_AFTER = timedelta(seconds=10)

PROTECTED, DEGRADED, NOT_PROTECTED, OFF_DUTY = "protected", "degraded", "not_protected", "off_duty"
NOT_HEARD, ENGINE, SILENT, PAUSED = "not_heard", "engine", "silent", "paused"
_UNHEARD = frozenset({SILENT, "never_heard"})


@value
class Protection:
    """The level, every reason with the gravest first, and since when the level is this one."""

    level: str
    reasons: tuple[str, ...] = ()
    since_at: datetime | None = None


def silent(heard_at: datetime | None, now: datetime) -> bool:
    """Whether nothing may be said of who was last heard then."""
    return heard_at is None or now - heard_at > SILENT_AFTER


def engine_stopped(ticked_at: datetime | None, now: datetime) -> bool:
    """Whether nobody watches, given when any engine last ticked."""
    return ticked_at is None or now - ticked_at > ENGINE_STOPPED_AFTER


def protection(row: Mapping[str, Any], now: datetime) -> Protection:
    """Of a row of the query `devices`."""
    if not row["on_shift"]:
        return Protection(level=OFF_DUTY)
    judged, _, reasons = (row["protection"] or f"{NOT_PROTECTED} {ENGINE}").partition(" ")  # empty: not judged yet
    found = Protection(
        level=judged,
        reasons=tuple(reasons.split(",")) if reasons else (),
        since_at=row["protection_since_at"] or row["started_at"],
    )
    if row["paused_at"] is not None and PAUSED not in found.reasons:
        found = _without(found, PAUSED, row["paused_at"])
    if row["lost_since_at"] is not None:
        return _without(found, NOT_HEARD, max(row["lost_since_at"], row["started_at"]))
    if engine_stopped(row["ticked_at"], now):
        return _without(found, ENGINE, max(row["ticked_at"] or row["started_at"], row["started_at"]))
    heard_at = row["shift_heard_at"]
    if heard_at is not None and silent(heard_at, now) and not _UNHEARD & set(found.reasons):
        return _without(found, SILENT, heard_at + SILENT_AFTER)
    return found


def _without(found: Protection, reason: str, since_at: datetime) -> Protection:
    """No protection for a reason that the engine could not know; what it knew stands behind."""
    if found.level == NOT_PROTECTED and found.since_at is not None:
        since_at = min(since_at, found.since_at)
    others = tuple(other for other in found.reasons if other != reason)
    return Protection(level=NOT_PROTECTED, reasons=(reason, *others), since_at=since_at)
