"""which incidents said last that a known error helped or failed, in the order in which they said it"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("known_error_tally", sa.Column("said", sa.Text(), nullable=False, server_default="[]"))
