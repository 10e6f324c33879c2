"""Who may stand beside a van: whoever is not known to be elsewhere. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from gyrophare.kernel.geo import distance_m
from gyrophare.kernel.observations import Fix

WITHIN_M = 200.0
"""A crew works within a hundred metres of its van; as much again for cones and the wandering of both receivers."""
ON_FOOT_MPS = 1.5
_ACCURACY_M = 10.0  # of a receiver that does not say


def may_be_beside(van: Fix | None, agent: Fix | None, at: datetime) -> bool:
    """Whether an agent placed at `agent` may be beside a van placed at `van`, at that time; None: nobody knows where.

    In between either may have gone some way on foot; who drives is soon placed elsewhere. Unknown counts as beside.
    """
    if van is None or agent is None:
        return True
    within_m = WITHIN_M + _wander_m(van, at) + _wander_m(agent, at)
    return distance_m(van.position, agent.position) <= within_m


def count(van: Fix | None, agents: Iterable[Fix | None], at: datetime) -> int:
    """How many of these may be beside it."""
    return sum(may_be_beside(van, agent, at) for agent in agents)


def _wander_m(fix: Fix, at: datetime) -> float:
    apart_s = abs((at - fix.fixed_at).total_seconds())
    accuracy_m = _ACCURACY_M if fix.accuracy_m is None else fix.accuracy_m
    return accuracy_m + ON_FOOT_MPS * apart_s
