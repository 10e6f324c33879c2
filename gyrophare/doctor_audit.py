"""What the doctor says of the proof: whether what happens to alerts is sealed soon after."""

from __future__ import annotations

import psycopg
from psycopg.rows import DictRow

from gyrophare.finding import Finding
from gyrophare.platform import sql

QUERIES = sql.load(__file__, "doctor.sql")
_UNSEALED_MAX_S = 60.0  # the sealer writes each second


def sealed(connection: psycopg.Connection[DictRow]) -> Finding:
    """Whether an event waits for its seal: until then nothing would show that it was changed."""
    [row] = connection.execute(QUERIES["unsealed_events"]).fetchall()
    if row["oldest_s"] is None or row["oldest_s"] <= _UNSEALED_MAX_S:
        return Finding(name="audit", verdict="ok", found=f"{row['events']} events without a seal, none for a minute")
    return Finding(
        name="audit",
        verdict="fault",
        found=f"{row['events']} events have no seal, the oldest since {row['oldest_s']:.0f} s: nothing proves them",
        do="start `gyrophare serve`, read its log for 'seal', then `gyrophare audit verify`",
    )
