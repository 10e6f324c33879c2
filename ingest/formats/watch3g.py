"""The frames of the 4G SOS watches sold under a hundred names: `[3G*<id>*<length>*<type>,<field>,…]`, over TCP.

A position (UD live, UD2 out of a buffer, AL an alarm, WT with a question for the weather) is `ddmmyy,hhmmss,A|V,
latitude,N|S,longitude,E|W,km/h,course,altitude,satellites,gsm,battery,steps,rolls,status`, then cells and Wi-Fi, whose
names are the neighbours' and are not kept. LK is a heartbeat. Pulse, temperature, voice and pictures come too: of these
only the sign of life is used, for health is nobody's business here.

The status word has one bit for each alarm, and several may be set: each is an event, the SOS first. Nothing in this
protocol proves who speaks, so each observation says so. Field table: 49 recorded frames of Traccar's decoder test.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from gyrophare.kernel.errors import WireError
from gyrophare.kernel.geo import Position
from gyrophare.kernel.observations import Doubt, Event, EventKind, Fix, Report, Sender, Wire
from ingest.formats import Decoded, Lane, Route, message_key
from ingest.formats.fields import gnss_instant, instant, number, position, same_identity
from ingest.formats.reading import Reading
from ingest.formats.watch3g_frame import Frame, parse

_FIELDS = (
    "date", "time", "valid", "latitude", "north", "longitude", "east", "speed", "course", "altitude", "satellites",
    "gsm", "battery", "steps", "rolls", "status",
)  # fmt: skip
_ALARMS = (
    (EventKind.SOS, (16,)),
    (EventKind.FALL, (21, 22)),
    (EventKind.REMOVED, (20,)),
    (EventKind.LOW_BATTERY, (0, 17)),
    (EventKind.POWER_CUT, (14,)),
    (EventKind.GEOFENCE_LEAVE, (1, 18)),
    (EventKind.GEOFENCE_ENTER, (2, 19)),
)
_UNNAMED_ALARMS = range(23, 32)  # the upper half are alarms, whatever these may mean
_MOVING = 4
_TYPE = re.compile(r"[0-9A-Za-z_]{1,20}")
_STATUS = re.compile(r"[0-9A-Fa-f]{1,8}")
_MPS_PER_KMH = 1 / 3.6
_STEPS_MAX = 2_000_000_000

Said = Mapping[str, str | None]
"""A frame's fields by their names; what is empty is unknown."""


def decode(body: bytes, sender: Sender, received_at: datetime) -> Decoded:
    """One frame. Raise WireError when it cannot be read: it may have been an SOS."""
    frame = parse(body)
    same_identity(frame.id.decode("ascii"), sender.name, "the frame's id")
    kind = frame.type
    if not _TYPE.fullmatch(kind):
        raise WireError("malformed", f"{kind[:20]!r} is no type; expected UD, AL, LK or another word")
    if kind.startswith(("UD", "AL", "WT")):
        return _position(frame, sender, received_at)
    said: Said = {}
    if kind == "LK":
        fields = _texts(frame)
        said = dict(zip(("steps", "rolls", "battery"), fields, strict=False)) if len(fields) >= 3 else {}
    reading = Reading(said)
    report = _report(frame, reading, sender, received_at, key=message_key(frame.content, received_at))
    return Decoded(observations=(report,), refusals=tuple(reading.refusals))


def _position(frame: Frame, sender: Sender, received_at: datetime) -> Decoded:
    fields = _texts(frame)
    if len(fields) < len(_FIELDS):
        raise WireError("malformed", f"{len(fields)} fields; expected {len(_FIELDS)} up to the status word")
    said: Said = dict(zip(_FIELDS, fields, strict=False))
    status = _status(said)
    buffered = frame.type.startswith("UD2")
    reading = Reading(said)
    sent_at = _clock(said, received_at)
    reading.doubt(Doubt.CLOCK_NOT_SET, when=sent_at is None)
    # Without a clock an SOS of today may look like one of last month: then it is never taken for a repetition.
    identity = (*fields[: len(_FIELDS)], *(() if sent_at else (received_at,)))
    report = _report(
        frame,
        reading,
        sender,
        received_at,
        key=message_key(*identity),
        sent_at=sent_at,
        fix=_fix(said, sent_at or (None if buffered else received_at), reading),
        status=status,
        buffered=buffered,
    )
    events = [
        Event(
            sender=sender,
            kind=kind,
            received_at=received_at,
            occurred_at=sent_at,
            sequence=None,
            message_key=message_key(kind, alarm, *identity),
            fix=report.fix,
            battery_pct=report.battery_pct,
            doubts=report.doubts,
            detail={"alarm": alarm, "type": frame.type},
        )
        for kind, alarm in _alarms(frame.type, status)
    ]
    return Decoded(observations=(*events, report), refusals=tuple(reading.refusals))


