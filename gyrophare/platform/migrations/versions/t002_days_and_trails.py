"""TimescaleDB: a day goes without a lock on `device`, late data reach their trail, nothing outlives 60 days (ADR 7)."""

from gyrophare.platform.migrations.plain_sql import run_beside

revision = "t002"
down_revision = "t001"
branch_labels = None
depends_on = ("0004",)


def upgrade() -> None:
    run_beside(__file__)
