"""One file a format: bytes in, observations out. Pure; nothing here knows a socket or a database.

A format names its topics as `ROUTES`; `ingest.topics` puts them together.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any

import msgspec

from gyrophare.kernel.errors import WireError
from gyrophare.kernel.observations import Doubt, Observation, Sender, Sequence, Wire

BODY_MAX_BYTES = 1_000_000
EXTRA_MAX_BYTES = 4096
_DEPTH_MAX = 20
_BOOTS_MAX = 200_000  # remembered: some megabytes
_ODD = 0x9E37_79B9_7F4A_7C15  # multiplied by an odd number, different numbers stay different modulo 2^64
# Nobody's business here (GDPR, article 9), however it is written: heartRate, heart_rate, heart-rate.
_HEALTH = frozenset(
    {
        *("heartrate", "hr", "bpm", "hrv", "ecg", "spo2", "bloodoxygen", "oxygensaturation"),
        *("pressurehigh", "pressurelow", "bloodpressure", "bodytemperature", "bodytemp", "bloodsugar"),
    }
)
_WORD_BREAKS = str.maketrans("", "", "_- ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A part of a message that is kept in `rejected`, with the reason."""

    reason: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """What one message holds: what can be used, and what cannot with the reason."""

    observations: tuple[Observation, ...] = ()
    refusals: tuple[Refusal, ...] = ()


Decode = Callable[[bytes, Sender, datetime], Decoded]
"""`(body, sender, received_at) -> Decoded`. Raise WireError when nothing of the message can be used.

`sender` is who the topic names: the device itself, or the gateway that speaks for others; a gateway's format gives each
observation the sender that its payload names.
"""


class Lane(StrEnum):
    """Two lanes, two MQTT sessions: an event never waits behind fixes."""

    EVENTS = "events"
    FIXES = "fixes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Topics that carry one kind of message of one format."""

    wire: Wire
    lane: Lane
    filters: tuple[str, ...]
    """The MQTT subscriptions that bring them."""
    pattern: re.Pattern[str]
    """Matches the whole topic; its group `name` is the sender's name on the wire."""
    decode: Decode
    name_prefix: str = ""
    """Put before the name, where two groups of devices would share names: `vans/`."""
    may_be_sos: bool = False
    """Whether an unreadable body on this topic may have been an SOS, so that somebody must look."""

    def read(self, body: bytes, sender: Sender, received_at: datetime) -> Decoded:
        """Decode. Raise WireError when nothing can be used, also of what is nested too deeply to be quoted."""
        try:
            return self.decode(body, sender, received_at)
        except RecursionError:
            raise WireError("malformed", "nested too deeply") from None


def read_json(body: bytes) -> Any:
    """The JSON value of a message body. Raise WireError naming what is wrong with it."""
    if len(body) > BODY_MAX_BYTES:
        raise WireError("oversized", f"{len(body)} bytes; expected at most {BODY_MAX_BYTES}")
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _read_patiently(body)


def _read_patiently(body: bytes) -> Any:
    """Slower, but NaN passes, so that only the field that holds it is refused, and errors have better words."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise WireError("not_utf8", f"byte {error.start} is not UTF-8") from None
    try:
        return json.loads(text)
    except RecursionError:
        raise WireError("malformed", "nested too deeply") from None
    except ValueError as error:
        raise WireError("malformed", f"not JSON: {error}") from None


@lru_cache(maxsize=_BOOTS_MAX)
def _boot_key(boot: str) -> int:
    return message_key(boot)


def sequence_key(sequence: Sequence) -> int:
    """The message key of what has a sequence: within a boot no two are the same. It costs a third of a hash."""
    mixed = (_boot_key(sequence.boot) + sequence.number * _ODD) & 0xFFFF_FFFF_FFFF_FFFF
    return mixed - (mixed >> 63 << 64)


def message_key(*parts: object) -> int:
    """64 bits that identify a message by `parts`: a signed integer as PostgreSQL's bigint holds it."""
    said = "\x1f".join(map(str, parts)).encode("utf-8", "replace")
    return int.from_bytes(hashlib.blake2b(said, digest_size=8).digest(), signed=True)


def extra(fields: Mapping[str, Any], known: frozenset[str]) -> tuple[dict[str, Any] | None, tuple[Doubt, ...]]:
    """What of `fields` is not `known`, as it can be stored, or None; and the doubt when not all of it can be kept.

    The shortest values are kept first: a picture must not cost the words beside it. Health data is left out.
    """
    if fields.keys() <= known:
        return None, ()
    unknown = _without_health(storable({key: value for key, value in fields.items() if key not in known}))
    if not unknown:
        return None, ()
    if _size(unknown) <= EXTRA_MAX_BYTES:
        return unknown, ()
    kept, room = {}, EXTRA_MAX_BYTES - len("{}")
    for key, value in sorted(unknown.items(), key=lambda item: _size(dict([item]))):
        room -= _size({key: value})
        if room < 0:
            break
        kept[key] = value
    return kept or None, (Doubt.EXTRA_DROPPED,)


def _without_health(value: Any) -> Any:
    match value:
        case dict():
            return {key: _without_health(inner) for key, inner in value.items() if not _is_health(key)}
        case list():
            return [_without_health(inner) for inner in value]
    return value


def _is_health(key: str) -> bool:
    return key.casefold().translate(_WORD_BREAKS) in _HEALTH


def _size(value: Any) -> int:
    return len(json.dumps(value, ensure_ascii=False).encode())


def storable(value: Any, depth: int = _DEPTH_MAX) -> Any:
    """A JSON value as PostgreSQL's jsonb can hold it.

    NUL, halves of surrogate pairs, infinities (1e999 is read as one) and what is nested too deeply are left out: were
    they refused by the database, an SOS would be lost for a note beside it.
    """
    match value:
        case str():
            return value.replace("\0", "").encode("utf-8", "replace").decode()
        case float() if not math.isfinite(value):
            return None
        case dict() | list() if depth == 0:
            return None
        case dict():
            return {storable(key): storable(inner, depth - 1) for key, inner in value.items()}
        case list():
            return [storable(inner, depth - 1) for inner in value]
    return value
