"""The history of alerts proves itself: append-only, sealed in a chain of hashes."""

from gyrophare.platform.migrations.plain_sql import run_beside

revision = "0015"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_beside(__file__)
