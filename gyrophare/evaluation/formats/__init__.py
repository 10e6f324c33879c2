"""The formats of recordings, one a file: a path in, a recording out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from gyrophare.evaluation.formats import csv_rows, gpsd, gpx, native, plt
from gyrophare.evaluation.recording import Recording, RecordingError


class Format(StrEnum):
    """How a track was recorded."""

    NATIVE = "native"
    GPSD = "gpsd"
    PLT = "plt"
    GPX = "gpx"
    CSV = "csv"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reader:
    suffixes: tuple[str, ...]
    read: Callable[[Path], Recording]


_READERS: Mapping[Format, _Reader] = {
    Format.NATIVE: _Reader(suffixes=(".jsonl", ".json"), read=native.read),
    Format.GPSD: _Reader(suffixes=(".chk",), read=gpsd.read),
    Format.PLT: _Reader(suffixes=(".plt",), read=plt.read),
    Format.GPX: _Reader(suffixes=(".gpx",), read=gpx.read),
    Format.CSV: _Reader(suffixes=(".csv",), read=csv_rows.read),
}


def files(paths: list[Path], format_: Format) -> list[Path]:
    """The files of these paths; of a folder, and the folders in it, those with a suffix of the format.

    Raise RecordingError when a path is not there, or there is nothing in it.
    """
    found: list[Path] = []
    suffixes = _READERS[format_].suffixes
    for path in paths:
        if path.is_dir():
            some = sorted(_with_suffix(path, suffixes))
            if not some:
                raise RecordingError(f"{path} holds no file named *{' or *'.join(suffixes)}. Is --format right?")
            found += some
        elif path.is_file():
            found.append(path)
        else:
            raise RecordingError(f"{path} is not there. Give files, or folders that hold them.")
    return list(dict.fromkeys(found))


def read(path: Path, format_: Format) -> Recording:
    """Raise RecordingError when the file cannot be opened, or its head says that it is something else."""
    try:
        return _READERS[format_].read(path)
    except OSError as error:
        raise RecordingError(f"{path} cannot be read: {error.strerror}. Is it yours to read?") from None


def _with_suffix(folder: Path, suffixes: tuple[str, ...]) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.suffix.lower() in suffixes and path.is_file())
