"""which incidents no known error was looked for by words yet, so that a restart does not forget them"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("incident", sa.Column("to_rank", sa.Boolean(), nullable=False, server_default=sa.false()))
