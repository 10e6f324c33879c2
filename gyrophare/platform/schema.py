"""Which schema a database holds now: somebody may have brought it to a newer one while we run."""

from __future__ import annotations

from gyrophare.platform import sql
from gyrophare.platform.db import Connection

QUERIES = sql.load(__file__, "schema.sql")


async def find_heads(connection: Connection) -> frozenset[str]:
    """The newest revision of each branch."""
    rows = await (await connection.execute(QUERIES["find_heads"])).fetchall()
    return frozenset(row["version_num"] for row in rows)
