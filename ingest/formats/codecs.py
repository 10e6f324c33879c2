"""From a LoRaWAN codec's object to fields of ours, by a table: where in it stands what, in which unit. Pure.

Each codec gives its uplinks as an object of its own words; the tables of the devices are in `lorawan.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from gyrophare.kernel.errors import WireError
from gyrophare.kernel.observations import EventKind
from ingest.formats import storable
from ingest.formats.fields import gnss_instant, number, short

_DEPTH_MAX = 5
_MS_MIN, _MS_MAX = 10**11, 10**14  # an epoch in between is in milliseconds
_WORD_MAX = 60
# Of an alarm that no word defines, everything else means that it is raised: rather once too often.
_PLAIN_NO = frozenset({"", "0", "0.0", "false", "off", "no", "none", "null", "normal", "inactive", "idle", "ok"})
_DAY = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")
_TIME = re.compile(r"(\d{1,2}):(\d{1,2}):(\d{1,2})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A number of ours. `paths` are dotted keys, of which the first that is there counts; ours = theirs x `scale`."""

    paths: tuple[str, ...]
    low: float
    high: float
    scale: float = 1.0
    unknown: tuple[float, ...] = ()

    def read(self, said: Mapping[str, Any]) -> float | None:
        """The number in our unit. Raise WireError as `fields.number` does."""
        for path in self.paths:
            found = number({path: at(said, path)}, path, low=self.low / self.scale, high=self.high / self.scale)
            if found is not None:
                return None if found in self.unknown else found * self.scale
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """What in an object is an event, under which of `paths`. `words`: the values that mean it; None: any but a no."""

    kind: EventKind
    paths: tuple[str, ...]
    words: frozenset[str] | None = None

    def raised(self, said: Mapping[str, Any]) -> str | None:
        """The path where it stands and the word that means it, or None."""
        for path in self.paths:
            for word in _leaves(at(said, path)):
                if word in self.words if self.words is not None else word not in _PLAIN_NO:
                    return f"{path} = {storable(word)}"[:_WORD_MAX]
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One device's table. `names`: parts of the device profile's name, in lower case; `alarms`: the gravest first."""

    names: tuple[str, ...]
    alarms: tuple[Alarm, ...] = ()
    latitude_deg: Number | None = None
    longitude_deg: Number | None = None
    accuracy_m: Number | None = None
    speed_mps: Number | None = None
    course_deg: Number | None = None
    altitude_m: Number | None = None
    battery_pct: Number | None = None
    steps_total: Number | None = None
    fix_age_s: Number | None = None
    """Seconds from the fix to the uplink."""
    fixed_at: tuple[str, ...] = ()
    """An instant: ISO 8601, epoch seconds or milliseconds."""
    fixed_on: tuple[str, str] | None = None
    """A date and a time apart, in UTC: 2026-1-14 and 7:42:3."""
    buffered_ports: frozenset[int] = frozenset()
    """LoRaWAN ports by which past measurements come."""
    measurements: tuple[str, str, str] | None = None
    """Where an object is a list of lists of measurements: its path, and the keys of a measurement's name and value."""

    def numbers(self) -> tuple[Number, ...]:
        fields = (
            self.latitude_deg,
            self.longitude_deg,
            self.accuracy_m,
            self.speed_mps,
            self.course_deg,
            self.altitude_m,
            self.battery_pct,
            self.steps_total,
            self.fix_age_s,
        )
        return tuple(field for field in fields if field is not None)

    def flat(self, said: Mapping[str, Any]) -> Mapping[str, Any]:
        """The object, with its measurements by their names where it lists them."""
        if self.measurements is None:
            return said
        where, name_key, value_key = self.measurements
        found: dict[str, Any] = {key: value for key, value in said.items() if key != where}
        groups = at(said, where)
        for group in groups if isinstance(groups, list) else []:
            for item in group if isinstance(group, list) else []:
                if isinstance(item, dict) and isinstance(item.get(name_key), str):
                    name, value = item[name_key], item.get(value_key)
                    before = found.get(name)
                    # Of two groups in one uplink neither may hide the other's SOS.
                    added = value if isinstance(value, list) else [value]
                    found[name] = [*before, *added] if isinstance(before, list) else value
                    if item.get("timestamp"):
                        found["timestamp"] = item["timestamp"]
        return found

    def measured_at(self, said: Mapping[str, Any]) -> datetime | None:
        """When it was measured, where the object says so. Raise WireError when that cannot be read."""
        for path in self.fixed_at:
            value = at(said, path)
            if value:
                if isinstance(value, int | float) and _MS_MIN < value < _MS_MAX:
                    value = value / 1000
                return gnss_instant(value, path)
        if self.fixed_on is None:
            return None
        day, time = (at(said, path) for path in self.fixed_on)
        return _instant_of(day, time) if day and time else None

    def rest(self, said: Mapping[str, Any]) -> dict[str, Any]:
        """What no field of ours holds. What raises alarms stays: the device's own words for it."""
        used = {path for field in self.numbers() for path in field.paths} | {*self.fixed_at, *(self.fixed_on or ())}
        return _without(said, used)


def at(said: Mapping[str, Any], path: str) -> Any:
    """The value at a dotted path, or None."""
    value: Any = said
    for key in path.split("."):
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def _leaves(value: Any, depth: int = _DEPTH_MAX) -> Iterator[str]:
    if isinstance(value, dict | list):
        if depth:
            for inner in value.values() if isinstance(value, dict) else value:
                yield from _leaves(inner, depth - 1)
    elif value is not None:
        yield str(value).strip(" .").casefold()


def _without(said: Mapping[str, Any], paths: set[str]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for key, value in said.items():
        inner = {path.removeprefix(f"{key}.") for path in paths if path.startswith(f"{key}.")}
        if isinstance(value, dict) and inner:
            value = _without(value, inner)
            if not value:
                continue
        elif key in paths:
            continue
        kept[key] = value
    return kept


def _instant_of(day: Any, time: Any) -> datetime | None:
    dated = _DAY.fullmatch(day) if isinstance(day, str) else None
    timed = _TIME.fullmatch(time) if isinstance(time, str) else None
    try:
        if dated is None or timed is None:
            raise ValueError
        found = datetime(*(int(part) for part in (*dated.groups(), *timed.groups())), tzinfo=UTC)  # type: ignore[misc, arg-type]
    except ValueError:
        raise WireError("bad_field", f"{short(day)} {short(time)}; expected 2026-1-14 and 7:42:3") from None
    return gnss_instant(found.isoformat(), "date and time")
