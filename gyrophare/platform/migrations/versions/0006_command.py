"""Commands to watches with their delivery, and whether the answer to an alarm has reached the wearer."""

from gyrophare.platform.migrations.plain_sql import run_beside

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_beside(__file__)
