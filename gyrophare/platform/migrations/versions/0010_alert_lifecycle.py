"""An alert is closed by a human, lapses when nobody acts, and belongs to an incident."""

from gyrophare.platform.migrations.plain_sql import run_beside

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_beside(__file__)
