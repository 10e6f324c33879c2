"""What an operator calls a watch, and when: "w-07", "owntracks/martin/montre", "17:30"."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from gyrophare.kernel.errors import GyrophareError
from gyrophare.kernel.observations import Wire
from gyrophare.platform.db import Connection
from ingest import registry
from ingest.registry import Registered

PARIS = ZoneInfo("Europe/Paris")


class NamedError(GyrophareError):
    """Something that was named on the command line is not what it must be."""


async def find_watch(connection: Connection, named: str) -> Registered:
    """The watch of that name, its wire before a slash where two have it. Raise when there is none that may speak."""
    wire, slash, name = named.partition("/")
    known = slash and wire in set(Wire)
    device = await registry.find(connection, name if known else named, Wire(wire) if known else None)
    if device.kind != "watch":
        raise NamedError(f"{named!r} is a {device.kind}. Expected a watch; see `gyrophare devices list`.")
    if device.revoked_at is not None:
        raise NamedError(
            f"{named!r} was revoked. Expected a watch that may speak: `gyrophare devices add` lets it back."
        )
    return device


def next_instant(clock_time: str, now: datetime) -> datetime:
    """When a clock in Paris shows that next. Raise NamedError when it is no time of day."""
    try:
        wanted = datetime.strptime(clock_time, "%H:%M").time()  # noqa: DTZ007 a time of day has no zone of its own
    except ValueError:
        raise NamedError(
            f"{clock_time!r} is no time of day. Expected HH:MM as a clock in Paris shows it, 17:30."
        ) from None
    today = now.astimezone(PARIS).date()
    days = (datetime.combine(today + timedelta(days=ahead), wanted, PARIS).astimezone(UTC) for ahead in (0, 1))
    return next(at for at in days if at > now)
