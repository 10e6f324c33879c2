"""A message that never arrived says why."""

from gyrophare.platform.migrations.plain_sql import run_beside

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_beside(__file__)
