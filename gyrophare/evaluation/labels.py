"""What people wrote down beside a track: start, end and what was done, in GeoLife's form.

A head line, then three fields between tabs (or commas): `2008/03/31 16:00:08  2008/03/31 16:09:01  taxi`, UTC.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from gyrophare.evaluation.recording import BadLineError, RecordingError, instant, lines
from gyrophare.kernel.values import value

STILL = frozenset({"still", "stay", "rest", "immobile"})
_FIELDS = 3


@value
class Label:
    """What somebody did between two instants."""

    start_at: datetime
    end_at: datetime
    what: str

    def holds(self, at: datetime) -> bool:
        return self.start_at <= at <= self.end_at


def read(path: Path) -> list[Label]:
    """Raise RecordingError at a line that cannot be read: a truth with holes is none."""
    found: list[Label] = []
    try:
        numbered = list(lines(path))
    except OSError as error:
        raise RecordingError(f"{path} cannot be read: {error.strerror}. Give a file of labels.") from None
    for number, line in numbered:
        fields = [field.strip() for field in line.split("\t" if "\t" in line else ",")]
        try:
            if len(fields) != _FIELDS:
                raise BadLineError(f"{len(fields)} fields; expected start, end and what was done")
            found.append(Label(start_at=instant(fields[0]), end_at=instant(fields[1]), what=fields[2].lower()))
        except BadLineError as error:
            if number == 1:
                continue  # the head
            raise RecordingError(f"{path}, line {number}: {error}") from None
    return found


def beside(path: Path) -> list[Label]:
    """The labels of a track: `labels.txt` in its folder or the one above, or `x_labels.txt` for `x_….plt`."""
    for folder in (path.parent, path.parent.parent):
        for other in sorted(folder.glob("*labels.txt")):
            if path.name.startswith(other.name.removesuffix("labels.txt")):
                return read(other)
    return []
