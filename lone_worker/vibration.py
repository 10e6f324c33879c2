"""When a watch may have shaken its wearer by our own order: what its sensors felt then proves nothing. Pure.

An order is whatever a watch is told: a pre-alarm, a dispatcher's message, whether a colleague goes. What is kept here
only grows from one order to the next, so that steps and the watch's word of when it began may come in any order, and
outlives the episode: a watch that was asked shakes although its wearer has answered. A word that comes long after its
order, from a watch that was out of coverage, is like an order of that instant: what was heard before it has counted.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from gyrophare.kernel.values import value

VIBRATES_S = 3
"""How long a watch vibrates, as each command says to it."""
DELIVERED_WITHIN_S = 10
"""Later than that the watch does not count as told."""

_BEFORE, _AFTER = timedelta(seconds=0.5), timedelta(seconds=2)
_DELIVERED_WITHIN, _SHAKES = timedelta(seconds=DELIVERED_WITHIN_S), timedelta(seconds=VIBRATES_S) + _AFTER
_ORDERS_MAX, _STEPS_MAX = 16, 32

Span = tuple[datetime, datetime]


@value
class Shaken:
    """Our last orders, and what is known of them."""

    asked_at: tuple[datetime, ...] = ()
    began_at: tuple[datetime, ...] = ()
    """When the watch said that it began to vibrate."""
    steps_at: tuple[datetime, ...] = ()
    """Steps that may have been that."""
    late_at: tuple[datetime, ...] = ()
    """When it said that it began to by an order of long before."""


CALM = Shaken()


def ask(shaken: Shaken, now: datetime, orders: int = 1) -> Shaken:
    """The watch is told so many things more."""
    asked_at = tuple(sorted((*shaken.asked_at, *[now] * orders))[-_ORDERS_MAX:])
    since_at = asked_at[0] - _BEFORE
    return replace(
        shaken,
        asked_at=asked_at,
        began_at=tuple(at for at in shaken.began_at if at >= since_at),
        steps_at=tuple(at for at in shaken.steps_at if at >= since_at),
    )


def hear_late(shaken: Shaken, began: Iterable[datetime], since_at: datetime) -> Shaken:
    """With beginnings that are more than the orders which they may answer: they are of others, given long before.

    What was over by `since_at`, without an order beside it, matters no more.
    """
    said, late = {*shaken.began_at}, {*shaken.late_at}
    for at in sorted({*began} - said - late):
        orders = next((orders for orders in _together(shaken.asked_at) if _answers(at, orders)), [])
        if sum(_answers(other, orders) for other in said) < len(orders):
            said.add(at)
        elif orders or at + _SHAKES >= since_at:
            late.add(at)
    if len(late) == len(shaken.late_at):
        return shaken
    return replace(shaken, late_at=tuple(sorted(late)[-_ORDERS_MAX:]))


def feel(shaken: Shaken, steps: Sequence[datetime], began: Iterable[datetime]) -> tuple[Shaken, Collection[datetime]]:
    """With steps and beginnings that are heard now; and which steps, of those kept too, prove something."""
    if not (shaken.asked_at or shaken.late_at):
        return shaken, steps
    perhaps = spans(shaken.asked_at)
    doubtful = {*shaken.steps_at, *(at for at in steps if _within(at, perhaps))}
    said = {*shaken.began_at, *(at for at in began if _answers(at, shaken.asked_at) and at not in shaken.late_at)}
    if doubtful or len(said) != len(shaken.began_at):
        shaken = replace(shaken, began_at=tuple(sorted(said)), steps_at=tuple(sorted(doubtful))[-_STEPS_MAX:])
    shook = [*spans(shaken.asked_at, said), *_late(shaken)]
    return shaken, [at for at in {*steps, *doubtful} if not _within(at, shook)]


def outlived(shaken: Shaken, at: datetime) -> bool:
    """Whether evidence of that instant is later than all that may have been our vibration."""
    return all(at > until_at for _, until_at in doubted(shaken))


def doubted(shaken: Shaken) -> list[Span]:
    """When the watch may have vibrated, whatever it said of when it began to, since that may still come."""
    return [*spans(shaken.asked_at), *_late(shaken)]


def spans(asked_at: Iterable[datetime], began_at: Collection[datetime] = ()) -> list[Span]:
    """When a watch that was asked to vibrate did, with some margin; where it has not said, as long as it may have.

    Of orders so close together that one word may be of either, it has said so when it has of each.
    """
    found: list[Span] = []
    for orders in _together(sorted(asked_at)):
        said = sorted(at for at in began_at if _answers(at, orders))
        more = len(said) - len(orders)
        if more < 0:
            found += [(asked - _BEFORE, asked + _DELIVERED_WITHIN + _SHAKES) for asked in orders]
        else:  # the more it says the less is in doubt
            found += [(last - _BEFORE, first + _SHAKES) for first, last in zip(said, said[more:], strict=False)]
    return found


def _together(asked_at: Sequence[datetime]) -> Iterator[list[datetime]]:
    """Orders, in turn, each given while the one before may still be answered."""
    orders: list[datetime] = []
    for asked in asked_at:
        if orders and asked - orders[-1] > _DELIVERED_WITHIN:
            yield orders
            orders = []
        orders.append(asked)
    if orders:
        yield orders


def _late(shaken: Shaken) -> list[Span]:
    return [(at - _BEFORE, at + _SHAKES) for at in shaken.late_at]


def _answers(at: datetime, asked_at: Iterable[datetime]) -> bool:
    return any(asked <= at <= asked + _DELIVERED_WITHIN for asked in asked_at)


def _within(at: datetime, those: Sequence[Span]) -> bool:
    return any(from_at <= at <= until_at for from_at, until_at in those)
