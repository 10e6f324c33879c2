"""A stream of bytes from a 4G SOS watch, split into its frames. Pure; holds a bounded part of it.

A frame ends where its length says so, if a bracket stands there: names of Wi-Fi networks may hold brackets too. Lengths
that lie are met in the field, so without one the first closing bracket ends it: an alarm must not wait for bytes that
never come, and what matters stands before the names.
"""

from __future__ import annotations

from ingest.formats.watch3g_frame import FRAME_MAX_BYTES, HEADER


class Splitter:
    """Give it what comes, in whatever pieces."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._skipping = False
        self.noise_bytes = 0
        """What stood between frames since the last one."""

    @property
    def within_frame(self) -> bool:
        """Whether a frame has begun and not ended."""
        return bool(self._held) or self._skipping

    def feed(self, data: bytes) -> list[bytes]:
        """The frames that `data` completes. Of one that is too long, only the beginning."""
        self._held += data
        frames: list[bytes] = []
        while self._find_start() and (end := self._end()) is not None:
            frames.append(bytes(self._held[:end])[:FRAME_MAX_BYTES])
            del self._held[:end]
            self.noise_bytes = 0
        if len(self._held) > FRAME_MAX_BYTES:
            frames.append(bytes(self._held[:FRAME_MAX_BYTES]))
            self._held.clear()
            self._skipping = True
        return frames

    def _find_start(self) -> bool:
        """Drop what stands before the next frame; whether there is one."""
        if self._skipping:
            end = self._held.find(b"]")
            self._skipping = end < 0
            del self._held[: len(self._held) if end < 0 else end + 1]
        start = self._held.find(b"[")
        noise = len(self._held) if start < 0 else start
        if not self._skipping:
            self.noise_bytes += noise
        del self._held[:noise]
        return start >= 0

    def _end(self) -> int | None:
        """Where the frame at the beginning ends, or None when it has not come yet."""
        head = HEADER.match(self._held)
        if head is not None:
            said = head.end() + int(head["length"], 16)
            if self._held[said : said + 1] == b"]":
                return said + 1
        end = self._held.find(b"]")
        # Where a frame begins within a frame, the first one was cut off.
        limit = len(self._held) if end < 0 else end
        inner = HEADER.search(self._held, 1, limit)
        if inner is not None:
            return inner.start()
        return None if end < 0 else end + 1
