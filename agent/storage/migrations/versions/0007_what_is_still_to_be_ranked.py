"""which incidents no known error was looked for by words yet, so that a restart does not forget them"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("incident", sa.Column("to_rank", sa.Boolean(), nullable=False, server_default=sa.false()))
    # the release before forgot what it had not come to: what is open without a known error is looked at once more
    op.execute(
        "UPDATE incident SET to_rank = TRUE WHERE known_errors = '[]' AND state IN ('new', 'sales_decision', "
        "'assigned', 'in_progress', 'pending_customer', 'pending_vendor', 'pending_change')"
    )
