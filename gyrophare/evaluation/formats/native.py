"""What a watch of ours said, a message a line: reports, arrays of reports, events, by the decoders of the wire."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from gyrophare.evaluation.recording import BadLineError, Reading, Recording, instant, lines
from gyrophare.kernel.errors import WireError
from gyrophare.kernel.observations import Sender, Wire
from ingest.formats.native import decode_event, decode_reports

_SENDER = Sender(Wire.NATIVE, "recorded")


def read(path: Path) -> Recording:
    """Each was heard when it says `received_at`, and else when it was sent or its fix was measured.

    A file that is one array of messages, over many lines, is read as well.
    """
    reading = Reading(path)
    for line_number, message in _messages(path, reading):
        try:
            if not isinstance(message, dict):
                raise BadLineError(f"{type(message).__name__}; expected an object or an array of them")
            _take(reading, message)
        except (BadLineError, WireError) as error:
            reading.refuse(line_number, error)
    return reading.recorded()


def _messages(path: Path, reading: Reading) -> Iterator[tuple[int, Any]]:
    try:
        whole = json.loads(path.read_text(encoding="utf-8-sig", errors="replace"))
    except (ValueError, RecursionError):
        whole = None
    if whole is not None:
        yield from ((1, message) for message in (whole if isinstance(whole, list) else [whole]))
        return
    for line_number, line in lines(path):
        try:
            message = json.loads(line)
        except (ValueError, RecursionError) as error:
            reading.refuse(line_number, error)
            continue
        yield from ((line_number, one) for one in (message if isinstance(message, list) else [message]))


def _take(reading: Reading, message: dict[str, Any]) -> None:
    fix = message.get("fix")
    said = [message.pop("received_at", None), message.get("sent_at"), message.get("occurred_at")]
    said.append(fix.get("fixed_at") if isinstance(fix, dict) else None)
    at = next((instant(one) for one in said if one is not None), None)
    if at is None:
        raise BadLineError(
            "no received_at, sent_at, occurred_at or fixed_at; expected one, or nobody knows when it was"
        )
    decode = decode_event if "kind" in message else decode_reports
    decoded = decode(json.dumps(message).encode(), _SENDER, at)
    for seen in decoded.observations:
        reading.observations.append(replace(seen, received_at=at))
    if decoded.refusals:
        raise BadLineError("; ".join(f"{one.reason}: {one.detail}" for one in decoded.refusals))
