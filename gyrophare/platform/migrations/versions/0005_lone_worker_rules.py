"""Profiles copied into shifts, pre-alarms, the other alarms, the protection of each agent, and our own hearing."""

from gyrophare.platform.migrations.plain_sql import run_beside

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_beside(__file__)
