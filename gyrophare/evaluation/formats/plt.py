"""GeoLife's tracks: six lines of head, then latitude, longitude, 0, altitude in feet, days, date and time in UTC."""

from __future__ import annotations

from pathlib import Path

from gyrophare.evaluation.recording import BadLineError, Reading, Recording, instant, lines, place

_HEAD_LINES = 6
_FIELDS = 7


def read(path: Path) -> Recording:
    """The track tells no accuracies and no speeds."""
    reading = Reading(path)
    for line_number, line in lines(path):
        if line_number <= _HEAD_LINES:
            continue
        fields = line.split(",")
        try:
            if len(fields) != _FIELDS:
                raise BadLineError(f"{len(fields)} fields; expected lat,lon,0,altitude,days,date,time")
            reading.note(instant(f"{fields[5]}T{fields[6]}"), position=place(fields[0], fields[1]))
        except BadLineError as error:
            reading.refuse(line_number, error)
    return reading.recorded()
