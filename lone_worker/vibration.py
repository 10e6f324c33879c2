"""When a watch may have shaken its wearer by our own order: what its sensors felt then proves nothing. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

VIBRATES_S = 3
"""A pre-alarm's vibration, as the command says to the watch."""
DELIVERED_WITHIN_S = 10
"""Later than that the watch does not count as told."""

_BEFORE, _AFTER = timedelta(seconds=0.5), timedelta(seconds=2)
_VIBRATES, _DELIVERED_WITHIN = timedelta(seconds=VIBRATES_S), timedelta(seconds=DELIVERED_WITHIN_S)

Span = tuple[datetime, datetime]


def spans(asked_at: Iterable[datetime], delivered_at: datetime | None) -> list[Span]:
    """The spans of a watch that was asked to vibrate; `delivered_at`: when it last said that it began to.

    Of a watch that did not say, as long as it may have been.
    """
    return [_span(at, delivered_at) for at in asked_at]


def _span(asked_at: datetime, delivered_at: datetime | None) -> Span:
    if delivered_at is not None and asked_at <= delivered_at <= asked_at + _DELIVERED_WITHIN:
        return delivered_at - _BEFORE, delivered_at + _VIBRATES + _AFTER
    return asked_at - _BEFORE, asked_at + _DELIVERED_WITHIN + _VIBRATES + _AFTER


def within(at: datetime, those: Sequence[Span]) -> bool:
    """Whether `at` lies in one of them."""
    return any(from_at <= at <= until_at for from_at, until_at in those)
