"""The pulse of a periodic step: how long ago it last came to its end, and a wait for the next time."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from gyrophare.kernel.clock import Clock


class Pulse:
    """Told of each turn of the engine; asked by health routes, metrics and the watchdog.

    A turn that failed has ended too: the database may be away, and to start us again would not bring it back. One that
    hangs never ends.
    """

    def __init__(self, clock: Clock, ended: Callable[[], None] = lambda: None) -> None:
        """`ended` is called at the end of each turn, failed or not."""
        self._clock = clock
        self._tell_ended = ended
        self._ended_s = clock.monotonic_s()
        self._succeeded_s = -math.inf
        self._next: asyncio.Future[None] | None = None

    @contextmanager
    def turn(self) -> Iterator[None]:
        """One turn is under way. A cancelled one is none."""
        try:
            yield
        except Exception:
            self._end()
            raise
        self._succeeded_s = self._clock.monotonic_s()
        self._end()
        if self._next is not None:
            self._next.set_result(None)
            self._next = None

    @property
    def ended_age_s(self) -> float:
        """Seconds since the last turn ended, failed or not; since the start before the first."""
        return self._clock.monotonic_s() - self._ended_s

    @property
    def succeeded_age_s(self) -> float:
        """Seconds since a turn last did what it should; infinite before the first."""
        return self._clock.monotonic_s() - self._succeeded_s

    async def next_success(self) -> None:
        """Wait until a turn ends well."""
        if self._next is None:
            self._next = asyncio.get_running_loop().create_future()
        await asyncio.shield(self._next)  # others wait for the same

    def _end(self) -> None:
        self._ended_s = self._clock.monotonic_s()
        self._tell_ended()
