"""GPX 1.0 and 1.1: the track points of all segments, whatever wrote them."""

from __future__ import annotations

from pathlib import Path
from xml.parsers import expat

from gyrophare.evaluation.recording import BadLineError, Reading, Recording, instant, number, place

_SPEED, _POINT = "speed", "trkpt"


class _DocumentTypeError(ValueError):
    """A document type may declare entities that grow without end or fetch files; no GPX has one."""


def read(path: Path) -> Recording:
    """A point without a time is a bad line. What stands behind the place where the XML breaks off is not read."""
    reading = Reading(path)
    parser = expat.ParserCreate(namespace_separator=" ")
    points = _Points(reading, parser)
    parser.StartElementHandler, parser.EndElementHandler = points.begin, points.end
    parser.CharacterDataHandler = points.text
    parser.StartDoctypeDeclHandler = _refuse_doctype
    body = path.read_bytes()
    if body.strip():
        try:
            parser.Parse(body, True)
        except (expat.ExpatError, _DocumentTypeError) as error:
            reading.refuse(parser.CurrentLineNumber, error)
    return reading.recorded()


class _Points:
    """The point that is being read."""

    def __init__(self, reading: Reading, parser: expat.XMLParserType) -> None:
        self._reading, self._parser = reading, parser
        self._place: tuple[str, str] | None = None
        self._said: dict[str, str] = {}
        self._field = ""

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        self._field = _local(name)
        if self._field == _POINT:
            self._place, self._said = (attributes.get("lat", ""), attributes.get("lon", "")), {}

    def text(self, data: str) -> None:
        self._said[self._field] = self._said.get(self._field, "") + data

    def end(self, name: str) -> None:
        self._field = ""
        if _local(name) != _POINT or self._place is None:
            return
        try:
            if "time" not in self._said:
                raise BadLineError("a point without <time>; expected when it was")
            speed = self._said.get(_SPEED)
            self._reading.note(
                instant(self._said["time"]),
                position=place(*self._place),
                speed_mps=None if speed is None else number(speed, _SPEED, 0, 1e5),
            )
        except BadLineError as error:
            self._reading.refuse(self._parser.CurrentLineNumber, error)
        self._place = None


def _local(name: str) -> str:
    return name.rpartition(" ")[2]


def _refuse_doctype(*_: object) -> None:
    raise _DocumentTypeError("a document type; expected none in GPX")
