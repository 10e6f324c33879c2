"""Reports in any order: what it takes to follow a watch's fixes once more when one was overtaken."""

from gyrophare.platform.migrations.plain_sql import run_beside

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_beside(__file__)
