"""Rows between commas (or semicolons, or tabs) under a head that names them."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from gyrophare.evaluation.recording import (
    BadLineError,
    Reading,
    Recording,
    RecordingError,
    instant,
    lines,
    number,
    place,
)

_EXPECTED = "a first line with time,lat,lon and, if known, accuracy_m,speed_mps,steps,activity_mg"


def read(path: Path) -> Recording:
    """An empty place or accuracy is an unknown one. Raise RecordingError when the head lacks a column."""
    reading = Reading(path)
    numbered = list(lines(path))
    if not numbered:
        return reading.recorded()
    _, head = numbered[0]
    delimiter = max(",;\t", key=head.count)
    names = [name.strip().lower() for name in head.split(delimiter)]
    if missing := {"time", "lat", "lon"} - set(names):
        raise RecordingError(f"{path}, line 1: no column {', '.join(sorted(missing))}. Expected {_EXPECTED}.")
    rows = csv.reader((line for _, line in numbered[1:]), delimiter=delimiter)
    for (line_number, _), row in zip(numbered[1:], rows, strict=False):
        try:
            if len(row) != len(names):
                raise BadLineError(f"{len(row)} fields; expected {len(names)} as in line 1")
            _note(reading, dict(zip(names, row, strict=True)))
        except BadLineError as error:
            reading.refuse(line_number, error)
    return reading.recorded()


def _note(reading: Reading, row: Mapping[str, str]) -> None:
    at = instant(row["time"])
    position = place(row["lat"], row["lon"]) if row["lat"].strip() or row["lon"].strip() else None
    steps = _known(row, "steps", 1e6)
    reading.note(
        at,
        position=position,
        accuracy_m=_known(row, "accuracy_m", 1e7),
        speed_mps=_known(row, "speed_mps", 1e5),
        steps=None if steps is None else int(steps),
        activity_mg=_known(row, "activity_mg", 1e6),
    )


def _known(row: Mapping[str, str], name: str, most: float) -> float | None:
    said = row.get(name, "").strip()
    return number(said, name, 0, most) if said else None
