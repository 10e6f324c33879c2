"""Admission: placeholder until the branch lands."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from gyrophare.kernel.observations import Doubt, Event, Fix, Report
from ingest.formats import Refusal

FUTURE_MAX = timedelta(seconds=120)
_Seen = TypeVar("_Seen", bound=Report | Event)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What earlier messages of a device told, as far as admission needs it."""

    heard_at: datetime | None = None
    sent_at: datetime | None = None
    fix: Fix | None = None
    steps_total: int | None = None
    clock_skews_s: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted(Generic[_Seen]):
    seen: _Seen
    known: Known
    refusals: tuple[Refusal, ...]


def admit(seen: _Seen, known: Known) -> Admitted[_Seen]:
    known = Known(
        heard_at=seen.received_at,
        sent_at=seen.sent_at if isinstance(seen, Report) else seen.occurred_at,
        fix=seen.fix,
        steps_total=None,
        clock_skews_s=(),
    )
    fix = seen.fix
    if fix is None or fix.fixed_at <= seen.received_at + FUTURE_MAX:
        return Admitted(seen=seen, known=known, refusals=())
    ahead_s = (fix.fixed_at - seen.received_at).total_seconds()
    refusal = Refusal(
        reason=Doubt.FIX_IN_FUTURE,
        detail=f"fixed_at is {ahead_s:.0f} s ahead of our clock; expected at most {FUTURE_MAX.total_seconds():.0f} s",
    )
    return Admitted(
        seen=replace(seen, fix=None, doubts=(*seen.doubts, Doubt.FIX_IN_FUTURE)), known=known, refusals=(refusal,)
    )
