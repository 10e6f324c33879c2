"""One device's nonsense must not take the time of the others: explained at first, then only counted. Pure."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

WINDOW_S = 10.0
EXPLAINED_PER_WINDOW = 20  # of one topic
EXPLAINED_IN_ALL = 1_000  # a rogue may use as many topics as it likes
UNREAD_ABOVE_BYTES = 16 * 1024  # of a flood, bodies above this are not even parsed: a parse costs milliseconds
_TOPICS_MAX = 10_000  # beyond it the oldest flood is forgotten and explained anew


@dataclass(slots=True)
class _Window:
    since_s: float
    refused: int = 0


class Flood:
    """Who sends refused messages, and how many lately. `now_s` is any clock that never goes back."""

    def __init__(self) -> None:
        self._windows: OrderedDict[str, _Window] = OrderedDict()
        self._all = _Window(since_s=0.0)
        self._uncounted: Counter[str] = Counter()

    def goes_on(self, topic: str, now_s: float) -> bool:
        """Whether so much of this topic was refused lately that more need not be explained."""
        window = self._windows.get(topic)
        return window is not None and now_s - window.since_s < WINDOW_S and window.refused >= EXPLAINED_PER_WINDOW

    def refuse(self, topic: str, now_s: float) -> bool:
        """Note a refusal; whether it is one to be explained."""
        window = self._windows.get(topic)
        if window is None:
            window = self._windows[topic] = _Window(since_s=now_s)
            if len(self._windows) > _TOPICS_MAX:
                self._windows.popitem(last=False)
        elif now_s - window.since_s >= WINDOW_S:
            window.since_s, window.refused = now_s, 0
            self._windows.move_to_end(topic)
        if now_s - self._all.since_s >= WINDOW_S:
            self._all = _Window(since_s=now_s)
        window.refused += 1
        self._all.refused += 1
        if window.refused <= EXPLAINED_PER_WINDOW and self._all.refused <= EXPLAINED_IN_ALL:
            return True
        self._uncounted[topic] += 1
        return False

    def take_counts(self) -> Mapping[str, int]:
        """How many refusals of each topic were only counted since the last call."""
        counts, self._uncounted = self._uncounted, Counter()
        return counts
