"""What every message touches is lighter: receipts are updated in place, profiles are known by their content."""

from gyrophare.platform.migrations.plain_sql import run_beside

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_beside(__file__)
