"""The one home of time. Everything else is handed a Clock, so that tests move it instead of waiting."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Where a process gets the time from."""

    def now(self) -> datetime:
        """The instant, aware UTC."""
        ...

    def monotonic_s(self) -> float:
        """Seconds that never go back, for durations only."""
        ...


class SystemClock:
    """The machine's clocks."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic_s(self) -> float:
        return time.monotonic()


class ManualClock:
    """A clock that stands still until it is moved: for tests and replays."""

    def __init__(self, at: datetime) -> None:
        if at.tzinfo is None:
            raise ValueError(f"the start of a clock must be an aware instant, got the naive {at.isoformat()}")
        self._now = at.astimezone(UTC)
        self._monotonic_s = 0.0

    def now(self) -> datetime:
        return self._now

    def monotonic_s(self) -> float:
        return self._monotonic_s

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass on both clocks."""
        self._now += timedelta(seconds=seconds)
        self._monotonic_s += seconds

    def set(self, at: datetime) -> None:
        """Set the wall clock, as an administrator or NTP would; the monotonic clock does not notice."""
        self._now = at.astimezone(UTC)
