"""what an alert came of and in which group it was told, so that a restart changes nothing of it"""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("alert", sa.Column("latest_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True))
    op.add_column("episode", sa.Column("placed_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True))
    op.add_column("episode", sa.Column("group_key", sqlmodel.sql.sqltypes.AutoString(), nullable=True))
    op.add_column("episode", sa.Column("parent", sqlmodel.sql.sqltypes.AutoString(), nullable=True))
    op.add_column("episode", sa.Column("weight", sa.Float(), nullable=True))
    op.add_column("incident", sa.Column("together", sa.Text(), nullable=True))
