"""Who is on call in which role, and when."""

from gyrophare.platform.migrations.plain_sql import run_beside

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_beside(__file__)
