"""Shifts from the watch, the console and a plan, with pauses; and whether anybody would hear an alarm."""

from gyrophare.platform.migrations.plain_sql import run_beside

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_beside(__file__)
