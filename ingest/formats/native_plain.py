"""Native reports as nearly every watch sends them, read and checked in one go, in a sixth of the time.

Whatever is not plain (an unknown key, a sentinel, a number out of its range, an offset but UTC) is none of ours: the
whole message is then read by `ingest.formats.native`, which says what is wrong with what. Both must agree on all that
is read here; tests/test_native_plain.py compares them.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from msgspec import DecodeError, Meta, Struct
from msgspec.json import Decoder

from gyrophare.kernel.geo import Position
from gyrophare.kernel.observations import Fix, Report, Sender, Sequence
from ingest.formats import BODY_MAX_BYTES, sequence_key

REPORTS_MAX = 500

_Instant = Annotated[datetime, Meta(tz=True)]


class _Fix(Struct, forbid_unknown_fields=True):
    fixed_at: _Instant
    lat: Annotated[float, Meta(ge=-90, le=90)]
    lon: Annotated[float, Meta(ge=-180, le=180)]
    accuracy_m: Annotated[float, Meta(ge=0, le=100_000)] | None = None
    speed_mps: Annotated[float, Meta(ge=0, le=200)] | None = None
    course_deg: Annotated[float, Meta(ge=0, le=360)] | None = None
    altitude_m: Annotated[float, Meta(ge=-500, le=20_000)] | None = None


class _Motion(Struct, forbid_unknown_fields=True):
    steps: Annotated[int, Meta(ge=0, le=100_000)] | None = None
    activity_mg: Annotated[float, Meta(ge=0, le=16_000)] | None = None


class _Report(Struct, forbid_unknown_fields=True):
    boot: Annotated[str, Meta(min_length=1, max_length=64)]
    seq: Annotated[int, Meta(ge=0, le=2**53)]
    sent_at: _Instant | None = None
    fix: _Fix | None = None
    motion: _Motion | None = None
    battery_pct: Annotated[float, Meta(ge=0, le=100)] | None = None
    buffered: bool = False


_NO_MOTION = _Motion()
_one, _many = Decoder(_Report), Decoder(list[_Report])


def read(body: bytes, sender: Sender, received_at: datetime) -> tuple[Report, ...] | None:
    """The reports of a message, or None when it is not plain."""
    # PostgreSQL's real refuses a number as small as 1e-320: whoever writes so is read patiently.
    if len(body) > BODY_MAX_BYTES or b"e-" in body or b"E-" in body or b"0.00000000" in body:
        return None
    try:
        said = _many.decode(body) if body[:1] == b"[" else [_one.decode(body)]
    except (DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if len(said) > REPORTS_MAX or not all(map(_is_plain, said)):
        return None
    return tuple([_report(one, sender, received_at) for one in said])


def _is_plain(said: _Report) -> bool:
    fix = said.fix
    return (
        (said.sent_at is None or _is_dated(said.sent_at))
        and (fix is None or (_is_dated(fix.fixed_at) and not fix.lat == fix.lon == 0))
        and said.boot.isprintable()
    )


def _is_dated(at: datetime) -> bool:
    return at.tzinfo is UTC and 2020 <= at.year < 2100


def _report(said: _Report, sender: Sender, received_at: datetime) -> Report:
    fix, motion = said.fix, said.motion or _NO_MOTION
    sequence = Sequence(boot=said.boot, number=said.seq)
    return Report(
        sender=sender,
        received_at=received_at,
        sent_at=said.sent_at,
        sequence=sequence,
        message_key=sequence_key(sequence),
        fix=None
        if fix is None
        else Fix(
            fixed_at=fix.fixed_at,
            position=Position(fix.lat, fix.lon),
            accuracy_m=fix.accuracy_m,
            speed_mps=fix.speed_mps,
            course_deg=fix.course_deg,
            altitude_m=fix.altitude_m,
        ),
        steps=motion.steps,
        activity_mg=motion.activity_mg,
        battery_pct=said.battery_pct,
        buffered=said.buffered,
    )
