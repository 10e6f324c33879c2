"""The one home of time. Everything else is handed a Clock, so that tests move it instead of waiting."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

FOLLOWED_MAX_S = 60.0
_SLEW = 0.0005  # 0.09 s in three minutes; what NTP allows itself
_MONOTONIC = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # the latter stands still while the machine sleeps


def instant_text(at: datetime) -> str:
    """As the wire writes it: UTC, milliseconds, Z."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Clock(Protocol):
    """Where a process gets the time from."""

    def now(self) -> datetime:
        """The instant, aware UTC."""
        ...

    def monotonic_s(self) -> float:
        """Seconds that never go back, for durations only."""
        ...


class SystemClock:
    """The machine's clocks. The monotonic one goes on while the machine sleeps: so do those we watch over."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic_s(self) -> float:
        return time.clock_gettime(_MONOTONIC)


class SteadyClock:
    """The machine's wall clock as it was at the start, carried on by its monotonic one: nobody can push it.

    A machine's clock that is less than `FOLLOWED_MAX_S` away is approached as slowly as NTP slews, in both directions;
    one that is further away, by nothing but a restart (ADR 12).
    """

    def __init__(self, machine: Clock) -> None:
        self._machine = machine
        self._started_at = machine.now()
        self._started_s = self._looked_s = machine.monotonic_s()
        self._correction_s = 0.0

    def now(self) -> datetime:
        monotonic_s = self._machine.monotonic_s()
        passed_s, self._looked_s = monotonic_s - self._looked_s, monotonic_s
        drift_s = (self._machine.now() - self._at(monotonic_s)).total_seconds()
        if abs(drift_s) <= FOLLOWED_MAX_S:
            most_s = passed_s * _SLEW
            self._correction_s += max(-most_s, min(drift_s, most_s))
        return self._at(monotonic_s)

    def monotonic_s(self) -> float:
        return self._machine.monotonic_s()

    def drift_s(self) -> float:
        """How far ahead of us the machine's clock is, in seconds; negative: behind."""
        return (self._machine.now() - self.now()).total_seconds()

    def not_before(self, at: datetime) -> float:
        """Go on from `at` if that is still to come; return the seconds gone ahead, 0 mostly."""
        ahead_s = max(0.0, (at - self.now()).total_seconds())
        self._correction_s += ahead_s
        return ahead_s

    def _at(self, monotonic_s: float) -> datetime:
        return self._started_at + timedelta(seconds=monotonic_s - self._started_s + self._correction_s)


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
