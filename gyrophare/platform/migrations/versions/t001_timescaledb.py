"""TimescaleDB: chunks, compression, retention and the trail aggregate. Applied where the extension is there."""

from gyrophare.platform.migrations.plain_sql import run_beside

revision = "t001"
down_revision = None
branch_labels = ("timescaledb",)
depends_on = ("0001",)


def upgrade() -> None:
    run_beside(__file__)
