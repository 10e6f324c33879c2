"""Outside the area of the mission. Pure."""

from __future__ import annotations

from datetime import UTC, datetime

from gyrophare.kernel.geo import Position
from gyrophare.kernel.observations import EventKind
from lone_worker.areas import inside
from lone_worker.rules.facts import Danger, Facts, Finding


def left(facts: Facts, _now: datetime) -> Finding | None:
    """By the watch's own word, or where an area was drawn by its place: the last confirmed one, not a jump."""
    if facts.paused:
        return None
    said_at = facts.state.memory.since(EventKind.GEOFENCE_LEAVE, EventKind.GEOFENCE_ENTER)
    if said_at is not None:
        return Finding(danger=Danger.LEFT_AREA, since_at=said_at, due_at=said_at)
    place = facts.state.whereabouts.place
    if facts.area is None or place is None or inside(facts.area, Position(place.latitude_deg, place.longitude_deg)):
        return None
    return Finding(
        danger=Danger.LEFT_AREA, since_at=facts.state.shift_started_at, due_at=datetime.fromtimestamp(place.last_s, UTC)
    )
