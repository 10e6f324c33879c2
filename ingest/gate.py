"""Admission: what of an understood observation may be believed. Pure; every reason that fired is named."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

from gyrophare.kernel.observations import Doubt, Event, Report
from ingest.formats import Refusal

FUTURE_MAX = timedelta(seconds=120)


_Seen = TypeVar("_Seen", Report, Event)


def admit(seen: _Seen) -> tuple[_Seen, Refusal | None]:
    """The observation with what can be believed of it, and what was taken out.

    A fix from the future is taken out: believed, it would push the stillness deadline away from a person in danger, and
    as the newest one it would hide every true fix until then.
    """
    fix = seen.fix
    if fix is None or fix.fixed_at <= seen.received_at + FUTURE_MAX:
        return seen, None
    ahead_s = (fix.fixed_at - seen.received_at).total_seconds()
    refusal = Refusal(
        reason=Doubt.FIX_IN_FUTURE,
        detail=f"fixed_at is {ahead_s:.0f} s ahead of our clock; expected at most {FUTURE_MAX.total_seconds():.0f} s",
    )
    if isinstance(seen, Report):
        return replace(seen, fix=None, doubts=(*seen.doubts, Doubt.FIX_IN_FUTURE)), refusal
    return replace(seen, fix=None), refusal
