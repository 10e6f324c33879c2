"""When a watch may have shaken its wearer by our own order: what its sensors felt then proves nothing. Pure.

What is kept here only grows from one order to the next, so that steps and the watch's word of when it began may come in
any order, and outlives the episode: a watch that was asked shakes although its wearer has answered.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

from gyrophare.kernel.values import value

VIBRATES_S = 3
"""A pre-alarm's vibration, as the command says to the watch."""
DELIVERED_WITHIN_S = 10
"""Later than that the watch does not count as told."""

_BEFORE, _AFTER = timedelta(seconds=0.5), timedelta(seconds=2)
_VIBRATES, _DELIVERED_WITHIN = timedelta(seconds=VIBRATES_S), timedelta(seconds=DELIVERED_WITHIN_S)
_ORDERS_MAX, _STEPS_MAX = 4, 32

Span = tuple[datetime, datetime]


@value
class Shaken:
    """Our last orders to vibrate, and what is known of them."""

    asked_at: tuple[datetime, ...] = ()
    began_at: tuple[datetime, ...] = ()
    """When the watch said that it began to."""
    steps_at: tuple[datetime, ...] = ()
    """Steps that may have been that."""


CALM = Shaken()


def ask(shaken: Shaken, now: datetime) -> Shaken:
    """The watch is asked to vibrate once more."""
    asked_at = (*shaken.asked_at, now)[-_ORDERS_MAX:]
    since_at = asked_at[0] - _BEFORE
    return Shaken(
        asked_at=asked_at,
        began_at=tuple(at for at in shaken.began_at if at >= since_at),
        steps_at=tuple(at for at in shaken.steps_at if at >= since_at),
    )


def feel(shaken: Shaken, steps: Sequence[datetime], began: Iterable[datetime]) -> tuple[Shaken, Collection[datetime]]:
    """With steps and beginnings that are heard now; and which steps, of those kept too, prove something."""
    if not shaken.asked_at:
        return shaken, steps
    perhaps = spans(shaken.asked_at)
    doubtful = {*shaken.steps_at, *(at for at in steps if _within(at, perhaps))}
    said = {*shaken.began_at, *(at for at in began if _answers(at, shaken.asked_at))}
    if doubtful or len(said) != len(shaken.began_at):
        shaken = Shaken(
            asked_at=shaken.asked_at,
            began_at=tuple(sorted(said)),
            steps_at=tuple(sorted(doubtful))[-_STEPS_MAX:],
        )
    shook = spans(shaken.asked_at, said)
    return shaken, [at for at in {*steps, *doubtful} if not _within(at, shook)]


def outlived(shaken: Shaken, at: datetime) -> bool:
    """Whether evidence of that instant is later than all that may have been our vibration."""
    return not shaken.asked_at or at > shaken.asked_at[-1] + _DELIVERED_WITHIN + _VIBRATES + _AFTER


def spans(asked_at: Iterable[datetime], began_at: Collection[datetime] = ()) -> list[Span]:
    """When a watch that was asked to vibrate did, with some margin; where it has not said, as long as it may have."""
    return [_span(asked, [at for at in began_at if _answers(at, (asked,))]) for asked in asked_at]


def _span(asked_at: datetime, began_at: Sequence[datetime]) -> Span:
    if began_at:  # the more it says the less is in doubt
        return max(began_at) - _BEFORE, min(began_at) + _VIBRATES + _AFTER
    return asked_at - _BEFORE, asked_at + _DELIVERED_WITHIN + _VIBRATES + _AFTER


def _answers(at: datetime, asked_at: Iterable[datetime]) -> bool:
    return any(asked <= at <= asked + _DELIVERED_WITHIN for asked in asked_at)


def _within(at: datetime, those: Sequence[Span]) -> bool:
    return any(from_at <= at <= until_at for from_at, until_at in those)
