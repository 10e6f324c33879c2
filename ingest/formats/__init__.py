"""One file a format: bytes in, observations out. Pure; nothing here knows a socket or a database."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from typing import Any

from gyrophare.kernel.errors import WireError
from gyrophare.kernel.observations import Observation

BODY_MAX_BYTES = 1_000_000
_DEPTH_MAX = 20


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


def read_json(body: bytes) -> Any:
    """The JSON value of a message body. Raise WireError naming what is wrong with it."""
    if len(body) > BODY_MAX_BYTES:
        raise WireError("oversized", f"{len(body)} bytes; expected at most {BODY_MAX_BYTES}")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise WireError("not_utf8", f"byte {error.start} is not UTF-8") from None
    try:
        return json.loads(text)  # NaN passes here, so that only the field that holds it is refused
    except RecursionError:
        raise WireError("malformed", "nested too deeply") from None
    except ValueError as error:
        raise WireError("malformed", f"not JSON: {error}") from None


def message_key(*parts: object) -> int:
    """64 bits that identify a message by `parts`: a signed integer as PostgreSQL's bigint holds it."""
    digest = hashlib.blake2b("\x1f".join(str(part) for part in parts).encode("utf-8", "replace"), digest_size=8)
    return int.from_bytes(digest.digest(), signed=True)


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
