"""Every message that a provider took comes to an end, and its text is forgotten there."""

from gyrophare.platform.migrations.plain_sql import run_beside

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_beside(__file__)
