"""Reading one object of a device leniently: a bad field is unknown and noted, and never holds back the rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from gyrophare.kernel.errors import WireError
from gyrophare.kernel.geo import Position
from gyrophare.kernel.observations import Doubt, Fix, Observation
from ingest.formats import Decoded, Refusal, extra, fields, read_json

MESSAGES_MAX = 500
T = TypeVar("T")


class Reading:
    """The fields of `source`, in units of ours, and what was wrong with them."""

    __slots__ = ("_doubts", "refusals", "source")

    def __init__(self, source: Mapping[str, Any]) -> None:
        self.source = source
        self.refusals: list[Refusal] = []
        self._doubts: list[Doubt] = []

    @property
    def doubts(self) -> tuple[Doubt, ...]:
        """Everything doubted so far, each once."""
        return tuple(dict.fromkeys((*(Doubt(refusal.reason) for refusal in self.refusals), *self._doubts)))

    def doubt(self, doubt: Doubt, *, when: bool = True) -> None:
        """Note a doubt that refuses nothing."""
        if when:
            self._doubts.append(doubt)

    def refuse(self, reason: Doubt, detail: str) -> None:
        """Note a part that cannot be used."""
        self.refusals.append(Refusal(reason=reason, detail=detail))

    def lenient(self, read: Callable[[], T]) -> T | None:
        """What `read` finds, or None, noted, when it raises WireError."""
        try:
            return read()
        except WireError as error:
            self.refusals.append(Refusal(reason=error.reason, detail=error.detail))
            return None

    def number(self, key: str, *, low: float, high: float, unknown: float | None = None) -> float | None:
        """As `fields.number`."""
        return self.lenient(lambda: fields.number(self.source, key, low=low, high=high, unknown=unknown))

    def count(self, key: str, *, high: int) -> int | None:
        """A whole number from 0 on; -1 is unknown."""
        found = self.number(key, low=0, high=high, unknown=-1)
        return None if found is None else int(found)

    def instant(self, key: str) -> datetime | None:
        """As `fields.instant`."""
        return self.lenient(lambda: fields.instant(self.source.get(key), key))

    def position(self, latitude_key: str, longitude_key: str) -> Position | None:
        """As `fields.position`."""
        return self.lenient(lambda: fields.position(self.source, latitude_key, longitude_key))

    def text(self, key: str) -> str:
        """The text at `key`; empty when it is none."""
        value = self.source.get(key)
        return value if isinstance(value, str) else ""

    def part(self, key: str) -> Reading:
        """The object at `key`, an empty one when it is absent; what is wrong in it is noted here."""
        value = self.source.get(key)
        if value is not None and not isinstance(value, dict):
            self.refuse(Doubt.MALFORMED, f"{key} is a {type(value).__name__}; expected an object")
        inner = Reading(value if isinstance(value, dict) else {})
        inner.refusals, inner._doubts = self.refusals, self._doubts
        return inner

    def fix(
        self,
        fixed_at: datetime | None,
        place: Position | None,
        *,
        accuracy_m: float | None,
        speed_mps: float | None,
        course_deg: float | None,
        altitude_m: float | None,
    ) -> Fix | None:
        """A fix, or None where its time or place is unknown, noted unless it has neither."""
        if fixed_at is None or place is None:
            if (fixed_at is not None or place is not None) and not self.refusals:
                self.refuse(Doubt.BAD_FIX, "a fix needs its time, a latitude and a longitude")
            return None
        return Fix(
            fixed_at=fixed_at,
            position=place,
            accuracy_m=accuracy_m,
            speed_mps=speed_mps,
            course_deg=course_deg,
            altitude_m=altitude_m,
        )

    def rest(self, known: frozenset[str], **parts: Mapping[str, Any]) -> dict[str, Any] | None:
        """What else the source holds, as it can be stored, or None when nothing.

        `parts` are what is left of its objects, by their keys.
        """
        found = {**self.source, **parts}
        kept, doubts = extra({key: value for key, value in found.items() if value not in (None, {}, [])}, known)
        self._doubts += doubts
        return kept

    def without(self, known: frozenset[str]) -> dict[str, Any]:
        """What the source holds at other keys than these."""
        return {key: value for key, value in self.source.items() if key not in known and value is not None}


def decode_each(body: bytes, decode: Callable[[Mapping[str, Any], list[Refusal]], list[Observation]]) -> Decoded:
    """Decode the object of a message, or each of its array of up to 500, where a bad one is refused alone.

    `decode` appends what it refuses to the list it is given. Raise WireError as it does for a single object.
    """
    value = read_json(body)
    refusals: list[Refusal] = []
    if not isinstance(value, list):
        return Decoded(observations=tuple(decode(an_object(value), refusals)), refusals=tuple(refusals))
    if len(value) > MESSAGES_MAX:
        raise WireError("too_many_reports", f"{len(value)} in one message; expected at most {MESSAGES_MAX}")
    observations: list[Observation] = []
    for item in value:
        try:
            observations += decode(an_object(item), refusals)
        except WireError as error:
            refusals.append(Refusal(reason=error.reason, detail=error.detail))
    return Decoded(observations=tuple(observations), refusals=tuple(refusals))


def an_object(value: Any, name: str = "message") -> Mapping[str, Any]:
    """`value`, which is a JSON object. Raise WireError when it is none."""
    if not isinstance(value, dict):
        raise WireError("malformed", f"{name} is a {type(value).__name__}; expected an object")
    return value


def place_and_time(fix: Fix | None) -> tuple[object, ...]:
    """What tells a fix from another of the same device, for a message's key."""
    return () if fix is None else (fix.fixed_at, fix.position.latitude_deg, fix.position.longitude_deg)
