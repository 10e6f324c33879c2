"""Motion: what a report without a position tells of the body, and where its wearer is as one text."""

from gyrophare.platform.migrations.plain_sql import run_beside

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_beside(__file__)
