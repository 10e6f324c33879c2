"""Colleagues near an alert are told by their watches, and may answer."""

from gyrophare.platform.migrations.plain_sql import run_beside

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_beside(__file__)
