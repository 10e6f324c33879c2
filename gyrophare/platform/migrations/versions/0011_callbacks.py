"""What the SMS provider says of our messages, and what contacts answer by them."""

from gyrophare.platform.migrations.plain_sql import run_beside

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_beside(__file__)
