"""What gpsd recorded of a receiver: the TPV lines of a `.chk` file. Such receivers lie at rest on a desk or a roof."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from gyrophare.evaluation.recording import BadLineError, Reading, Recording, instant, lines, number, place

_HEAD = '{"class":"TPV"'
_FIX_2D = 2
# A receiver without a fix tells the time of its own clock, which may never have been set: believed when it goes on.
_WITHOUT_FIX_MAX = timedelta(hours=1)


def read(path: Path) -> Recording:
    """The recording begins with its first fix. Without a fix time passes, as far as the receiver tells a likely one."""
    reading = Reading(path, at_rest=True)
    last_at: datetime | None = None
    for line_number, line in lines(path):
        if not line.replace(" ", "").startswith(_HEAD):
            continue
        try:
            said = json.loads(line)
            fixed = said.get("mode", 0) >= _FIX_2D and "lat" in said and "lon" in said
            if "time" not in said or (not fixed and last_at is None):
                continue
            at = instant(said["time"])
            if not fixed and last_at is not None and not last_at < at <= last_at + _WITHOUT_FIX_MAX:
                continue
            if last_at is not None and at < last_at:
                raise BadLineError(f"time = {said['time']!r}; expected none before that of the line above")
            _note(reading, at, said, fixed=fixed)
            last_at = at
        except (ValueError, AttributeError, TypeError) as error:
            reading.refuse(line_number, error)
    return reading.recorded()


def _note(reading: Reading, at: datetime, said: dict[str, Any], *, fixed: bool) -> None:
    if not fixed:
        reading.note(at)
        return
    reading.note(
        at,
        position=place(said["lat"], said["lon"]),
        accuracy_m=number(said["eph"], "eph", 0, 1e7) if "eph" in said else None,
        speed_mps=number(said["speed"], "speed", 0, 1e5) if "speed" in said else None,
    )
