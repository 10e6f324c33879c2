"""Several escalation policies, each of some kinds of alerts, with steps that say in words whom they tell."""

from gyrophare.platform.migrations.plain_sql import run_beside

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_beside(__file__)