def _alarms(kind: str, status: int) -> list[tuple[EventKind, str]]:
    """Every alarm of a status word, the gravest first, and the bits that say so."""

    def bits(which: tuple[int, ...] | range) -> list[int]:
        return [bit for bit in which if status >> bit & 1]

    found = [(event, f"bit {' and '.join(map(str, those))}") for event, which in _ALARMS if (those := bits(which))]
    found += [(EventKind.DEVICE_ALARM, f"bit {bit}") for bit in bits(_UNNAMED_ALARMS)]
    if kind.startswith("AL") and not found:  # the watch calls for someone and does not say why
        found.append((EventKind.SOS, "an alarm without a bit"))
    return found


def _report(
    frame: Frame,
    reading: Reading,
    sender: Sender,
    received_at: datetime,
    *,
    key: int,
    sent_at: datetime | None = None,
    fix: Fix | None = None,
    status: int | None = None,
    buffered: bool = False,
) -> Report:
    steps = reading.count("steps", high=_STEPS_MAX)
    battery_pct = reading.number("battery", low=0, high=100)
    more: dict[str, str | int | bool] = {"type": frame.type}
    for name in ("satellites", "gsm", "rolls"):
        count = reading.text(name)
        if count.isascii() and count.isdigit() and len(count) < 10:
            more[name] = int(count)
    if status is not None:
        more |= {"status": f"{status:08x}", "moving": bool(status >> _MOVING & 1)}
    reading.doubt(Doubt.UNAUTHENTICATED)
    return Report(
        sender=sender,
        received_at=received_at,
        sent_at=sent_at,
        sequence=None,
        message_key=key,
        fix=fix,
        steps_total=steps,
        battery_pct=battery_pct,
        buffered=buffered,
        doubts=reading.doubts,
        extra=more,
    )


def _fix(said: Said, fixed_at: datetime | None, reading: Reading) -> Fix | None:
    """The fix at `fixed_at`. Without a valid one the watch tells a place from cells, or its last one, or 0/0."""
    valid = said["valid"] == "A"
    place = reading.lenient(lambda: _place(said, valid=valid))
    if place is None or fixed_at is None:
        return None
    if not valid:  # speed, course and altitude are not measured then
        reading.doubt(Doubt.NETWORK_POSITION)
        return Fix(fixed_at=fixed_at, position=place)
    speed_kmh = reading.number("speed", low=0, high=700)
    return Fix(
        fixed_at=fixed_at,
        position=place,
        speed_mps=None if speed_kmh is None else speed_kmh * _MPS_PER_KMH,
        course_deg=reading.number("course", low=0, high=360),
        altitude_m=reading.number("altitude", low=-500, high=20_000),
    )


def _place(said: Said, *, valid: bool) -> Position | None:
    """The place. Degrees come with a sign and a letter: without the letter it may be on either half of the Earth."""
    degrees = {
        "latitude": number(said, "latitude", low=-90, high=90),
        "longitude": number(said, "longitude", low=-180, high=180),
    }
    if not valid and not any(degrees.values()):
        return None
    for key, letter_key, letters in (("latitude", "north", "NS"), ("longitude", "east", "EW")):
        value, letter = degrees[key], said[letter_key]
        if value and letter not in tuple(letters):
            raise WireError("bad_fix", f"{letter_key} = {str(letter)[:20]!r}; expected {' or '.join(letters)}")
        if value and letter == letters[1]:
            degrees[key] = -abs(value)
    return position(degrees, "latitude", "longitude")


def _clock(said: Said, received_at: datetime) -> datetime | None:
    """The watch's time, or None when its clock is not set: it starts on a first of January of some past year."""
    day, time = said["date"] or "", said["time"] or ""
    try:
        if len(day) != 6 or len(time) != 6:
            return None
        at = datetime.strptime(f"{day} {time}", "%d%m%y %H%M%S").replace(tzinfo=UTC)
        if (at.day, at.month) == (1, 1) and at.year < received_at.year:
            return None
        return (gnss_instant if said["valid"] == "A" else instant)(at.isoformat(), "date")
    except (ValueError, WireError):
        return None


def _status(said: Said) -> int:
    status = said["status"] or ""
    if not _STATUS.fullmatch(status):
        raise WireError("bad_field", f"status = {status[:20]!r}; expected the hexadecimal word that holds the alarms")
    return int(status, 16)


def _texts(frame: Frame) -> list[str | None]:
    """The fields behind the type. What is empty is unknown."""
    fields = frame.content.decode("ascii", "replace").split(",")[1:]
    return [field.strip() or None for field in fields]


ROUTES = (
    # These topics exist in our own process only, see `ingest.gateways`: at the broker nobody may claim to be a watch.
    Route(
        wire=Wire.WATCH3G,
        lane=Lane.EVENTS,
        filters=(),
        pattern=re.compile(r"watch3g/(?P<name>[^/]+)"),
        decode=decode,
        may_be_sos=True,
    ),
)
