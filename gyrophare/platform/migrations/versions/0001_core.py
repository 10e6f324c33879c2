"""Everything a department needs, on plain PostgreSQL."""

from gyrophare.platform.migrations.plain_sql import run_beside

revision = "0001"
down_revision = None
branch_labels = ("core",)


def upgrade() -> None:
    run_beside(__file__)
