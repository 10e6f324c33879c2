"""What a rule is handed and what it answers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum

from gyrophare.kernel.geo import Position
from gyrophare.kernel.values import value
from lone_worker.areas import Area
from lone_worker.profiles import Profile
from lone_worker.stillness import WatchState


class Danger(StrEnum):
    """What a rule finds, beside stillness."""

    CHECK_MISSED = "check_missed"
    OVERRUN = "overrun"
    LEFT_AREA = "left_area"
    SIGNAL_LOST = "signal_lost"
    LOW_BATTERY = "low_battery"
    NOT_WORN = "not_worn"
    GNSS_LOST = "gnss_lost"
    CLOCK_UNSAFE = "clock_unsafe"
    RESTARTED = "restarted"
    LONG_PAUSE = "long_pause"


@value
class Facts:
    """All that is known of one watch on shift."""

    state: WatchState
    planned_end_at: datetime | None = None
    area: Area | None = None
    """Where the mission is; None: anywhere."""
    position: Position | None = None
    positioned_at: datetime | None = None
    """By the clock of the receiver."""
    battery_pct: float | None = None
    clock_skew_s: float | None = None
    """How far the watch's clock is off; None while it is right."""
    white_zone_s: int | None = None
    """How long one may be silent in the declared white zone that lies here; None where there is none."""
    restarted_at: datetime | None = None
    """When the watch last began anew in this shift; None: it has not."""
    help_since_at: datetime | None = None
    """Since when an alarm of this wearer is open."""

    @property
    def profile(self) -> Profile:
        """The limits of this shift."""
        return self.state.profile

    @property
    def paused(self) -> bool:
        """Whether the wearer has a break."""
        return self.state.memory.paused_at is not None


@value
class Finding:
    """A danger that comes at `due_at`, or has come. Of one `since_at` somebody is told once."""

    danger: Danger
    since_at: datetime
    due_at: datetime
    notice_at: datetime | None = None
    """When the wearer is asked before anybody else is told."""


Rule = Callable[[Facts, datetime], Finding | None]
"""What threatens, given the facts and the time; None: nothing. It may lie in the future."""
