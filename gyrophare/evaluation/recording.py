"""A recorded track: what a device said, in the order of its clock, and what its reader could not use."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

from gyrophare.kernel.errors import GyrophareError
from gyrophare.kernel.geo import Position
from gyrophare.kernel.observations import Activity, Event, Fix, Observation, Report, Sender, Wire
from gyrophare.kernel.values import value

_SENDER = Sender(Wire.NATIVE, "recorded")
_SHOWN = 60  # characters of a bad value
_SURELY_MILLISECONDS = 100_000_000_000  # as seconds: the year 5138
# A fraction of a second may have any number of digits.
_FRACTION = re.compile(r"(?<=:\d\d)[.,](\d{1,6})\d*")


class RecordingError(GyrophareError):
    """A file cannot be read at all; the text says what was expected in it."""


class BadLineError(ValueError):
    """One line of a file cannot be used; the text says why, and the reader goes on."""


@value
class Recording:
    """One file."""

    path: Path
    observations: tuple[Observation, ...]
    """In order of their reception, which is when they were made: a recording tells of no delay."""
    bad_lines: tuple[str, ...] = ()
    at_rest: bool = False
    """Whether recordings of this format are of receivers that lay at rest from the first line to the last."""


def parts(recording: Recording, silence_s: float) -> list[Recording]:
    """The recording cut where nothing is heard for longer than that: a device that was off is no wearer at rest."""
    heard = recording.observations
    if not heard:
        return []
    silent = [
        n for n, (a, b) in enumerate(pairwise(heard), 1) if (b.received_at - a.received_at).total_seconds() > silence_s
    ]
    return [replace(recording, observations=heard[a:b]) for a, b in pairwise([0, *silent, len(heard)])]


@dataclass(slots=True)
class Reading:
    """The file while it is read: one for each reader."""

    path: Path
    at_rest: bool = False
    observations: list[Observation] = field(default_factory=list)
    bad_lines: list[str] = field(default_factory=list)

    def note(
        self,
        at: datetime,
        *,
        position: Position | None = None,
        accuracy_m: float | None = None,
        speed_mps: float | None = None,
        steps: int | None = None,
        activity_mg: float | None = None,
        activity: Activity | None = None,
    ) -> None:
        """Add what the device said at an instant, heard at that same instant."""
        fix = None
        if position is not None:
            fix = Fix(fixed_at=at, position=position, accuracy_m=accuracy_m, speed_mps=speed_mps)
        report = Report(
            sender=_SENDER,
            received_at=at,
            sent_at=at,
            sequence=None,
            message_key=len(self.observations),
            fix=fix,
            steps=steps,
            activity_mg=activity_mg,
            activity=activity,
        )
        self.observations.append(report)

    def refuse(self, number: int, error: Exception) -> None:
        """Go on behind a line that cannot be used."""
        self.bad_lines.append(f"{self.path.name}, line {number}: {error}")

    def recorded(self) -> Recording:
        return Recording(
            path=self.path,
            observations=tuple(sorted(self.observations, key=_heard_at)),
            bad_lines=tuple(self.bad_lines),
            at_rest=self.at_rest,
        )


def lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines that hold something, with their numbers; what is no UTF-8 in them is replaced."""
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                yield number, line.strip()


def number(said: object, name: str, low: float, high: float) -> float:
    """Raise BadLineError when it is no number within these bounds."""
    try:
        found = float(str(said))
    except ValueError:
        found = float("nan")
    if not low <= found <= high:
        raise BadLineError(f"{name} = {str(said)[:_SHOWN]!r}; expected a number from {low:g} to {high:g}")
    return found


def place(latitude_deg: object, longitude_deg: object) -> Position:
    """Raise BadLineError when it is no place on Earth."""
    return Position(number(latitude_deg, "lat", -90, 90), number(longitude_deg, "lon", -180, 180))


def instant(said: object) -> datetime:
    """An instant as ISO 8601, which is UTC if it names no zone, or as seconds or milliseconds since 1970.

    Raise BadLineError when it is none.
    """
    text = str(said).strip()
    try:
        try:
            since_1970 = float(text)
        except ValueError:
            at = datetime.fromisoformat(_FRACTION.sub(lambda found: f".{found[1]:<06}", text.replace("/", "-")))
            return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
        return datetime.fromtimestamp(since_1970 / (1_000 if since_1970 > _SURELY_MILLISECONDS else 1), UTC)
    except (ValueError, OverflowError, OSError):
        expected = "expected ISO 8601, or seconds or milliseconds since 1970"
        raise BadLineError(f"time = {text[:_SHOWN]!r}; {expected}") from None


def _heard_at(seen: Report | Event) -> datetime:
    return seen.received_at
