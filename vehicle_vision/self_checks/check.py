"""A check: a value, what it means, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What a check comes to."""

    OK = "ok"
    DEGRADED = "degraded"
    """It sees less far, or less surely: say so."""
    FAULT = "fault"
    """Nobody is protected: say so aloud."""
    UNKNOWN = "unknown"
    """Not looked at for long enough, or not to be told in this light."""


class CheckKind(StrEnum):
    """What is looked at."""

    FROZEN = "frozen"
    """s since the picture last changed."""
    BLACK = "black"
    """Mean brightness, 0 to 255."""
    OVEREXPOSED = "overexposed"
    """Share of the picture that is white."""
    BLURRED = "blurred"
    """Share of what is to be seen that has lost its fine detail."""
    DIRTY = "dirty"
    """Share of what is usually to be seen below the horizon that is gone."""
    BLOCKED = "blocked"
    """Share that shows nothing: of the picture below the horizon, or of where vehicles come from."""
    MOVED = "moved"
    """Degrees between what it looks at and what it looked at; a fault without a value: it looks somewhere else."""
    NIGHT = "night"
    """Mean brightness, 0 to 255."""
    FOG = "fog"
    """Contrast around the horizon, 1 as ever."""
    PACE = "pace"
    """Frames a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check of one moment; `value` None: not known."""

    kind: CheckKind
    value: float | None
    verdict: Verdict


def judge(
    kind: CheckKind,
    value: float | None,
    *,
    degraded: float | None = None,
    fault: float | None = None,
    low: bool = False,
) -> Check:
    """By limits: `low`, below them is bad, else above. A value that is no number is a fault, not a good sign."""
    if value is None:
        return Check(kind=kind, value=None, verdict=Verdict.UNKNOWN)
    for limit, verdict in ((fault, Verdict.FAULT), (degraded, Verdict.DEGRADED)):
        if limit is not None and not (value > limit if low else value < limit):
            return Check(kind=kind, value=value, verdict=verdict)
    return Check(kind=kind, value=value, verdict=Verdict.OK)
