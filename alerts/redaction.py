"""What a text said is forgotten at the provider once nothing more can become of the message: a name, a place, a danger.

Of lowest priority: it never touches a message that may still be sent or looked for by its text. A provider that cannot
forget is asked twice.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from prometheus_client import Counter

from gyrophare.kernel.clock import Clock
from gyrophare.platform import sql
from gyrophare.platform.db import Pool

QUERIES = sql.load(__file__, "redaction.sql")

Redact = Callable[[str], Awaitable[bool]]
"""Has the provider forget the text of one message; False: it does not."""

FIRST_AFTER_S, AGAIN_AFTER_S = 120.0, 3600.0  # after its end, which providers take a minute to believe themselves
AT_ONCE = 10


async def redact_due(pool: Pool, clock: Clock, redact: Redact, redactions: Counter) -> int:
    """Have some of what is due forgotten, one after the other; return how many were tried.

    `redactions` counts by result. Whoever claims one and dies has used up one of its two tries.
    """
    parameters = {
        "now": clock.now(),
        "first_after_s": FIRST_AFTER_S,
        "again_after_s": AGAIN_AFTER_S,
        "most": AT_ONCE,
    }
    async with pool.connection() as connection:
        rows = await (await connection.execute(QUERIES["claim_unredacted"], parameters)).fetchall()
    for row in rows:
        redacted = await redact(row["provider_id"])
        if redacted:
            async with pool.connection() as connection:
                await connection.execute(QUERIES["note_redacted"], {"id": row["id"], "now": clock.now()})
        redactions.labels("redacted" if redacted else "refused").inc()
    return len(rows)
