"""What every request of a console meets: whose page asks, and how it is answered and refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

CONSOLE_HEADER = "X-Gyrophare"  # a foreign page cannot send it without our consent


def same_origin(request: web.Request) -> bool:
    """Whether the page that asks is our own. Programs that are no browser send no Origin."""
    origin = request.headers.get("Origin")
    return origin is None or urlsplit(origin).netloc == request.host


def foreign(request: web.Request, *, writes: bool = False) -> web.Response | None:
    """The refusal of a page that is not ours; what `writes` must carry our header too."""
    if not same_origin(request):
        return refusal(403, "Requête refusée", "la page de la console", "Ouvrez la console sur cette machine.")
    if writes and CONSOLE_HEADER not in request.headers:
        return refusal(403, "Requête refusée", f"en-tête {CONSOLE_HEADER}", "Rechargez la page de la console.")
    return None


def answer(status: int, value: dict[str, Any]) -> web.Response:
    return web.json_response(value, status=status, dumps=lambda found: json.dumps(found, ensure_ascii=False))


def refusal(status: int, what: str, expected: str, do: str) -> web.Response:
    """What is, what was expected, what to do."""
    return answer(status, {"error": {"what": what, "expected": expected, "do": do}})


def instant(text: object) -> datetime | None:
    """An instant in UTC; None when `text` is none, or has no zone."""
    try:
        at = datetime.fromisoformat(text if isinstance(text, str) else "")
        return at.astimezone(UTC) if at.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None
