"""Ingest at full depth: credentials, what a report says besides its position, clocks, and repetitions told apart."""

from gyrophare.platform.migrations.plain_sql import run_beside

revision = "0002"
down_revision = "0001"
branch_labels = None


def upgrade() -> None:
    run_beside(__file__)
