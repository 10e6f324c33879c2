"""The history of alerts proves itself: append-only, sealed in a chain of hashes."""

from gyrophare.platform.migrations.plain_sql import run_beside

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_beside(__file__)
