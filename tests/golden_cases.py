"""Golden cases: the raw body a device sent, and beside it what we must understand of it.

A case is two files in `tests/golden/<wire>/`: `<case>.payload`, the bytes exactly as they come, and
`<case>.expected.json` with `topic`, `received_at`, and either `observations` (as `canonical` writes them) with
`refusals` (their reasons), or `error` (the reason of the WireError). `"key": "unrepeatable"` says that nothing in the
message tells it from a second one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from gyrophare.kernel.errors import WireError
from gyrophare.kernel.observations import Observation
from ingest import topics
from ingest.formats import Decoded

GOLDEN = Path(__file__).parent / "golden"
PAYLOAD, EXPECTED = ".payload", ".expected.json"
_KEYS = frozenset({"topic", "received_at", "observations", "refusals", "error", "key"})
_LEFT_OUT = frozenset({"received_at", "message_key"})  # the harness looks at them for every case


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One golden case."""

    wire: str
    name: str
    body: bytes
    topic: str
    received_at: datetime
    outcome: Mapping[str, Any]
    """As `outcome` writes it."""
    repeatable: bool
    """Whether a repetition of the message, however late, can be told from a second one."""

    def __str__(self) -> str:
        return f"{self.wire}/{self.name}"

    def decode(self, body: bytes | None = None) -> Decoded:
        """What the decoder of the case's topic makes of the body, or of another one. Raise WireError as it does."""
        address = topics.parse(self.topic)
        return address.route.read(self.body if body is None else body, address.sender, self.received_at)


def names(suffix: str) -> set[str]:
    """The cases, `<wire>/<case>`, that have a file which ends in `suffix`."""
    return {str(path.relative_to(GOLDEN)).removesuffix(suffix) for path in GOLDEN.glob(f"*/*{suffix}")}


def load() -> list[Case]:
    """Every case that has both its files."""
    return [_load(name) for name in sorted(names(PAYLOAD) & names(EXPECTED))]


def _load(name: str) -> Case:
    expected = json.loads((GOLDEN / f"{name}{EXPECTED}").read_text())
    if unknown := expected.keys() - _KEYS:
        raise ValueError(f"{name}{EXPECTED} has {sorted(unknown)}; expected keys of {sorted(_KEYS)}")
    wire, case = name.split("/")
    return Case(
        wire=wire,
        name=case,
        body=(GOLDEN / f"{name}{PAYLOAD}").read_bytes(),
        topic=expected["topic"],
        received_at=datetime.fromisoformat(expected["received_at"]),
        outcome={key: expected[key] for key in ("observations", "refusals", "error") if key in expected},
        repeatable=expected.get("key") != "unrepeatable",
    )


def outcome(case: Case) -> dict[str, Any]:
    """What the decoder makes of a case, in the words of its expected file."""
    try:
        decoded = case.decode()
    except WireError as refused:
        return {"error": refused.reason}
    return {
        "observations": [canonical(seen) for seen in decoded.observations],
        "refusals": [refusal.reason for refusal in decoded.refusals],
    }


def canonical(seen: Observation) -> dict[str, Any]:
    """An observation as JSON: what is unknown, empty or false is left out, instants are ISO 8601, 0 stays 0."""
    return {"is": type(seen).__name__, **_plain(seen)}


def _plain(value: Any) -> Any:
    """Of `extra` and `detail` nothing is left out: they are the device's own words."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, float):
        return round(value, 9)
    if is_dataclass(value):
        named = {field.name: getattr(value, field.name) for field in fields(value) if field.name not in _LEFT_OUT}
        return {key: _plain(inner) for key, inner in named.items() if not _is_empty(inner)}
    if hasattr(value, "_asdict"):
        return value._asdict()
    if isinstance(value, tuple):
        return [_plain(inner) for inner in value]
    return value


def _is_empty(value: object) -> bool:
    return value is None or value is False or (isinstance(value, str | tuple | dict) and not value)
