"""How much is sent to whom, and which second messages wait for it."""

from gyrophare.platform.migrations.plain_sql import run_beside

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_beside(__file__)
