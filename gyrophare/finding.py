"""What the doctor says of one thing it looked at."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing looked at."""

    name: str
    verdict: Literal["ok", "warning", "fault"]
    found: str
    do: str = ""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)
