"""Servers also say which targets they know by name: a step to another one tells nobody."""

from gyrophare.platform.migrations.plain_sql import run_beside

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_beside(__file__)
