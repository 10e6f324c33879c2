"""Whether the body moves, by what the watch measures of it. Pure.

One window of vibration is a hand that slid off a knee, or the watch's own buzz: two of the last three are somebody.
"""

from __future__ import annotations

import msgspec

from gyrophare.kernel.observations import Activity, Report

ACTIVE_MG = 25.0
WINDOWS_MAX_S = 120.0  # how far apart two active windows may lie: three reports of a watch that sends one a minute
_ON_THE_MOVE = frozenset({Activity.WALKING, Activity.RUNNING, Activity.CYCLING})


class Windows(msgspec.Struct, array_like=True, frozen=True):
    """When the last two windows were, in seconds since 1970, and whether the body moved in them."""

    last_s: float
    last_active: bool
    before_s: float | None = None
    before_active: bool = False


def active(report: Report) -> bool | None:
    """Whether the body moved in the window that `report` tells of; None: it tells of none.

    What a device takes for a vehicle shakes by itself.
    """
    if report.activity is Activity.VEHICLE:
        return False
    if report.activity_mg is not None and report.activity_mg >= ACTIVE_MG:
        return True
    if report.activity in _ON_THE_MOVE:
        return True
    return None if report.activity is None and report.activity_mg is None else False


def moves(windows: Windows | None, at_s: float, now_active: bool) -> tuple[Windows, bool]:
    """Whether this window is the second active one of three, and what is to be known of the last two from now on."""
    if windows is None:
        return Windows(at_s, now_active), False
    second = now_active and (
        (windows.last_active and at_s - windows.last_s <= WINDOWS_MAX_S)
        or (windows.before_active and windows.before_s is not None and at_s - windows.before_s <= WINDOWS_MAX_S)
    )
    return Windows(at_s, now_active, windows.last_s, windows.last_active), second
