"""Night comes slowly: a picture that grows dark at once is that of a covered lens."""

from __future__ import annotations

from collections import deque

DARK = 45.0
"""Mean brightness, 0 to 255, below which little is to be seen but lamps."""
_DECIDE_S = 5.0  # no lamp and no passing shadow
_BEFORE_S = 60.0
_AT_ONCE = 1.5  # times as bright within the last minute


class Darkness:
    """Told the mean brightness again and again, says whether it is night."""

    def __init__(self) -> None:
        self._night: bool | None = None
        self._lately: deque[tuple[float, float]] = deque()
        self._bright_from_s: float | None = None
        self._dark_from_s: float | None = None
        self._decided = False  # for as long as it stays dark

    def is_night(self, at_s: float, brightness: float, *, road_seen: bool) -> bool:
        """Of a moment not before the last one. Night ends when the road is seen again: headlights that shine into the
        lens make the picture as bright as a day, and show nothing."""
        self._lately.append((at_s, brightness))
        while at_s - self._lately[0][0] > _BEFORE_S:
            self._lately.popleft()
        dark = brightness < DARK or (bool(self._night) and not road_seen)
        if self._night is None:  # begun in the dark: nothing says that it was ever bright
            self._night = self._decided = dark = brightness < DARK
        if dark:
            self._bright_from_s = None
            self._dark_from_s = at_s if self._dark_from_s is None else self._dark_from_s
            if not self._decided and at_s - self._dark_from_s >= _DECIDE_S:
                self._night = max(before for _, before in self._lately) < _AT_ONCE * brightness
                self._decided = self._night or not road_seen  # a cloud at dusk is neither
        else:
            self._dark_from_s = None
            self._bright_from_s = at_s if self._bright_from_s is None else self._bright_from_s
            if not self._night or at_s - self._bright_from_s >= _DECIDE_S:
                self._night = self._decided = False
        return self._night
