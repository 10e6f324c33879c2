"""Whether the wearer rides in a vehicle, and since when. Pure.

There the body is shaken whoever sits in it, so only progress on the road proves anything.
"""

from __future__ import annotations

import msgspec

ENTER_MPS, ENTER_AFTER_S = 25 / 3.6, 10.0
LEAVE_MPS, LEAVE_AFTER_S = 10 / 3.6, 60.0


class Ride(msgspec.Struct, array_like=True, frozen=True):
    """In seconds since 1970: since when the wearer rides, and since when he is fast, or slow, without a break."""

    since_s: float | None
    fast_since_s: float | None = None
    slow_since_s: float | None = None


def believable_mps(doppler_mps: float | None, pace_mps: float) -> float:
    """The speed at which the wearer goes: what the receiver says, as far as its places agree."""
    return pace_mps if doppler_mps is None else min(doppler_mps, 2 * pace_mps + 1)


def rides(ride: Ride | None) -> bool:
    """Whether the wearer is in a vehicle; None: he walks, and nothing suggests otherwise."""
    return ride is not None and ride.since_s is not None


def ridden(ride: Ride | None, at_s: float, speed_mps: float) -> Ride | None:
    """Enter by speed, leave by slowness; steps leave as well, see `course`."""
    if ride is None or ride.since_s is None:
        if speed_mps < ENTER_MPS:
            return None
        fast_since_s = at_s if ride is None or ride.fast_since_s is None else ride.fast_since_s
        return Ride(at_s if at_s - fast_since_s >= ENTER_AFTER_S else None, fast_since_s)
    if speed_mps >= LEAVE_MPS:
        return ride if ride.slow_since_s is None else Ride(ride.since_s)
    slow_since_s = at_s if ride.slow_since_s is None else ride.slow_since_s
    return None if at_s - slow_since_s >= LEAVE_AFTER_S else Ride(ride.since_s, None, slow_since_s)
