"""Reading single fields of a device's JSON: units out, doubts named, unknown is None and never 0."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from gyrophare.kernel.errors import WireError
from gyrophare.kernel.geo import Position

# Before this no GNSS watch of ours was made: a clock that says 1970 or 1980 is not set.
_EARLIEST = datetime(2020, 1, 1, tzinfo=UTC)
_LATEST = datetime(2100, 1, 1, tzinfo=UTC)
# What a receiver shows today whose weeks have begun anew twice; the gate knows how to read it.
_EARLIEST_GNSS = datetime(1986, 1, 1, tzinfo=UTC)
OUTDATED_AFTER = timedelta(seconds=60)
"""A fix that was older than this when its message was built is an old one, repeated."""
_QUOTE = reprlib.Repr()
_QUOTE.maxstring = _QUOTE.maxlong = _QUOTE.maxother = 50
_TINY = 1e-30  # PostgreSQL's real refuses 1e-320, and with it the whole message


def number(
    source: Mapping[str, Any], key: str, *, low: float, high: float, unknown: float | None = None
) -> float | None:
    """The number at `key`, or None when it is absent, null or the `unknown` sentinel.

    Numbers written as strings are read. Raise WireError when it is no number, or outside [low, high].
    """
    value = source.get(key)
    if value is None:
        return None
    if (
        (type(value) is float or type(value) is int)
        and low <= value <= high
        and (value > _TINY or value == 0 or value < -_TINY)
        and value != unknown
    ):
        return float(value)  # as nearly every number comes
    if isinstance(value, bool):
        raise WireError("bad_field", f"{key} = {value!r}; expected a number")
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        raise WireError("bad_field", f"{key} = {short(value)}; expected a number") from None
    if unknown is not None and found == unknown:
        return None
    if not math.isfinite(found) or not low <= found <= high:
        raise WireError("bad_field", f"{key} = {found!r}; expected {low:g} to {high:g}")
    return found if found > _TINY or found < -_TINY else 0.0


def position(source: Mapping[str, Any], latitude_key: str, longitude_key: str) -> Position | None:
    """The place at these keys in degrees, or None when both are absent. Raise WireError when it is none, as 0/0 is."""
    latitude_deg = number(source, latitude_key, low=-90, high=90)
    longitude_deg = number(source, longitude_key, low=-180, high=180)
    if latitude_deg is None and longitude_deg is None:
        return None
    if latitude_deg is None or longitude_deg is None:
        raise WireError("bad_fix", f"expected both {latitude_key} and {longitude_key}")
    if latitude_deg == longitude_deg == 0:
        raise WireError("bad_fix", "0/0 is a receiver without a fix; leave the fix out")
    return Position(latitude_deg, longitude_deg)


def same_identity(said: Any, name: str, key: str) -> None:
    """Raise WireError when the payload says to be of another device than the topic: someone speaks for someone else."""
    if said is None or (isinstance(said, str | int) and str(said).casefold() == name.casefold()):
        return
    raise WireError("identity_mismatch", f"{key} = {short(said)}; expected {name!r}, whose topic this is")


def gnss_instant(value: Any, key: str) -> datetime | None:
    """As `instant`, of a time that a receiver may have told: one or two times 1024 weeks late passes, for the gate."""
    return instant(value, key, earliest=_EARLIEST_GNSS)


def instant(value: Any, key: str, *, earliest: datetime = _EARLIEST) -> datetime | None:
    """ISO 8601 text with its offset, or epoch seconds, as aware UTC; None when absent. Raise WireError otherwise."""
    if value is None:
        return None
    try:
        if isinstance(value, str):
            found = datetime.fromisoformat(value)
            if found.tzinfo is UTC and _EARLIEST.year <= found.year < _LATEST.year:
                return found  # as nearly every instant comes
            if found.tzinfo is None:
                raise WireError("bad_field", f"{key} = {short(value)}; expected an offset or Z")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            found = datetime.fromtimestamp(value, UTC)
        else:
            raise WireError("bad_field", f"{key} = {short(value)}; expected an instant")
        found = found.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        raise WireError(
            "bad_field", f"{key} = {short(value)}; expected an instant such as 2026-01-14T07:42:03Z"
        ) from None
    if not earliest <= found <= _LATEST:
        raise WireError("clock_not_set", f"{key} = {found.isoformat()}; expected a date from 2020 on")
    return found


def short(value: Any) -> str:
    """`value` as a refusal may quote it, however long or deep it is."""
    return _QUOTE.repr(value)[:60]
