"""How a revision runs the SQL file that stands beside it."""

from __future__ import annotations

from pathlib import Path

from alembic import op


def run_beside(revision_file: str) -> None:
    """Execute `<name>.sql` beside `<name>.py`, statement by statement on the server, in the revision's transaction."""
    sql = Path(revision_file).with_suffix(".sql").read_text(encoding="utf-8")
    connection = op.get_bind().connection.driver_connection
    if connection is None:
        raise RuntimeError("Alembic gave a revision no database connection; run it with `gyrophare migrate`")
    connection.execute(sql)
