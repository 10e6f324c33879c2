"""TimescaleDB: motion lies in days like the fixes, and goes with them."""

from gyrophare.platform.migrations.plain_sql import run_beside

revision = "t003"
down_revision = "t002"
branch_labels = None
depends_on = ("0007",)


def upgrade() -> None:
    run_beside(__file__)
