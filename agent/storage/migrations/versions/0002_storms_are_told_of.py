"""what a storm has seen, and when whoever holds it hears of it next"""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("incident", sa.Column("digest_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True))
    op.add_column("incident", sa.Column("storming", sa.Text(), nullable=True))
